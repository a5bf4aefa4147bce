//! Every act against the running kernel: what `k8srd act` tells of its own calls, and what the sensor
//! reports of them, are the same.
//!
//! Skipped, with the reason, where `k8srd doctor` says that live detection does not work; with
//! `K8SRD_REQUIRE_LIVE=1` that is a failure.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a skip says why")]

#[path = "../src/argument.rs"]
mod argument;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8srd_bpf::load::Rung;
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KINDS, KindInfo};
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::pipeline::{PathMatching, Pipeline};
use k8srd_core::set::{KindSet, RuleBits};
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;
use serde_json::{Map, Value, json};

const K8SRD: &str = env!("CARGO_BIN_EXE_k8srd");
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(20);
/// Kinds of calls of which no act is made yet, a line each. It may only get shorter.
const UNACTED: &str = include_str!("../../testdata/unacted_kinds.txt");
/// What of kinds nobody answers yet, a line each, with the reason. Likewise.
const UNANSWERED: &str = include_str!("../../testdata/unanswered_params.txt");

/// `false`: this machine cannot, and that is no failure.
fn live() -> bool {
    let report = Command::new(K8SRD).arg("doctor").output().unwrap();
    if report.status.success() {
        return true;
    }
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    let required = std::env::var_os("K8SRD_REQUIRE_LIVE").is_some_and(|value| value == "1");
    assert!(!required, "live detection is required and does not work:\n{report}");
    println!("skipped: live detection does not work here:\n{report}");
    false
}

#[test]
fn the_sensor_reports_what_acts_tell() {
    if !live() {
        return;
    }
    let mut wrong = String::new();
    let mut gaps = Gaps::listed();
    let mut sensor = Sensor::start();
    for act in acts().iter().filter(|act| act.is_possible) {
        // What the rest of the machine does may fill a ring; that is counted, and no wrong report.
        let mut tries = (0..3).map(|_| compare(&mut sensor, act, &mut gaps));
        let last = tries.find(|(problem, lost)| problem.is_empty() || *lost == 0);
        let problem = last.map_or_else(|| "  lost, three times".into(), |(problem, _)| problem);
        if !problem.is_empty() {
            let _ = writeln!(wrong, "the act {}:\n{problem}", act.name);
        }
    }
    for closed in gaps.closed() {
        let _ = writeln!(wrong, "{closed} is answered: take it out of unanswered_params.txt");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_act_succeeds_and_fails() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: many acts need root");
        return;
    }
    for act in acts().iter().filter(|act| act.is_possible) {
        let problem = wrong_results(act, &perform(act));
        assert!(problem.is_empty(), "the act {}:\n{problem}", act.name);
    }
    let left = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let own = |name: &str| name.strip_prefix("k8srd-act-").map(str::to_owned);
    for name in left.filter_map(|it| own(&it.ok()?.file_name().to_string_lossy())) {
        assert!(std::path::Path::new("/proc").join(&name).exists(), "the folder of {name} is left");
    }
}

#[test]
fn every_produced_kind_has_an_act() {
    let acted: BTreeSet<String> = acts().into_iter().flat_map(|act| act.kinds).collect();
    let (produced, listed) = (BpfSource::kinds(), lines(UNACTED));
    // Calls without an event of their own are told by one row for all.
    let own = KINDS.iter().filter(|info| !info.kind.is_state() && !info.kind.is_call());
    for info in own.filter(|info| produced.contains(info.kind)) {
        let known = acted.contains(&*info.name) || listed.contains(&*info.name);
        assert!(known, "no act is made of {}", info.name);
    }
    for name in listed {
        assert!(!acted.contains(kind(name).name.as_ref()), "take {name} out of unacted_kinds.txt");
    }
}

#[test]
fn every_acted_kind_is_produced() {
    let produced = BpfSource::kinds();
    for act in acts() {
        for name in act.kinds {
            assert!(produced.contains(kind(&name).kind), "the sensor does not produce {name}");
        }
    }
}

/// What is wrong with how its calls ended.
fn wrong_results(act: &Act, told: &[Value]) -> String {
    let results: Vec<_> = told.iter().filter_map(|event| event["result"].as_i64()).collect();
    // The end of a process is no call.
    let is_call = act.kinds.iter().any(|kind| *kind != "procexit");
    let ends = |succeeds: bool| results.iter().any(|it| (*it >= 0) == succeeds);
    if ends(true) == (act.succeeds && is_call) && ends(false) == act.fails {
        return String::new();
    }
    let Act { succeeds, fails, .. } = act;
    format!("  succeeds: {succeeds}, fails: {fails}, but its calls returned {results:?}\n")
}

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn kind(name: &str) -> &'static KindInfo {
    let named = |info: &&KindInfo| info.name == name && !info.kind.is_state();
    KINDS.iter().find(named).unwrap_or_else(|| panic!("no kind {name}"))
}

/// A row of the table of acts.
struct Act {
    name: String,
    kinds: Vec<String>,
    is_possible: bool,
    succeeds: bool,
    fails: bool,
}

fn acts() -> Vec<Act> {
    let text = k8srd(&["act", "--list", "--json"]);
    let flag = |row: &Value, name: &str| row[name].as_bool().unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| Act {
        name: row["name"].as_str().unwrap().to_owned(),
        kinds: serde_json::from_value(row["kinds"].clone()).unwrap(),
        is_possible: flag(&row, "possible"),
        succeeds: flag(&row, "succeeds"),
        fails: flag(&row, "fails"),
    })
    .collect()
}

/// Does it; what it tells.
fn perform(act: &Act) -> Vec<Value> {
    let text = k8srd(&["act", &act.name, "--json"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn k8srd(args: &[&str]) -> String {
    let output = Command::new(K8SRD).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The sensor as it is, or attached in the way that `K8SRD_RUNG` names.
fn options() -> BpfOptions {
    let mut options = BpfOptions::default();
    if let Ok(name) = std::env::var("K8SRD_RUNG") {
        options.sensor.rung = Some(Rung::named(&name).expect("a rung"));
    }
    options
}

/// One sensor for all acts: each asks it for other kinds.
struct Sensor {
    pipeline: Pipeline,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Sensor {
    fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let source = BpfSource::load(&options()).expect("the sensor");
        let pipeline = Pipeline::builder(source)
            .enrich(Processes::builder().build())
            .enrich(Containers::default())
            .enrich(SyscallFields::default())
            .matcher(Witness::new(&KindSet::default(), seen.clone()))
            .path_matching(PathMatching::Given)
            .build()
            .expect("a pipeline");
        Self { pipeline, seen }
    }

    /// What an act is, and what was seen from its beginning to the end of its threads.
    fn watch(&mut self, act: &Act) -> (Vec<Value>, Vec<Value>) {
        let kinds = act.kinds.iter().map(|name| kind(name).kind).collect();
        let witness = Witness::new(&kinds, self.seen.clone());
        self.pipeline.reload(vec![Box::new(witness)]).expect("the sensor");
        self.step();
        self.take();
        let told = perform(act);
        let mut seen = Vec::new();
        let start = Instant::now();
        let ended = |seen: &[Value], tid: &Value| {
            seen.iter().any(|event| event["tid"] == *tid && event["kind"] == "procexit")
        };
        while !told.iter().all(|event| ended(&seen, &event["tid"])) && start.elapsed() < PATIENCE {
            self.step();
            seen.append(&mut self.take());
        }
        (told, seen)
    }

    fn step(&mut self) {
        self.pipeline.step(STEP, &mut Vec::new()).expect("the sensor");
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lost(&self) -> u64 {
        self.pipeline.losses().total_lost()
    }
}

/// Does it while the sensor watches what it is made of: what is wrong, and how many records were lost.
fn compare(sensor: &mut Sensor, act: &Act, gaps: &mut Gaps) -> (String, u64) {
    let before = sensor.lost();
    let (told, seen) = sensor.watch(act);
    let lost = sensor.lost() - before;

    let mut wrong = wrong_results(act, &told);
    for (tid, told) in by_thread(told) {
        let of_thread = seen.iter().filter(|event| event["tid"] == tid);
        let mut of_thread: Vec<_> = of_thread.cloned().collect();
        // Before the actor was the actor it was a child of k8srd's, which made calls of its own.
        let is_actor = |event: &Value| {
            event["params"]["filename"].as_str().is_some_and(|name| name.ends_with("/actor"))
        };
        if let Some(begin) = of_thread.iter().position(is_actor) {
            of_thread.drain(..=begin);
        }
        of_thread.retain(|event| act.kinds.iter().any(|kind| event["kind"] == **kind));
        if told.len() != of_thread.len() {
            let _ = writeln!(wrong, "  {} events told, {} seen", told.len(), of_thread.len());
            for event in &of_thread {
                let _ = writeln!(wrong, "    seen {event}");
            }
        }
        for (told, seen) in told.iter().zip(&of_thread) {
            differences(told, seen, gaps, &mut wrong);
        }
    }
    (wrong, lost)
}

fn by_thread(told: Vec<Value>) -> BTreeMap<i64, Vec<Value>> {
    let mut threads: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for event in told {
        threads.entry(event["tid"].as_i64().unwrap()).or_default().push(event);
    }
    threads
}

/// What is told and not seen, or seen otherwise.
fn differences(told: &Value, seen: &Value, gaps: &mut Gaps, wrong: &mut String) {
    let name = told["kind"].as_str().unwrap();
    if told["kind"] != seen["kind"] {
        let _ = writeln!(wrong, "  told {name}, seen {}", seen["kind"]);
        return;
    }
    for (part, prefix) in [("params", ""), ("fd", "fd.")] {
        for (param, truth) in told[part].as_object().into_iter().flatten() {
            let (what, value) = (format!("{name} {prefix}{param}"), &seen[part][param]);
            // No name is an empty one where the type is not known either.
            let unanswered = value.is_null() || (part == "fd" && value == "");
            if value != truth && !(unanswered && gaps.has(&what)) {
                let _ = writeln!(wrong, "  {what} is {truth}, seen {value}");
            }
        }
    }
}

/// What is known to be missing. A wrong answer is none of these.
struct Gaps(BTreeMap<&'static str, bool>);

impl Gaps {
    fn listed() -> Self {
        let what = |line: &'static str| line.split_once(": ").expect("what, and a reason").0;
        Self(lines(UNANSWERED).into_iter().map(|line| (what(line), false)).collect())
    }

    fn has(&mut self, what: &str) -> bool {
        self.0.get_mut(what).map(|was_met| *was_met = true).is_some()
    }

    /// Those that were never met.
    fn closed(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|(_, was_met)| !**was_met).map(|(what, _)| *what)
    }
}

/// Notes what passes.
struct Witness {
    interest: Interest,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Witness {
    fn new(kinds: &KindSet, seen: Arc<Mutex<Vec<Value>>>) -> Self {
        // The actor begins with its exec, and no thread does anything after its end.
        let mut kinds = kinds.clone();
        kinds.extend([EventKind::EXECVE, EventKind::PROCEXIT]);
        let params = kinds.iter().filter_map(KindInfo::of).map(|info| info.params.len()).max();
        let params = (0..u8::try_from(params.unwrap_or_default()).unwrap()).map(Key::param);
        let mut fields: Vec<_> = params.map(|key| key.field()).collect();
        fields.extend([field::EVT_ARG, field::FD_NAME, field::FD_TYPE, field::THREAD_TID]);
        Self { interest: Interest::new(kinds, fields.into_iter().collect()), seen }
    }
}

impl Matcher for Witness {
    fn interest(&self) -> &Interest {
        &self.interest
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        _: Option<&RuleBits>,
        arena: &Arena,
        _: &mut Verdicts,
    ) {
        let info = KindInfo::of(event.kind()).expect("a known kind");
        let get = |id| argument::as_json(event.get(&Key::of(id), arena));
        let params = (0..).zip(info.params.iter()).map(|(place, param)| {
            (param.name.to_owned(), argument::argument(event, place, param, arena))
        });
        let seen = json!({
            "tid": get(field::THREAD_TID),
            "kind": info.name,
            "params": params.collect::<Map<String, Value>>(),
            "fd": { "name": get(field::FD_NAME), "type": get(field::FD_TYPE) },
        });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

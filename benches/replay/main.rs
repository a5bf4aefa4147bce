//! What one event of a capture costs.
//!
//! - `read`: bytes to what the capture holds, nothing else.
//! - `state`: through the enrichers to one rule that reads no field.
//! - `rules`: the same with the shipped rules.
//!
//! Captures: short lives of processes and their opens, as a recorder of k8srd writes them and as
//! sysdig does (without what k8srd records beyond the format); a million events of a machine at
//! work; and what Falco's own tests replay, where `K8SRD_CONFORMANCE` names the folder that has it.
//! Times are CPU time of the thread: they hold on a busy machine. At the end stands the peak of memory of
//! a process that replays the million from a file.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "says how large each capture is")]

#[path = "../cpu_time.rs"]
mod cpu_time;
mod mixed;
#[path = "../records.rs"]
mod records;

use std::fs::File;
use std::io::{BufWriter, Cursor, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use k8srd_capture::{Capture, Item, Reader, Recorder, RecorderOptions, Writer};
use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::interest::Interest;
use k8srd_core::kind::KINDS;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_core::set::FieldSet;
use k8srd_core::source::{Flow, Source};
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

use crate::cpu_time::CpuTime;
use crate::records::{Records, Replay, lives, opens};

const SHIPPED: &str = include_str!("../../rules/k8srd_rules.yaml");

/// Wants all events, and reads nothing.
const IDLE: &str = "
- rule: Idle
  desc: Shows what it costs to get to the rules
  condition: evt.num = 0
  output: never
  priority: DEBUG
";

/// The whole of a capture, without copies.
#[derive(Clone)]
struct Bytes(Arc<[u8]>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Stages behind the reading.
const RULES: [(&str, &str); 2] = [("state", IDLE), ("rules", SHIPPED)];

/// The file with a million events.
const MIXED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/mixed.scap");

fn replay(c: &mut Criterion<CpuTime>) {
    let rules = RULES.map(|(name, text)| (name, load(text)));
    for (name, capture) in captures() {
        let (events, bytes) = (read(&capture), capture.0.len() as u64);
        println!("{name}: {events} events in {} kB", bytes / 1000);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::ElementsAndBytes { elements: events, bytes });
        if events >= mixed::EVENTS {
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
        }
        group.bench_function("read", |b| b.iter(|| read(&capture)));
        for (name, rules) in &rules {
            group.bench_function(*name, |b| {
                b.iter_batched(
                    || watch(Cursor::new(capture.clone()), rules.clone()),
                    run,
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

fn captures() -> Vec<(String, Bytes)> {
    let mut captures = Vec::new();
    let file = File::create(MIXED).unwrap_or_else(|error| panic!("{MIXED}: {error}"));
    mixed::write(BufWriter::new(file)).expect("there is room for it");
    let mixed = fs::read(MIXED).expect("it was just written");
    captures.push(("mixed".to_owned(), Bytes(mixed.into())));
    for (name, records) in [("opens", opens()), ("lives", lives())] {
        let own = record(records);
        captures.push((format!("{name}, sysdig's"), without_context(&own)));
        captures.push((format!("{name}, own"), own));
    }
    if let Some(folder) = env::var_os("K8SRD_CONFORMANCE") {
        let path = Path::new(&folder).join("captures/container-acts.scap");
        let bytes = fs::read(&path)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        captures.push(("container-acts, Falco's".to_owned(), Bytes(bytes.into())));
    }
    captures
}

/// As `k8srd record` writes it.
fn record(records: Records) -> Bytes {
    let events = records.len() as u64;
    let mut source = Replay::new(records);
    let interest = Interest::new(KINDS.iter().map(|info| info.kind).collect(), FieldSet::default());
    source.subscribe(&interest).expect("it takes any interest");
    let mut recorder = Recorder::new(Writer::new(Vec::new()), RecorderOptions::default());
    let arena = Arena::default();
    let each = &mut |event: &dyn Event| {
        recorder.record(event, &arena).expect("memory takes all");
        ControlFlow::Continue(())
    };
    source.read(Duration::ZERO, each).expect("records made by hand are whole");
    assert_eq!(recorder.counts().events, events);
    Bytes(recorder.finish().expect("memory takes all").into())
}

/// The same as another tool would have written it.
fn without_context(capture: &Bytes) -> Bytes {
    let mut reader = Reader::new(Cursor::new(capture.clone())).expect("a capture");
    let mut writer = Writer::new(Vec::new());
    while let Some(item) = reader.next().expect("a whole capture") {
        if !matches!(item, Item::Context(_) | Item::Omitted(_) | Item::Section) {
            writer.write(&item).expect("memory takes all");
        }
    }
    Bytes(writer.finish().expect("memory takes all").into())
}

/// Reads all, says how many events there are.
fn read(capture: &Bytes) -> u64 {
    let mut reader = Reader::new(Cursor::new(capture.clone())).expect("a capture");
    let mut events = 0;
    while let Some(item) = reader.next().expect("a whole capture") {
        events += u64::from(matches!(std::hint::black_box(item), Item::Event(_)));
    }
    events
}

fn load(text: &str) -> RuleSet {
    let (rules, problems) = Loader::new(&Schema::falco()).add_file("rules.yaml", text).load();
    assert!(!problems.has_errors(), "{}", problems.render());
    rules
}

fn watch(capture: impl Read + Send + 'static, rules: RuleSet) -> Pipeline {
    let plan = Plan::compile(rules, PlanOptions::default());
    Pipeline::builder(Capture::new(capture).expect("a capture"))
        .enrich(Processes::builder().build())
        .enrich(Containers::default())
        .enrich(SyscallFields::builder().descriptors().build())
        .matcher(RuleMatcher::new(plan))
        .build()
        .expect("the rules fit the enrichers")
}

/// To the end of the capture.
fn run(mut pipeline: Pipeline) -> Pipeline {
    let mut alerts = Vec::new();
    while pipeline.step(Duration::ZERO, &mut alerts).expect("a whole capture") != Flow::End {
        alerts.clear();
    }
    // Dropped outside the measurement.
    pipeline
}

/// Set for a process that replays the million once: which rules.
const ONCE: &str = "K8SRD_REPLAY_ONCE";

/// How much memory the replay of a file takes, by rules. Each is a process of its own, since a peak is one
/// of a whole process.
fn peaks() {
    for (name, _) in RULES {
        let program = env::current_exe().expect("a running program has a file");
        let output = Command::new(program).env(ONCE, name).output().expect("it can be run again");
        print!("mixed/{name}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Replays the file with these rules and says what the process took at most.
fn replay_once(name: &str) {
    let rules = RULES.iter().find(|rules| rules.0 == name).map(|rules| load(rules.1));
    let file = File::open(MIXED).expect("it was written before");
    run(watch(file, rules.expect("one of the names")));
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{} at most", peak.expect("the kernel tells it").trim());
}

fn main() {
    if let Ok(name) = env::var(ONCE) {
        return replay_once(&name);
    }
    let mut criterion = Criterion::default().with_measurement(CpuTime).configure_from_args();
    replay(&mut criterion);
    criterion.final_summary();
    peaks();
}

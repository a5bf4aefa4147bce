//! The whole program against the running kernel.
//!
//! Skipped, with the reason, where `k8srd doctor` says that live detection does not work; with
//! `K8SRD_REQUIRE_LIVE=1` that is a failure.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a skip says why")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const K8SRD: &str = env!("CARGO_BIN_EXE_k8srd");
const PATIENCE: Duration = Duration::from_secs(20);

/// One sensor at a time: each has the node's whole ring memory.
static TURN: Mutex<()> = Mutex::new(());

/// `None`: this machine cannot, and that is no failure.
fn live() -> Option<MutexGuard<'static, ()>> {
    static REPORT: OnceLock<Output> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let report = REPORT.get_or_init(|| Command::new(K8SRD).arg("doctor").output().unwrap());
    if report.status.success() {
        return Some(turn);
    }
    let report = shown(report);
    let required = std::env::var_os("K8SRD_REQUIRE_LIVE").is_some_and(|value| value == "1");
    assert!(!required, "live detection is required and does not work:\n{report}");
    println!("skipped: live detection does not work here:\n{report}");
    None
}

#[test]
fn the_demo_finds_every_attack_and_cleans_up() {
    let Some(_turn) = live() else { return };
    let output = Command::new(K8SRD).arg("demo").output().unwrap();
    let text = shown(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a pipe:\n{text}");
    for part in [
        "Unexpected shell in container",
        "Sensitive file read by untrusted program",
        "User database read in container",
        "a name is looked up              (none, as it should be)",
        "Download tool run in container",
        "Dropped program executed in container",
        "The container and its cgroup are gone again.",
        "Everything that should be found was found, and nothing else.",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let cgroup = text.lines().find_map(|line| line.strip_prefix("Cgroup ")).unwrap();
    let demo = Path::new(cgroup).ancestors().find(|path| path.ends_with("k8srd-demo")).unwrap();
    assert!(!demo.exists(), "{} is left", demo.display());
}

#[test]
fn the_demo_cleans_up_when_it_is_stopped() {
    let Some(_turn) = live() else { return };
    let mut demo = Command::new(K8SRD)
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok);
    let cgroup = lines.find_map(|line| line.strip_prefix("Cgroup ").map(str::to_owned)).unwrap();
    signal(&demo, Signal::SIGINT);
    lines.for_each(drop);
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(shown(&output).contains("stopped by a signal"), "{}", shown(&output));
    assert!(!Path::new(&cgroup).exists(), "{cgroup} is left");
}

#[test]
fn an_act_becomes_one_json_line_and_the_account_balances() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let mut run = Run::start(&["--json", "-r", &scene.rules()], &[("FALCO_HOSTNAME", "node7")]);

    cat(&scene.file("secret"));
    let alert = run.alert();
    assert_eq!(alert["rule"], "Secret read");
    assert_eq!(alert["hostname"], "node7");
    assert_eq!(alert["priority"], "Warning");
    assert_eq!(alert["source"], "syscall");
    assert_eq!(alert["tags"], serde_json::json!(["test"]));
    let fields = &alert["output_fields"];
    assert_eq!(fields["fd.name"], scene.file("secret"));
    assert_eq!(fields["proc.name"], "cat");
    assert_eq!(fields["evt.type"], "openat");
    assert!(fields["proc.pid"].is_i64(), "{alert}");
    let output = alert["output"].as_str().unwrap();
    assert!(output.ends_with(&format!(") by openat read {}", scene.file("secret"))), "{output}");

    let (code, summary) = run.stop();
    assert_eq!(code, Some(0), "{summary}");
    for part in ["alerts: 1 raised, 1 delivered, 1 Warning", "\nlost: 0\n", "stream process: "] {
        assert!(summary.contains(part), "{part:?} is not in:\n{summary}");
    }
}

#[test]
fn a_symbolic_link_does_not_evade() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.file("secret"), scene.file("link")).unwrap();

    let mut run = Run::start(&["--json", "-r", &scene.rules()], &[]);
    cat(&scene.file("link"));
    let fields = run.alert()["output_fields"].clone();
    assert_eq!(fields["fd.name"], scene.file("link"), "as the program named it");
    assert_eq!(fields["fd.realpath"], scene.file("secret"), "as the kernel found it");
    run.stop();

    // As Falco judges: by the given name only. The direct read shows that the sensor was watching.
    let options = ["--json", "-r", &scene.rules(), "-o", "path_matching=given"];
    let mut run = Run::start(&options, &[]);
    cat(&scene.file("link"));
    cat(&scene.file("secret"));
    assert_eq!(run.alert()["output_fields"]["fd.name"], scene.file("secret"));
    run.stop();
}

#[test]
fn a_replay_says_what_the_live_run_said() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.file("secret"), scene.file("link")).unwrap();
    let (capture, rules) = (scene.file("trace.scap.gz"), scene.rules());
    let recording = Run::of("record", &["-w", &capture], &[], "recording to ");
    let mut run = Run::start(&["--json", "-r", &rules], &[]);
    cat(&scene.file("secret"));
    cat(&scene.file("link"));
    let said = [run.alert(), run.alert()].map(without_time);
    run.stop();
    let (code, summary) = recording.stop_by(Signal::SIGINT);
    assert_eq!(code, Some(0), "{summary}");
    assert!(summary.contains("lost: 0\n") || summary.ends_with("lost: 0"), "{summary}");
    let mode = fs::metadata(&capture).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner may read it");

    let output = Command::new(K8SRD).args(["replay", &capture, "--json", "-r", &rules]).output();
    let replayed = shown(&output.unwrap());
    let alerts = replayed.lines().map(|line| serde_json::from_str(line).expect(line));
    assert_eq!(alerts.map(without_time).collect::<Vec<_>>(), said);

    let filter = format!("evt.type = openat and fd.name = {}", scene.file("secret"));
    let output = Command::new(K8SRD).args(["events", &capture, "--json", "-f", &filter]).output();
    let events = shown(&output.unwrap());
    let event: Value = serde_json::from_str(events.lines().next().unwrap()).expect(&events);
    assert_eq!(event["process"]["name"], "cat", "{event}");
    assert_eq!(event["args"]["name"], scene.file("secret"), "{event}");
    assert!(event["args"]["fd"].as_i64().unwrap() > 2, "{event}");
}

#[test]
fn a_replay_names_the_rules_that_read_more_than_was_recorded() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let by_env = format!(
        "- rule: Marked\n  desc: A test\n  condition: >\n    evt.type = openat and fd.name = {} and \
         proc.env[K8SRD_TEST] = marked\n  output: marked %proc.name\n  priority: WARNING\n",
        scene.file("secret")
    );
    fs::write(scene.rules(), by_env).unwrap();
    let (plain, with_env, rules) =
        (scene.file("plain.scap"), scene.file("env.scap"), scene.rules());
    let recordings = [
        Run::of("record", &["-w", &plain], &[], "recording to "),
        Run::of("record", &["-w", &with_env, "--with", "env"], &[], "recording to "),
    ];
    let mut run = Run::start(&["--json", "-r", &rules], &[]);
    let marked = Command::new("cat")
        .arg(scene.file("secret"))
        .env("K8SRD_TEST", "marked")
        .stdout(Stdio::null())
        .status();
    assert!(marked.unwrap().success());
    let said = without_time(run.alert());
    run.stop();
    for recording in recordings {
        let (code, summary) = recording.stop();
        assert_eq!(code, Some(0), "{summary}");
    }

    let replay = |capture: &str| {
        let output = Command::new(K8SRD).args(["replay", capture, "--json", "-r", &rules]).output();
        let Output { stdout, stderr, .. } = output.unwrap();
        let lines = String::from_utf8(stdout).unwrap();
        let alerts =
            lines.lines().map(|line| without_time(serde_json::from_str(line).expect(line)));
        (alerts.collect::<Vec<_>>(), String::from_utf8(stderr).unwrap())
    };
    assert_eq!(replay(&with_env), (vec![said], String::new()));
    let named = format!(
        "rule \"Marked\" may judge otherwise than live\n  because its condition reads \
         proc.env[K8SRD_TEST], and {plain} was recorded without environments: record with `k8srd \
         record --with env`\n"
    );
    assert_eq!(replay(&plain), (vec![], named));
}

#[test]
fn all_acts_replay_to_the_alerts_that_they_raised() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let list = shown(&Command::new(K8SRD).args(["act", "--list", "--json"]).output().unwrap());
    let rows = list.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let kinds: BTreeSet<String> = rows
        .flat_map(|mut row| serde_json::from_value::<Vec<String>>(row["kinds"].take()).unwrap())
        .collect();
    let kinds = Vec::from_iter(kinds).join(", ");
    let rule = format!(
        "- rule: Acted\n  desc: A test\n  condition: evt.type in ({kinds}) and proc.name = actor\n  \
         output: \"%evt.type %evt.args %evt.res %fd.name %fd.type %fd.typechar %proc.cmdline \
         %proc.exepath %proc.pid %thread.tid %proc.ppid %proc.cwd %user.uid %group.gid %container.id\"\n  \
         priority: WARNING\n"
    );
    let rules = scene.file("acts.yaml");
    fs::write(&rules, rule).unwrap();
    let capture = scene.file("acts.scap.gz");
    let everything = ["-w", &capture, "--with", "env,buffers,io,routine"];

    // What else runs on the machine makes events, too: more than a ring holds, now and then.
    for _ in 0..3 {
        let recording = Run::of("record", &everything, &[], "recording to ");
        let run = Run::start(&["--json", "-r", &rules], &[]);
        let acts = Command::new(K8SRD).args(["act", "--all"]).output().unwrap();
        assert!(acts.status.success(), "{}", shown(&acts));
        let (alerts, summary) = run.stop_and_read();
        let (_, recorded) = recording.stop();
        let lost = |said: &str| !said.contains("lost: 0\n") && !said.ends_with("lost: 0");
        if lost(&summary) || lost(&recorded) {
            continue;
        }
        let replay =
            Command::new(K8SRD).args(["replay", &capture, "--json", "-r", &rules]).output();
        let replayed = String::from_utf8(replay.unwrap().stdout).unwrap();
        let replayed: Vec<_> = replayed.lines().map(alert_without_time).collect();
        let live: Vec<_> = alerts.iter().map(|line| alert_without_time(line)).collect();
        for (replayed, live) in replayed.iter().zip(&live) {
            assert_eq!(replayed, live);
        }
        assert_eq!(replayed.len(), live.len());
        assert!(live.len() > 300, "{}", live.len());
        return;
    }
    panic!("events were lost three times");
}

#[test]
fn a_recording_says_what_it_cannot_see_and_gives_its_account_where_the_file_is_full() {
    let Some(_turn) = live() else { return };
    let record = |args: &[&str]| {
        let output = Command::new(K8SRD).arg("record").args(args).args(["--for", "1s"]).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = record(&["-w", "/dev/null"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("k8srd: recording to /dev/null"), "{said}");

    let (code, said) = record(&["-w", "/dev/null", "-f", "evt.type = page_fault"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("k8srd: the source produces no event of page_fault;"), "{said}");

    let (code, said) = record(&["-w", "/dev/full"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("\nlost: 0\n"), "{said}");
    assert!(said.ends_with("No space left on device (os error 28)\n"), "{said}");
}

#[test]
fn a_recording_of_some_events_knows_who_did_them() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let (capture, rules) = (scene.file("trace.scap"), scene.rules());
    let filter = format!("evt.type in (open, openat) and fd.name = {}", scene.file("secret"));
    let recording = Run::of("record", &["-w", &capture, "-f", &filter], &[], "recording to ");
    cat(&scene.file("secret"));
    let (code, summary) = recording.stop();
    assert_eq!(code, Some(0), "{summary}");
    assert!(summary.contains("events: 1 recorded, "), "{summary}");

    let output = Command::new(K8SRD).args(["replay", &capture, "--json", "-r", &rules]).output();
    let replayed = shown(&output.unwrap());
    let alert: Value = serde_json::from_str(replayed.trim()).expect(&replayed);
    assert_eq!(alert["output_fields"]["proc.name"], "cat", "{alert}");
    let output = Command::new(K8SRD).args(["events", &capture]).output();
    assert_eq!(shown(&output.unwrap()).lines().count(), 1, "the rest is state");
}

/// An alert but for the moment, which two sensors do not see alike to the nanosecond.
fn alert_without_time(line: &str) -> Value {
    without_time(serde_json::from_str(line).expect(line))
}

fn without_time(mut alert: Value) -> Value {
    alert["time"].take();
    alert["output_fields"]["evt.time"].take();
    let output = alert["output"].as_str().unwrap();
    alert["output"] = output.split_once(": ").unwrap().1.into();
    alert
}

#[test]
fn rules_change_while_no_event_is_missed() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let rules = scene.file("live.yaml");
    let write = |text: &str| {
        let new = scene.file("live.yaml.new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &rules).unwrap();
    };
    let rule = |name: &str| {
        format!(
            "- rule: {name}\n  desc: A test\n  condition: evt.type in (open, openat) and fd.name startswith \
             {} and proc.pname exists\n  output: \"%fd.name\"\n  priority: WARNING\n",
            scene.file("numbered.")
        )
    };
    write(&rule("Old"));
    let mut run = Run::start(&["--json", "-r", &rules], &[]);
    let done = AtomicBool::new(false);
    let (opened, seen) = thread::scope(|scope| {
        let opener = scope.spawn(|| {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                let _ = fs::File::open(scene.file(&format!("numbered.{n}")));
                n += 1;
                thread::sleep(Duration::from_millis(2));
            }
            n
        });
        let mut seen = vec![run.alert()];
        write("- rule: Broken");
        let refused = run.said_until("the rules stay as they were");
        assert!(refused.contains("live.yaml"), "{refused}");
        write(&rule("New"));
        signal(&run.child, Signal::SIGHUP);
        let reloaded = run.said_until("new rules: watching ");
        assert!(!reloaded.contains("stay"), "{reloaded}");
        while seen.last().unwrap()["rule"] != "New" {
            seen.push(run.alert());
        }
        done.store(true, Ordering::Relaxed);
        (opener.join().unwrap(), seen)
    });
    let (rest, summary) = run.stop_and_read();
    let rest = rest.iter().map(|line| serde_json::from_str(line).expect(line));
    let seen: Vec<Value> = seen.into_iter().chain(rest).collect();
    assert!(summary.contains("lost: 0"), "{summary}");
    let names = seen.iter().map(|alert| alert["output_fields"]["fd.name"].as_str().unwrap());
    let expected: Vec<_> = (0..opened).map(|n| scene.file(&format!("numbered.{n}"))).collect();
    assert_eq!(names.collect::<Vec<_>>(), expected, "each once, by the old rule or the new one");
    let rules: Vec<_> = seen.iter().map(|alert| alert["rule"].as_str().unwrap()).collect();
    assert!(rules.is_sorted_by(|a, b| a >= b), "Old, then New: {rules:?}");
}

#[test]
fn text_lines_are_falcos() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let mut run = Run::start(&["-r", &scene.rules(), "-o", "time_format_iso_8601=true"], &[]);
    cat(&scene.file("secret"));
    let line = run.line();
    let (time, rest) = line.split_once(": ").unwrap();
    assert!(rest.starts_with("Warning cat ("), "{line}");
    assert!(rest.ends_with(&format!(") by openat read {}", scene.file("secret"))), "{line}");
    assert_eq!(time.len(), "2026-11-24T15:55:29.644647658+0000".len(), "{time}");
    run.stop();
}

#[test]
fn a_reader_that_goes_away_ends_the_run_and_is_told() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let mut run = Run::start(&["-r", &scene.rules()], &[]);
    cat(&scene.file("secret"));
    run.line();
    drop(std::mem::replace(&mut run.lines, mpsc::channel().1));
    // The thread that reads for us notices with the next line, the program with one of those after.
    let end = Instant::now() + PATIENCE;
    while run.child.try_wait().unwrap().is_none() && Instant::now() < end {
        cat(&scene.file("secret"));
        thread::sleep(Duration::from_millis(50));
    }
    let (code, said) = run.stop();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("standard output was closed by its reader"), "{said}");
    assert!(said.contains("Warning: rejected "), "what was lost is counted:\n{said}");
}

#[test]
fn what_nobody_watched_is_told_by_the_next_start() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let (dir, rules) = (scene.file("state"), scene.rules());
    let state = format!("state_dir={dir}");
    let start = || Run::of("run", &["--json", "-o", &state, "-r", &rules], &[], "watching ");
    let mut first = start();
    cat(&scene.file("secret"));
    assert_eq!(first.alert()["rule"], "Secret read", "the first start has nothing to tell");
    let (_, summary) = first.stop();
    assert!(summary.contains("\nblind: never"), "{summary}");

    let mut gaps = Vec::new();
    for end in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGTERM] {
        let mut run = start();
        let alert = run.alert();
        assert_eq!(alert["rule"], "k8srd internal: blind interval", "{alert}");
        assert_eq!(
            (&alert["source"], &alert["priority"]),
            (&"internal".into(), &"Critical".into())
        );
        let fields = &alert["output_fields"];
        assert_eq!(fields["k8srd.blind.reason"], "agent_down", "{alert}");
        assert_eq!(fields["k8srd.blind.stream"], "agent", "{alert}");
        assert_eq!(fields["k8srd.blind.lost"], Value::Null, "{alert}");
        let nanos = |name: &str| fields[name].as_u64().unwrap();
        gaps.push((nanos("k8srd.blind.first"), nanos("k8srd.blind.last")));
        cat(&scene.file("secret"));
        let judged = run.alert();
        assert_eq!(judged["rule"], "Secret read");
        assert_eq!(judged["output_fields"]["k8srd.blind"], Value::Null, "it is over: {judged}");
        // What was watched is kept each second: a killed program has kept some of it.
        thread::sleep(Duration::from_millis(1500));
        let (_, summary) = run.stop_by(end);
        let told = summary.contains("1 interval: An unknown number of events lost on stream agent");
        assert_eq!(told, end != Signal::SIGKILL, "{summary}");
    }
    assert!(gaps.iter().all(|(first, last)| first < last), "{gaps:?}");
    assert!(gaps.is_sorted_by(|(_, last), (next, _)| last < next), "what was watched is no gap");

    fs::write(format!("{dir}/watched.json"), "{\"form\":").unwrap();
    let args = ["--json", "-o", &state, "-r", &rules];
    let torn = Run::of("run", &args, &[], "does not say up to when was watched");
    let (_, summary) = torn.stop();
    assert!(summary.contains("\nblind: never"), "{summary}");
}

#[test]
fn a_flood_is_told_and_what_matters_more_is_seen_through_it() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let rule = format!(
        "- rule: Connected\n  desc: A test\n  condition: evt.type = connect and fd.sport = {port}\n  \
         output: \"%proc.name\"\n  priority: NOTICE\n"
    );
    fs::write(scene.file("connect.yaml"), rule).unwrap();
    let (rules, connect) = (scene.rules(), scene.file("connect.yaml"));
    // As little as a node of so many CPUs takes.
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let memory = (1 << 20).max((256 << 10) + cpus * (64 << 10)).to_string();
    let options = ["-o", "sensor.shed=[file]", "-o", "state_dir=\"\"", "--ring-memory", &memory];
    let args = [&["--json", "--verbose", "-r", &rules, "-r", &connect], &options[..]].concat();
    let mut run =
        Run::of("run", &args, &[], "dropped on purpose as they fill, in this order: file\n");

    const CONNECTS: usize = 100;
    let flooding = AtomicBool::new(true);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while flooding.load(Ordering::Relaxed) {
                    drop(fs::File::open("/dev/null"));
                }
            });
        }
        for _ in 0..CONNECTS {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(("127.0.0.1", port)).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        flooding.store(false, Ordering::Relaxed);
    });
    let mut alerts = std::iter::repeat_with(|| run.alert());
    // What else the machine does may fill the small ring of the processes, too.
    let blind =
        alerts.find(|alert| alert["output_fields"]["k8srd.blind.stream"] == "data").unwrap();
    let fields = &blind["output_fields"];
    assert_eq!(blind["rule"], "k8srd internal: blind interval");
    assert_eq!(fields["k8srd.blind.reason"], "shed", "{blind}");
    assert_eq!(fields["k8srd.blind.kinds"], serde_json::json!(["open", "openat"]), "{blind}");
    assert!(fields["k8srd.blind.lost"].as_u64().unwrap() > 0, "{blind}");
    let (code, summary) = run.stop();
    assert_eq!(code, Some(0), "{summary}");
    let data = summary.lines().find(|line| line.contains("stream data: ")).expect(&summary);
    assert!(data.contains(" (shed ") && data.contains(": file "), "{summary}");
    assert!(!data.contains("ring_full"), "{summary}");
    assert!(summary.contains(" events lost on stream data (shed) from "), "{summary}");
    assert!(summary.contains(&format!(", {CONNECTS} Notice")), "{summary}");
}

#[test]
fn how_much_of_a_buffer_and_which_calls_are_told_is_configurable() {
    let Some(_turn) = live() else { return };
    let scene = Scene::new();
    let (rules, more, written) = (scene.rules(), scene.file("more.yaml"), scene.file("written"));
    let rule = |name: &str, condition: &str| {
        format!(
            "- rule: {name}\n  desc: A test\n  condition: {condition}\n  output: \"%evt.buffer\"\n  \
             priority: NOTICE\n"
        )
    };
    // The loader of programs protects what it has relocated: from writes, not to execute it.
    let protected = rule("Protected", "evt.type = mprotect and proc.name = cat");
    let condition = format!("evt.type = write and fd.name = {written}");
    fs::write(&more, rule("Written", &condition) + &protected).unwrap();
    let text: String = ('a'..='z').cycle().take(300).collect();

    // What was written, and whether more than executable memory was told, with these options.
    let told = |options: &[&str]| {
        let args = [&["--json", "-r", &rules, "-r", &more], options].concat();
        let mut run = Run::start(&args, &[]);
        fs::write(&written, &text).unwrap();
        cat(&scene.file("secret"));
        let alerts: Vec<_> = std::iter::repeat_with(|| run.alert())
            .take_while(|alert| alert["rule"] != "Secret read")
            .collect();
        let (code, summary) = run.stop();
        assert_eq!(code, Some(0), "{summary}");
        let of = |rule| alerts.iter().filter(move |alert| alert["rule"] == rule);
        let buffers = of("Written").map(|alert| alert["output_fields"]["evt.buffer"].clone());
        (buffers.collect::<Vec<_>>(), of("Protected").count() > 0)
    };
    assert_eq!(told(&[]), (vec![text[..80].into()], false), "as Falco has it");
    let options = ["-o", "sensor.snap_length=200", "-o", "sensor.all_memory_calls=true"];
    assert_eq!(told(&options), (vec![text[..200].into()], true));
    assert_eq!(told(&["-o", "sensor.snap_length=4K"]), (vec![text.as_str().into()], false));
}

/// A file to be read, and a rule for it.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        fs::write(scene.file("secret"), "x").unwrap();
        let rule = format!(
            "- rule: Secret read\n  desc: A test\n  condition: >\n    evt.type in (open, openat) and \
             evt.is_open_read = true and fd.name = {}\n  output: \"%proc.name (%proc.pid) by %evt.type read %fd.name\"\n  \
             priority: WARNING\n  tags: [test]\n",
            scene.file("secret")
        );
        fs::write(scene.file("rules.yaml"), rule).unwrap();
        scene
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn rules(&self) -> String {
        self.file("rules.yaml")
    }
}

/// `k8srd run`, watching.
struct Run {
    child: Child,
    lines: Receiver<String>,
    errors: BufReader<ChildStderr>,
}

impl Run {
    /// One that has nothing to say of when it did not run.
    fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::of("run", &[&["-o", "state_dir=\"\""], args].concat(), env, "watching ")
    }

    /// Another verb, once it has said that it has begun.
    fn of(verb: &str, args: &[&str], env: &[(&str, &str)], begun: &str) -> Self {
        let mut child = Command::new(K8SRD)
            .arg(verb)
            .args(args)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        let mut run = Self { child, lines, errors };
        run.said_until(begun);
        run
    }

    fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("an alert in time")
    }

    /// What it says, until it has said this.
    fn said_until(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            assert_ne!(self.errors.read_line(&mut said).unwrap(), 0, "it ended:\n{said}");
        }
        said
    }

    fn alert(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("a JSON object a line")
    }

    /// Ends it; the exit code and what it said.
    fn stop(self) -> (Option<i32>, String) {
        self.stop_by(Signal::SIGTERM)
    }

    /// Ends it; the lines that nobody read yet, and what it said.
    fn stop_and_read(mut self) -> (Vec<String>, String) {
        let lines = std::mem::replace(&mut self.lines, mpsc::channel().1);
        let (_, said) = self.stop();
        (lines.iter().collect(), said)
    }

    fn stop_by(mut self, by: Signal) -> (Option<i32>, String) {
        if self.child.try_wait().unwrap().is_none() {
            signal(&self.child, by);
        }
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn read_lines(output: ChildStdout) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

fn cat(file: &str) {
    assert!(Command::new("cat").arg(file).stdout(Stdio::null()).status().unwrap().success());
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, signal).unwrap();
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

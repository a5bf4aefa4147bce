//! What a recording lacks on purpose, and what `k8srd replay` and `k8srd events` say of that.
#![forbid(unsafe_code)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use k8srd_capture::{Item, RecordBuf, Recorder, RecorderOptions, Writer};
use k8srd_core::arena::Arena;
use k8srd_core::event::Timestamp;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use crate::program::{code, stderr, stdout};

/// A shell with a variable is executed, writes a word and opens a file.
fn events() -> [TestEvent; 3] {
    let done_by = |event: TestEvent, at: u64| {
        let event = event.at(at).field("ctx.tid", 42_i64).field("ctx.pid", 42_i64);
        event.field("ctx.ppid", 1_i64).field("ctx.start_time", 5_u64)
    };
    let exec = TestEvent::execve()
        .param("res", 0_i64)
        .param("comm", "sh")
        .param("exe", "/bin/sh")
        .param("trusted_exepath", "/bin/sh")
        .param("env", TestValue::strings(["LD_PRELOAD=/tmp/evil.so"]));
    let write = TestEvent::falco("write").param("res", 5_i64).param("fd", 1_i64);
    let write = write.param("size", 5_u64).param("data", &b"hello"[..]);
    let open = TestEvent::openat().param("fd", 3_i64).param("name", "/etc/hosts");
    [done_by(exec, 10), done_by(write, 11), done_by(open, 12)]
}

const NOTHING: RecorderOptions =
    RecorderOptions { env: false, buffers: false, ..RecorderOptions::ALL };
const ENV: RecorderOptions = RecorderOptions { env: true, buffers: false, ..RecorderOptions::ALL };
const BUFFERS: RecorderOptions =
    RecorderOptions { env: false, buffers: true, ..RecorderOptions::ALL };
const ALL: RecorderOptions = RecorderOptions::ALL;

/// A rule by name, its condition and its output.
type Rule<'a> = (&'a str, &'a str, &'a str);

const RULES: &[Rule<'_>] = &[
    ("Preloaded", "evt.type = execve and proc.env[LD_PRELOAD] startswith /tmp", "o"),
    ("Not preloaded", "evt.type = openat and not proc.env contains LD_PRELOAD", "o"),
    ("Executed", "evt.type = execve", "%evt.args"),
    ("Written", "evt.type = write and evt.arg.data = hello", "wrote %evt.buffer"),
    ("Length", "evt.type = write and evt.arg.size = 5 and evt.rawres > 0", "%evt.buflen"),
    ("Opened", "evt.type = openat", "%evt.args %evt.info %evt.arg[0] %evt.buffer"),
    ("Off", "evt.type = execve and proc.env contains x", "%proc.env"),
];

struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        let rule = |(name, condition, output): &Rule<'_>| {
            let enabled = *name != "Off";
            format!(
                "- rule: {name}\n  desc: d\n  condition: {condition}\n  output: \"{output}\"\n  \
                 priority: INFO\n  enabled: {enabled}\n"
            )
        };
        fs::write(scene.file("rules.yaml"), RULES.iter().map(rule).collect::<String>()).unwrap();
        for (name, options) in
            [("nothing", NOTHING), ("env", ENV), ("buffers", BUFFERS), ("all", ALL)]
        {
            let arena = Arena::default();
            let mut recorder = Recorder::new(Writer::new(Vec::new()), options);
            events().iter().for_each(|event| recorder.record(event, &arena).unwrap());
            fs::write(scene.file(name), recorder.finish().unwrap()).unwrap();
        }
        scene
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A capture of these events, as they are.
    fn write(&self, name: &str, events: &[RecordBuf]) {
        let mut writer = Writer::new(Vec::new());
        events.iter().for_each(|event| writer.write(&Item::Event(event.record())).unwrap());
        fs::write(self.file(name), writer.finish().unwrap()).unwrap();
    }

    fn replay(&self, captures: &[&str]) -> Output {
        let captures = captures.iter().map(|name| self.file(name));
        let rules = ["-r".to_owned(), self.file("rules.yaml"), "--json".to_owned()];
        k8srd("replay", captures.chain(rules))
    }

    fn events(&self, captures: &[&str], filter: &[&str]) -> Output {
        let captures = captures.iter().map(|name| self.file(name));
        k8srd("events", captures.chain(filter.iter().map(|&arg| arg.to_owned())))
    }

    /// What is said of a replay, the names of files without their folder.
    fn said(&self, output: &Output) -> String {
        assert_eq!(code(output), 0, "{}", stderr(output));
        self.short(output)
    }

    fn short(&self, output: &Output) -> String {
        let folder: &Path = self.0.path();
        stderr(output).replace(&format!("{}/", folder.display()), "")
    }
}

fn k8srd(verb: &str, args: impl Iterator<Item = String>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_k8srd")).arg(verb).args(args).output().unwrap()
}

fn fired(output: &Output) -> Vec<String> {
    let rule = |line: &str| {
        let alert: serde_json::Value = serde_json::from_str(line).expect(line);
        alert["rule"].as_str().unwrap().to_owned()
    };
    stdout(output).lines().map(rule).collect()
}

#[test]
fn a_replay_names_the_rules_that_read_what_was_left_out() {
    let scene = Scene::new();
    let whole = scene.replay(&["all"]);
    assert_eq!(scene.said(&whole), "");
    let live = ["Preloaded", "Executed", "Written", "Length", "Opened"];
    assert_eq!(fired(&whole), live);

    let without_env = "rule \"Preloaded\" may judge otherwise than live\n  \
         because its condition reads proc.env[LD_PRELOAD], and buffers was recorded without \
         environments: record with `k8srd record --with env`\n\
         rule \"Not preloaded\" may judge otherwise than live\n  \
         because its condition reads proc.env, and buffers was recorded without environments: \
         record with `k8srd record --with env`\n\
         rule \"Executed\" may tell less than live\n  \
         because its output reads evt.args, and buffers was recorded without environments: record \
         with `k8srd record --with env`\n";
    let replayed = scene.replay(&["buffers"]);
    assert_eq!(scene.said(&replayed), without_env);
    assert_eq!(fired(&replayed), ["Executed", "Written", "Length", "Not preloaded", "Opened"]);

    let without_buffers = "rule \"Written\" may judge otherwise than live\n  \
         because its condition reads evt.arg.data, and env was recorded without what is read and \
         written: record with `k8srd record --with buffers`\n  \
         because its output reads evt.buffer, and env was recorded without what is read and \
         written: record with `k8srd record --with buffers`\n";
    let replayed = scene.replay(&["env"]);
    assert_eq!(scene.said(&replayed), without_buffers);
    assert_eq!(fired(&replayed), ["Preloaded", "Executed", "Length", "Opened"]);
}

#[test]
fn all_alerts_that_differ_are_of_rules_that_are_named() {
    let scene = Scene::new();
    let alerts = |capture| {
        let output = scene.replay(&[capture]);
        let lines: Vec<_> = stdout(&output).lines().map(str::to_owned).collect();
        (lines, scene.said(&output))
    };
    let (live, _) = alerts("all");
    for capture in ["nothing", "env", "buffers"] {
        let (replayed, said) = alerts(capture);
        assert!(replayed != live, "{capture}: nothing to name");
        let rest = |lines: &[String]| -> Vec<String> {
            let is_named = |line: &String| {
                let alert: serde_json::Value = serde_json::from_str(line).unwrap();
                said.contains(&format!("rule {} may", alert["rule"]))
            };
            lines.iter().filter(|line| !is_named(line)).cloned().collect()
        };
        assert_eq!(rest(&replayed), rest(&live), "{capture}:\n{said}");
    }
}

#[test]
fn rules_about_events_that_were_left_out_are_named() {
    let scene = Scene::new();
    let arena = Arena::default();
    let default = RecorderOptions { env: true, ..RecorderOptions::default() };
    let mut recorder = Recorder::new(Writer::new(Vec::new()), default);
    events().iter().for_each(|event| recorder.record(event, &arena).unwrap());
    fs::write(scene.file("default"), recorder.finish().unwrap()).unwrap();
    let output = scene.replay(&["default"]);
    assert_eq!(fired(&output), ["Preloaded", "Executed", "Opened"]);
    let said = scene.said(&output);
    let why = "rule \"Length\" may judge otherwise than live\n  because it judges write, and default was \
               recorded without reads, writes and the like: record with `k8srd record --with io`\n";
    assert!(said.contains(why), "{said}");
    assert!(said.contains("rule \"Written\" may"), "{said}");
    assert_eq!(said.matches("rule ").count(), 2, "{said}");
    let said = scene.said(&scene.events(&["default"], &["-f", "evt.type in (read, write, futex)"]));
    assert_eq!(
        said,
        "k8srd: --filter judges read, write, and default was recorded without reads, writes and the \
         like: record with `k8srd record --with io`\n\
         k8srd: --filter judges futex, and default was recorded without routine calls: record with \
         `k8srd record --with routine`\n"
    );
}

#[test]
fn each_capture_says_what_is_new() {
    let scene = Scene::new();
    let output = scene.replay(&["all", "env", "env", "nothing", "buffers"]);
    let said = scene.said(&output);
    let news =
        ["env was recorded without what is read", "nothing was recorded without environments"];
    assert!(news.iter().all(|news| said.contains(news)), "{said}");
    for old in ["all was", "nothing was recorded without what", "buffers was"] {
        assert!(!said.contains(old), "{old} in\n{said}");
    }
    for rule in ["Written", "Preloaded", "Not preloaded", "Executed"] {
        assert_eq!(said.matches(&format!("rule {rule:?} may")).count(), 1, "{said}");
    }
}

#[test]
fn nothing_is_said_of_a_capture_that_says_nothing() {
    let scene = Scene::new();
    let mut close = RecordBuf::default();
    close.begin(Timestamp::from_nanos(7), 42, 0, 5);
    close.push(&0_i64.to_le_bytes());
    scene.write("falco", &[close]);
    assert_eq!(scene.said(&scene.replay(&["falco"])), "");
    assert_eq!(scene.said(&scene.events(&["falco"], &["-f", "not proc.env contains x"])), "");
}

#[test]
fn a_condition_that_reads_what_was_left_out_is_told_once() {
    let scene = Scene::new();
    let reads = ["-f", "proc.env contains LD_PRELOAD"];
    let output = scene.events(&["env", "nothing", "nothing", "buffers"], &reads);
    assert_eq!(
        scene.said(&output),
        "k8srd: --filter reads proc.env, and nothing was recorded without environments: record with \
         `k8srd record --with env`\n"
    );
    assert_eq!(stdout(&output).lines().count(), 3, "those with environments");
    let output = scene.events(&["nothing"], &["--json", "-f", "evt.buffer contains hello"]);
    let said = scene.said(&output);
    assert!(said.contains("--filter reads evt.buffer, and nothing was recorded without"), "{said}");
    for other in
        [&["-f", "proc.name = sh"][..], &["-f", "evt.type = openat and evt.args != x"], &[]]
    {
        assert_eq!(scene.said(&scene.events(&["nothing"], other)), "", "{other:?}");
    }
}

/// A record of k8srd's own.
fn own(params: &[&[u8]]) -> RecordBuf {
    let mut record = RecordBuf::default();
    record.begin(Timestamp::from_nanos(7), 42, 0, 0xFF00);
    params.iter().for_each(|param| record.push(param));
    record
}

#[test]
fn what_only_a_newer_version_leaves_out_is_told_for_each_capture() {
    let scene = Scene::new();
    scene.write("newer", &[own(&[b"k8srd.omits.1", b"env", b"args"]), own(&[b"k8srd.omits.2"])]);
    let told = "k8srd: newer: a newer k8srd recorded it without args, something that this one \
                cannot name: which rules read that, this one does not know; read it with that version\n";
    let said = scene.said(&scene.replay(&["newer"]));
    assert!(said.starts_with("rule \"Preloaded\" may judge otherwise than live\n"), "{said}");
    assert!(said.ends_with(told), "{said}");
    assert_eq!(scene.said(&scene.events(&["newer", "all", "newer"], &[])), told.repeat(2));
}

#[test]
fn a_record_that_is_wrong_is_an_error_with_its_place() {
    let scene = Scene::new();
    let mut open = RecordBuf::default();
    assert!(open.encode(&events()[2], &Arena::default()));
    scene.write("wrong", &[open, own(&[b"k8srd.omits.1", b"a name"])]);
    let output = scene.replay(&["wrong"]);
    assert_eq!(code(&output), 1);
    assert_eq!(fired(&output), ["Not preloaded", "Opened"], "what was read before is judged");
    let said = scene.short(&output);
    let wrong = "k8srd: wrong: the capture cannot be read on: block 2 at byte ";
    assert!(said.starts_with(wrong), "{said}");
    assert!(said.contains("the record of what was left out has \"a name\", where"), "{said}");
}

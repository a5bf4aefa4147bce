//! `k8srd events` on a capture that is written here.
#![forbid(unsafe_code)]

mod program;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use k8srd_capture::{Item, ProcessRow, RecordBuf, Writer};
use k8srd_core::event::Timestamp;
use serde_json::{Value, json};

use crate::program::{code, stderr, stdout};

/// A shell opens a file, which fails, and closes one.
fn capture(folder: &Path) -> PathBuf {
    let path = folder.join("trace.scap");
    let mut writer = Writer::new(File::create(&path).unwrap());
    let mut shell = ProcessRow::default();
    (shell.tid, shell.pid, shell.ptid) = (42, 42, 1);
    (shell.comm, shell.exe, shell.exepath) = (b"sh", b"sh", b"/usr/bin/dash");
    (shell.sid, shell.vpgid, shell.vtid, shell.vpid) = (Some(42), Some(42), Some(42), Some(42));
    writer.write(&Item::Process(Box::new(shell))).unwrap();
    let mut event = RecordBuf::default();
    let time = Timestamp::from_nanos(1_700_000_000_000_000_001);
    event.begin(time, 42, 3, 307);
    for param in [
        &(-2_i64).to_le_bytes()[..],
        &(-100_i64).to_le_bytes(),
        b"/etc/nothing\0",
        &1_u32.to_le_bytes(),
        &0_u32.to_le_bytes(),
        &0_u32.to_le_bytes(),
        &0_u64.to_le_bytes(),
    ] {
        event.push(param);
    }
    writer.write(&Item::Event(event.record())).unwrap();
    event.begin(time, 42, 3, 5);
    event.push(&0_i64.to_le_bytes());
    event.push(&7_i64.to_le_bytes());
    writer.write(&Item::Event(event.record())).unwrap();
    writer.finish().unwrap();
    path
}

fn events(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    command.arg("events").args(args).env("TZ", "UTC").output().unwrap()
}

#[test]
fn a_line_is_sysdigs() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let output = events(&[capture.to_str().unwrap()]);
    assert!(output.status.success());
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with(
            "1 22:13:20.000000001 3 sh (42) < openat fd=-2(ENOENT) dirfd=-100(AT_FDCWD) \
             name=/etc/nothing flags=1(O_RDONLY) mode=0"
        ),
        "{text}"
    );
    assert!(lines[1].starts_with("2 22:13:20.000000001 3 sh (42) < close res=0 fd=7"), "{text}");
}

#[test]
fn a_condition_chooses_and_objects_are_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let output = events(&[capture.to_str().unwrap(), "--json", "-f", "evt.type = openat"]);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    let event: Value = serde_json::from_str(&text).unwrap();
    for (key, value) in [
        ("num", json!(1)),
        ("time", json!("2023-11-14T22:13:20.000000001+0000")),
        ("cpu", json!(3)),
        ("type", json!("openat")),
        ("category", json!("file")),
    ] {
        assert_eq!(event[key], value, "{text}");
    }
    let process = &event["process"];
    assert_eq!((&process["name"], &process["pid"]), (&json!("sh"), &json!(42)), "{text}");
    assert_eq!(process["exepath"], "/usr/bin/dash", "{text}");
    let args = &event["args"];
    assert_eq!((&args["fd"], &args["name"]), (&json!(-2), &json!("/etc/nothing")), "{text}");
    assert_eq!(args["flags"], "O_RDONLY", "{text}");
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let output = events(&[capture.to_str().unwrap(), "-f", "proc.nam = sh"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean proc.name?"), "{said}");

    let whole = std::fs::read(&capture).unwrap();
    std::fs::write(&capture, &whole[..whole.len() - 5]).unwrap();
    let output = events(&[capture.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).lines().count(), 1, "what is whole is printed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the capture ends within an event"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let capture = capture.to_str().unwrap();
    for args in [&["events", capture, capture][..], &["replay", capture, capture]] {
        let rules = folder.path().join("r.yaml");
        std::fs::write(&rules, OPENED).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
        command.args(args);
        if args[0] == "replay" {
            command.arg("-r").arg(&rules);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output), "", "{args:?}");
    }
}

/// A rule that the capture's first event fires.
const OPENED: &str = "- rule: Opened\n  desc: d\n  condition: evt.type = openat\n  \
                      output: file=%fd.name\n  priority: INFO\n";

#[test]
fn a_capture_that_is_not_there_says_nothing_about_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let capture = capture.to_str().unwrap();
    let rules = folder.path().join("r.yaml");
    std::fs::write(&rules, OPENED).unwrap();
    let rules = rules.to_str().unwrap();
    for args in
        [&["events", "none.scap", capture][..], &["replay", "none.scap", capture, "-r", rules]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_k8srd")).args(args).output().unwrap();
        assert_eq!(code(&output), 1);
        assert!(
            stderr(&output).starts_with("k8srd: none.scap: No such file"),
            "{}",
            stderr(&output)
        );
        assert!(stdout(&output).contains("/etc/nothing"), "{args:?}: {}", stdout(&output));
    }
}

#[test]
fn what_a_recording_cannot_answer_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let capture = capture(folder.path());
    let capture = capture.to_str().unwrap();
    let asks = "k8smeta.pod.name = web";
    let output = events(&[capture, capture, "-f", asks]);
    assert_eq!(code(&output), 0);
    let said = "k8srd: nobody answers k8smeta.pod.name, which is read by --filter\n";
    assert_eq!(stderr(&output), said);

    let rules = folder.path().join("r.yaml");
    std::fs::write(&rules, OPENED.replace("evt.type = openat", asks)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    let output = command.args(["replay", capture, capture, "-r"]).arg(&rules).output().unwrap();
    assert_eq!(code(&output), 0);
    let said = stderr(&output);
    assert!(said.contains("rule \"Opened\" cannot fire"), "{said}");
    assert_eq!(said.matches("k8smeta.pod.name").count(), 1, "{said}");
}

//! Runs each example as a person would, and compares all that it prints.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use k8srd_capture::{Item, RecordBuf, Writer};
use k8srd_core::event::Timestamp;

#[test]
fn match_your_own_struct() {
    let printed = run(env!("CARGO_BIN_EXE_match_your_own_struct"));
    assert_eq!(printed, "Warning: Paid 4000 to mallory\n");
}

#[test]
fn match_your_own_struct_stays_small() {
    let lines = include_str!("../match_your_own_struct.rs").lines().count();
    assert!(lines < 60, "{lines} lines: who reads it wants to see how little it takes");
}

#[test]
fn custom_source() {
    let printed = run(env!("CARGO_BIN_EXE_custom_source"));
    let expected = "Critical: Root came from 198.51.100.9 at 22:13:22.000000000\n\
                    Critical: k8srd internal: blind interval. 1 event lost on stream log (malformed) \
                    from 2023-11-14T22:13:20.000000000Z to 2023-11-14T22:13:23.000000000Z: login\n\
                    5 lines, 3 judged, 1 lost\n";
    assert_eq!(printed, expected);
}

#[test]
fn replay_a_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, rules) = (folder.path().join("a.scap"), folder.path().join("a.yaml"));
    let file = File::create(&capture).expect("a file");
    let mut writer = Writer::new(file);
    writer.write(&Item::Section).expect("a section");
    // openat(AT_FDCWD, name, O_RDONLY) returned 3: fd, dirfd, name, flags, mode, dev, ino.
    let mut open = RecordBuf::default();
    for (i, name) in ["/etc/hosts\0", "/etc/shadow\0"].into_iter().enumerate() {
        open.begin(Timestamp::from_nanos(1_700_000_000_000_000_000 + i as u64), 42, 0, 307);
        open.push(&3_i64.to_le_bytes());
        open.push(&(-100_i64).to_le_bytes());
        open.push(name.as_bytes());
        [1_u32, 0, 0].iter().for_each(|number| open.push(&number.to_le_bytes()));
        open.push(&0_u64.to_le_bytes());
        writer.write(&Item::Event(open.record())).expect("an event");
    }
    writer.finish().expect("the end");
    let rule = "- rule: r\n  desc: d\n  condition: evt.type = openat and fd.name = /etc/shadow\n  \
                output: \"%fd.name read (%evt.arg.flags)\"\n  priority: warning\n";
    fs::write(&rules, rule).expect("a file");
    let program = env!("CARGO_BIN_EXE_replay_a_capture");
    let printed = run_with(program, &[&capture, &rules]);
    assert_eq!(printed, "Warning: /etc/shadow read (O_RDONLY)\n2 events, 1 alerts\n");
}

#[test]
fn replay_a_capture_stays_small() {
    let lines = include_str!("../replay_a_capture.rs").lines().count();
    assert!(lines < 60, "{lines} lines");
}

fn run(program: &str) -> String {
    run_with(program, &[])
}

fn run_with(program: &str, args: &[&Path]) -> String {
    let output = Command::new(program).args(args).output().expect("the example starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed, {}: {said}", output.status);
    String::from_utf8(output.stdout).expect("examples print text")
}

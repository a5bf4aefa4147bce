//! Our own captures, one a story, in `testdata/captures`: the story as TOML, the capture that the
//! testkit makes of it, and what `k8srd events` prints for that, which is what sysdig prints.
#![forbid(unsafe_code)]

mod program;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use k8srd_core::kind::KINDS;
use k8srd_testkit::corpus::captures;
use serde_json::Value;

use crate::program::{code, stderr, stdout};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/captures")
}

/// The stories, without the end of their files' names.
fn stories() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of captures");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_story = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let mut stories: Vec<PathBuf> =
        paths.filter(is_story).map(|path| path.with_extension("")).collect();
    stories.sort();
    assert!(stories.len() >= 7, "{} stories", stories.len());
    stories
}

fn events(capture: &Path, json: bool) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    command.arg("events").arg(capture).args(json.then_some("--json")).env("TZ", "UTC");
    let output = command.output().expect("the program starts");
    assert_eq!((code(&output), &*stderr(&output)), (0, ""), "{}", capture.display());
    stdout(&output)
}

fn bless() -> bool {
    std::env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1")
}

#[test]
fn a_story_gives_its_capture_byte_for_byte_and_the_capture_its_lines() {
    for story in stories() {
        let made = match captures::read(story.with_extension("toml")) {
            Ok(capture) => capture.build(),
            Err(error) => panic!("{}", whole(&error)),
        };
        let (capture, lines) = (story.with_extension("scap"), story.with_extension("txt"));
        if bless() {
            fs::write(&capture, &made).expect("the capture can be written");
            fs::write(&lines, events(&capture, false)).expect("the lines can be written");
            continue;
        }
        let committed = fs::read(&capture).expect("the capture");
        let differs = made.iter().zip(&committed).position(|(ours, theirs)| ours != theirs);
        assert!(
            made == committed,
            "{} is not what the story gives (from byte {differs:?}, {} and {} bytes); K8SRD_BLESS=1 \
             writes it",
            capture.display(),
            made.len(),
            committed.len()
        );
        let (found, expected) =
            (events(&capture, false), fs::read_to_string(&lines).expect("the lines"));
        for (number, (found, expected)) in (1..).zip(found.lines().zip(expected.lines())) {
            assert_eq!(found, expected, "{}:{number}", lines.display());
        }
        assert_eq!(found, expected, "{}: one has more lines", lines.display());
    }
}

fn whole(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", whole(cause)))
}

#[test]
fn every_kind_that_rules_name_occurs() {
    let named = fs::read_to_string(folder().join("kinds.txt")).expect("the list of kinds");
    let mut missing: BTreeSet<&str> =
        named.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(missing.len() >= 70, "{} kinds", missing.len());
    for story in stories() {
        for line in events(&story.with_extension("scap"), true).lines() {
            let event: Value = serde_json::from_str(line).expect("an object a line");
            missing.remove(event["type"].as_str().expect("a type"));
        }
    }
    assert!(missing.is_empty(), "in no capture: {missing:?}");
}

/// A story that forgets a param would show `<NA>` where a recording has a value.
#[test]
fn what_did_not_fail_has_all_its_params() {
    let is_never_told = |kind: &str, param: &str, event: &Value| match (kind, param) {
        // No driver of today tells it.
        ("clone" | "clone3" | "fork" | "vfork" | "execve" | "execveat", "cwd") => true,
        // A text for some options, a number for the others.
        ("prctl", "arg2_str") => event["args"]["arg2_int"] != 0,
        ("fsconfig", "value_bytebuf") => event["args"]["value_charbuf"] != Value::Null,
        _ => false,
    };
    let mut looked_at = 0;
    for story in stories() {
        for line in events(&story.with_extension("scap"), true).lines() {
            let event: Value = serde_json::from_str(line).expect("an object a line");
            let kind = event["type"].as_str().expect("a type");
            let info = KINDS.iter().find(|info| info.name == kind).expect("a kind of the table");
            let result = info.result().and_then(|place| info.params.get(usize::from(place)));
            let number = |name| event["args"][name].as_i64();
            let failed = result.is_some_and(|it| number(it.name).is_some_and(|n| n < 0));
            if failed || info.kind.is_call() {
                continue;
            }
            looked_at += 1;
            for param in info.params.iter() {
                assert!(
                    !event["args"][param.name].is_null() || is_never_told(kind, param.name, &event),
                    "{}: no {} in {line}",
                    story.display(),
                    param.name
                );
            }
        }
    }
    assert!(looked_at >= 150, "{looked_at} events");
}

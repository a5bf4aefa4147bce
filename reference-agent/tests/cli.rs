//! What a person meets who types something: help, wrong calls, files that are not there. Nothing
//! here needs a privilege.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a skip says why")]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::program::{code, stderr, stdout};

fn k8srd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_k8srd")).args(args).output().expect("the program starts")
}

/// A folder with these rule files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn help_shows_the_verbs_and_first_steps() {
    let output = k8srd(&["--help"]);
    assert_eq!(code(&output), 0);
    let help = stdout(&output);
    for part in ["run", "demo", "doctor", "First steps", "k8srd run -r my.yaml --json", "HOST_ROOT"]
    {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
    assert!(!help.contains("What the demo runs inside its container"), "act is hidden:\n{help}");
}

#[test]
fn every_verb_teaches() {
    for (verb, part) in [
        ("run", "k8srd run --json | jq .rule"),
        ("run", "sensor.ring_memory (a number of bytes, or one with K, M"),
        ("demo", "Nothing of the host is changed"),
        ("doctor", "how to fix it"),
        ("record", "k8srd record -w trace.scap.gz"),
        ("replay", "k8srd replay trace.scap -r rules/"),
        ("events", "k8srd events trace.scap -f"),
        ("validate", "k8srd validate --deny-warnings rules/"),
        ("describe", "k8srd describe rules/ --macro"),
        ("config", "Check and show the configuration"),
        ("fields", "markdown for a page"),
        ("kinds", "markdown for a page"),
    ] {
        let output = k8srd(&[verb, "--help"]);
        assert_eq!(code(&output), 0, "{verb}");
        assert!(stdout(&output).contains(part), "{verb} --help lacks {part}:\n{}", stdout(&output));
    }
}

#[test]
fn wrong_calls_end_with_2() {
    for (args, part) in [
        (&["rum"][..], "similar subcommand"),
        (&["run", "--jsn"], "--json"),
        (&["run", "-o", "rule_maching=all"], "did you mean rule_matching?"),
        (&["run", "-o", "rule_matching=some"], "first or all"),
        (&["run", "--ring-memory", "lots"], "sensor.ring_memory"),
        (&[], "Usage"),
    ] {
        let output = k8srd(args);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}: standard output is for alerts");
    }
}

#[test]
fn missing_rules_are_named_with_what_to_do() {
    let output = k8srd(&["run", "-r", "/nonexistent/rules.yaml"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "k8srd: rules /nonexistent/rules.yaml cannot be read; name a rule file or a directory with \
         -r: No such file or directory (os error 2)\n"
    );

    let empty = folder(&[("notes.txt", "")]);
    let output = k8srd(&["run", "-r", &empty.path().display().to_string()]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).ends_with("holds no .yaml or .yml file\n"), "{}", stderr(&output));
}

#[test]
fn all_wrong_rules_are_shown_with_their_places() {
    let rules = folder(&[
        (
            "a.yaml",
            "- rule: A\n  desc: d\n  condition: proc.nam = sh\n  output: o\n  priority: INFO\n",
        ),
        (
            "b.yml",
            "- rule: B\n  desc: d\n  condition: evt.type = opnat\n  output: '%x'\n  priority: INFO\n",
        ),
    ]);
    let output = k8srd(&["run", "-r", &rules.path().display().to_string()]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    for part in ["a.yaml:3:", "did you mean proc.name?", "b.yml:", "listed above"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_rule_file_that_is_no_text_keeps_no_other_from_being_looked_at() {
    let wrong =
        "- rule: B\n  desc: d\n  condition: evt.type = opnat\n  output: o\n  priority: INFO\n";
    let rules = folder(&[("b.yaml", wrong)]);
    fs::write(rules.path().join("a.yaml"), b"- list: a\n  items: [\xFF]\n").unwrap();
    let output = k8srd(&["run", "-r", &rules.path().display().to_string()]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    for part in ["a.yaml:2:", "UTF-8", "b.yaml:3:"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

/// Runs a copy of the program that anyone may read as the user nobody. `None` where this test has
/// no right to become nobody.
fn as_nobody(args: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir_in("/tmp").ok()?;
    let set_mode = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
    let program = folder.path().join("k8srd");
    fs::copy(env!("CARGO_BIN_EXE_k8srd"), &program).ok()?;
    set_mode(folder.path()).ok()?;
    set_mode(&program).ok()?;
    match Command::new(&program).args(args).uid(65534).gid(65534).current_dir("/").output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: cannot become nobody: {error}");
            None
        }
    }
}

#[test]
fn without_privilege_the_missing_capabilities_are_named() {
    for args in [&["run"][..], &["demo"]] {
        let Some(output) = as_nobody(args) else { return };
        assert_eq!(code(&output), 1, "{args:?}");
        let text = stderr(&output);
        for part in ["CAP_BPF", "CAP_PERFMON", "run as root"] {
            assert!(text.contains(part), "{args:?}: {part} is not in:\n{text}");
        }
    }
}

#[test]
fn a_recording_that_cannot_begin_replaces_no_file() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let earlier = folder.path().join("trace.scap");
    fs::write(&earlier, "what was recorded before").unwrap();
    fs::set_permissions(&earlier, fs::Permissions::from_mode(0o666)).unwrap();
    let Some(output) = as_nobody(&["record", "-w", earlier.to_str().unwrap()]) else { return };
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("CAP_BPF"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&earlier).unwrap(), "what was recorded before");
}

#[test]
fn doctor_says_what_is_missing_and_how_to_fix_it() {
    let Some(output) = as_nobody(&["doctor"]) else { return };
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    for part in ["missing  CAP_BPF", "-> run as root", "live detection does not work here"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn doctors_object_and_exit_code_agree() {
    let output = k8srd(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["live_detection"].as_bool(), Some(code(&output) == 0));
    let states = report["sections"].as_object().unwrap().values().flat_map(|section| {
        section.as_array().unwrap().iter().map(|finding| finding["state"].as_str().unwrap())
    });
    let missing = states.filter(|state| *state == "missing").count();
    assert_eq!(missing > 0, code(&output) == 1);
}

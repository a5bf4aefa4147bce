//! `k8srd describe`, through the program. Nothing here needs a privilege.
#![forbid(unsafe_code)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::program::{code, stderr, stdout};

const RULES: &str = "\
- required_engine_version: 0.40.0
- required_plugin_versions:
  - {name: container, version: 0.4.0}
- list: shells
  items: [sh, bash]
- list: programs
  items: [shells, curl]
- macro: started
  condition: evt.type in (execve, execveat)
- macro: idle
  condition: evt.num = 1
- rule: Shell started
  desc: >
    A shell was started.
    Somebody may be typing.
  condition: started and proc.name in (shells)
  output: a shell (command=%proc.cmdline container=%container.id)
  priority: NOTICE
  tags: [shell, process]
  exceptions:
  - {name: known, fields: [proc.pname], values: [[cron]]}
- rule: Reader
  desc: d
  condition: evt.type = openat and not proc.name in (programs)
  output: o
  priority: INFO
  enabled: false
";

/// Runs the verb in a folder with the rules.
fn describe(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), RULES).unwrap();
    describe_in(folder.path(), args)
}

fn describe_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_k8srd"))
        .arg("describe")
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// What it prints if all is well.
#[track_caller]
fn text(output: &Output) -> String {
    assert_eq!(code(output), 0, "{}", stderr(output));
    stdout(output)
}

#[test]
fn the_overview_names_everything() {
    assert_eq!(
        text(&describe(&["a.yaml"])),
        "\
needs Falco engine 0.40.0
needs Falco plugin container 0.4.0
2 rules
  Shell started (Notice)
    A shell was started. Somebody may be typing.
  Reader (Informational, disabled)
    d
2 macros
  started
  idle, unused
2 lists
  shells (2 items)
  programs (3 items)
"
    );
}

#[test]
fn a_rule_has_a_page() {
    let page = text(&describe(&["a.yaml", "--rule", "Shell started"]));
    let (before, compiled) = page.split_once("  as judged:\n").expect("the compiled condition");
    assert_eq!(
        before,
        "\
rule: Shell started
  A shell was started. Somebody may be typing.
  priority: Notice
  weight: 200
  state: enabled, for source syscall
  tags: process, shell
  condition:
    started and proc.name in (shells)
  macros: started
  lists: shells
  fields: evt.type, proc.name, proc.pname
  operators: =, in
  events: execve, execveat
"
    );
    for part in
        ["bash", "cron", "  output:\n    a shell (command=%proc.cmdline", "exceptions: known"]
    {
        assert!(compiled.contains(part), "{part} is not in:\n{compiled}");
    }
    assert!(compiled.contains("plugins of Falco: container\n"), "{compiled}");
}

#[test]
fn macros_and_lists_have_pages() {
    let page = text(&describe(&["a.yaml", "--macro", "started"]));
    assert!(page.starts_with("macro: started\n  condition:\n    evt.type in (execve, execveat)\n"));
    assert_eq!(
        text(&describe(&["a.yaml", "--list", "programs"])),
        "list: programs\n  items: curl\n  lists in it: shells\n  all items: sh, bash, curl\n"
    );
}

#[test]
fn json_is_that_of_falco() {
    let json = |args: &[&str]| -> Value {
        let text = text(&describe(&[args, &["--format", "json", "a.yaml"]].concat()));
        serde_json::from_str(&text).unwrap()
    };
    let all = json(&[]);
    let keys: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["lists", "macros", "required_engine_version", "required_plugin_versions", "rules"]
    );
    let one = json(&["--rule", "Reader"]);
    assert_eq!(one["rules"].as_array().unwrap().len(), 1);
    assert_eq!(one["rules"][0], all["rules"][1]);
    assert_eq!(one["rules"][0]["info"]["enabled"], false);
    assert_eq!(json(&["--macro", "idle"])["macros"][0]["details"]["used"], false);
    assert_eq!(json(&["--list", "shells"])["lists"][0]["info"]["name"], "shells");
}

#[test]
fn validate_describes_on_request() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), RULES).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_k8srd"))
        .args(["validate", "--describe", "--format", "json", "a.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["falco_describe_results"]["rules"].as_array().unwrap().len(), 2);
}

#[test]
fn the_shipped_rules_are_described_unless_others_are_named() {
    let page = text(&describe(&[]));
    assert!(page.contains(" rules\n"), "{page}");
    assert!(!page.contains("Shell started (Notice)\n    A shell was started."), "{page}");
    let page = text(&describe(&["-o", "rules_files=[a.yaml]"]));
    assert!(page.contains("Shell started (Notice)"), "{page}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let output = describe(&["a.yaml", "--rule", "shell"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "k8srd: there is no rule \"shell\"; did you mean \"Shell started\"?\n"
    );
    let output = describe(&["a.yaml", "--list", "nothing"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).ends_with("without --list all are listed\n"), "{}", stderr(&output));
    assert_eq!(code(&describe(&["a.yaml", "--list", "a", "--rule", "b"])), 2);
}

#[test]
fn rules_with_an_error_are_not_described() {
    let output = describe(&["a.yaml", "missing.yaml"]);
    assert_eq!(code(&output), 1);
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("LOAD_ERR_FILE_READ"), "{}", stderr(&output));
}

//! Captures and the alerts that Falco itself raised for them: `K8SRD_CONFORMANCE` names the folder
//! that holds them (`alerts/*/case.json`, `expected.jsonl`). Every line has to be the same.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "says what ran and what differs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Cases in which we mean to differ, each with a row in docs/falco-differences.md.
const WANTED: &[&str] = &[];

#[test]
fn alerts_are_falcos() {
    let Some(folder) = std::env::var_os("K8SRD_CONFORMANCE").map(PathBuf::from) else {
        eprintln!("skipped: K8SRD_CONFORMANCE names no folder with recorded answers of Falco");
        return;
    };
    let mut cases: Vec<PathBuf> = fs::read_dir(folder.join("alerts"))
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let mut differ = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(how) = check(&folder, case) {
            eprintln!("{name}: {how}");
            differ.push(name);
        }
    }
    eprintln!("{} cases ran, {} differ", cases.len(), differ.len());
    differ.retain(|name| !WANTED.contains(&&**name));
    assert!(differ.is_empty(), "these differ from Falco: {}", differ.join(", "));
}

/// Replays one case; says where its alerts first differ.
fn check(folder: &Path, case: &Path) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(case.join(name)).map_err(|error| error.to_string());
    let described: Value =
        serde_json::from_str(&read("case.json")?).map_err(|error| error.to_string())?;
    let text = |key: &str| described[key].as_str().unwrap_or_default().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    command.arg("replay").arg("--json").arg(folder.join("captures").join(text("capture")));
    for rules in described["rules"].as_array().into_iter().flatten() {
        command.arg("-r").arg(case.join(rules.as_str().unwrap_or_default()));
    }
    command.arg("-o").arg(format!("rule_matching={}", text("rule_matching")));
    command.env("FALCO_HOSTNAME", "node1").env("TZ", "UTC");
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("exit code {:?}\n{said}", output.status.code()));
    }
    let parse = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    };
    let found = parse(&String::from_utf8_lossy(&output.stdout));
    let expected = parse(&read("expected.jsonl")?);
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        if found != expected {
            return Err(format!("alert {i} is\n  {found}\nand Falco's\n  {expected}"));
        }
    }
    match found.len() == expected.len() {
        true => Ok(()),
        false => Err(format!("{} alerts, Falco raised {}", found.len(), expected.len())),
    }
}

//! The table of kinds as `k8srd kinds` shows it.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

fn kinds(format: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    let output = program.args(["kinds", "--format", format]).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_page_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/kinds.md");
    let page = kinds("markdown");
    if env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, page).expect("the page can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let (ours, theirs) = (page.lines(), committed.lines());
    let line = ours.zip(theirs).position(|(ours, theirs)| ours != theirs).map(|line| line + 1);
    assert!(
        page == committed,
        "{} is not what the program prints (first in line {line:?}); K8SRD_BLESS=1 writes it",
        path.display()
    );
}

#[test]
fn people_and_programs_read_the_same_facts() {
    let text = kinds("text");
    assert!(text.contains("openat  code 307, system call, file, judged, seen live\n    fd: fd, "));
    assert!(text.contains("openat  code 306, system call, file, state only\n"));
    assert!(text.contains("pread64  no event has this name, but pread\n"));

    let document: Value = serde_json::from_str(&kinds("json")).expect("it is JSON");
    let all = document["kinds"].as_array().expect("kinds are a list");
    let one = |name: &str| {
        let named = |kind: &&Value| kind["name"] == name && kind["rules"] != "state only";
        all.iter().find(named).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(one("openat")["code"], 307);
    assert_eq!(one("openat")["live"], true);
    assert_eq!(one("openat")["params"][3]["names"][0][0], "O_LARGEFILE");
    assert_eq!(one("unlink")["live"], true);
    assert_eq!(one("switch")["live"], false);
    assert_eq!(one("madvise")["code"], 1);
    assert_eq!(one("pread64")["rules"], "name only");
    assert_eq!(one("pread64")["events_are_named"], "pread");
    assert_eq!(one("task_file_pipe")["rules"], "name only");
}

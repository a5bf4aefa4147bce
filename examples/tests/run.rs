//! Runs each example as a person would, and compares all that it prints.
#![forbid(unsafe_code)]

use std::process::Command;

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
                    5 lines, 3 judged, 1 lost\n";
    assert_eq!(printed, expected);
}

fn run(program: &str) -> String {
    let output = Command::new(program).output().expect("the example starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed, {}: {said}", output.status);
    String::from_utf8(output.stdout).expect("examples print text")
}

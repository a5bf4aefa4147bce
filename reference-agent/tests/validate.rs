//! `k8srd validate`, through the program: what it says, where it says it, and its exit code. Nothing
//! here needs a privilege.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a skip says why")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use k8srd_core::rules::diagnostic::Code;
use serde_json::{Value, json};

use crate::program::{code, stderr, stdout};

/// Runs the verb in a folder, so that files have short names in what it says.
fn validate_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_k8srd"))
        .arg("validate")
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", stdout(output), stderr(output));
    })
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

const GOOD: &str = "\
- list: shells
  items: [sh, bash]
- rule: Shell started
  desc: a shell was started
  condition: evt.type = execve and proc.name in (shells)
  output: a shell was started (command=%proc.cmdline)
  priority: NOTICE
";
const UNUSED: &str = "- list: tools\n  items: [curl]\n";
const BAD: &str = "\
- rule: Secret read
  desc: d
  condition: >
    evt.type = openat and
    proc.nam = cat
  output: read (file=%fd.nme)
  priority: NOTICE
";

#[test]
fn good_rules_are_ok() {
    let rules = folder(&[("a.yaml", GOOD)]);
    let output = validate_in(rules.path(), &["a.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), "a.yaml: ok\n1 file, 1 rule: no problems\n");
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_shipped_rules_are_ok() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules");
    let output = validate_in(Path::new("."), &["--deny-warnings", "--strict-falco", rules]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn all_problems_of_all_files_are_shown() {
    let rules = folder(&[("rules/a.yaml", BAD), ("rules/b.yml", UNUSED), ("rules/notes.txt", "")]);
    let output = validate_in(rules.path(), &["rules", "missing.yaml"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stdout(&output),
        "rules/a.yaml: invalid, 2 errors\n\
         rules/b.yml: ok, 1 warning\n\
         missing.yaml: invalid, 1 error\n\
         3 files, 0 rules: 3 errors, 1 warning\n"
    );
    assert_eq!(
        stderr(&output),
        "\
error[LOAD_ERR_COMPILE_CONDITION]: unknown field proc.nam
 --> rules/a.yaml:5:5
  |
5 |     proc.nam = cat
  |     ^^^^^^^^
  = in condition expression
  = help: did you mean proc.name?

error[LOAD_ERR_COMPILE_OUTPUT]: unknown field fd.nme
 --> rules/a.yaml:6:22
  |
6 |   output: read (file=%fd.nme)
  |                      ^^^^^^^
  = in rule output
  = help: did you mean fd.name?

warning[LOAD_UNUSED_LIST]: nothing uses list tools
 --> rules/b.yml:1:9
  |
1 | - list: tools
  |         ^^^^^
  = in list \"tools\"

error[LOAD_ERR_FILE_READ]: the file cannot be read: No such file or directory (os error 2)
 --> missing.yaml
  = in rules content

"
    );
}

#[test]
fn warnings_fail_where_they_are_denied() {
    let rules = folder(&[("a.yaml", GOOD), ("b.yaml", UNUSED)]);
    assert_eq!(code(&validate_in(rules.path(), &["a.yaml", "b.yaml"])), 0);
    let output = validate_in(rules.path(), &["--deny-warnings", "a.yaml", "b.yaml"]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).ends_with("2 files, 1 rule: 1 warning\n"), "{}", stdout(&output));
    assert_eq!(code(&validate_in(rules.path(), &["--deny-warnings", "a.yaml"])), 0);
}

#[test]
fn wrong_calls_end_with_2() {
    let rules = folder(&[("a.yaml", GOOD)]);
    for (args, part) in [
        (&[][..], "name rule files or directories"),
        (&["--format", "xml", "a.yaml"], "sarif"),
        (&["--deny-warning", "a.yaml"], "--deny-warnings"),
    ] {
        let output = validate_in(rules.path(), args);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
}

#[test]
fn what_cannot_be_read_is_a_problem_like_others() {
    let rules = folder(&[("good.yaml", GOOD), ("empty/notes.txt", "")]);
    fs::write(rules.path().join("latin1.yaml"), b"- list: caf\xe9\n  items: []\n").unwrap();
    let output = validate_in(rules.path(), &["empty", "latin1.yaml", "good.yaml"]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    for part in [
        "LOAD_ERR_FILE_READ",
        "a directory without a .yaml or .yml file",
        "latin1.yaml:1:12",
        "UTF-8",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(stdout(&output).contains("good.yaml: ok\n"), "{}", stdout(&output));
}

#[test]
fn what_falco_does_not_know_is_a_warning_for_who_asks() {
    let weighty = format!("{GOOD}  weight: 700\n");
    let rules = folder(&[("a.yaml", &weighty)]);
    let output = validate_in(rules.path(), &["--deny-warnings", "a.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = validate_in(rules.path(), &["--deny-warnings", "--strict-falco", "a.yaml"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("weight"), "{}", stderr(&output));
}

#[test]
fn the_configuration_names_rules_and_leaves_out_the_less_urgent() {
    let rules = folder(&[("a.yaml", GOOD), ("b.yaml", UNUSED)]);
    let output = validate_in(rules.path(), &["-o", "rules_files=[a.yaml]"]);
    assert_eq!(stdout(&output), "a.yaml: ok\n1 file, 1 rule: no problems\n");
    let output = validate_in(rules.path(), &["-o", "rules_files=[a.yaml]", "b.yaml"]);
    assert!(stdout(&output).starts_with("b.yaml: ok, 1 warning\n"), "{}", stdout(&output));
    let output = validate_in(rules.path(), &["-o", "priority=error", "a.yaml"]);
    assert!(stdout(&output).contains("1 file, 0 rules"), "{}", stdout(&output));
}

#[test]
fn the_configuration_asks_for_more_than_falco_does() {
    let rules = folder(&[("a.yaml", GOOD)]);
    let output = validate_in(rules.path(), &["-o", "validate.require_tags=true", "a.yaml"]);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("K8SRD_REQUIRED_MISSING"), "{}", stderr(&output));
}

#[test]
fn here_names_rules_that_cannot_fire_and_why() {
    let rule = |name: &str, condition: &str| {
        format!(
            "- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n"
        )
    };
    let text = [
        rule("Fires", "evt.type = openat and proc.name = cat"),
        rule("No kind", "evt.type = page_fault"),
        rule("No field", "evt.type = openat and fd.sip.name = example.com"),
        rule("Other way", "evt.type = openat and (fd.sip.name = example.com or proc.name = cat)"),
        rule("Disabled", "evt.type = page_fault") + "  enabled: false\n",
        rule("Audit", "jevt.value = x") + "  source: elsewhere\n",
    ];
    let rules = folder(&[("a.yaml", &text.concat())]);
    let output = validate_in(rules.path(), &["--here", "--format", "json", "a.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let object = object(&output);
    let here = object["k8srd_here"].as_array().unwrap();
    let found: Vec<_> = here
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap(), rule["can_fire"] == true))
        .collect();
    assert_eq!(
        found,
        [("Audit", false), ("No field", false), ("No kind", false), ("Other way", true)]
    );
    for (rule, why) in [(0, "elsewhere"), (1, "fd.sip.name"), (2, "no event of page_fault")] {
        let all = here[rule]["why"].to_string();
        assert!(all.contains(why), "{why} is not in {all}");
    }

    let output = validate_in(rules.path(), &["--here", "a.yaml"]);
    let text = stdout(&output);
    for part in ["rule \"No kind\" cannot fire\n  because the source", "k8srd doctor"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let quiet = folder(&[("a.yaml", &rule("Fires", "evt.type = openat and proc.name = cat"))]);
    let fires = ["--here", "--deny-warnings", "a.yaml"];
    assert_eq!(code(&validate_in(quiet.path(), &fires)), 0);
    let mute = folder(&[("a.yaml", &rule("No kind", "evt.type = page_fault"))]);
    assert_eq!(code(&validate_in(mute.path(), &fires)), 1);
}

#[test]
fn json_is_that_of_falco() {
    let rules = folder(&[("a.yaml", GOOD), ("b.yaml", BAD)]);
    let output = validate_in(rules.path(), &["--format", "json", "a.yaml", "b.yaml"]);
    assert_eq!(code(&output), 1);
    assert_eq!(stdout(&output).lines().count(), 1);
    let object = object(&output);
    let fine = json!({
        "name": "a.yaml", "successful": true, "schema_valid": true, "schema_warnings": [],
        "errors": [], "warnings": [],
    });
    assert_eq!(object["falco_load_results"][0], fine);
    let wrong = &object["falco_load_results"][1];
    assert_eq!(wrong["successful"], false);
    // Falco stops at the first error; beside it there are all.
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 1);
    assert_eq!(object["k8srd_problems"].as_array().unwrap().len(), 2);
    let locations = wrong["errors"][0]["context"]["locations"].as_array().unwrap();
    let items = locations.iter().map(|l| (l["item_type"].as_str(), l["item_name"].as_str()));
    assert_eq!(
        items.take(2).collect::<Vec<_>>(),
        [(Some("rules content"), Some("")), (Some("rule"), Some("Secret read"))]
    );
    assert!(stderr(&output).contains("did you mean proc.name?"), "people read the rest");
}

#[test]
fn sarif_names_files_as_they_were_given() {
    let rules = folder(&[("rules/a.yaml", BAD)]);
    let output = validate_in(rules.path(), &["--format", "sarif", "./rules"]);
    assert_eq!(code(&output), 1);
    let object = object(&output);
    assert_eq!(object["version"], "2.1.0");
    let driver = &object["runs"][0]["tool"]["driver"];
    assert_eq!(driver["version"], env!("CARGO_PKG_VERSION"));
    let results = object["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    let physical = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "rules/a.yaml");
    assert_eq!(
        physical["region"],
        json!({ "startLine": 5, "startColumn": 5, "endLine": 5, "endColumn": 13 })
    );
}

/// The table in the document that people are sent to is that of the code. With K8SRD_BLESS=1 it is
/// written.
#[test]
fn every_code_is_explained() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules-ci.md");
    let document = fs::read_to_string(&file).unwrap();
    const HEAD: &str = "| code | means |\n| --- | --- |\n";
    let (before, _) = document.split_once(HEAD).expect("the document has the table's head");
    let rows = Code::ALL.iter().map(|code| format!("| `{code}` | {} |\n", code.description()));
    let made = format!("{before}{HEAD}{}", rows.collect::<String>());
    if std::env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, made).unwrap();
    } else {
        assert_eq!(document, made, "K8SRD_BLESS=1 cargo test --package k8srd --test validate");
    }
}

/// Falco's own answers on some cases: each problem's code and the item that it is about.
#[test]
fn falcos_own_answers_come_out() {
    let Some(folder) = std::env::var_os("K8SRD_CONFORMANCE").map(PathBuf::from) else {
        println!("skipped: K8SRD_CONFORMANCE names no folder with recorded answers");
        return;
    };
    let load = folder.join("load");
    let mut cases: Vec<_> = fs::read_dir(&load)
        .unwrap_or_else(|error| panic!("{}: {error}", load.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut differ = Vec::new();
    for case in &cases {
        let text = fs::read_to_string(case.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let files = expected["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap());
        let args: Vec<_> = ["--format", "json"].into_iter().chain(files).collect();
        let output = validate_in(case, &args);
        let results = object(&output)["falco_load_results"].as_array().unwrap().clone();
        let wanted = expected["results"].as_array().unwrap();
        let is_successful = wanted.iter().all(|result| result["successful"] == true);
        if code(&output) != i32::from(!is_successful) {
            differ.push(format!("{}: exit code {}", case.display(), code(&output)));
        }
        for (result, wanted) in results.iter().zip(wanted) {
            let name =
                |value: &Value| value.as_str().unwrap().rsplit('/').next().map(str::to_owned);
            assert_eq!(name(&result["name"]), name(&wanted["file"]));
            for list in ["errors", "warnings"] {
                let found: Vec<_> = result[list].as_array().unwrap().iter().map(found).collect();
                let all = wanted[list].as_array().unwrap().iter();
                let wanted: Vec<_> =
                    all.map(|w| ["code", "item_type", "item_name"].map(|k| w[k].clone())).collect();
                if found != wanted {
                    differ.push(format!(
                        "{}: {list}: {found:?} instead of {wanted:?}",
                        case.display()
                    ));
                }
            }
        }
        assert_eq!(results.len(), wanted.len(), "{}", case.display());
    }
    println!("{} cases ran, {} differences", cases.len(), differ.len());
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Code, item type and item name of a problem.
fn found(problem: &Value) -> [Value; 3] {
    let innermost = problem["context"]["locations"].as_array().unwrap().last().unwrap();
    [problem["code"].clone(), innermost["item_type"].clone(), innermost["item_name"].clone()]
}

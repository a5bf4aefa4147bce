//! `k8srd config`, and how each verb takes its configuration. Nothing here needs a privilege.
#![forbid(unsafe_code)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn k8srd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_k8srd"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// Exit code, standard output, standard error.
fn outcome(output: &Output) -> (i32, String, String) {
    (program::code(output), program::stdout(output), program::stderr(output))
}

/// A folder with a configuration.
fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("k8srd.yaml"), config).unwrap();
    folder
}

/// A configuration in which nothing has its default.
const EVERYTHING: &str = "\
# What a person writes, with comments and in any order.
time_format_iso_8601: true
json_output: true
json_include_message_property: true
json_include_output_property: false
json_include_output_fields_property: false
json_include_tags_property: false
rule_matching: first
path_matching: given
priority: NOTICE
rules_files:
  - rules.yaml
  - 'odd: name.yaml'
rules:
  - disable: {rule: '*'}
  - enable: {rule: Read *, tag: files}
sensor:
  ring_memory: 1 MiB
  shed: [network, file]
  snap_length: 2 KiB
  all_memory_calls: true
validate:
  conditions: false
  forbidden: [{in: tag, pattern: '^x'}]
  require_tags: true
  require_technique: true
  require_output_fields: [proc.name]
buffer_format_base64: true
static_fields: {cluster: prod, rack: '007'}
append_output:
  - match: {rule: a, source: syscall, tags: [x, 'y z']}
    extra_output: \"on %evt.cpu: \\\"x\\\"\"
    extra_fields: [evt.hostname, {home: 'x: %evt.num'}]
  - suggested_output: true
";

#[test]
fn check_names_every_problem_and_ends_with_1() {
    let folder =
        folder("rule_maching: all\njson_output: yes\nplugins: []\nrules: [{enable: {}}]\n");
    let args = ["config", "check", "-c", "k8srd.yaml", "-o", "json_output.x=1", "-o", "zz"];
    let (code, out, err) = outcome(&k8srd(folder.path(), &args));
    assert_eq!(code, 1, "{err}");
    assert_eq!(out, "k8srd.yaml: 6 problems\n");
    assert_eq!(
        err,
        "-o json_output: is yes, and no mapping to go into\n\
         -o zz: not of the form key=value; a key is name, name.name, name[0] or name[]\n\
         k8srd.yaml:1:1: rule_maching: no such key; did you mean rule_matching?\n\
         k8srd.yaml:2:14: json_output: true or false is expected, not yes\n\
         k8srd.yaml:3:1: plugins: Falco's key plugins has no meaning here: there are no plugins: \
         containers and pods are built in\n\
         k8srd.yaml:4:18: rules[0].enable: rule or tag is missing\n"
    );
}

#[test]
fn check_is_content_with_what_is_right() {
    let folder = folder(EVERYTHING);
    let (code, out, err) = outcome(&k8srd(folder.path(), &["config", "check", "-c", "k8srd.yaml"]));
    assert_eq!((code, &*out, &*err), (0, "k8srd.yaml: ok\n", ""));
}

#[test]
fn a_wrong_configuration_keeps_a_verb_from_starting_with_2() {
    let folder = folder("json_output: [\n");
    for verb in [&["run"][..], &["config", "show"]] {
        for (more, part) in [
            (&["-c", "k8srd.yaml"][..], "k8srd.yaml:2:1: this is not YAML"),
            (&["-c", "none.yaml"], "configuration none.yaml cannot be read: No such file"),
            (&["-c", "."], "configuration . cannot be read: Is a directory"),
            (
                &["-o", "sensor.snap_length=4097"],
                "-o sensor.snap_length: 4097 bytes are more than the sensor takes of a buffer; at \
                 most 4096",
            ),
            (
                &["-o", "webserver.enabled=true"],
                "-o webserver: Falco's key webserver has no meaning",
            ),
            (
                &["-o", "rules[].disable.rul=x"],
                "-o rules[0].disable.rul: no such key; did you mean",
            ),
            (&["-o", "rules[1].disable.rule=x"], "so there is no [1]; [] appends"),
            (
                &["-o", "priority=3", "-o", "a=1"],
                "the configuration has 2 problems:\n-o priority: ",
            ),
        ] {
            let (code, out, err) = outcome(&k8srd(folder.path(), &[verb, more].concat()));
            assert_eq!(code, 2, "{verb:?} {more:?}: {err}");
            assert!(err.contains(part), "{verb:?} {more:?}: {part} is not in {err}");
            assert_eq!(out, "", "{verb:?} {more:?}");
        }
    }
}

#[test]
fn what_is_shown_gives_the_same_again() {
    let folder = folder(EVERYTHING);
    let show = |file, more: &[&str]| {
        let args = [&["config", "show", "-c", file][..], more].concat();
        let (code, out, err) = outcome(&k8srd(folder.path(), &args));
        assert_eq!((code, &*err), (0, ""), "{args:?}");
        out
    };
    let options = ["-o", "rules[].disable.rule=a: 'b' # \"c\"", "-o", "rules_files[1]=~x"];
    let first = show("k8srd.yaml", &options);
    fs::write(folder.path().join("shown.yaml"), &first).unwrap();
    let second = show("shown.yaml", &[]);
    let bare = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(bare(&first), bare(&second));

    for line in [
        "json_output: true  # line 3",
        "rule_matching: first  # line 8",
        "priority: notice  # line 10",
        "  - rules.yaml  # line 12",
        "  - \"~x\"  # -o",
        "  - disable:",
        "      rule: \"*\"  # line 15",
        "      rule: \"a: 'b' # \\\"c\\\"\"  # -o",
        "  ring_memory: \"1M\"  # line 18",
        "  snap_length: \"2K\"  # line 20",
        "  all_memory_calls: true  # line 21",
    ] {
        assert!(first.lines().any(|shown| shown == line), "{line:?} is not in:\n{first}");
    }
    assert!(!second.contains("# -o"), "{second}");
}

#[test]
fn the_defaults_carry_no_remark() {
    let folder = folder("");
    let args = ["config", "show", "-c", "k8srd.yaml", "-o", "json_output=true"];
    let (code, out, _) = outcome(&k8srd(folder.path(), &args));
    assert_eq!(code, 0);
    assert!(
        out.starts_with("# The configuration in effect, from k8srd.yaml and the command line.\n")
    );
    let remarks: Vec<_> = out.lines().filter(|line| line.contains("  # ")).collect();
    assert_eq!(remarks, ["json_output: true  # -o"]);
}

#[test]
fn the_schema_takes_what_is_shown_and_refuses_what_is_wrong() {
    let folder = folder(EVERYTHING);
    let (code, schema, _) = outcome(&k8srd(folder.path(), &["config", "schema"]));
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();

    // What is shown is every key, and no other.
    let (_, shown, _) = outcome(&k8srd(folder.path(), &["config", "show", "-c", "k8srd.yaml"]));
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let shown: Vec<_> =
        shown.lines().filter(begins).map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(shown, names);

    // Everything is typed, described and closed.
    assert_eq!(schema["additionalProperties"], false);
    for (name, key) in schema["properties"].as_object().unwrap() {
        assert!(key["description"].is_string(), "{name}");
        assert!(key["type"].is_string(), "{name}");
        assert!(!key["default"].is_null(), "{name}");
    }
    let switch = &schema["properties"]["rules"]["items"]["oneOf"][0];
    assert_eq!(switch["properties"]["enable"]["additionalProperties"], false);
    assert_eq!(schema["properties"]["rule_matching"]["enum"], serde_json::json!(["first", "all"]));
    assert_eq!(schema["properties"]["sensor"]["properties"]["ring_memory"]["default"], "64M");
}

#[test]
fn rule_files_of_the_configuration_are_read_unless_r_names_some() {
    let rule = |name: &str, condition: &str| {
        format!(
            "- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n"
        )
    };
    let folder = folder("rules_files: [none.yaml, own.d]\n");
    fs::create_dir(folder.path().join("own.d")).unwrap();
    fs::write(folder.path().join("own.d/b.yml"), rule("B", "evt.type = opne")).unwrap();
    fs::write(folder.path().join("r.yaml"), rule("R", "evt.type = opn")).unwrap();

    let (code, _, err) = outcome(&k8srd(folder.path(), &["run", "-c", "k8srd.yaml"]));
    assert_eq!(code, 1);
    assert!(err.starts_with("k8srd: rules_files: none.yaml is not there, passed over\n"), "{err}");
    assert!(err.contains("own.d/b.yml:3:"), "{err}");

    let args = ["run", "-c", "k8srd.yaml", "-r", "r.yaml"];
    let (code, _, err) = outcome(&k8srd(folder.path(), &args));
    assert_eq!(code, 1);
    assert!(err.contains("r.yaml:3:") && !err.contains("own.d") && !err.contains("none"), "{err}");

    let args = ["run", "-o", "rules_files=[none.yaml]"];
    let (code, _, err) = outcome(&k8srd(folder.path(), &args));
    assert_eq!(code, 1);
    assert!(err.ends_with("k8srd: rules_files names no rule file that is there\n"), "{err}");
}

#[test]
fn every_verb_reads_the_rule_files_of_the_configuration_alike() {
    let folder = folder("rules_files: [none.yaml, r.yaml]\nstatic_fields: {cluster: prod}\n");
    let rule = "- rule: R\n  desc: d\n  condition: evt.type = openat\n  output: at %static.cluster\n  \
                priority: INFO\n";
    fs::write(folder.path().join("r.yaml"), rule).unwrap();
    for verb in ["validate", "describe"] {
        let (code, out, err) = outcome(&k8srd(folder.path(), &[verb, "-c", "k8srd.yaml"]));
        assert_eq!((code, &*err), (0, "k8srd: rules_files: none.yaml is not there, passed over\n"));
        assert!(out.contains('R') || out.contains("1 rule"), "{verb}: {out}");
    }
}

#[test]
fn a_rule_that_is_left_out_for_its_priority_is_still_checked() {
    let folder = folder("priority: warning\nrules_files: [r.yaml]\n");
    let rule = "- rule: R\n  desc: d\n  condition: evt.type = opn\n  output: o\n  priority: INFO\n";
    fs::write(folder.path().join("r.yaml"), rule).unwrap();
    let (code, _, err) = outcome(&k8srd(folder.path(), &["run", "-c", "k8srd.yaml"]));
    assert_eq!(code, 1);
    assert!(err.contains("r.yaml:3:"), "{err}");
}

#[test]
fn the_page_for_people_is_the_committed_one() {
    let folder = folder("");
    let args = ["config", "schema", "--format", "markdown"];
    let (code, out, _) = outcome(&k8srd(folder.path(), &args));
    assert_eq!(code, 0);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    assert_eq!(out, fs::read_to_string(page).unwrap());
}

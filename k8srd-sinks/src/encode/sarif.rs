//! What loading rule files found, as SARIF 2.1.0, which code hosts show beside the changed lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8srd_core::rules::Diagnostics;
use k8srd_core::rules::diagnostic::{Code, Diagnostic, Severity, Sources, Span};
use k8srd_core::rules::outline::{Outline, Place};
use serde_json::{Value, json};

use super::load_results::said;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Where a code is explained.
const INFORMATION: &str = "https://github.com/k8srd/k8srd/blob/main/docs/rules-ci.md";

/// A SARIF log with one run: a rule for each code that was found, a result for each problem.
///
/// Relative file names become relative URIs, which a code host reads from the root of the
/// repository; `version` is that of the program that ran.
pub fn sarif(diagnostics: &Diagnostics, version: &str) -> String {
    // By name, so that the same findings give the same log.
    let mut codes: BTreeMap<&str, Code> = BTreeMap::new();
    codes.extend(diagnostics.iter().map(|d| (d.code.name(), d.code)));
    let rules: Vec<_> = codes.values().map(|code| rule(*code)).collect();
    let sources = diagnostics.sources();
    let mut outlines = BTreeMap::new();
    let results = diagnostics.iter().map(|d| {
        let path = d.span.as_ref().map(|span| {
            let file = span.file;
            outlines.entry(file).or_insert_with(|| Outline::of(sources.text(file))).path_to(d)
        });
        let index = codes.keys().position(|name| *name == d.code.name());
        result(sources, d, index, &path.unwrap_or_default())
    });
    let results: Vec<_> = results.collect();
    let artifacts: Vec<_> = sources
        .files()
        .map(|file| json!({ "location": { "uri": uri(sources.name(file)) } }))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "k8srd",
                    "version": version,
                    "informationUri": INFORMATION,
                    "rules": rules,
                },
            },
            "columnKind": "unicodeCodePoints",
            "artifacts": artifacts,
            "results": results,
        }],
    })
    .to_string()
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.description() },
        "defaultConfiguration": { "level": level(code.severity()) },
        "helpUri": INFORMATION,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(sources: &Sources, d: &Diagnostic, index: Option<usize>, path: &[Place]) -> Value {
    let locations: Vec<_> =
        d.span.as_ref().map(|span| location(sources, span, path)).into_iter().collect();
    json!({
        "ruleId": d.code.name(),
        "ruleIndex": index,
        "level": level(d.severity),
        "message": { "text": said(d) },
        "locations": locations,
    })
}

fn location(sources: &Sources, span: &Span, path: &[Place]) -> Value {
    let named = path.iter().filter(|place| !place.item.name.is_empty());
    let logical: Vec<_> = named
        .map(|place| json!({ "name": place.item.name, "kind": place.item.kind.name() }))
        .collect();
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(sources.name(span.file)) },
            "region": region(sources, span),
        },
        "logicalLocations": logical,
    })
}

/// The part of the text in lines and columns, counted from 1; the end is the column behind the
/// last character.
fn region(sources: &Sources, span: &Span) -> Value {
    let (start, end) = (sources.position(span), sources.end(span));
    // A place without extent is shown as one character.
    let is_empty = (end.line, end.column) <= (start.line, start.column);
    let end = if is_empty { (start.line, start.column + 1) } else { (end.line, end.column) };
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.0,
        "endColumn": end.1,
    })
}

/// A file's name as a URI reference: whatever is not allowed in a path is written as `%XX`.
fn uri(name: &str) -> String {
    let mut uri = if name.starts_with('/') { "file://".to_owned() } else { String::new() };
    let name = name.strip_prefix("./").unwrap_or(name);
    for &byte in name.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => write!(uri, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use k8srd_core::rules::Loader;
    use k8srd_core::schema::Schema;

    use super::*;

    fn run(files: &[(&str, &str)]) -> Value {
        let mut loader = Loader::new(&Schema::falco());
        for (name, text) in files {
            loader = loader.add_file(*name, *text);
        }
        let log: Value = serde_json::from_str(&sarif(&loader.load().1, "1.2.3")).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let runs = log["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 1);
        runs[0].clone()
    }

    #[test]
    fn a_problem_has_a_rule_a_region_and_a_name() {
        let text = "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n    \
                    evt.type = open\n    and é.nam = x\n- list: l\n  items: []\n";
        let run = run(&[("./rules/my rules.yaml", text)]);
        let driver = &run["tool"]["driver"];
        assert_eq!((&driver["name"], &driver["version"]), (&json!("k8srd"), &json!("1.2.3")));
        let results = run["results"].as_array().unwrap();
        let ids: Vec<_> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["LOAD_ERR_COMPILE_CONDITION"], "{results:?}");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        }
        assert_eq!(results[0]["level"], "error");
        let location = &results[0]["locations"][0];
        let physical = &location["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "rules/my%20rules.yaml");
        let region = &physical["region"];
        assert_eq!((&region["startLine"], &region["startColumn"]), (&json!(7), &json!(9)));
        assert_eq!(location["logicalLocations"], json!([{ "name": "r", "kind": "rule" }]));
    }

    #[test]
    fn each_code_is_one_rule() {
        let text =
            "- list: b\n  items: []\n- list: a\n  items: []\n- macro: m\n  condition: evt.num=1\n";
        let run = run(&[("a.yaml", text)]);
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["LOAD_UNUSED_LIST", "LOAD_UNUSED_MACRO"]);
        assert!(rules.iter().all(|rule| rule["defaultConfiguration"]["level"] == "warning"));
        assert_eq!(run["results"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn nothing_found_is_a_run_without_results() {
        let run = run(&[("a.yaml", "")]);
        assert_eq!(run["results"], json!([]));
        assert_eq!(run["artifacts"][0]["location"]["uri"], "a.yaml");
    }

    #[test]
    fn names_become_uris() {
        assert_eq!(uri("/etc/falco/rules.d/a.yaml"), "file:///etc/falco/rules.d/a.yaml");
        assert_eq!(uri("a#b?%é.yaml"), "a%23b%3F%25%C3%A9.yaml");
    }

    #[test]
    fn a_place_without_extent_is_one_character() {
        let run = run(&[("a.yaml", "- b: c: d\n")]);
        let region = &run["results"][0]["locations"][0]["physicalLocation"]["region"];
        let (start, end) = (&region["startColumn"], &region["endColumn"]);
        assert_eq!(start.as_u64().unwrap() + 1, end.as_u64().unwrap(), "{region}");
    }
}

//! Every evaluator of conditions against the corpus in `testdata/conditions`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the test run says how many rows there are")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{self, Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_testkit::corpus::conditions::{Expected, Question, Row, check, read_dir};
use k8srd_testkit::reference;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/conditions");

/// Files that are about the writing of conditions, not about what a comparison means.
const NOT_ABOUT_TRUTH: [&str; 2] = ["quoting", "refused"];

#[test]
fn the_rule_engine_passes() {
    let (schema, rows) = corpus();
    let report = check(&rows, &schema, &mut |q| rules::evaluate(q.condition, q.event, q.arena));
    println!("{} rows", report.assert_passed());
}

#[test]
fn the_reference_passes() {
    let (schema, rows) = corpus();
    let report = check(&rows, &schema, &mut |q| reference::evaluate(q.condition, q.event, q.arena));
    report.assert_passed();
}

#[test]
fn rules_compiled_to_a_plan_pass() {
    let (schema, rows) = corpus();
    check(&rows, &schema, &mut |q| judge_as_rule(&schema, q)).assert_passed();
}

#[test]
fn every_file_shows_each_truth() {
    let (_, rows) = corpus();
    let file_of = |row: &Row| {
        let path = row.place.split(':').next().unwrap_or_default();
        Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    };
    let mut files: Vec<_> = rows.iter().filter_map(file_of).collect();
    files.dedup();
    assert!(files.len() >= 15, "a file for each operator: {files:?}");
    for file in files.iter().filter(|file| !NOT_ABOUT_TRUTH.contains(&&***file)) {
        for truth in [Some(true), Some(false), None] {
            let shows = |row: &&Row| {
                file_of(row).as_ref() == Some(file)
                    && matches!(row.expected, Expected::Truth(_, expected) if expected == truth)
            };
            assert!(rows.iter().any(|row| shows(&row)), "{file}.toml has no row for {truth:?}");
        }
    }
}

fn corpus() -> (Arc<Schema>, Vec<Row>) {
    let schema = Arc::new(Schema::falco());
    let rows = read_dir(CORPUS, &schema).unwrap_or_else(|error| {
        panic!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
    });
    (schema, rows)
}

/// The whole way of a rule: a file, loaded, compiled to a plan and judged by a matcher.
fn judge_as_rule(schema: &Arc<Schema>, question: Question<'_>) -> Option<bool> {
    let file = format!(
        "- rule: r\n  desc: d\n  condition: {}\n  output: o\n  priority: notice\n",
        yaml_text(question.text)
    );
    let (rules, diagnostics) = Loader::new(schema).add_file("r.yaml", file).load();
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
    let mut matcher = RuleMatcher::new(Plan::compile(rules, PlanOptions::default()));
    let mut verdicts = Verdicts::default();
    matcher.evaluate(question.event, None, question.arena, &mut verdicts);
    match (verdicts.alerts.len(), verdicts.waiting.len()) {
        (1, 0) => Some(true),
        (0, 1) => None,
        (0, 0) => Some(false),
        (alerts, waiting) => panic!("one rule raises {alerts} alerts and waits {waiting} times"),
    }
}

/// A text as a double-quoted YAML scalar.
fn yaml_text(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

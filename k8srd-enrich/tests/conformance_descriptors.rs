//! What Falco said of events, descriptors and paths, as recorded in the folder that
//! `K8SRD_CONFORMANCE` names: `conditions/<capture>.json` holds conditions, and how often and where
//! first they held in a capture. Those that ask for nothing else must hold as often, and there.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the test run says how many cases there were")]

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use k8srd_capture::Capture;
use k8srd_core::field::Part;
use k8srd_core::pipeline::{PathMatching, Pipeline};
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher, RuleMatching, parse_condition};
use k8srd_core::schema::Schema;
use k8srd_core::source::Flow;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Conditions that hold elsewhere for a reason that is known. One that agrees has to be taken out.
const NOT_YET: &[(&str, &[&str])] = &[
    // Events of calls that older writers recorded by number only, and that have an event of their
    // own today (`mprotect`), are passed over by the capture reader.
    (
        "cat_write",
        &[
            "c00007", "c00010", "c00032", "c00039", "c00043", "c00069", "c00073", "c00088",
            "c00091", "c00111", "c00117", "c00118", "c00123", "c00133", "c00138",
        ],
    ),
    // For Falco, `in` is never true of a raw param that is no text.
    ("syscall", &["c00068"]),
];

/// How many times are recorded in full.
const FIRST: usize = 5;

struct Case {
    name: String,
    condition: String,
    count: usize,
    first: Vec<u64>,
}

#[test]
fn conditions_on_descriptors_hold_where_they_held_for_falco() {
    let Some(folder) = env::var_os("K8SRD_CONFORMANCE") else {
        println!("skipped: K8SRD_CONFORMANCE names no folder with recorded answers of Falco");
        return;
    };
    let folder = PathBuf::from(folder);
    let entries = fs::read_dir(folder.join("conditions")).expect("a folder of conditions");
    let files = entries.map(|entry| entry.expect("an entry of it").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    let (mut count, mut problems) = (0, Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let capture = folder.join("captures").join(format!("{name}.scap"));
        let known = NOT_YET.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, it)| it);
        let (cases, told) = cases(file)
            .and_then(|cases| replay(&capture, &cases).map(|told| (cases, told)))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        count += cases.len();
        for case in &cases {
            let times = told.get(&case.name).map(Vec::as_slice).unwrap_or_default();
            let first = times.get(..times.len().min(FIRST)).unwrap_or_default();
            let agrees = times.len() == case.count && first == case.first;
            if agrees == known.contains(&&*case.name) {
                problems.push(format!(
                    "{name} {}: {}\n  holds {} times, for Falco {}; first {first:?}, for Falco {:?}",
                    case.name,
                    case.condition,
                    times.len(),
                    case.count,
                    case.first
                ));
            }
        }
    }
    println!("{count} conditions ask for events and descriptors only, {} differ", problems.len());
    assert!(count > 0, "no condition asks for events and descriptors only");
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
}

/// The conditions all of whose fields follow from calls and descriptors.
fn cases(file: &Path) -> Outcome<Vec<Case>> {
    let schema = Schema::falco();
    let recorded: Value = serde_json::from_slice(&fs::read(file)?)?;
    let mut cases = Vec::new();
    for case in recorded["cases"].as_array().ok_or("no cases")? {
        let condition = case["condition"].as_str().ok_or("no condition")?;
        let Some(parsed) = parse_condition(&schema, condition).0 else { continue };
        if is_ours(&schema, &parsed) {
            let first = case["first"].as_array().into_iter().flatten();
            cases.push(Case {
                name: case["name"].as_str().ok_or("no name")?.to_owned(),
                condition: condition.to_owned(),
                count: usize::try_from(case["count"].as_u64().ok_or("no count")?)?,
                first: first.filter_map(Value::as_u64).collect(),
            });
        }
    }
    Ok(cases)
}

fn is_ours(schema: &Schema, condition: &Condition) -> bool {
    let every = |all: &[Condition]| all.iter().all(|one| is_ours(schema, one));
    match condition {
        Condition::All(all) | Condition::Any(all) => every(all),
        Condition::Not(inner) => is_ours(schema, inner),
        Condition::Check(check) => {
            let mut ours = true;
            check.fields(&mut |field| {
                let part = schema.field_info(field.key.field()).map(|info| info.answered_by);
                ours &= matches!(part, Some(Part::SyscallFields | Part::Pipeline));
            });
            ours
        }
        _ => true,
    }
}

/// The times of the events at which each condition holds.
fn replay(capture: &Path, cases: &[Case]) -> Outcome<HashMap<String, Vec<u64>>> {
    let schema = Schema::falco();
    let rule = |case: &Case| {
        let condition = Value::from(case.condition.as_str());
        format!(
            "- rule: {}\n  desc: recorded\n  priority: ERROR\n  output: recorded\n  \
             warn_evttypes: false\n  condition: {condition}\n",
            case.name
        )
    };
    let text: String = cases.iter().map(rule).collect();
    let (rules, diagnostics) = Loader::new(&schema).add_file("recorded.yaml", text).load();
    if diagnostics.has_errors() {
        return Err(diagnostics.render().to_string().into());
    }
    let options = PlanOptions::default().rule_matching(RuleMatching::All);
    let mut pipeline = Pipeline::builder(Capture::new(File::open(capture)?)?)
        .enrich(Processes::builder().build())
        .enrich(Containers::default())
        .enrich(SyscallFields::builder().descriptors().build())
        .path_matching(PathMatching::Given)
        .matcher(RuleMatcher::new(Plan::compile(rules, options)))
        .build()?;
    let (mut told, mut alerts) = (HashMap::<String, Vec<u64>>::new(), Vec::new());
    loop {
        let flow = pipeline.step(Duration::ZERO, &mut alerts)?;
        for alert in alerts.drain(..) {
            told.entry(alert.rule.name.clone()).or_default().push(alert.time.as_nanos());
        }
        if matches!(flow, Flow::End) {
            return Ok(told);
        }
    }
}

//! Rule files against what Falco says of them, as recorded in the folder that `K8SRD_CONFORMANCE`
//! names: `load/<case>/expected.json` and the files that it lists.
//!
//! Compared are success, and of each error and warning its code and what it is about. The wording
//! is ours.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a test says what it skipped or how much it compared")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use k8srd_core::rules::Loader;
use k8srd_core::rules::diagnostic::{Diagnostic, FileResult, Severity};
use k8srd_core::schema::Schema;
use serde_json::Value;

/// Code, type of item, name of item.
type Problem = (String, String, String);
type Outcome<T> = Result<T, Box<dyn Error>>;

#[test]
fn rule_files_load_as_in_falco() {
    let Some(folder) = env::var_os("K8SRD_CONFORMANCE") else {
        println!("skipped: K8SRD_CONFORMANCE names no folder with recorded answers of Falco");
        return;
    };
    let folder = PathBuf::from(folder).join("load");
    let cases = cases(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!cases.is_empty(), "{} holds no case", folder.display());
    let schema = Schema::falco();
    let mut differing = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match compare(&schema, case) {
            Ok(differences) if differences.is_empty() => {}
            Ok(differences) => differing.push(format!("{name}:\n  {}", differences.join("\n  "))),
            Err(error) => differing.push(format!("{name}: {error}")),
        }
    }
    println!("{} cases ran, {} differ", cases.len(), differing.len());
    assert!(differing.is_empty(), "{} cases differ:\n{}", differing.len(), differing.join("\n"));
}

fn cases(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut cases = entries.collect::<Result<Vec<_>, _>>()?;
    cases.retain(|case| case.is_dir());
    cases.sort();
    Ok(cases)
}

/// In what our results differ from those that are recorded.
fn compare(schema: &Schema, case: &Path) -> Outcome<Vec<String>> {
    let expected: Value = serde_json::from_slice(&fs::read(case.join("expected.json"))?)?;
    let mut loader = Loader::new(schema);
    for file in list(&expected, "files")? {
        let file = file.as_str().ok_or("a file has no name")?;
        let content = fs::read(case.join(file)).map_err(|error| format!("{file}: {error}"))?;
        loader = loader.add_file(file, content);
    }
    let (_, diagnostics) = loader.load();
    let expected = list(&expected, "results")?;
    let own = diagnostics.results();
    if expected.len() != own.len() {
        return Ok(vec![format!("{} files have results, not {}", own.len(), expected.len())]);
    }
    let mut differences = Vec::new();
    for (expected, own) in expected.iter().zip(own) {
        let file = text(expected, "file")?;
        let successful = expected["successful"].as_bool().ok_or("no verdict")?;
        if own.is_successful() != successful {
            differences.push(format!("{file}: it loads: {}", own.is_successful()));
        }
        for (key, severity) in [("errors", Severity::Error), ("warnings", Severity::Warning)] {
            let expected = list(expected, key)?.iter().map(|problem| {
                Ok((
                    text(problem, "code")?,
                    text(problem, "item_type")?,
                    text(problem, "item_name")?,
                ))
            });
            let expected = count(expected.collect::<Outcome<Vec<_>>>()?);
            let own = count(problems(own, severity));
            for (problem, missing) in surplus(&expected, &own) {
                differences.push(format!("{file}: {missing} x {problem:?} is missing"));
            }
            for (problem, more) in surplus(&own, &expected) {
                differences.push(format!("{file}: {more} x {problem:?} is too much"));
            }
        }
    }
    if !differences.is_empty() {
        differences.push(diagnostics.render().to_string());
    }
    Ok(differences)
}

fn problems(result: &FileResult, severity: Severity) -> Vec<Problem> {
    let of_severity = result.found.iter().filter(|problem| problem.severity == severity);
    let problem = |Diagnostic { code, item, .. }: &Diagnostic| {
        (code.name().to_owned(), item.kind.name().to_owned(), item.name.clone())
    };
    of_severity.map(problem).collect()
}

fn count(problems: Vec<Problem>) -> BTreeMap<Problem, usize> {
    let mut counts = BTreeMap::new();
    problems.into_iter().for_each(|problem| *counts.entry(problem).or_default() += 1);
    counts
}

/// What `of` has more than `than`.
fn surplus(
    of: &BTreeMap<Problem, usize>,
    than: &BTreeMap<Problem, usize>,
) -> Vec<(Problem, usize)> {
    let more = |(problem, count): (&Problem, &usize)| {
        let surplus = count.saturating_sub(than.get(problem).copied().unwrap_or(0));
        (surplus > 0).then(|| (problem.clone(), surplus))
    };
    of.iter().filter_map(more).collect()
}

fn list<'v>(value: &'v Value, key: &str) -> Outcome<&'v Vec<Value>> {
    value[key].as_array().ok_or_else(|| format!("no list {key}").into())
}

fn text(value: &Value, key: &str) -> Outcome<String> {
    value[key].as_str().map(str::to_owned).ok_or_else(|| format!("no text {key}").into())
}

//! What loading rule files found, as Falco's JSON.
//!
//! Facts on the form: `result::as_json` in `userspace/engine/rule_loader.cpp` and
//! `userspace/falco/app/actions/validate_rules_files.cpp` of falcosecurity/falco.

use std::collections::BTreeMap;

use k8srd_core::rules::Diagnostics;
use k8srd_core::rules::describe::Description;
use k8srd_core::rules::diagnostic::{
    Code, Diagnostic, Excerpt, FileId, FileResult, Item, Severity, Sources, Span,
};
use k8srd_core::rules::outline::{Outline, Place};
use serde_json::{Value, json};

use super::describe;

/// How much of a line a snippet shows: conditions can be very long lines.
const SNIPPET_WIDTH: usize = 160;

/// The object `{"falco_load_results": […]}` with one result for each file, as `falco -V` prints
/// it with `json_output`, on one line.
///
/// A result holds what Falco would say of the file: its own codes, nothing behind the first error.
/// All problems, each once and in the same form, stand beside it in `k8srd_problems`.
///
/// As with Falco lines, columns and offsets are counted from 0. Unlike there a place in a
/// condition is one of the file too, rather than one of the condition's text, and `schema_valid`
/// says whether the loader itself found fault with the shape of an item.
///
/// With a description there is `falco_describe_results` too, as with `falco -V -L`.
pub fn load_results(diagnostics: &Diagnostics, description: Option<&Description>) -> String {
    let mut encoder = Encoder { diagnostics, outlines: BTreeMap::new() };
    let results: Vec<_> = diagnostics.results().iter().map(|file| encoder.result(file)).collect();
    let problems: Vec<_> = diagnostics.iter().map(|d| encoder.listed(d)).collect();
    let mut object = json!({ "falco_load_results": results, "k8srd_problems": problems });
    if let Some(description) = description {
        object["falco_describe_results"] = describe::whole(description);
    }
    object.to_string()
}

struct Encoder<'d> {
    diagnostics: &'d Diagnostics,
    /// Those of files that have a problem, once one is shown.
    outlines: BTreeMap<FileId, Outline>,
}

impl Encoder<'_> {
    fn result(&mut self, result: &FileResult) -> Value {
        let own = |severity| result.found.iter().filter(move |d| d.severity == severity);
        let errors: Vec<_> = own(Severity::Error).map(|d| self.problem(d)).collect();
        let warnings: Vec<_> = own(Severity::Warning).map(|d| self.problem(d)).collect();
        let is_about_shape = |d: &&Diagnostic| {
            matches!(d.code, Code::YamlValidate | Code::UnknownKey | Code::UnknownItem)
        };
        let shape: Vec<_> = result.found.iter().filter(is_about_shape).map(said).collect();
        json!({
            "name": self.diagnostics.sources().name(result.file),
            "successful": result.is_successful(),
            "schema_valid": shape.is_empty(),
            "schema_warnings": shape,
            "errors": errors,
            "warnings": warnings,
        })
    }

    fn listed(&mut self, diagnostic: &Diagnostic) -> Value {
        let mut problem = self.problem(diagnostic);
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        problem["severity"] = severity.into();
        problem
    }

    fn problem(&mut self, diagnostic: &Diagnostic) -> Value {
        let sources = self.diagnostics.sources();
        let locations: Vec<_> = match &diagnostic.span {
            None => vec![location(sources, None, &diagnostic.item, 0)],
            Some(span) => {
                let outline = || Outline::of(sources.text(span.file));
                let outline = self.outlines.entry(span.file).or_insert_with(outline);
                let path = outline.path_to(diagnostic);
                let place =
                    |place: &Place| location(sources, Some(span.file), &place.item, place.start);
                path.iter().map(place).collect()
            }
        };
        json!({
            "context": {
                "locations": locations,
                "snippet": snippet(sources, diagnostic.span.as_ref()),
            },
            "code": diagnostic.code.name(),
            "codedesc": diagnostic.code.description(),
            "message": said(diagnostic),
        })
    }
}

/// The message with what to do about it.
pub(super) fn said(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}; {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

fn location(sources: &Sources, file: Option<FileId>, item: &Item, start: usize) -> Value {
    let position = file.map(|file| sources.position(&Span { file, range: start..start }));
    let (line, column) = position.map_or((0, 0), |at| (at.line - 1, at.column - 1));
    json!({
        "item_type": item.kind.name(),
        "item_name": item.name,
        "position": {
            "name": file.map_or("", |file| sources.name(file)),
            "line": line,
            "column": column,
            "offset": start,
        },
    })
}

/// The line of the place and a mark under it.
fn snippet(sources: &Sources, span: Option<&Span>) -> String {
    let Some(span) = span else { return "<No context available>\n".to_owned() };
    let Excerpt { text, marked, is_cut_before, is_cut_after } =
        sources.excerpt(span, SNIPPET_WIDTH / 2, SNIPPET_WIDTH);
    let cut = |is_cut| if is_cut { "..." } else { "" };
    let (before, after) = (cut(is_cut_before), cut(is_cut_after));
    let indent = before.len() + marked.start;
    format!("{before}{text}{after}\n{:indent$}^\n", "")
}

#[cfg(test)]
mod tests {
    use k8srd_core::rules::Loader;
    use k8srd_core::schema::Schema;

    use super::*;

    /// The results, and all problems.
    fn load_all(files: &[(&str, &str)]) -> (Vec<Value>, Vec<Value>) {
        let mut loader = Loader::new(&Schema::falco());
        for (name, text) in files {
            loader = loader.add_file(*name, *text);
        }
        let text = load_results(&loader.load().1, None);
        assert!(!text.contains('\n'), "one line: {text}");
        let object: Value = serde_json::from_str(&text).unwrap();
        let list = |key: &str| object[key].as_array().unwrap().clone();
        (list("falco_load_results"), list("k8srd_problems"))
    }

    fn load(files: &[(&str, &str)]) -> Vec<Value> {
        load_all(files).0
    }

    const RULE: &str = "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n";

    #[test]
    fn a_fine_file_has_empty_lists() {
        let condition = "  condition: evt.type = open and proc.name = sh\n";
        let results = load(&[("a.yaml", &format!("{RULE}{condition}"))]);
        let fine = json!({
            "name": "a.yaml",
            "successful": true,
            "schema_valid": true,
            "schema_warnings": [],
            "errors": [],
            "warnings": [],
        });
        assert_eq!(results, [fine]);
    }

    #[test]
    fn a_problem_shows_the_way_to_it() {
        let text = format!("{RULE}  condition: evt.type = open and proc.nam = é\n");
        let results = load(&[("a.yaml", "- list: l\n  items: []\n"), ("b.yaml", &text)]);
        assert_eq!(results[0]["successful"], true);
        assert_eq!(results[0]["warnings"][0]["code"], "LOAD_UNUSED_LIST");
        assert_eq!(results[1]["successful"], false);
        let error = &results[1]["errors"][0];
        let position = |line, column, offset| json!({"name": "b.yaml", "line": line, "column": column, "offset": offset});
        let at = text.find("proc.nam").unwrap();
        assert_eq!(
            error["context"],
            json!({
                "locations": [
                    {"item_type": "rules content", "item_name": "", "position": position(0, 0, 0)},
                    {"item_type": "rule", "item_name": "r", "position": position(0, 2, 2)},
                    {"item_type": "rule condition", "item_name": "",
                     "position": position(4, 13, text.find("evt.type").unwrap())},
                    {"item_type": "condition expression", "item_name": "",
                     "position": position(4, 33, at)},
                ],
                "snippet": "  condition: evt.type = open and proc.nam = é\n                                 ^\n",
            })
        );
        assert_eq!(error["code"], "LOAD_ERR_COMPILE_CONDITION");
        assert_eq!(error["codedesc"], Code::CompileCondition.description());
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with("; did you mean proc.name?"), "{message}");
        assert_eq!(results[1]["schema_valid"], true);
    }

    #[test]
    fn a_description_stands_beside_the_results() {
        let (rules, found) = Loader::new(&Schema::falco()).add_file("a.yaml", RULE).load();
        let text = load_results(&found, Some(&rules.describe()));
        let object: Value = serde_json::from_str(&text).unwrap();
        assert!(object["falco_describe_results"]["rules"].is_array());
        let text = load_results(&found, None);
        assert!(!text.contains("falco_describe_results"));
    }

    #[test]
    fn results_stop_where_falco_does_and_problems_do_not() {
        let wrong = |name: &str| {
            let rule = RULE.replacen(" r\n", &format!(" {name}\n"), 1);
            format!("{rule}  condition: evt.type = open and x.{name} = 1\n")
        };
        let text = format!("{}{}", wrong("first"), wrong("second"));
        let (results, problems) = load_all(&[("a.yaml", &text)]);
        assert_eq!(results[0]["errors"].as_array().unwrap().len(), 1);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[1]["severity"], "error");
        assert_eq!(problems[1]["context"]["locations"][1]["item_name"], "second");
    }

    #[test]
    fn faults_of_shape_are_schema_warnings_too() {
        let results = load(&[("a.yaml", "- macro: m\n")]);
        assert_eq!(results[0]["schema_valid"], false);
        assert_eq!(results[0]["schema_warnings"].as_array().unwrap().len(), 1);
        assert_eq!(results[0]["errors"][0]["context"]["locations"][1]["item_name"], "m");
    }

    #[test]
    fn snippets_of_long_lines_are_cut_on_both_sides() {
        let blanks = " ".repeat(300);
        let text =
            format!("{RULE}  condition: evt.type = open and{blanks}x.y = 1{blanks}or evt.num=1\n");
        let results = load(&[("a.yaml", &text)]);
        let snippet = results[0]["errors"][0]["context"]["snippet"].as_str().unwrap();
        let lines: Vec<_> = snippet.lines().collect();
        assert_eq!(lines[0].len(), 160 + 6);
        assert!(lines[0].starts_with("...") && lines[0].ends_with("..."), "{snippet}");
        assert_eq!(lines[0].find("x.y"), lines[1].find('^'));
    }
}

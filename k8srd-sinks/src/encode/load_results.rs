//! What loading rule files found, as Falco's JSON.
//!
//! Facts on the form: `result::as_json` in `userspace/engine/rule_loader.cpp` and
//! `userspace/falco/app/actions/validate_rules_files.cpp` of falcosecurity/falco.

use k8srd_core::rules::Diagnostics;
use k8srd_core::rules::diagnostic::{Code, Diagnostic, FileId, Severity, Sources, Span};
use k8srd_core::rules::outline::{Outline, Place};
use serde_json::{Value, json};

/// How much of a line a snippet shows: conditions can be very long lines.
const SNIPPET_WIDTH: usize = 160;

/// The object `{"falco_load_results": […]}` with one result for each file, as `falco -V` prints
/// it with `json_output`, on one line.
///
/// As there, lines, columns and offsets are counted from 0. Unlike there, a place in a condition
/// is one of the file too, rather than one of the condition's text, and `schema_valid` says
/// whether the loader itself found fault with the shape of an item.
pub fn load_results(diagnostics: &Diagnostics) -> String {
    json!({ "falco_load_results": results(diagnostics) }).to_string()
}

pub(super) fn results(diagnostics: &Diagnostics) -> Vec<Value> {
    let sources = diagnostics.sources();
    // What is in no one place is said of the last file: with it loading failed.
    let last = sources.files().last();
    let file_of = |d: &Diagnostic| d.span.as_ref().map(|span| span.file).or(last);
    let of_file = |file| {
        let own = diagnostics.iter().filter(|d| file_of(d) == Some(file));
        result(sources, file, &own.collect::<Vec<_>>())
    };
    sources.files().map(of_file).collect()
}

fn result(sources: &Sources, file: FileId, own: &[&Diagnostic]) -> Value {
    // Most files have no problem; their outline is not asked for.
    let outline = if own.is_empty() { Outline::default() } else { Outline::of(sources.text(file)) };
    let of = |severity| {
        let some = own.iter().filter(|d| d.severity == severity);
        some.map(|d| problem(sources, file, &outline, d)).collect::<Vec<_>>()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let is_about_shape = |d: &&&Diagnostic| {
        matches!(d.code, Code::YamlValidate | Code::UnknownKey | Code::UnknownItem)
    };
    let shape: Vec<_> = own.iter().filter(is_about_shape).map(|d| said(d)).collect();
    json!({
        "name": sources.name(file),
        "successful": errors.is_empty(),
        "schema_valid": shape.is_empty(),
        "schema_warnings": shape,
        "errors": errors,
        "warnings": warnings,
    })
}

fn problem(sources: &Sources, file: FileId, outline: &Outline, diagnostic: &Diagnostic) -> Value {
    let path = outline.path_to(diagnostic);
    let locations: Vec<_> = path.iter().map(|place| location(sources, file, place)).collect();
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

/// The message with what to do about it.
pub(super) fn said(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}; {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

fn location(sources: &Sources, file: FileId, place: &Place) -> Value {
    let position = sources.position(&Span { file, range: place.start..place.start });
    json!({
        "item_type": place.item.kind.name(),
        "item_name": place.item.name,
        "position": {
            "name": sources.name(file),
            "line": position.line - 1,
            "column": position.column - 1,
            "offset": place.start,
        },
    })
}

/// The line of the place and a mark under it.
fn snippet(sources: &Sources, span: Option<&Span>) -> String {
    let Some(span) = span else { return "<No context available>\n".to_owned() };
    let (line, covered) = sources.line(span);
    let from = covered.start.saturating_sub(SNIPPET_WIDTH / 2);
    let shown: String = line.chars().skip(from).take(SNIPPET_WIDTH).collect();
    let before = if from == 0 { "" } else { "..." };
    let is_cut = line.chars().nth(from + SNIPPET_WIDTH).is_some();
    let after = if is_cut { "..." } else { "" };
    let indent = before.len() + covered.start - from;
    format!("{before}{shown}{after}\n{:indent$}^\n", "")
}

#[cfg(test)]
mod tests {
    use k8srd_core::rules::Loader;
    use k8srd_core::schema::Schema;

    use super::*;

    fn load(files: &[(&str, &str)]) -> Vec<Value> {
        let mut loader = Loader::new(&Schema::falco());
        for (name, text) in files {
            loader = loader.add_file(*name, *text);
        }
        let text = load_results(&loader.load().1);
        assert!(!text.contains('\n'), "one line: {text}");
        let object: Value = serde_json::from_str(&text).unwrap();
        object["falco_load_results"].as_array().unwrap().clone()
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

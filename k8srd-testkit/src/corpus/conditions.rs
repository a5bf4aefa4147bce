//! The corpus of conditions: what each event makes of a condition.
//!
//! ```toml
//! [[case]]
//! condition = 'proc.name = cat'
//! true = [{ "proc.name" = "cat" }]
//! false = [{ "proc.name" = "cats" }, {}]
//! unknown = [{ "proc.name" = { pending = true } }]
//!
//! [[case]]
//! condition = 'proc.name ='
//! refused = "LOAD_ERR_COMPILE_CONDITION: expected"
//! ```
//!
//! `refused` is the code of a diagnostic and a part of its message. `kind` names the kind of the
//! case's events; without it they are `open`. `why` is for readers.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::{self, Diagnostics};
use k8srd_core::schema::Schema;
use toml::Spanned;
use toml::de::DeValue;

use super::{CorpusError, Text, event};
use crate::event::TestEvent;

const DEFAULT_KIND: &str = "open";

/// One condition and one expectation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// File and line.
    pub place: String,
    /// The condition's text.
    pub condition: String,
    /// What is to come out.
    pub expected: Expected,
}

/// What is to come out of a row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Expected {
    /// The event makes the condition true, false or (`None`) unknown.
    Truth(Box<TestEvent>, Option<bool>),
    /// The condition is refused.
    Refused {
        /// The diagnostic's code.
        code: String,
        /// A part of its message.
        says: String,
    },
}

/// Reads all `.toml` files of a folder.
///
/// # Errors
///
/// Where a file cannot be read or is no corpus of conditions for `schema`.
pub fn read_dir(dir: impl AsRef<Path>, schema: &Arc<Schema>) -> Result<Vec<Row>, CorpusError> {
    let mut rows = Vec::new();
    for path in super::files(dir.as_ref(), "toml")? {
        rows.extend(parse(&path.display().to_string(), &super::read(&path)?, schema)?);
    }
    Ok(rows)
}

/// Reads a corpus from its text; `name` is that of the file.
///
/// # Errors
///
/// Where the text is no corpus of conditions for `schema`.
pub fn parse(name: &str, text: &str, schema: &Arc<Schema>) -> Result<Vec<Row>, CorpusError> {
    let text = Text { name, text };
    let mut rows = Vec::new();
    for (key, cases) in &text.tables()? {
        if key.get_ref() != "case" {
            return Err(text.wrong(key.span(), "expected only [[case]]"));
        }
        for case in text.array(cases)? {
            read_case(&text, schema, case, &mut rows)?;
        }
    }
    Ok(rows)
}

fn read_case(
    text: &Text<'_>,
    schema: &Arc<Schema>,
    case: &Spanned<DeValue<'_>>,
    rows: &mut Vec<Row>,
) -> Result<(), CorpusError> {
    let table = text.table(case)?;
    let condition = table.get("condition");
    let condition = condition.ok_or_else(|| text.wrong(case.span(), "no condition"))?;
    let condition = text.str(condition)?;
    let kind = table.get("kind").map_or(Ok(DEFAULT_KIND), |kind| text.str(kind))?;
    let before = rows.len();
    for (key, value) in table {
        let truth = match &**key.get_ref() {
            "condition" | "kind" | "why" => continue,
            "refused" => {
                let said = text.str(value)?;
                let (code, says) = said.split_once(": ").unwrap_or((said, ""));
                let expected = Expected::Refused { code: code.into(), says: says.into() };
                let place = text.place(case.span());
                rows.push(Row { place, condition: condition.into(), expected });
                continue;
            }
            "true" => Some(true),
            "false" => Some(false),
            "unknown" => None,
            _ => {
                let known = "condition, kind, why, true, false, unknown or refused";
                return Err(text.wrong(key.span(), format!("expected {known}")));
            }
        };
        for written in text.array(value)? {
            let event = Box::new(event::read(text, schema, kind, written)?);
            let expected = Expected::Truth(event, truth);
            let place = text.place(written.span());
            rows.push(Row { place, condition: condition.into(), expected });
        }
    }
    if rows.len() == before {
        return Err(text.wrong(case.span(), "a case that expects nothing"));
    }
    Ok(())
}

/// What an evaluator is asked: does `event` satisfy the condition?
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Question<'q> {
    /// The condition as written.
    pub text: &'q str,
    /// The condition as loaded.
    pub condition: &'q Condition,
    /// The event.
    pub event: &'q dyn Event,
    /// Memory for computed values.
    pub arena: &'q Arena,
}

/// Checks one evaluator against all rows. `judge` answers true, false or (`None`) unknown.
///
/// ```
/// use std::sync::Arc;
///
/// use k8srd_core::rules;
/// use k8srd_core::schema::Schema;
/// use k8srd_testkit::corpus::conditions::{check, parse};
///
/// let schema = Arc::new(Schema::falco());
/// let rows = parse(
///     "mine.toml",
///     r#"
///         [[case]]
///         condition = 'proc.name in (cat, dog)'
///         true = [{ "proc.name" = "cat" }]
///         false = [{ "proc.name" = "cow" }, {}]
///     "#,
///     &schema,
/// )?;
/// let report = check(&rows, &schema, &mut |q| rules::evaluate(q.condition, q.event, q.arena));
/// assert_eq!(report.assert_passed(), 3);
/// # Ok::<(), k8srd_testkit::corpus::CorpusError>(())
/// ```
pub fn check(
    rows: &[Row],
    schema: &Schema,
    judge: &mut dyn FnMut(Question<'_>) -> Option<bool>,
) -> Report {
    let mut report = Report { checked: 0, failures: Vec::new() };
    for row in rows {
        report.checked += 1;
        if let Err(reason) = check_row(row, schema, judge) {
            let Row { place, condition, .. } = row;
            report.failures.push(format!("{place}: {condition}\n{reason}"));
        }
    }
    report
}

fn check_row(
    row: &Row,
    schema: &Schema,
    judge: &mut dyn FnMut(Question<'_>) -> Option<bool>,
) -> Result<(), String> {
    let (condition, diagnostics) = rules::parse_condition(schema, &row.condition);
    match (&row.expected, condition) {
        (Expected::Truth(event, expected), Some(condition)) => {
            let (text, arena) = (&*row.condition, &Arena::default());
            let found = judge(Question { text, condition: &condition, event: &**event, arena });
            if found == *expected {
                return Ok(());
            }
            let name = |truth| match truth {
                Some(true) => "true",
                Some(false) => "false",
                None => "unknown",
            };
            Err(format!("expected {}, found {}", name(*expected), name(found)))
        }
        (Expected::Truth(..), None) => Err(format!("it is refused:\n{}", diagnostics.render())),
        (Expected::Refused { code, says }, condition) => {
            if says_so(&diagnostics, code, says) && condition.is_none() {
                return Ok(());
            }
            let found = match condition {
                Some(_) => "it is accepted".to_owned(),
                None => format!("it is refused:\n{}", diagnostics.render()),
            };
            Err(format!("expected {code}: {says}\n{found}"))
        }
    }
}

fn says_so(diagnostics: &Diagnostics, code: &str, says: &str) -> bool {
    diagnostics.iter().any(|found| found.code.name() == code && found.message.contains(says))
}

/// How many rows an evaluator passed, and which it did not.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct Report {
    /// How many rows were checked.
    pub checked: usize,
    /// For each row that did not pass: place, condition, and what was expected and found.
    pub failures: Vec<String>,
}

impl Report {
    /// The number of rows, all of which passed.
    ///
    /// # Panics
    ///
    /// Where one did not; the message names all that did not.
    #[track_caller]
    pub fn assert_passed(&self) -> usize {
        assert!(self.failures.is_empty(), "{self}");
        self.checked
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checked, failures } = self;
        writeln!(f, "{} of {checked} rows failed", failures.len())?;
        failures.iter().try_for_each(|failure| writeln!(f, "\n{failure}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falco() -> Arc<Schema> {
        Arc::new(Schema::falco())
    }

    fn error(text: &str) -> String {
        use std::error::Error;
        let error = parse("c.toml", text, &falco()).unwrap_err();
        let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
        format!("{error}{cause}")
    }

    #[test]
    fn every_event_and_refusal_is_a_row_with_its_line() {
        let text = "[[case]]\ncondition = 'fd.num = 3'\ntrue = [{ 'fd.num' = 3 }]\nfalse = [\n\
                    {},\n{ 'fd.num' = 4 },\n]\n[[case]]\ncondition = 'x'\nrefused = 'C: why'\n";
        let rows = parse("c.toml", text, &falco()).unwrap();
        let mut places: Vec<_> = rows.iter().map(|row| &*row.place).collect();
        places.sort_unstable();
        assert_eq!(places, ["c.toml:3", "c.toml:5", "c.toml:6", "c.toml:8"]);
        let refused = rows.iter().find(|row| row.condition == "x").unwrap();
        assert!(matches!(
            &refused.expected,
            Expected::Refused { code, says } if code == "C" && says == "why"
        ));
    }

    #[test]
    fn an_evaluator_that_errs_fails_and_the_report_says_where() {
        let text = "[[case]]\ncondition = 'fd.num = 3'\ntrue = [{ 'fd.num' = 3 }]\nfalse = [{}]\n\
                    [[case]]\ncondition = 'fd.num = x'\ntrue = [{}]\n[[case]]\n\
                    condition = 'fd.num = 3'\nrefused = 'LOAD_ERR_COMPILE_CONDITION: no'\n";
        let rows = parse("c.toml", text, &falco()).unwrap();
        let report = check(&rows, &falco(), &mut |_| Some(true));
        assert_eq!(report.checked, 4);
        let failures = report.failures.join("\n");
        assert_eq!(report.failures.len(), 3, "{failures}");
        assert!(failures.contains("c.toml:4: fd.num = 3\nexpected false, found true"));
        assert!(failures.contains("c.toml:7: fd.num = x\nit is refused"));
        assert!(failures.contains("it is accepted"));
    }

    #[test]
    fn a_corpus_that_is_none_is_refused_with_its_line() {
        assert!(
            error("[[case]]\ncondition = 3\ntrue = [{}]").starts_with("c.toml:2: expected text")
        );
        assert_eq!(
            error("[[case]]\ncondition = 'x'\ntrue = [{ 'fd.nam' = 3 }]"),
            "c.toml:3: not an event of this schema: no field is named \"fd.nam\" in this schema"
        );
        assert!(error("[[case]]\ncondition = 'x'").contains("expects nothing"));
        assert!(error("[[case]]\ncondition = 'x'\nmaybe = []").starts_with("c.toml:3: expected"));
        assert!(error("[[row]]\ncondition = 'x'").contains("[[case]]"));
        assert!(error("[[case]").starts_with("c.toml:1: "));
        assert!(
            error("[[case]]\ncondition = 'x'\ntrue = [{ 'fd.num' = { hex = 'f' } }]")
                .contains("hex")
        );
    }
}

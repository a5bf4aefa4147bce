//! Outputs: the text of an alert, with fields in it.
//!
//! `%field` and `%field[arg]` stand for a value, `%20field` for one that is padded with blanks or
//! cut to 20 characters; a value that an event does not have reads `<NA>`. A leading `*`, which
//! in Falco asks for just that, is passed over.

use std::fmt::Write as _;
use std::sync::Arc;

use super::fields::{self, FieldProblem};
use super::syntax::{TRANSFORMERS, TextRange};
use crate::arena::Arena;
use crate::event::Event;
use crate::field::{FieldType, Key, Multiplicity};
use crate::schema::Schema;
use crate::value::{Lookup, OwnedValue};

/// What is written for a value that is not there.
const MISSING: &str = "<NA>";
/// A token that falcosecurity's rules hold for historical reasons; it prints nothing.
const ERASED: &str = "%container.info";

/// A compiled output.
#[derive(Clone, Debug, Default)]
pub struct Output {
    parts: Vec<Part>,
    /// The fields by the name used in the text, sorted, each once.
    fields: Vec<(Arc<str>, Key)>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Box<str>),
    Field { key: Key, width: Option<usize> },
}

/// Something wrong with an output.
#[derive(Clone, Debug)]
pub(super) struct OutputProblem {
    pub(super) span: TextRange,
    /// Whether it names a field that the schema does not know.
    pub(super) unknown: bool,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What an output names that will go away.
#[derive(Clone, Debug)]
pub(super) struct Deprecated {
    pub(super) span: TextRange,
    pub(super) message: &'static str,
}

impl Output {
    /// Compiles an output; every problem is found in one go.
    pub(super) fn compile(
        schema: &Schema,
        text: &str,
    ) -> Result<(Self, Vec<Deprecated>), Vec<OutputProblem>> {
        let mut compiler = Compiler {
            schema,
            text,
            output: Self::default(),
            problems: vec![],
            deprecated: vec![],
        };
        compiler.run();
        let Compiler { mut output, problems, deprecated, .. } = compiler;
        if !problems.is_empty() {
            return Err(problems);
        }
        output.fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        output.fields.dedup_by(|(a, _), (b, _)| a == b);
        Ok((output, deprecated))
    }

    /// Adds the text for `event` to `out`. A pending value reads as missing.
    pub fn render(&self, event: &dyn Event, arena: &Arena, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { key, width } => {
                    let start = out.len();
                    match event.get(key, arena) {
                        // Writing to a string cannot fail.
                        Lookup::Known(value) => drop(write!(out, "{value}")),
                        Lookup::Absent | Lookup::Pending => out.push_str(MISSING),
                    }
                    if let Some(width) = width {
                        fit(out, start, *width);
                    }
                }
            }
        }
    }

    /// The values of all fields by the name used in the text, sorted.
    pub fn values(&self, event: &dyn Event, arena: &Arena) -> Vec<(Arc<str>, Option<OwnedValue>)> {
        let value = |key| event.get(key, arena).known().map(|value| value.to_owned());
        self.fields.iter().map(|(name, key)| (name.clone(), value(key))).collect()
    }

    /// The fields that it reads, by the name used in the text, sorted.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Key)> {
        self.fields.iter().map(|(name, key)| (&**name, key))
    }
}

/// Pads or cuts what stands from `start` on to `width` characters.
fn fit(out: &mut String, start: usize, width: usize) {
    let written = out.get(start..).unwrap_or("");
    match written.char_indices().nth(width) {
        Some((cut, _)) => out.truncate(start + cut),
        None => {
            let missing = width - written.chars().count();
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }
}

struct Compiler<'a> {
    schema: &'a Schema,
    text: &'a str,
    output: Output,
    problems: Vec<OutputProblem>,
    deprecated: Vec<Deprecated>,
}

impl Compiler<'_> {
    fn run(&mut self) {
        let mut at = self.text.len() - self.text.strip_prefix('*').unwrap_or(self.text).len();
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            let literal = rest.find('%').unwrap_or(rest.len());
            if literal > 0 {
                let text = rest.get(..literal).unwrap_or("");
                self.output.parts.push(Part::Text(text.into()));
                at += literal;
                continue;
            }
            at = if rest.starts_with(ERASED) {
                let span = at..at + ERASED.len();
                self.deprecated
                    .push(Deprecated { span, message: "%container.info prints nothing" });
                at + ERASED.len()
            } else {
                self.token(at)
            };
        }
    }

    /// Reads the token whose `%` is at `start`; says where it ends.
    fn token(&mut self, start: usize) -> usize {
        let rest = |at: usize| self.text.get(at..).unwrap_or("");
        let run = |at: usize, holds: fn(char) -> bool| {
            at + rest(at).find(|c| !holds(c)).unwrap_or(rest(at).len())
        };
        let digits_end = run(start + 1, |c| c.is_ascii_digit());
        let digits = self.text.get(start + 1..digits_end).unwrap_or("");
        let name_end = run(digits_end, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let written = self.text.get(digits_end..name_end).unwrap_or("");
        let width = match digits.parse::<u16>() {
            Ok(width) => Some(usize::from(width)),
            Err(_) if digits.is_empty() => None,
            Err(_) => {
                let message = format!("a value cannot be {digits} characters wide");
                return self.report(start..digits_end, false, message, None);
            }
        };
        if TRANSFORMERS.contains(&written) && rest(name_end).starts_with('(') {
            let message = format!("transformer {written}() is not known here");
            return self.report(start..name_end, false, message, None);
        }
        if written.is_empty() {
            let message = "% begins no field".to_owned();
            let help = "a field follows at once, such as %proc.name".to_owned();
            return self.report(start..digits_end, false, message, Some(help));
        }
        let name = self.longest_name(written);
        let name_end = digits_end + name.len();
        let (arg, end) = match self.argument(name_end) {
            Ok(found) => found,
            Err(message) => return self.report(start..name_end, false, message, None),
        };
        let resolved = match fields::resolve(self.schema, name, arg.as_deref()) {
            Ok(resolved) => resolved,
            Err(FieldProblem { unknown, message, help }) => {
                return self.report(start..end, unknown, message, help);
            }
        };
        if resolved.multiplicity == Multiplicity::Either || resolved.ty() == FieldType::Net {
            let message = format!("{name} can be compared, but not printed");
            return self.report(start..end, false, message, None);
        }
        let display = match &arg {
            Some(arg) => format!("{name}[{arg}]").into(),
            None => name.into(),
        };
        self.output.fields.push((display, resolved.key.clone()));
        self.output.parts.push(Part::Field { key: resolved.key, width });
        end
    }

    /// The longest beginning of `written` that is a field: a sentence's full stop may follow one.
    fn longest_name<'t>(&self, written: &'t str) -> &'t str {
        let whole = written.trim_end_matches('.');
        let mut ends = (1..=whole.len()).rev().filter_map(|end| whole.get(..end));
        let resolves = |name: &&str| match fields::resolve(self.schema, name, None) {
            Ok(_) => true,
            // It is the field, and its argument is in brackets or forgotten.
            Err(problem) => !problem.unknown,
        };
        ends.find(resolves).unwrap_or(whole)
    }

    /// What stands in brackets at `at`, and where that ends.
    fn argument(&self, at: usize) -> Result<(Option<String>, usize), String> {
        let Some(inside) = self.text.get(at..).and_then(|rest| rest.strip_prefix('[')) else {
            return Ok((None, at));
        };
        let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (from, close) = match quote {
            Some('"') => (1, "\"]"),
            Some(_) => (1, "']"),
            None => (0, "]"),
        };
        let quoted = inside.get(from..).unwrap_or("");
        let end = quoted.find(close).ok_or("the argument's bracket is not closed")?;
        let arg = quoted.get(..end).filter(|arg| !arg.is_empty()).ok_or("the argument is empty")?;
        Ok((Some(arg.to_owned()), at + 1 + from + end + close.len()))
    }

    fn report(
        &mut self,
        span: TextRange,
        unknown: bool,
        message: String,
        help: Option<String>,
    ) -> usize {
        let end = span.end.max(span.start + 1);
        self.problems.push(OutputProblem { span, unknown, message, help });
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::event::{Fields, Timestamp};
    use crate::field::Arg;
    use crate::kind::EventKind;
    use crate::value::Value;

    /// A process `cat` that opened `fd` 3 and whose grandparent is `sh`.
    struct Cat;

    impl Fields for Cat {
        fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
            match (key.field(), key.arg()) {
                (catalogue::PROC_NAME, _) => Lookup::Known("cat".into()),
                (catalogue::FD_NUM, _) => Lookup::Known(Value::I64(3)),
                (catalogue::PROC_ANAME, Arg::Index(2)) => Lookup::Known("sh".into()),
                (catalogue::EVT_ARG, Arg::Name(_)) => Lookup::Known("O_RDONLY".into()),
                (catalogue::USER_NAME, _) => Lookup::Pending,
                _ => Lookup::Absent,
            }
        }
    }

    impl Event for Cat {
        fn kind(&self) -> EventKind {
            EventKind::OPENAT
        }

        fn time(&self) -> Timestamp {
            Timestamp::default()
        }
    }

    #[track_caller]
    fn check(text: &str, rendered: &str) {
        let (output, _) = Output::compile(&Schema::falco(), text).expect(text);
        let mut out = String::new();
        output.render(&Cat, &Arena::default(), &mut out);
        assert_eq!(out, rendered, "{text}");
    }

    #[track_caller]
    fn check_problem(text: &str, at: &str, message: &str) {
        let problems = Output::compile(&Schema::falco(), text).expect_err(text);
        assert_eq!(&text[problems[0].span.clone()], at, "{problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    }

    #[test]
    fn values_stand_where_their_fields_stood() {
        check("", "");
        check("plain é", "plain é");
        check("*%proc.name opened %fd.num", "cat opened 3");
        check("%proc.aname[2]|%proc.aname[3]|%evt.arg.flags", "sh|<NA>|O_RDONLY");
        check("by %user.name (%fd.name)", "by <NA> (<NA>)");
        check("%proc.name. %proc.names", "cat. cats");
        check("%container.info%proc.name%fd.num", "cat3");
    }

    #[test]
    fn widths_pad_and_cut() {
        check("[%5proc.name]", "[cat  ]");
        check("[%2proc.name]", "[ca]");
        check("[%3fd.name]", "[<NA]");
        check("[%0proc.name]", "[]");
    }

    #[test]
    fn fields_are_listed_sorted_and_once() {
        let text = "%proc.name %fd.num %proc.aname[2] %proc.name %evt.arg.flags";
        let (output, _) = Output::compile(&Schema::falco(), text).unwrap();
        let names: Vec<_> = output.fields().map(|(name, _)| name).collect();
        assert_eq!(names, ["evt.arg.flags", "fd.num", "proc.aname[2]", "proc.name"]);
        let values = output.values(&Cat, &Arena::default());
        assert_eq!(values[1], ("fd.num".into(), Some(OwnedValue::I64(3))));
    }

    #[test]
    fn what_cannot_be_printed_is_refused() {
        check_problem("100%", "%", "begins no field");
        check_problem("a % b", "%", "begins no field");
        check_problem("%proc.nmae", "%proc.nmae", "unknown field proc.nmae");
        check_problem("%evt.arg", "%evt.arg", "needs an argument");
        check_problem("%proc.name[1]", "%proc.name[1]", "takes no argument");
        check_problem("%proc.aname[2", "%proc.aname", "not closed");
        check_problem("%fd.ip", "%fd.ip", "not printed");
        check_problem("%99999999proc.name", "%99999999", "wide");
        check_problem("%tolower(proc.name)", "%tolower", "transformer");
        assert_eq!(Output::compile(&Schema::falco(), "%a.b % %c.d").unwrap_err().len(), 3);
    }

    #[test]
    fn what_will_go_away_is_named() {
        let (_, deprecated) = Output::compile(&Schema::falco(), "x %container.info").unwrap();
        assert_eq!(deprecated[0].span, 2..17);
    }
}

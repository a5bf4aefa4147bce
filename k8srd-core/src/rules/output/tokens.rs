//! Reading an output's text: literal parts and tokens.

use super::{Form, Output, OutputProblem, Part, Shown};
use crate::catalogue;
use crate::rules::ast;
use crate::rules::cursor::SyntaxError;
use crate::rules::fields::{self, FieldProblem, Resolved};
use crate::rules::parser;
use crate::rules::syntax::{TRANSFORMERS, TextRange};
use crate::rules::transform::Computed;
use crate::rules::typing::{self, MAX_PROBLEMS, Problem, ProblemKind};
use crate::schema::Schema;

/// A token that older rules hold; it prints nothing, which the loader warns of.
pub(in crate::rules) const ERASED: &str = "%container.info";

/// An output is written once an event: nothing of it is kept.
const NOT_KEPT: fn(&ast::Operand) -> usize = |_| usize::MAX;

/// Compiles an output; every problem is found in one go.
pub(super) fn compile(schema: &Schema, text: &str) -> Result<Output, Vec<OutputProblem>> {
    let mut compiler = Compiler { schema, text, output: Output::default(), problems: vec![] };
    compiler.run();
    let Compiler { output, problems, .. } = compiler;
    if problems.is_empty() { Ok(output) } else { Err(problems) }
}

struct Compiler<'a> {
    schema: &'a Schema,
    text: &'a str,
    output: Output,
    problems: Vec<OutputProblem>,
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
            if self.problems.len() >= MAX_PROBLEMS {
                return;
            }
            at = if rest.starts_with(ERASED) { at + ERASED.len() } else { self.token(at) };
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
            // As in Falco, 0 is no width.
            Ok(width) => Some(usize::from(width)).filter(|&width| width > 0),
            Err(_) if digits.is_empty() => None,
            Err(_) => {
                let message = format!("a value cannot be {digits} characters wide");
                return self.report(start..digits_end, false, message, None);
            }
        };
        if TRANSFORMERS.contains(&written) && rest(name_end).starts_with('(') {
            return self.transformed(digits_end, width);
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
        if !resolved.info.usage.in_outputs() {
            let message = format!("{name} can be compared, but not printed");
            return self.report(start..end, false, message, None);
        }
        self.field(name, arg.as_deref(), &resolved);
        let part = if resolved.info.id == catalogue::RULE_WEIGHT {
            Part::Weight { width }
        } else {
            let form = Form { number: resolved.info.format, ..Form::PLAIN };
            let Resolved { key, info, multiplicity } = resolved;
            let field = ast::Field::new(key, info.name.clone(), info.ty, multiplicity);
            let operand = ast::Operand::Field(field);
            Part::Value { value: Computed::new(&operand, &mut { NOT_KEPT }), form, width }
        };
        self.output.parts.push(part);
        end
    }

    /// Adds a field under the name that it is written with.
    fn field(&mut self, name: &str, arg: Option<&str>, found: &Resolved<'_>) {
        let shown = match found.info.id {
            catalogue::RULE_WEIGHT => Shown::Weight,
            _ => {
                let form = Form { number: found.info.format, ..Form::PLAIN };
                Shown::Value(found.key.clone(), form)
            }
        };
        let name = arg.map_or_else(|| name.into(), |arg| format!("{name}[{arg}]").into());
        self.output.add_field(name, shown);
    }

    /// Reads a transformer at `start`; says where it ends. The fields in it go among the fields,
    /// what it makes of them does not, as in Falco.
    fn transformed(&mut self, start: usize, width: Option<usize>) -> usize {
        let text = self.text.get(start..).unwrap_or("");
        let (written, end) = match parser::parse_operand(text) {
            Ok(Some((written, length))) => (written, start + length),
            Ok(None) => {
                let message = "this begins no transformer".to_owned();
                return self.report(start..self.text.len(), false, message, None);
            }
            Err(SyntaxError { span, message, help }) => {
                self.report(start + span.start..start + span.end, false, message, help);
                return self.text.len();
            }
        };
        let (typed, problems) = typing::operand(self.schema, &written);
        for Problem { kind, span, message, help } in problems {
            let unknown = kind == ProblemKind::Unknown;
            self.report(start + span.start..start + span.end, unknown, message, help);
        }
        let Some(operand) = typed else { return end };
        written.fields(&mut |field| {
            if let Ok(found) = fields::resolve(self.schema, &field.name, field.arg.as_deref()) {
                self.field(&field.name, field.arg.as_deref(), &found);
            }
        });
        let value = Computed::new(&operand, &mut { NOT_KEPT });
        self.output.parts.push(Part::Value { value, form: Form::PLAIN, width });
        end
    }

    /// The longest beginning of `written` that is a field: a sentence's full stop may follow one.
    fn longest_name<'t>(&self, written: &'t str) -> &'t str {
        let whole = written.trim_end_matches('.');
        let longest = whole.len().min(fields::LONGEST);
        let mut ends = (1..=longest).rev().filter_map(|end| whole.get(..end));
        // Known, even if it is used wrongly: its argument is in brackets, or forgotten.
        ends.find(|name| fields::is_known(self.schema, name)).unwrap_or(whole)
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

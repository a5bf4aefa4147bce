//! From the parse tree to the typed condition: macros put in, fields found, constants read.
//!
//! Every problem of a condition is found in one go.

use super::ast::{self, Condition};
use super::syntax::{Argument, Check, Expr, Literal, Name, Operand, Right, TextRange};
use super::{constant, fields, ops, suggest::did_you_mean};
use crate::catalogue;
use crate::field::{FieldType, Multiplicity};
use crate::schema::Schema;

/// How deep a condition may nest once macros are put in. Everything that walks conditions relies
/// on it.
const MAX_DEPTH: usize = 1000;
/// How many comparisons and constants a condition may hold once macros are put in. Macros that
/// name others several times grow exponentially; the largest condition of Falco's own rules holds
/// some hundreds.
const MAX_SIZE: usize = 200_000;

/// A typed condition.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) condition: Condition,
    depth: usize,
    /// The number of its comparisons and constants.
    pub(super) size: usize,
}

/// What a macro's name stands for.
pub(super) enum Macro<'m> {
    /// This condition.
    Is(&'m Typed),
    /// A condition with problems, reported where it is defined.
    Broken,
    /// Nothing that is visible here.
    Unknown {
        /// What to do.
        help: Option<String>,
    },
}

/// Something wrong with a condition.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) kind: ProblemKind,
    pub(super) span: TextRange,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// It cannot be compiled.
    Wrong,
    /// It names a field or a kind that the schema does not know.
    Unknown,
    /// It names a macro that is not there.
    UnknownMacro,
    /// It compiles, and may not mean what it says.
    Advice,
}

/// Types one condition; `None` if there is a problem other than advice.
pub(super) fn check<'m>(
    schema: &Schema,
    macros: &dyn Fn(&Name) -> Macro<'m>,
    expr: &Expr,
) -> (Option<Typed>, Vec<Problem>) {
    let mut typer = Typer { schema, macros, problems: Vec::new(), budget: MAX_SIZE, depth: 0 };
    let typed = typer.expr(expr);
    (typed, typer.problems)
}

struct Typer<'a, 'm> {
    schema: &'a Schema,
    macros: &'a dyn Fn(&Name) -> Macro<'m>,
    problems: Vec<Problem>,
    /// How much the condition may still grow.
    budget: usize,
    /// How deep the expression that is looked at lies in the condition.
    depth: usize,
}

impl<'a> Typer<'a, '_> {
    fn expr(&mut self, expr: &Expr) -> Option<Typed> {
        self.depth += 1;
        let typed = self.expr_here(expr);
        self.depth -= 1;
        typed
    }

    fn expr_here(&mut self, expr: &Expr) -> Option<Typed> {
        match expr {
            Expr::And(all) => self.join(Condition::All, all),
            Expr::Or(all) => self.join(Condition::Any, all),
            Expr::Not(inner) => {
                let Typed { condition, depth, size } = self.expr(inner)?;
                Some(Typed {
                    condition: Condition::Not(Box::new(condition)),
                    depth: depth + 1,
                    size,
                })
            }
            Expr::Macro(name) => self.put_in(name),
            Expr::Check(check) => self.check(check),
        }
    }

    fn join(&mut self, join: fn(Vec<Condition>) -> Condition, all: &[Expr]) -> Option<Typed> {
        // No early end: the problems of every operand are wanted.
        let typed: Vec<_> = all.iter().map(|expr| self.expr(expr)).collect();
        let typed = typed.into_iter().collect::<Option<Vec<_>>>()?;
        let depth = 1 + typed.iter().map(|one| one.depth).max()?;
        let size = typed.iter().map(|one| one.size).sum();
        let condition = join(typed.into_iter().map(|one| one.condition).collect());
        Some(Typed { condition, depth, size })
    }

    fn put_in(&mut self, name: &Name) -> Option<Typed> {
        match (self.macros)(name) {
            Macro::Is(typed) if self.depth + typed.depth > MAX_DEPTH => {
                let message =
                    format!("with macro {} put in, the condition nests too deep", name.name);
                self.report(ProblemKind::Wrong, &name.span, message, None);
                None
            }
            Macro::Is(typed) => {
                self.spend(typed.size, &name.span)?;
                Some(typed.clone())
            }
            Macro::Broken => None,
            Macro::Unknown { help } => {
                let message = format!("undefined macro {}", name.name);
                self.report(ProblemKind::UnknownMacro, &name.span, message, help);
                None
            }
        }
    }

    fn check(&mut self, check: &Check) -> Option<Typed> {
        let left = self.left(&check.left);
        let row = ops::spelled(check.operator.text);
        if row.is_none() {
            let message = format!("operator {} is not known here", check.operator.text);
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
        }
        if let Some(modifier) = &check.modifier {
            let message = format!("modifier {} is not known here", modifier.name);
            self.report(ProblemKind::Wrong, &modifier.span, message, None);
        }
        if let Right::Operand(operand) = &check.right {
            self.refuse_transformer(operand);
        }
        let (left, row) = (left?, row?);
        let (field, ty) = (&left.info.name, left.ty());
        let several = match left.multiplicity {
            Multiplicity::List if row.list.is_none() => Some("a list of values"),
            Multiplicity::Either if row.either.is_none() => Some("both ends of a connection"),
            _ => None,
        };
        if let Some(several) = several {
            let message =
                format!("{} does not compare {several}, which {field} is", check.operator.text);
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
            return None;
        }
        if !(row.fits)(ty) {
            let (operator, ty) = (check.operator.text, ty.name());
            let message = format!("{operator} does not compare {field}, which is of type {ty}");
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
            return None;
        }
        if check.modifier.is_some() {
            return None;
        }
        let literals = match &check.right {
            Right::Nothing => &[][..],
            Right::Value(literal) => std::slice::from_ref(literal),
            Right::List(literals) => literals,
            Right::Operand(_) => return None,
        };
        self.spend(1 + literals.len(), &check.operator_span)?;
        // No early end here either.
        let operands: Vec<_> =
            literals.iter().map(|literal| self.constant(&left, row.operator, literal)).collect();
        let operands = operands.into_iter().collect::<Option<Vec<_>>>()?;
        let size = 1 + operands.len();
        let field = ast::Field::new(left.key, left.info.name.clone(), ty, left.multiplicity);
        let right = match row.operator {
            ast::Operator::Exists => ast::Right::Nothing,
            _ => ast::Right::Constants(operands),
        };
        let check = ast::Check::new(ast::Operand::Field(field), row.operator, right);
        Some(Typed { condition: Condition::Check(check), depth: 1, size })
    }

    fn left(&mut self, operand: &Operand) -> Option<fields::Resolved<'a>> {
        let Operand::Field(field) = operand else {
            self.refuse_transformer(operand);
            return None;
        };
        let schema = self.schema;
        match fields::resolve(schema, &field.name, field.arg.as_deref()) {
            Ok(resolved) => Some(resolved),
            Err(problem) => {
                let kind = if problem.unknown { ProblemKind::Unknown } else { ProblemKind::Wrong };
                self.report(kind, &field.span, problem.message, problem.help);
                None
            }
        }
    }

    fn refuse_transformer(&mut self, operand: &Operand) {
        let Operand::Transformer(transformer) = operand else { return };
        let message = format!("transformer {}() is not known here", transformer.name);
        self.report(ProblemKind::Wrong, &transformer.span, message, None);
        // Its fields may be misspelt as well.
        for argument in &transformer.args {
            if let Argument::Operand(operand) = argument {
                self.left(operand);
            }
        }
    }

    fn constant(
        &mut self,
        left: &fields::Resolved<'_>,
        operator: ast::Operator,
        literal: &Literal,
    ) -> Option<crate::value::OwnedValue> {
        let text = std::str::from_utf8(&literal.bytes).unwrap_or("");
        let field = left.key.field();
        let names_kind = field == catalogue::EVT_TYPE || field == catalogue::SYSCALL_TYPE;
        if names_kind && self.schema.kind_named(text).is_none() {
            let message = format!("unknown event type {}", String::from_utf8_lossy(&literal.bytes));
            let known = self.schema.kinds().iter().filter(|info| !info.kind.is_state());
            let help = did_you_mean(text, known.map(|info| &*info.name));
            self.report(ProblemKind::Unknown, &literal.span, message, help);
            return None;
        }
        let is_text = matches!(left.ty(), FieldType::Str | FieldType::Path);
        if is_text && fields::is_field(self.schema, text) {
            let message = format!("{text:?} is compared as text, though it is the name of a field");
            let help = format!("to compare two fields write val({text})");
            self.report(ProblemKind::Advice, &literal.span, message, Some(help));
        }
        match constant::read(left.ty(), operator, &literal.bytes) {
            Ok(value) => Some(value),
            Err(message) => {
                let (field, ty) = (&left.info.name, left.ty().name());
                let message = format!("{message}; {field} is of type {ty}");
                self.report(ProblemKind::Wrong, &literal.span, message, None);
                None
            }
        }
    }

    fn spend(&mut self, size: usize, span: &TextRange) -> Option<()> {
        match self.budget.checked_sub(size) {
            Some(left) => {
                self.budget = left;
                Some(())
            }
            None => {
                // Said once: what comes after it would only repeat it.
                if std::mem::take(&mut self.budget) > 0 {
                    let message = format!(
                        "the condition holds more than {MAX_SIZE} comparisons and constants"
                    );
                    let help = "a macro or list is put in many times; name it once".to_owned();
                    self.report(ProblemKind::Wrong, span, message, Some(help));
                }
                None
            }
        }
    }

    fn report(
        &mut self,
        kind: ProblemKind,
        span: &TextRange,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(Problem { kind, span: span.clone(), message, help });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::diagnostic::{Code, Severity};
    use crate::rules::parse_condition;
    use crate::schema::Schema;

    /// The parts of `text` that have problems, and the messages.
    fn problems(text: &str) -> Vec<(String, String)> {
        let (_, diagnostics) = parse_condition(&Schema::falco(), text);
        let found = diagnostics.iter().map(|d| {
            let range = d.span.clone().map_or(0..0, |span| span.range);
            (text[range].to_owned(), d.message.clone())
        });
        found.collect()
    }

    #[track_caller]
    fn check(text: &str, at: &str, message: &str) {
        let found = problems(text);
        let [(place, said)] = &found[..] else { panic!("{text}: {found:?}") };
        assert_eq!(place, at, "{text}: {said}");
        assert!(said.contains(message), "{text}: {said}");
    }

    #[test]
    fn operators_compare_only_what_they_can() {
        check(
            "fd.num contains 1",
            "contains",
            "does not compare fd.num, which is of type signed integer",
        );
        check("evt.is_open_read > 1", ">", "of type boolean");
        check("fd.cnet startswith 10", "startswith", "of type IP network");
        check("fd.port > 80", ">", "both ends of a connection");
        check("fd.port intersects (80)", "intersects", "both ends of a connection");
        check("proc.name regex x", "regex", "operator regex is not known here");
        check("proc.name contains oneof (x)", "oneof", "modifier oneof is not known here");
        for text in ["proc.name < 5", "fd.ip exists", "proc.aname > 1", "evt.rawarg.fd >= 0"] {
            assert_eq!(problems(text), [], "{text}");
        }
    }

    #[test]
    fn constants_are_of_the_type_of_the_field() {
        check(
            "fd.num in (1, x, 2)",
            "x",
            "\"x\" is no whole number; fd.num is of type signed integer",
        );
        check("evt.is_open_read = yes", "yes", "neither true nor false");
        check("fd.snet = 10.0.0.1", "10.0.0.1", "no IP network");
    }

    #[test]
    fn kinds_have_to_be_there_whatever_the_operator() {
        check("evt.type = opena", "opena", "unknown event type opena");
        check("evt.type startswith open and evt.type glob o*", "o*", "unknown event type o*");
        check("evt.type < 5", "5", "unknown event type 5");
        check("evt.type = task", "task", "unknown event type task");
        check("syscall.type in (open, opne)", "opne", "unknown event type opne");
    }

    #[test]
    fn transformers_are_refused_by_name_and_their_fields_are_looked_at() {
        check("tolower(proc.name) = x", "tolower(proc.name)", "transformer tolower()");
        check("proc.name = val(proc.pname)", "val(proc.pname)", "transformer val()");
        assert_eq!(problems("tolower(proc.nme) = val(fd.nme)").len(), 4);
    }

    #[test]
    fn every_problem_is_found() {
        let text = "proc.nme = x or (fd.num = y and not evt.type in (a, b)) or nothing";
        let places: Vec<_> = problems(text).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, ["proc.nme", "y", "a", "b", "nothing"]);
    }

    #[test]
    fn a_name_of_a_field_as_text_is_only_advice() {
        let (condition, diagnostics) = parse_condition(&Schema::falco(), "proc.name = proc.exe");
        assert!(condition.is_some());
        let advice = diagnostics.iter().next().unwrap();
        assert_eq!((advice.severity, advice.code), (Severity::Warning, Code::ConditionAdvice));
        assert!(advice.help.as_deref().is_some_and(|help| help.contains("val(proc.exe)")));
    }
}

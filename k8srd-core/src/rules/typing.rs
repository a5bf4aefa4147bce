//! From the parse tree to the typed condition: macros put in, fields found, constants read.
//!
//! Every problem of a condition is found in one go, up to more than anybody reads.

mod kinds;
mod operand;

pub(super) use operand::operand;

use super::ast::{self, Condition, Modifier, Operator};
use super::syntax::{Check, Expr, Literal, Name, Right, TRANSFORMERS, TextRange, VAL};
use super::{constant, fields, ops, parser};
use crate::field::{FieldType, Multiplicity, Usage};
use crate::schema::Schema;
use crate::value::OwnedValue;

/// How deep a condition may nest once macros are put in. Everything that walks conditions relies
/// on it.
const MAX_DEPTH: usize = 1000;
/// How many comparisons and constants a condition may hold once macros are put in. Macros that
/// name others several times grow exponentially; the largest condition of Falco's own rules holds
/// some hundreds.
const MAX_SIZE: usize = 200_000;
/// How many bytes of a compiled regular expression count as much as a comparison.
const REGEX_UNIT: usize = 64;
/// How many problems of one condition or output are told. Text that is no condition at all may
/// have one in every word, each with a search for a name that is near.
pub(super) const MAX_PROBLEMS: usize = 100;

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
    let mut typer = Typer {
        schema,
        macros,
        problems: Vec::new(),
        errors: 0,
        budget: MAX_SIZE,
        depth: 0,
        allowed: Usage::in_conditions,
    };
    let typed = typer.expr(expr);
    (typed, typer.problems)
}

struct Typer<'a, 'm> {
    schema: &'a Schema,
    macros: &'a dyn Fn(&Name) -> Macro<'m>,
    problems: Vec<Problem>,
    /// How many of them are no advice.
    errors: usize,
    /// How much the condition may still grow.
    budget: usize,
    /// How deep the expression that is looked at lies in the condition.
    depth: usize,
    /// Which fields may stand here.
    allowed: fn(Usage) -> bool,
}

impl Typer<'_, '_> {
    fn expr(&mut self, expr: &Expr) -> Option<Typed> {
        self.goes_on()?;
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
        let left = self.operand(&check.left);
        let row = ops::spelled(check.operator.text);
        if row.is_none() {
            let message = format!("operator {} is not known here", check.operator.text);
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
        }
        let right = match &check.right {
            Right::Operand(operand) => Some(self.operand(operand)?),
            Right::Nothing | Right::Value(_) | Right::List(_) => None,
        };
        let (left, row) = (left?, row?);
        let shown = check.left.shown();
        let modifier = check.modifier.as_ref().and_then(|name| modifier(&name.name));
        let types = self.types(&left);
        self.fits(check, row, &left, &types)?;
        if let (Some(right), Right::Operand(written)) = (&right, &check.right) {
            self.comparable(check, row, &left, right, written)?;
        }
        self.names_no_kind(check, &left, right.is_some(), row.operator)?;
        let literals = match &check.right {
            Right::Nothing | Right::Operand(_) => &[][..],
            Right::Value(literal) => std::slice::from_ref(literal),
            Right::List(literals) => literals,
        };
        self.spend(1 + literals.len(), &check.operator_span)?;
        // No early end: the problems of every constant are wanted.
        let constants: Vec<_> = literals
            .iter()
            .map(|literal| self.constant(&shown, &left, &types, row.operator, modifier, literal))
            .collect();
        let constants = constants.into_iter().collect::<Option<Vec<_>>>()?;
        let size = 1 + constants.len();
        let right = match (right, row.operator) {
            (Some(right), _) => ast::Right::Operand(right),
            (None, Operator::Exists) => ast::Right::Nothing,
            (None, _) => ast::Right::Constants(constants),
        };
        let mut typed = ast::Check::new(left, row.operator, right);
        typed.modifier = modifier;
        Some(Typed { condition: Condition::Check(typed), depth: 1, size })
    }

    /// Whether the operator compares values of this type and number.
    fn fits(
        &mut self,
        check: &Check,
        row: &ops::Row,
        left: &ast::Operand,
        types: &[FieldType],
    ) -> Option<()> {
        let (shown, operator) = (check.left.shown(), check.operator.text);
        let several = match left.multiplicity() {
            Multiplicity::List if row.list.is_none() => Some("a list of values"),
            Multiplicity::Either if row.either.is_none() => Some("both ends of a connection"),
            _ => None,
        };
        if let Some(several) = several {
            let message = format!("{operator} does not compare {several}, which {shown} is");
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
            return None;
        }
        if !types.iter().any(|ty| (row.fits)(*ty)) {
            let ty = types.first().map_or("none", |ty| ty.name());
            let message = format!("{operator} does not compare {shown}, which is of type {ty}");
            self.report(ProblemKind::Wrong, &check.operator_span, message, None);
            return None;
        }
        Some(())
    }

    /// A constant that is compared with `left`, whose values are of one of `types`.
    fn constant(
        &mut self,
        shown: &str,
        left: &ast::Operand,
        types: &[FieldType],
        operator: Operator,
        modifier: Option<Modifier>,
        literal: &Literal,
    ) -> Option<OwnedValue> {
        self.goes_on()?;
        self.kind_name(left, operator, modifier, literal)?;
        self.advise(left.ty(), literal);
        if operator == Operator::Regex {
            match ops::regex::check(&literal.bytes) {
                Ok(size) => self.spend(size / REGEX_UNIT, &literal.span)?,
                Err((message, help)) => {
                    self.report(ProblemKind::Wrong, &literal.span, message, help);
                    return None;
                }
            }
        }
        let fits = |ty: &FieldType| constant::read(*ty, operator, &literal.bytes).is_ok();
        let ty = match types {
            // A dynamic value has to be one that one of its types can have; it is kept as text.
            [first, ..] if *first != left.ty() && !types.iter().any(fits) => *first,
            _ => left.ty(),
        };
        match constant::read(ty, operator, &literal.bytes) {
            Ok(value) => Some(value),
            Err((message, help)) => {
                let message = format!("{message}; {shown} is of type {}", ty.name());
                self.report(ProblemKind::Wrong, &literal.span, message, help);
                None
            }
        }
    }

    /// A text that reads like a field or a transformer was perhaps meant as one.
    fn advise(&mut self, ty: FieldType, literal: &Literal) {
        let text = std::str::from_utf8(&literal.bytes).unwrap_or("");
        if !matches!(ty, FieldType::Str | FieldType::Path) || !text.contains(['.', '(']) {
            return;
        }
        let is_field = parser::parse_field(text)
            .is_ok_and(|field| fields::is_field(self.schema, &field.name, field.arg.as_deref()));
        let transformer = TRANSFORMERS.iter().chain(&[VAL]).any(|name| {
            let behind = text.strip_prefix(name);
            behind.is_some_and(|rest| rest.starts_with('(') && rest.ends_with(')'))
        });
        let (what, help) = match (is_field, transformer) {
            (true, _) => {
                ("the name of a field", format!("to compare two fields write val({text})"))
            }
            (false, true) => {
                ("written as a transformer", format!("to compare with it write {text} unquoted"))
            }
            (false, false) => return,
        };
        let message = format!("{text:?} is compared as text, though it is {what}");
        self.report(ProblemKind::Advice, &literal.span, message, Some(help));
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
        self.errors += usize::from(kind != ProblemKind::Advice);
        if self.problems.len() < MAX_PROBLEMS || kind != ProblemKind::Advice {
            self.problems.push(Problem { kind, span: span.clone(), message, help });
        }
    }

    /// Nothing is looked at behind more errors than anybody reads.
    fn goes_on(&self) -> Option<()> {
        (self.errors < MAX_PROBLEMS).then_some(())
    }
}

fn modifier(name: &str) -> Option<Modifier> {
    match name {
        "oneof" => Some(Modifier::OneOf),
        "anyof" => Some(Modifier::AnyOf),
        "allof" => Some(Modifier::AllOf),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_PROBLEMS;
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
        check("fd.port intersects (80)", "intersects", "both ends of a connection");
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
        check("evt.type = tusk", "tusk", "unknown event type tusk");
        check("evt.type contains oneof (open, pe)", "pe", "unknown event type pe");
        check("toupper(evt.type) contains OPEN", "OPEN", "unknown event type OPEN");
        check("len(evt.type) > 6", "6", "unknown event type 6");
        assert_eq!(problems("toupper(evt.type) contains open"), []);
        assert_eq!(problems("syscall.type startswith ope"), []);
        check("syscall.type in (open, opne)", "opne", "unknown event type opne");
        let (condition, _) = parse_condition(&Schema::falco(), "syscall.type = opne");
        assert!(condition.is_some(), "advice only");
    }

    #[test]
    fn what_selects_kinds_is_neither_transformed_nor_compared_with_fields() {
        check("tolower(evt.type) = open", "tolower(evt.type)", "no name of an event type");
        check("toupper(syscall.type) exists", "toupper(syscall.type)", "no name of an event");
        check("evt.type = val(proc.name)", "evt.type", "names of event types only");
        check("syscall.type in val(proc.name)", "syscall.type", "names of event types only");
        for text in ["evt.type contains val(proc.name)", "proc.name = val(evt.type)"] {
            assert_eq!(problems(text), [], "{text}");
        }
    }

    #[test]
    fn transformers_take_what_they_can_change() {
        for text in [
            "tolower(proc.name) = x",
            "len(fd.types) > 2",
            "len(evt.buffer) > 2",
            "b64(toupper(proc.name)) contains x",
            "toupper(fd.types) intersects (A)",
            "join(\"-\", (proc.name, \"x\", evt.num, fd.types)) startswith x",
            "join(\",\", getopt((proc.args[1], proc.args[2]), \"a:\")) = x",
            "concat(fd.name, \"/\", proc.name) = x",
            "getopt((proc.args[1], proc.args[2]), \"a:\")[a] = x",
            "getopt((proc.args[1], proc.args[2]), proc.name) in (a, b)",
            "len(getopt((proc.args[1], proc.args[2]), \"ab\")) = 2",
        ] {
            assert_eq!(problems(text), [], "{text}");
        }
        check("tolower(fd.num) = x", "tolower(fd.num)", "signed integer");
        check("tolower(proc.name, fd.name) = x", "tolower(proc.name, fd.name)", "one argument");
        check("basename(evt.buffer) = x", "basename(evt.buffer)", "of type bytes");
        check("len(fd.num) = 1", "len(fd.num)", "signed integer");
        check("join(\"-\", \"a\") = x", "join(\"-\", \"a\")", "a list of texts");
        check("concat(\"a\") = x", "concat(\"a\")", "two texts");
        check("concat(fd.num, \"a\") = x", "concat(fd.num, \"a\")", "neither lists nor numbers");
        check("concat(len(fd.name), \"a\") = x", "concat(len(fd.name), \"a\")", "nor numbers");
        check("getopt(\"a\", \"b\") in (x)", "getopt(\"a\", \"b\")", "a list of texts");
        check("tolower(proc.name)[x] = x", "tolower(proc.name)[x]", "no argument in brackets");
        check(
            "getopt((proc.args[1], proc.args[2]), \"a\")[ab] = x",
            "getopt((proc.args[1], proc.args[2]), \"a\")[ab]",
            "a single byte",
        );
        check("tolower(proc.aname) = x", "tolower(proc.aname)", "cannot be applied to proc.aname");
        check("len(fd.ip) = 1", "len(fd.ip)", "cannot be applied to fd.ip");
        check("tolower(fd.types) = x", "=", "a list of values");
        check("len(proc.name) contains 1", "contains", "len(…), which is of type unsigned");
        check("len(proc.name) = x", "x", "no whole number; len(…) is of type unsigned");
        assert_eq!(problems("tolower(proc.nme) = val(fd.nme)").len(), 2);
    }

    #[test]
    fn fields_are_compared_with_fields_of_their_type() {
        for text in [
            "proc.name = val(proc.pname)",
            "fd.name startswith val(proc.cwd)",
            "fd.name glob tolower(proc.exe)",
            "proc.name = join(\"\", (\"a\", \"b\"))",
            "len(proc.name) > len(proc.pname)",
            "tolower(k8smeta.svc.name) in toupper((\"a\", proc.name))",
            "fd.sip = val(fd.cip)",
        ] {
            assert_eq!(problems(text), [], "{text}");
        }
        check("proc.name = val(fd.num)", "val(fd.num)", "of type text and fd.num of type signed");
        check("proc.name = val(fd.types)", "val(fd.types)", "fd.types can be compared");
        check("proc.name in tolower((\"a\"))", "tolower((\"a\"))", "of type list of text");
        check("proc.name pmatch val(fd.name)", "val(fd.name)", "constants only");
        check("proc.name regex val(fd.name)", "val(fd.name)", "constants only");
        check("fd.snet = val(fd.sip)", "val(fd.sip)", "networks");
        check("proc.aname = val(proc.name)", "val(proc.name)", "proc.aname can be compared");
        check("proc.name = val(proc.aname)", "val(proc.aname)", "proc.aname can be compared");
    }

    #[test]
    fn patterns_are_looked_at_when_they_are_loaded() {
        check("proc.name regex \"(a\"", "\"(a\"", "not closed");
        check("proc.name regex oneof (a, \"b{2000}\")", "\"b{2000}\"", "repeats too often");
        let wide = "[^a]{999}".repeat(28);
        check(&format!("proc.name regex \"{wide}\""), &format!("\"{wide}\""), "regex too large");
        check("evt.buffer regex a", "regex", "which is of type bytes");
        check("evt.buffer bcontains 7f4", "7f4", "hexadecimal digits");
        check("proc.name bcontains 7f45", "bcontains", "which is of type text");
        check("fd.sport = htps", "htps", "no service");
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
        check("proc.name = \"tolower(proc.exe)\"", "\"tolower(proc.exe)\"", "as a transformer");
        assert_eq!(problems("proc.name = \"a.b\""), []);
    }

    #[test]
    fn no_more_problems_are_told_than_anybody_reads() {
        for (part, glue) in [("fd.nme exists", " or "), ("evt.type in (opne)", " and ")] {
            assert_eq!(problems(&vec![part; 10_000].join(glue)).len(), MAX_PROBLEMS);
        }
        // Advice alone refuses nothing, however much there is.
        let advised = format!("proc.name in ({})", vec!["proc.exe"; 10_000].join(", "));
        assert_eq!(problems(&advised).len(), MAX_PROBLEMS);
        let (condition, _) = parse_condition(&Schema::falco(), &advised);
        assert!(condition.is_some());
    }
}

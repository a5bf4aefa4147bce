//! Operands: fields found, transformers checked, both sides of a comparison held against each
//! other.

use super::kinds::innermost;
use super::{MAX_SIZE, Macro, Problem, ProblemKind, Typer};
use crate::field::{Arg, FieldType, Multiplicity, Usage};
use crate::kind::ParamType;
use crate::rules::ast::{self, Transformer};
use crate::rules::syntax::{self, Argument, Check, Name, TextRange, VAL};
use crate::rules::{fields, ops, transform};
use crate::schema::Schema;

/// Types an operand that stands by itself, in an output; `None` if there is a problem.
pub(in crate::rules) fn operand(
    schema: &Schema,
    written: &syntax::Operand,
) -> (Option<ast::Operand>, Vec<Problem>) {
    let macros = |_: &Name| Macro::Unknown { help: None };
    let mut typer = Typer {
        schema,
        macros: &macros,
        problems: Vec::new(),
        errors: 0,
        budget: MAX_SIZE,
        depth: 0,
        allowed: Usage::in_outputs,
    };
    let typed = typer.operand(written);
    (typed, typer.problems)
}

impl Typer<'_, '_> {
    /// Finds the fields of an operand and checks its transformers.
    pub(super) fn operand(&mut self, written: &syntax::Operand) -> Option<ast::Operand> {
        self.goes_on()?;
        match written {
            syntax::Operand::Field(field) => self.field(field).map(ast::Operand::Field),
            syntax::Operand::Transformer(call) if call.name == VAL => match call.args.first() {
                Some(Argument::Operand(inner)) => self.operand(inner),
                _ => None,
            },
            syntax::Operand::Transformer(call) => self.call(call).map(ast::Operand::Call),
        }
    }

    fn field(&mut self, written: &syntax::Field) -> Option<ast::Field> {
        let schema = self.schema;
        match fields::resolve(schema, &written.name, written.arg.as_deref()) {
            Ok(found) if !(self.allowed)(found.info.usage) => {
                let message = format!("{} can be printed, but not compared", found.info.name);
                self.report(ProblemKind::Wrong, &written.span, message, None);
                None
            }
            Ok(found) => {
                let (name, ty) = match found.key.arg() {
                    Arg::None => (found.info.name.clone(), found.info.ty),
                    _ => (written.to_string().into(), found.info.ty),
                };
                Some(ast::Field::new(found.key, name, ty, found.multiplicity))
            }
            Err(problem) => {
                let kind = if problem.unknown { ProblemKind::Unknown } else { ProblemKind::Wrong };
                self.report(kind, &written.span, problem.message, problem.help);
                None
            }
        }
    }

    fn call(&mut self, call: &syntax::Transformer) -> Option<ast::Call> {
        let Some(row) = transform::named(&call.name) else {
            let message = format!("transformer {}() is not known here", call.name);
            self.report(ProblemKind::Wrong, &call.span, message, None);
            return None;
        };
        // No early end: the problems of every argument are wanted.
        let args: Vec<_> = call.args.iter().map(|arg| self.argument(arg, call)).collect();
        let args = args.into_iter().collect::<Option<Vec<_>>>()?;
        self.spend(1 + args.len(), &call.span)?;
        let (ty, multiplicity) = match (row.signature)(&args) {
            Ok(result) => result,
            Err(message) => {
                let message = format!("{}() {message}", call.name);
                self.report(ProblemKind::Wrong, &call.span, message, None);
                return None;
            }
        };
        let (transformer, multiplicity) = match (row.transformer, &call.selector) {
            (transformer, None) => (transformer, multiplicity),
            (Transformer::GetOpt(_), Some(selector)) => match selector.as_bytes() {
                [option] => (Transformer::GetOpt(Some(*option)), Multiplicity::One),
                _ => {
                    let message = "getopt() takes one option in brackets, a single byte".to_owned();
                    self.report(ProblemKind::Wrong, &call.span, message, None);
                    return None;
                }
            },
            (_, Some(selector)) => {
                let message =
                    format!("{}() takes no argument in brackets, remove [{selector}]", call.name);
                self.report(ProblemKind::Wrong, &call.span, message, None);
                return None;
            }
        };
        Some(ast::Call::new(transformer, args, ty, multiplicity))
    }

    fn argument(&mut self, arg: &Argument, call: &syntax::Transformer) -> Option<ast::Operand> {
        match arg {
            Argument::Value(literal) => Some(ast::Operand::Text(literal.bytes.clone().into())),
            Argument::List(all) => {
                let all: Vec<_> = all.iter().map(|one| self.listed(one, call)).collect();
                Some(ast::Operand::List(all.into_iter().collect::<Option<_>>()?))
            }
            Argument::Operand(operand) => {
                let typed = self.operand(operand)?;
                if let ast::Operand::Field(field) = &typed {
                    self.transformable(field, call)?;
                }
                Some(typed)
            }
        }
    }

    /// An element of a list: text, or a number that becomes text.
    fn listed(&mut self, one: &Argument, call: &syntax::Transformer) -> Option<ast::Operand> {
        let typed = self.argument(one, call)?;
        let fits = matches!(
            typed.ty(),
            FieldType::Str
                | FieldType::Path
                | FieldType::Int
                | FieldType::Uint
                | FieldType::Port
                | FieldType::AbsTime
                | FieldType::RelTime
        );
        if !fits {
            let message = format!("a list holds texts and numbers, not {}", typed.ty().name());
            self.report(ProblemKind::Wrong, &call.span, message, None);
            return None;
        }
        Some(typed)
    }

    fn transformable(&mut self, field: &ast::Field, call: &syntax::Transformer) -> Option<()> {
        let info = self.schema.field_info(field.key.field())?;
        if info.transformable {
            return Some(());
        }
        let message = format!("{}() cannot be applied to {}", call.name, info.name);
        self.report(ProblemKind::Wrong, &call.span, message, None);
        None
    }

    /// The types that values of an operand can have. A param as recorded has the type that the kind
    /// of the event says, which differs between kinds.
    pub(super) fn types(&self, operand: &ast::Operand) -> Vec<FieldType> {
        let ast::Operand::Field(field) = operand else { return vec![operand.ty()] };
        let (FieldType::Dynamic, Arg::Name(param)) = (field.ty, field.key.arg()) else {
            return vec![field.ty];
        };
        let mut types = Vec::new();
        for (_, param) in self.schema.kinds().iter().filter_map(|info| info.param(param)) {
            let ty = param_type(param.ty);
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        if types.is_empty() { vec![field.ty] } else { types }
    }

    /// Whether two operands can be compared with each other.
    pub(super) fn comparable(
        &mut self,
        check: &Check,
        row: &ops::Row,
        left: &ast::Operand,
        right: &ast::Operand,
        written: &syntax::Operand,
    ) -> Option<()> {
        let span = written.span();
        if !row.takes_field {
            let message = format!("{} compares with constants only", check.operator.text);
            return self.refuse(span, message);
        }
        if left.ty() == FieldType::Net {
            let message =
                format!("{} is compared with networks, which no field is", check.left.shown());
            return self.refuse(span, message);
        }
        for field in [left, right].into_iter().filter_map(innermost) {
            let info = self.schema.field_info(field)?;
            if !info.operand {
                let message = format!("{} can be compared with constants only", info.name);
                return self.refuse(span, message);
            }
        }
        let (own, other) = (self.sort(left), self.sort(right));
        if own != other {
            let message = format!(
                "{} is of type {own} and {} of type {other}",
                check.left.shown(),
                written.shown()
            );
            return self.refuse(span, message);
        }
        Some(())
    }

    fn refuse(&mut self, span: &TextRange, message: String) -> Option<()> {
        self.report(ProblemKind::Wrong, span, message, None);
        None
    }

    /// Type and number of an operand's values, for people; operands of the same can be compared.
    fn sort(&self, operand: &ast::Operand) -> String {
        let bits = match operand {
            ast::Operand::Field(field) => {
                self.schema.field_info(field.key.field()).map_or(64, |info| info.bits)
            }
            _ => 64,
        };
        let ty = match operand.ty() {
            // A path is text that something more can be done with.
            FieldType::Path => FieldType::Str,
            ty => ty,
        };
        let name = match ty {
            FieldType::Int | FieldType::Uint if bits != 64 => {
                format!("{} of {bits} bits", ty.name())
            }
            ty => ty.name().to_owned(),
        };
        match operand.multiplicity() {
            Multiplicity::List => format!("list of {name}"),
            _ => name,
        }
    }
}

/// What a param of this type is compared as.
fn param_type(ty: ParamType) -> FieldType {
    match ty {
        ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int => FieldType::Int,
        ParamType::Signal
        | ParamType::SignalSet
        | ParamType::Uid
        | ParamType::Gid
        | ParamType::Uint
        | ParamType::Flags
        | ParamType::EnumFlags
        | ParamType::Mode
        | ParamType::CallId => FieldType::Uint,
        ParamType::Str | ParamType::Path | ParamType::RelPath => FieldType::Str,
        ParamType::Bytes => FieldType::Bytes,
        ParamType::Ip => FieldType::Ip,
        ParamType::Port => FieldType::Port,
        ParamType::RelTime => FieldType::RelTime,
        ParamType::AbsTime => FieldType::AbsTime,
        ParamType::StrArray
        | ParamType::FdList
        | ParamType::SockAddr
        | ParamType::SockTuple
        | ParamType::Dyn => FieldType::Dynamic,
    }
}

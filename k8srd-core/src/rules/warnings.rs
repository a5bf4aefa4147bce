//! What Falco warns of in conditions as written, whether they compile or not
//! (`userspace/engine/filter_warning_resolver.cpp` of falcosecurity/falco).

use std::collections::BTreeMap;

use super::diagnostic::{Code, Diagnostic};
use super::syntax::{Argument, Check, Expr, Field, Literal, Operand, Right};
use super::text::Text;

/// The fields that Falco tells people to do without, with the reason.
pub(super) const DEPRECATED: &[(&str, &str)] = &[
    ("evt.dir", "it is always <: only the end of a system call is an event"),
    ("evt.latency", NO_ENTER),
    ("evt.latency.s", NO_ENTER),
    ("evt.latency.ns", NO_ENTER),
    ("evt.latency.human", NO_ENTER),
    ("evt.wait_latency", NO_ENTER),
];
const NO_ENTER: &str = "it has no value: the beginning of a system call is no event";

/// Sources whose fields say `<NA>` for something that is there.
const UNSAFE: &[&str] = &["ka.", "jevt."];
/// The operators with which `<NA>` is compared as if it were a value.
const EQUALITY: &[&str] = &["==", "=", "!=", "in", "intersects", "pmatch"];
const NO_VALUE: &[u8] = b"<NA>";

/// Each thing that is warned of, once.
#[derive(Clone, Debug, Default)]
pub(super) struct Warnings(BTreeMap<Warning, Diagnostic>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Warning {
    UnsafeNa,
    Deprecated(&'static str),
}

impl Warnings {
    /// Adds what is not there yet.
    pub(super) fn add(&mut self, other: &Self) {
        for (warning, diagnostic) in &other.0 {
            self.0.entry(*warning).or_insert_with(|| diagnostic.clone());
        }
    }

    pub(super) fn into_diagnostics(self) -> impl Iterator<Item = Diagnostic> {
        self.0.into_values()
    }
}

/// Looks through a condition; macros are not entered.
pub(super) fn scan(expr: &Expr, text: &Text) -> Warnings {
    let mut warnings = Warnings::default();
    scan_into(expr, text, &mut warnings);
    warnings
}

fn scan_into(expr: &Expr, text: &Text, warnings: &mut Warnings) {
    match expr {
        Expr::And(all) | Expr::Or(all) => {
            all.iter().for_each(|expr| scan_into(expr, text, warnings));
        }
        Expr::Not(inner) => scan_into(inner, text, warnings),
        Expr::Check(check) => scan_check(check, text, warnings),
        Expr::Macro(_) => {}
    }
}

fn scan_check(check: &Check, text: &Text, warnings: &mut Warnings) {
    let mut last_is_unsafe = false;
    fields(&check.left, &mut |field| {
        last_is_unsafe = UNSAFE.iter().any(|source| field.name.starts_with(source));
        let deprecated = DEPRECATED.iter().find(|(name, _)| *name == field.name);
        if let Some((name, reason)) = deprecated {
            warnings.0.entry(Warning::Deprecated(name)).or_insert_with(|| {
                let message = format!("{name} is deprecated, {reason}");
                text.error(Code::DeprecatedItem, message, &field.span)
            });
        }
    });
    if !last_is_unsafe || !EQUALITY.contains(&check.operator.text) {
        return;
    }
    let constants = match &check.right {
        Right::Value(literal) => std::slice::from_ref(literal),
        Right::List(literals) => literals,
        Right::Nothing | Right::Operand(_) => return,
    };
    if let Some(Literal { span, .. }) = constants.iter().find(|one| one.bytes == NO_VALUE) {
        warnings.0.entry(Warning::UnsafeNa).or_insert_with(|| {
            let message = "<NA> is compared as a value, which it may not be";
            let help = "write `exists`, or `not … exists`".to_owned();
            text.error(Code::UnsafeNaCheck, message, span).help(help)
        });
    }
}

/// Calls `each` with every field of an operand that Falco's visitor comes to, in the order of
/// writing: it passes over the lists among the arguments of a transformer
/// (`base_expr_visitor` in `userspace/libsinsp/filter/ast.cpp` of falcosecurity/libs).
fn fields<'o>(operand: &'o Operand, each: &mut dyn FnMut(&'o Field)) {
    match operand {
        Operand::Field(field) => each(field),
        Operand::Transformer(transformer) => {
            for argument in &transformer.args {
                if let Argument::Operand(operand) = argument {
                    fields(operand, each);
                }
            }
        }
    }
}

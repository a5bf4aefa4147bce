//! Parts of conditions that change nothing, because another part says as much.

use super::implied::Prover;
use crate::rules::ast::Condition;
use crate::rules::diagnostic::{Code, Diagnostic};
use crate::rules::syntax::{Check, Expr, Right, TextRange};
use crate::rules::text::Text;

/// More parts of one `or` than this are not compared with each other.
const MOST: usize = 100;

/// Looks for parts of every `or` that another one makes superfluous. The condition as written and
/// as typed have the same shape, down to the names of macros.
pub(super) fn check(
    expr: &Expr,
    condition: &Condition,
    text: &Text,
    prover: &mut Prover,
    found: &mut Vec<Diagnostic>,
) {
    match (expr, condition) {
        (Expr::And(exprs), Condition::All(all)) | (Expr::Or(exprs), Condition::Any(all))
            if exprs.len() == all.len() =>
        {
            for (expr, condition) in exprs.iter().zip(all) {
                check(expr, condition, text, prover, found);
            }
            if matches!(expr, Expr::Or(_)) && all.len() <= MOST {
                check_or(exprs, all, text, prover, found);
            }
        }
        (Expr::Not(expr), Condition::Not(condition)) => {
            check(expr, condition, text, prover, found);
        }
        _ => {}
    }
}

fn check_or(
    exprs: &[Expr],
    all: &[Condition],
    text: &Text,
    prover: &mut Prover,
    found: &mut Vec<Diagnostic>,
) {
    for (i, (expr, condition)) in exprs.iter().zip(all).enumerate() {
        let wider = all.iter().enumerate().find(|(j, other)| {
            // Of two that say the same the later one is superfluous.
            *j != i
                && prover.implies(condition, other)
                && (*j < i || !prover.implies(other, condition))
        });
        let Some((j, other)) = wider else { continue };
        let same = prover.implies(other, condition);
        let message = match (same, j < i) {
            (true, _) => "this part of an `or` says what an earlier one says",
            (false, true) => "this part of an `or` changes nothing: an earlier one is wider",
            (false, false) => "this part of an `or` changes nothing: a later one is wider",
        };
        let help = "remove it, or narrow the other".to_owned();
        found.push(text.error(Code::Shadowed, message, &range(expr)).help(help));
    }
}

/// The part of the text that an expression is.
fn range(expr: &Expr) -> TextRange {
    match expr {
        Expr::And(all) | Expr::Or(all) => {
            let start = all.first().map_or(0, |first| range(first).start);
            let end = all.last().map_or(start, |last| range(last).end);
            start..end
        }
        Expr::Not(inner) => range(inner),
        Expr::Macro(name) => name.span.clone(),
        Expr::Check(Check { left, operator_span, right, .. }) => {
            let end = match right {
                Right::Nothing => operator_span.end,
                Right::Value(literal) => literal.span.end,
                Right::List(literals) => literals.last().map_or(operator_span.end, |l| l.span.end),
                Right::Operand(operand) => operand.span().end,
            };
            left.span().start..end
        }
    }
}

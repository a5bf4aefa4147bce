//! Rules that can match no event.

use super::implied::Prover;
use crate::field::{FieldType, Multiplicity};
use crate::rules::ast::{Check, Condition, Operator};
use crate::rules::plan;
use crate::schema::Schema;

/// Why a condition never holds, if that can be seen.
///
/// `evt.num = 0`, which no event is, is how Falco's rules write a placeholder on purpose; it is
/// not among the reasons.
pub(super) fn reason(
    schema: &Schema,
    condition: &Condition,
    prover: &mut Prover,
) -> Option<&'static str> {
    if never(condition, prover) {
        return Some("two parts of its condition exclude each other");
    }
    plan::matched_kinds(schema, condition)
        .is_empty()
        .then_some("no kind of event fits its condition")
}

fn never(condition: &Condition, prover: &mut Prover) -> bool {
    match condition {
        Condition::Const(value) => !value,
        Condition::Check(_) | Condition::Not(_) => false,
        Condition::Any(all) => all.iter().all(|one| never(one, prover)),
        Condition::All(all) => {
            let mut parts = Vec::new();
            all.iter().for_each(|one| conjuncts(one, &mut parts));
            parts.iter().any(|part| never(part, prover)) || exclude(&parts, prover)
        }
    }
}

/// All parts that have to hold, those of inner `and`s too.
fn conjuncts<'c>(condition: &'c Condition, parts: &mut Vec<&'c Condition>) {
    match condition {
        Condition::All(all) => all.iter().for_each(|one| conjuncts(one, parts)),
        other => parts.push(other),
    }
}

/// Whether two of the parts cannot both hold.
fn exclude(parts: &[&Condition], prover: &mut Prover) -> bool {
    let pairs =
        parts.iter().enumerate().flat_map(|(i, a)| parts.iter().skip(i + 1).map(move |b| (*a, *b)));
    for (a, b) in pairs.take(10_000) {
        let excludes = match (a, b) {
            (Condition::Check(a), Condition::Check(b)) => differ(a, b),
            (held, Condition::Not(not)) | (Condition::Not(not), held) => prover.implies(held, not),
            _ => false,
        };
        if excludes {
            return true;
        }
    }
    false
}

/// Whether one value would have to be two.
fn differ(a: &Check, b: &Check) -> bool {
    let is_equality = |check: &Check| {
        matches!(check.operator, Operator::Eq | Operator::In) && check.modifier.is_none()
    };
    let (of_a, of_b) = (a.constants(), b.constants());
    a.left == b.left
        // Its constants are text, and one number can be written in several ways.
        && a.left.ty() != FieldType::Dynamic
        && a.left.multiplicity() == Multiplicity::One
        && is_equality(a)
        && is_equality(b)
        && !of_a.is_empty()
        && !of_b.is_empty()
        && !of_a.iter().any(|value| of_b.contains(value))
}

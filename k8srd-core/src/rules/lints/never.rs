//! Rules that can match no event.

use super::implied::Prover;
use crate::catalogue;
use crate::field::{FieldType, Multiplicity};
use crate::rules::ast::{Check, Condition, Field, Operator};
use crate::rules::plan;
use crate::schema::Schema;
use crate::value::OwnedValue;

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
    if is_placeholder(condition) {
        return None;
    }
    plan::matched_kinds(schema, condition)
        .is_empty()
        .then_some("no kind of event fits its condition")
}

/// Whether the number of the event is compared with 0 anywhere.
fn is_placeholder(condition: &Condition) -> bool {
    match condition {
        Condition::Const(_) => false,
        Condition::Not(inner) => is_placeholder(inner),
        Condition::All(all) | Condition::Any(all) => all.iter().any(is_placeholder),
        Condition::Check(check) => {
            let is_number = |field: &Field| field.key.field() == catalogue::EVT_NUM;
            check.field().is_some_and(is_number) && check.constants() == [OwnedValue::U64(0)]
        }
    }
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
        // The constants of a dynamic value are text, and one number can be written in several ways.
        // An address lies in many networks.
        && !matches!(a.left.ty(), FieldType::Dynamic | FieldType::Net)
        && a.left.multiplicity() == Multiplicity::One
        && is_equality(a)
        && is_equality(b)
        && !of_a.is_empty()
        && !of_b.is_empty()
        && !of_a.iter().any(|value| of_b.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::parse_condition;

    fn why(text: &str) -> Option<&'static str> {
        let schema = Schema::falco();
        let (condition, problems) = parse_condition(&schema, text);
        let condition = condition.unwrap_or_else(|| panic!("{text}: {}", problems.render()));
        reason(&schema, &condition, &mut Prover::default())
    }

    #[test]
    fn parts_that_exclude_each_other_are_seen() {
        for text in [
            "proc.name = a and proc.name = b",
            "proc.name in (a, b) and (fd.num = 1 and proc.name in (c, d))",
            "fd.num = 1 and not fd.num in (1, 2)",
            "fd.sip = 10.0.0.1 and fd.sip = 10.0.0.2",
            "fd.snet = 10.0.0.0/8 and not fd.snet in (10.0.0.0/8, 11.0.0.0/8)",
            "(proc.name = a and proc.name = b) or (fd.num = 1 and fd.num = 2)",
        ] {
            assert_eq!(why(text), Some("two parts of its condition exclude each other"), "{text}");
        }
    }

    #[test]
    fn a_condition_for_no_kind_is_seen() {
        let text = "evt.type = open and not syscall.type = open";
        assert_eq!(why(text), Some("no kind of event fits its condition"));
    }

    #[test]
    fn what_can_match_is_not_reported() {
        for text in [
            "proc.name = a and proc.name in (a, b)",
            "proc.name = a or proc.name = b",
            "proc.name = a and proc.pname = b",
            "proc.name != a and proc.name != b",
            "proc.name = a and not proc.name in (b, c)",
            // One address lies in both.
            "fd.snet = 10.0.0.0/8 and fd.snet = 10.1.0.0/16",
            "fd.cnet in (10.0.0.0/8, 11.0.0.0/8) and fd.cnet in (10.1.0.0/16)",
            "fd.net = 10.0.0.0/8 and fd.net = 11.0.0.0/8",
            // Two ends, two ancestors, two ways to write a number.
            "fd.port = 80 and fd.port = 443",
            "proc.aname = a and proc.aname = b",
            "evt.rawarg.fd = 3 and evt.rawarg.fd = 0x3",
            // A placeholder.
            "evt.num = 0",
        ] {
            assert_eq!(why(text), None, "{text}");
        }
    }
}

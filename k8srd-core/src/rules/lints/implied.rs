//! Whether one condition follows from another: what can be seen of it at a glance.

use crate::field::{FieldType, Multiplicity};
use crate::rules::ast::{Check, Condition, Operator};
use crate::value::OwnedValue;

/// How many comparisons of conditions a rule is worth. The work grows with the product of what is
/// compared; rules that people write need some hundreds.
const MOST: usize = 50_000;

/// Finds that one condition follows from another. It never finds what is not so, and may miss
/// what is.
#[derive(Debug)]
pub(super) struct Prover {
    left: usize,
}

impl Default for Prover {
    fn default() -> Self {
        Self { left: MOST }
    }
}

impl Prover {
    /// Whether `b` holds whenever `a` does.
    pub(super) fn implies(&mut self, a: &Condition, b: &Condition) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        match (a, b) {
            (Condition::Const(false), _) | (_, Condition::Const(true)) => true,
            (Condition::Any(all), _) => all.iter().all(|a| self.implies(a, b)),
            (_, Condition::All(all)) => all.iter().all(|b| self.implies(a, b)),
            (Condition::All(all), _) if all.iter().any(|a| self.implies(a, b)) => true,
            (_, Condition::Any(all)) => all.iter().any(|b| self.implies(a, b)),
            (Condition::Not(a), Condition::Not(b)) => self.implies(b, a),
            (Condition::Check(a), Condition::Check(b)) => check_implies(a, b),
            _ => false,
        }
    }
}

fn check_implies(a: &Check, b: &Check) -> bool {
    if a == b {
        return true;
    }
    if a.left != b.left || a.modifier.is_some() || b.modifier.is_some() {
        return false;
    }
    // Without a value no comparison holds.
    if b.operator == Operator::Exists {
        return true;
    }
    // What is said of one of several values is said of another one here; and what has no type of
    // its own is compared as what it is in the event.
    if a.left.multiplicity() != Multiplicity::One || a.left.ty() == FieldType::Dynamic {
        return false;
    }
    let (of_a, of_b) = (a.constants(), b.constants());
    match (a.operator, b.operator) {
        (Operator::Eq | Operator::In | Operator::Intersects, _) if !of_a.is_empty() => {
            of_a.iter().all(|value| holds(b, value))
        }
        (Operator::StartsWith, Operator::StartsWith) => texts(of_a, of_b, |a, b| a.starts_with(b)),
        (Operator::EndsWith, Operator::EndsWith) => texts(of_a, of_b, |a, b| a.ends_with(b)),
        (Operator::StartsWith | Operator::EndsWith | Operator::Contains, Operator::Contains) => {
            texts(of_a, of_b, contains)
        }
        _ => false,
    }
}

/// Whether a comparison certainly holds for this value.
fn holds(check: &Check, value: &OwnedValue) -> bool {
    let constants = check.constants();
    let one = std::slice::from_ref(value);
    match check.operator {
        Operator::Eq | Operator::In | Operator::Intersects => constants.contains(value),
        Operator::StartsWith => texts(one, constants, |a, b| a.starts_with(b)),
        Operator::EndsWith => texts(one, constants, |a, b| a.ends_with(b)),
        Operator::Contains => texts(one, constants, contains),
        _ => false,
    }
}

fn texts(a: &[OwnedValue], b: &[OwnedValue], fits: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    match (a, b) {
        ([OwnedValue::Str(a)], [OwnedValue::Str(b)]) => fits(a, b),
        _ => false,
    }
}

fn contains(a: &[u8], b: &[u8]) -> bool {
    memchr::memmem::find(a, b).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::parse_condition;
    use crate::schema::Schema;

    fn implies(a: &str, b: &str) -> bool {
        let parse = |text| parse_condition(&Schema::falco(), text).0.expect(text);
        Prover::default().implies(&parse(a), &parse(b))
    }

    #[test]
    fn what_follows_is_seen() {
        for (a, b) in [
            ("proc.name = a", "proc.name = a"),
            ("proc.name = a", "proc.name in (a, b)"),
            ("proc.name in (a, b)", "proc.name in (c, b, a)"),
            ("proc.name = a and fd.num = 1", "fd.num = 1"),
            ("proc.name = a and fd.num = 1", "fd.num = 1 or fd.num = 2"),
            ("proc.name = a or proc.name = b", "proc.name in (a, b)"),
            ("fd.name = /etc/x", "fd.name startswith /etc"),
            ("fd.name startswith /etc/x", "fd.name startswith /etc"),
            ("fd.name endswith /abc", "fd.name contains bc"),
            ("fd.name startswith /etc", "fd.name exists"),
            ("not fd.name startswith /etc", "not fd.name startswith /etc/x"),
        ] {
            assert!(implies(a, b), "{a} => {b}");
        }
    }

    #[test]
    fn what_does_not_follow_is_not_claimed() {
        for (a, b) in [
            ("proc.name in (a, b)", "proc.name = a"),
            ("fd.name startswith /etc", "fd.name startswith /etc/x"),
            ("proc.name = a", "proc.pname = a"),
            ("proc.aname = a", "proc.aname != b"),
            ("proc.aname in (a)", "proc.aname startswith b"),
            ("fd.name contains bc", "fd.name endswith bc"),
            ("fd.num = 1 or proc.name = a", "proc.name = a"),
            ("not proc.name = a", "proc.name != a"),
            ("fd.num exists", "fd.num = 1"),
        ] {
            assert!(!implies(a, b), "{a} => {b}");
        }
    }

    #[test]
    fn large_conditions_are_given_up() {
        let many = |operator: &str| {
            let all: Vec<_> = (0..1000).map(|i| format!("fd.num {operator} {i}")).collect();
            all.join(" and ")
        };
        assert!(!implies(&many(">"), &many("<")));
    }
}

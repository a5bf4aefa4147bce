//! A second evaluator of conditions: the oracle that the fast one is checked against.
//!
//! It walks the tree, asks for each field anew, copies what it likes and compares one value with
//! one other at a time. It shares the tree and the value types with the rule engine, and nothing
//! else: no operator, no transformer, no pattern, no table, no shortcut. What each comparison means is Falco's
//! (`userspace/libsinsp/filter_compare.cpp` of falcosecurity/libs), and what is not a plain yes
//! or no is said once, here:
//!
//! - a value that the event does not have (null) satisfies no comparison, not even `!=`, and
//!   `not` turns that into true;
//! - a value that is on its way makes a comparison unknown, and `and`, `or` and `not` are
//!   Kleene's: what is decided without it is decided;
//! - text ends at its first NUL byte, as in C; buffers do not;
//! - values of different types are neither equal nor unequal.

mod pattern;
mod plain;
mod regex;
mod transform;

use std::cmp::Ordering;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::{FieldType, Multiplicity};
use k8srd_core::rules::ast::{Check, Condition, Modifier, Operand, Operator, Right};
use k8srd_core::value::Lookup;
use plain::Plain;

/// Judges a condition: true, false, or `None` where that depends on a value that is on its way.
///
/// # Panics
///
/// Where the condition holds an operator or an operand that this evaluator does not know: an
/// oracle must not guess.
pub fn evaluate(condition: &Condition, event: &dyn Event, arena: &Arena) -> Option<bool> {
    match condition {
        Condition::Const(truth) => Some(*truth),
        Condition::Not(inner) => evaluate(inner, event, arena).map(|truth| !truth),
        Condition::All(parts) => {
            let verdicts: Vec<_> = parts.iter().map(|p| evaluate(p, event, arena)).collect();
            if verdicts.contains(&Some(false)) {
                Some(false)
            } else if verdicts.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Condition::Any(parts) => {
            let verdicts: Vec<_> = parts.iter().map(|p| evaluate(p, event, arena)).collect();
            if verdicts.contains(&Some(true)) {
                Some(true)
            } else if verdicts.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Condition::Check(check) => judge(check, event, arena),
    }
}

fn judge(check: &Check, event: &dyn Event, arena: &Arena) -> Option<bool> {
    let left = values(&check.left, event, arena);
    let right = match &check.right {
        Right::Nothing => Lookup::Known(Vec::new()),
        Right::Constants(all) => Lookup::Known(all.iter().map(Plain::of_constant).collect()),
        Right::Operand(operand) => values(operand, event, arena),
    };
    match (left, right) {
        (Lookup::Absent, _) | (_, Lookup::Absent) => Some(false),
        (Lookup::Pending, _) | (_, Lookup::Pending) => None,
        (Lookup::Known(left), Lookup::Known(right)) => Some(holds(check, &left, &right)),
    }
}

/// The values of an operand: one for each of a list.
fn values(operand: &Operand, event: &dyn Event, arena: &Arena) -> Lookup<Vec<Plain>> {
    match operand {
        Operand::Field(field) => event.get(&field.key, arena).map(|value| Plain::all_of(&value)),
        Operand::Text(text) => Lookup::Known(vec![Plain::text(text)]),
        Operand::List(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| values(part, event, arena)).collect();
            all_known(parts).map(|parts| {
                parts.concat().iter().map(|part| Plain::text(&part.written())).collect()
            })
        }
        Operand::Call(call) => {
            let args: Vec<_> = call.args.iter().map(|arg| values(arg, event, arena)).collect();
            let is_list = call.args.first().map(Operand::multiplicity) == Some(Multiplicity::List);
            all_known(args)
                .and_then(|args| transform::apply(call.transformer, is_list, &args).into())
        }
    }
}

/// All of them, if each is known; absent where one is, whatever the others are.
fn all_known<T>(all: Vec<Lookup<T>>) -> Lookup<Vec<T>> {
    if all.iter().any(|one| matches!(one, Lookup::Absent)) {
        return Lookup::Absent;
    }
    let count = all.len();
    let known: Vec<T> = all.into_iter().filter_map(Lookup::known).collect();
    if known.len() == count { Lookup::Known(known) } else { Lookup::Pending }
}

/// Whether values satisfy a comparison with others.
fn holds(check: &Check, left: &[Plain], right: &[Plain]) -> bool {
    if left.is_empty() {
        return check.operator == Operator::Exists
            && check.left.multiplicity() == Multiplicity::List;
    }
    let one = |value: &Plain| one_holds(check, value, right);
    match (check.left.multiplicity(), check.operator) {
        (_, Operator::Exists) => true,
        (Multiplicity::One, _) => one(&left[0]),
        // Neither end may be equal: "not equal" of both, not of one.
        (Multiplicity::Either, Operator::Ne) => left.iter().all(one),
        (Multiplicity::Either | Multiplicity::Any, _) => left.iter().any(one),
        (Multiplicity::List, Operator::In) => left.iter().all(one),
        (Multiplicity::List, Operator::Intersects) => left.iter().any(one),
        (Multiplicity::List, operator) => panic!("{operator:?} does not apply to a list"),
    }
}

/// Whether one value satisfies a comparison.
fn one_holds(check: &Check, left: &Plain, right: &[Plain]) -> bool {
    let passing = right.iter().filter(|right| pair_holds(check, left, right)).count();
    match check.modifier {
        None | Some(Modifier::AnyOf) => passing > 0,
        Some(Modifier::OneOf) => passing == 1,
        Some(Modifier::AllOf) => passing == right.len() && passing > 0,
    }
}

/// Whether one value compares so with one other.
fn pair_holds(check: &Check, left: &Plain, right: &Plain) -> bool {
    // What a dynamic value is compared with is read as one of the value's type.
    let read;
    let right = if check.left.ty() == FieldType::Dynamic {
        let Some(like) = right.like(left) else { return false };
        read = like;
        &read
    } else {
        right
    };
    let order = || left.order(right);
    let bytes = |test: fn(&[u8], &[u8]) -> bool| match (left.bytes(), right.bytes()) {
        (Some(left), Some(right)) => test(left, right),
        _ => false,
    };
    match check.operator {
        Operator::Eq | Operator::In | Operator::Intersects => left.equal(right) == Some(true),
        Operator::Ne => left.equal(right) == Some(false),
        Operator::Lt => order() == Some(Ordering::Less),
        Operator::Le => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        Operator::Gt => order() == Some(Ordering::Greater),
        Operator::Ge => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        Operator::Contains | Operator::BContains => bytes(|text, part| {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }),
        Operator::IContains => bytes(|text, part| {
            part.is_empty()
                || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
        }),
        Operator::StartsWith | Operator::BStartsWith => {
            bytes(|text, part| text.len() >= part.len() && &text[..part.len()] == part)
        }
        Operator::EndsWith => {
            bytes(|text, part| text.len() >= part.len() && &text[text.len() - part.len()..] == part)
        }
        Operator::Glob => bytes(|text, glob| pattern::glob(glob, text)),
        Operator::IGlob => bytes(|text, glob| pattern::iglob(glob, text)),
        Operator::PMatch => bytes(|path, prefix| pattern::path(prefix, path)),
        Operator::Regex => bytes(|text, pattern| regex::matches(pattern, text)),
        Operator::Exists => true,
        operator => panic!("the reference evaluator does not know {operator:?}"),
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::catalogue;
    use k8srd_core::field::{FieldId, Key};
    use k8srd_core::rules::ast::Field;
    use k8srd_core::value::OwnedValue;

    use super::*;
    use crate::event::TestEvent;

    fn check(
        field: FieldId,
        multiplicity: Multiplicity,
        operator: Operator,
        constants: Vec<OwnedValue>,
    ) -> Condition {
        let field = Field::new(Key::of(field), "a.b", FieldType::Str, multiplicity);
        let right = Right::Constants(constants);
        Condition::Check(Check::new(Operand::Field(field), operator, right))
    }

    fn name_is(text: &str) -> Condition {
        check(catalogue::PROC_NAME, Multiplicity::One, Operator::Eq, vec![text.into()])
    }

    /// All three truths, as conditions that an event decides.
    fn truths() -> [(Condition, Option<bool>); 3] {
        let pending = check(catalogue::CONTAINER_ID, Multiplicity::One, Operator::Exists, vec![]);
        [(name_is("cat"), Some(true)), (name_is("dog"), Some(false)), (pending, None)]
    }

    #[test]
    fn connectives_are_kleenes() {
        let event = TestEvent::open().field("proc.name", "cat").pending("container.id");
        let arena = Arena::default();
        let judge = |condition: &Condition| evaluate(condition, &event, &arena);
        for (a, a_is) in truths() {
            assert_eq!(judge(&a), a_is);
            assert_eq!(judge(&Condition::Not(Box::new(a.clone()))), a_is.map(|truth| !truth));
            for (b, b_is) in truths() {
                // Kleene's tables as minimum and maximum of false < unknown < true.
                let rank = |truth: Option<bool>| truth.map_or(1, |truth| 2 * i32::from(truth));
                let both = judge(&Condition::All(vec![a.clone(), b.clone()]));
                let either = judge(&Condition::Any(vec![a.clone(), b.clone()]));
                assert_eq!(rank(both), rank(a_is).min(rank(b_is)));
                assert_eq!(rank(either), rank(a_is).max(rank(b_is)));
            }
        }
        assert_eq!(judge(&Condition::Const(false)), Some(false));
    }

    #[test]
    fn lists_ask_of_all_or_of_some() {
        let among = |operator| {
            check(catalogue::PROC_ANAME, Multiplicity::List, operator, vec!["a".into(), "b".into()])
        };
        let arena = Arena::default();
        let judge = |operator, names: &[&str]| {
            let event = TestEvent::open().field("proc.aname", names.to_vec());
            evaluate(&among(operator), &event, &arena)
        };
        assert_eq!(judge(Operator::In, &["a", "b"]), Some(true));
        assert_eq!(judge(Operator::In, &["a", "c"]), Some(false));
        assert_eq!(judge(Operator::Intersects, &["a", "c"]), Some(true));
        assert_eq!(judge(Operator::Intersects, &["c"]), Some(false));
        for (operator, holds) in
            [(Operator::In, false), (Operator::Intersects, false), (Operator::Exists, true)]
        {
            assert_eq!(judge(operator, &[]), Some(holds), "{operator:?} of nothing");
        }
    }

    #[test]
    #[should_panic(expected = "does not apply to a list")]
    fn a_tree_that_no_loader_makes_is_not_guessed_at() {
        let condition =
            check(catalogue::PROC_ANAME, Multiplicity::List, Operator::Eq, vec!["a".into()]);
        let event = TestEvent::open().field("proc.aname", ["a"]);
        let _ = evaluate(&condition, &event, &Arena::default());
    }
}

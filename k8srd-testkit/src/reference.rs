//! A second evaluator of conditions: the oracle that the fast one is checked against.
//!
//! It walks the tree, asks for each field anew, copies what it likes and compares one value with
//! one operand at a time. It shares the tree and the value types with the rule engine, and
//! nothing else: no operator, no table, no shortcut. What each comparison means is Falco's
//! (`userspace/libsinsp/filter_compare.cpp` of falcosecurity/libs), and what is not a plain yes
//! or no is said once, here:
//!
//! - a value that the event does not have (null) satisfies no comparison, not even `!=`, and
//!   `not` turns that into true;
//! - a value that is on its way makes a comparison unknown, and `and`, `or` and `not` are
//!   Kleene's: what is decided without it is decided;
//! - text ends at its first NUL byte, as in C; buffers do not.

mod pattern;

use std::cmp::Ordering;
use std::net::IpAddr;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::Multiplicity;
use k8srd_core::rules::ast::{Check, Condition, Field, Operator};
use k8srd_core::value::{Lookup, OwnedValue, Value};

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
        Condition::Check(check) => match event.get(&field(check).key, arena) {
            Lookup::Pending => None,
            Lookup::Absent => Some(false),
            Lookup::Known(value) => Some(holds(check, &value)),
        },
    }
}

fn field(check: &Check) -> &Field {
    check.field().unwrap_or_else(|| panic!("{:?} is no field", check.left))
}

/// Whether a value, or several, satisfy a comparison.
fn holds(check: &Check, value: &Value<'_>) -> bool {
    let values: Vec<Value<'_>> = match value {
        Value::List(values) => values.to_vec(),
        one => vec![*one],
    };
    if values.is_empty() {
        return false;
    }
    let one = |value: &Value<'_>| one_holds(check, value);
    match (check.left.multiplicity(), check.operator) {
        (_, Operator::Exists) => true,
        (Multiplicity::One, _) => one(value),
        // Neither end may be equal: "not equal" of both, not of one.
        (Multiplicity::Either, Operator::Ne) => values.iter().all(one),
        (Multiplicity::Either | Multiplicity::Any, _) => values.iter().any(one),
        (Multiplicity::List, Operator::In) => values.iter().all(one),
        (Multiplicity::List, Operator::Intersects) => values.iter().any(one),
        (Multiplicity::List, operator) => panic!("{operator:?} does not apply to a list"),
    }
}

/// Whether one value satisfies a comparison.
fn one_holds(check: &Check, value: &Value<'_>) -> bool {
    let some = |test: &dyn Fn(&OwnedValue) -> bool| check.constants().iter().any(test);
    match check.operator {
        Operator::Eq | Operator::In | Operator::Intersects => {
            some(&|operand| equal(value, operand))
        }
        Operator::Ne => some(&|operand| !equal(value, operand)),
        Operator::Lt => some(&|operand| order(value, operand) == Some(Ordering::Less)),
        Operator::Le => {
            some(&|operand| matches!(order(value, operand), Some(Ordering::Less | Ordering::Equal)))
        }
        Operator::Gt => some(&|operand| order(value, operand) == Some(Ordering::Greater)),
        Operator::Ge => some(&|operand| {
            matches!(order(value, operand), Some(Ordering::Greater | Ordering::Equal))
        }),
        Operator::Contains => both(check, value, |text, part| {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }),
        Operator::IContains => both(check, value, |text, part| {
            part.is_empty()
                || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
        }),
        Operator::StartsWith => {
            both(check, value, |text, part| text.len() >= part.len() && &text[..part.len()] == part)
        }
        Operator::EndsWith => both(check, value, |text, part| {
            text.len() >= part.len() && &text[text.len() - part.len()..] == part
        }),
        Operator::Glob => both(check, value, |text, glob| pattern::glob(glob, text)),
        Operator::IGlob => both(check, value, |text, glob| pattern::iglob(glob, text)),
        Operator::PMatch => both(check, value, |path, prefix| pattern::path(prefix, path)),
        Operator::Exists => true,
        operator => panic!("the reference evaluator does not know {operator:?}"),
    }
}

/// Whether the value and one of the operands, both as bytes, pass `test`.
fn both(check: &Check, value: &Value<'_>, test: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let Some(text) = bytes(value) else { return false };
    check.constants().iter().any(|operand| test(text, operand_bytes(operand)))
}

/// The bytes that a text operator sees.
fn bytes<'v>(value: &Value<'v>) -> Option<&'v [u8]> {
    match *value {
        Value::Str(text) => Some(until_nul(text)),
        Value::Bytes(buffer) => Some(buffer),
        _ => None,
    }
}

fn operand_bytes(operand: &OwnedValue) -> &[u8] {
    match operand {
        OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes) => bytes,
        other => panic!("{other:?} is no operand of a text operator"),
    }
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

fn equal(value: &Value<'_>, operand: &OwnedValue) -> bool {
    match (value, operand) {
        (Value::Ip(ip), OwnedValue::Ip(other)) => ip == other,
        (Value::Ip(ip), OwnedValue::Net(net)) => net_contains(&net.to_string(), *ip),
        (Value::Bool(truth), OwnedValue::Bool(other)) => truth == other,
        _ => order(value, operand) == Some(Ordering::Equal),
    }
}

/// Membership by the network's text, bit by bit: on purpose not the way the value type does it.
fn net_contains(net: &str, ip: IpAddr) -> bool {
    let (address, prefix) = net.split_once('/').expect("a network prints as address/prefix");
    let address: IpAddr = address.parse().expect("a network prints its address");
    let prefix: usize = prefix.parse().expect("a network prints its prefix");
    let (net_bits, ip_bits) = (bits(address), bits(ip));
    net_bits.len() == ip_bits.len() && net_bits[..prefix] == ip_bits[..prefix]
}

fn bits(ip: IpAddr) -> Vec<bool> {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
}

/// How a value compares with an operand; `None` where they are of different sorts.
fn order(value: &Value<'_>, operand: &OwnedValue) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (integer(value), operand_integer(operand)) {
        return Some(a.cmp(&b));
    }
    if let (Some(a), Some(b)) = (number(value), operand_number(operand)) {
        return a.partial_cmp(&b);
    }
    match (bytes(value), operand) {
        (Some(a), OwnedValue::Str(b) | OwnedValue::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn integer(value: &Value<'_>) -> Option<i128> {
    match *value {
        Value::I64(n) => Some(n.into()),
        Value::U64(n) => Some(n.into()),
        _ => None,
    }
}

fn operand_integer(operand: &OwnedValue) -> Option<i128> {
    match *operand {
        OwnedValue::I64(n) => Some(n.into()),
        OwnedValue::U64(n) => Some(n.into()),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match *value {
        Value::F64(n) => Some(n),
        _ => integer(value).map(|n| n as f64),
    }
}

fn operand_number(operand: &OwnedValue) -> Option<f64> {
    match *operand {
        OwnedValue::F64(n) => Some(n),
        _ => operand_integer(operand).map(|n| n as f64),
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::catalogue;
    use k8srd_core::field::{FieldId, FieldType, Key};
    use k8srd_core::rules::ast::{Operand, Right};

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
        for operator in [Operator::In, Operator::Intersects, Operator::Exists] {
            assert_eq!(judge(operator, &[]), Some(false), "{operator:?} of nothing");
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

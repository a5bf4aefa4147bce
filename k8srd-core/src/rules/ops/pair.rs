//! Comparisons of two values of an event: `val(field)` and transformers on the right-hand side.

use std::cmp::Ordering;

use memchr::memmem;

use super::glob::{self, Case};
use super::{Quantifier, c_string, integer, searched, text};
use crate::arena::Arena;
use crate::rules::ast::Operator;
use crate::value::Value;

/// Whether the left value compares so with the right one. Of a list, some or every value has to be
/// one of the other list.
pub(in crate::rules) fn compare(
    operator: Operator,
    quantifier: Quantifier,
    left: &Value<'_>,
    right: &Value<'_>,
    arena: &Arena,
) -> bool {
    let one = |left: &Value<'_>| match right {
        Value::List(rights) => rights.iter().any(|right| holds(operator, left, right, arena)),
        right => holds(operator, left, right, arena),
    };
    match (left, quantifier) {
        (Value::List(lefts), Quantifier::Some) => lefts.iter().any(one),
        (Value::List(lefts), Quantifier::Every) => !lefts.is_empty() && lefts.iter().all(one),
        (left, _) => one(left),
    }
}

fn holds(operator: Operator, left: &Value<'_>, right: &Value<'_>, arena: &Arena) -> bool {
    let ordered = |wanted: fn(Ordering) -> bool| order(left, right).is_some_and(wanted);
    let texts = |test: &dyn Fn(&[u8], &[u8]) -> bool| match (searched(left), searched(right)) {
        (Some(left), Some(right)) => test(left, right),
        _ => false,
    };
    match operator {
        Operator::Eq | Operator::In | Operator::Intersects => equal(left, right) == Some(true),
        Operator::Ne => equal(left, right) == Some(false),
        Operator::Lt => ordered(Ordering::is_lt),
        Operator::Le => ordered(Ordering::is_le),
        Operator::Gt => ordered(Ordering::is_gt),
        Operator::Ge => ordered(Ordering::is_ge),
        Operator::Contains | Operator::BContains => texts(&|l, r| memmem::find(l, r).is_some()),
        Operator::IContains => texts(&text::holds_in_any_case),
        Operator::StartsWith | Operator::BStartsWith => texts(&<[u8]>::starts_with),
        Operator::EndsWith => texts(&<[u8]>::ends_with),
        Operator::Glob => texts(&|l, r| glob::matches_once(r, l, Case::Matters, arena)),
        Operator::IGlob => texts(&|l, r| glob::matches_once(r, l, Case::Ignored, arena)),
        Operator::Exists => true,
        // The loader lets no field stand behind these.
        Operator::PMatch | Operator::Regex => false,
    }
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (*left, *right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::F64(left), Value::F64(right)) => Some(left == right),
        (Value::Ip(left), Value::Ip(right)) => Some(left == right),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return Some(left.cmp(&right));
    }
    match (*left, *right) {
        (Value::F64(left), Value::F64(right)) => left.partial_cmp(&right),
        (Value::Str(left), Value::Str(right)) => Some(c_string(left).cmp(c_string(right))),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operator: Operator, left: Value<'_>, right: Value<'_>, expected: bool) {
        let found = compare(operator, Quantifier::Some, &left, &right, &Arena::default());
        assert_eq!(found, expected, "{left} {operator:?} {right}");
    }

    #[test]
    fn values_of_one_type() {
        check(Operator::Eq, "a\0b".into(), "a\0c".into(), true);
        check(Operator::Ne, "a".into(), "b".into(), true);
        check(Operator::Lt, Value::I64(-1), Value::U64(u64::MAX), true);
        check(Operator::Ge, "b".into(), "ab".into(), true);
        check(Operator::Eq, Value::Bytes(b"a\0b"), Value::Bytes(b"a\0c"), false);
        check(Operator::IContains, "xAbc".into(), "aB".into(), true);
        check(Operator::StartsWith, "/etc/x".into(), "/etc".into(), true);
        check(Operator::EndsWith, "a".into(), "ba".into(), false);
        check(Operator::Glob, "/etc/passwd".into(), "/etc/*[a-d]".into(), true);
        check(Operator::IGlob, "ABC".into(), "a[b]?".into(), true);
        check(Operator::Glob, "ABC".into(), "a[b]?".into(), false);
    }

    #[test]
    fn values_of_different_types_are_neither_equal_nor_unequal() {
        for operator in [Operator::Eq, Operator::Ne, Operator::Lt, Operator::Contains] {
            check(operator, "1".into(), Value::U64(1), false);
        }
    }

    #[test]
    fn lists_are_sets() {
        const AB: &[Value<'static>] = &[Value::Str(b"a"), Value::Str(b"b")];
        let (a, ab) = (AB.get(..1).unwrap_or(&[]), AB);
        let within = |quantifier, left, right| {
            let (left, right) = (Value::List(left), Value::List(right));
            compare(Operator::In, quantifier, &left, &right, &Arena::default())
        };
        assert!(within(Quantifier::Every, a, ab) && !within(Quantifier::Every, ab, a));
        assert!(within(Quantifier::Some, ab, a) && !within(Quantifier::Every, &[], ab));
    }
}

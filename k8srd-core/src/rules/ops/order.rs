//! `<`, `<=`, `>`, `>=`.

use std::cmp::Ordering;

use super::equal::Constant;
use super::{Test, c_string, integer};
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// `<`
pub(super) fn less(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    compare(Ordering::is_lt, ty, operands)
}

/// `<=`
pub(super) fn less_or_equal(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    compare(Ordering::is_le, ty, operands)
}

/// `>`
pub(super) fn greater(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    compare(Ordering::is_gt, ty, operands)
}

/// `>=`
pub(super) fn greater_or_equal(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    compare(Ordering::is_ge, ty, operands)
}

fn compare(wanted: fn(Ordering) -> bool, ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Compare { wanted, constant: Constant::new(ty, operands.first()) })
}

#[derive(Debug)]
struct Compare {
    wanted: fn(Ordering) -> bool,
    constant: Constant,
}

impl Test for Compare {
    fn test(&self, value: &Value<'_>) -> bool {
        let ordering = match (&self.constant, *value) {
            (Constant::Int(constant), _) => integer(value).map(|n| n.cmp(constant)),
            (Constant::Double(constant), Value::F64(n)) => n.partial_cmp(constant),
            (Constant::Text(constant), Value::Str(text)) => Some(c_string(text).cmp(constant)),
            (Constant::Dynamic(constant), _) => constant.order(value),
            _ => None,
        };
        ordering.is_some_and(self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator::{Ge, Gt, Le, Lt};

    #[test]
    fn numbers() {
        let zero = [OwnedValue::I64(0)];
        let judge = |operator, n| judge(operator, FieldType::Int, &zero, Value::I64(n));
        assert!(judge(Lt, -1) && !judge(Lt, 0));
        assert!(judge(Le, 0) && !judge(Le, 1));
        assert!(judge(Gt, 1) && !judge(Gt, 0));
        assert!(judge(Ge, 0) && !judge(Ge, -1));
    }

    #[test]
    fn the_largest_numbers_do_not_wrap() {
        let max = [OwnedValue::U64(u64::MAX)];
        assert!(judge(Lt, FieldType::Uint, &max, Value::I64(-1)));
        assert!(judge(Ge, FieldType::Uint, &max, Value::U64(u64::MAX)));
    }

    #[test]
    fn text_goes_byte_by_byte() {
        let five = [OwnedValue::from("5")];
        assert!(judge(Lt, FieldType::Str, &five, "45".into()));
        assert!(judge(Gt, FieldType::Str, &five, "5a".into()));
        assert!(judge(Le, FieldType::Str, &five, "5\0a".into()));
    }

    #[test]
    fn what_has_no_order_is_false() {
        assert!(!judge(Lt, FieldType::Int, &[OwnedValue::I64(9)], "1".into()));
        assert!(!judge(Lt, FieldType::Double, &[OwnedValue::F64(9.0)], Value::F64(f64::NAN)));
        let nine = [OwnedValue::from("0x9")];
        assert!(judge(Lt, FieldType::Dynamic, &nine, Value::U64(8)));
        assert!(judge(Gt, FieldType::Dynamic, &nine, "1".into()), "text by text");
        assert!(!judge(Gt, FieldType::Dynamic, &nine, Value::Bool(true)));
    }
}

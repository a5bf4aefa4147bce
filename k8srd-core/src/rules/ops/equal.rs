//! `=` and `!=`.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::{Test, c_string, integer, needle, parse_integer};
use crate::field::FieldType;
use crate::value::{IpNet, OwnedValue, Value};

/// `=`
pub(super) fn equal(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Equal(Constant::new(ty, operands.first())))
}

/// `!=`
pub(super) fn not_equal(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(NotEqual(Constant::new(ty, operands.first())))
}

#[derive(Debug)]
struct Equal(Constant);

impl Test for Equal {
    fn test(&self, value: &Value<'_>) -> bool {
        self.0.equals(value) == Some(true)
    }
}

#[derive(Debug)]
struct NotEqual(Constant);

impl Test for NotEqual {
    fn test(&self, value: &Value<'_>) -> bool {
        self.0.equals(value) == Some(false)
    }
}

/// What a value is compared with.
#[derive(Debug)]
pub(super) enum Constant {
    Bool(bool),
    Int(i128),
    Double(f64),
    Text(Box<[u8]>),
    Bytes(Box<[u8]>),
    Ip(IpAddr),
    Net(IpNet),
    Dynamic(Dynamic),
}

/// A constant whose type only the value tells (`evt.rawarg`): every reading of its text.
#[derive(Debug)]
pub(super) struct Dynamic {
    text: Box<[u8]>,
    int: Option<i128>,
    bool: Option<bool>,
    ip: Option<IpAddr>,
}

impl Constant {
    pub(super) fn new(ty: FieldType, operand: Option<&OwnedValue>) -> Self {
        match operand {
            Some(OwnedValue::Bool(b)) => Self::Bool(*b),
            Some(OwnedValue::I64(n)) => Self::Int((*n).into()),
            Some(OwnedValue::U64(n)) => Self::Int((*n).into()),
            Some(OwnedValue::F64(n)) => Self::Double(*n),
            Some(OwnedValue::Ip(ip)) => Self::Ip(*ip),
            Some(OwnedValue::Net(net)) => Self::Net(*net),
            Some(OwnedValue::Bytes(bytes)) => Self::Bytes(bytes.clone()),
            _ if ty == FieldType::Dynamic => Self::Dynamic(Dynamic::new(needle(operand))),
            _ => Self::Text(needle(operand).into()),
        }
    }

    /// `None` where the value is of another type.
    pub(super) fn equals(&self, value: &Value<'_>) -> Option<bool> {
        match (self, *value) {
            (Self::Bool(a), Value::Bool(b)) => Some(*a == b),
            (Self::Int(a), Value::I64(_) | Value::U64(_)) => Some(integer(value) == Some(*a)),
            (Self::Double(a), Value::F64(b)) => Some(*a == b),
            (Self::Text(a), Value::Str(b)) => Some(same_text(a, b)),
            (Self::Text(a) | Self::Bytes(a), Value::Bytes(b)) => Some(**a == *b),
            (Self::Ip(a), Value::Ip(b)) => Some(*a == b),
            (Self::Net(net), Value::Ip(ip)) => Some(net.contains(ip)),
            (Self::Dynamic(constant), _) => constant.equals(value),
            _ => None,
        }
    }

    /// The constant as text, if it is only ever compared with text.
    pub(super) fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The constant as an integer, if it is one.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }
}

impl Dynamic {
    pub(super) fn new(text: &[u8]) -> Self {
        let utf8 = std::str::from_utf8(text).unwrap_or("");
        Self {
            text: text.into(),
            int: parse_integer(utf8),
            bool: utf8.parse().ok(),
            ip: utf8.parse().ok(),
        }
    }

    /// How a value compares with it.
    pub(super) fn order(&self, value: &Value<'_>) -> Option<Ordering> {
        match *value {
            Value::Str(text) => Some(c_string(text).cmp(&self.text)),
            _ => Some(integer(value)?.cmp(&self.int?)),
        }
    }

    fn equals(&self, value: &Value<'_>) -> Option<bool> {
        match *value {
            Value::Bool(b) => self.bool.map(|own| own == b),
            Value::I64(_) | Value::U64(_) => self.int.map(|own| Some(own) == integer(value)),
            Value::Ip(ip) => self.ip.map(|own| own == ip),
            Value::Str(text) => Some(same_text(&self.text, text)),
            Value::Bytes(bytes) => Some(*self.text == *bytes),
            _ => None,
        }
    }
}

/// Equal up to the value's first NUL byte; constants hold none.
fn same_text(constant: &[u8], value: &[u8]) -> bool {
    value.starts_with(constant) && matches!(value.get(constant.len()), None | Some(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator::{Eq, Ne};

    #[test]
    fn text_is_a_c_string_and_a_buffer_is_not() {
        let x = [OwnedValue::from("ab")];
        assert!(judge(Eq, FieldType::Str, &x, "ab".into()));
        assert!(judge(Eq, FieldType::Str, &x, "ab\0c".into()));
        assert!(!judge(Eq, FieldType::Str, &x, "abc".into()));
        assert!(!judge(Eq, FieldType::Str, &x, "a\0b".into()));
        assert!(!judge(Ne, FieldType::Str, &x, "ab".into()));
        assert!(judge(Ne, FieldType::Str, &x, "".into()));
        let bytes = [OwnedValue::Bytes((*b"ab").into())];
        assert!(!judge(Eq, FieldType::Bytes, &bytes, Value::Bytes(b"ab\0c")));
        assert!(judge(Eq, FieldType::Bytes, &bytes, Value::Bytes(b"ab")));
    }

    #[test]
    fn numbers_are_numbers_whatever_their_sign() {
        let n = [OwnedValue::I64(-1)];
        assert!(judge(Eq, FieldType::Int, &n, Value::I64(-1)));
        assert!(!judge(Eq, FieldType::Int, &n, Value::U64(u64::MAX)));
        assert!(judge(Eq, FieldType::Uint, &[OwnedValue::U64(7)], Value::I64(7)));
        assert!(judge(Ne, FieldType::Double, &[OwnedValue::F64(1.0)], Value::F64(2.0)));
        assert!(judge(Eq, FieldType::Bool, &[OwnedValue::Bool(true)], Value::Bool(true)));
    }

    #[test]
    fn an_address_of_the_other_family_is_only_unequal() {
        let ip = [OwnedValue::Ip("127.0.0.1".parse().unwrap())];
        let v6 = Value::Ip("::1".parse().unwrap());
        assert!(!judge(Eq, FieldType::Ip, &ip, v6));
        assert!(judge(Ne, FieldType::Ip, &ip, v6));
        let net = [OwnedValue::Net("10.0.0.0/8".parse().unwrap())];
        assert!(judge(Eq, FieldType::Net, &net, Value::Ip("10.1.2.3".parse().unwrap())));
        assert!(judge(Ne, FieldType::Net, &net, v6));
    }

    #[test]
    fn a_value_of_another_type_is_neither_equal_nor_unequal() {
        for value in [Value::from("1"), Value::Bool(true), Value::F64(1.0)] {
            for operator in [Eq, Ne] {
                assert!(!judge(operator, FieldType::Int, &[OwnedValue::I64(1)], value));
            }
        }
    }

    #[test]
    fn a_dynamic_constant_is_read_as_the_value_asks() {
        let one = [OwnedValue::from("0x10")];
        assert!(judge(Eq, FieldType::Dynamic, &one, Value::U64(16)));
        assert!(judge(Eq, FieldType::Dynamic, &one, "0x10".into()));
        assert!(!judge(Ne, FieldType::Dynamic, &one, Value::Bool(true)), "not a truth value");
    }
}

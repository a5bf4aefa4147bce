//! The operator table: one row an operator, one file a family.
//!
//! To add an operator: a variant in [`Operator`], a row here, a [`Test`] in a file below, and its
//! spelling in `syntax.rs` if the grammar does not have it yet.

mod equal;
mod glob;
mod modifier;
mod order;
pub(super) mod pair;
mod pmatch;
pub(super) mod regex;
mod set;
mod text;

use std::fmt;

use super::ast::{Check, Modifier, Operator};
use crate::field::{FieldType, Multiplicity};
use crate::value::{OwnedValue, Value};

/// What an operator asks of one value.
///
/// A value of another type than the operands satisfies nothing, not even `!=`.
pub(super) trait Test: fmt::Debug + Send + Sync {
    fn test(&self, value: &Value<'_>) -> bool;
}

/// Which of several values have to pass a test. No values never do, but as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Some,
    Every,
    /// All at once: that a list is there says nothing of what is in it.
    Whole,
}

/// An operator.
pub(super) struct Row {
    pub(super) operator: Operator,
    /// How it is written.
    pub(super) spellings: &'static [&'static str],
    /// Whether values of this type can be compared so.
    pub(super) fits: fn(FieldType) -> bool,
    /// Of a list, which values have to pass; `None`: it does not compare lists.
    pub(super) list: Option<Quantifier>,
    /// Of the two ends of a connection, which have to pass; `None`: it does not compare them.
    pub(super) either: Option<Quantifier>,
    /// Whether a field may stand on its right-hand side.
    pub(super) takes_field: bool,
    /// Makes the test. The constants are of the type; one, or any number for [`Form::Set`].
    ///
    /// [`Form::Set`]: super::syntax::Form::Set
    build: Build,
}

/// All operators.
pub(super) static OPERATORS: &[Row] = &[
    Row {
        operator: Operator::Exists,
        spellings: &["exists"],
        fits: |_| true,
        list: Some(Quantifier::Whole),
        either: Some(Quantifier::Some),
        takes_field: false,
        build: |_, _| Box::new(HasValue),
    },
    Row {
        operator: Operator::Eq,
        spellings: &["=", "=="],
        fits: |_| true,
        list: None,
        either: Some(Quantifier::Some),
        takes_field: true,
        build: equal::equal,
    },
    Row {
        operator: Operator::Ne,
        spellings: &["!="],
        fits: |_| true,
        list: None,
        either: Some(Quantifier::Every),
        takes_field: true,
        build: equal::not_equal,
    },
    order(Operator::Lt, &["<"], order::less),
    order(Operator::Le, &["<="], order::less_or_equal),
    order(Operator::Gt, &[">"], order::greater),
    order(Operator::Ge, &[">="], order::greater_or_equal),
    Row {
        operator: Operator::In,
        spellings: &["in"],
        fits: |_| true,
        list: Some(Quantifier::Every),
        either: Some(Quantifier::Some),
        takes_field: true,
        build: set::one_of,
    },
    Row {
        operator: Operator::Intersects,
        spellings: &["intersects"],
        fits: |_| true,
        list: Some(Quantifier::Some),
        either: None,
        takes_field: true,
        build: set::one_of,
    },
    text(Operator::Contains, &["contains"], is_text_or_bytes, text::contains),
    text(Operator::IContains, &["icontains"], is_text, text::contains_in_any_case),
    text(Operator::BContains, &["bcontains"], is_bytes, text::contains),
    text(Operator::StartsWith, &["startswith"], is_text_or_bytes, text::starts_with),
    text(Operator::BStartsWith, &["bstartswith"], is_bytes, text::starts_with),
    text(Operator::EndsWith, &["endswith"], is_text_or_bytes, text::ends_with),
    text(Operator::Glob, &["glob"], is_text, glob::glob),
    text(Operator::IGlob, &["iglob"], is_text, glob::glob_in_any_case),
    Row {
        takes_field: false,
        ..text(Operator::PMatch, &["pmatch"], is_text, pmatch::below_one_of)
    },
    Row { takes_field: false, ..text(Operator::Regex, &["regex"], is_text, regex::matches) },
];

/// The row of an operator as it is written.
pub(super) fn spelled(text: &str) -> Option<&'static Row> {
    OPERATORS.iter().find(|row| row.spellings.contains(&text))
}

/// How an operator is written.
pub(super) fn spelling(operator: Operator) -> &'static str {
    row(operator).and_then(|row| row.spellings.first()).copied().unwrap_or("")
}

/// The test of a comparison with constants; `None` for an operator without a row.
pub(super) fn build(check: &Check) -> Option<Box<dyn Test>> {
    let row = row(check.operator)?;
    let (ty, constants) = (check.left.ty(), check.constants());
    Some(match (check.modifier, check.operator) {
        (None, _) => (row.build)(ty, constants),
        (Some(Modifier::AnyOf), Operator::Eq) => set::one_of(ty, constants),
        (Some(modifier), _) => modifier::count(modifier, row.build, ty, constants),
    })
}

/// Which of several values have to pass.
pub(super) fn quantifier(operator: Operator, multiplicity: Multiplicity) -> Quantifier {
    let row = row(operator);
    let said = match multiplicity {
        Multiplicity::One | Multiplicity::Any => None,
        Multiplicity::List => row.and_then(|row| row.list),
        Multiplicity::Either => row.and_then(|row| row.either),
    };
    said.unwrap_or(Quantifier::Some)
}

fn row(operator: Operator) -> Option<&'static Row> {
    OPERATORS.iter().find(|row| row.operator == operator)
}

type Build = fn(FieldType, &[OwnedValue]) -> Box<dyn Test>;

const fn order(operator: Operator, spellings: &'static [&'static str], build: Build) -> Row {
    let either = Some(Quantifier::Some);
    Row { operator, spellings, fits: is_ordered, list: None, either, takes_field: true, build }
}

const fn text(
    operator: Operator,
    spellings: &'static [&'static str],
    fits: fn(FieldType) -> bool,
    build: Build,
) -> Row {
    Row { operator, spellings, fits, list: None, either: None, takes_field: true, build }
}

fn is_text(ty: FieldType) -> bool {
    matches!(ty, FieldType::Str | FieldType::Path | FieldType::Dynamic)
}

fn is_text_or_bytes(ty: FieldType) -> bool {
    is_text(ty) || ty == FieldType::Bytes
}

fn is_bytes(ty: FieldType) -> bool {
    matches!(ty, FieldType::Bytes | FieldType::Dynamic)
}

fn is_ordered(ty: FieldType) -> bool {
    !matches!(ty, FieldType::Bool | FieldType::Bytes | FieldType::Ip | FieldType::Net)
}

/// `exists`: any value will do.
#[derive(Debug)]
struct HasValue;

impl Test for HasValue {
    fn test(&self, _: &Value<'_>) -> bool {
        true
    }
}

/// Text as a C string: Falco compares up to the first NUL byte.
pub(super) fn c_string(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// The bytes that a text operator looks at: a buffer whole, text up to the first NUL byte.
fn searched<'a>(value: &Value<'a>) -> Option<&'a [u8]> {
    match *value {
        Value::Str(text) => Some(c_string(text)),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The value as an integer of either sign.
fn integer(value: &Value<'_>) -> Option<i128> {
    match *value {
        Value::I64(n) => Some(n.into()),
        Value::U64(n) => Some(n.into()),
        _ => None,
    }
}

/// The text of a constant: empty for other constants, which the loader does not let through.
fn needle(operand: Option<&OwnedValue>) -> &[u8] {
    match operand {
        Some(OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes)) => bytes,
        _ => &[],
    }
}

/// A number written as decimal or hexadecimal digits.
pub(super) fn parse_integer(text: &str) -> Option<i128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            i128::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::syntax::SPELLINGS;

    #[test]
    fn every_row_can_be_written() {
        for row in OPERATORS {
            for spelling in row.spellings {
                assert!(SPELLINGS.iter().any(|known| known.text == *spelling), "{spelling}");
                let found = spelled(spelling).map(|row| row.operator);
                assert_eq!(found, Some(row.operator), "{spelling}");
            }
        }
    }

    #[test]
    fn several_values_are_quantified_as_falco_does() {
        let of = |operator, multiplicity| quantifier(operator, multiplicity);
        assert_eq!(of(Operator::Ne, Multiplicity::Either), Quantifier::Every);
        assert_eq!(of(Operator::Eq, Multiplicity::Either), Quantifier::Some);
        assert_eq!(of(Operator::Ne, Multiplicity::Any), Quantifier::Some);
        assert_eq!(of(Operator::In, Multiplicity::List), Quantifier::Every);
        assert_eq!(of(Operator::Intersects, Multiplicity::List), Quantifier::Some);
    }

    #[test]
    fn integers_are_decimal_or_hexadecimal() {
        assert_eq!(parse_integer("010"), Some(10));
        assert_eq!(parse_integer("-7"), Some(-7));
        assert_eq!(parse_integer("0xfF"), Some(255));
        for text in ["", "0x", "0x-1", "1.5", "1e3", "x", "9".repeat(60).as_str()] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
    }

    /// What `operator` says of `value` and these operands, for the families' tests.
    #[track_caller]
    pub(super) fn judge(
        operator: Operator,
        ty: FieldType,
        operands: &[OwnedValue],
        value: Value<'_>,
    ) -> bool {
        let row = row(operator).expect("every operator has a row");
        (row.build)(ty, operands).test(&value)
    }
}

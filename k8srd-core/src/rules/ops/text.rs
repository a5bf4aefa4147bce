//! `contains`, `icontains`, `startswith`, `endswith`.

use memchr::memmem::Finder;

use super::{Test, needle, searched};
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// `contains`
pub(super) fn contains(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Contains(Finder::new(needle(operands.first())).into_owned()))
}

/// `icontains`
pub(super) fn contains_in_any_case(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(ContainsInAnyCase(needle(operands.first()).into()))
}

/// `startswith`
pub(super) fn starts_with(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(StartsWith(needle(operands.first()).into()))
}

/// `endswith`
pub(super) fn ends_with(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(EndsWith(needle(operands.first()).into()))
}

#[derive(Debug)]
struct Contains(Finder<'static>);

impl Test for Contains {
    fn test(&self, value: &Value<'_>) -> bool {
        searched(value).is_some_and(|text| self.0.find(text).is_some())
    }
}

#[derive(Debug)]
struct ContainsInAnyCase(Box<[u8]>);

impl Test for ContainsInAnyCase {
    fn test(&self, value: &Value<'_>) -> bool {
        searched(value).is_some_and(|text| holds_in_any_case(text, &self.0))
    }
}

/// Whether `part` is in `text`, whatever the case of its letters.
pub(super) fn holds_in_any_case(text: &[u8], part: &[u8]) -> bool {
    let Some((first, _)) = part.split_first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text)
        .filter_map(|at| text.get(at..at + part.len()))
        .any(|found| found.eq_ignore_ascii_case(part))
}

#[derive(Debug)]
struct StartsWith(Box<[u8]>);

impl Test for StartsWith {
    fn test(&self, value: &Value<'_>) -> bool {
        // The constant holds no NUL byte, so one in the value cannot lie within the match.
        value.as_bytes().is_some_and(|text| text.starts_with(&self.0))
    }
}

#[derive(Debug)]
struct EndsWith(Box<[u8]>);

impl Test for EndsWith {
    fn test(&self, value: &Value<'_>) -> bool {
        searched(value).is_some_and(|text| text.ends_with(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator::{Contains, EndsWith, IContains, StartsWith};

    #[test]
    fn each_finds_its_place() {
        let is = |operator, needle: &str, text: &str| {
            judge(operator, FieldType::Str, &[needle.into()], text.into())
        };
        assert!(is(Contains, "bc", "abcd") && !is(Contains, "BC", "abcd"));
        assert!(is(IContains, "Bc", "abCd") && !is(IContains, "bd", "abCd"));
        assert!(is(IContains, "", "") && is(IContains, "d", "abCD"));
        assert!(is(StartsWith, "/etc/", "/etc/shadow") && !is(StartsWith, "/etc/", "/etc"));
        assert!(is(EndsWith, ".sh", "a.sh") && !is(EndsWith, ".sh", "a.shx"));
        for operator in [Contains, IContains, StartsWith, EndsWith] {
            assert!(is(operator, "", "a") && is(operator, "", ""), "{operator:?}");
            assert!(!is(operator, "ab", "a"), "{operator:?}");
        }
    }

    #[test]
    fn nothing_behind_a_nul_byte_is_text() {
        let is = |operator, ty, value| judge(operator, ty, &["c".into()], value);
        assert!(!is(Contains, FieldType::Str, "ab\0c".into()));
        assert!(!is(IContains, FieldType::Str, "ab\0C".into()));
        assert!(is(EndsWith, FieldType::Str, "abc\0d".into()));
        assert!(is(Contains, FieldType::Bytes, Value::Bytes(b"ab\0c")));
        assert!(!is(Contains, FieldType::Str, Value::U64(12)));
    }
}

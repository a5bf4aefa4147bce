//! Constants: from the text in a condition to a value of the field's type.

use std::net::IpAddr;

use super::ast::Operator;
use super::ops::parse_integer;
use crate::field::FieldType;
use crate::value::{IpNet, OwnedValue};

/// Falco's limit for a text constant, in bytes.
const MAX_TEXT: usize = 255;

/// Reads a constant that is compared with a field of type `ty`.
///
/// # Errors
///
/// What is wrong with it, for a person.
pub(super) fn read(ty: FieldType, operator: Operator, bytes: &[u8]) -> Result<OwnedValue, String> {
    if matches!(ty, FieldType::Str | FieldType::Path | FieldType::Bytes | FieldType::Dynamic) {
        return text(ty, bytes);
    }
    let text = std::str::from_utf8(bytes).unwrap_or("");
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    match ty {
        FieldType::Bool => match text {
            "true" => Ok(OwnedValue::Bool(true)),
            "false" => Ok(OwnedValue::Bool(false)),
            _ => Err(format!("{:?} is neither true nor false", shown())),
        },
        FieldType::Int => integer(text, i64::MIN, i64::MAX, shown).map(OwnedValue::I64),
        FieldType::Uint | FieldType::AbsTime | FieldType::RelTime => {
            integer(text, u64::MIN, u64::MAX, shown).map(OwnedValue::U64)
        }
        FieldType::Port if text.starts_with(|c: char| c.is_ascii_alphabetic()) => Err(format!(
            "{text:?} is no port; write its number, names of services are not known here"
        )),
        FieldType::Port => {
            integer(text, u16::MIN, u16::MAX, shown).map(|port| OwnedValue::U64(port.into()))
        }
        // Falco reads a constant for these as a 32-bit integer too.
        FieldType::Double => {
            integer(text, i32::MIN, i32::MAX, shown).map(|n| OwnedValue::F64(n.into()))
        }
        FieldType::Ip => text
            .parse::<IpAddr>()
            .map(OwnedValue::Ip)
            .map_err(|_| format!("{:?} is no IP address, such as 10.0.0.1 or fd00::1", shown())),
        FieldType::Net => text
            .parse::<IpNet>()
            .map(OwnedValue::Net)
            .map_err(|_| format!("{:?} is no IP network, such as 10.0.0.0/8 or fd00::/8", shown())),
        _ => Err(format!("a {} cannot be compared by {operator:?}", ty.name())),
    }
}

fn text(ty: FieldType, bytes: &[u8]) -> Result<OwnedValue, String> {
    if bytes.len() > MAX_TEXT {
        return Err(format!(
            "a text of {} bytes is too long, {MAX_TEXT} are the most",
            bytes.len()
        ));
    }
    Ok(match ty {
        FieldType::Bytes => OwnedValue::Bytes(bytes.into()),
        _ => OwnedValue::Str(bytes.into()),
    })
}

fn integer<T>(text: &str, min: T, max: T, shown: impl Fn() -> String) -> Result<T, String>
where
    T: TryFrom<i128> + std::fmt::Display,
{
    let number = parse_integer(text).ok_or_else(|| format!("{:?} is no whole number", shown()))?;
    T::try_from(number).map_err(|_| format!("{text} is out of range, {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ty: FieldType, text: &str) -> Result<OwnedValue, String> {
        super::read(ty, Operator::Eq, text.as_bytes())
    }

    #[test]
    fn each_type_has_its_form() {
        assert_eq!(read(FieldType::Bool, "true"), Ok(OwnedValue::Bool(true)));
        assert_eq!(read(FieldType::Int, "-0"), Ok(OwnedValue::I64(0)));
        assert_eq!(read(FieldType::Int, "0x7fffffffffffffff"), Ok(OwnedValue::I64(i64::MAX)));
        assert_eq!(read(FieldType::Uint, "18446744073709551615"), Ok(OwnedValue::U64(u64::MAX)));
        assert_eq!(read(FieldType::Port, "443"), Ok(OwnedValue::U64(443)));
        assert_eq!(read(FieldType::Double, "5"), Ok(OwnedValue::F64(5.0)));
        assert_eq!(read(FieldType::Str, "a b"), Ok("a b".into()));
        assert_eq!(read(FieldType::Ip, "::1"), Ok(OwnedValue::Ip("::1".parse().unwrap())));
        assert!(matches!(read(FieldType::Net, "10.0.0.0/8"), Ok(OwnedValue::Net(_))));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        for (ty, text, reason) in [
            (FieldType::Bool, "1", "neither true nor false"),
            (FieldType::Int, "9223372036854775808", "out of range"),
            (FieldType::Int, "1.5", "no whole number"),
            (FieldType::Uint, "-1", "out of range, 0 to 18446744073709551615"),
            (FieldType::Port, "65536", "out of range"),
            (FieldType::Port, "https", "write its number"),
            (FieldType::Ip, "example.com", "no IP address"),
            (FieldType::Net, "10.0.0.1", "no IP network"),
            (FieldType::Str, &"x".repeat(256), "too long"),
        ] {
            let error = read(ty, text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(super::read(FieldType::Int, Operator::Eq, b"\xff").is_err());
    }
}

//! Constants: from the text in a condition to a value of the field's type.

use std::net::IpAddr;

use super::ast::Operator;
use super::ops::parse_integer;
use super::services;
use super::suggest::did_you_mean;
use crate::field::FieldType;
use crate::value::{IpNet, OwnedValue};

/// Falco's limit for a text constant, in bytes.
const MAX_TEXT: usize = 255;

/// What is wrong with a constant, for a person, and what to do.
pub(super) type ConstantError = (String, Option<String>);

/// Reads a constant that is compared with a value of type `ty`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(
    ty: FieldType,
    operator: Operator,
    bytes: &[u8],
) -> Result<OwnedValue, ConstantError> {
    if bytes.contains(&0) {
        return Err(("NUL cannot be compared".to_owned(), None));
    }
    if bytes.len() > MAX_TEXT {
        let length = bytes.len();
        let message = format!("a text of {length} bytes is too long, {MAX_TEXT} are the most");
        return Err((message, None));
    }
    if matches!(operator, Operator::BContains | Operator::BStartsWith) {
        return hex(bytes);
    }
    match ty {
        FieldType::Str | FieldType::Path | FieldType::Dynamic => Ok(OwnedValue::Str(bytes.into())),
        FieldType::Bytes => Ok(OwnedValue::Bytes(bytes.into())),
        FieldType::Port => port(bytes),
        _ => plain(ty, operator, bytes).map_err(|message| (message, None)),
    }
}

/// Two digits a byte.
fn hex(digits: &[u8]) -> Result<OwnedValue, ConstantError> {
    let byte = |two: &[u8]| {
        let two = std::str::from_utf8(two).ok().filter(|two| two.len() == 2)?;
        let digits = two.bytes().all(|byte| byte.is_ascii_hexdigit());
        u8::from_str_radix(two, 16).ok().filter(|_| digits)
    };
    match digits.chunks(2).map(byte).collect::<Option<Box<[u8]>>>() {
        Some(bytes) => Ok(OwnedValue::Bytes(bytes)),
        None => {
            let message =
                format!("{:?} is no row of hexadecimal digits", String::from_utf8_lossy(digits));
            Err((message, Some("write each byte as two digits, such as 7f454c46".to_owned())))
        }
    }
}

/// A number or a service's name.
fn port(bytes: &[u8]) -> Result<OwnedValue, ConstantError> {
    let text = std::str::from_utf8(bytes).unwrap_or("");
    if let Some(port) = services::port(text) {
        return Ok(OwnedValue::U64(port.into()));
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let message = format!("{text:?} is no service that has a port");
        let help = did_you_mean(text, services::names());
        return Err((message, help.or_else(|| Some("write the port's number".to_owned()))));
    }
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    integer(text, u16::MIN, u16::MAX, shown)
        .map(|port| OwnedValue::U64(port.into()))
        .map_err(|message| (message, None))
}

fn plain(ty: FieldType, operator: Operator, bytes: &[u8]) -> Result<OwnedValue, String> {
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
        super::read(ty, Operator::Eq, text.as_bytes()).map_err(|(message, _)| message)
    }

    #[test]
    fn each_type_has_its_form() {
        assert_eq!(read(FieldType::Bool, "true"), Ok(OwnedValue::Bool(true)));
        assert_eq!(read(FieldType::Int, "-0"), Ok(OwnedValue::I64(0)));
        assert_eq!(read(FieldType::Int, "0x7fffffffffffffff"), Ok(OwnedValue::I64(i64::MAX)));
        assert_eq!(read(FieldType::Uint, "18446744073709551615"), Ok(OwnedValue::U64(u64::MAX)));
        assert_eq!(read(FieldType::Port, "443"), Ok(OwnedValue::U64(443)));
        assert_eq!(read(FieldType::Port, "https"), Ok(OwnedValue::U64(443)));
        assert_eq!(read(FieldType::Double, "5"), Ok(OwnedValue::F64(5.0)));
        assert_eq!(read(FieldType::Str, "a b"), Ok("a b".into()));
        assert_eq!(read(FieldType::Ip, "::1"), Ok(OwnedValue::Ip("::1".parse().unwrap())));
        assert!(matches!(read(FieldType::Net, "10.0.0.0/8"), Ok(OwnedValue::Net(_))));
    }

    #[test]
    fn bytes_may_be_written_as_digits() {
        let read = |text: &str| super::read(FieldType::Bytes, Operator::BContains, text.as_bytes());
        assert_eq!(read("7F00ff"), Ok(OwnedValue::Bytes([0x7F, 0, 0xFF].into())));
        assert_eq!(read(""), Ok(OwnedValue::Bytes([].into())));
        for text in ["7f0", "0x7f", "zz", "+1", "é"] {
            assert!(read(text).unwrap_err().0.contains("hexadecimal"), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        for (ty, text, reason) in [
            (FieldType::Bool, "1", "neither true nor false"),
            (FieldType::Int, "9223372036854775808", "out of range"),
            (FieldType::Int, "1.5", "no whole number"),
            (FieldType::Uint, "-1", "out of range, 0 to 18446744073709551615"),
            (FieldType::Port, "65536", "out of range"),
            (FieldType::Port, "htps", "no service"),
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

//! Transformers of one text.

use crate::arena::Arena;
use crate::rules::ops::c_string;
use crate::value::Value;

/// Applies a change of bytes to a text or buffer, and keeps which of them it is. `None`: no value.
pub(super) fn map<'e>(
    value: &Value<'e>,
    arena: &'e Arena,
    change: fn(&'e [u8], &'e Arena) -> Option<&'e [u8]>,
) -> Option<Value<'e>> {
    match *value {
        Value::Str(text) => change(c_string(text), arena).map(Value::Str),
        Value::Bytes(bytes) => change(unpadded(bytes), arena).map(Value::Bytes),
        _ => None,
    }
}

pub(super) fn to_lower<'e>(text: &'e [u8], arena: &'e Arena) -> Option<&'e [u8]> {
    Some(arena.map(text, |byte| byte.to_ascii_lowercase()))
}

pub(super) fn to_upper<'e>(text: &'e [u8], arena: &'e Arena) -> Option<&'e [u8]> {
    Some(arena.map(text, |byte| byte.to_ascii_uppercase()))
}

/// What follows the last slash.
pub(super) fn basename<'e>(text: &'e [u8], _: &'e Arena) -> Option<&'e [u8]> {
    let start = memchr::memrchr(b'/', text).map_or(0, |slash| slash + 1);
    text.get(start..)
}

/// What base64 text stands for. Padding may be missing; bits that are left over have to be 0.
pub(super) fn b64<'e>(text: &'e [u8], arena: &'e Arena) -> Option<&'e [u8]> {
    let digits = text.strip_suffix(b"=").unwrap_or(text);
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    if digits.is_empty() && !text.is_empty() {
        return None;
    }
    let length = digits.len() / 4 * 3
        + match digits.len() % 4 {
            0 => 0,
            1 => return None,
            left => left - 1,
        };
    let mut bits: u32 = 0;
    let mut at = digits.iter();
    let mut filled = 0;
    // Each byte takes the next digit, or the next two where less than two bits are at hand.
    let decoded = arena.fill(length, || {
        while filled < 8 {
            bits = bits << 6 | u32::from(digit(*at.next()?)?);
            filled += 6;
        }
        filled -= 8;
        let byte = (bits >> filled) as u8;
        bits &= (1 << filled) - 1;
        Some(byte)
    })?;
    (bits == 0 && at.next().is_none()).then_some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// A buffer without the NUL bytes at its end, as Falco passes it to a transformer.
fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_with_and_without_padding() {
        let arena = Arena::default();
        let decode = |text: &str| b64(text.as_bytes(), &arena).map(<[u8]>::to_vec);
        for (text, meaning) in [
            ("", ""),
            ("YQ==", "a"),
            ("YQ=", "a"),
            ("YQ", "a"),
            ("YWI=", "ab"),
            ("YWI", "ab"),
            ("YWJj", "abc"),
            ("d29ybGQgIQ==", "world !"),
            ("aGVsbG8=", "hello"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(meaning.as_bytes()), "{text}");
        }
        assert_eq!(decode("+/+/").as_deref(), Some(&[0xFB, 0xFF, 0xBF][..]));
        for text in ["Y", "YQ===", "YR==", "YWJ", "Y Q", "YW-j", "YWJjY", "YQ=Q", "====", "="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_behind_the_last_slash() {
        let arena = Arena::default();
        for (path, name) in [("/usr/bin/cat", "cat"), ("/", ""), ("/a/", ""), ("a", "a"), ("", "")]
        {
            assert_eq!(basename(path.as_bytes(), &arena), Some(name.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_text_ends_at_its_first_nul_byte_and_a_buffer_at_its_last_other() {
        let arena = Arena::default();
        let up = |value: Value<'static>| map(&value, &arena, |text, _| Some(text));
        assert_eq!(up(Value::Str(b"ab\0c")), Some(Value::Str(b"ab")));
        assert_eq!(up(Value::Bytes(b"ab\0c\0")), Some(Value::Bytes(b"ab\0c")));
        assert_eq!(up(Value::U64(1)), None);
    }
}

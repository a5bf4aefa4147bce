//! How a value is shown in an alert: as text in the message, typed among the fields.

use std::fmt::Write as _;

use crate::catalogue;
use crate::event::Timestamp;
use crate::field::{FieldId, NumberFormat};
use crate::value::{OwnedValue, Value};

/// How the bytes of a buffer are shown: Falco's `buffer_format_base64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: Falco knows these two")]
pub enum BufferFormat {
    /// Printable ASCII as it is, a dot for every other byte.
    #[default]
    Printable,
    /// Base64 with padding.
    Base64,
}

/// How the values of one field are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) number: NumberFormat,
    pub(super) buffer: BufferFormat,
}

impl Form {
    /// Decimal numbers, printable buffers.
    pub(super) const PLAIN: Self =
        Self { number: NumberFormat::Decimal, buffer: BufferFormat::Printable };

    /// Adds the value as text.
    pub(super) fn write(self, value: &Value<'_>, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = match *value {
            Value::I64(n) => match self.number {
                NumberFormat::Decimal => write!(out, "{n}"),
                NumberFormat::Padded => write!(out, "{n:09}"),
                NumberFormat::Hex => write!(out, "{n:X}"),
                NumberFormat::Octal => write!(out, "{n:o}"),
            },
            Value::U64(n) => match self.number {
                NumberFormat::Decimal => write!(out, "{n}"),
                NumberFormat::Padded => write!(out, "{n:09}"),
                NumberFormat::Hex => write!(out, "{n:X}"),
                NumberFormat::Octal => write!(out, "{n:o}"),
            },
            Value::Bytes(bytes) => {
                self.write_buffer(bytes, out);
                Ok(())
            }
            Value::List(values) => {
                out.push('(');
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.write(value, out);
                }
                out.push(')');
                Ok(())
            }
            _ => write!(out, "{value}"),
        };
    }

    /// The value with the type that it has in JSON: what is not decimal there is text.
    pub(super) fn typed(self, value: &Value<'_>) -> OwnedValue {
        let is_text = match *value {
            Value::I64(_) | Value::U64(_) => self.number != NumberFormat::Decimal,
            Value::Bytes(_) => true,
            Value::List(values) => {
                return OwnedValue::List(values.iter().map(|value| self.typed(value)).collect());
            }
            _ => false,
        };
        if !is_text {
            return value.to_owned();
        }
        let mut text = String::new();
        self.write(value, &mut text);
        OwnedValue::from(&*text)
    }

    fn write_buffer(self, bytes: &[u8], out: &mut String) {
        match self.buffer {
            BufferFormat::Printable => out.extend(bytes.iter().map(|&byte| {
                let printable = byte == b' ' || byte.is_ascii_graphic();
                if printable { char::from(byte) } else { '.' }
            })),
            BufferFormat::Base64 => data_encoding::BASE64.encode_append(bytes, out),
        }
    }
}

/// The value of a field that tells the event's time as text: in JSON all of these are the time
/// in nanoseconds since 1970.
pub(super) fn time_field(field: FieldId, time: Timestamp) -> Option<OwnedValue> {
    const TIMES: [FieldId; 5] = [
        catalogue::EVT_TIME,
        catalogue::EVT_TIME_S,
        catalogue::EVT_TIME_ISO8601,
        catalogue::EVT_DATETIME,
        catalogue::EVT_DATETIME_S,
    ];
    TIMES.contains(&field).then(|| OwnedValue::U64(time.as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: Form, value: Value<'_>, text: &str, typed: OwnedValue) {
        let mut out = String::new();
        form.write(&value, &mut out);
        assert_eq!(out, text);
        assert_eq!(form.typed(&value), typed);
    }

    #[test]
    fn numbers_are_typed_only_where_they_are_decimal() {
        let form = |number| Form { number, ..Form::PLAIN };
        check(form(NumberFormat::Decimal), Value::I64(-7), "-7", OwnedValue::I64(-7));
        check(form(NumberFormat::Hex), Value::U64(255), "FF", "FF".into());
        check(form(NumberFormat::Octal), Value::U64(8), "10", "10".into());
        check(form(NumberFormat::Padded), Value::U64(42), "000000042", "000000042".into());
        check(form(NumberFormat::Hex), Value::Bool(true), "true", OwnedValue::Bool(true));
        let list = [Value::U64(10), Value::U64(11)];
        let texts = OwnedValue::List(["A".into(), "B".into()].into());
        check(form(NumberFormat::Hex), Value::List(&list), "(A,B)", texts);
    }

    #[test]
    fn buffers_are_printable_or_base64() {
        let bytes = Value::Bytes(b"a \x00\xffb");
        check(Form::PLAIN, bytes, "a ..b", "a ..b".into());
        let base64 = Form { buffer: BufferFormat::Base64, ..Form::PLAIN };
        check(base64, bytes, "YSAA/2I=", "YSAA/2I=".into());
        check(base64, Value::from("text"), "text", "text".into());
    }
}

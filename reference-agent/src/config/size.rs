//! Numbers of bytes as people write them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A number of bytes: `1048576`, `1024K`, `1M`, `1MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Size(pub(crate) u64);

/// What a size looks like, for people and for the schema.
const FORM: &str = "a number of bytes, or one with K, M or G";

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text).map(Self).ok_or_else(|| format!("{FORM} is expected, not {text}"))
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().trim_end_matches("ib") {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

impl fmt::Display for Size {
    /// With the largest unit that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self(bytes) = self;
        for (shift, unit) in [(30, "G"), (20, "M"), (10, "K")] {
            if bytes > 0 && bytes.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", bytes >> shift);
            }
        }
        write!(f, "{bytes}")
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "title": FORM,
            "minimum": 0,
            "pattern": "^[0-9]+ *([bB]|[kKmMgG]([iI][bB])?)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse("4096"), Some(4096));
        assert_eq!(parse("64K"), Some(64 << 10));
        assert_eq!(parse("16 MiB"), Some(16 << 20));
        assert_eq!(parse("1g"), Some(1 << 30));
        for text in ["", "K", "1x", "-1", "1.5M", "18446744073709551615K"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for bytes in [0, 1, 1023, 1024, 3 << 20, (1 << 30) + 1024, u64::MAX, 1 << 63] {
            let shown = Size(bytes).to_string();
            assert_eq!(parse(&shown), Some(bytes), "{shown}");
        }
        assert_eq!(Size(64 << 20).to_string(), "64M");
    }
}

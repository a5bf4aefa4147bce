//! Stretches of time as people write them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A stretch of time that is not empty: `500ms`, `30s`, `5m`, `1h`, `90` for seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Span(pub(crate) Duration);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `90`, `90s`, `5m`, `1h`, `500ms`.
///
/// # Errors
///
/// Where the text is no stretch of time, with what would be one.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let unit = if unit.is_empty() { "s" } else { unit };
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("{unit} is no unit of time; there are ms, s, m and h"));
    };
    let length = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
    let wrong = || format!("{text} is no duration; write 500ms, 30s, 5m or 1h");
    length.filter(|&millis| millis > 0).map(Duration::from_millis).ok_or_else(wrong)
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text).map(Self)
    }
}

impl fmt::Display for Span {
    /// With the largest unit that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |&&(_, unit): &&(&str, u64)| millis.is_multiple_of(u128::from(unit));
        let (name, unit) = UNITS.iter().find(fits).copied().unwrap_or(("ms", 1));
        write!(f, "{}{name}", millis / u128::from(unit))
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "title": "a duration with ms, s, m or h",
            "minimum": 1,
            "pattern": "^0*[1-9][0-9]*(ms|s|m|h)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let millis = |text| parse(text).map(|length| length.as_millis());
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("90"), Ok(90_000));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("5m"), Ok(300_000));
        assert_eq!(millis("2h"), Ok(7_200_000));
        assert_eq!(millis("5d").unwrap_err(), "d is no unit of time; there are ms, s, m and h");
        for text in ["", "s", "0s", "-1s", "1.5h", "99999999999999999999h"] {
            let error = millis(text).unwrap_err();
            assert_eq!(error, format!("{text} is no duration; write 500ms, 30s, 5m or 1h"));
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for millis in [1, 999, 1000, 1500, 60_000, 90_000, 3_600_000, u64::MAX] {
            let shown = Span(Duration::from_millis(millis)).to_string();
            assert_eq!(parse(&shown), Ok(Duration::from_millis(millis)), "{shown}");
        }
        assert_eq!(Span(Duration::from_secs(10)).to_string(), "10s");
    }
}

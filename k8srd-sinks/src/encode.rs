//! Alerts as lines; what loading rules found, and what the rules are, as JSON.
//!
//! Facts on Falco's forms of alerts: `userspace/engine/formats.cpp` and
//! `userspace/falco/outputs_stdout.cpp` of falcosecurity/falco. To add a form, add a file here and
//! an arm to [`Encoder`].

mod describe;
mod json;
mod load_results;
mod sarif;
mod text;

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use k8srd_core::alert::Alert;
use k8srd_core::event::Timestamp;
use k8srd_core::time::{Civil, UtcOffset, iso8601};

pub use describe::{describe, describe_lists, describe_macros, describe_rules};
pub use json::Json;
pub use load_results::load_results;
pub use sarif::sarif;
pub use text::Text;

/// Writes alerts in one form.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Encoder {
    /// Falco's text line.
    Text(Text),
    /// Falco's JSON object.
    Json(Json),
}

impl Encoder {
    /// Appends the alert to `out` as one line, without the line's end: no byte of it is a line
    /// break, whatever a program put into its names.
    pub fn encode(&self, alert: &Alert, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => text.encode(alert, out),
            Self::Json(json) => json.encode(alert, out),
        }
    }
}

/// How the time at the start of the text line is written.
#[derive(Clone)]
pub struct TimeFormat {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Local(Arc<dyn Fn(Timestamp) -> UtcOffset + Send + Sync>),
    Iso8601,
}

impl TimeFormat {
    /// Time of day in UTC, `HH:MM:SS.nnnnnnnnn`.
    pub fn utc() -> Self {
        Self::local(|_| UtcOffset(0))
    }

    /// Time of day in local time, `HH:MM:SS.nnnnnnnnn`: Falco's default. `offset` says how far
    /// local time is ahead of UTC at a moment; this crate asks no system for it.
    pub fn local(offset: impl Fn(Timestamp) -> UtcOffset + Send + Sync + 'static) -> Self {
        Self { form: Form::Local(Arc::new(offset)) }
    }

    /// Date and time in UTC, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000`: Falco's
    /// `time_format_iso_8601`.
    pub fn iso8601() -> Self {
        Self { form: Form::Iso8601 }
    }

    /// The field that Falco reads for this time, which names it in `output_fields`.
    fn field(&self) -> &'static str {
        match self.form {
            Form::Local(_) => "evt.time",
            Form::Iso8601 => "evt.time.iso8601",
        }
    }
}

impl fmt::Debug for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Local(_) => "Local",
            Form::Iso8601 => "Iso8601",
        };
        f.debug_tuple("TimeFormat").field(&form).finish()
    }
}

/// `<time>: <Priority> <message>`, as it is, not yet escaped.
fn line<'a>(alert: &'a Alert, time: &'a TimeFormat) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        match &time.form {
            Form::Local(offset) => {
                let civil = Civil::new(alert.time, offset(alert.time));
                write!(f, "{}", civil.clock_nanos())?;
            }
            Form::Iso8601 => write!(f, "{}+0000", iso8601(alert.time))?,
        }
        write!(f, ": {} {}", alert.rule.priority, alert.message)
    })
}

/// Appends `text` with JSON's escapes, without quotes round it.
///
/// Falco escapes the text line like this too: a program that names itself with escape sequences
/// cannot paint on the terminal of whoever reads, or forge a line.
fn escape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    // Everything that needs an escape is one ASCII byte, so runs between them stay UTF-8.
    while let Some(place) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (clean, tail) = rest.split_at(place);
        out.extend_from_slice(clean);
        let byte = tail[0];
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => append(out, format_args!("\\u{byte:04x}")),
        }
        rest = &tail[1..];
    }
    out.extend_from_slice(rest);
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends formatted text; a vector takes every byte.
fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a vector cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_json() {
        let escaped = |text| {
            let mut out = Vec::new();
            escape(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(escaped(""), "");
        assert_eq!(escaped("plain é 字 \u{7f}"), "plain é 字 \u{7f}");
        assert_eq!(escaped("a\"b\\c"), r#"a\"b\\c"#);
        assert_eq!(escaped("\u{8}\t\n\u{c}\r"), r"\b\t\n\f\r");
        assert_eq!(escaped("\u{0}\u{1b}[31m\u{1f}"), r"\u0000\u001b[31m\u001f");
    }

    #[test]
    fn escaped_text_reads_back() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let mut out = vec![b'"'];
        escape(&all, &mut out);
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }
}

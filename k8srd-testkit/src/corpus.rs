//! Corpora: tests as data, read from files.
//!
//! - [`conditions`]: a condition, events, and what each event makes of it; or a condition that is
//!   refused, and why;
//! - [`rules`]: rule files, events, and a snapshot of everything that is to come out;
//! - `captures`, with the feature `capture`: stories of which recordings are made.
//!
//! All are TOML; the first two have events written as tables of fields:
//!
//! ```toml
//! { "proc.name" = "cat", "proc.aname" = ["sh", "init"], "fd.num" = 3 }
//! { "fd.name" = { hex = "2fff" }, "container.id" = { pending = true } }
//! { kind = "openat", at = 1000, "param.flags" = 1, alternate = { "fd.name" = "/etc/shadow" } }
//! ```
//!
//! A key is a field as conditions write it, `param.` and a param of the kind, or one of `kind`
//! (the event's kind), `at` (its time in nanoseconds) and `alternate` (the fields that differ
//! under the file's resolved name). A value that is no UTF-8 is written in hex.

#[cfg(feature = "capture")]
pub mod captures;
pub mod conditions;
mod event;
pub mod rules;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::event::EventError;

/// The files in `dir` whose names end with `.` and `extension`, in order of their names.
fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, CorpusError> {
    let failed = |error| CorpusError::io(dir, error);
    let mut found = Vec::new();
    for entry in dir.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, CorpusError> {
    std::fs::read_to_string(path).map_err(|error| CorpusError::io(path, error))
}

/// A file of a corpus while it is read.
struct Text<'t> {
    name: &'t str,
    text: &'t str,
}

impl<'t> Text<'t> {
    fn tables(&self) -> Result<DeTable<'t>, CorpusError> {
        let parsed = DeTable::parse(self.text).map_err(|error| {
            self.wrong(error.span().unwrap_or_default(), error.message().to_owned())
        })?;
        Ok(parsed.into_inner())
    }

    /// The tables of `[[name]]`.
    fn array<'a>(
        &self,
        value: &'a Spanned<DeValue<'t>>,
    ) -> Result<&'a [Spanned<DeValue<'t>>], CorpusError> {
        match value.get_ref().as_array() {
            Some(array) => Ok(array),
            None => Err(self.wrong_type(value, "an array")),
        }
    }

    fn table<'a>(&self, value: &'a Spanned<DeValue<'t>>) -> Result<&'a DeTable<'t>, CorpusError> {
        value.get_ref().as_table().ok_or_else(|| self.wrong_type(value, "a table"))
    }

    fn str<'a>(&self, value: &'a Spanned<DeValue<'t>>) -> Result<&'a str, CorpusError> {
        value.get_ref().as_str().ok_or_else(|| self.wrong_type(value, "text"))
    }

    fn place(&self, span: Range<usize>) -> String {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        format!("{}:{}", self.name, before.iter().filter(|&&byte| byte == b'\n').count() + 1)
    }

    fn wrong(&self, span: Range<usize>, message: impl Into<String>) -> CorpusError {
        CorpusError {
            kind: ErrorKind::Content { place: self.place(span), message: message.into() },
        }
    }

    fn wrong_type(&self, value: &Spanned<DeValue<'_>>, wanted: &str) -> CorpusError {
        let is = value.get_ref().type_str();
        self.wrong(value.span(), format!("expected {wanted}, found {is}"))
    }

    #[cfg(feature = "capture")]
    fn wrong_capture(&self, span: Range<usize>, source: crate::capture::BuildError) -> CorpusError {
        CorpusError { kind: ErrorKind::Capture { place: self.place(span), source } }
    }

    fn wrong_event(&self, span: Range<usize>, source: EventError) -> CorpusError {
        CorpusError { kind: ErrorKind::Event { place: self.place(span), source } }
    }
}

/// A corpus cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CorpusError {
    kind: ErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum ErrorKind {
    #[error("cannot read or write {path}")]
    Io { path: String, source: io::Error },
    #[error("{place}: {message}")]
    Content { place: String, message: String },
    #[error("{place}: not an event of this schema")]
    Event { place: String, source: EventError },
    #[cfg(feature = "capture")]
    #[error("{place}: not what a capture holds")]
    Capture { place: String, source: crate::capture::BuildError },
}

impl CorpusError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self { kind: ErrorKind::Io { path: path.display().to_string(), source } }
    }
}

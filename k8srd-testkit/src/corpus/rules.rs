//! The corpus of rules: rule files and events in, text out.
//!
//! Each folder of the corpus is a case: rule files (`*.yaml`, loaded in order of their names),
//! perhaps `events.toml` with an `[[event]]` for each event, and `expected.txt`, a snapshot of
//! what the rules make of it. With `K8SRD_BLESS=1` in the environment, [`Case::check`] writes the
//! snapshot instead of comparing with it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8srd_core::schema::Schema;

use super::{CorpusError, ErrorKind, Text, event};
use crate::event::TestEvent;

const DEFAULT_KIND: &str = "open";

/// The environment variable that turns comparing into writing.
pub const BLESS: &str = "K8SRD_BLESS";

/// One folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// Names and texts of the rule files, in the order of loading.
    pub files: Vec<(String, String)>,
    /// The events, in order.
    pub events: Vec<TestEvent>,
    snapshot: PathBuf,
}

/// Reads all folders in a folder, in order of their names.
///
/// # Errors
///
/// Where a file cannot be read, a folder has no rule file, or its events are not of `schema`.
pub fn read_dir(dir: impl AsRef<Path>, schema: &Arc<Schema>) -> Result<Vec<Case>, CorpusError> {
    let dir = dir.as_ref();
    let failed = |error| CorpusError::io(dir, error);
    let mut folders = Vec::new();
    for entry in dir.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    folders.iter().map(|folder| Case::read(folder, schema)).collect()
}

impl Case {
    fn read(dir: &Path, schema: &Arc<Schema>) -> Result<Self, CorpusError> {
        let name_of = |path: &Path| {
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        let mut files = Vec::new();
        for path in super::files(dir, "yaml")? {
            files.push((name_of(&path), super::read(&path)?));
        }
        if files.is_empty() {
            let error = io::Error::new(io::ErrorKind::NotFound, "the folder has no *.yaml");
            return Err(CorpusError::io(dir, error));
        }
        let events = dir.join("events.toml");
        let events = if events.exists() {
            parse_events(&events.display().to_string(), &super::read(&events)?, schema)?
        } else {
            Vec::new()
        };
        Ok(Self { name: name_of(dir), files, events, snapshot: dir.join("expected.txt") })
    }

    /// Compares `found` with the snapshot, or writes it where `K8SRD_BLESS` is `1`.
    ///
    /// # Errors
    ///
    /// Where they differ (the message shows the first line that does), or the snapshot cannot be
    /// read or written.
    pub fn check(&self, found: &str) -> Result<(), CorpusError> {
        if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
            return fs::write(&self.snapshot, found)
                .map_err(|error| CorpusError::io(&self.snapshot, error));
        }
        let expected = super::read(&self.snapshot)?;
        match difference(&expected, found) {
            None => Ok(()),
            Some((line, mut message)) => {
                let _ = write!(message, "\nrun with {BLESS}=1 to accept all of:\n{found}");
                let place = format!("{}:{line}", self.snapshot.display());
                Err(CorpusError { kind: ErrorKind::Content { place, message } })
            }
        }
    }
}

/// The number of the first line that differs, counted from 1, and how.
fn difference(expected: &str, found: &str) -> Option<(usize, String)> {
    if expected == found {
        return None;
    }
    let (mut expected, mut found) = (expected.split('\n'), found.split('\n'));
    (1..).find_map(|line| {
        let (expected, found) = (expected.next(), found.next());
        let show = |line: Option<&str>| line.map_or("the end".into(), |line| format!("{line:?}"));
        (expected != found)
            .then(|| (line, format!("expected {}\n   found {}", show(expected), show(found))))
    })
}

fn parse_events(
    name: &str,
    text: &str,
    schema: &Arc<Schema>,
) -> Result<Vec<TestEvent>, CorpusError> {
    let text = Text { name, text };
    let mut all = Vec::new();
    for (key, events) in &text.tables()? {
        if key.get_ref() != "event" {
            return Err(text.wrong(key.span(), "expected only [[event]]"));
        }
        for written in text.array(events)? {
            all.push(event::read(&text, schema, DEFAULT_KIND, written)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use k8srd_core::event::Event;

    use super::*;

    #[test]
    fn events_are_read_in_order_with_kind_time_and_alternate() {
        let text = "[[event]]\nkind = 'openat'\nat = 7\n'param.fd' = -2\n'fd.name' = '/tmp/l'\n\
                    alternate = { 'fd.name' = '/etc/shadow' }\n[[event]]\n";
        let events = parse_events("e.toml", text, &Arc::new(Schema::falco())).unwrap();
        let [first, second] = &events[..] else { panic!("two events") };
        assert_eq!(first.time().as_nanos(), 7);
        assert!(Event::alternate(first).is_some());
        assert_ne!(first.kind(), second.kind());
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let (line, message) = difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!((line, &*message), (2, "expected \"b\"\n   found \"c\""));
        let (line, message) = difference("a", "a\nb").unwrap();
        assert_eq!((line, &*message), (2, "expected the end\n   found \"b\""));
    }
}

//! What can be wrong with a capture.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A capture cannot be read on from here. What was read before is right.
#[derive(Clone, Debug)]
pub struct CaptureError {
    kind: Kind,
    place: Place,
}

/// Where in a capture something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Place {
    /// Which block, counted from 0.
    pub block: u64,
    /// Bytes before it, after decompression.
    pub offset: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Shared: it is told each time that the reader is asked again.
    Io(Arc<io::Error>),
    Truncated(&'static str),
    Corrupt(String),
}

impl CaptureError {
    pub(crate) fn io(error: io::Error, place: Place) -> Self {
        Self { kind: Kind::Io(Arc::new(error)), place }
    }

    /// The capture ends within `what`.
    pub(crate) fn truncated(what: &'static str, place: Place) -> Self {
        Self { kind: Kind::Truncated(what), place }
    }

    pub(crate) fn corrupt(message: impl Into<String>, place: Place) -> Self {
        Self { kind: Kind::Corrupt(message.into()), place }
    }

    /// Whether the capture ends too early: its writer was stopped, or the file was cut.
    pub fn is_truncated(&self) -> bool {
        matches!(self.kind, Kind::Truncated(_))
    }

    /// The block that cannot be read.
    pub fn place(&self) -> Place {
        self.place
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { block, offset } = self.place;
        write!(f, "block {block} at byte {offset}: ")?;
        match &self.kind {
            Kind::Io(_) => f.write_str("cannot be read"),
            Kind::Truncated(what) => write!(f, "the capture ends within {what}"),
            Kind::Corrupt(message) => f.write_str(message),
        }
    }
}

impl Error for CaptureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Io(error) => Some(&**error),
            Kind::Truncated(_) | Kind::Corrupt(_) => None,
        }
    }
}

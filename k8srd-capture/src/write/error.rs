//! Why a capture cannot be written.

use std::error::Error;
use std::fmt;
use std::io;

use crate::format::MOST_PARAMS;

/// An item cannot be written.
#[derive(Debug)]
pub struct WriteError(Kind);

#[derive(Debug)]
enum Kind {
    Io(io::Error),
    Late(&'static str),
    TooLarge(usize),
    TooLong(u16),
    TooMany(u16),
}

impl WriteError {
    pub(super) fn io(error: io::Error) -> Self {
        Self(Kind::Io(error))
    }

    /// `what` comes after the first event.
    pub(super) fn late(what: &'static str) -> Self {
        Self(Kind::Late(what))
    }

    pub(super) fn too_large(bytes: usize) -> Self {
        Self(Kind::TooLarge(bytes))
    }

    pub(super) fn too_long(code: u16) -> Self {
        Self(Kind::TooLong(code))
    }

    pub(super) fn too_many(code: u16) -> Self {
        Self(Kind::TooMany(code))
    }

    /// Whether the stream failed, so that nothing more can be written. Else only the item was not
    /// written.
    pub fn is_io(&self) -> bool {
        matches!(self.0, Kind::Io(_))
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Io(_) => f.write_str("the capture cannot be written"),
            Kind::Late(what) => write!(
                f,
                "{what} belongs before the first event of a section; begin another section"
            ),
            Kind::TooLarge(bytes) => {
                write!(f, "a block of {bytes} bytes is larger than readers of captures take")
            }
            Kind::TooLong(code) => {
                write!(f, "a param of an event of type {code} is longer than 65535 bytes")
            }
            Kind::TooMany(code) => {
                write!(f, "an event of type {code} has more than {MOST_PARAMS} params")
            }
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            Kind::Late(_) | Kind::TooLarge(_) | Kind::TooLong(_) | Kind::TooMany(_) => None,
        }
    }
}

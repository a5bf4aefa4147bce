//! The first seam: where events come from.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::blind::BlindInterval;
use crate::event::{Event, Timestamp};
use crate::interest::Interest;
use crate::loss::Losses;
use crate::set::{FieldSet, KindSet};

/// Produces events: a kernel sensor, a recording, your own service.
pub trait Source: Send {
    /// The `ctx.*` fields that its events answer, besides their params; for a schema of one's
    /// own, all fields.
    fn provides(&self) -> &FieldSet;

    /// The kinds that it can produce; `None` where it may be any. A pipeline asks for no other, and
    /// tells whose rules that concerns ([`Pipeline::findings`](crate::pipeline::Pipeline::findings)).
    fn produces(&self) -> Option<&KindSet> {
        None
    }

    /// Asks for just these kinds and fields from now on. May be called again at any time.
    ///
    /// The first call starts the source.
    ///
    /// # Errors
    ///
    /// Where the source cannot produce what is asked.
    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError>;

    /// Gives each event that is there to `each`, in order of time, and waits at most `wait` for
    /// the first. Stops early when `each` says [`ControlFlow::Break`]; no event is lost by that.
    ///
    /// # Errors
    ///
    /// Where the source is broken for good. One bad record is no error: it is a counted loss.
    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError>;

    /// What was lost so far.
    fn losses(&self) -> Losses;

    /// Gives each stretch in which events were lost, as soon as it is known and once, to `each`, and says
    /// up to when all events have been given. The stretches may be short: who asks puts them together.
    ///
    /// `None`: the source does not know when it loses something. Then what is new in
    /// [`Source::losses`] since it was asked last was lost since then.
    fn blind(&mut self, each: &mut dyn FnMut(BlindInterval)) -> Option<Timestamp> {
        let _ = each;
        None
    }

    /// Produces nothing new from now on; [`Source::read`] still gives what is there, then ends.
    ///
    /// # Errors
    ///
    /// Where the source cannot be stopped.
    fn stop(&mut self) -> Result<(), SourceError> {
        Ok(())
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn provides(&self) -> &FieldSet {
        (**self).provides()
    }

    fn produces(&self) -> Option<&KindSet> {
        (**self).produces()
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        (**self).subscribe(interest)
    }

    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        (**self).read(wait, each)
    }

    fn losses(&self) -> Losses {
        (**self).losses()
    }

    fn blind(&mut self, each: &mut dyn FnMut(BlindInterval)) -> Option<Timestamp> {
        (**self).blind(each)
    }

    fn stop(&mut self) -> Result<(), SourceError> {
        (**self).stop()
    }
}

/// Whether a source has more to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a stream goes on or is over")]
pub enum Flow {
    /// There may be more events.
    More,
    /// There are no more events, ever.
    End,
}

/// A source does not work. What lies behind it is in [`Error::source`].
#[derive(Debug)]
pub struct SourceError {
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl SourceError {
    /// An error that says what could not be done and what to do about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// Names what lies behind it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

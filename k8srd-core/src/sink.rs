//! The fourth seam: where alerts go.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::alert::Alert;

/// Brings alerts somewhere. Tries once: retry, batching, time limits and counting are its
/// driver's (`Delivery` in k8srd-sinks).
#[async_trait]
pub trait Sink: Send {
    /// Its name in configuration, metrics and logs.
    fn name(&self) -> &str;

    /// Delivers a batch.
    async fn deliver(&mut self, alerts: &[Alert]) -> Result<Ack, SinkError>;

    /// Says whether delivery would work, without delivering.
    async fn check(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Delivers what it holds back and gives up its resources.
    async fn close(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A receiver's word that it has a batch.
///
/// Opaque, so that receivers that take a part of a batch can be told of later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack(());

impl Ack {
    /// The receiver has all of the batch.
    pub const fn all() -> Self {
        Self(())
    }
}

/// A delivery failed; the kind says what the driver may do.
#[derive(Debug)]
pub struct SinkError {
    kind: SinkErrorKind,
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What a driver may do about a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a driver must decide each case")]
pub enum SinkErrorKind {
    /// Try again, not before `after` if the receiver named a time.
    Retry {
        /// How long the receiver asks to wait.
        after: Option<Duration>,
    },
    /// The receiver will never take this batch; go on with the next.
    Reject,
    /// The sink will never work again.
    Fatal,
}

impl SinkError {
    /// An error of this kind.
    pub fn new(kind: SinkErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None }
    }

    /// Names what lies behind it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What the driver may do.
    pub fn kind(&self) -> SinkErrorKind {
        self.kind
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

//! Alerts: what a rule says of an event, owned.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::event::Timestamp;
use crate::value::OwnedValue;

/// A rule matched an event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// When the event happened.
    pub time: Timestamp,
    /// The rule's output with the event's values filled in, without time and priority.
    pub message: String,
    /// The values of all fields that the output names, by the name used there, sorted; `None` is
    /// a value that the event does not have.
    pub fields: Vec<(Arc<str>, Option<OwnedValue>)>,
}

impl Alert {
    /// An alert without fields.
    pub fn new(rule: Arc<RuleInfo>, time: Timestamp, message: impl Into<String>) -> Self {
        Self { rule, time, message: message.into(), fields: Vec::new() }
    }
}

/// What an alert tells about its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleInfo {
    /// Unique name.
    pub name: String,
    /// What it finds and why that matters.
    pub description: String,
    /// How urgent it is.
    pub priority: Priority,
    /// The source whose events it judges.
    pub source: String,
    /// Tags, sorted, each once.
    pub tags: Vec<String>,
    /// How much it adds to the risk of what did it, from 0 to 1000: [`Priority::weight`] unless
    /// the rule says otherwise.
    pub weight: u16,
    /// Whether events are to be recorded once it fires.
    pub capture: bool,
    /// For how long, in milliseconds; 0 leaves that to the configuration.
    pub capture_duration: u32,
}

impl RuleInfo {
    /// A rule of the source `syscall` without description and tags.
    pub fn new(name: impl Into<String>, priority: Priority) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            priority,
            source: "syscall".into(),
            tags: Vec::new(),
            weight: priority.weight(),
            capture: false,
            capture_duration: 0,
        }
    }
}

/// How urgent a rule is, most urgent first: syslog's severities under Falco's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed: syslog has these eight")]
pub enum Priority {
    /// 0
    Emergency,
    /// 1
    Alert,
    /// 2
    Critical,
    /// 3
    Error,
    /// 4
    Warning,
    /// 5
    Notice,
    /// 6
    Informational,
    /// 7
    Debug,
}

impl Priority {
    /// All, most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// The name as Falco prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Alert => "Alert",
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Notice => "Notice",
            Self::Informational => "Informational",
            Self::Debug => "Debug",
        }
    }

    /// The weight of a rule of this priority that does not say its own: 1000 for the most urgent,
    /// nothing for those that are there to find errors.
    pub const fn weight(self) -> u16 {
        match self {
            Self::Emergency => 1000,
            Self::Alert => 900,
            Self::Critical => 750,
            Self::Error => 600,
            Self::Warning => 400,
            Self::Notice => 200,
            Self::Informational => 50,
            Self::Debug => 0,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Priority {
    type Err = ParsePriorityError;

    /// Reads a name in any case; `info` is `informational`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("info") {
            return Ok(Self::Informational);
        }
        let named = |priority: &Self| priority.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or(ParsePriorityError)
    }
}

/// The text names no priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a priority: emergency, alert, critical, error, warning, notice, informational (info) or debug"
)]
pub struct ParsePriorityError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_read_as_in_falco() {
        for priority in Priority::ALL {
            assert_eq!(priority.name().to_uppercase().parse(), Ok(priority));
        }
        assert_eq!("Info".parse(), Ok(Priority::Informational));
        assert_eq!("urgent".parse::<Priority>(), Err(ParsePriorityError));
        assert!(Priority::Emergency < Priority::Debug);
    }
}

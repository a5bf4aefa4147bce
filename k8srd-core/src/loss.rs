//! Loss: what was produced and not processed, counted once, with its reason.

use std::collections::BTreeMap;
use std::fmt;

/// Why an event or alert was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// The kernel's ring buffer was full.
    RingFull,
    /// The kernel could not read what the record needs (memory of the program was not mapped in).
    CopyFault,
    /// The record could not be understood.
    Malformed,
    /// The call was made through the 32-bit interface, which is counted and not decoded.
    Compat,
    /// The kernel did not run the program, because the CPU was in that program already.
    Skipped,
    /// A queue in front of a sink was full.
    QueueFull,
    /// A sink refused for good.
    Rejected,
    /// There was no time left while stopping.
    Deadline,
}

impl LossReason {
    /// The name in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::CopyFault => "copy_fault",
            Self::Malformed => "malformed",
            Self::Compat => "compat",
            Self::Skipped => "skipped",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::Deadline => "deadline",
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// In what way an event that was processed is less than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// A param was longer than its limit and is cut.
    Truncated,
    /// A path had more components than are followed.
    PathTooDeep,
    /// A param could not be read from the program's memory and is absent.
    Unreadable,
    /// It came after younger events had been processed.
    Late,
}

impl Flaw {
    /// The name in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::PathTooDeep => "path_too_deep",
            Self::Unreadable => "unreadable",
            Self::Late => "late",
        }
    }
}

/// The account of one stream of events or alerts, such as the kernel's process ring.
///
/// Once the stream is drained, `produced = processed + lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamAccount {
    /// How many were produced.
    pub produced: u64,
    /// How many were handed on.
    pub processed: u64,
    /// How many were lost, by reason.
    pub lost: BTreeMap<LossReason, u64>,
    /// How many of the processed ones have a flaw, by flaw.
    pub flawed: BTreeMap<Flaw, u64>,
}

impl StreamAccount {
    /// How many were lost in all.
    pub fn total_lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Counts `n` losses.
    pub fn lose(&mut self, reason: LossReason, n: u64) {
        if n > 0 {
            *self.lost.entry(reason).or_default() += n;
        }
    }

    /// Counts `n` flaws.
    pub fn flaw(&mut self, flaw: Flaw, n: u64) {
        if n > 0 {
            *self.flawed.entry(flaw).or_default() += n;
        }
    }
}

/// The accounts of all streams of a source, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// The accounts.
    pub streams: BTreeMap<&'static str, StreamAccount>,
}

impl Losses {
    /// The account of the stream `name`, made if there is none.
    pub fn stream(&mut self, name: &'static str) -> &mut StreamAccount {
        self.streams.entry(name).or_default()
    }

    /// How many were lost in all streams.
    pub fn total_lost(&self) -> u64 {
        self.streams.values().map(StreamAccount::total_lost).sum()
    }

    /// How many were produced in all streams.
    pub fn total_produced(&self) -> u64 {
        self.streams.values().map(|account| account.produced).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_add_up() {
        let mut losses = Losses::default();
        losses.stream("data").produced = 10;
        losses.stream("data").lose(LossReason::RingFull, 3);
        losses.stream("data").lose(LossReason::RingFull, 1);
        losses.stream("data").lose(LossReason::CopyFault, 0);
        losses.stream("process").produced = 2;
        assert_eq!(losses.total_lost(), 4);
        assert_eq!(losses.total_produced(), 12);
        assert_eq!(losses.streams["data"].lost.len(), 1, "nothing lost is no row");
    }
}

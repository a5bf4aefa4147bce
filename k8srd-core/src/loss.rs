//! Loss: what was produced and not processed, counted once, with its reason.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::kind::KindClass;

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
    /// The call was made through the 32-bit interface, and its arguments could not be read.
    Compat,
    /// The kernel did not run the program, because the CPU was in that program already.
    Skipped,
    /// Dropped on purpose before the ring was full, so that more important ones find room.
    Shed,
    /// Nobody was watching: the program did not run.
    AgentDown,
    /// A queue in front of a sink was full.
    QueueFull,
    /// A sink refused for good.
    Rejected,
    /// There was no time left while stopping.
    Deadline,
}

impl LossReason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RingFull,
        Self::CopyFault,
        Self::Malformed,
        Self::Compat,
        Self::Skipped,
        Self::Shed,
        Self::AgentDown,
        Self::QueueFull,
        Self::Rejected,
        Self::Deadline,
    ];

    /// The name in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::CopyFault => "copy_fault",
            Self::Malformed => "malformed",
            Self::Compat => "compat",
            Self::Skipped => "skipped",
            Self::Shed => "shed",
            Self::AgentDown => "agent_down",
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

impl FromStr for LossReason {
    type Err = ParseLossReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|reason| reason.name() == text).ok_or(ParseLossReasonError)
    }
}

/// The text names no reason for a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason for a loss")]
pub struct ParseLossReasonError;

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
    /// How many of the lost were dropped on purpose ([`LossReason::Shed`]), by class.
    pub shed: BTreeMap<KindClass, u64>,
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

    /// Counts `n` losses of this class that were dropped on purpose.
    pub fn shed(&mut self, class: KindClass, n: u64) {
        if n > 0 {
            self.lose(LossReason::Shed, n);
            *self.shed.entry(class).or_default() += n;
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

    /// What was lost since `before`, an earlier account of the same source.
    pub fn since<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'static str, LossReason, u64)> + 'a {
        self.streams.iter().flat_map(move |(&stream, account)| {
            account.lost.iter().filter_map(move |(&reason, &lost)| {
                let known = before.streams.get(stream).and_then(|then| then.lost.get(&reason));
                let new = lost.saturating_sub(known.copied().unwrap_or_default());
                (new > 0).then_some((stream, reason, new))
            })
        })
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
    fn reasons_read_back() {
        for reason in LossReason::ALL {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        assert_eq!("full".parse::<LossReason>(), Err(ParseLossReasonError));
    }

    #[test]
    fn what_was_shed_is_lost_once() {
        let mut account = StreamAccount::default();
        account.shed(KindClass::Io, 2);
        account.shed(KindClass::File, 3);
        account.shed(KindClass::Network, 0);
        assert_eq!(account.lost, BTreeMap::from([(LossReason::Shed, 5)]));
        assert_eq!(account.shed, BTreeMap::from([(KindClass::Io, 2), (KindClass::File, 3)]));
    }

    #[test]
    fn what_is_new_is_told_and_what_went_back_is_not() {
        let mut before = Losses::default();
        before.stream("data").lose(LossReason::RingFull, 3);
        before.stream("data").lose(LossReason::Malformed, 1);
        let mut after = before.clone();
        after.stream("data").lose(LossReason::RingFull, 4);
        after.stream("process").lose(LossReason::RingFull, 1);
        let new: Vec<_> = after.since(&before).collect();
        assert_eq!(new, [("data", LossReason::RingFull, 4), ("process", LossReason::RingFull, 1)]);
        assert_eq!(before.since(&after).count(), 0);
    }

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

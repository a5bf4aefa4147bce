//! The account that a run ends with: events, alerts, losses. Zero is said, too.

use std::fmt;
use std::time::Duration;

use k8srd_core::alert::Priority;
use k8srd_core::loss::Losses;
use k8srd_core::pipeline::Counts;
use k8srd_sinks::delivery::Account;

/// What happened in a run.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) duration: Duration,
    pub(crate) counts: Counts,
    pub(crate) losses: Losses,
    pub(crate) delivery: Account,
}

impl Summary {
    /// Events and alerts that were lost.
    pub(crate) fn total_lost(&self) -> u64 {
        self.losses.total_lost() + self.delivery.lost()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, counts, losses, delivery } = self;
        writeln!(f, "watched for {:.1} s", duration.as_secs_f64())?;
        write!(f, "events: {} judged", counts.events)?;
        if counts.undecided > 0 {
            write!(f, ", {} of them while a value was pending", counts.undecided)?;
        }
        write!(f, "\nalerts: {} raised, {} delivered", counts.alerts, delivery.delivered())?;
        for priority in Priority::ALL {
            match delivery.offered_of(priority) {
                0 => {}
                n => write!(f, ", {n} {priority}")?,
            }
        }
        write!(f, "\nlost: {}", self.total_lost())?;
        for (stream, account) in &losses.streams {
            write!(
                f,
                "\n  stream {stream}: {} produced, {} processed, {} lost",
                account.produced,
                account.processed,
                account.total_lost()
            )?;
            let mut separator = " (";
            for (reason, n) in &account.lost {
                write!(f, "{separator}{reason} {n}")?;
                separator = ", ";
            }
            if !account.lost.is_empty() {
                f.write_str(")")?;
            }
            for (flaw, n) in &account.flawed {
                write!(f, ", {} {n}", flaw.name())?;
            }
        }
        write!(
            f,
            "\n  stream alerts: {} produced, {} processed, {} lost",
            delivery.offered(),
            delivery.delivered(),
            delivery.lost()
        )?;
        for (priority, reason, n) in delivery.losses() {
            write!(f, "\n    {priority}: {reason} {n}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::loss::{Flaw, LossReason};

    use super::*;

    #[test]
    fn every_stream_is_told_also_when_nothing_was_lost() {
        let mut losses = Losses::default();
        losses.stream("data").produced = 10;
        losses.stream("data").processed = 7;
        losses.stream("data").lose(LossReason::RingFull, 3);
        losses.stream("data").flaw(Flaw::Truncated, 2);
        losses.stream("process").produced = 1;
        losses.stream("process").processed = 1;
        let summary = Summary {
            duration: Duration::from_millis(1540),
            counts: Counts::default(),
            losses,
            delivery: Account::default(),
        };
        assert_eq!(
            summary.to_string(),
            "watched for 1.5 s\n\
             events: 0 judged\n\
             alerts: 0 raised, 0 delivered\n\
             lost: 3\n  \
             stream data: 10 produced, 7 processed, 3 lost (ring_full 3), truncated 2\n  \
             stream process: 1 produced, 1 processed, 0 lost\n  \
             stream alerts: 0 produced, 0 processed, 0 lost"
        );
    }
}

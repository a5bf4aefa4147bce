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
    /// When something was lost, in words.
    pub(crate) blind: Vec<String>,
}

impl Summary {
    /// Events and alerts that were lost.
    pub(crate) fn total_lost(&self) -> u64 {
        self.losses.total_lost() + self.delivery.lost()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, counts, losses, delivery, blind } = self;
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
            let mut separator = ": ";
            for (class, n) in &account.shed {
                write!(f, "{separator}{class} {n}")?;
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
        if blind.is_empty() {
            return f.write_str("\nblind: never");
        }
        f.write_str("\nblind:")?;
        blind.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::KindClass;
    use k8srd_core::loss::{Flaw, LossReason};

    use super::*;

    #[test]
    fn every_stream_is_told_also_when_nothing_was_lost() {
        let mut losses = Losses::default();
        losses.stream("data").produced = 16;
        losses.stream("data").processed = 7;
        losses.stream("data").lose(LossReason::RingFull, 3);
        losses.stream("data").shed(KindClass::Io, 4);
        losses.stream("data").shed(KindClass::File, 2);
        losses.stream("data").flaw(Flaw::Truncated, 2);
        losses.stream("process").produced = 1;
        losses.stream("process").processed = 1;
        let summary = Summary {
            duration: Duration::from_millis(1540),
            counts: Counts::default(),
            losses,
            delivery: Account::default(),
            blind: vec!["1 interval".to_owned()],
        };
        assert_eq!(
            summary.to_string(),
            "watched for 1.5 s\n\
             events: 0 judged\n\
             alerts: 0 raised, 0 delivered\n\
             lost: 9\n  \
             stream data: 16 produced, 7 processed, 9 lost (ring_full 3, shed 6: io 4, file 2), truncated 2\n  \
             stream process: 1 produced, 1 processed, 0 lost\n  \
             stream alerts: 0 produced, 0 processed, 0 lost\n\
             blind:\n  \
             1 interval"
        );
        let never = Summary { blind: Vec::new(), ..summary };
        assert!(never.to_string().ends_with("\nblind: never"), "{never}");
    }
}

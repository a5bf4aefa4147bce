//! A clock that only moves when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8srd_core::event::Timestamp;

/// A clock that only moves when a test says so. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    nanos: Arc<AtomicU64>,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { nanos: Arc::new(start.as_nanos().into()) }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Moves it on. It stops at the end of time, 584 years after 1970, and never turns back.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let moved = |now: u64| Some(now.saturating_add(by));
        // The closure never refuses, so the update cannot fail.
        let _ = self.nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_only_forward() {
        let clock = VirtualClock::starting_at(Timestamp::from_nanos(5));
        let other = clock.clone();
        other.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_nanos(2_000_000_005));
        clock.advance(Duration::MAX);
        assert_eq!(other.now(), Timestamp::from_nanos(u64::MAX));
    }
}

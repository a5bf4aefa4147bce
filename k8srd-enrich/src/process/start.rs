//! When a thread started.

/// When a thread started, nanoseconds after boot; `None` where nobody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct StartTime(pub(crate) Option<u64>);

/// /proc tells start times in ticks of 10 ms (`USER_HZ` is 100 on every architecture), cut off.
pub(crate) const TICK: u64 = 10_000_000;

impl StartTime {
    /// Recordings of Falco's do not tell it: whoever has the id now is meant.
    pub(crate) const UNTOLD: Self = Self(None);

    /// Whether both may be the start of one thread. Whole ticks came from /proc (or are one in ten
    /// million), and stand for all times within them.
    pub(crate) fn may_be(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Some(a), Some(b)) => {
                let (low, high) = (a.min(b), a.max(b));
                a == b || (low % TICK == 0 && high - low < TICK)
            }
            _ => true,
        }
    }

    /// Whether it is known to be earlier, and not the same.
    pub(crate) fn is_before(self, other: Self) -> bool {
        matches!((self.0, other.0), (Some(a), Some(b)) if a < b) && !self.may_be(other)
    }

    /// The one that says more.
    pub(crate) fn better(self, other: Self) -> Self {
        match (self.0, other.0) {
            (None, _) => other,
            (Some(a), Some(_)) if a % TICK == 0 => other,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_compare_at_the_precision_they_have() {
        let start = |nanos| StartTime(Some(nanos));
        let exact = start(25_000_007);
        assert!(exact.may_be(exact) && exact.may_be(StartTime::UNTOLD));
        assert!(exact.may_be(start(20_000_000)), "the tick that holds it");
        assert!(!exact.may_be(start(30_000_000)) && !exact.may_be(start(10_000_000)));
        assert!(!exact.may_be(start(25_000_008)));
        assert!(start(1).is_before(start(2)) && !start(20_000_000).is_before(exact));
    }
}

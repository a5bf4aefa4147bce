//! From the kernel's clock to the wall.
//!
//! Records carry nanoseconds since boot (`CLOCK_BOOTTIME`), which never step. An event shows wall
//! time: that plus an offset, measured anew each minute. Order is always decided by boot time, so a
//! stepped wall clock moves no event past another.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long a measured offset is used.
const REFRESH: Duration = Duration::from_secs(60);
/// Readings for one measurement; the tightest counts.
const READINGS: usize = 5;

/// Nanoseconds since boot, now.
#[must_use]
pub fn boot_now() -> u64 {
    now(ClockId::Boottime) as u64
}

/// Turns boot time into wall time.
#[derive(Clone, Debug)]
pub struct WallClock {
    /// Wall time minus boot time, in nanoseconds.
    offset: i64,
    /// Boot time of the last measurement.
    measured: u64,
}

impl WallClock {
    /// Measures the offset.
    #[must_use]
    pub fn new() -> Self {
        let reading = Reading::tightest();
        Self { offset: reading.offset(), measured: reading.before }
    }

    /// Measures again if the last time is a minute ago. To be called between batches, so that
    /// wall time keeps the order of boot time within each.
    pub fn refresh(&mut self, boot_now: u64) {
        if boot_now.saturating_sub(self.measured) >= REFRESH.as_nanos() as u64 {
            self.correct(Reading::tightest());
        }
    }

    /// Nanoseconds since the epoch at `boot` nanoseconds since boot; 0 for times before the epoch.
    #[must_use]
    pub fn wall(&self, boot: u64) -> u64 {
        boot.saturating_add_signed(self.offset)
    }

    /// Both clocks are disciplined alike, so their difference changes only when the wall clock is
    /// set. What lies within the reading's own error is noise, and following it would let event
    /// times go backwards by it.
    fn correct(&mut self, reading: Reading) {
        self.measured = reading.before;
        if (reading.offset() - self.offset).unsigned_abs() > reading.error() {
            self.offset = reading.offset();
        }
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The wall clock read between two looks at the boot clock.
#[derive(Clone, Copy, Debug)]
struct Reading {
    before: u64,
    wall: i64,
    after: u64,
}

impl Reading {
    fn tightest() -> Self {
        let mut best = Self::take();
        for _ in 1..READINGS {
            let next = Self::take();
            if next.error() < best.error() {
                best = next;
            }
        }
        best
    }

    fn take() -> Self {
        let before = boot_now();
        let wall = now(ClockId::Realtime);
        Self { before, wall, after: boot_now() }
    }

    fn error(&self) -> u64 {
        self.after.saturating_sub(self.before)
    }

    fn offset(&self) -> i64 {
        self.wall.saturating_sub_unsigned(self.before + self.error() / 2)
    }
}

fn now(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(offset: i64) -> WallClock {
        WallClock { offset, measured: 0 }
    }

    fn reading(before: u64, offset: i64, error: u64) -> Reading {
        let wall = (before + error / 2) as i64 + offset;
        Reading { before, wall, after: before + error }
    }

    #[test]
    fn agrees_with_the_system() {
        let clock = WallClock::new();
        let system = std::time::SystemTime::now();
        let wall = clock.wall(boot_now());
        let system = system.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        assert!(wall.abs_diff(system) < SECOND, "{wall} against {system}");
    }

    #[test]
    fn a_step_is_followed_and_moves_no_event_past_another() {
        let mut clock = at(1_000 * SECOND as i64);
        let before = clock.wall(5);
        clock.correct(reading(60 * SECOND, 400 * SECOND as i64, 100));
        assert_eq!(before, 1_000 * SECOND + 5);
        assert_eq!(clock.wall(5), 400 * SECOND + 5);
        let times: Vec<u64> = (0..1000).map(|boot| clock.wall(boot)).collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn the_error_of_a_reading_is_not_followed() {
        let mut clock = at(1_000);
        clock.correct(reading(60 * SECOND, 1_090, 100));
        assert_eq!(clock.offset, 1_000);
        clock.correct(reading(120 * SECOND, 1_101, 100));
        assert_eq!(clock.offset, 1_101);
    }

    #[test]
    fn is_measured_once_a_minute() {
        let mut clock = WallClock { offset: -7, measured: 0 };
        clock.refresh(59 * SECOND);
        assert_eq!(clock.offset, -7);
        clock.refresh(60 * SECOND);
        assert_ne!(clock.offset, -7);
    }

    #[test]
    fn times_before_the_epoch_are_zero() {
        assert_eq!(at(-10).wall(3), 0);
        assert_eq!(at(10).wall(u64::MAX), u64::MAX);
    }
}

//! What the times of an interface count.

use k8srd_core::event::Timestamp;

/// How an interface tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    units_per_second: u128,
    /// Seconds to be added.
    offset: i64,
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// The highest power of ten that is a number of units: more than of any clock.
const DECIMAL: u8 = 38;

impl Clock {
    pub(super) const MICROSECONDS: Self = Self { units_per_second: 1_000_000, offset: 0 };
    pub(super) const NANOSECONDS: Self = Self { units_per_second: NANOS_PER_SECOND, offset: 0 };

    /// By an interface's options: a power of ten, or with the highest bit of two, and an offset.
    pub(super) fn new(resolution: u8, offset: i64) -> Result<Self, String> {
        let exponent = resolution & 0x7f;
        let units_per_second = match resolution & 0x80 {
            0 if exponent > DECIMAL => {
                return Err(format!(
                    "an interface tells times in units of 10^-{exponent} s, 10^-{DECIMAL} s at least"
                ));
            }
            0 => 10_u128.pow(exponent.into()),
            _ => 1 << exponent,
        };
        Ok(Self { units_per_second, offset })
    }

    /// The time that these units say.
    pub(super) fn of_units(self, units: u64) -> Timestamp {
        let Self { units_per_second, offset } = self;
        let units = u128::from(units);
        let (seconds, rest) = (units / units_per_second, units % units_per_second);
        let seconds = i128::from(offset).saturating_add(seconds as i128);
        // Of such fine units the last digits are below a nanosecond.
        let rest = match rest.checked_mul(NANOS_PER_SECOND) {
            Some(scaled) => scaled / units_per_second,
            None => rest / (units_per_second / NANOS_PER_SECOND),
        };
        nanos(seconds, rest)
    }

    /// The time that whole seconds and units tell.
    pub(super) fn of_parts(self, seconds: u32, units: u32) -> Timestamp {
        let rest = u128::from(units) * NANOS_PER_SECOND / self.units_per_second;
        nanos(seconds.into(), rest)
    }
}

/// A time that is out of all bounds is the nearest that can be told.
fn nanos(seconds: i128, rest: u128) -> Timestamp {
    let nanos = seconds * NANOS_PER_SECOND as i128 + rest as i128;
    let nearest = if nanos < 0 { 0 } else { u64::MAX };
    Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resolution: u8, offset: i64, units: u64, expected: u64) {
        let clock = Clock::new(resolution, offset).unwrap();
        assert_eq!(clock.of_units(units).as_nanos(), expected);
    }

    #[test]
    fn units_are_powers_of_ten_or_two() {
        check(6, 0, 1_500_000, 1_500_000_000);
        check(9, 0, 1_500_000_001, 1_500_000_001);
        check(0, 0, 3, 3_000_000_000);
        check(0x8A, 0, 1024 + 512, 1_500_000_000);
        check(0x80 | 127, 0, u64::MAX, 0);
        check(12, 0, 1_999_999_999_999, 1_999_999_999);
        check(38, 0, u64::MAX, 0);
        assert!(Clock::new(39, 0).unwrap_err().contains("10^-39 s"));
    }

    #[test]
    fn an_offset_is_of_seconds_and_nothing_leaves_the_range() {
        check(6, 10, 1, 10_000_001_000);
        check(6, -1, 1_500_000, 500_000_000);
        check(6, -10, 1, 0);
        check(0, i64::MAX, u64::MAX, u64::MAX);
        check(0, i64::MIN, 0, 0);
        let time = Clock::MICROSECONDS.of_parts(u32::MAX, u32::MAX);
        assert_eq!(time.as_nanos(), 4_294_967_295_000_000_000 + 4_294_967_295_000);
    }
}

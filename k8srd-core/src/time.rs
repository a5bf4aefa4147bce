//! Times as text. The zone is an input: this crate asks no clock and reads no file.

use std::fmt;

use crate::event::Timestamp;

const NANOS: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// How far local time is ahead of UTC, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset(pub i32);

/// A calendar date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Civil {
    /// Year of the Gregorian calendar.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

impl Civil {
    /// The calendar's reading of `time`, `offset` ahead of UTC.
    pub fn new(time: Timestamp, offset: UtcOffset) -> Self {
        // At most 1.9e10 seconds: no overflow.
        let seconds = (time.as_nanos() / NANOS) as i64 + i64::from(offset.0);
        let (days, second_of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Self {
            year,
            month,
            day,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            nanosecond: (time.as_nanos() % NANOS) as u32,
        }
    }

    /// `HH:MM:SS`.
    pub fn clock(self) -> impl fmt::Display {
        let Self { hour, minute, second, .. } = self;
        fmt::from_fn(move |f| write!(f, "{hour:02}:{minute:02}:{second:02}"))
    }

    /// `HH:MM:SS.nnnnnnnnn`.
    pub fn clock_nanos(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{}.{:09}", self.clock(), self.nanosecond))
    }

    /// `YYYY-MM-DD`.
    pub fn date(self) -> impl fmt::Display {
        let Self { year, month, day, .. } = self;
        fmt::from_fn(move |f| write!(f, "{year:04}-{month:02}-{day:02}"))
    }
}

/// `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn` in UTC, without a zone at the end (Falco writes `Z` in JSON
/// and `+0000` in text).
pub fn iso8601(time: Timestamp) -> impl fmt::Display {
    let civil = Civil::new(time, UtcOffset(0));
    fmt::from_fn(move |f| write!(f, "{}T{}", civil.date(), civil.clock_nanos()))
}

/// The date `days` days after 1970-01-01.
///
/// Counts in eras of 400 years (146,097 days) that begin on a 1st of March, so that the leap day
/// is the last of its year.
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    const ERA: i64 = 146_097;
    const MARCH_1_YEAR_0: i64 = 719_468;
    let days = days + MARCH_1_YEAR_0;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / (ERA - 1);
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month =
        if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_moments() {
        let text = |seconds: u64| iso8601(Timestamp::from_nanos(seconds * NANOS + 7)).to_string();
        assert_eq!(text(0), "1970-01-01T00:00:00.000000007");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00.000000007");
        assert_eq!(text(1_709_251_199), "2024-02-29T23:59:59.000000007");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00.000000007");
    }

    #[test]
    fn offsets_cross_midnight_both_ways() {
        let at = |offset| Civil::new(Timestamp::from_nanos(NANOS), UtcOffset(offset));
        assert_eq!(at(-3600).clock_nanos().to_string(), "23:00:01.000000000");
        assert_eq!(at(-3600).date().to_string(), "1969-12-31");
        assert_eq!(at(5 * 3600 + 1800).clock().to_string(), "05:30:01");
    }
}

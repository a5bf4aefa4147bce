//! Numbers as params show them.

use k8srd_core::arena::Arena;
use k8srd_core::event::Timestamp;
use k8srd_core::field::NumberFormat;
use k8srd_core::kind::{ParamInfo, ParamType, enum_text, flags_text, mode_text};
use k8srd_core::time::{Civil, UtcOffset};
use smallvec::SmallVec;

use super::Text;

/// A number as the table of kinds has it printed. A negative one in another base than ten shows its
/// bits.
pub(super) fn digits<'a>(param: &ParamInfo, n: i64, arena: &'a Arena) -> &'a [u8] {
    let bits = n as u64 & u64::MAX >> (64 - 8 * u32::from(param.width).clamp(1, 8));
    match param.format {
        NumberFormat::Hex => arena.format(format_args!("{bits:X}")),
        NumberFormat::Octal if bits != 0 => arena.format(format_args!("0{bits:o}")),
        _ => arena.format(format_args!("{n}")),
    }
}

/// Flags and modes, with names.
pub(super) fn flags<'a>(param: &ParamInfo, n: i64, arena: &'a Arena) -> Text<'a> {
    let mut names: SmallVec<[u8; 128]> = SmallVec::new();
    match param.ty {
        ParamType::EnumFlags => enum_text(n as u32, param.flags, &mut names),
        ParamType::Mode => mode_text(n as u32, param.flags, &mut names),
        _ => flags_text(n as u32, param.flags, &mut names),
    }
    Text { raw: digits(param, n, arena), resolved: arena.bytes(&names) }
}

/// Nanoseconds, and as seconds.
pub(super) fn duration(nanos: u64, arena: &Arena) -> Text<'_> {
    if nanos == u64::MAX {
        return Text::raw(b"none");
    }
    let seconds = general(nanos as f64 / 1e9);
    Text {
        raw: arena.format(format_args!("{nanos}")),
        resolved: arena.format(format_args!("{seconds}s")),
    }
}

/// In UTC: the zone of the node is the pipeline's to know.
pub(super) fn time(nanos: u64, arena: &Arena) -> Text<'_> {
    let civil = Civil::new(Timestamp::from_nanos(nanos), UtcOffset(0));
    let (date, clock) = (civil.date(), civil.clock_nanos());
    Text::raw(arena.format(format_args!("{date} {clock} +0000")))
}

/// A number that is not negative as C's `%g`: six significant digits, without zeros at the end, and
/// with an exponent where it is small or great.
fn general(number: f64) -> String {
    const DIGITS: i32 = 6;
    let scientific = format!("{number:.*e}", (DIGITS - 1) as usize);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let shortened = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if !(-4..DIGITS).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", shortened(mantissa), exponent.unsigned_abs());
    }
    let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
    shortened(&format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_as_c_does() {
        for (number, want) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.05, "0.05"),
            (1.5, "1.5"),
            (123.456_789, "123.457"),
            (0.000_123_456_7, "0.000123457"),
            (0.000_012_3, "1.23e-05"),
            (999_999.4, "999999"),
            (999_999.6, "1e+06"),
            (12_345_678.0, "1.23457e+07"),
        ] {
            assert_eq!(general(number), want);
        }
    }
}

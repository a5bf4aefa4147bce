//! The zone of the node: `TZ`, else `/etc/localtime`, else UTC.

use jiff::tz::TimeZone;
use k8srd_core::event::Timestamp;
use k8srd_core::time::UtcOffset;

/// How far local time is ahead of UTC at a moment, by the rules of the system's zone as it is now.
pub(crate) fn utc_offset() -> impl Fn(Timestamp) -> UtcOffset + Clone + Send + Sync + 'static {
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    move |time| {
        let time = i128::from(time.as_nanos());
        let offset = jiff::Timestamp::from_nanosecond(time).map(|time| zone.to_offset(time));
        UtcOffset(offset.map_or(0, |offset| offset.seconds()))
    }
}

//! Falco's text line.

use k8srd_core::alert::Alert;

use super::{TimeFormat, escape, line};

/// Writes `<time>: <Priority> <message>`, escaped like a JSON string.
#[derive(Clone, Debug)]
pub struct Text {
    time: TimeFormat,
}

impl Text {
    /// The form with its time written so.
    pub fn new(time: TimeFormat) -> Self {
        Self { time }
    }

    pub(super) fn encode(&self, alert: &Alert, out: &mut Vec<u8>) {
        escape(&line(alert, &self.time).to_string(), out);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8srd_core::alert::{Priority, RuleInfo};
    use k8srd_core::event::Timestamp;
    use k8srd_core::time::UtcOffset;

    use super::*;

    fn text(time: TimeFormat, message: &str) -> String {
        let rule = Arc::new(RuleInfo::new("open_from_cat", Priority::Warning));
        let alert = Alert::new(rule, Timestamp::from_nanos(1_470_327_477_881_785_348), message);
        let mut out = Vec::new();
        Text::new(time).encode(&alert, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn time_of_day_is_local() {
        assert_eq!(
            text(TimeFormat::utc(), "An open was seen (command=cat /dev/null)"),
            "16:17:57.881785348: Warning An open was seen (command=cat /dev/null)"
        );
        assert_eq!(
            text(TimeFormat::local(|_| UtcOffset(-7 * 3600)), "seen"),
            "09:17:57.881785348: Warning seen"
        );
    }

    #[test]
    fn iso_8601_is_utc() {
        assert_eq!(
            text(TimeFormat::iso8601(), "seen"),
            "2016-08-04T16:17:57.881785348+0000: Warning seen"
        );
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(
            text(TimeFormat::utc(), "command=a\nb \"c\" \u{1b}[2J"),
            r#"16:17:57.881785348: Warning command=a\nb \"c\" \u001b[2J"#
        );
    }
}

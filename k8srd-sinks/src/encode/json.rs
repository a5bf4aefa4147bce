//! Falco's JSON object.

use k8srd_core::alert::Alert;
use k8srd_core::time::iso8601;
use k8srd_core::value::OwnedValue;

use super::{TimeFormat, append, escape, line};

/// Writes one object a line, its keys in alphabetical order. The switches have the names and
/// defaults of Falco's configuration (`json_include_…_property`).
#[derive(Clone, Debug)]
#[must_use]
pub struct Json {
    hostname: String,
    time: TimeFormat,
    include_message: bool,
    include_output: bool,
    include_output_fields: bool,
    include_tags: bool,
}

impl Json {
    /// The form with Falco's defaults: everything but the bare message. `time` is for the text
    /// line inside; the object's own `time` is always ISO 8601 in UTC.
    pub fn new(hostname: impl Into<String>, time: TimeFormat) -> Self {
        Self {
            hostname: hostname.into(),
            time,
            include_message: false,
            include_output: true,
            include_output_fields: true,
            include_tags: true,
        }
    }

    /// Whether there is a `message`: the output without time and priority.
    pub fn include_message(mut self, include: bool) -> Self {
        self.include_message = include;
        self
    }

    /// Whether there is an `output`: the text line.
    pub fn include_output(mut self, include: bool) -> Self {
        self.include_output = include;
        self
    }

    /// Whether there are `output_fields`: the values of all fields that the output names.
    pub fn include_output_fields(mut self, include: bool) -> Self {
        self.include_output_fields = include;
        self
    }

    /// Whether there are `tags`.
    pub fn include_tags(mut self, include: bool) -> Self {
        self.include_tags = include;
        self
    }

    pub(super) fn encode(&self, alert: &Alert, out: &mut Vec<u8>) {
        let Self { hostname, time, include_message, include_output, .. } = self;
        let rule = &*alert.rule;
        out.extend_from_slice(b"{\"hostname\":");
        string(hostname, out);
        if *include_message {
            out.extend_from_slice(b",\"message\":");
            string(&alert.message, out);
        }
        if *include_output {
            out.extend_from_slice(b",\"output\":");
            string(&line(alert, time).to_string(), out);
        }
        if self.include_output_fields {
            out.extend_from_slice(b",\"output_fields\":");
            output_fields(alert, time.field(), out);
        }
        append(out, format_args!(",\"priority\":\"{}\",\"rule\":", rule.priority));
        string(&rule.name, out);
        out.extend_from_slice(b",\"source\":");
        string(&rule.source, out);
        if self.include_tags {
            out.extend_from_slice(b",\"tags\":");
            list(&rule.tags, out, |tag, out| string(tag, out));
        }
        append(out, format_args!(",\"time\":\"{}Z\"}}", iso8601(alert.time)));
    }
}

/// The fields by name. Falco builds the line's time into the output, so it is one of them, and
/// takes the place of the `evt.time` that every alert of the rule engine has.
fn output_fields(alert: &Alert, time_field: &str, out: &mut Vec<u8>) {
    let fields = alert.fields.iter().map(|(name, value)| (&**name, value.as_ref()));
    let (before, after): (Vec<_>, Vec<_>) = fields
        .filter(|&(name, _)| name != time_field && name != "evt.time")
        .partition(|&(name, _)| name < time_field);
    let mut separator = '{';
    for (name, field) in before {
        named(separator, name, out);
        value(field, out);
        separator = ',';
    }
    named(separator, time_field, out);
    append(out, format_args!("{}", alert.time.as_nanos()));
    for (name, field) in after {
        named(',', name, out);
        value(field, out);
    }
    out.push(b'}');
}

fn named(separator: char, name: &str, out: &mut Vec<u8>) {
    append(out, format_args!("{separator}"));
    string(name, out);
    out.push(b':');
}

fn value(value: Option<&OwnedValue>, out: &mut Vec<u8>) {
    match value {
        None => out.extend_from_slice(b"null"),
        Some(OwnedValue::Bool(b)) => append(out, format_args!("{b}")),
        Some(OwnedValue::I64(n)) => append(out, format_args!("{n}")),
        Some(OwnedValue::U64(n)) => append(out, format_args!("{n}")),
        // Falco prints a double of decimal format through an integer.
        Some(OwnedValue::F64(n)) => append(out, format_args!("{}", *n as i64)),
        Some(OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes)) => {
            string(&String::from_utf8_lossy(bytes), out);
        }
        Some(OwnedValue::Ip(ip)) => append(out, format_args!("\"{ip}\"")),
        Some(OwnedValue::Net(net)) => append(out, format_args!("\"{net}\"")),
        Some(OwnedValue::List(values)) => list(values, out, |v, out| self::value(Some(v), out)),
        // A type that is added to the core shows as its text would until it has an arm here.
        Some(other) => string(&format!("{other:?}"), out),
    }
}

fn list<T>(items: &[T], out: &mut Vec<u8>, mut each: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(b']');
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use k8srd_core::alert::{Priority, RuleInfo};
    use k8srd_core::event::Timestamp;

    use super::*;

    fn alert() -> Alert {
        let mut rule = RuleInfo::new("Read \"it\"", Priority::Warning);
        rule.tags = vec!["T1555".into(), "container".into()];
        let time = Timestamp::from_nanos(1_795_535_729_644_647_658);
        let mut alert = Alert::new(Arc::new(rule), time, "file=/etc/shadow tty=0 parent=<NA>");
        let text = |text: &str| Some(OwnedValue::from(text));
        alert.fields = vec![
            ("evt.is_open_read".into(), Some(OwnedValue::Bool(true))),
            ("evt.time".into(), Some(OwnedValue::U64(time.as_nanos()))),
            ("fd.name".into(), text("/etc/shadow")),
            ("proc.pname".into(), None),
            ("proc.tty".into(), Some(OwnedValue::U64(0))),
            ("user.loginuid".into(), Some(OwnedValue::I64(-1))),
        ];
        alert
    }

    fn json(encoder: &Json, alert: &Alert) -> String {
        let mut out = Vec::new();
        encoder.encode(alert, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_default_object_is_falcos() {
        assert_eq!(
            json(&Json::new("node1", TimeFormat::utc()), &alert()),
            concat!(
                r#"{"hostname":"node1","#,
                r#""output":"15:55:29.644647658: Warning file=/etc/shadow tty=0 parent=<NA>","#,
                r#""output_fields":{"evt.is_open_read":true,"evt.time":1795535729644647658,"#,
                r#""fd.name":"/etc/shadow","proc.pname":null,"proc.tty":0,"user.loginuid":-1},"#,
                r#""priority":"Warning","rule":"Read \"it\"","source":"syscall","#,
                r#""tags":["T1555","container"],"time":"2026-11-24T15:55:29.644647658Z"}"#,
            )
        );
    }

    #[test]
    fn each_property_is_a_switch() {
        let bare = Json::new("n", TimeFormat::utc())
            .include_output(false)
            .include_output_fields(false)
            .include_tags(false);
        assert_eq!(
            json(&bare, &alert()),
            concat!(
                r#"{"hostname":"n","priority":"Warning","rule":"Read \"it\"","source":"syscall","#,
                r#""time":"2026-11-24T15:55:29.644647658Z"}"#,
            )
        );
        let iso = bare.clone().include_output_fields(true);
        let iso = json(&Json { time: TimeFormat::iso8601(), ..iso }, &alert());
        assert!(iso.contains(r#":true,"evt.time.iso8601":1795535729644647658,"fd."#), "{iso}");
        assert_eq!(
            json(&bare.include_message(true), &alert()),
            concat!(
                r#"{"hostname":"n","message":"file=/etc/shadow tty=0 parent=<NA>","#,
                r#""priority":"Warning","rule":"Read \"it\"","source":"syscall","#,
                r#""time":"2026-11-24T15:55:29.644647658Z"}"#,
            )
        );
    }

    #[test]
    fn a_rule_without_fields_and_tags_still_has_time_and_list() {
        let rule = Arc::new(RuleInfo::new("r", Priority::Informational));
        let alert = Alert::new(rule, Timestamp::from_nanos(7), "m");
        assert_eq!(
            json(&Json::new("n", TimeFormat::iso8601()), &alert),
            concat!(
                r#"{"hostname":"n","output":"1970-01-01T00:00:00.000000007+0000: Informational m","#,
                r#""output_fields":{"evt.time.iso8601":7},"priority":"Informational","rule":"r","#,
                r#""source":"syscall","tags":[],"time":"1970-01-01T00:00:00.000000007Z"}"#,
            )
        );
    }

    #[test]
    fn values_keep_their_types() {
        let typed = |v: OwnedValue| {
            let mut out = Vec::new();
            value(Some(&v), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(typed(OwnedValue::U64(u64::MAX)), "18446744073709551615");
        assert_eq!(typed(OwnedValue::F64(2.9)), "2");
        assert_eq!(typed(OwnedValue::Ip(IpAddr::from([10, 0, 0, 1]))), r#""10.0.0.1""#);
        assert_eq!(typed(OwnedValue::Net("10.0.0.0/8".parse().unwrap())), r#""10.0.0.0/8""#);
        let list = [OwnedValue::from("a"), OwnedValue::from("b\n")];
        assert_eq!(typed(OwnedValue::List(list.into())), r#"["a","b\n"]"#);
        // Each longest invalid piece becomes one replacement character, as in Falco.
        assert_eq!(typed(OwnedValue::Str((*b"a\xff\xe2\x82b").into())), "\"a\u{fffd}\u{fffd}b\"");
    }
}

//! Events written as tables.

use std::sync::Arc;

use k8srd_core::schema::Schema;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{CorpusError, Text};
use crate::event::TestEvent;
use crate::value::TestValue;

/// Reads an event; one that names no kind is of kind `default_kind`.
pub(super) fn read(
    text: &Text<'_>,
    schema: &Arc<Schema>,
    default_kind: &str,
    written: &Spanned<DeValue<'_>>,
) -> Result<TestEvent, CorpusError> {
    let table = text.table(written)?;
    let kind = table.get("kind").map_or(Ok(default_kind), |kind| text.str(kind))?;
    let event = TestEvent::try_of(Arc::clone(schema), kind)
        .map_err(|error| text.wrong_event(written.span(), error))?;
    let event = fill(text, event, table)?;
    match table.get("alternate") {
        None => Ok(event),
        Some(differs) => {
            let alternate = fill(text, event.clone(), text.table(differs)?)?;
            Ok(event.alternate(alternate))
        }
    }
}

fn fill(
    text: &Text<'_>,
    mut event: TestEvent,
    table: &DeTable<'_>,
) -> Result<TestEvent, CorpusError> {
    for (key, written) in table {
        let name = &**key.get_ref();
        if matches!(name, "kind" | "alternate") {
            continue;
        }
        let said = value(text, written)?;
        let filled = match (name, said) {
            ("at", Said::Value(TestValue::Int(nanos))) => match u64::try_from(nanos) {
                Ok(nanos) => Ok(event.at(nanos)),
                Err(_) => return Err(text.wrong(written.span(), "a time is not negative")),
            },
            (name, Said::Pending) => event.try_pending(name),
            (name, Said::Value(value)) => match name.strip_prefix("param.") {
                Some(param) => event.try_param(param, value),
                None => event.try_field(name, value),
            },
        };
        event = filled.map_err(|error| text.wrong_event(key.span(), error))?;
    }
    Ok(event)
}

pub(super) enum Said {
    Value(TestValue),
    Pending,
}

pub(super) fn value(text: &Text<'_>, written: &Spanned<DeValue<'_>>) -> Result<Said, CorpusError> {
    let wrong = |message: &str| text.wrong(written.span(), message);
    let value = match written.get_ref() {
        DeValue::Boolean(truth) => TestValue::Bool(*truth),
        DeValue::String(text) => TestValue::from(&**text),
        DeValue::Integer(n) => TestValue::Int(
            i128::from_str_radix(n.as_str(), n.radix())
                .map_err(|_| wrong("this integer is too large"))?,
        ),
        DeValue::Float(n) => {
            TestValue::Double(n.as_str().parse().map_err(|_| wrong("not a number"))?)
        }
        DeValue::Array(all) => {
            let one = |written| match value(text, written)? {
                Said::Value(value) => Ok(value),
                Said::Pending => Err(wrong("one value of a list cannot be pending")),
            };
            TestValue::List(all.iter().map(one).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            if table.contains_key("pending") {
                return Ok(Said::Pending);
            }
            let Some(hex) = table.get("hex") else {
                return Err(wrong("a value in braces is { pending = true } or { hex = \"…\" }"));
            };
            TestValue::Bytes(unhex(text.str(hex)?).ok_or_else(|| wrong("not bytes in hex"))?)
        }
        DeValue::Datetime(_) => return Err(wrong("a time is written as text or nanoseconds")),
    };
    Ok(Said::Value(value))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect::<Option<_>>()?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}

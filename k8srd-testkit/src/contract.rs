//! What every sink must keep, as a check that a sink's own tests call.

use std::sync::Arc;

use async_trait::async_trait;
use k8srd_core::alert::{Alert, Priority, RuleInfo};
use k8srd_core::event::Timestamp;
use k8srd_core::sink::{Ack, Sink, SinkError};

/// The far end of a sink under test: what receives, and can be broken.
#[async_trait]
pub trait Receiver: Send {
    /// All that has arrived so far, as bytes, in order of arrival. Each alert's message must be
    /// found in it.
    async fn arrived(&mut self) -> Vec<u8>;

    /// Makes every later delivery fail: a closed connection, a full disk.
    async fn fail(&mut self);
}

/// Checks that `sink`, fresh and in front of a `receiver` that takes everything, keeps the
/// contract:
///
/// 1. its name is not empty, one line, and never changes;
/// 2. its own check passes while the receiver works;
/// 3. an empty batch succeeds and sends nothing;
/// 4. alerts arrive once each, in order, within a batch and from batch to batch, and whatever
///    bytes a message holds, the next alert arrives whole;
/// 5. a failure is an error with a message for people (one line, lower case, no full stop) and
///    never a success; the receiver gets nothing of the batch afterwards;
/// 6. closing after a failure ends.
///
/// Runs in whatever runtime the sink needs: the caller awaits it there.
///
/// # Errors
///
/// The first promise that is not kept, in words.
pub async fn check(sink: &mut dyn Sink, receiver: &mut dyn Receiver) -> Result<(), Breach> {
    let name = sink.name().to_owned();
    ensure(!name.is_empty() && !name.contains('\n'), || {
        format!("the name {name:?} is not one line of text")
    })?;
    sink.check().await.map_err(|error| Breach::of("a working sink fails its own check", error))?;

    let before = receiver.arrived().await;
    deliver(sink, &[]).await?;
    let after = receiver.arrived().await;
    ensure(before == after, || "an empty batch sends something".to_owned())?;

    let all: Vec<Alert> = (0..ALERTS).map(alert).collect();
    let (first, rest) = all.split_at(1);
    deliver(sink, first).await?;
    deliver(sink, rest).await?;
    arrived_in_order(&receiver.arrived().await)?;
    ensure(sink.name() == name, || {
        format!("the name was {name:?} and is {:?} after a delivery", sink.name())
    })?;

    receiver.fail().await;
    let before = receiver.arrived().await;
    let late = [alert(ALERTS)];
    match sink.deliver(&late).await {
        Ok(_) => return Err(Breach::new("a delivery succeeds although the receiver fails")),
        Err(error) => well_said(&error)?,
    }
    let after = receiver.arrived().await;
    ensure(before == after, || "a delivery that failed has arrived".to_owned())?;
    ensure(sink.name() == name, || {
        format!("the name was {name:?} and is {:?} after a failure", sink.name())
    })?;
    // Whether closing succeeds in front of a broken receiver is the sink's own affair.
    if let Err(error) = sink.close().await {
        well_said(&error)?;
    }
    Ok(())
}

/// How many alerts the check sends.
const ALERTS: usize = 20;

/// An alert whose message is found again by its marker. Every third one holds what breaks naive
/// framing: quotes, control bytes and characters of several bytes.
fn alert(n: usize) -> Alert {
    let nasty = if n.is_multiple_of(3) { " \"\\\n\r\t\0\u{7f}é\u{2028}" } else { "" };
    let rule = Arc::new(RuleInfo::new(format!("contract {}", n % 2), Priority::Notice));
    Alert::new(rule, Timestamp::from_nanos(n as u64), format!("{}{nasty}", marker(n)))
}

fn marker(n: usize) -> String {
    format!("contract-alert-{n:04}-end")
}

async fn deliver(sink: &mut dyn Sink, batch: &[Alert]) -> Result<Ack, Breach> {
    let outcome = sink.deliver(batch).await;
    outcome.map_err(|error| Breach::of(format!("a batch of {} fails", batch.len()), error))
}

fn arrived_in_order(arrived: &[u8]) -> Result<(), Breach> {
    let mut from = 0;
    for n in 0..ALERTS {
        let marker = marker(n);
        let places = find_all(arrived, marker.as_bytes());
        let &[.., last] = &places[..] else {
            return Err(Breach::new(format!("alert {n} has not arrived")));
        };
        // Some forms say the message twice (`message` and `output`), side by side.
        ensure(places.iter().all(|&place| place >= from), || {
            format!("alert {n} arrives before alert {}", n.saturating_sub(1))
        })?;
        ensure(places.len() <= 2, || format!("alert {n} arrives {} times", places.len()))?;
        from = last;
    }
    Ok(())
}

fn find_all(text: &[u8], part: &[u8]) -> Vec<usize> {
    let windows = text.windows(part.len()).enumerate();
    windows.filter(|(_, window)| *window == part).map(|(place, _)| place).collect()
}

/// Whether an error's text is one that people can read in a line of a log.
fn well_said(error: &SinkError) -> Result<(), Breach> {
    let text = error.to_string();
    ensure(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'), || {
        format!("the error {text:?} is not one line without a full stop")
    })?;
    ensure(!text.starts_with(char::is_uppercase), || {
        format!("the error {text:?} does not begin in lower case")
    })
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Breach> {
    if holds { Ok(()) } else { Err(Breach::new(otherwise())) }
}

/// A sink does not keep the contract.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Breach {
    message: String,
    source: Option<SinkError>,
}

impl Breach {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    fn of(message: impl Into<String>, source: SinkError) -> Self {
        Self { message: message.into(), source: Some(source) }
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::sink::SinkErrorKind;

    use super::*;
    use crate::sink::{RecordingSink, SinkProbe};

    #[async_trait]
    impl Receiver for SinkProbe {
        async fn arrived(&mut self) -> Vec<u8> {
            self.messages().join("\n").into_bytes()
        }

        async fn fail(&mut self) {
            self.break_sink();
        }
    }

    /// Does to each batch what its function says, then hands it to a recording sink.
    struct Bent<F> {
        inner: RecordingSink,
        name: String,
        bend: F,
    }

    #[async_trait]
    impl<F> Sink for Bent<F>
    where
        F: FnMut(
                &mut String,
                &[Alert],
                Result<Ack, SinkError>,
            ) -> (Vec<Alert>, Result<Ack, SinkError>)
            + Send,
    {
        fn name(&self) -> &str {
            &self.name
        }

        async fn deliver(&mut self, alerts: &[Alert]) -> Result<Ack, SinkError> {
            // An empty batch finds out whether the receiver still works.
            let works = self.inner.deliver(&[]).await;
            let (batch, outcome) = (self.bend)(&mut self.name, alerts, works);
            if outcome.is_ok() && !batch.is_empty() {
                let _ = self.inner.deliver(&batch).await;
            }
            outcome
        }
    }

    fn breach_of<F>(bend: F) -> Option<String>
    where
        F: FnMut(
                &mut String,
                &[Alert],
                Result<Ack, SinkError>,
            ) -> (Vec<Alert>, Result<Ack, SinkError>)
            + Send,
    {
        let inner = RecordingSink::new("inner");
        let mut probe = inner.probe();
        let mut sink = Bent { inner, name: "bent".into(), bend };
        let outcome = pollster::block_on(check(&mut sink, &mut probe));
        outcome.err().map(|breach| breach.to_string())
    }

    #[test]
    fn a_good_sink_passes() {
        let mut sink = RecordingSink::new("memory");
        let mut probe = sink.probe();
        pollster::block_on(check(&mut sink, &mut probe)).unwrap();
        assert_eq!(breach_of(|_, batch, works| (batch.to_vec(), works)), None);
    }

    #[test]
    fn each_broken_promise_is_found() {
        let reversed = breach_of(|_, batch, works| (batch.iter().rev().cloned().collect(), works));
        assert_eq!(reversed.as_deref(), Some("alert 2 arrives before alert 1"));

        let cut = breach_of(|_, batch, works| (batch.iter().take(3).cloned().collect(), works));
        assert_eq!(cut.as_deref(), Some("alert 4 has not arrived"));

        let thrice = breach_of(|_, batch, works| ([batch, batch, batch].concat(), works));
        assert!(thrice.is_some());

        let chatty = breach_of(|_, batch, works| {
            let said = if batch.is_empty() { vec![alert(99)] } else { batch.to_vec() };
            (said, works)
        });
        assert_eq!(chatty.as_deref(), Some("an empty batch sends something"));

        let renamed = breach_of(|name, batch, works| {
            name.push('x');
            (batch.to_vec(), works)
        });
        assert!(renamed.unwrap().contains("after a delivery"));

        let careless = breach_of(|_, batch, _| (batch.to_vec(), Ok(Ack::all())));
        assert_eq!(careless.as_deref(), Some("a delivery succeeds although the receiver fails"));

        let rude = breach_of(|_, batch, works| {
            let shouted = |_| SinkError::new(SinkErrorKind::Fatal, "Connection closed.");
            (batch.to_vec(), works.map_err(shouted))
        });
        assert!(rude.unwrap().contains("full stop"));
    }
}

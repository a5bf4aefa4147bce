//! A sink over any writer: standard output, a file, a pipe, a buffer in a test.

use std::io::{self, Write};

use async_trait::async_trait;
use k8srd_core::alert::Alert;
use k8srd_core::sink::{Ack, Sink, SinkError, SinkErrorKind};

use crate::encode::Encoder;

/// Writes each alert as one line and flushes once a batch.
///
/// A writer that fails is not tried again: half a line may be out already, and a second try would
/// write into the middle of it.
#[derive(Debug)]
pub struct WriterSink<W> {
    name: String,
    writer: W,
    encoder: Encoder,
    lines: Vec<u8>,
}

/// The buffer is given back to the system after a batch that needed more than this.
const KEEP: usize = 1 << 20;

impl<W: Write + Send> WriterSink<W> {
    /// A sink of this name that writes to `writer`.
    pub fn new(name: impl Into<String>, writer: W, encoder: Encoder) -> Self {
        Self { name: name.into(), writer, encoder, lines: Vec::new() }
    }
}

#[async_trait]
impl<W: Write + Send> Sink for WriterSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn deliver(&mut self, alerts: &[Alert]) -> Result<Ack, SinkError> {
        let Self { name, writer, encoder, lines } = self;
        lines.clear();
        lines.shrink_to(KEEP);
        for alert in alerts {
            encoder.encode(alert, lines);
            lines.push(b'\n');
        }
        writer
            .write_all(lines)
            .and_then(|()| writer.flush())
            .map(|()| Ack::all())
            .map_err(|cause| cannot_write(name, cause))
    }

    async fn close(&mut self) -> Result<(), SinkError> {
        let Self { name, writer, .. } = self;
        writer.flush().map_err(|cause| cannot_write(name, cause))
    }
}

fn cannot_write(name: &str, cause: io::Error) -> SinkError {
    let message = match cause.kind() {
        io::ErrorKind::BrokenPipe => format!("{name} was closed by its reader"),
        io::ErrorKind::StorageFull => format!("no space is left for {name}"),
        _ => format!("cannot write to {name}"),
    };
    SinkError::new(SinkErrorKind::Fatal, message).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8srd_core::alert::{Priority, RuleInfo};
    use k8srd_core::event::Timestamp;

    use super::*;
    use crate::encode::{Text, TimeFormat};

    fn alert(message: &str) -> Alert {
        let rule = Arc::new(RuleInfo::new("r", Priority::Error));
        Alert::new(rule, Timestamp::from_nanos(0), message)
    }

    fn encoder() -> Encoder {
        Encoder::Text(Text::new(TimeFormat::utc()))
    }

    #[test]
    fn each_alert_is_one_line_in_order() {
        let mut written = Vec::new();
        let mut sink = WriterSink::new("buffer", &mut written, encoder());
        pollster::block_on(sink.deliver(&[alert("a"), alert("b\n")])).unwrap();
        pollster::block_on(sink.deliver(&[alert("c")])).unwrap();
        pollster::block_on(sink.close()).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "00:00:00.000000000: Error a\n00:00:00.000000000: Error b\\n\n00:00:00.000000000: Error c\n"
        );
    }

    #[test]
    fn a_closed_pipe_is_fatal_and_says_so() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink = WriterSink::new("stdout", writer, encoder());
        let error = pollster::block_on(sink.deliver(&[alert("a")])).unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Fatal);
        assert_eq!(error.to_string(), "stdout was closed by its reader");
    }

    #[test]
    fn a_full_disk_is_fatal_and_says_so() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut sink = WriterSink::new("alerts.log", full, encoder());
        let error = pollster::block_on(sink.deliver(&[alert("a")])).unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Fatal);
        assert_eq!(error.to_string(), "no space is left for alerts.log");
    }
}

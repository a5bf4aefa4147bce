//! The sinks of this crate keep what every sink must.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use k8srd_sinks::encode::{Encoder, Json, Text, TimeFormat};
use k8srd_sinks::writer::WriterSink;
use k8srd_testkit::contract::{self, Receiver};

/// A writer and the far end that reads it: a pipe that can be closed.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<(Vec<u8>, bool)>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (written, closed) = &mut *self.0.lock().unwrap();
        if *closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // Writers may take less than they are given.
        let taken = bytes.len().min(100);
        written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Receiver for Pipe {
    async fn arrived(&mut self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }

    async fn fail(&mut self) {
        self.0.lock().unwrap().1 = true;
    }
}

fn check(encoder: Encoder) {
    let mut pipe = Pipe::default();
    let mut sink = WriterSink::new("pipe", pipe.clone(), encoder);
    pollster::block_on(contract::check(&mut sink, &mut pipe)).unwrap();
}

#[test]
fn text_lines_keep_the_contract() {
    check(Encoder::Text(Text::new(TimeFormat::utc())));
}

#[test]
fn json_objects_keep_the_contract() {
    let json = Json::new("node1", TimeFormat::iso8601());
    check(Encoder::Json(json.clone()));
    check(Encoder::Json(json.include_message(true)));
}

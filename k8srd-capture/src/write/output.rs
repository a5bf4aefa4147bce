//! Where a capture goes: bytes as they are, or compressed.

use std::fmt;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What is written at once.
const CHUNK: usize = 64 << 10;

/// A stream, compressed or not.
pub(super) struct Output<W: Write> {
    stream: Stream<W>,
    written: u64,
}

enum Stream<W: Write> {
    Plain(BufWriter<W>),
    Gzip(Box<GzEncoder<BufWriter<W>>>),
}

impl<W: Write> Output<W> {
    pub(super) fn plain(out: W) -> Self {
        let stream = Stream::Plain(BufWriter::with_capacity(CHUNK, out));
        Self { stream, written: 0 }
    }

    pub(super) fn gzip(out: W) -> Self {
        let out = BufWriter::with_capacity(CHUNK, out);
        // Half again as large as with the best, and several times as fast: recording is live.
        let stream = Stream::Gzip(Box::new(GzEncoder::new(out, Compression::fast())));
        Self { stream, written: 0 }
    }

    /// Bytes so far, before compression.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(out) => out.write_all(bytes)?,
            Stream::Gzip(out) => out.write_all(bytes)?,
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// What was written so far can be decompressed after this.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(out) => out.flush(),
            Stream::Gzip(out) => out.flush(),
        }
    }

    pub(super) fn finish(self) -> io::Result<W> {
        let out = match self.stream {
            Stream::Plain(out) => out,
            Stream::Gzip(out) => out.finish()?,
        };
        out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl<W: Write> fmt::Debug for Output<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("written", &self.written).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl<W: Write + Clone> Output<W> {
    /// What the stream got so far: as if the program was killed.
    pub(super) fn so_far(&self) -> W {
        match &self.stream {
            Stream::Plain(out) => out.get_ref().clone(),
            Stream::Gzip(out) => out.get_ref().get_ref().clone(),
        }
    }
}

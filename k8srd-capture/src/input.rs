//! The bytes of a capture, decompressed, in pieces that are as long as asked for.

use std::fmt;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::{CaptureError, Place};

const GZIP: [u8; 2] = [0x1F, 0x8B];
/// How much is asked of the file, and of the decompressor, at once.
const CHUNK: usize = 256 << 10;
/// How much more room is made than is asked for, at most.
const SLACK: usize = 1 << 20;
/// How much of what is passed over is made available at once.
const PASSED: usize = 1 << 16;

/// A window over a stream: what is in front can be looked at before it is consumed.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes consumed so far.
    offset: u64,
}

impl Input {
    /// Looks at the first bytes to see whether the stream is compressed.
    pub(crate) fn new(mut reader: impl Read + Send + 'static) -> io::Result<Self> {
        let mut magic = [0; GZIP.len()];
        let read = read_full(&mut reader, &mut magic)?;
        let first = io::Cursor::new(magic.get(..read).unwrap_or_default().to_vec());
        let whole = first.chain(reader);
        let reader: Box<dyn Read + Send> = if magic == GZIP {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { reader, buffer: vec![0; CHUNK], start: 0, end: 0, offset: 0 })
    }

    /// The same, with the error of a capture.
    pub(crate) fn open(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Self::new(reader).map_err(|error| CaptureError::io(error, Place::default()))
    }

    /// Bytes consumed so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes at least `n` bytes available, unless the stream ends before.
    #[inline]
    pub(crate) fn fill(&mut self, n: usize) -> io::Result<()> {
        if self.end - self.start >= n { Ok(()) } else { self.read_on(n) }
    }

    fn read_on(&mut self, n: usize) -> io::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        while self.end - self.start < n {
            if self.buffer.len() - self.start < n {
                self.make_room(n);
            }
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(free) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves what is available to the front, and makes room for `n` bytes and more: only when that
    /// much more was consumed does it have to be moved again.
    fn make_room(&mut self, n: usize) {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = n.saturating_add(n.min(SLACK));
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
    }

    /// The same, with an error that says which block cannot be read.
    #[inline]
    pub(crate) fn fill_in(&mut self, n: usize, place: Place) -> Result<(), CaptureError> {
        match self.fill(n) {
            Ok(()) => Ok(()),
            Err(error) => Err(unreadable(error, place)),
        }
    }

    /// Exactly `n` bytes of `what`, which stay available.
    pub(crate) fn need(
        &mut self,
        n: usize,
        what: &'static str,
        place: Place,
    ) -> Result<&[u8], CaptureError> {
        self.fill_in(n, place)?;
        self.available().get(..n).ok_or_else(|| CaptureError::truncated(what, place))
    }

    /// Passes over `n` bytes of `what`, however many.
    pub(crate) fn skip(
        &mut self,
        n: usize,
        what: &'static str,
        place: Place,
    ) -> Result<(), CaptureError> {
        let mut left = n;
        while left > 0 {
            self.fill_in(left.min(PASSED), place)?;
            let available = self.available().len().min(left);
            if available == 0 {
                return Err(CaptureError::truncated(what, place));
            }
            self.consume(available);
            left -= available;
        }
        Ok(())
    }

    /// What is available now.
    pub(crate) fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Passes over bytes that are available.
    pub(crate) fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }
}

#[cold]
fn unreadable(error: io::Error, place: Place) -> CaptureError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CaptureError::truncated("compressed data", place),
        _ => CaptureError::io(error, place),
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Reads until `buffer` is full or the stream ends; says how much.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while let Some(free) = buffer.get_mut(at..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(stream: Vec<u8>, expected: &[u8]) {
        let mut input = Input::new(io::Cursor::new(stream)).unwrap();
        let mut read = Vec::new();
        for n in (1..1000).cycle() {
            input.fill(n).unwrap();
            let available = input.available();
            let taken = available.len().min(n);
            read.extend_from_slice(&available[..taken]);
            input.consume(taken);
            if taken < n {
                break;
            }
        }
        assert!(read == expected && input.offset() == expected.len() as u64);
    }

    #[test]
    fn plain_compressed_and_concatenated_streams_read_alike() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
        check(bytes.clone(), &bytes);
        check(compressed(&bytes), &bytes);
        let (a, b) = bytes.split_at(300_000);
        check([compressed(a), compressed(b)].concat(), &bytes);
        check(vec![], &[]);
        check(vec![0x1F], &[0x1F]);
    }

    /// Zeros, and how often some were read.
    struct Counted {
        left: usize,
        reads: Arc<AtomicUsize>,
    }

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let read = buffer.len().min(self.left);
            self.left -= read;
            Ok(read)
        }
    }

    #[test]
    fn small_pieces_of_a_long_window_do_not_move_it_each_time() {
        const WINDOW: usize = 1 << 20;
        let reads = Arc::new(AtomicUsize::new(0));
        let stream = Counted { left: 8 * WINDOW, reads: Arc::clone(&reads) };
        let mut input = Input::new(io::empty()).unwrap();
        // Nothing in between that would read more at once.
        input.reader = Box::new(stream);
        loop {
            input.fill(WINDOW).unwrap();
            if input.available().is_empty() {
                break;
            }
            input.consume(1000);
        }
        assert_eq!(input.offset(), 8 * WINDOW as u64);
        // What is moved is moved to make room to read into. The last window is asked for in vain.
        let reads = reads.load(Ordering::Relaxed) - WINDOW.div_ceil(1000);
        assert!(reads < 16, "{reads} reads of 8 windows");
    }

    #[test]
    fn a_cut_stream_is_an_error_after_what_it_has() {
        let mut stream = compressed(&[7; 100_000]);
        stream.truncate(stream.len() / 2);
        let mut input = Input::new(io::Cursor::new(stream)).unwrap();
        assert!(input.fill(200_000).is_err());
        assert!(input.available().iter().all(|&byte| byte == 7));
    }
}

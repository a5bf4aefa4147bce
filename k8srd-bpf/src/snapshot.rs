//! The tasks that run already, as records of kind [`TASK`](crate::abi::kind::TASK).
//!
//! They come from the kernel's task iterator. Where it is refused they are put together from
//! `/proc`, with less truth: start times in clock ticks, no exec id, no flags of the executable.

mod proc;
mod row;

use std::io::{self, Read};

use zerocopy::FromBytes;

use crate::abi::{BODY, Header, RECORD_MAX};
use crate::load::Sensor;
use crate::record::{self, RecordError};
use proc::ProcRows;
use row::Row;

/// Rows that are taken at once, in bytes; the iterator waits with the rest. 16 MiB are some 10,000
/// tasks.
const TAKEN: usize = 16 << 20;
const CHUNK: usize = 256 << 10;

/// One pass over all tasks, given row by row.
#[derive(Default)]
pub(crate) struct Snapshot {
    rows: Option<Box<dyn Read + Send>>,
    /// Whether `rows` are those of `/proc`, to which there is no alternative.
    last_resort: bool,
    /// Whether arguments and environment have to be added from `/proc`.
    incomplete: bool,
    buffer: Vec<u8>,
    /// Where the next row begins.
    at: usize,
    completed: Vec<u8>,
}

impl Snapshot {
    /// Takes the rows of all tasks as they are now; past some 10,000 of them, as they are when asked
    /// for.
    pub(crate) fn take(sensor: &mut Sensor) -> Self {
        let mut snapshot = match sensor.task_rows() {
            Ok(rows) => Self {
                rows: Some(Box::new(rows)),
                incomplete: !sensor.rows_have_arguments(),
                ..Self::default()
            },
            Err(_) => Self::of_proc(),
        };
        while snapshot.buffer.len() < TAKEN && snapshot.fill() {}
        snapshot
    }

    fn of_proc() -> Self {
        Self { rows: Some(Box::new(ProcRows::new())), last_resort: true, ..Self::default() }
    }

    /// Whether all rows have been given.
    pub(crate) fn is_done(&self) -> bool {
        self.rows.is_none() && self.at == self.buffer.len()
    }

    /// The next row; an error for one that cannot be.
    pub(crate) fn next_row(&mut self) -> Option<Result<&[u8], RecordError>> {
        let size = loop {
            match self.next_size() {
                Some(size) if size <= self.buffer.len() - self.at => break size,
                // A row of a size that cannot be, or the beginning of one.
                size if size.is_some_and(|size| size > RECORD_MAX) || !self.fill() => {
                    break self.buffer.len() - self.at;
                }
                _ => {}
            }
        };
        if size == 0 {
            *self = Self::default();
            return None;
        }
        let start = self.at;
        self.at += size;
        let row = record::envelope(&self.buffer[start..self.at]).map(|(_, row)| row);
        Some(match row {
            Ok(row) if self.incomplete => {
                complete(row, &mut self.completed);
                Ok(&self.completed)
            }
            Ok(row) => Ok(row),
            // Where the next row would begin is not known: all that is left is one lost row.
            Err(error) => {
                self.rows = None;
                self.at = self.buffer.len();
                Err(error)
            }
        })
    }

    /// The size that the next row says it has, if its header is there.
    fn next_size(&self) -> Option<usize> {
        let (header, _) = Header::read_from_prefix(&self.buffer[self.at..]).ok()?;
        Some((header.size as usize).max(BODY))
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> bool {
        let Some(rows) = &mut self.rows else { return false };
        if self.at > TAKEN / 2 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let read = loop {
            match rows.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(old + read.as_ref().map_or(0, |&read| read));
        match read {
            Ok(0) => self.rows = None,
            Ok(_) => {}
            // A row that is given twice does no harm: it is state, not an event.
            Err(_) if !self.last_resort => {
                self.buffer.truncate(old);
                self.rows = Some(Box::new(ProcRows::new()));
                self.last_resort = true;
                self.incomplete = false;
            }
            Err(_) => self.rows = None,
        }
        self.rows.is_some()
    }
}

/// Adds arguments and environment to a row whose iterator could not read the task's memory.
fn complete(row: &[u8], out: &mut Vec<u8>) {
    out.clear();
    match Row::parse(row) {
        Some(mut whole) => {
            proc::add_memory(&mut whole);
            whole.write(out);
        }
        None => out.extend_from_slice(row),
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::event::{Event, Fields};
    use k8srd_core::field::Key;
    use k8srd_core::kind::EventKind;

    use super::*;

    fn of(rows: impl Read + Send + 'static) -> Snapshot {
        Snapshot { rows: Some(Box::new(rows)), last_resort: true, ..Snapshot::default() }
    }

    fn rows(count: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for tid in 1..=count {
            let mut row = Row::new();
            (row.context.tid, row.context.tgid) = (tid, tid);
            row.body.args = row.part(&[b'x'; 100]);
            row.write(&mut out);
        }
        out
    }

    /// Gives a few bytes at a time.
    struct Dribble(io::Cursor<Vec<u8>>);

    impl Read for Dribble {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let some = out.len().min(37);
            self.0.read(&mut out[..some])
        }
    }

    fn tids(snapshot: &mut Snapshot) -> Vec<Option<u32>> {
        let mut tids = Vec::new();
        while let Some(row) = snapshot.next_row() {
            tids.push(row.and_then(record::parse).ok().map(|event| event.context().tid));
        }
        tids
    }

    #[test]
    fn rows_are_found_whatever_the_reads() {
        let mut snapshot = of(Dribble(io::Cursor::new(rows(50))));
        assert_eq!(tids(&mut snapshot), (1..=50).map(Some).collect::<Vec<_>>());
        assert!(snapshot.is_done() && snapshot.buffer.capacity() == 0);
        let mut many = of(io::Cursor::new(rows(60_000)));
        assert_eq!(tids(&mut many).len(), 60_000);
    }

    #[test]
    fn a_broken_stream_is_one_lost_row() {
        let mut cut = rows(3);
        cut.truncate(cut.len() - 5);
        assert_eq!(tids(&mut of(io::Cursor::new(cut))), [Some(1), Some(2), None]);
        let mut bad = rows(3);
        let size = bad.len() / 3;
        bad[size..size + 4].copy_from_slice(&7_u32.to_le_bytes());
        assert_eq!(tids(&mut of(io::Cursor::new(bad))), [Some(1), None]);
    }

    #[test]
    fn a_failing_iterator_is_replaced_by_proc() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let mut snapshot = Snapshot { rows: Some(Box::new(Fails)), ..Snapshot::default() };
        assert!(tids(&mut snapshot).contains(&Some(std::process::id())));
    }

    #[test]
    fn rows_without_arguments_are_completed() {
        let mut row = Row::new();
        (row.context.tid, row.context.tgid) = (std::process::id(), std::process::id());
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        row.write(&mut bytes);
        complete(&bytes, &mut out);
        let (event, arena) = (record::parse(&out).unwrap(), Arena::default());
        assert_eq!(event.kind(), EventKind::TASK);
        let exe = std::env::args_os().next().unwrap().into_encoded_bytes();
        let got = event.get(&Key::param(1), &arena).known().unwrap();
        assert_eq!(got.as_bytes(), Some(&exe[..]));
        let env = event.get(&Key::param(3), &arena).known().unwrap();
        assert!(!env.as_bytes().unwrap().is_empty());
    }
}

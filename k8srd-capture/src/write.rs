//! Writing .scap: items as the reader gives them, in the form that today's Falco writes.
//!
//! Facts: `userspace/libscap/scap_savefile.c` of falcosecurity/libs, and what
//! `engine/savefile/scap_savefile.c` refuses to read.

mod encode;
mod error;
mod output;
mod recorder;
mod rows;
mod task;

use std::io::{self, Write};

use crate::codes;
use crate::format::{
    BLOCK_HEADER, BLOCK_TRAILER, EVENT_HEADER, LARGE_BLOCK, MOST_PARAMS, ORDINARY_BLOCK,
    SECTION_MAGIC, SECTION_MAJOR, SECTION_MINOR, STATE_ONLY, block,
};
use crate::reader::Item;
use crate::record::{Record, RecordBuf};
use crate::table::DescriptorRow;
pub use error::WriteError;
use output::Output;
pub use recorder::{Recorder, RecorderCounts, RecorderOptions};
use rows::Table;

/// Most bytes of rows in one block; a list that may be in several goes on in another.
const ROWS: usize = 1 << 20;

/// Writes a capture that Falco, sysdig and [`Reader`](crate::Reader) read.
///
/// ```
/// use k8srd_capture::{Item, Reader, RecordBuf, Writer};
/// use k8srd_core::event::Timestamp;
///
/// let mut close = RecordBuf::default();
/// close.begin(Timestamp::from_nanos(1_700_000_000_000_000_000), 42, 0, 5);
/// close.push(&0_i64.to_le_bytes());
/// close.push(&3_i64.to_le_bytes());
///
/// let mut writer = Writer::gzip(Vec::new());
/// writer.write(&Item::Event(close.record()))?;
/// let capture = writer.finish()?;
///
/// let mut reader = Reader::new(std::io::Cursor::new(capture))?;
/// assert!(matches!(reader.next()?, Some(Item::Section)));
/// assert!(matches!(reader.next()?, Some(Item::Event(event)) if event.code == 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A capture is whole after [`finish`](Writer::finish). One that was not finished is read up to
/// what was written last.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: Output<W>,
    /// Whether a section has begun.
    begun: bool,
    /// Whether the section has events: no table may follow.
    events: bool,
    /// The table whose rows are being gathered, and these rows.
    table: Option<Table>,
    rows: Vec<u8>,
    /// What belongs to the next item, if there is something.
    context: RecordBuf,
    has_context: bool,
    block: Vec<u8>,
    /// The block of that item's context.
    context_block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes plain bytes.
    pub fn new(out: W) -> Self {
        Self::with(Output::plain(out))
    }

    /// Writes compressed bytes, as every reader of captures takes them: about a tenth as many.
    pub fn gzip(out: W) -> Self {
        Self::with(Output::gzip(out))
    }

    fn with(out: Output<W>) -> Self {
        Self {
            out,
            begun: false,
            events: false,
            table: None,
            rows: Vec::new(),
            context: RecordBuf::default(),
            has_context: false,
            block: Vec::new(),
            context_block: Vec::new(),
        }
    }

    /// Bytes so far, before compression; rows that are being gathered are not among them.
    pub fn offset(&self) -> u64 {
        self.out.written()
    }

    /// Writes an item. The first section begins by itself.
    ///
    /// A context belongs to the item that is written next, and goes with it: where that is refused,
    /// so is the context.
    ///
    /// Rows of one table stand one after the other: of users and interfaces, readers keep only the
    /// last block. A text in a row that is longer than Falco reads is cut.
    ///
    /// # Errors
    ///
    /// Where the stream fails, a row comes after the section's first event, or an event is larger
    /// or has more params than any reader takes.
    pub fn write(&mut self, item: &Item<'_>) -> Result<(), WriteError> {
        match item {
            Item::Section => return self.section(),
            _ if !self.begun => self.section()?,
            _ => {}
        }
        if let Item::Omitted(omitted) = item {
            return self.omitted(&omitted.record());
        }
        let with_context = std::mem::take(&mut self.has_context);
        match item {
            Item::Section | Item::Omitted(_) => Ok(()),
            Item::Machine(machine) => {
                self.before_events("the machine")?;
                self.end_table()?;
                rows::machine(machine, body(&mut self.block));
                self.end_block(block::MACHINE)
            }
            Item::Process(row) => {
                let table = Table::Processes(rows::version(row));
                self.row(table, with_context, |out| rows::process(row, out))
            }
            Item::Descriptor(row @ DescriptorRow { tid, .. }) => {
                self.row(Table::Descriptors(*tid), with_context, |out| rows::descriptor(row, out))
            }
            Item::Interface(row) => {
                self.row(Table::Interfaces, with_context, |out| rows::interface(row, out))
            }
            Item::User(row) => self.row(Table::Users, with_context, |out| rows::user(row, out)),
            Item::Group(row) => self.row(Table::Users, with_context, |out| rows::group(row, out)),
            Item::Context(context) => {
                self.context.copy(context.record());
                self.has_context = true;
                Ok(())
            }
            Item::Event(event) => self.event(event, with_context),
        }
    }

    /// Hands on what is gathered. What was written before can be read even if nothing follows.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.end_table()?;
        Ok(self.out.flush()?)
    }

    /// Completes the capture and gives the stream back.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if !self.begun {
            self.section()?;
        }
        self.end_table()?;
        Ok(self.out.finish()?)
    }

    fn section(&mut self) -> Result<(), WriteError> {
        self.end_table()?;
        (self.begun, self.events, self.has_context) = (true, false, false);
        let out = body(&mut self.block);
        out.extend(SECTION_MAGIC.to_le_bytes());
        out.extend(SECTION_MAJOR.to_le_bytes());
        out.extend(SECTION_MINOR.to_le_bytes());
        // Its length is not known.
        out.extend(u64::MAX.to_le_bytes());
        self.end_block(block::SECTION)
    }

    /// Before the first event a block of our own, since an event would end the tables; then an event,
    /// since other blocks would end the events.
    fn omitted(&mut self, record: &Record<'_>) -> Result<(), WriteError> {
        if self.events {
            return self.event(record, false);
        }
        self.end_table()?;
        event_body(record, false, body(&mut self.block))?;
        self.end_block(block::CONTEXT)
    }

    fn before_events(&self, what: &'static str) -> Result<(), WriteError> {
        if self.events { Err(WriteError::late(what)) } else { Ok(()) }
    }

    fn row(
        &mut self,
        table: Table,
        with_context: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), WriteError> {
        self.before_events(table.name())?;
        let full = table.may_be_split() && self.rows.len() >= ROWS;
        if self.table != Some(table) || full || with_context {
            self.end_table()?;
        }
        if with_context {
            let out = body(&mut self.block);
            event_body(&self.context.record(), false, out)?;
            self.end_block(block::CONTEXT)?;
        }
        self.table = Some(table);
        write(&mut self.rows);
        Ok(())
    }

    /// Writes the rows that were gathered.
    fn end_table(&mut self) -> Result<(), WriteError> {
        let Some(table) = self.table.take() else { return Ok(()) };
        let out = body(&mut self.block);
        if let Table::Descriptors(tid) = table {
            out.extend(tid.to_le_bytes());
        }
        out.append(&mut self.rows);
        self.end_block(table.kind())
    }

    fn event(&mut self, event: &Record<'_>, with_context: bool) -> Result<(), WriteError> {
        self.end_table()?;
        // Nothing goes out before all of it is known to fit.
        event_block(event, &mut self.block)?;
        if with_context {
            event_block(&self.context.record(), &mut self.context_block)?;
            self.out.write(&self.context_block)?;
        }
        self.events = true;
        Ok(self.out.write(&self.block)?)
    }

    /// Completes and writes the block that is being put together.
    fn end_block(&mut self, kind: u32) -> Result<(), WriteError> {
        complete(&mut self.block, kind)?;
        Ok(self.out.write(&self.block)?)
    }
}

const HEADER: usize = BLOCK_HEADER as usize;

/// An empty block, whose header is filled in at its end.
fn body(block: &mut Vec<u8>) -> &mut Vec<u8> {
    block.clear();
    block.resize(HEADER, 0);
    block
}

/// Fills in what stands before and behind the body of a block.
fn complete(block: &mut Vec<u8>, kind: u32) -> Result<(), WriteError> {
    block.resize(block.len().next_multiple_of(4), 0);
    let total = block.len() + BLOCK_TRAILER as usize;
    let length = u32::try_from(total).ok().filter(|length| *length <= LARGE_BLOCK);
    let length = length.ok_or_else(|| WriteError::too_large(total))?;
    if let Some((start, _)) = block.split_first_chunk_mut::<HEADER>() {
        *start = (u64::from(length) << 32 | u64::from(kind)).to_le_bytes();
    }
    block.extend(length.to_le_bytes());
    Ok(())
}

/// An event as a whole block.
fn event_block(event: &Record<'_>, out: &mut Vec<u8>) -> Result<(), WriteError> {
    event_body(event, event.state_only, body(out))?;
    // Large ones are what Falco calls so, and what no ordinary block can hold.
    let large = codes::is_large(event.code) || out.len() + 8 > ORDINARY_BLOCK as usize;
    let kind = match (event.state_only, large) {
        (false, false) => block::EVENT,
        (true, false) => block::FLAGGED_EVENT,
        (false, true) => block::LARGE_EVENT,
        (true, true) => block::LARGE_FLAGGED_EVENT,
    };
    complete(out, kind)
}

/// The body of an event's block, with flags before it or without.
fn event_body(event: &Record<'_>, flagged: bool, out: &mut Vec<u8>) -> Result<(), WriteError> {
    let wide = codes::is_large(event.code);
    if event.len() > MOST_PARAMS {
        return Err(WriteError::too_many(event.code));
    }
    let params = || (0..event.len()).map(|place| event.param(place).unwrap_or_default());
    let width = if wide { 4 } else { 2 };
    let length = EVENT_HEADER + params().map(|param| width + param.len()).sum::<usize>();
    let too_large = || WriteError::too_large(length);
    out.extend(event.cpu.to_le_bytes());
    if flagged {
        out.extend(STATE_ONLY.to_le_bytes());
    }
    out.extend(event.time.as_nanos().to_le_bytes());
    out.extend(event.tid.to_le_bytes());
    out.extend(u32::try_from(length).map_err(|_| too_large())?.to_le_bytes());
    out.extend(event.code.to_le_bytes());
    out.extend((event.len() as u32).to_le_bytes());
    for param in params() {
        if wide {
            out.extend((param.len() as u32).to_le_bytes());
        } else {
            let length =
                u16::try_from(param.len()).map_err(|_| WriteError::too_long(event.code))?;
            out.extend(length.to_le_bytes());
        }
    }
    params().for_each(|param| out.extend_from_slice(param));
    Ok(())
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::io(error)
    }
}

#[cfg(test)]
mod tests;

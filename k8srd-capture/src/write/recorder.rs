//! From the events of any source to a capture.

use std::io::Write;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::kind::{EventKind, KindInfo, ParamInfo};

use super::error::WriteError;
use super::{Writer, task};
use crate::context::{self, Context};
use crate::omission::{self, Omission};
use crate::reader::Item;
use crate::record::RecordBuf;

/// What a [`Recorder`] records beyond the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data: built with struct update syntax")]
pub struct RecorderOptions {
    /// The environments of processes: they often hold secrets.
    pub env: bool,
    /// What is read and written: it often is a secret.
    pub buffers: bool,
    /// Reads, writes and other uses of descriptors that change nothing: there are very many.
    pub io: bool,
    /// Memory, waiting, clocks, what a process asks of itself: likewise.
    pub routine: bool,
}

/// Records the events of a source, so that a replay gives what the source gave.
///
/// Tasks that ran already ([`EventKind::TASK`]) become rows of the process list, all that comes
/// before the first event. With each goes its context: all `ctx.*` fields that the source told. Readers
/// of Falco and sysdig pass over the contexts and see a capture as their own tools write it;
/// [`Capture`](crate::Capture) gives them back with the event. What is left out of them, as the options say, is
/// said in a record of the same kind: [`CaptureReport::omissions`](crate::CaptureReport::omissions).
#[derive(Debug)]
pub struct Recorder<W: Write> {
    writer: Writer<W>,
    options: RecorderOptions,
    record: RecordBuf,
    context: RecordBuf,
    counts: RecorderCounts,
    /// What is left out, and was not yet: the capture does not say it.
    unsaid: Vec<Omission>,
}

/// What a [`Recorder`] has recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderCounts {
    /// Events, those that only tell state left out.
    pub events: u64,
    /// Events that only tell state, and rows of the process list.
    pub states: u64,
    /// Events that no capture can hold.
    pub refused: u64,
}

impl<W: Write> Recorder<W> {
    /// Records to a writer. What is known of the machine may have been written to it before.
    pub fn new(writer: Writer<W>, options: RecorderOptions) -> Self {
        Self {
            writer,
            options,
            record: RecordBuf::default(),
            context: RecordBuf::default(),
            counts: RecorderCounts::default(),
            unsaid: options.omissions().collect(),
        }
    }

    /// Records an event, or a row of state.
    ///
    /// # Errors
    ///
    /// Where the stream fails. An event that no capture can hold is counted.
    pub fn record(&mut self, event: &dyn Event, arena: &Arena) -> Result<(), WriteError> {
        self.record_as(event, arena, event.kind().is_state())
    }

    /// Records an event that nobody asked for, if later events cannot be understood without it: it
    /// is marked to be followed and not shown.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record).
    pub fn record_state(&mut self, event: &dyn Event, arena: &Arena) -> Result<(), WriteError> {
        self.record_as(event, arena, true)
    }

    fn record_as(
        &mut self,
        event: &dyn Event,
        arena: &Arena,
        state: bool,
    ) -> Result<(), WriteError> {
        self.say_omissions(event, arena)?;
        if !state && KindInfo::of(event.kind()).is_some_and(|kind| !self.options.records(kind)) {
            return Ok(());
        }
        let Self { writer, options, record, context, counts, unsaid: _ } = self;
        context::encode(event, arena, context);
        let context = Context::of(context.record());
        let options = *options;
        let written = if event.kind() == EventKind::TASK && !writer.events {
            let row = task::row(event, arena, options.env);
            write_with(writer, context, &Item::Process(Box::new(row)))
        } else {
            let keep = |kind: &KindInfo, param: &ParamInfo| options.keeps(kind, param);
            if !record.encode_kept(event, arena, keep) {
                counts.refused += 1;
                return Ok(());
            }
            if state && !event.kind().is_state() {
                record.set_state_only(true);
            }
            write_with(writer, context, &Item::Event(record.record()))
        };
        match written {
            Ok(()) if state => counts.states += 1,
            Ok(()) => counts.events += 1,
            Err(error) if error.is_io() => return Err(error),
            Err(_) => counts.refused += 1,
        }
        Ok(())
    }

    /// Says before the first event that something is left out of, or is left out, that it is: a replay
    /// can say what it lacks, and lacks nothing that the source did not tell.
    fn say_omissions(&mut self, event: &dyn Event, arena: &Arena) -> Result<(), WriteError> {
        let Self { writer, record, unsaid, .. } = self;
        let is_news = |omission: &Omission| omission.is_told_by(event, arena);
        if unsaid.iter().any(is_news) {
            let news = unsaid.iter().copied().filter(is_news);
            let omitted = omission::encode(news, event, arena, record);
            writer.write(&Item::Omitted(omitted))?;
            unsaid.retain(|omission| !is_news(omission));
        }
        Ok(())
    }

    /// Hands on what is gathered: see [`Writer::flush`].
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.writer.flush()
    }

    /// What was recorded so far.
    pub fn counts(&self) -> RecorderCounts {
        self.counts
    }

    /// Bytes so far, before compression.
    pub fn offset(&self) -> u64 {
        self.writer.offset()
    }

    /// Completes the capture and gives the stream back.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn finish(self) -> Result<W, WriteError> {
        self.writer.finish()
    }
}

impl RecorderOptions {
    /// Everything that a source tells.
    pub const ALL: Self = Self { env: true, buffers: true, io: true, routine: true };

    /// What is left out.
    fn omissions(self) -> impl Iterator<Item = Omission> {
        Omission::ALL.iter().copied().filter(move |omission| match omission {
            Omission::Env => !self.env,
            Omission::Buffers => !self.buffers,
            Omission::Io => !self.io,
            Omission::Routine => !self.routine,
        })
    }

    /// Whether events of a kind are recorded: a source need not tell others.
    pub fn records(self, kind: &KindInfo) -> bool {
        !self.omissions().any(|omission| omission.spans(kind))
    }

    fn keeps(self, kind: &KindInfo, param: &ParamInfo) -> bool {
        !self.omissions().any(|omission| omission.covers(kind, param))
    }
}

fn write_with<W: Write>(
    writer: &mut Writer<W>,
    context: Option<Context<'_>>,
    item: &Item<'_>,
) -> Result<(), WriteError> {
    if let Some(context) = context {
        writer.write(&Item::Context(context))?;
    }
    writer.write(item)
}

//! An event as recorded: numbers and the bytes of its params.

use std::ops::Range;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::value::Lookup;

use crate::bytes::{Bytes, TooShort};
use crate::codes;
use crate::format::{EVENT_HEADER, MOST_PARAMS, STATE_ONLY};

/// An event, its params not yet read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// The thread that it happened in.
    pub tid: u64,
    /// The CPU that it happened on.
    pub cpu: u16,
    /// Falco's event code.
    pub code: u16,
    /// Whether it only tells state, and was not meant for people: Falco's dump flag 1.
    pub state_only: bool,
    params: &'a [Range<usize>],
    data: &'a [u8],
}

impl<'a> Record<'a> {
    /// How many params it has: a recording of an older version has fewer than today's table.
    pub fn len(&self) -> usize {
        self.params.len()
    }

    /// Whether it has no params.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// The bytes of a param; `None` if there are not as many. Empty: it was not captured.
    pub fn param(&self, place: usize) -> Option<&'a [u8]> {
        self.data.get(self.params.get(place)?.clone())
    }

    /// An event with these params, whose ranges are within `data`.
    pub(crate) fn new(header: RecordHeader, params: &'a [Range<usize>], data: &'a [u8]) -> Self {
        let RecordHeader { time, tid, cpu, code, state_only } = header;
        Self { time, tid, cpu, code, state_only, params, data }
    }

    /// The same event without its params.
    pub(crate) fn without_params(self) -> Self {
        Self { params: &[], data: &[], ..self }
    }

    pub(crate) fn header(&self) -> RecordHeader {
        let Self { time, tid, cpu, code, state_only, .. } = *self;
        RecordHeader { time, tid, cpu, code, state_only }
    }
}

/// An event that owns its bytes, to be put together and used again.
///
/// ```
/// use k8srd_capture::RecordBuf;
/// use k8srd_core::event::Timestamp;
///
/// // close(3) was fine.
/// let mut close = RecordBuf::default();
/// close.begin(Timestamp::from_nanos(1_700_000_000_000_000_000), 42, 0, 5);
/// close.push(&0_i64.to_le_bytes());
/// close.push(&3_i64.to_le_bytes());
/// assert_eq!(close.record().len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecordBuf {
    header: RecordHeader,
    params: Vec<Range<usize>>,
    data: Vec<u8>,
}

impl RecordBuf {
    /// Begins another event, without params.
    pub fn begin(&mut self, time: Timestamp, tid: u64, cpu: u16, code: u16) {
        self.start(RecordHeader { time, tid, cpu, code, state_only: false });
    }

    /// Adds a param, as it is encoded in captures.
    pub fn push(&mut self, param: &[u8]) {
        self.push_with(|data| data.extend_from_slice(param));
    }

    /// Says whether it only tells state.
    pub fn set_state_only(&mut self, state_only: bool) {
        self.header.state_only = state_only;
    }

    /// The event.
    pub fn record(&self) -> Record<'_> {
        Record::new(self.header, &self.params, &self.data)
    }

    pub(crate) fn start(&mut self, header: RecordHeader) {
        self.header = header;
        self.params.clear();
        self.data.clear();
    }

    /// Begins a record with another's header of that event.
    pub(crate) fn begin_for(&mut self, event: &dyn Event, code: u16, arena: &Arena) {
        let number = |id| match event.get(&Key::of(id), arena) {
            Lookup::Known(value) => value.as_i64(),
            Lookup::Absent | Lookup::Pending => None,
        };
        // Falco has -1 for events that no thread did.
        let tid = number(field::CTX_TID).unwrap_or(-1) as u64;
        let cpu = number(field::CTX_CPU).and_then(|cpu| u16::try_from(cpu).ok()).unwrap_or(0);
        self.begin(event.time(), tid, cpu, code);
    }

    /// Adds the param that `write` appends.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.data.len();
        write(&mut self.data);
        self.params.push(start..self.data.len());
    }

    pub(crate) fn copy(&mut self, record: Record<'_>) {
        self.start(record.header());
        self.params.extend_from_slice(record.params);
        self.data.extend_from_slice(record.data);
    }

    /// Bytes that it takes beside itself.
    pub(crate) fn capacity(&self) -> usize {
        self.data.capacity() + self.params.capacity() * size_of::<Range<usize>>()
    }

    /// Gives back memory beyond what it holds and `bytes` of params.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.data.shrink_to(bytes);
    }
}

/// An event without its params.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecordHeader {
    pub(crate) time: Timestamp,
    pub(crate) tid: u64,
    pub(crate) cpu: u16,
    pub(crate) code: u16,
    pub(crate) state_only: bool,
}

/// Old writers gave the length of these wrongly, by this much.
const WRONG_LENGTH: [u16; 2] = [280, 286];
const WRONG_BY: usize = 3;

/// Reads the body of an event's block. `counted`: the header says how many params there are;
/// `flagged`: dump flags stand before it. The places of params go to `params`.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    counted: bool,
    flagged: bool,
    params: &'a mut Vec<Range<usize>>,
) -> Result<Record<'a>, String> {
    let too_short = || "an event's block is too short for its header".to_owned();
    let (&cpu, rest) = body.split_first_chunk().ok_or_else(too_short)?;
    let (flags, event) = if flagged {
        let (&flags, event) = rest.split_first_chunk().ok_or_else(too_short)?;
        (u32::from_le_bytes(flags), event)
    } else {
        (0, rest)
    };
    let mut bytes = Bytes::new(event);
    let mut header = || Ok((bytes.u64()?, bytes.u64()?, bytes.u32()?, bytes.u16()?));
    let (time, tid, length, code) = header().map_err(|_: TooShort| too_short())?;
    let (cpu, time) = (u16::from_le_bytes(cpu), Timestamp::from_nanos(time));
    let mut length = length as usize;
    let state_only = flags & STATE_ONLY != 0;
    let header = RecordHeader { time, tid, cpu, code, state_only };
    params.clear();
    let known = codes::params(code).is_some();
    if !known && !counted {
        // Of a newer version, and nothing says its form.
        return Ok(Record::new(header, &[], &[]));
    }
    let count = if counted { Some(bytes.u32().map_err(|_| too_short())? as usize) } else { None };
    if let Some(count) = count.filter(|&count| count > MOST_PARAMS) {
        return Err(format!(
            "an event of type {code} says that it has {count} params, {MOST_PARAMS} at most"
        ));
    }
    if count.is_none() && WRONG_LENGTH.contains(&code) {
        length = length.saturating_sub(WRONG_BY);
    }
    let start = if counted { EVENT_HEADER } else { EVENT_HEADER - 4 };
    let data = event.get(start..length).ok_or_else(|| {
        format!(
            "an event of type {code} says that it is {length} bytes long, its block has {}",
            event.len()
        )
    })?;
    let wide = codes::is_large(code);
    match count {
        Some(count) => {
            if !places(data, count, wide, params) {
                if !known {
                    // Of a newer version, with lengths of another width.
                    return Ok(Record::new(header, &[], &[]));
                }
                return Err(format!(
                    "an event of type {code} says that it has {count} params, which do not fit \
                     into its {length} bytes"
                ));
            }
        }
        None => {
            // Their number is the one with which the lengths add up.
            let most = codes::params(code).unwrap_or(0);
            let fits = |count: &usize| {
                places(data, *count, wide, params)
                    && params.last().map_or(count * 2, |last| last.end) == data.len()
            };
            if (0..=usize::from(most)).rev().find(fits).is_none() {
                return Err(format!(
                    "the params of an event of type {code} do not add up to its {length} bytes"
                ));
            }
        }
    }
    Ok(Record::new(header, params, data))
}

/// Finds `count` params behind their lengths; says whether all are within `data`.
fn places(data: &[u8], count: usize, wide: bool, params: &mut Vec<Range<usize>>) -> bool {
    params.clear();
    let width = if wide { 4 } else { 2 };
    let Some(lengths) = count.checked_mul(width).and_then(|end| data.get(..end)) else {
        return false;
    };
    let mut at = lengths.len();
    let mut add = |length: usize| {
        let start = at;
        // No length has more than 32 bits.
        at += length;
        params.push(start..at);
    };
    if wide {
        lengths.as_chunks().0.iter().for_each(|&length| add(u32::from_le_bytes(length) as usize));
    } else {
        lengths.as_chunks().0.iter().for_each(|&length| add(u16::from_le_bytes(length).into()));
    }
    at <= data.len()
}

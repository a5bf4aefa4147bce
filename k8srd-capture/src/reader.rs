//! Reading .scap: blocks in order, each checked, nothing kept.
//!
//! Facts: `userspace/libscap/scap_savefile.h` and `engine/savefile/scap_savefile.c` of
//! falcosecurity/libs. All numbers are little-endian.

use std::io::Read;

use crate::bytes::{Bytes, TooShort};
use crate::context::{self, Context};
use crate::error::{CaptureError, Place};
use crate::format::{
    BLOCK_HEADER, BLOCK_TRAILER, HOSTNAME, LARGE_BLOCK, ORDINARY_BLOCK, SECTION_MAGIC,
    SECTION_MAJOR, block,
};
use crate::input::Input;
use crate::omission::Omitted;
use crate::record::{self, Record};
use crate::table::{self, DescriptorRow, GroupRow, InterfaceRow, ProcessRow, RowError, UserRow};

/// Most bytes of a row of a table: texts have lengths of 16 bits, and no row has more than nine.
const ROW: usize = 1 << 20;

/// How the blocks of events hold them.
const EVENTS: [(u32, EventForm); 7] = [
    (block::EVENT, EventForm { counted: true, flagged: false, large: false }),
    (block::FLAGGED_EVENT, EventForm { counted: true, flagged: true, large: false }),
    (block::LARGE_EVENT, EventForm { counted: true, flagged: false, large: true }),
    (block::LARGE_FLAGGED_EVENT, EventForm { counted: true, flagged: true, large: true }),
    (block::OLD_EVENT, EventForm { counted: false, flagged: false, large: false }),
    (block::OLD_FLAGGED_EVENT, EventForm { counted: false, flagged: true, large: false }),
    (block::CONTEXT, EventForm { counted: true, flagged: false, large: false }),
];

/// How a block holds an event.
#[derive(Clone, Copy, Debug)]
struct EventForm {
    /// Whether the event says how many params it has.
    counted: bool,
    /// Whether flags of the recording stand before it.
    flagged: bool,
    /// Whether the block may be larger than 64 KiB.
    large: bool,
}

/// Reads a capture item by item, in bounded memory.
///
/// ```no_run
/// use k8srd_capture::{Item, Reader};
///
/// let mut reader = Reader::new(std::fs::File::open("trace.scap")?)?;
/// while let Some(item) = reader.next()? {
///     if let Item::Event(event) = item {
///         println!("{} {}", event.time.as_nanos(), event.code);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    input: Input,
    /// The block being read.
    place: Place,
    blocks: u64,
    state: State,
    /// Bytes that the item given last still occupies.
    lent: usize,
    params: Vec<std::ops::Range<usize>>,
    /// Why it cannot be read on.
    failed: Option<CaptureError>,
}

/// Something that a capture holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A section begins: what was said before is of another recording.
    Section,
    /// The machine that was recorded.
    Machine(Machine<'a>),
    /// A thread that was there.
    Process(Box<ProcessRow<'a>>),
    /// A descriptor that was open.
    Descriptor(DescriptorRow<'a>),
    /// An address of the machine.
    Interface(InterfaceRow<'a>),
    /// A user.
    User(UserRow<'a>),
    /// A group.
    Group(GroupRow<'a>),
    /// What is known, beyond Falco's format, of the event or of the process that comes next.
    Context(Context<'a>),
    /// What the recorder left out on purpose of all that comes next.
    Omitted(Omitted<'a>),
    /// An event.
    Event(Record<'a>),
}

/// The machine that was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine<'a> {
    /// Number of CPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Highest process id.
    pub max_pid: u64,
    /// Name of the host.
    pub hostname: &'a [u8],
    /// When it was booted, nanoseconds since 1970; 0 if the writer did not know.
    pub boot_time: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The very first block, which has to begin a section.
    Start,
    /// The header of a block.
    Header,
    /// A row of a table, or its end.
    Table { table: Table, body: Body },
}

/// What is left of a block.
#[derive(Clone, Copy, Debug)]
struct Body {
    total: u32,
    left: u32,
}

#[derive(Clone, Copy, Debug)]
enum Table {
    Processes {
        version: u8,
    },
    /// `tid` is read first.
    Descriptors {
        version: u8,
        tid: Option<i64>,
    },
    Interfaces {
        version: u8,
    },
    Users {
        version: u8,
    },
}

impl Table {
    /// The table in blocks of this type.
    fn of(kind: u32) -> Option<Self> {
        let version = |kinds: &[u32]| {
            (1..).zip(kinds).find(|(_, it)| **it == kind).map(|(version, _)| version)
        };
        let processes = version(&block::PROCESSES).map(|version| Self::Processes { version });
        processes
            .or_else(|| {
                let version = version(&block::DESCRIPTORS)?;
                Some(Self::Descriptors { version, tid: None })
            })
            .or_else(|| version(&block::INTERFACES).map(|version| Self::Interfaces { version }))
            .or_else(|| version(&block::USERS).map(|version| Self::Users { version }))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Processes { .. } => "the list of processes",
            Self::Descriptors { .. } => "a list of descriptors",
            Self::Interfaces { .. } => "the list of interfaces",
            Self::Users { .. } => "the list of users",
        }
    }
}

/// What [`Reader::advance`] found; its bytes are available.
#[derive(Clone, Copy)]
enum Found {
    Section { whole: usize },
    Machine { body: usize, whole: usize },
    Row { table: Table, limit: usize },
    Event { form: EventForm, body: usize, whole: usize },
}

impl Reader {
    /// Reads a stream, compressed or not.
    ///
    /// # Errors
    ///
    /// Where its first bytes cannot be read.
    pub fn new(stream: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Input::open(stream).map(Self::of)
    }

    pub(crate) fn of(input: Input) -> Self {
        Self {
            input,
            place: Place::default(),
            blocks: 0,
            state: State::Start,
            lent: 0,
            params: Vec::new(),
            failed: None,
        }
    }

    /// Bytes read so far, after decompression.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The next item, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Where the capture cannot be read on: it is cut, or a length in it is wrong. The same error
    /// comes again when asked again.
    #[expect(clippy::should_implement_trait, reason = "an item borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, CaptureError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.input.consume(std::mem::take(&mut self.lent));
        let found = match self.advance() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.failed.insert(error).clone()),
        };
        let Self { input, place, state, lent, params, failed, .. } = self;
        let (bytes, place) = (input.available(), *place);
        let item = match found {
            // Nearly all are: nothing is put together twice.
            Found::Event { form: EventForm { counted, flagged, .. }, body, whole } => {
                *lent = whole;
                let item = match record::parse(in_block(bytes, body), counted, flagged, params) {
                    Ok(event) if event.code != context::CODE => {
                        return Ok(Some(Item::Event(event)));
                    }
                    Ok(record) => own(record),
                    Err(message) => Err(message),
                };
                item.map_err(|message| CaptureError::corrupt(message, place))
            }
            Found::Section { whole } => {
                *lent = whole;
                Ok(Item::Section)
            }
            Found::Machine { body, whole } => {
                *lent = whole;
                let short = |_| CaptureError::corrupt("the machine's block is too short", place);
                machine(in_block(bytes, body)).map(Item::Machine).map_err(short)
            }
            Found::Row { table, limit } => {
                let mut row = Bytes::new(bytes.get(..limit).unwrap_or(bytes));
                let item = item(table, &mut row);
                *lent = row.read();
                if let State::Table { body, .. } = state {
                    body.left = body.left.saturating_sub(row.read() as u32);
                }
                item.map_err(|error| match error {
                    RowError::Wrong(message) => CaptureError::corrupt(message, place),
                    RowError::TooShort if bytes.len() < limit => {
                        CaptureError::truncated(table.name(), place)
                    }
                    RowError::TooShort => {
                        let message = format!("a row goes on past the end of {}", table.name());
                        CaptureError::corrupt(message, place)
                    }
                })
            }
        };
        item.map(Some).map_err(|error| failed.insert(error).clone())
    }

    /// Goes to the next item and makes its bytes available; `None` at the end.
    fn advance(&mut self) -> Result<Option<Found>, CaptureError> {
        loop {
            match self.state {
                State::Table { table: Table::Descriptors { version, tid: None }, body } => {
                    let bytes = self.need(8, "a list of descriptors")?;
                    let tid = Bytes::new(bytes).i64().unwrap_or_default();
                    self.input.consume(8);
                    let left = body.left.checked_sub(8).ok_or_else(|| {
                        let message = "a list of descriptors is too short for its thread's id";
                        CaptureError::corrupt(message, self.place)
                    })?;
                    let table = Table::Descriptors { version, tid: Some(tid) };
                    self.state = State::Table { table, body: Body { left, ..body } };
                }
                State::Table { table, body } if body.left >= 4 => {
                    let limit = (body.left as usize).min(ROW);
                    self.fill(limit)?;
                    return Ok(Some(Found::Row { table, limit }));
                }
                State::Table { table, body } => {
                    // Less than four bytes are padding.
                    let rest = (body.left + BLOCK_TRAILER) as usize;
                    let bytes = self.need(rest, table.name())?;
                    let trailer = trailer(bytes.get(body.left as usize..).unwrap_or_default());
                    self.check_trailer(body.total, trailer)?;
                    self.input.consume(rest);
                    self.state = State::Header;
                }
                State::Start | State::Header => {
                    self.place = Place { block: self.blocks, offset: self.input.offset() };
                    self.fill(BLOCK_HEADER as usize)?;
                    if self.input.available().is_empty() && matches!(self.state, State::Header) {
                        return Ok(None);
                    }
                    if let Some(found) = self.header()? {
                        return Ok(Some(found));
                    }
                }
            }
        }
    }

    /// Reads a block's header; `None` where that gave no item.
    fn header(&mut self) -> Result<Option<Found>, CaptureError> {
        if self.input.available().is_empty() {
            return Err(CaptureError::truncated("its first block", self.place));
        }
        let mut bytes = Bytes::new(self.need(BLOCK_HEADER as usize, "a block's header")?);
        let (kind, total) = match (bytes.u32(), bytes.u32()) {
            (Ok(kind), Ok(total)) => (kind, total),
            _ => return Err(CaptureError::truncated("a block's header", self.place)),
        };
        if matches!(self.state, State::Start) && kind != block::SECTION {
            let message = "it does not begin like a .scap capture (0a 0d 0d 0a)";
            return Err(CaptureError::corrupt(message, self.place));
        }
        let body = total.checked_sub(BLOCK_HEADER + BLOCK_TRAILER).filter(|_| total % 4 == 0);
        let body = body.ok_or_else(|| {
            let message = format!("a block of type {kind:#x} says that it is {total} bytes long");
            CaptureError::corrupt(message, self.place)
        })?;
        self.blocks += 1;
        let kind = block::today(kind);
        self.state = State::Header;
        if let Some(&(_, form)) = EVENTS.iter().find(|(known, _)| *known == kind) {
            let limit = if form.large { LARGE_BLOCK } else { ORDINARY_BLOCK };
            if total > limit {
                let message = format!("an event's block is {total} bytes long, {limit} at most");
                return Err(CaptureError::corrupt(message, self.place));
            }
            self.whole(total, "an event")?;
            let (body, whole) = (body as usize, total as usize);
            return Ok(Some(Found::Event { form, body, whole }));
        }
        if let Some(table) = Table::of(kind) {
            self.input.consume(BLOCK_HEADER as usize);
            self.state = State::Table { table, body: Body { total, left: body } };
            return Ok(None);
        }
        if kind == block::SECTION {
            return self.section(total, body).map(Some);
        }
        if kind == block::MACHINE && total <= ORDINARY_BLOCK {
            self.whole(total, "the machine's block")?;
            let (body, whole) = (body as usize, total as usize);
            return Ok(Some(Found::Machine { body, whole }));
        }
        self.input.skip(total as usize, "a block of unknown type", self.place)?;
        Ok(None)
    }

    fn section(&mut self, total: u32, body: u32) -> Result<Found, CaptureError> {
        if total > ORDINARY_BLOCK {
            let message =
                format!("a section's header is {total} bytes long, {ORDINARY_BLOCK} at most");
            return Err(CaptureError::corrupt(message, self.place));
        }
        self.whole(total, "a section's header")?;
        let bytes = self.input.available().get(BLOCK_HEADER as usize..).unwrap_or_default();
        let mut bytes = Bytes::new(bytes.get(..body as usize).unwrap_or_default());
        let header = (bytes.u32(), bytes.u16(), bytes.u16(), bytes.u64());
        let wrong = |message: String| Err(CaptureError::corrupt(message, self.place));
        match header {
            (Ok(SECTION_MAGIC), Ok(SECTION_MAJOR), Ok(_), Ok(_)) => {
                Ok(Found::Section { whole: total as usize })
            }
            (Ok(magic), ..) if magic == SECTION_MAGIC.swap_bytes() => {
                wrong("it was recorded on a big-endian machine, which cannot be read".to_owned())
            }
            (Ok(SECTION_MAGIC), Ok(major), Ok(minor), _) => wrong(format!(
                "it is of version {major}.{minor}, only {SECTION_MAJOR}.x can be read"
            )),
            _ => wrong("a section's header is not one of a .scap capture".to_owned()),
        }
    }

    /// Makes a whole block available, and compares its two lengths.
    fn whole(&mut self, total: u32, what: &'static str) -> Result<(), CaptureError> {
        let bytes = self.need(total as usize, what)?;
        let trailer = trailer(bytes.get((total - BLOCK_TRAILER) as usize..).unwrap_or_default());
        self.check_trailer(total, trailer)
    }

    fn check_trailer(&self, total: u32, trailer: u32) -> Result<(), CaptureError> {
        if trailer == total {
            return Ok(());
        }
        let message = format!(
            "a block says at its start that it is {total} bytes long, at its end {trailer}"
        );
        Err(CaptureError::corrupt(message, self.place))
    }

    #[inline]
    fn fill(&mut self, n: usize) -> Result<(), CaptureError> {
        self.input.fill_in(n, self.place)
    }

    /// Exactly `n` bytes, which stay available.
    fn need(&mut self, n: usize, what: &'static str) -> Result<&[u8], CaptureError> {
        self.input.need(n, what, self.place)
    }
}

/// The body of a block.
fn in_block(bytes: &[u8], body: usize) -> &[u8] {
    let body = bytes.get(BLOCK_HEADER as usize..).and_then(|bytes| bytes.get(..body));
    body.unwrap_or_default()
}

/// The length that stands behind a block. No block has the length 0.
fn trailer(bytes: &[u8]) -> u32 {
    Bytes::new(bytes).u32().unwrap_or_default()
}

/// What a record of k8srd's own is; an event, if its form is not known.
fn own(record: Record<'_>) -> Result<Item<'_>, String> {
    if let Some(context) = Context::of(record) {
        return Ok(Item::Context(context));
    }
    Ok(Omitted::of(record)?.map_or(Item::Event(record), Item::Omitted))
}

fn item<'a>(table: Table, bytes: &mut Bytes<'a>) -> Result<Item<'a>, RowError> {
    Ok(match table {
        Table::Processes { version } => {
            Item::Process(Box::new(table::parse_process(bytes, version)?))
        }
        Table::Descriptors { version, tid } => {
            Item::Descriptor(table::parse_descriptor(bytes, version, tid.unwrap_or_default())?)
        }
        Table::Interfaces { version } => Item::Interface(table::parse_interface(bytes, version)?),
        Table::Users { version } => match table::parse_user(bytes, version)? {
            table::UserOrGroup::User(user) => Item::User(user),
            table::UserOrGroup::Group(group) => Item::Group(group),
        },
    })
}

fn machine(body: &[u8]) -> Result<Machine<'_>, TooShort> {
    let mut bytes = Bytes::new(body);
    let (cpus, memory, max_pid) = (bytes.u32()?, bytes.u64()?, bytes.u64()?);
    let hostname = bytes.take(HOSTNAME)?;
    let end = hostname.iter().position(|&byte| byte == 0).unwrap_or(hostname.len());
    let boot_time = bytes.u64()?;
    let hostname = hostname.get(..end).unwrap_or(hostname);
    Ok(Machine { cpus, memory, max_pid, hostname, boot_time })
}

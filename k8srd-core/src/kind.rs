//! Kinds: what events there are and what params they carry.
//!
//! Live and recorded events share one table, Falco's: codes, names and params are those of
//! `driver/event_table.c` in falcosecurity/libs, so that a recording made by one tool means the
//! same to the other. Three ranges of codes:
//!
//! | codes | kinds |
//! | --- | --- |
//! | 0 to 0xDFFF | Falco's event codes as they are; a schema of one's own counts from 0 too |
//! | 0xE000 to 0xEFFF | [`EventKind::call`]: a system call without an event of its own. Falco records it as code 1 with the call's number (`PPM_SC_*`) as a param; here each is a kind, so that `evt.type = madvise` is decided by kind like any other |
//! | 0xF000 to 0xFFFF | [`EventKind::state`]: only carries state. Enrichers observe it, no rule is judged on it |
//!
//! State is what the task iterators tell of processes that run already, and the entries of `open`,
//! `openat`, `openat2`, `creat` and `connect`: Falco's parsers read these for the arguments as they
//! were before the call, then drops them before rules. That they only carry state is
//! in their code, not in a list of codes, since the low codes mean other things in a schema of
//! one's own; and it stays one comparison for each event.

mod calls;
mod class;
mod flags;
mod state;
mod table;

use std::borrow::Cow;

pub use calls::event_name_of;
pub use class::{KindClass, ParseKindClassError};
pub use flags::{FlagName, enum_text, flags_text, mode_text};
pub use table::KINDS;

use crate::field::NumberFormat;

/// A kind of event: Falco's event code. Kinds of a schema of one's own count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(pub u16);

impl EventKind {
    /// In recordings of Falco's, a system call without an event of its own: a param says which.
    pub const GENERIC: Self = Self(1);
    /// `open`, when it returns.
    pub const OPEN: Self = Self(3);
    /// `connect`, when it returns.
    pub const CONNECT: Self = Self(23);
    /// `creat`, when it returns.
    pub const CREAT: Self = Self(59);
    /// A thread ends.
    pub const PROCEXIT: Self = Self(186);
    /// `clone`, when it returns to the caller.
    pub const CLONE: Self = Self(223);
    /// `fork`, when it returns to the caller.
    pub const FORK: Self = Self(225);
    /// `vfork`, when it returns to the caller.
    pub const VFORK: Self = Self(227);
    /// `execve`, when it returns or the new program starts.
    pub const EXECVE: Self = Self(293);
    /// `openat`, when it returns.
    pub const OPENAT: Self = Self(307);
    /// `openat2`, when it returns.
    pub const OPENAT2: Self = Self(327);
    /// `execveat`, when it returns or the new program starts.
    pub const EXECVEAT: Self = Self(331);
    /// `clone3`, when it returns to the caller.
    pub const CLONE3: Self = Self(335);
    /// A thread that ran already when the source started. State, never judged by rules.
    pub const TASK: Self = Self(FIRST_STATE);
    /// A descriptor that was open already when a recording began. State, never judged by rules.
    pub const DESCRIPTOR: Self = Self(FIRST_OWN_STATE);
    /// An address of the machine that was recorded. State, never judged by rules.
    pub const INTERFACE: Self = Self(FIRST_OWN_STATE + 1);
    /// Another recording begins in the same file: what was known holds no more. State, never judged
    /// by rules.
    pub const SECTION: Self = Self(FIRST_OWN_STATE + 2);

    /// The system call with this `PPM_SC_*` number, if it has no event of its own. All from 4095 on
    /// are one: no table of system calls is that long.
    pub const fn call(number: u16) -> Self {
        const LAST: u16 = FIRST_STATE - FIRST_CALL - 1;
        Self(FIRST_CALL + if number < LAST { number } else { LAST })
    }

    /// The events with this code of Falco's, if they only carry state. All from 4095 on are one,
    /// and no event has it.
    pub const fn state(code: u16) -> Self {
        Self(FIRST_STATE.saturating_add(code))
    }

    /// Whether this is a system call without an event of its own.
    pub const fn is_call(self) -> bool {
        FIRST_CALL <= self.0 && self.0 < FIRST_STATE
    }

    /// Whether this kind only carries state: enrichers observe it, matchers never see it.
    pub const fn is_state(self) -> bool {
        self.0 >= FIRST_STATE
    }

    /// The event code under which Falco records it; `None` for what is not Falco's, such as
    /// [`EventKind::TASK`].
    pub const fn falco_code(self) -> Option<u16> {
        match self {
            Self::TASK | Self(FIRST_OWN_STATE..) => None,
            Self(code) if self.is_state() => Some(code - FIRST_STATE),
            _ if self.is_call() => Some(Self::GENERIC.0),
            Self(code) => Some(code),
        }
    }
}

const FIRST_CALL: u16 = 0xE000;
const FIRST_STATE: u16 = 0xF000;
/// State that is not of a kind of Falco's; 0xF000 itself is.
const FIRST_OWN_STATE: u16 = 0xF800;

/// One row of the kind table.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table: plain data")]
pub struct KindInfo {
    /// The kind.
    pub kind: EventKind,
    /// Its name: what `evt.type` says.
    pub name: Cow<'static, str>,
    /// Where such events come from.
    pub origin: Origin,
    /// What they are about.
    pub category: Category,
    /// What they do, as far as it concerns descriptors and what is known of processes.
    pub flags: KindFlags,
    /// How many of Falco's event codes have this name: entries, exits, and older versions. Calls
    /// without an event of their own share two.
    pub codes: u16,
    /// Its params in order.
    pub params: Cow<'static, [ParamInfo]>,
}

impl KindInfo {
    /// The row of a kind of Falco's schema, found without a search. For a schema of one's own there is
    /// [`Schema::kind_info`](crate::schema::Schema::kind_info).
    pub fn of(kind: EventKind) -> Option<&'static Self> {
        table::row(kind)
    }

    /// A kind of a schema of one's own, of which nothing is known but the name.
    pub const fn custom(kind: EventKind, name: Cow<'static, str>) -> Self {
        Self {
            kind,
            name,
            origin: Origin::Custom,
            category: Category::Other,
            flags: KindFlags::NONE,
            codes: 1,
            params: Cow::Borrowed(&[]),
        }
    }

    /// The place and description of the param `name`.
    pub fn param(&self, name: &str) -> Option<(u8, &ParamInfo)> {
        let place = self.params.iter().position(|param| param.name == name)?;
        Some((u8::try_from(place).ok()?, &self.params[place]))
    }

    /// Whether it tells that a system call begins, not that it returned: `evt.dir` is `>`. Facts
    /// other than system calls count as entries where Falco's code is even.
    pub const fn is_entry(&self) -> bool {
        match self.kind.falco_code() {
            Some(code) => code % 2 == 0,
            None => true,
        }
    }

    /// The place of the param that holds the call's return value: the first, whatever its name.
    /// Calls without an event of their own do not tell it.
    pub fn result(&self) -> Option<u8> {
        let returns = matches!(self.origin, Origin::Syscall)
            && !self.is_entry()
            && self.kind.falco_code() != Some(EventKind::GENERIC.0);
        (returns && !self.params.is_empty()).then_some(0)
    }

    /// The place of the param that holds the directory which the param at `place`, a
    /// [`ParamType::RelPath`], starts from: the last descriptor before it.
    pub fn directory_of(&self, place: u8) -> Option<u8> {
        let before = self.params.get(..usize::from(place))?;
        let directory = before.iter().rposition(|param| param.ty == ParamType::Fd)?;
        u8::try_from(directory).ok()
    }
}

/// Where events of a kind come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A system call: `syscall.type` is its name.
    Syscall,
    /// Another fact that the kernel tells.
    Tracepoint,
    /// A walk over what is there.
    Iterator,
    /// Something told beside the kernel's events: users, containers, drops.
    Meta,
    /// A plugin of Falco's.
    Plugin,
    /// A schema of one's own.
    Custom,
}

/// What events of a kind are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// Nothing: the name is kept, no event has it.
    Unknown,
    /// Nothing in particular.
    Other,
    /// Files and file systems.
    File,
    /// The network.
    Net,
    /// Communication between processes.
    Ipc,
    /// Memory.
    Memory,
    /// Processes.
    Process,
    /// Sleeping.
    Sleep,
    /// The system as a whole.
    System,
    /// Signals.
    Signal,
    /// Users and groups.
    User,
    /// Clocks.
    Time,
    /// Reading from a descriptor.
    IoRead,
    /// Writing to a descriptor.
    IoWrite,
    /// Another use of a descriptor.
    IoOther,
    /// Waiting for descriptors.
    Wait,
    /// The scheduler.
    Scheduler,
    /// The sensor itself.
    Internal,
}

impl Category {
    /// What `evt.category` says; `None` where that depends on what the descriptor is.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => "unknown",
            Self::Other => "other",
            Self::File => "file",
            Self::Net => "net",
            Self::Ipc => "IPC",
            Self::Memory => "memory",
            Self::Process => "process",
            Self::Sleep => "sleep",
            Self::System => "system",
            Self::Signal => "signal",
            Self::User => "user",
            Self::Time => "time",
            Self::IoRead | Self::IoWrite | Self::IoOther => return None,
            Self::Wait => "wait",
            Self::Scheduler => "scheduler",
            Self::Internal => "internal",
        })
    }
}

/// What events of a kind do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KindFlags(u16);

impl KindFlags {
    /// None of these.
    pub const NONE: Self = Self(0);
    /// Changes what is known of processes and descriptors.
    pub const MODIFIES_STATE: Self = Self(1 << 0);
    /// Makes a descriptor.
    pub const CREATES_FD: Self = Self(1 << 1);
    /// Closes a descriptor.
    pub const DESTROYS_FD: Self = Self(1 << 2);
    /// Works on a descriptor: a param says which.
    pub const USES_FD: Self = Self(1 << 3);
    /// Reads from a descriptor: `evt.is_io_read`.
    pub const READS_FROM_FD: Self = Self(1 << 4);
    /// Writes to a descriptor: `evt.is_io_write`.
    pub const WRITES_TO_FD: Self = Self(1 << 5);
    /// May wait: `evt.is_wait`.
    pub const WAITS: Self = Self(1 << 6);
    /// Is no deed of the thread that it is about.
    pub const BESIDE_THREAD: Self = Self(1 << 7);
    /// A recording keeps the lengths of its params in 32 bits.
    pub const LARGE_PAYLOAD: Self = Self(1 << 8);

    /// Each flag with the letter that stands for it in tables.
    pub const LETTERS: [(Self, char); 9] = [
        (Self::MODIFIES_STATE, 's'),
        (Self::CREATES_FD, 'c'),
        (Self::DESTROYS_FD, 'd'),
        (Self::USES_FD, 'u'),
        (Self::READS_FROM_FD, 'r'),
        (Self::WRITES_TO_FD, 'w'),
        (Self::WAITS, 'b'),
        (Self::BESIDE_THREAD, 'k'),
        (Self::LARGE_PAYLOAD, 'L'),
    ];

    /// Whether all of `flags` are set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The letters of the flags that are set.
    pub fn letters(self) -> impl Iterator<Item = char> {
        Self::LETTERS.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, it)| it)
    }

    /// The flags that these letters stand for.
    const fn of_letters(letters: &str) -> Self {
        let (letters, mut flags, mut at) = (letters.as_bytes(), 0, 0);
        while at < letters.len() {
            let mut row = 0;
            // A letter that stands for nothing runs out of the table, and does not compile.
            while Self::LETTERS[row].1 != letters[at] as char {
                row += 1;
            }
            flags |= Self::LETTERS[row].0.0;
            at += 1;
        }
        Self(flags)
    }
}

/// One param of a kind.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table: plain data")]
pub struct ParamInfo {
    /// Its name: `evt.arg.<name>`.
    pub name: &'static str,
    /// Its type.
    pub ty: ParamType,
    /// How many bytes it takes in a recording; 0 where that varies.
    pub width: u8,
    /// How a number is printed.
    pub format: NumberFormat,
    /// For flags and modes, the names of the bits or values.
    pub flags: &'static [FlagName],
    /// For [`ParamType::Dyn`], what it may be: a recording says which, by place.
    pub variants: &'static [ParamInfo],
}

/// A param's type, with the name and the meaning that Falco's event table gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParamType {
    /// A return value: 0 or more, or a negative errno.
    Errno,
    /// A file descriptor, or a negative errno.
    Fd,
    /// A process or thread id.
    Pid,
    /// A signal number.
    Signal,
    /// A set of signals, one bit each.
    SignalSet,
    /// A user id; 4294967295 is none.
    Uid,
    /// A group id; 4294967295 is none.
    Gid,
    /// Signed integer.
    Int,
    /// Unsigned integer.
    Uint,
    /// Text.
    Str,
    /// A path as given.
    Path,
    /// A path as given, relative to a directory descriptor param
    /// ([`KindInfo::directory_of`]).
    RelPath,
    /// A buffer; also arguments, environment and cgroups of a process, NUL-separated.
    Bytes,
    /// NUL-separated texts.
    StrArray,
    /// File descriptors, each with the bits of `poll`.
    FdList,
    /// Several bits.
    Flags,
    /// One value out of several.
    EnumFlags,
    /// A file's mode bits.
    Mode,
    /// A socket address.
    SockAddr,
    /// Both ends of a socket.
    SockTuple,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A port.
    Port,
    /// The number of a system call: Falco's `PPM_SC_*`.
    CallId,
    /// One of several types, as the call's other params have it.
    Dyn,
    /// A duration, nanoseconds.
    RelTime,
    /// A point in time, nanoseconds since 1970.
    AbsTime,
}

impl ParamType {
    /// Its name in tables: Falco's, without what says how wide it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Errno => "errno",
            Self::Fd => "fd",
            Self::Pid => "pid",
            Self::Signal => "signal",
            Self::SignalSet => "signal set",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Str => "text",
            Self::Path => "path",
            Self::RelPath => "relative path",
            Self::Bytes => "bytes",
            Self::StrArray => "texts",
            Self::FdList => "fd list",
            Self::Flags => "flags",
            Self::EnumFlags => "enum",
            Self::Mode => "mode",
            Self::SockAddr => "address",
            Self::SockTuple => "tuple",
            Self::Ip => "ip",
            Self::Port => "port",
            Self::CallId => "call",
            Self::Dyn => "dynamic",
            Self::RelTime => "duration",
            Self::AbsTime => "time",
        }
    }
}

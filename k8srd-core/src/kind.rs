//! Kinds: what events there are and what params they carry.
//!
//! Live and recorded events share one table, Falco's: codes, names and params are those of
//! `driver/event_table.c` in falcosecurity/libs, so that a recording made by one tool means the
//! same to the other.

mod flags;
mod table;

use std::borrow::Cow;

pub use flags::{FlagName, flags_text};
pub use table::KINDS;

/// A kind of event: Falco's event code. Kinds of a schema of one's own count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(pub u16);

impl EventKind {
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
    pub const TASK: Self = Self(0xF000);

    /// Whether this kind only carries state: enrichers observe it, matchers never see it.
    pub const fn is_state(self) -> bool {
        self.0 >= 0xF000
    }
}

/// One row of the kind table.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table: plain data")]
pub struct KindInfo {
    /// The kind.
    pub kind: EventKind,
    /// Its name: what `evt.type` says.
    pub name: Cow<'static, str>,
    /// Its params in order.
    pub params: Cow<'static, [ParamInfo]>,
}

impl KindInfo {
    /// The place and description of the param `name`.
    pub fn param(&self, name: &str) -> Option<(u8, &ParamInfo)> {
        let place = self.params.iter().position(|param| param.name == name)?;
        Some((u8::try_from(place).ok()?, &self.params[place]))
    }

    /// The place of the param that holds the call's return value: `res`, or the fd it made.
    pub fn result(&self) -> Option<u8> {
        let first = self.params.first()?;
        let is_result = matches!(first.ty, ParamType::Errno | ParamType::Fd | ParamType::Pid)
            && matches!(first.name, "res" | "fd");
        is_result.then_some(0)
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
    /// For flags, the names of the bits or values.
    pub flags: &'static [FlagName],
}

/// A param's type, with the name and the meaning that Falco's event table gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A path as given, relative to a directory descriptor param.
    RelPath,
    /// NUL-separated texts: arguments, environment, cgroups.
    StrArray,
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
    /// A point in time, nanoseconds since 1970.
    AbsTime,
}

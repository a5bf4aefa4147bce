//! Events: what the rule engine is asked about.

use crate::arena::Arena;
use crate::catalogue as field;
use crate::field::{FieldId, Key};
use crate::kind::EventKind;
use crate::value::{Lookup, Value};

/// Something that can be read field by field: the one question the rule engine asks of data.
pub trait Fields {
    /// The value of `key`. A computed value is put into `arena`.
    ///
    /// Looks up, never fetches: no I/O, no lock, no clock. An unknown key is
    /// [`Lookup::Absent`].
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>>;
}

/// One observed fact. Implement it for your own struct and rules work on it.
pub trait Event: Fields {
    /// What kind of fact this is.
    fn kind(&self) -> EventKind;

    /// When it happened.
    fn time(&self) -> Timestamp;

    /// Who did it, as the source tells: the same as its `ctx.*` fields say. Every event is asked
    /// for it, so a source that has these numbers at hand gives them at once.
    fn task<'a>(&'a self, arena: &'a Arena) -> &'a Task {
        arena.alloc(Task::read(self, arena))
    }

    /// An id for the unchanged record behind all fields of `scope`; `None` claims nothing, and
    /// nothing is cached.
    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        let _ = scope;
        None
    }

    /// Which of its names this view of the event gives to a file.
    fn reading(&self) -> Reading {
        Reading::Given
    }

    /// The same event under the file's other name, where it has one that differs (a path through
    /// a symbolic link): a rule matches if it matches under either.
    fn alternate(&self) -> Option<&dyn Event> {
        None
    }
}

/// The thread that an event is about, and how to know it from others that have its id before or
/// after. What the source does not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// `ctx.tid`; `None`, too, where no thread did it (a recording tells a negative id).
    pub tid: Option<u32>,
    /// `ctx.pid`: of its process.
    pub pid: Option<u32>,
    /// `ctx.ppid`: of the parent.
    pub ppid: Option<u32>,
    /// `ctx.start_time`: nanoseconds since boot.
    pub start_time: Option<u64>,
    /// `ctx.leader_start_time`: of the process' main thread, nanoseconds since boot.
    pub leader_start_time: Option<u64>,
    /// `ctx.exec_id`: of the program that it runs.
    pub exec_id: Option<u64>,
    /// `ctx.cgroup_id`.
    pub cgroup_id: Option<u64>,
}

impl Task {
    /// What the `ctx.*` fields say.
    pub fn read(fields: &(impl Fields + ?Sized), arena: &Arena) -> Self {
        let number = |id: FieldId| fields.get(&Key::of(id), arena).known()?.as_u64();
        let id = |id| u32::try_from(number(id)?).ok();
        Self {
            tid: id(field::CTX_TID),
            pid: id(field::CTX_PID),
            ppid: id(field::CTX_PPID),
            start_time: number(field::CTX_START_TIME),
            leader_start_time: number(field::CTX_LEADER_START_TIME),
            exec_id: number(field::CTX_EXEC_ID),
            cgroup_id: number(field::CTX_CGROUP_ID),
        }
    }
}

/// Which name of a file an event's path fields tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a file opened by name has these two names")]
pub enum Reading {
    /// The name that the program used, made absolute lexically. Falco's meaning.
    #[default]
    Given,
    /// The name under which the kernel found the file.
    Resolved,
}

/// How long the values of a field hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// This event only: the default, and always right.
    Event,
    /// Until the thread changes.
    Thread,
    /// Until the process changes.
    Process,
    /// Until the process or one of its ancestors changes.
    Lineage,
    /// Until the container changes.
    Container,
    /// Until the node changes.
    Node,
}

/// An id for one unchanged record. It is never used again for another content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Stamp {
    /// Which record.
    pub slot: u32,
    /// Which content of it.
    pub generation: u32,
}

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `nanos` nanoseconds after 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

//! Processes: who did it, what it runs, where it comes from.

mod accounts;
mod caps;
mod ended;
mod facts;
mod fields;
mod kin;
mod lifecycle;
mod lineage;
mod places;
mod recorded;
mod repair;
mod slab;
mod stamps;
mod start;
mod state;
mod table;
mod users;

use std::path::PathBuf;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::{Event, Scope, Stamp, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::value::{Lookup, Value};

use crate::read;
use crate::unmarked::{self, Unmarked};
use ended::Gone;
use fields::Place;
use places::Places;
use recorded::{CpuTime, Params};
use repair::Repair;
use start::StartTime;
use table::{Limits, Table};
use users::Users;

/// Answers the `proc.*`, `thread.*`, `user.*` and `group.*` fields from a thread table.
///
/// What an exec fixes (name, arguments, environment, executable) comes once, with the exec, the
/// fork or the snapshot at the start. What a process may change at any time (ids, capabilities,
/// session, terminal) is taken from the task context that each event carries.
///
/// Every record about a thread is checked against the start time in the table, so a thread id that
/// is used again never mixes two processes, even if the record of the first one's end was lost. A
/// lost exec shows in the exec id: the old program's facts are dropped, and those of the new one
/// read from /proc if that is allowed, at most 100 times a second. Until then they are absent.
///
/// A recording of Falco's tells of a thread only its id. Its calls are followed from the rows at the
/// start on, and each thread has what it had when it was made, as Falco does it.
///
/// Memory is bounded by [`ProcessesBuilder::threads`] (about 0.6 KiB each in the worst case, where
/// each is a process) and [`ProcessesBuilder::memory`].
#[derive(Debug)]
pub struct Processes {
    table: Table,
    places: Places,
    users: Users,
    repair: Repair,
    params: Params,
    gone: Gone,
    /// When each processor last went from one thread to another.
    switches: Vec<Option<Timestamp>>,
    /// What the event tells of the thread that it is about, if it is a switch or a report of
    /// processor time.
    ran: u64,
    cpu: CpuTime,
    counts: ProcessCounts,
}

/// What happened to the thread table so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessCounts {
    /// Threads in the table now, those that ended within the last second included.
    pub threads: u64,
    /// Processes in the table now, those that ended within the last second included.
    pub processes: u64,
    /// Bytes of arguments, environments and paths in the table now.
    pub memory: u64,
    /// Processes that were met without a record of their start.
    pub missed_starts: u64,
    /// Execs that were noticed by the exec id only.
    pub missed_execs: u64,
    /// Processes whose facts were read from /proc.
    pub repaired: u64,
    /// Processes forgotten, or threads not taken in, because a bound was reached.
    pub evicted: u64,
    /// Users and groups that a recording told and that were not taken in, because a bound was
    /// reached.
    pub refused_accounts: u64,
}

/// The default of [`ProcessesBuilder::threads`], as in Falco.
pub const DEFAULT_THREADS: usize = 262_144;
/// The default of [`ProcessesBuilder::memory`]: 256 MiB.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// Puts a [`Processes`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProcessesBuilder {
    limits: Limits,
    host_root: Option<PathBuf>,
    proc_root: Option<PathBuf>,
}

impl Processes {
    /// By default it reads no file: no user has a name but root, and what was lost stays absent.
    pub fn builder() -> ProcessesBuilder {
        ProcessesBuilder {
            limits: Limits { threads: DEFAULT_THREADS, bytes: DEFAULT_MEMORY },
            host_root: None,
            proc_root: None,
        }
    }

    /// What happened so far.
    pub fn counts(&self) -> ProcessCounts {
        ProcessCounts {
            threads: self.table.thread_count() as u64,
            processes: self.table.process_count() as u64,
            memory: self.table.bytes() as u64,
            evicted: self.table.evicted(),
            refused_accounts: self.users.refused(),
            ..self.counts
        }
    }
}

impl ProcessesBuilder {
    /// Most threads in the table (at least 16). Past it, processes without children that were
    /// silent longest are forgotten.
    pub fn threads(mut self, threads: usize) -> Self {
        self.limits.threads = threads.max(16);
        self
    }

    /// Most bytes of arguments, environments and paths in the table.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Names of users and groups come from `etc/passwd` and `etc/group` in this folder, the root of
    /// the host's file system.
    pub fn host_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.host_root = Some(root.into());
        self
    }

    /// What a lost record would have told is read from this proc file system, which must be the
    /// host's. Only for events of this machine, now: never in a replay.
    pub fn proc_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.proc_root = Some(root.into());
        self
    }

    /// The enricher.
    pub fn build(self) -> Processes {
        let Self { limits, host_root, proc_root } = self;
        Processes {
            table: Table::new(limits),
            places: Places::new(),
            users: host_root.map_or_else(Users::default, |root| Users::of_root(&root)),
            repair: Repair::new(proc_root),
            params: Params::new(),
            gone: Gone::default(),
            switches: Vec::new(),
            ran: 0,
            cpu: CpuTime::default(),
            counts: ProcessCounts::default(),
        }
    }
}

impl Default for ProcessesBuilder {
    fn default() -> Self {
        Processes::builder()
    }
}

/// The kinds that begin, change and end processes, and the snapshot.
const LIFECYCLE: [EventKind; 8] = [
    EventKind::CLONE,
    EventKind::FORK,
    EventKind::VFORK,
    EventKind::CLONE3,
    EventKind::EXECVE,
    EventKind::EXECVEAT,
    EventKind::PROCEXIT,
    EventKind::TASK,
];

impl Enricher for Processes {
    fn provides(&self) -> &FieldSet {
        &fields::PROVIDED
    }

    /// The whole task context and the life cycles of all processes, whatever is wanted: what was
    /// not seen when it happened cannot be told later, when other rules ask for it.
    fn demand(&mut self, _wanted: &FieldSet) -> Interest {
        let kinds: KindSet = LIFECYCLE.into_iter().collect();
        // What a call works on is no fact about its process, and costs the kernel a look.
        let of_calls = ["ctx.fd.", "ctx.call.", "ctx.sock."];
        let context = field::FIELDS.iter().filter(|info| {
            info.name.starts_with("ctx.") && !of_calls.iter().any(|of| info.name.starts_with(of))
        });
        Interest::new(kinds, context.map(|info| info.id).collect())
    }

    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        let unmarked = Unmarked::of(event);
        let event = unmarked.as_ref().map_or(event, |unmarked| unmarked);
        self.users.refresh(event.time());
        self.table.forget_ended(event.time());
        match event.kind() {
            EventKind::SECTION => self.begin_anew(),
            kind if recorded::tells_accounts(kind) => self.accounts(event, arena),
            _ => self.learn(event, arena),
        }
    }

    fn settle(&mut self, event: &dyn Event, arena: &Arena) {
        if unmarked::is_exit(event) {
            self.end(event, arena);
        }
    }

    fn locate(&self, event: &dyn Event, arena: &Arena) -> Lookup<Slot> {
        // Where no thread did it, a recording tells a negative id.
        if event.task(arena).tid.is_none() && read::int(event, &read::TID, arena).is_none() {
            return Lookup::Absent;
        }
        Lookup::Known(self.find(event, arena).unwrap_or(Place::Nobody).slot())
    }

    fn get<'a>(
        &'a self,
        slot: Slot,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        self.field(Place::of(slot), event, key, arena).into()
    }

    /// Of what the table holds. What the event's own context tells (ids, capabilities, session) may
    /// change without a record, and belongs to [`Scope::Event`].
    fn stamp(&self, slot: Slot, scope: Scope) -> Option<Stamp> {
        let process = match Place::of(slot) {
            Place::Thread(place) => {
                // A thread with a name of its own is not as its process is.
                let thread = self.table.thread(place).filter(|thread| thread.own.is_none())?;
                thread.process
            }
            Place::Process(place) => place,
            Place::Nobody => return None,
        };
        match scope {
            Scope::Thread | Scope::Process => self.table.own_stamp(process),
            Scope::Lineage => self.table.lineage_stamp(process),
            _ => None,
        }
    }
}

impl Processes {
    fn find(&self, event: &dyn Event, arena: &Arena) -> Option<Place> {
        let task = event.task(arena);
        if let Some(place) = self.table.find(task.tid?, StartTime(task.start_time)) {
            return Some(Place::Thread(place));
        }
        // A thread for which there was no room: its process is known.
        let leader = self.table.find(task.pid?, StartTime(task.leader_start_time))?;
        let thread = self.table.thread(leader)?;
        Some(Place::Process(thread.process))
    }
}

#[cfg(test)]
mod tests;

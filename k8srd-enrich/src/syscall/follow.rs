//! How the table follows what calls do to descriptors. Facts: `userspace/libsinsp/parsers.cpp` of
//! falcosecurity/libs.
//!
//! A family of calls is a file: what opens files, what makes descriptors of other kinds, what
//! copies and closes them, sockets, and what threads do to their tables.

mod copies;
mod entries;
mod files;
mod others;
mod sockets;
mod threads;

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::kind::{EventKind, KindFlags, KindInfo};
use k8srd_core::value::Value;

use super::descriptor::Descriptor;
use super::interfaces::Interfaces;
use super::kinds::{self, PARAMS, entry};
use super::table::{Limits, Table};
use crate::hash::IntHasher;
use crate::unmarked;
use entries::Entries;
pub(super) use others::made_by;

/// Everything that is known of open descriptors, and what the event at hand made of it.
#[derive(Debug)]
pub(super) struct Followed {
    table: Table,
    interfaces: Interfaces,
    /// Arguments of calls that have not returned, by thread.
    entries: Entries,
    /// Threads that ended last, with the time: the call that made one may return after its end.
    ended: VecDeque<(u32, u64)>,
    /// Ports that processes listened on when a recording began.
    served: HashSet<u16, BuildHasherDefault<IntHasher>>,
    /// Whether rows of that time came, and the roles of their sockets are not told yet.
    snapshot: bool,
    now: Now,
}

/// What the event at hand is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Now {
    /// The process; 0 if the event is of no thread.
    pub(super) pid: u32,
    /// The descriptor's number, where the call made or changed one.
    pub(super) number: Option<i64>,
    /// Where it is in the table, if not under its number.
    place: Option<i64>,
    /// Whether the descriptor has another name than before the event.
    pub(super) name_changed: bool,
    closed: bool,
}

impl Now {
    /// Where the descriptor is in the table, if the event made or changed one.
    pub(super) fn place(&self) -> Option<i64> {
        self.place.or(self.number)
    }
}

/// How long a process whose start was told is known to be that one: told twice, it is another.
const STALE: u64 = 2_000_000_000;
/// How many threads that ended are remembered.
const ENDED: usize = 256;

impl Followed {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            table: Table::new(limits),
            interfaces: Interfaces::default(),
            entries: Entries::new(limits),
            ended: VecDeque::new(),
            served: HashSet::default(),
            snapshot: false,
            now: Now::default(),
        }
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Calls that were forgotten before they returned, because a bound was reached.
    pub(super) fn forgotten_calls(&self) -> u64 {
        self.entries.forgotten()
    }

    pub(super) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    pub(super) fn now(&self) -> Now {
        self.now
    }

    /// A descriptor of the thread's process.
    pub(super) fn of_thread(&self, tid: u32, fd: i64) -> Option<&Descriptor> {
        self.table.get(self.table.process_of(tid)?, fd).map(|descriptor| &**descriptor)
    }

    /// A descriptor of the process of the event at hand.
    pub(super) fn get(&self, fd: i64) -> Option<&Descriptor> {
        self.table.get(self.now.pid, fd).map(|descriptor| &**descriptor)
    }

    pub(super) fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        self.now = Now::default();
        let call = Call { event, arena, kind: event.kind() };
        match call.kind {
            EventKind::SECTION => return self.begin(),
            EventKind::INTERFACE => return self.interface(&call),
            kind if self.snapshot && !kind.is_state() => self.tell_roles(arena),
            _ => {}
        }
        let Some(tid) = event.task(arena).tid else { return };
        let known = self.table.process_of_actor(tid);
        self.now.pid = match known {
            Some(pid) => pid,
            None if says_nothing_of_thread(call.kind) => return,
            None => self.meet(tid, &call),
        };
        self.follow(tid, known.is_some(), &call);
    }

    pub(super) fn settle(&mut self, event: &dyn Event, arena: &Arena) {
        if self.now.closed
            && let Some(fd) = self.now.number
        {
            self.table.remove(self.now.pid, fd);
        }
        if unmarked::is_exit(event)
            && let Some(tid) = event.task(arena).tid
        {
            self.end(tid, event.time());
        }
        self.now = Now::default();
    }

    fn follow(&mut self, tid: u32, known: bool, call: &Call<'_>) {
        use EventKind as Kind;
        match call.kind {
            kinds::READ
            | kinds::READV
            | kinds::PREAD
            | kinds::PREADV
            | kinds::RECV
            | kinds::RECVFROM
            | kinds::RECVMSG
            | kinds::RECVMMSG => self.receive(call),
            kinds::WRITE
            | kinds::WRITEV
            | kinds::PWRITE
            | kinds::PWRITEV
            | kinds::SEND
            | kinds::SENDTO
            | kinds::SENDMSG
            | kinds::SENDMMSG => self.send(call),
            Kind::OPEN | Kind::OPENAT | Kind::OPENAT2 | Kind::CREAT => self.open(tid, call),
            kinds::CLOSE => self.close(call),
            kinds::FCNTL => self.fcntl(call),
            kinds::SOCKET => self.socket(call),
            Kind::CONNECT => self.connect(tid, call),
            kinds::BIND => self.bind(call),
            kinds::ACCEPT | kinds::ACCEPT4 => self.accept(call),
            kinds::DUP | kinds::DUP2 | kinds::DUP3 => self.dup(call),
            kinds::PIPE | kinds::PIPE2 => self.pipe(call),
            entry::OPEN | entry::OPENAT | entry::OPENAT2 | entry::CREAT | entry::CONNECT => {
                self.enter(tid, call);
            }
            Kind::CLONE | Kind::FORK | Kind::VFORK | Kind::CLONE3 => self.fork(tid, known, call),
            Kind::EXECVE | Kind::EXECVEAT => self.exec(call),
            kinds::CLOSE_RANGE => self.close_range(call),
            kinds::OPEN_BY_HANDLE_AT => self.open_by_handle(call),
            kinds::SOCKETPAIR => self.socketpair(call),
            kinds::MEMFD_CREATE => self.memfd_create(call),
            kinds::PIDFD_OPEN => self.pidfd_open(call),
            kinds::PIDFD_GETFD => self.pidfd_getfd(call),
            Kind::DESCRIPTOR => self.snapshot_row(call),
            kind => {
                if let Some(ty) = made_by(kind) {
                    self.make(ty, call);
                }
            }
        }
    }

    /// The number and the descriptor that the call works on.
    fn used(&self, call: &Call<'_>) -> Option<(i64, &Arc<Descriptor>)> {
        let fd = call.int(kinds::descriptor_place(call.kind)?)?;
        Some((fd, self.table.get(self.now.pid, fd)?))
    }

    /// The call made this descriptor.
    fn made(&mut self, fd: i64, descriptor: Descriptor) {
        self.now.name_changed = !descriptor.name.is_empty();
        self.put(fd, Arc::new(descriptor));
    }

    /// The call gave this number to a descriptor.
    fn put(&mut self, fd: i64, descriptor: Arc<Descriptor>) {
        self.now.number = Some(fd);
        if !self.table.insert(self.now.pid, fd, descriptor) {
            self.now.name_changed = false;
        }
    }

    /// Changes the descriptor that the call works on, and sees whether its name is another then.
    fn change(&mut self, fd: i64, change: impl FnOnce(&mut Descriptor)) {
        let Self { table, now, .. } = self;
        table.change(now.pid, fd, |descriptor| {
            let old = Arc::clone(&descriptor.name);
            change(descriptor);
            now.name_changed = old != descriptor.name;
        });
    }
}

/// An event whose params are read by place.
struct Call<'a> {
    event: &'a dyn Event,
    kind: EventKind,
    arena: &'a Arena,
}

impl<'a> Call<'a> {
    fn value(&self, place: usize) -> Option<Value<'a>> {
        self.event.get(PARAMS.get(place)?, self.arena).known()
    }

    fn int(&self, place: usize) -> Option<i64> {
        self.value(place)?.as_i64()
    }

    /// An integer; 0 if it was not recorded.
    fn uint(&self, place: usize) -> u64 {
        self.value(place).and_then(|value| value.as_u64()).unwrap_or_default()
    }

    fn bytes(&self, place: usize) -> Option<&'a [u8]> {
        self.value(place)?.as_bytes()
    }

    /// What the call returned, if it did not fail.
    fn result(&self) -> Option<i64> {
        self.int(0).filter(|&result| result >= 0)
    }
}

/// Whether an event may be of a thread that is gone, or of none.
fn says_nothing_of_thread(kind: EventKind) -> bool {
    let beside = |info: &KindInfo| info.flags.contains(KindFlags::BESIDE_THREAD);
    kind == EventKind::PROCEXIT || kind == kinds::SWITCH || KindInfo::of(kind).is_none_or(beside)
}

/// Whether a text that is kept says the same; if not, says the new one.
fn replace(kept: &mut Arc<[u8]>, text: &[u8]) {
    if **kept != *text {
        *kept = text.into();
    }
}

#[cfg(test)]
mod tests;

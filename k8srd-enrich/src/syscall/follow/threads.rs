//! What threads do to their tables: a child has a copy, a program that starts loses what is marked,
//! the last thread of a process takes all with it. And what was there when a recording began.

use std::net::IpAddr;

use k8srd_core::arena::Arena;
use k8srd_core::event::Timestamp;
use k8srd_core::kind::EventKind;
use k8srd_core::value::{SocketAddress, SocketTuple, Value};

use super::super::descriptor::{
    self, Descriptor, Ends, Role, Transport, Type, ends_text, open_flag,
};
use super::{Call, ENDED, Followed, STALE};
use crate::clone_flag;
use crate::read::{self, id};

impl Followed {
    /// Another recording begins.
    pub(super) fn begin(&mut self) {
        self.table.clear();
        self.interfaces.clear();
        self.entries.clear();
        self.ended.clear();
        self.served.clear();
        self.snapshot = false;
    }

    /// A thread that nothing told of. The process table, which comes first, may know whose it is.
    pub(super) fn meet(&mut self, tid: u32, call: &Call<'_>) -> u32 {
        let Call { event, arena, .. } = *call;
        let pid = event.task(arena).pid.or_else(|| id(event, &read::PROC_PID, arena));
        let pid = pid.unwrap_or(tid);
        self.table.attach(tid, pid);
        pid
    }

    /// A new thread or process. Two events may tell of it: the call that returns to its creator,
    /// with its id, and the one that returns to itself, with 0.
    pub(super) fn fork(&mut self, tid: u32, known: bool, call: &Call<'_>) {
        let Call { event, arena, .. } = *call;
        let Some(result) = call.result() else { return };
        let flags = call.uint(15);
        if result == 0 {
            return self.fork_of_self(tid, known, flags, call);
        }
        // Our own records say who the child is; in Falco's, a child in another pid namespace or of
        // `vfork` tells of itself.
        let child = id(event, &read::CHILD_TID, arena);
        let in_namespace = flags & (clone_flag::CHILD_IN_PIDNS | clone_flag::NEWPID) != 0
            || call.int(18).is_some_and(|vtid| vtid != i64::from(tid));
        let tells_itself = flags & (clone_flag::PARENT | clone_flag::VFORK) != 0
            || event.kind() == EventKind::VFORK;
        let child = match child {
            None if in_namespace || tells_itself => None,
            None => u32::try_from(result).ok(),
            child => child,
        };
        let Some(child) = child else { return };
        if self.has_ended(child, event.time()) || self.is_young(child, event.time()) {
            return;
        }
        let pid = id(event, &read::CHILD_PID, arena);
        if flags & clone_flag::THREAD != 0 || pid.is_some_and(|pid| pid != child) {
            self.table.attach(child, self.now.pid);
        } else {
            self.table.fork(self.now.pid, child, event.time().as_nanos());
        }
    }

    fn fork_of_self(&mut self, tid: u32, known: bool, flags: u64, call: &Call<'_>) {
        let number = |place| call.int(place).and_then(|id| u32::try_from(id).ok());
        let time = call.event.time();
        if known && self.is_young(tid, time) {
            return;
        }
        // Some drivers tell wrong flags here; a thread shows in whose process it is of.
        let pid = number(4);
        if flags & clone_flag::THREAD != 0 || pid.is_some_and(|pid| pid != tid) {
            self.table.attach(tid, pid.unwrap_or(self.now.pid));
        } else {
            let parent = number(5);
            let parent = parent.map_or(0, |tid| self.table.process_of(tid).unwrap_or(tid));
            self.table.fork(parent, tid, time.as_nanos());
        }
        self.now.pid = self.table.process_of(tid).unwrap_or(tid);
    }

    /// Whether its start was told just now.
    fn is_young(&self, tid: u32, now: Timestamp) -> bool {
        let born = self.table.born(tid);
        born.is_some_and(|born| now.as_nanos().saturating_sub(born) < STALE)
    }

    fn has_ended(&self, tid: u32, now: Timestamp) -> bool {
        let since = now.as_nanos().saturating_sub(STALE);
        self.ended.iter().rev().any(|&(ended, at)| ended == tid && at >= since)
    }

    /// Descriptors that are marked are closed, and other threads are gone.
    pub(super) fn exec(&mut self, call: &Call<'_>) {
        if call.result().is_none() {
            return;
        }
        let pid = self.now.pid;
        self.table.retain(pid, |_, descriptor| !descriptor.cloexec);
        self.table.leave_main_thread(pid);
    }

    pub(super) fn end(&mut self, tid: u32, at: Timestamp) {
        self.table.detach(tid);
        self.entries.remove(tid);
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back((tid, at.as_nanos()));
    }

    pub(super) fn interface(&mut self, call: &Call<'_>) {
        let ip = |place| match call.value(place) {
            Some(Value::Ip(ip)) => Some(ip),
            _ => None,
        };
        if let Some(address) = ip(1) {
            self.interfaces.add(address, ip(2));
        }
    }

    /// A descriptor that was open when a recording began.
    pub(super) fn snapshot_row(&mut self, call: &Call<'_>) {
        let Some(fd) = call.int(0) else { return };
        let ty = Type::from_number(call.uint(1));
        let mut descriptor = Descriptor {
            dev: call.uint(4) as u32,
            ino: call.uint(5),
            cloexec: call.uint(3) & open_flag::CLOEXEC != 0,
            transport: Transport::from_number(call.uint(8)),
            ..Descriptor::of(ty)
        };
        match (ty, call.value(6), call.value(7)) {
            (Type::Unknown, ..) => return,
            (Type::Ipv4 | Type::Ipv6, Some(Value::Tuple(tuple)), _) => {
                connect_ends(&mut descriptor, descriptor::unmapped(tuple));
                descriptor.connected = descriptor.transport == Transport::Tcp;
                if let Ends::Two { source, destination } = descriptor.ends {
                    descriptor.name = ends_text(source, destination, call.arena).into();
                }
            }
            (Type::Ipv4Server | Type::Ipv6Server, _, Some(Value::Addr(address))) => {
                if let SocketAddress::Inet(end) = address {
                    descriptor.ends = Ends::Server(end.into());
                    self.served.insert(end.port());
                }
                descriptor.name = call.arena.format(format_args!("{address}")).into();
            }
            (
                Type::Unix,
                Some(Value::Tuple(SocketTuple::Unix { source, destination, path })),
                _,
            ) => {
                descriptor.ends = Ends::Unix { source, destination };
                descriptor.role = if path.is_empty() { Role::Client } else { Role::Server };
                descriptor.name = path.into();
            }
            _ => descriptor.name = call.bytes(2).unwrap_or_default().into(),
        }
        self.snapshot = true;
        self.put(fd, descriptor.into());
    }

    /// All rows are there. Who of two is the server shows in who listens on the port.
    pub(super) fn tell_roles(&mut self, arena: &Arena) {
        self.snapshot = false;
        let sockets: Vec<(u32, i64)> = self.table.every(|descriptor| descriptor.ty == Type::Ipv4);
        for (pid, fd) in sockets {
            let served = &self.served;
            self.table.change(pid, fd, |descriptor| {
                let Ends::Two { source, destination } = descriptor.ends else { return };
                descriptor.role = if served.contains(&source.port) {
                    descriptor.ends = Ends::Two { source: destination, destination: source };
                    descriptor.name = ends_text(destination, source, arena).into();
                    Role::Server
                } else {
                    Role::Client
                };
            });
        }
    }
}

/// The ends of a socket, and its type by them.
fn connect_ends(descriptor: &mut Descriptor, tuple: SocketTuple<'_>) {
    if let SocketTuple::Inet { source, destination } = tuple {
        descriptor.ty = match source.ip() {
            IpAddr::V4(_) => Type::Ipv4,
            IpAddr::V6(_) => Type::Ipv6,
        };
        descriptor.ends = Ends::Two { source: source.into(), destination: destination.into() };
    }
}

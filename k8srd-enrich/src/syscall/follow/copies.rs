//! What copies descriptors and closes them.

use std::sync::Arc;

use super::super::descriptor::{Descriptor, Type, open_flag};
use super::super::kinds;
use super::{Call, Followed};

/// Commands of `fcntl`, as Falco numbers them.
mod command {
    pub(super) const SETFD: u64 = 3;
}

/// The kernel's.
const FD_CLOEXEC: u64 = 1;
/// `CLOSE_RANGE_CLOEXEC`: mark them instead of closing them.
const RANGE_CLOEXEC: u64 = 1 << 2;

impl Followed {
    /// The event is still about the descriptor; it is forgotten when the event was judged.
    pub(super) fn close(&mut self, call: &Call<'_>) {
        let Some((fd, _)) = self.used(call) else { return };
        self.now.number = Some(fd);
        self.now.closed = call.result().is_some();
    }

    pub(super) fn close_range(&mut self, call: &Call<'_>) {
        if call.result().is_none() {
            return;
        }
        let (first, last) = (call.uint(1) as i64, call.uint(2) as i64);
        let pid = self.now.pid;
        if call.uint(3) & RANGE_CLOEXEC == 0 {
            self.table.retain(pid, |fd, _| !(first..=last).contains(&fd));
            return;
        }
        let marked: Vec<i64> = self
            .table
            .all(pid)
            .filter(|(fd, descriptor)| (first..=last).contains(fd) && !descriptor.cloexec)
            .map(|(fd, _)| fd)
            .collect();
        for fd in marked {
            self.table.change(pid, fd, |descriptor| descriptor.cloexec = true);
        }
    }

    pub(super) fn dup(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let flags = if call.kind == kinds::DUP3 { call.uint(3) } else { 0 };
        self.copy(fd, flags & open_flag::CLOEXEC != 0, call);
    }

    pub(super) fn fcntl(&mut self, call: &Call<'_>) {
        let command = call.uint(2);
        match command {
            kinds::DUPFD | kinds::DUPFD_CLOEXEC => {
                let Some(fd) = call.result() else { return };
                self.copy(fd, command == kinds::DUPFD_CLOEXEC, call);
            }
            command::SETFD if call.result().is_some() => {
                let cloexec = call.uint(3) & FD_CLOEXEC != 0;
                if let Some((fd, descriptor)) = self.used(call)
                    && descriptor.cloexec != cloexec
                {
                    self.change(fd, |descriptor| descriptor.cloexec = cloexec);
                }
            }
            _ => {}
        }
    }

    /// Gives another number to the descriptor that the call works on.
    fn copy(&mut self, fd: i64, cloexec: bool, call: &Call<'_>) {
        let Some((_, descriptor)) = self.used(call) else { return };
        let copy = with_cloexec(descriptor, cloexec);
        self.put(fd, copy);
    }

    /// A copy of another process' descriptor.
    pub(super) fn pidfd_getfd(&mut self, call: &Call<'_>) {
        let (Some(fd), Some(pidfd), Some(target)) = (call.result(), call.int(1), call.int(2))
        else {
            return;
        };
        let Some(pid) = self.get(pidfd).filter(|it| it.ty == Type::Pidfd).map(|it| it.pid) else {
            return;
        };
        let Some(descriptor) = self.table.get(pid, target) else { return };
        let copy = with_cloexec(descriptor, true);
        self.now.name_changed = false;
        self.put(fd, copy);
    }
}

/// The same descriptor, marked or not; shared if it is as it should be.
fn with_cloexec(descriptor: &Arc<Descriptor>, cloexec: bool) -> Arc<Descriptor> {
    if descriptor.cloexec == cloexec {
        return Arc::clone(descriptor);
    }
    Arc::new(Descriptor { cloexec, ..Descriptor::clone(descriptor) })
}

//! What makes descriptors that are neither opened by name nor sockets.

use std::sync::Arc;

use k8srd_core::kind::EventKind;

use super::super::descriptor::{Descriptor, Type, open_flag};
use super::super::kinds;
use super::{Call, Followed};

/// What kind of descriptor such a call returns, whose number is its result.
pub(in super::super) fn made_by(kind: EventKind) -> Option<Type> {
    Some(match kind {
        kinds::EVENTFD | kinds::EVENTFD2 => Type::Event,
        kinds::SIGNALFD | kinds::SIGNALFD4 => Type::Signalfd,
        kinds::TIMERFD_CREATE => Type::Timerfd,
        kinds::INOTIFY_INIT | kinds::INOTIFY_INIT1 => Type::Inotify,
        kinds::EPOLL_CREATE | kinds::EPOLL_CREATE1 => Type::Eventpoll,
        // Whatever the command: Falco takes each result for a descriptor.
        kinds::BPF => Type::Bpf,
        kinds::USERFAULTFD => Type::Userfaultfd,
        kinds::IO_URING_SETUP => Type::IoUring,
        _ => return None,
    })
}

/// `EPOLL_CLOEXEC` and `MFD_CLOEXEC` as Falco numbers them.
const FIRST_BIT: u64 = 1 << 0;

impl Followed {
    pub(super) fn make(&mut self, ty: Type, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let cloexec = match call.kind {
            kinds::EVENTFD2 | kinds::SIGNALFD4 | kinds::INOTIFY_INIT1 => {
                call.uint(1) & open_flag::CLOEXEC != 0
            }
            kinds::EPOLL_CREATE1 => call.uint(1) & FIRST_BIT != 0,
            _ => false,
        };
        self.made(fd, Descriptor { cloexec, ..Descriptor::of(ty) });
    }

    /// Both ends are alike. The event is about the second, which is made last.
    pub(super) fn pipe(&mut self, call: &Call<'_>) {
        let (Some(_), Some(read), Some(write)) = (call.result(), call.int(1), call.int(2)) else {
            return;
        };
        let flags = if call.kind == kinds::PIPE2 { call.uint(4) } else { 0 };
        let pipe = Arc::new(Descriptor {
            ino: call.uint(3),
            cloexec: flags & open_flag::CLOEXEC != 0,
            ..Descriptor::of(Type::Pipe)
        });
        self.put(read, Arc::clone(&pipe));
        self.put(write, pipe);
    }

    pub(super) fn memfd_create(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let cloexec = call.uint(2) & (open_flag::CLOEXEC | FIRST_BIT) != 0;
        let name = call.bytes(1).unwrap_or_default().into();
        self.made(fd, Descriptor { name, cloexec, ..Descriptor::of(Type::Memfd) });
    }

    pub(super) fn pidfd_open(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let pid = call.int(1).unwrap_or_default();
        self.made(
            fd,
            Descriptor {
                pid: u32::try_from(pid).unwrap_or_default(),
                name: call.arena.format(format_args!("/proc/{pid}")).into(),
                cloexec: call.uint(2) & open_flag::CLOEXEC != 0,
                ..Descriptor::of(Type::Pidfd)
            },
        );
    }
}

//! The kinds that make, change, use and close descriptors, and where their params stand.
//!
//! A call is recognised by its kind and its params are read by place, without a name being looked
//! at while events flow; the test below holds kinds and places against the kind table.

use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;

macro_rules! kinds {
    ($($id:ident $code:literal $name:ident;)*) => {
        $(pub(super) const $id: EventKind = EventKind($code);)*

        #[cfg(test)]
        const NAMES: &[(EventKind, &str)] = &[$(($id, stringify!($name))),*];
    };
}

kinds! {
    CLOSE 5 close;
    READ 7 read;
    WRITE 9 write;
    SOCKET 19 socket;
    BIND 21 bind;
    LISTEN 25 listen;
    SEND 29 send;
    SENDTO 31 sendto;
    RECV 33 recv;
    RECVFROM 35 recvfrom;
    SHUTDOWN 37 shutdown;
    SOCKETPAIR 43 socketpair;
    SETSOCKOPT 45 setsockopt;
    GETSOCKOPT 47 getsockopt;
    SENDMSG 49 sendmsg;
    SENDMMSG 51 sendmmsg;
    RECVMSG 53 recvmsg;
    RECVMMSG 55 recvmmsg;
    PIPE 61 pipe;
    EVENTFD 63 eventfd;
    FSTAT 71 fstat;
    POLL 81 poll;
    LSEEK 87 lseek;
    LLSEEK 89 llseek;
    FCHDIR 97 fchdir;
    PREAD 113 pread;
    PWRITE 115 pwrite;
    READV 117 readv;
    WRITEV 119 writev;
    PREADV 121 preadv;
    PWRITEV 123 pwritev;
    SIGNALFD 127 signalfd;
    TIMERFD_CREATE 137 timerfd_create;
    INOTIFY_INIT 139 inotify_init;
    FCNTL 151 fcntl;
    SWITCH 152 switch;
    MMAP 161 mmap;
    MMAP2 163 mmap2;
    SPLICE 167 splice;
    PTRACE 169 ptrace;
    IOCTL 171 ioctl;
    RENAME 175 rename;
    RENAMEAT 177 renameat;
    SYMLINK 179 symlink;
    SYMLINKAT 181 symlinkat;
    SENDFILE 189 sendfile;
    QUOTACTL 191 quotactl;
    GETDENTS 237 getdents;
    GETDENTS64 239 getdents64;
    SETNS 241 setns;
    FLOCK 243 flock;
    ACCEPT 247 accept;
    PPOLL 255 ppoll;
    MOUNT 257 mount;
    MKDIR 277 mkdir;
    RMDIR 279 rmdir;
    UNLINK 301 unlink;
    UNLINKAT 303 unlinkat;
    MKDIRAT 305 mkdirat;
    LINK 309 link;
    LINKAT 311 linkat;
    FCHMODAT 313 fchmodat;
    CHMOD 315 chmod;
    FCHMOD 317 fchmod;
    RENAMEAT2 319 renameat2;
    USERFAULTFD 321 userfaultfd;
    COPY_FILE_RANGE 333 copy_file_range;
    OPEN_BY_HANDLE_AT 337 open_by_handle_at;
    IO_URING_SETUP 339 io_uring_setup;
    IO_URING_ENTER 341 io_uring_enter;
    IO_URING_REGISTER 343 io_uring_register;
    DUP2 363 dup2;
    DUP3 365 dup3;
    DUP 367 dup;
    BPF 369 bpf;
    FSCONFIG 373 fsconfig;
    EPOLL_CREATE 375 epoll_create;
    EPOLL_CREATE1 377 epoll_create1;
    CHOWN 379 chown;
    LCHOWN 381 lchown;
    FCHOWN 383 fchown;
    FCHOWNAT 385 fchownat;
    UMOUNT 387 umount;
    ACCEPT4 389 accept4;
    UMOUNT2 391 umount2;
    PIPE2 393 pipe2;
    INOTIFY_INIT1 395 inotify_init1;
    EVENTFD2 397 eventfd2;
    SIGNALFD4 399 signalfd4;
    ASYNCEVENT 402 asyncevent;
    MEMFD_CREATE 405 memfd_create;
    PIDFD_GETFD 407 pidfd_getfd;
    PIDFD_OPEN 409 pidfd_open;
    FINIT_MODULE 413 finit_module;
    MKNODAT 417 mknodat;
    NEWFSTATAT 419 newfstatat;
    CLOSE_RANGE 451 close_range;
}

/// The commands of `fcntl` that copy a descriptor, as Falco numbers them.
pub(super) const DUPFD: u64 = 1;
pub(super) const DUPFD_CLOEXEC: u64 = 26;

/// Entries of calls, which carry the arguments as they were before the call.
pub(super) mod entry {
    use super::EventKind;

    pub(in super::super) const OPEN: EventKind = EventKind::state(2);
    pub(in super::super) const CONNECT: EventKind = EventKind::state(22);
    pub(in super::super) const CREAT: EventKind = EventKind::state(58);
    pub(in super::super) const OPENAT: EventKind = EventKind::state(306);
    pub(in super::super) const OPENAT2: EventKind = EventKind::state(326);
}

/// The first params of any kind: keys are only looked at, so they are made once.
pub(super) static PARAMS: [Key; 24] = {
    let mut keys = [const { Key::param(0) }; 24];
    let mut place = 0;
    while place < keys.len() {
        std::mem::forget(std::mem::replace(&mut keys[place], Key::param(place as u8)));
        place += 1;
    }
    keys
};

/// The place of the descriptor that a call works on: `get_exit_event_fd_location` in
/// `userspace/libscap/scap_event.c`. Of several it is not always the first.
pub(super) fn descriptor_place(kind: EventKind) -> Option<usize> {
    Some(match kind {
        CLOSE | LISTEN | SHUTDOWN | SETSOCKOPT | GETSOCKOPT | SENDMMSG | RECVMMSG | FSTAT
        | LSEEK | LLSEEK | FCHDIR | FCNTL | IOCTL | GETDENTS | GETDENTS64 | SETNS | FLOCK
        | UNLINKAT | MKDIRAT | FCHMODAT | FCHMOD | COPY_FILE_RANGE | IO_URING_ENTER
        | IO_URING_REGISTER | DUP | DUP2 | DUP3 | FSCONFIG | FCHOWN | FCHOWNAT | FINIT_MODULE
        | MKNODAT | NEWFSTATAT => 1,
        READ
        | WRITE
        | BIND
        | EventKind::CONNECT
        | SEND
        | SENDTO
        | RECV
        | SENDMSG
        | PREAD
        | PWRITE
        | WRITEV
        | PWRITEV
        | SPLICE
        | SYMLINKAT
        | SENDFILE => 2,
        RECVFROM | READV | PREADV => 3,
        RECVMSG => 5,
        MMAP | MMAP2 => 8,
        _ => return None,
    })
}

/// Whether events of this kind open a file by name.
pub(super) fn opens_by_name(kind: EventKind) -> bool {
    use EventKind as Kind;
    matches!(kind, Kind::OPEN | Kind::OPENAT | Kind::OPENAT2 | Kind::CREAT)
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::{KINDS, KindFlags, KindInfo, ParamType};

    use super::*;

    #[test]
    fn kinds_have_their_names() {
        for &(kind, name) in NAMES {
            assert_eq!(KindInfo::of(kind).map(|info| &*info.name), Some(name), "{kind:?}");
        }
        let entries = [entry::OPEN, entry::CONNECT, entry::CREAT, entry::OPENAT, entry::OPENAT2];
        let names = entries.map(|kind| KindInfo::of(kind).map(|info| &*info.name));
        assert_eq!(names, ["open", "connect", "creat", "openat", "openat2"].map(Some));
    }

    #[test]
    fn every_call_that_uses_a_descriptor_says_which() {
        for info in KINDS.iter().filter(|info| !info.kind.is_state()) {
            let place = descriptor_place(info.kind);
            let uses = info.flags.contains(KindFlags::USES_FD);
            assert_eq!(place.is_some(), uses, "{}", info.name);
            let param = place.and_then(|place| info.params.get(place));
            assert!(param.is_none_or(|param| param.ty == ParamType::Fd), "{}", info.name);
        }
    }

    #[test]
    fn keys_are_at_their_places() {
        for (place, key) in (0..).zip(&PARAMS) {
            assert_eq!(*key, Key::param(place));
        }
        let most = KINDS.iter().filter(|info| descriptor_place(info.kind).is_some());
        assert!(most.map(|info| info.params.len()).max() <= Some(PARAMS.len()));
    }
}

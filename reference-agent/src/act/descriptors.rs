//! Descriptors: made, copied, read, written, closed.

use nix::libc;

use super::script::{
    Buffer, Call, EMPTY, Script, cwd, found, half, n, named, nowhere, of, path, pointer, raw, text,
};
use super::{Act, Need, Ways};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "dup",
        kinds: &["dup"],
        what: "copies a descriptor, and one that is none",
        play: |s| {
            s.did("dup", [n("oldfd", 1)]);
            s.descriptor("pipe", None);
            s.did("dup", [n("oldfd", 77)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "dup2",
        kinds: &["dup2"],
        what: "puts a copy of a socket on standard input, and a copy of nothing",
        needs: &[Need::OldCall],
        play: |s| {
            let socket = s.call("socket", [raw(libc::AF_INET), raw(libc::SOCK_STREAM), raw(0)]);
            s.did("dup2", [of("oldfd", socket), n("newfd", 0)]);
            s.descriptor("ipv4", None);
            s.did("dup2", [n("oldfd", 77), n("newfd", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "dup3",
        kinds: &["dup3"],
        what: "puts a copy of a socket on standard input, and a copy on itself",
        play: |s| {
            let socket = s.call("socket", [raw(libc::AF_INET), raw(libc::SOCK_STREAM), raw(0)]);
            let closes = || named("flags", libc::O_CLOEXEC, "O_CLOEXEC");
            s.did("dup3", [of("oldfd", socket), n("newfd", 0), closes()]);
            s.descriptor("ipv4", None);
            s.did("dup3", [n("oldfd", 0), n("newfd", 0), closes()]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fcntl",
        kinds: &["fcntl"],
        what: "copies a descriptor, asks for its flags, and copies one that is none",
        play: |s| {
            let copies = || named("cmd", libc::F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC");
            s.did("fcntl", [n("fd", 1), copies(), n("arg", 50)]);
            s.descriptor("pipe", None);
            s.did("fcntl", [n("fd", 1), named("cmd", libc::F_GETFD, "F_GETFD"), n("arg", 0)]);
            s.did("fcntl", [n("fd", 77), copies(), n("arg", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "close",
        kinds: &["close"],
        what: "closes a file, and again",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            s.did("close", [of("fd", file)]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
            s.did("close", [of("fd", file)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "close_range",
        kinds: &["close_range"],
        what: "closes all but what it needs, and descriptors in the wrong order",
        play: |s| {
            s.call("dup", [raw(0)]);
            s.did("close_range", [n("first", 3), n("last", 200), named("flags", 0, "")]);
            let marks = named("flags", 4, "CLOSE_RANGE_CLOEXEC");
            s.did("close_range", [n("first", 9), n("last", 3), marks]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pipe",
        kinds: &["pipe"],
        what: "makes a pipe, and one of which nobody is told",
        needs: &[Need::OldCall],
        play: |s| {
            let ends = s.space(8);
            let call = s.did("pipe", [pointer(ends)]);
            made_pipe(s, call, ends);
            s.did("pipe", [nowhere()]);
            no_pipe(s);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pipe2",
        kinds: &["pipe2"],
        what: "makes a pipe, and one of which nobody is told",
        play: |s| {
            let ends = s.space(8);
            let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
            let flags = named("flags", flags, "O_CLOEXEC|O_NONBLOCK");
            let call = s.did("pipe2", [pointer(ends), flags]);
            made_pipe(s, call, ends);
            s.did("pipe2", [nowhere(), named("flags", 0, "")]);
            no_pipe(s);
        },
        ..Act::PLAIN
    },
    Act {
        name: "eventfd",
        kinds: &["eventfd"],
        what: "makes an event counter",
        needs: &[Need::OldCall],
        ways: Ways::Succeeds,
        play: |s| {
            s.did("eventfd", [n("initval", 3)]);
            s.and("flags", 0);
            s.descriptor("event", None);
        },
        ..Act::PLAIN
    },
    Act {
        name: "eventfd2",
        kinds: &["eventfd2"],
        what: "makes an event counter, and one with flags that there are not",
        play: |s| {
            let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
            s.did("eventfd2", [n("initval", 7), named("flags", flags, "O_CLOEXEC|O_NONBLOCK")]);
            s.descriptor("event", None);
            s.did("eventfd2", [n("initval", 7), named("flags", 0x4000, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "timerfd_create",
        kinds: &["timerfd_create"],
        what: "makes a timer, and one for a clock that there is not",
        play: |s| {
            let closes = |closes: bool| raw(i32::from(closes) * libc::TFD_CLOEXEC);
            // Falco prints the flags as a number, with its own value of O_CLOEXEC cut to 8 bits.
            s.did("timerfd_create", [n("clockid", 1), closes(true).telling("flags", 0)]);
            s.descriptor("timerfd", None);
            s.did("timerfd_create", [n("clockid", 99), closes(false).telling("flags", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "inotify_init",
        kinds: &["inotify_init"],
        what: "makes a watch on files",
        needs: &[Need::OldCall],
        ways: Ways::Succeeds,
        play: |s| {
            s.did("inotify_init", []);
            s.and("flags", 0);
            s.descriptor("inotify", None);
        },
        ..Act::PLAIN
    },
    Act {
        name: "inotify_init1",
        kinds: &["inotify_init1"],
        what: "makes a watch on files, and one with flags that there are not",
        play: |s| {
            s.did("inotify_init1", [named("flags", libc::IN_NONBLOCK, "O_NONBLOCK")]);
            s.descriptor("inotify", None);
            s.did("inotify_init1", [named("flags", 0x4000, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "signalfd",
        kinds: &["signalfd"],
        what: "makes a descriptor for signals, and not of one that is another's",
        needs: &[Need::OldCall],
        play: |s| {
            let mask = s.space(8);
            for fd in [-1, 0] {
                s.did("signalfd", [n("fd", fd), pointer(mask), raw(8)]);
                s.and("mask", 0);
                s.and("flags", 0);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "signalfd4",
        kinds: &["signalfd4"],
        what: "makes a descriptor for signals, and not of one that is another's",
        play: |s| {
            let mask = s.space(8);
            for fd in [-1, 0] {
                let flags = named("flags", libc::SFD_CLOEXEC, "O_CLOEXEC");
                s.did("signalfd4", [n("fd", fd), pointer(mask), raw(8), flags]);
                // Falco has no mask in these events.
                s.and("mask", 0);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "epoll_create",
        kinds: &["epoll_create"],
        what: "makes a descriptor that waits for others, and one of no size",
        needs: &[Need::OldCall],
        play: |s| {
            s.did("epoll_create", [n("size", 1)]);
            s.descriptor("eventpoll", None);
            s.did("epoll_create", [n("size", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "epoll_create1",
        kinds: &["epoll_create1"],
        what: "makes a descriptor that waits for others, and one with flags that there are not",
        play: |s| {
            s.did("epoll_create1", [named("flags", libc::EPOLL_CLOEXEC, "EPOLL_CLOEXEC")]);
            s.descriptor("eventpoll", None);
            s.did("epoll_create1", [named("flags", 0x4000, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "memfd_create",
        kinds: &["memfd_create"],
        what: "makes a file in memory, and one with flags that there are not",
        play: |s| {
            let flags = named("flags", libc::MFD_CLOEXEC as i32, "MFD_CLOEXEC");
            s.did("memfd_create", [text("name", "hidden"), flags]);
            s.descriptor("memfd", Some("hidden".into()));
            s.did("memfd_create", [text("name", "nothing"), named("flags", 0x4000, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "userfaultfd",
        kinds: &["userfaultfd"],
        what: "makes a descriptor for its own page faults, and one with flags that there are not",
        needs: &[Need::Root],
        play: |s| {
            // Falco has the flags as the kernel knows them, with names of its own: it prints those of other values.
            s.did("userfaultfd", [named("flags", 0, "")]);
            s.descriptor("userfaultfd", None);
            s.did("userfaultfd", [named("flags", 2, "O_WRONLY")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pidfd_open",
        kinds: &["pidfd_open"],
        what: "opens its own process, and one that there cannot be",
        play: |s| {
            let own = s.call("getpid", []);
            s.did("pidfd_open", [of("pid", own), named("flags", 0, "")]);
            s.descriptor("pidfd", None);
            s.did("pidfd_open", [n("pid", -1), named("flags", 0, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pidfd_getfd",
        kinds: &["pidfd_getfd"],
        what: "takes a descriptor of its own process, and one that it does not have",
        play: |s| {
            let own = s.call("getpid", []);
            let pid = s.call("pidfd_open", [of("", own), raw(0)]);
            for target in [1, 77] {
                s.did("pidfd_getfd", [of("pid_fd", pid), n("target_fd", target), n("flags", 0)]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "read",
        kinds: &["read"],
        what: "reads a file, its end, and what is not open for reading",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            let name = s.place.absolute("file");
            let buffer = s.space(64);
            s.did("read", [of("fd", file), pointer(buffer), n("size", 64)]);
            s.and("data", "some text.");
            s.descriptor("file", Some(name.clone().into()));
            s.did("read", [of("fd", file), pointer(buffer), n("size", 64)]);
            s.and("data", EMPTY);
            s.descriptor("file", Some(name.into()));
            s.did("read", [n("fd", 1), pointer(buffer), n("size", 64)]);
            s.and("data", EMPTY);
        },
        ..Act::PLAIN
    },
    Act {
        name: "write",
        kinds: &["write"],
        what: "writes a file, and one that is not open for writing",
        play: |s| {
            let file = file(s, libc::O_RDWR);
            for (fd, own) in [(of("fd", file), true), (n("fd", 0), false)] {
                let text = s.text(b"more text");
                s.did("write", [fd, pointer(text), n("size", 9)]);
                s.and("data", "more text");
                if own {
                    s.descriptor("file", Some(s.place.absolute("file").into()));
                }
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "splice",
        kinds: &["splice"],
        what: "moves a file into a pipe, and where no pipe is",
        play: |s| {
            let (file, ends) = (file(s, libc::O_RDONLY), pipe(s));
            let flags = || named("flags", libc::SPLICE_F_MOVE as i32, "SPLICE_F_MOVE");
            let into = half("fd_out", ends.at(4));
            s.did("splice", [of("fd_in", file), raw(0), into, raw(0), n("size", 4), flags()]);
            let into = of("fd_out", file);
            s.did("splice", [of("fd_in", file), raw(0), into, raw(0), n("size", 4), flags()]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "sendfile",
        kinds: &["sendfile"],
        what: "sends a file into a pipe, and one that is not open",
        play: |s| {
            let (file, ends) = (file(s, libc::O_RDONLY), pipe(s));
            let offset = s.longs(&[5]);
            for from in [of("in_fd", file), n("in_fd", -1)] {
                s.did(
                    "sendfile",
                    [half("out_fd", ends.at(4)), from, pointer(offset), n("size", 64)],
                );
                // As the call leaves it: five bytes further, and there it stays.
                s.and("offset", 10);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "copy_file_range",
        kinds: &["copy_file_range"],
        what: "copies a part of a file, and from one that is not open",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            let flags = libc::O_RDWR | libc::O_CREAT;
            let copy = s.call("openat", [cwd(""), path("", "copy"), raw(flags), raw(0o600)]);
            for from in [of("fdin", file), n("fdin", -1)] {
                let (from_offset, to_offset) = (s.longs(&[5]), s.longs(&[0]));
                // Falco tells where the offsets are, not what they are.
                let at = |param, buffer: Buffer| n(param, buffer.address() as i64);
                let (read, written) = (at("offin", from_offset), at("offout", to_offset));
                let to = of("fdout", copy);
                s.did("copy_file_range", [from, read, to, written, n("len", 3), raw(0)]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "ioctl",
        kinds: &["ioctl"],
        what: "asks a pipe how much is in it, and for the size of its window",
        play: |s| {
            let number = s.space(16);
            for request in [0x541b, 0x5413] {
                let argument = number.address() as i64;
                s.did("ioctl", [n("fd", 1), n("request", request), n("argument", argument)]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "flock",
        kinds: &["flock"],
        what: "locks a file, and one that is not open",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            let (locks, names) = (libc::LOCK_EX | libc::LOCK_NB, "LOCK_EX|LOCK_NB");
            s.did("flock", [of("fd", file), named("operation", locks, names)]);
            s.did("flock", [n("fd", -1), named("operation", locks, names)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "prlimit",
        kinds: &["prlimit"],
        what: "asks how many files it may open, lowers that, and asks for a limit that there is not",
        play: |s| {
            let (none, old) = (s.space(16), s.space(16));
            let old_is = |s: &mut Script<'_>| {
                s.and("oldcur", found(move |ran| ran.u64(old) as i64));
                s.and("oldmax", found(move |ran| ran.u64(old.at(8)) as i64));
            };
            let files = || named("resource", 7, "RLIMIT_NOFILE");
            // The first answer is what the second call sees as old, too.
            let call = [n("pid", 0), files(), raw(0), pointer(old)];
            s.did_by("prlimit", "prlimit64", call);
            new_is(s, 0, 0);
            old_is(s);
            let lower = s.longs(&[64, 128]);
            s.did_by("prlimit", "prlimit64", [n("pid", 0), files(), pointer(lower), pointer(none)]);
            new_is(s, 64, 128);
            s.and("oldcur", found(move |ran| ran.u64(none) as i64));
            s.and("oldmax", found(move |ran| ran.u64(none.at(8)) as i64));
            let unknown = named("resource", 99, "RLIMIT_UNKNOWN");
            s.did_by("prlimit", "prlimit64", [n("pid", 0), unknown, pointer(lower), raw(0)]);
            new_is(s, 64, 128);
            s.and("oldcur", -1);
            s.and("oldmax", -1);
        },
        ..Act::PLAIN
    },
];

fn new_is(s: &mut Script<'_>, current: i64, most: i64) {
    s.and("newcur", current);
    s.and("newmax", most);
}

/// A file with ten bytes, opened.
pub(super) fn file(s: &mut Script<'_>, flags: i32) -> Call {
    s.file("file", "some text\n");
    s.call("openat", [cwd(""), path("", "file"), raw(flags), raw(0)])
}

/// A pipe: what to read, then what to write.
fn pipe(s: &mut Script<'_>) -> Buffer {
    let ends = s.space(8);
    s.call("pipe2", [pointer(ends), raw(0)]);
    ends
}

fn made_pipe(s: &mut Script<'_>, call: Call, ends: Buffer) {
    let stat = s.space(144);
    s.and("fd1", found(move |ran| ran.i32(ends)));
    s.and("fd2", found(move |ran| ran.i32(ends.at(4))));
    s.and("ino", found(move |ran| if ran.result(call) == 0 { ran.u64(stat.at(8)) } else { 0 }));
    s.descriptor("pipe", None);
    s.call("fstat", [half("", ends), pointer(stat)]);
}

fn no_pipe(s: &mut Script<'_>) {
    for (param, number) in [("fd1", -1), ("fd2", -1), ("ino", 0)] {
        s.and(param, number);
    }
}

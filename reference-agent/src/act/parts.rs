//! Reading and writing at places, and in parts.

use nix::libc;

use super::Act;
use super::descriptors::file;
use super::script::{Buffer, EMPTY, Script, n, named, of, pointer, raw};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "lseek",
        kinds: &["lseek"],
        what: "goes to a place behind a file, and in one that is not open",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            let whence = || named("whence", libc::SEEK_END, "SEEK_END");
            s.did("lseek", [of("fd", file), n("offset", 4), whence()]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
            s.did("lseek", [n("fd", -1), n("offset", 4), whence()]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pread",
        kinds: &["pread"],
        what: "reads a place in a file, and in one that is not open",
        play: |s| {
            let (file, buffer) = (file(s, libc::O_RDONLY), s.space(64));
            let own = of("fd", file);
            s.did_by("pread", "pread64", [own, pointer(buffer), n("size", 4), n("pos", 5)]);
            s.and("data", "text");
            let none = n("fd", -1);
            s.did_by("pread", "pread64", [none, pointer(buffer), n("size", 4), n("pos", 5)]);
            s.and("data", EMPTY);
        },
        ..Act::PLAIN
    },
    Act {
        name: "pwrite",
        kinds: &["pwrite"],
        what: "writes a place in a file, and in one that is not open",
        play: |s| {
            let (file, text) = (file(s, libc::O_RDWR), s.bytes(b"else"));
            for fd in [of("fd", file), n("fd", -1)] {
                s.did_by("pwrite", "pwrite64", [fd, pointer(text), n("size", 4), n("pos", 5)]);
                s.and("data", "else");
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "readv",
        kinds: &["readv"],
        what: "reads a file into two parts, and one that is not open",
        play: |s| {
            let file = file(s, libc::O_RDONLY);
            let parts = two_parts(s, &[0; 9]);
            for (fd, size, data) in [(of("fd", file), 9, "some text"), (n("fd", -1), 0, EMPTY)] {
                s.did("readv", [fd, pointer(parts), raw(2)]);
                s.and("size", size);
                s.and("data", data);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "writev",
        kinds: &["writev"],
        what: "writes a file from two parts, and one that is not open",
        play: |s| {
            let file = file(s, libc::O_RDWR);
            let parts = two_parts(s, b"more text");
            for fd in [of("fd", file), n("fd", -1)] {
                s.did("writev", [fd, pointer(parts), raw(2)]);
                s.and("data", "more text");
                s.and("size", 9);
            }
        },
        ..Act::PLAIN
    },
];

/// Two `struct iovec`: the first four bytes, and the rest.
fn two_parts(s: &mut Script<'_>, bytes: &[u8]) -> Buffer {
    let (text, rest) = (s.bytes(bytes).address(), bytes.len() as u64 - 4);
    s.longs(&[text, 4, text + 4, rest])
}

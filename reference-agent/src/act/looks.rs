//! Asking what there is: files, folders, oneself.

use nix::libc;

use super::descriptors::file;
use super::names::folder;
use super::script::{NULL, cwd, n, named, nowhere, of, path, pointer, raw};
use super::{Act, Need, Ways};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "access",
        kinds: &["access"],
        what: "asks whether it may write a file, and one that is not there",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            let both = libc::R_OK | libc::W_OK;
            s.did("access", [path("name", "file"), named("mode", both, "R_OK|W_OK")]);
            s.did("access", [path("name", "missing"), named("mode", libc::F_OK, "F_OK")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "stat",
        kinds: &["stat"],
        what: "looks at a file, and at one that is not there",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            let stat = s.space(144);
            s.did("stat", [path("path", "file"), pointer(stat)]);
            s.did("stat", [path("path", "missing"), pointer(stat)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "lstat",
        kinds: &["lstat"],
        what: "looks at a symbolic link, and at one that is not there",
        needs: &[Need::OldCall],
        play: |s| {
            s.call("symlinkat", [path("", "file"), cwd(""), path("", "link")]);
            let stat = s.space(144);
            s.did("lstat", [path("path", "link"), pointer(stat)]);
            s.did("lstat", [path("path", "missing"), pointer(stat)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fstat",
        kinds: &["fstat"],
        what: "looks at an open file, and at one that is not open",
        play: |s| {
            let (file, stat) = (file(s, libc::O_RDONLY), s.space(144));
            s.did("fstat", [of("fd", file), pointer(stat)]);
            s.did("fstat", [n("fd", -1), pointer(stat)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "newfstatat",
        kinds: &["newfstatat"],
        what: "looks at a file, and at one that is not there",
        play: |s| {
            s.file("file", "");
            let stat = s.space(144);
            for (name, flags, names) in
                [("file", 0, ""), ("missing", libc::AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW")]
            {
                let flags = named("flags", flags, names);
                s.did("newfstatat", [cwd("dirfd"), path("path", name), pointer(stat), flags]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "getdents64",
        kinds: &["getdents64"],
        what: "lists a folder, and what is none",
        play: |s| {
            let (folder, buffer) = (folder(s, "."), s.space(1024));
            s.did("getdents64", [of("fd", folder), pointer(buffer), raw(1024)]);
            s.did("getdents64", [n("fd", 1), pointer(buffer), raw(1024)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "getcwd",
        kinds: &["getcwd"],
        what: "asks where it is, with room for the answer and without",
        play: |s| {
            let (own, buffer) = (s.place.work(), s.space(512));
            s.did("getcwd", [pointer(buffer), raw(512)]);
            s.and("path", own.to_string_lossy().into_owned());
            s.did("getcwd", [pointer(buffer), raw(1)]);
            s.and("path", NULL);
        },
        ..Act::PLAIN
    },
    Act {
        name: "getuid",
        kinds: &["getuid", "geteuid", "getgid", "getegid"],
        what: "asks who it is",
        ways: Ways::Succeeds,
        play: |s| {
            for call in ["getuid", "geteuid", "getgid", "getegid"] {
                s.did(call, []);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "nanosleep",
        kinds: &["nanosleep"],
        what: "sleeps for two milliseconds, and for a time that there is not",
        play: |s| {
            for (seconds, nanos) in [(0, 2_000_000), (0, 1_000_000_000)] {
                let time = s.longs(&[seconds, nanos]);
                s.did("nanosleep", [pointer(time), raw(0)]);
                s.and("interval", nanos);
            }
            s.did("nanosleep", [nowhere(), raw(0)]);
            s.and("interval", 0);
        },
        ..Act::PLAIN
    },
];

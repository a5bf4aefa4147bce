//! Permissions, owners and special files.

use nix::libc;

use super::script::{Call, Script, cwd, n, named, of, path, raw};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "chmod",
        kinds: &["chmod"],
        what: "makes a file run as its owner, and does not find another",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            s.did("chmod", [path("filename", "file"), named("mode", 0o4755, SETUID)]);
            s.did("chmod", [path("filename", "missing"), named("mode", 0o4755, SETUID)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fchmod",
        kinds: &["fchmod"],
        what: "makes an open file run as its owner, and one that is not open",
        play: |s| {
            let file = opened(s);
            s.did("fchmod", [of("fd", file), named("mode", 0o4755, SETUID)]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
            s.did("fchmod", [n("fd", -1), named("mode", 0o4755, SETUID)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fchmodat",
        kinds: &["fchmodat"],
        what: "makes a file run as its owner, and does not find another",
        play: |s| {
            s.file("file", "");
            for file in ["file", "missing"] {
                let mode = named("mode", 0o4755, SETUID);
                s.did("fchmodat", [cwd("dirfd"), path("filename", file), mode]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "chown",
        kinds: &["chown"],
        what: "gives a file to somebody, and does not find another",
        needs: &[Need::Root, Need::OldCall],
        play: |s| {
            s.file("file", "");
            s.did("chown", [path("path", "file"), n("uid", 1001), n("gid", 1002)]);
            s.did("chown", [path("path", "missing"), n("uid", 1001), n("gid", 1002)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "lchown",
        kinds: &["lchown"],
        what: "gives a symbolic link to somebody, and does not find another",
        needs: &[Need::Root, Need::OldCall],
        play: |s| {
            s.call("symlinkat", [path("", "file"), cwd(""), path("", "link")]);
            s.did("lchown", [path("path", "link"), n("uid", 1001), n("gid", 1002)]);
            s.did("lchown", [path("path", "missing"), n("uid", 1001), n("gid", 1002)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fchown",
        kinds: &["fchown"],
        what: "gives an open file to somebody, and one that is not open",
        needs: &[Need::Root],
        play: |s| {
            let file = opened(s);
            s.did("fchown", [of("fd", file), n("uid", 1001), n("gid", 1002)]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
            s.did("fchown", [n("fd", -1), n("uid", 1001), n("gid", 1002)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fchownat",
        kinds: &["fchownat"],
        what: "gives a file to somebody, and does not find another",
        needs: &[Need::Root],
        play: |s| {
            s.file("file", "");
            for file in ["file", "missing"] {
                let (uid, gid, flags) = (n("uid", 1001), n("gid", 1002), named("flags", 0, ""));
                s.did("fchownat", [cwd("dirfd"), path("pathname", file), uid, gid, flags]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "mknod",
        kinds: &["mknod"],
        what: "makes a named pipe and a device, and the pipe again",
        needs: &[Need::Root, Need::OldCall],
        play: |s| {
            s.did("mknod", [path("path", "pipe"), named("mode", 0o10600, PIPE), n("dev", 0)]);
            let device = named("mode", 0o20600, "S_IFCHR|S_IRUSR|S_IWUSR");
            // A number that belongs to no driver.
            s.did("mknod", [path("path", "device"), device, n("dev", 3)]);
            s.did("mknod", [path("path", "pipe"), named("mode", 0o10600, PIPE), n("dev", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "mknodat",
        kinds: &["mknodat"],
        what: "makes a named pipe, and again",
        play: |s| {
            for _ in 0..2 {
                let mode = named("mode", 0o10600, PIPE);
                s.did("mknodat", [cwd("dirfd"), path("path", "pipe"), mode, n("dev", 0)]);
            }
        },
        ..Act::PLAIN
    },
];

const SETUID: &str = "S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IRGRP|S_IXGRP|S_IROTH|S_IXOTH";
const PIPE: &str = "S_IFIFO|S_IRUSR|S_IWUSR";

/// A file, opened for both.
fn opened(s: &mut Script<'_>) -> Call {
    s.file("file", "");
    s.call("openat", [cwd(""), path("", "file"), raw(libc::O_RDWR), raw(0)])
}

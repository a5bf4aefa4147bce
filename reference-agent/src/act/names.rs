//! Names of files: folders, links, renaming, removing.

use nix::libc;

use super::script::{Call, Script, cwd, n, named, of, path, pointer, raw, text};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "mkdir",
        kinds: &["mkdir"],
        what: "makes a folder, and again",
        needs: &[Need::OldCall],
        play: |s| {
            s.did("mkdir", [path("path", "new"), n("mode", 0o755)]);
            s.did("mkdir", [path("path", "new"), n("mode", 0o700)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "mkdirat",
        kinds: &["mkdirat"],
        what: "makes a folder, one in there, and the first again",
        play: |s| {
            s.did("mkdirat", [cwd("dirfd"), path("path", "new"), n("mode", 0o755)]);
            let new = folder(s, "new");
            let inner = path("path", "inner").told(s.place.absolute("new/inner"));
            s.did("mkdirat", [of("dirfd", new), inner, n("mode", 0o700)]);
            s.did("mkdirat", [cwd("dirfd"), path("path", "new"), n("mode", 0o755)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "rmdir",
        kinds: &["rmdir"],
        what: "removes a folder, and again",
        needs: &[Need::OldCall],
        play: |s| {
            s.call("mkdirat", [cwd(""), path("", "old"), raw(0o755)]);
            s.did("rmdir", [path("path", "old")]);
            s.did("rmdir", [path("path", "old")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "unlink",
        kinds: &["unlink"],
        what: "removes a file, and again",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            s.did("unlink", [path("path", "file")]);
            s.did("unlink", [path("path", "file")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "unlinkat",
        kinds: &["unlinkat"],
        what: "removes a file and a folder, and does not find another",
        play: |s| {
            s.file("file", "");
            s.call("mkdirat", [cwd(""), path("", "old"), raw(0o755)]);
            let here = folder(s, ".");
            let file = path("name", "file");
            s.did("unlinkat", [of("dirfd", here), file, named("flags", 0, "")]);
            let removes = named("flags", libc::AT_REMOVEDIR, "AT_REMOVEDIR");
            s.did("unlinkat", [cwd("dirfd"), path("name", "old"), removes]);
            s.did("unlinkat", [cwd("dirfd"), path("name", "missing"), named("flags", 0, "")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "rename",
        kinds: &["rename"],
        what: "renames a file, and one that is not there",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            s.did("rename", [path("oldpath", "file"), path("newpath", "renamed")]);
            s.did("rename", [path("oldpath", "file"), path("newpath", "again")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "renameat",
        kinds: &["renameat"],
        what: "renames a file, and one that is not there",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            for to in ["renamed", "again"] {
                let to = path("newpath", to);
                s.did("renameat", [cwd("olddirfd"), path("oldpath", "file"), cwd("newdirfd"), to]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "renameat2",
        kinds: &["renameat2"],
        what: "renames a file into a folder, and is not to replace one",
        play: |s| {
            s.file("file", "");
            s.file("other", "");
            s.call("mkdirat", [cwd(""), path("", "sub"), raw(0o755)]);
            let sub = folder(s, "sub");
            s.did(
                "renameat2",
                [
                    cwd("olddirfd"),
                    path("oldpath", "file"),
                    of("newdirfd", sub),
                    path("newpath", "renamed").told(s.place.absolute("sub/renamed")),
                    named("flags", 0, ""),
                ],
            );
            s.did(
                "renameat2",
                [
                    cwd("olddirfd"),
                    path("oldpath", "other"),
                    cwd("newdirfd"),
                    path("newpath", "sub/renamed"),
                    named("flags", 1, "RENAME_NOREPLACE"),
                ],
            );
        },
        ..Act::PLAIN
    },
    Act {
        name: "link",
        kinds: &["link"],
        what: "gives a file another name, and again",
        needs: &[Need::OldCall],
        play: |s| {
            s.file("file", "");
            s.did("link", [path("oldpath", "file"), path("newpath", "other")]);
            s.did("link", [path("oldpath", "file"), path("newpath", "other")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "linkat",
        kinds: &["linkat"],
        what: "gives a file another name, and one that is not there",
        play: |s| {
            s.file("file", "");
            for (from, flags, names) in
                [("file", libc::AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"), ("missing", 0, "")]
            {
                s.did(
                    "linkat",
                    [
                        cwd("olddir"),
                        path("oldpath", from),
                        cwd("newdir"),
                        path("newpath", "other"),
                        named("flags", flags, names),
                    ],
                );
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "symlink",
        kinds: &["symlink"],
        what: "makes a symbolic link, and again",
        needs: &[Need::OldCall],
        play: |s| {
            s.did("symlink", [text("target", "/etc/passwd"), path("linkpath", "link")]);
            s.did("symlink", [text("target", "elsewhere"), path("linkpath", "link")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "symlinkat",
        kinds: &["symlinkat"],
        what: "makes a symbolic link, and again",
        play: |s| {
            let here = folder(s, ".");
            let link = path("linkpath", "link");
            s.did("symlinkat", [text("target", "/etc/shadow"), of("linkdirfd", here), link]);
            let link = path("linkpath", "link");
            s.did("symlinkat", [text("target", "elsewhere"), cwd("linkdirfd"), link]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "truncate",
        kinds: &["truncate"],
        what: "empties a file, and one that is not there",
        play: |s| {
            s.file("file", "text");
            s.did("truncate", [path("", "file"), raw(0)]);
            s.did("truncate", [path("", "missing"), raw(0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setxattr",
        kinds: &["setxattr"],
        what: "notes an attribute of a file, and of one that is not there",
        needs: &[Need::Attributes],
        play: |s| {
            s.file("file", "text");
            let value = s.bytes(b"x");
            for file in ["file", "missing"] {
                let name = text("", "user.k8srd");
                s.did("setxattr", [path("", file), name, pointer(value), raw(1), raw(0)]);
            }
        },
        ..Act::PLAIN
    },
];

/// A folder, opened.
pub(super) fn folder(s: &mut Script<'_>, name: &str) -> Call {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    s.call("openat", [cwd(""), path("", name), raw(flags), raw(0)])
}

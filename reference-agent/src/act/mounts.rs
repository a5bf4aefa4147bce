//! Mounts, roots and namespaces, all of the actor's own.

use nix::libc;

use super::script::{Arg, NULL, Script, cwd, n, named, of, path, raw, text};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "mount",
        kinds: &["mount"],
        what: "mounts a file system and a folder for itself, and one that there is not",
        needs: &[Need::Root],
        play: |s| {
            private(s);
            folders(s);
            let flags = (libc::MS_NOSUID | libc::MS_NOEXEC) as i64;
            let flags = named("flags", flags, "NOSUID|NOEXEC");
            let (dev, ty) = (text("dev", "k8srd"), text("type", "tmpfs"));
            s.did("mount", [dev, path("dir", "sub"), ty, flags, raw(0)]);
            let flags = named("flags", libc::MS_BIND as i64, "BIND");
            let dev = text("dev", "sub");
            s.did(
                "mount",
                [dev, path("dir", "other"), raw(0).telling("type", NULL), flags, raw(0)],
            );
            let (dev, ty) = (text("dev", "k8srd"), text("type", "nosuchfs"));
            s.did("mount", [dev, path("dir", "sub"), ty, named("flags", 0, ""), raw(0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "umount2",
        kinds: &["umount2"],
        what: "takes away what it mounted, and again",
        needs: &[Need::Root],
        play: |s| {
            private(s);
            tmpfs(s);
            for _ in 0..2 {
                let flags = libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW;
                s.did("umount2", [path("name", "sub"), named("flags", flags, "DETACH|NOFOLLOW")]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "move_mount",
        kinds: &["move_mount"],
        what: "mounts a copy of a tree for itself, and one that is not open",
        needs: &[Need::Root],
        play: |s| {
            private(s);
            folders(s);
            let (clone, closes) = (1, libc::O_CLOEXEC);
            let tree = s.call("open_tree", [cwd(""), path("", "sub"), raw(clone | closes)]);
            for from in [of("", tree), raw(-1)] {
                let by_descriptor = raw(4);
                s.did(
                    "move_mount",
                    [from, path("", ""), cwd(""), path("", "other"), by_descriptor],
                );
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "pivot_root",
        kinds: &["pivot_root"],
        what: "gets a root of its own, and one that is not there",
        needs: &[Need::Root],
        play: |s| {
            private(s);
            tmpfs(s);
            s.call("mkdirat", [cwd(""), path("", "sub/old"), raw(0o755)]);
            s.did("pivot_root", [path("", "missing"), path("", "sub/old")]);
            s.did("pivot_root", [path("", "sub"), path("", "sub/old")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "chroot",
        kinds: &["chroot"],
        what: "does not find a root, and gets one",
        needs: &[Need::Root],
        play: |s| {
            folders(s);
            s.did("chroot", [path("path", "missing")]);
            s.did("chroot", [path("path", "sub")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setns",
        kinds: &["setns"],
        what: "enters the namespace in which it is, and what is none",
        needs: &[Need::Root],
        play: |s| {
            let name = path("", "/proc/self/ns/uts");
            let namespace = s.call("openat", [cwd(""), name, raw(libc::O_RDONLY), raw(0)]);
            let kind = named("nstype", libc::CLONE_NEWUTS, "CLONE_NEWUTS");
            s.did("setns", [of("fd", namespace), kind]);
            let kind = named("nstype", libc::CLONE_NEWNET, "CLONE_NEWNET");
            s.did("setns", [n("fd", 1), kind]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "unshare",
        kinds: &["unshare"],
        what: "gets namespaces of its own, and what is none",
        needs: &[Need::Root],
        play: |s| {
            let flags = libc::CLONE_NEWNS | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;
            s.did("unshare", [named("flags", flags, "CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC")]);
            s.did("unshare", [named("flags", 1, "")]);
        },
        ..Act::PLAIN
    },
];

/// Mounts that nobody else sees.
fn private(s: &mut Script<'_>) {
    s.call("unshare", [raw(libc::CLONE_NEWNS)]);
    let flags = (libc::MS_REC | libc::MS_PRIVATE) as i64;
    let ty = raw(0).telling("type", NULL);
    let flags = named("flags", flags, "REC|PRIVATE");
    mount(s, [text("dev", "none"), path("dir", "/"), ty, flags, raw(0)]);
}

fn folders(s: &mut Script<'_>) {
    for name in ["sub", "other"] {
        s.call("mkdirat", [cwd(""), path("", name), raw(0o755)]);
    }
}

/// A file system in memory, at `sub`.
fn tmpfs(s: &mut Script<'_>) {
    folders(s);
    let (dev, ty) = (text("dev", "k8srd"), text("type", "tmpfs"));
    mount(s, [dev, path("dir", "sub"), ty, named("flags", 0, ""), raw(0)]);
}

/// Told where the act tells of mounts.
fn mount(s: &mut Script<'_>, args: [Arg; 5]) {
    if s.act.kinds.contains(&"mount") {
        s.did("mount", args);
    } else {
        s.call("mount", args);
    }
}

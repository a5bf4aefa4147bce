//! Opening and making files.

use nix::libc;
use serde_json::Value;

use super::script::{Arg, Call, NULL, Script, Truth, cwd, found, n, named, of, path, pointer, raw};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "openat",
        kinds: &["openat"],
        what: "opens files by names of all sorts, and one that is not there",
        play: openat,
        ..Act::PLAIN
    },
    Act {
        name: "openat2",
        kinds: &["openat2"],
        what: "opens a file below a folder, and is not let out of it",
        play: openat2,
        ..Act::PLAIN
    },
    Act {
        name: "open",
        kinds: &["open"],
        what: "opens a file, makes one, and does not find one",
        needs: &[Need::OldCall],
        play: open,
        ..Act::PLAIN
    },
    Act {
        name: "creat",
        kinds: &["creat"],
        what: "makes a file, and one in a folder that is not there",
        needs: &[Need::OldCall],
        play: creat,
        ..Act::PLAIN
    },
    Act {
        name: "open_by_handle_at",
        kinds: &["open_by_handle_at"],
        what: "opens a file by its handle, and by one that is none",
        needs: &[Need::Root],
        play: open_by_handle_at,
        ..Act::PLAIN
    },
];

/// The flags of what was opened: Falco tells the layer of an overlay, too.
fn opened_names(s: &Script<'_>, names: &str) -> String {
    let layer = if s.place.is_overlay { "|FD_UPPER_LAYER" } else { "" };
    format!("{names}{layer}")
}

fn opened_flags(s: &Script<'_>, number: i32, names: &str) -> Arg {
    named("flags", number, &opened_names(s, names))
}

/// Device, inode and name of what the last call opened. `struct stat` begins with both.
fn opened(s: &mut Script<'_>, call: Call, name: &str) {
    // The kernel's structure is smaller than that on all machines.
    let stat = s.space(144);
    s.and("dev", found(move |ran| if ran.result(call) > 0 { ran.u64(stat) } else { 0 }));
    s.and("ino", found(move |ran| if ran.result(call) > 0 { ran.u64(stat.at(8)) } else { 0 }));
    s.descriptor("file", Some(s.place.absolute(name).into()));
    s.call("fstat", [of("", call), pointer(stat)]);
}

fn not_opened(s: &mut Script<'_>) {
    s.and("dev", 0);
    s.and("ino", 0);
}

fn openat(s: &mut Script<'_>) {
    s.file("file", "text");
    s.call("mkdirat", [cwd(""), path("", "sub"), raw(0o755)]);
    s.call("symlinkat", [path("", "file"), cwd(""), path("", "link")]);
    let read_only = libc::O_RDONLY;

    let flags = opened_flags(s, read_only, "O_RDONLY");
    let call = s.did("openat", [cwd("dirfd"), path("name", "file"), flags, n("mode", 0)]);
    opened(s, call, "file");

    let absolute = s.place.absolute("file");
    let flags = opened_flags(s, libc::O_RDWR | libc::O_CLOEXEC, "O_RDWR|O_CLOEXEC");
    let call = s.did("openat", [cwd("dirfd"), path("name", &absolute), flags, n("mode", 0)]);
    opened(s, call, "file");

    let new = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    let flags = opened_flags(s, new, "O_WRONLY|O_CREAT|O_EXCL|O_F_CREATED");
    let call = s.did("openat", [cwd("dirfd"), path("name", "new"), flags, n("mode", 0o640)]);
    opened(s, call, "new");

    // The name is what was said, whatever it leads to.
    let flags = opened_flags(s, libc::O_WRONLY | libc::O_TRUNC, "O_WRONLY|O_TRUNC");
    let call = s.did("openat", [cwd("dirfd"), path("name", "link"), flags, n("mode", 0)]);
    opened(s, call, "link");

    // A folder, and a name that begins there.
    let folder = libc::O_RDONLY | libc::O_DIRECTORY;
    let flags = opened_flags(s, folder, "O_RDONLY|O_DIRECTORY|O_TMPFILE");
    let sub = s.did("openat", [cwd("dirfd"), path("name", "sub"), flags, n("mode", 0)]);
    opened(s, sub, "sub");
    s.descriptor("directory", None);
    let flags = opened_flags(s, libc::O_RDWR | libc::O_CREAT, "O_RDWR|O_CREAT|O_F_CREATED");
    let inner = path("name", "inner").told(s.place.absolute("sub/inner"));
    let call = s.did("openat", [of("dirfd", sub), inner, flags, n("mode", 0o600)]);
    opened(s, call, "sub/inner");

    for (name, flags, names) in [
        ("missing", read_only, "O_RDONLY"),
        ("new", new, "O_WRONLY|O_CREAT|O_EXCL"),
        ("file/below", libc::O_RDWR, "O_RDWR"),
    ] {
        let mode = if flags == new { 0o600 } else { 0 };
        let flags = named("flags", flags, names);
        s.did("openat", [cwd("dirfd"), path("name", name), flags, n("mode", mode)]);
        not_opened(s);
    }
}

/// The address of a `struct open_how`, and the params that tell it.
fn how(s: &mut Script<'_>, flags: i32, mode: u64, resolve: u64) -> [Arg; 2] {
    let how = s.longs(&[flags as u64, mode, resolve]);
    [pointer(how), raw(24)]
}

fn openat2(s: &mut Script<'_>) {
    s.file("file", "text");
    let (beneath, no_links) = (0x08, 0x04);
    let [at, size] = how(s, libc::O_RDONLY | libc::O_CLOEXEC, 0, beneath | no_links);
    let call = s.did("openat2", [cwd("dirfd"), path("name", "file"), at, size]);
    let names = opened_names(s, "O_RDONLY|O_CLOEXEC");
    s.and("flags", Truth::Names(names));
    s.and("mode", 0);
    s.and("resolve", Truth::Names("RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS".into()));
    opened(s, call, "file");

    let [at, size] = how(s, libc::O_RDWR | libc::O_CREAT, 0o604, 0);
    let call = s.did("openat2", [cwd("dirfd"), path("name", "new"), at, size]);
    let names = opened_names(s, "O_RDWR|O_CREAT|O_F_CREATED");
    s.and("flags", Truth::Names(names));
    s.and("mode", 0o604);
    s.and("resolve", Truth::Names(String::new()));
    opened(s, call, "new");

    let [at, size] = how(s, libc::O_RDONLY, 0, beneath);
    s.did("openat2", [cwd("dirfd"), path("name", "/etc/passwd"), at, size]);
    s.and("flags", Truth::Names("O_RDONLY".into()));
    s.and("mode", 0);
    s.and("resolve", Truth::Names("RESOLVE_BENEATH".into()));
    not_opened(s);
}

fn open(s: &mut Script<'_>) {
    s.file("file", "text");
    let flags = opened_flags(s, libc::O_RDONLY, "O_RDONLY");
    let call = s.did("open", [path("name", "file"), flags, n("mode", 0)]);
    opened(s, call, "file");
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND;
    let flags = opened_flags(s, flags, "O_WRONLY|O_CREAT|O_APPEND|O_F_CREATED");
    let call = s.did("open", [path("name", "new"), flags, n("mode", 0o600)]);
    opened(s, call, "new");
    let flags = named("flags", libc::O_RDONLY, "O_RDONLY");
    s.did("open", [path("name", "missing"), flags, n("mode", 0)]);
    not_opened(s);
}

fn creat(s: &mut Script<'_>) {
    let layer = if s.place.is_overlay { "FD_UPPER_LAYER_CREAT" } else { "" };
    let call = s.did("creat", [path("name", "new"), n("mode", 0o640)]);
    opened(s, call, "new");
    s.and("creat_flags", Truth::Names(layer.into()));
    s.did("creat", [path("name", "missing/new"), n("mode", 0o640)]);
    not_opened(s);
    s.and("creat_flags", Truth::Names(String::new()));
}

fn open_by_handle_at(s: &mut Script<'_>) {
    s.file("file", "text");
    // struct file_handle: how many bytes, of which kind, the bytes.
    let handle = s.bytes(&[&128_u32.to_le_bytes()[..], &[0; 132]].concat());
    let mount = s.space(4);
    s.call(
        "name_to_handle_at",
        [cwd(""), path("", "file"), pointer(handle), pointer(mount), raw(0)],
    );
    let flags = opened_flags(s, libc::O_RDONLY, "O_RDONLY");
    let call = s.did("open_by_handle_at", [cwd("mountfd"), pointer(handle), flags]);
    let name = s.place.absolute("file");
    s.and(
        "path",
        found(move |ran| if ran.result(call) > 0 { name.clone().into() } else { Value::Null }),
    );
    opened(s, call, "file");

    // A size that no handle has.
    let nonsense = s.bytes(&4096_u32.to_le_bytes());
    let flags = named("flags", libc::O_RDWR, "O_RDWR");
    s.did("open_by_handle_at", [cwd("mountfd"), pointer(nonsense), flags]);
    s.and("path", NULL);
    not_opened(s);
}

//! open, openat, openat2, creat.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use k8srd_core::kind::EventKind;

use crate::act::{c, path_of, tell, tell_context, tell_number};
use crate::exec::directory;
use crate::raw;
use crate::truth::{self, Truth, check, int, text, uint};
use crate::watch::{Run, Watch};

pub(crate) const TESTS: crate::Tests = &[
    ("by every call and every kind of name", every_call),
    ("by a process in namespaces of its own", in_namespaces),
    ("by a process with several user ids", as_nobody),
];

const KINDS: &[EventKind] =
    &[EventKind::OPEN, EventKind::OPENAT, EventKind::OPENAT2, EventKind::CREAT];

/// Falco's bits.
const RDONLY: u64 = 1;
const WRONLY: u64 = 2;
const RDWR: u64 = 3;
const CREAT: u64 = 1 << 2;
const APPEND: u64 = 1 << 3;
const EXCL: u64 = 1 << 5;
const TRUNC: u64 = 1 << 8;
const DIRECTORY: u64 = 1 << 10;
const CLOEXEC: u64 = 1 << 12;
const TMPFILE: u64 = 1 << 13;
const CREATED: u64 = 1 << 14;

/// The directories of a name that is 4,000 bytes long as a whole.
fn deep_name() -> String {
    let component = "d".repeat(199);
    format!("{}/{}", vec![component; 19].join("/"), "f".repeat(4000 - 19 * 200))
}

/// Tells what a call gave: the descriptor, where it leads, what lies there.
fn tell_opened(case: &str, name: &[u8], fd: i64) {
    tell(&format!("{case}.name"), name);
    tell_number(&format!("{case}.fd"), fd);
    if fd >= 0 {
        tell(&format!("{case}.path"), path_of(fd));
        let file = fs::metadata(format!("/proc/self/fd/{fd}")).expect("the file");
        tell_number(&format!("{case}.ino"), file.ino());
        tell_number(&format!("{case}.dev"), file.dev());
        tell_number(&format!("{case}.mode"), file.mode());
    }
}

pub(crate) fn act(root: &OsStr) {
    env::set_current_dir(root).expect("the directory");
    tell_context();
    let sub = File::open("sub").expect("the directory");
    let kept = File::open("file").expect("the file");
    tell("cwd", env::current_dir().expect("cwd").into_os_string().into_vec());
    tell("sub", path_of(sub.as_raw_fd().into()));
    tell_number("sub.fd", sub.as_raw_fd());
    let open = |case: &str, name: &[u8], flags: i32, mode: u32| {
        let fd = raw::openat(libc::AT_FDCWD, &c(OsStr::from_bytes(name)), flags, mode);
        tell_opened(case, name, fd);
    };
    open("relative", b"./sub/../file", libc::O_RDONLY, 0);
    open("symlink", b"link", libc::O_RDWR | libc::O_CLOEXEC, 0);
    open("absolute", Path::new(root).join("file").as_os_str().as_bytes(), libc::O_RDONLY, 0);
    let magic = format!("/proc/self/fd/{}", kept.as_raw_fd());
    open("magic", magic.as_bytes(), libc::O_RDONLY, 0);
    open("created", b"new", libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL, 0o640);
    open("emptied", b"./file", libc::O_WRONLY | libc::O_TRUNC | libc::O_APPEND, 0);
    open("missing", b"no such \xff file", libc::O_RDONLY, 0o777);
    open("directory", b"sub", libc::O_RDONLY | libc::O_DIRECTORY, 0);
    open("device", b"/dev/null", libc::O_WRONLY, 0);
    let fd = raw::openat(sub.as_raw_fd(), c"inner", libc::O_RDONLY, 0);
    tell_opened("dirfd", b"inner", fd);
    let fd = raw::openat2(sub.as_raw_fd(), c"inner", libc::O_RDONLY, 0, libc::RESOLVE_BENEATH);
    tell_opened("openat2", b"inner", fd);
    #[cfg(target_arch = "x86_64")]
    {
        tell_opened("open", b"sub/inner", raw::open(c"sub/inner", libc::O_RDONLY, 0));
        tell_opened("creat", b"sub/made", raw::creat(c"sub/made", 0o600));
    }
    // A name of 4,000 bytes: made step by step, opened at once.
    let name = deep_name();
    let (directories, _) = name.rsplit_once('/').expect("directories");
    fs::create_dir_all(directories).expect("directories");
    File::create(&name).expect("the file");
    let fd = raw::openat(libc::AT_FDCWD, &c(&name), libc::O_RDONLY, 0);
    tell("deep.name", &name);
    tell_number("deep.fd", fd);
    let file = fs::metadata(&name).expect("the file");
    tell_number("deep.ino", file.ino());
    tell_number("deep.dev", file.dev());
    tell_number("deep.mode", file.mode());
    tell("deep.path", Path::new(root).join(&name).into_os_string().into_vec());
    tell_number("nowhere.fd", raw::openat_nowhere());
}

/// One call: its kind, its case, its flags in Falco's bits, mode, and the directory it starts from.
struct Case {
    kind: EventKind,
    name: &'static str,
    flags: u64,
    mode: u64,
    dirfd: Option<i64>,
    base: Option<&'static str>,
}

fn check_opens(run: &Run, cases: &[Case]) {
    for case in cases {
        let told = |what: &str| format!("{}.{what}", case.name);
        let fd = run.told_number(&told("fd"));
        let name = run.told(&told("name"));
        let opened = fd >= 0;
        let number =
            |what: &str| uint(if opened { run.told_number(&told(what)) as u64 } else { 0 });
        let mut truth = truth::context(run);
        truth.extend([
            ("fd", int(fd)),
            ("dirfd", int(case.dirfd.unwrap_or(i64::from(libc::AT_FDCWD)))),
            ("name", text(name)),
            ("flags", uint(case.flags)),
            ("mode", uint(case.mode)),
            ("dev", number("dev")),
            ("ino", number("ino")),
            ("resolve", uint(1_u64)),
            ("creat_flags", uint(0_u64)),
            ("ctx.path.base", case.base.map_or(Truth::Absent, |base| text(run.told(base)))),
        ]);
        if opened {
            truth.push(("ctx.path.real", text(run.told(&told("path")))));
            truth.push(("ctx.file_mode", number("mode")));
        }
        let seen = run.one(case.kind, |seen| {
            seen.values.contains_key("name")
                && seen.says("name", name)
                && seen.int("fd") == fd
                && seen.int("flags") as u64 == case.flags
        });
        check(seen, truth);
    }
}

fn every_call() {
    let root = directory("open");
    fs::create_dir(root.join("sub")).expect("a directory");
    fs::write(root.join("file"), "x").expect("a file");
    fs::write(root.join("sub/inner"), "x").expect("a file");
    symlink("sub/inner", root.join("link")).expect("a link");
    let mut watch = Watch::new(KINDS);
    let run = watch.act("open", &root);
    let sub = Some(run.told_number("sub.fd"));
    let at = |name, flags, mode, dirfd, base| Case {
        kind: EventKind::OPENAT,
        name,
        flags,
        mode,
        dirfd,
        base,
    };
    check_opens(
        &run,
        &[
            at("relative", RDONLY, 0, None, Some("cwd")),
            at("symlink", RDWR | CLOEXEC, 0, None, Some("cwd")),
            at("absolute", RDONLY, 0, None, None),
            at("magic", RDONLY, 0, None, None),
            at("created", WRONLY | CREAT | EXCL | CREATED, 0o640, None, Some("cwd")),
            at("emptied", WRONLY | TRUNC | APPEND, 0, None, Some("cwd")),
            at("missing", RDONLY, 0, None, Some("cwd")),
            // Falco's bit of O_TMPFILE comes with each O_DIRECTORY, and a mode counts with it.
            at("directory", RDONLY | DIRECTORY | TMPFILE, 0, None, Some("cwd")),
            at("device", WRONLY, 0, None, None),
            at("deep", RDONLY, 0, None, Some("cwd")),
            at("dirfd", RDONLY, 0, sub, Some("sub")),
            Case { kind: EventKind::OPENAT2, ..at("openat2", RDONLY, 0, sub, Some("sub")) },
        ],
    );
    assert_eq!(run.told("deep.name").len(), 4000);
    if cfg!(target_arch = "x86_64") {
        check_opens(
            &run,
            &[Case { kind: EventKind::OPEN, ..at("open", RDONLY, 0, None, Some("cwd")) }],
        );
        let name = run.told("creat.name");
        let seen = run.one(EventKind::CREAT, |seen| seen.says("name", name));
        let mut truth = truth::context(&run);
        truth.extend([
            ("fd", int(run.told_number("creat.fd"))),
            ("name", text(name)),
            ("mode", uint(0o600_u64)),
            ("dev", uint(run.told_number("creat.dev") as u64)),
            ("ino", uint(run.told_number("creat.ino") as u64)),
            ("creat_flags", uint(0_u64)),
            ("ctx.path.base", text(run.told("cwd"))),
            ("ctx.path.real", text(run.told("creat.path"))),
            ("ctx.file_mode", uint(run.told_number("creat.mode") as u64)),
        ]);
        check(seen, truth);
    }
    assert_eq!(run.told_number("nowhere.fd"), -i64::from(libc::EFAULT));
    let seen = run.one(EventKind::OPENAT, |seen| seen.int("fd") == -i64::from(libc::EFAULT));
    assert!(!seen.values.contains_key("name"), "a name that cannot be read is absent");
}

/// Opens through a bind mount, and in a root of its own, from namespaces of its own.
pub(crate) fn act_in_namespaces(root: &OsStr) {
    use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
    use rustix::thread::UnshareFlags;
    let all = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWCGROUP;
    if env::args_os().nth(2).is_none() {
        // SAFETY: this process has one thread and gives up none of its files.
        unsafe { rustix::thread::unshare_unsafe(all) }.expect("namespaces");
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).expect("mounts of our own");
        // The pid namespace is that of the children.
        let mut command = crate::act::command("open-in-namespaces");
        assert!(command.arg(root).arg("inside").status().expect("a child").success());
        return;
    }
    rustix::process::setsid().expect("a session");
    env::set_current_dir(root).expect("the directory");
    mount_bind("sub", "mounted").expect("a bind mount");
    tell("cwd", env::current_dir().expect("cwd").into_os_string().into_vec());
    tell_context();
    let fd = raw::openat(libc::AT_FDCWD, c"mounted/inner", libc::O_RDONLY, 0);
    tell_opened("mounted", b"mounted/inner", fd);
    // From within a root of its own the same file has another name.
    let inner = fs::metadata("sub/inner").expect("the file");
    std::os::unix::fs::chroot(root).expect("chroot");
    env::set_current_dir("/mounted").expect("the directory");
    tell("inner-cwd", "/mounted");
    let fd = raw::openat(libc::AT_FDCWD, c"../sub/inner", libc::O_RDONLY, 0);
    tell("rooted.name", "../sub/inner");
    tell_number("rooted.fd", fd);
    tell("rooted.path", "/sub/inner");
    tell_number("rooted.ino", inner.ino());
    tell_number("rooted.dev", inner.dev());
    tell_number("rooted.mode", inner.mode());
}

fn in_namespaces() {
    let root = directory("namespaces");
    fs::create_dir(root.join("sub")).expect("a directory");
    fs::create_dir(root.join("mounted")).expect("a directory");
    fs::write(root.join("sub/inner"), "x").expect("a file");
    let mut watch = Watch::new(KINDS);
    let run = watch.act("open-in-namespaces", &root);
    let at = |name, base| Case {
        kind: EventKind::OPENAT,
        name,
        flags: RDONLY,
        mode: 0,
        dirfd: None,
        base: Some(base),
    };
    check_opens(&run, &[at("mounted", "cwd"), at("rooted", "inner-cwd")]);
    let inner = run.one(EventKind::OPENAT, |seen| {
        seen.values.contains_key("name") && seen.says("name", b"mounted/inner")
    });
    assert_eq!((inner.int("ctx.vpid"), inner.int("ctx.vsid")), (1, 1));
    assert_ne!(inner.int("ctx.pid"), 1);
}

/// Opens with real, effective and saved ids that all differ.
pub(crate) fn act_as_nobody(root: &OsStr) {
    env::set_current_dir(root).expect("the directory");
    tell("cwd", env::current_dir().expect("cwd").into_os_string().into_vec());
    // SAFETY: plain numbers.
    let done = unsafe { libc::setresgid(2001, 2002, 2003) | libc::setresuid(1001, 1002, 1003) };
    assert_eq!(done, 0);
    rustix::process::setpgid(None, None).expect("a group");
    tell_context();
    let fd = raw::openat(libc::AT_FDCWD, c"/dev/null", libc::O_RDONLY, 0);
    tell_opened("null", b"/dev/null", fd);
}

fn as_nobody() {
    let root = directory("nobody");
    let mut watch = Watch::new(KINDS);
    let run = watch.act("open-as-nobody", &root);
    let case = Case {
        kind: EventKind::OPENAT,
        name: "null",
        flags: RDONLY,
        mode: 0,
        dirfd: None,
        base: None,
    };
    check_opens(&run, &[case]);
    let status = String::from_utf8_lossy(run.told("status"));
    assert!(status.contains("Uid:\t1001\t1002\t1003\t1002"), "the ids differ");
}

/// Opens `/dev/null` so many times.
pub(crate) fn act_often(times: &OsStr) {
    let times: u64 = times.to_string_lossy().parse().expect("a number");
    for _ in 0..times {
        let fd = raw::openat(libc::AT_FDCWD, c"/dev/null", libc::O_RDONLY, 0);
        // SAFETY: the descriptor is our own and not used again.
        unsafe { libc::close(i32::try_from(fd).expect("a descriptor")) };
    }
}

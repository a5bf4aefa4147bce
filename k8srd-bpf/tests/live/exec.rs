//! execve and execveat.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use k8srd_bpf::clock::boot_now;
use k8srd_core::kind::EventKind;

use crate::act::{self, c, tell, tell_context, tell_number};
use crate::raw;
use crate::truth::{self, Truth, bytes, check, int, text, uint};
use crate::watch::{Run, Seen, Watch};

pub(crate) const TESTS: crate::Tests = &[
    ("odd arguments and environment", odd_arguments),
    ("100 KB of arguments", long_arguments),
    ("no arguments at all", no_arguments),
    ("a relative name through a symbolic link", relative),
    ("from a thread that is not the leader", from_thread),
    ("calls that fail", failing),
    ("execveat of a descriptor", by_descriptor),
];

/// Started anew: what /proc says about this program.
pub(crate) fn act_report() {
    tell_context();
    for name in ["cmdline", "environ", "comm"] {
        tell(name, fs::read(format!("/proc/self/{name}")).expect(name));
    }
    tell("cwd", env::current_dir().expect("cwd").into_os_string().into_vec());
    let exe = fs::read_link("/proc/self/exe").expect("exe");
    let writable = rustix::fs::access(&exe, rustix::fs::Access::WRITE_OK).is_ok();
    tell_number("writable", u8::from(writable));
    tell("exe", exe.into_os_string().into_vec());
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    tell_number("fdlimit", limit.unwrap_or(u64::MAX));
}

/// The truth about the exec that made `run` what it reports, between two points in time.
fn truth_of(run: &Run, filename: &[u8], start: u64) -> Vec<(&'static str, Truth)> {
    let context = truth::context(run);
    let of = |name: &str| {
        context.iter().find(|(field, _)| *field == name).expect("a context field").1.clone()
    };
    let command_line = &run.told("cmdline")[..run.told("cmdline").len().min(4096)];
    let exe = command_line.split(|&byte| byte == 0).next().unwrap_or_default();
    let environment = &run.told("environ")[..run.told("environ").len().min(4096)];
    let cut = run.told("cmdline").len() > 4096 || run.told("environ").len() > 4096;
    let file = fs::metadata(OsStr::from_bytes(run.told("exe"))).expect("the executable");
    let nanos = |seconds: i64, nanos: i64| uint((seconds * 1_000_000_000 + nanos) as u64);
    let mut all = context.clone();
    all.extend([
        ("res", int(0)),
        ("exe", text(exe)),
        ("args", bytes(command_line.get(exe.len() + 1..).unwrap_or_default())),
        ("tid", of("ctx.tid")),
        ("pid", of("ctx.pid")),
        ("ptid", of("ctx.ppid")),
        ("cwd", text(run.told("cwd"))),
        ("fdlimit", uint(run.told_number("fdlimit") as u64)),
        ("pgft_maj", Truth::Within(0, 10_000)),
        ("pgft_min", Truth::Within(1, 100_000)),
        ("vm_size", Truth::Within(100, 1 << 30)),
        // The kernel counts pages by CPU and adds up now and then: little may read as nothing.
        ("vm_rss", Truth::Within(0, 1 << 30)),
        ("vm_swap", Truth::Within(0, 1 << 30)),
        ("comm", text(run.told("comm").trim_ascii_end())),
        ("cgroups", truth::cgroups_param(run)),
        ("env", bytes(environment)),
        ("tty", of("ctx.tty")),
        ("vpgid", of("ctx.vpgid")),
        ("loginuid", of("ctx.loginuid")),
        ("flags", uint(run.told_number("writable") as u64)),
        ("cap_inheritable", of("ctx.cap_inheritable")),
        ("cap_permitted", of("ctx.cap_permitted")),
        ("cap_effective", of("ctx.cap_effective")),
        ("exe_ino", uint(file.ino())),
        ("exe_ino_ctime", nanos(file.ctime(), file.ctime_nsec())),
        ("exe_ino_mtime", nanos(file.mtime(), file.mtime_nsec())),
        ("uid", of("ctx.euid")),
        ("trusted_exepath", text(run.told("exe"))),
        ("pgid", of("ctx.pgid")),
        ("gid", of("ctx.egid")),
        ("filename", text(filename)),
        ("ctx.old_tid", of("ctx.tid")),
        ("ctx.path.real", text(run.told("exe"))),
        ("ctx.truncated", Truth::Is(k8srd_core::value::OwnedValue::Bool(cut))),
        ("ctx.boot_time", Truth::Within(start, run.told_number("before") as u64)),
    ]);
    all
}

fn this_binary() -> OsString {
    env::current_exe().expect("the path of this binary").into_os_string()
}

fn the_exec(run: &Run) -> &Seen {
    run.one(EventKind::EXECVE, |seen| seen.int("ctx.pid") == run.pid && seen.int("res") == 0)
}

/// Runs the command, which reports, and compares its exec.
fn check_exec(command: &mut Command, filename: &OsStr) -> Run {
    let mut watch = Watch::new(&[]);
    let start = boot_now();
    let run = watch.run(command);
    check(the_exec(&run), truth_of(&run, filename.as_bytes(), start));
    run
}

fn odd_arguments() {
    let odd = [&b""[..], b"\xff\xfe not UTF-8", b"a\nb\tc", b"", b"\"'$(x)\\", b"--last"];
    let mut command = act::command("report");
    command.arg0(OsStr::from_bytes(b"not \xc3 my name"));
    command.args(odd.map(OsStr::from_bytes)).env_clear().env(act::NAME, "report");
    command.env("ODD", OsStr::from_bytes(b"\xff=\n")).env("EMPTY", "");
    let run = check_exec(&mut command, &this_binary());
    // /proc agrees with what was asked for, so the truth is not empty.
    let asked = [&[&b"not \xc3 my name"[..]][..], &odd].concat().join(&0);
    assert_eq!(run.told("cmdline"), [&asked[..], b"\0"].concat());
}

fn long_arguments() {
    let mut command = act::command("report");
    command.env_clear().env(act::NAME, "report").env("LONG", "y".repeat(60_000));
    command.args((0..100).map(|n| format!("{n:03}{}", "x".repeat(1000))));
    let run = check_exec(&mut command, &this_binary());
    assert!(run.told("cmdline").len() > 100_000 && run.told("environ").len() > 60_000);
    let seen = the_exec(&run);
    assert_eq!(seen.bytes("exe").len() + 1 + seen.bytes("args").len(), 4096);
    assert_eq!(seen.bytes("env").len(), 4096);
}

fn no_arguments() {
    let mut command = act::command("report");
    command.arg0("").env_clear().env(act::NAME, "report");
    let run = check_exec(&mut command, &this_binary());
    assert_eq!(run.told("cmdline"), b"\0");
}

fn relative() {
    let directory = directory("relative");
    let _ = fs::remove_file(directory.join("an-alias-with-a-long-name"));
    symlink(this_binary(), directory.join("an-alias-with-a-long-name")).expect("link");
    let name = "./an-alias-with-a-long-name";
    let mut command = Command::new(name);
    command.current_dir(&directory).env(act::NAME, "report");
    let run = check_exec(&mut command, OsStr::new(name));
    assert_eq!(run.told("comm"), b"an-alias-with-a\n", "15 bytes of the name, not of the file");
    assert_eq!(run.told("exe"), this_binary().as_bytes());
}

/// An empty directory of this test's own.
pub(crate) fn directory(name: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path.canonicalize().expect("a directory")
}

pub(crate) fn act_from_thread() {
    let thread = std::thread::spawn(|| {
        tell_number("old_tid", rustix::thread::gettid().as_raw_pid());
        act::become_act(&mut act::command("report"));
    });
    let _ = thread.join();
}

fn from_thread() {
    let mut watch = Watch::new(&[]);
    let start = boot_now();
    let run = watch.act("exec-from-thread", "");
    let old_tid = run.told_number("old_tid");
    assert_ne!(old_tid, run.pid);
    let seen = run.one(EventKind::EXECVE, |seen| seen.says("args", b"") && seen.int("res") == 0);
    let mut truth = truth_of(&run, this_binary().as_bytes(), start);
    truth.push(("ctx.old_tid", int(old_tid)));
    check(seen, truth);
    assert_eq!(seen.int("ctx.tid"), run.pid, "the thread took the leader's place");
    // The program counts: the exec of the thread comes after that of the process.
    let first = run.one(EventKind::EXECVE, |seen| seen.says("args", b"\0"));
    assert_eq!(seen.int("ctx.exec_id"), first.int("ctx.exec_id") + 1);
}

fn failing_directory() -> std::path::PathBuf {
    let directory = directory("failing");
    let plain = directory.join("not-executable");
    fs::write(&plain, "text").expect("a file");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).expect("permissions");
    directory
}

pub(crate) fn act_failing() {
    tell_context();
    let directory = env::args_os().nth(1).expect("a directory");
    env::set_current_dir(&directory).expect("the directory");
    tell("comm", fs::read("/proc/self/comm").expect("comm"));
    let argv = [c("first"), c(OsStr::from_bytes(b"s\xff\n")), c("")];
    let env = [c("E=1"), c("F=")];
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, env) = (pointers(&argv), pointers(&env));
    let opened = fs::File::open(&directory).expect("the directory");
    // SAFETY: all texts and lists are terminated and outlive the calls.
    let results = unsafe {
        [
            raw::result(libc::syscall(
                libc::SYS_execve,
                c"no/such".as_ptr(),
                argv.as_ptr(),
                env.as_ptr(),
            )),
            raw::result(libc::syscall(
                libc::SYS_execve,
                c"./not-executable".as_ptr(),
                argv.as_ptr(),
                env.as_ptr(),
            )),
            raw::result(libc::syscall(
                libc::SYS_execveat,
                opened.as_raw_fd(),
                c"missing".as_ptr(),
                argv.as_ptr(),
                env.as_ptr(),
                0,
            )),
        ]
    };
    assert_eq!(results, [-libc::ENOENT, -libc::EACCES, -libc::ENOENT].map(i64::from));
}

fn failing() {
    let directory = failing_directory();
    let mut watch = Watch::new(&[]);
    let run = watch.act("exec-failing", &directory);
    let mut truth = truth::context(&run);
    let of = |name: &str| {
        let context = truth::context(&run);
        context.iter().find(|(field, _)| *field == name).expect("a context field").1.clone()
    };
    let exe = this_binary();
    let file = fs::metadata(&exe).expect("the executable");
    let nanos = |seconds: i64, nanos: i64| uint((seconds * 1_000_000_000 + nanos) as u64);
    truth.extend([
        ("exe", text("first")),
        ("args", bytes(b"s\xff\n\0\0")),
        ("tid", of("ctx.tid")),
        ("pid", of("ctx.pid")),
        ("ptid", of("ctx.ppid")),
        ("cwd", text(directory.as_os_str().as_bytes())),
        ("fdlimit", Truth::Within(16, u64::MAX)),
        ("pgft_maj", Truth::Within(0, 10_000)),
        ("pgft_min", Truth::Within(1, 100_000)),
        ("vm_size", Truth::Within(100, 1 << 30)),
        // The kernel counts pages by CPU and adds up now and then: little may read as nothing.
        ("vm_rss", Truth::Within(0, 1 << 30)),
        ("vm_swap", Truth::Within(0, 1 << 30)),
        ("comm", text(run.told("comm").trim_ascii_end())),
        ("cgroups", truth::cgroups_param(&run)),
        ("env", bytes(b"E=1\0F=\0")),
        ("tty", of("ctx.tty")),
        ("vpgid", of("ctx.vpgid")),
        ("loginuid", of("ctx.loginuid")),
        ("flags", Truth::Within(0, 1)),
        ("cap_inheritable", of("ctx.cap_inheritable")),
        ("cap_permitted", of("ctx.cap_permitted")),
        ("cap_effective", of("ctx.cap_effective")),
        ("exe_ino", uint(file.ino())),
        ("exe_ino_ctime", nanos(file.ctime(), file.ctime_nsec())),
        ("exe_ino_mtime", nanos(file.mtime(), file.mtime_nsec())),
        ("uid", of("ctx.euid")),
        ("trusted_exepath", text(exe.as_bytes())),
        ("pgid", of("ctx.pgid")),
        ("gid", of("ctx.egid")),
    ]);
    for (kind, name, res) in [
        (EventKind::EXECVE, &b"no/such"[..], -libc::ENOENT),
        (EventKind::EXECVE, b"./not-executable", -libc::EACCES),
        (EventKind::EXECVEAT, b"missing", -libc::ENOENT),
    ] {
        let at = kind == EventKind::EXECVEAT;
        let seen = run.one(kind, |seen| {
            seen.int("res") == i64::from(res) && (at || seen.says("filename", name))
        });
        let mut truth = truth.clone();
        truth.push(("res", int(res)));
        truth.push(("filename", text(name)));
        if at {
            truth.push(("ctx.path.base", text(directory.as_os_str().as_bytes())));
        } else {
            truth.push(("ctx.path.base", Truth::Absent));
        }
        check(seen, truth);
    }
}

fn by_descriptor() {
    let mut watch = Watch::new(&[]);
    // A shell cannot execveat; the act's own exec by descriptor is fexecve.
    let mut command = act::command("report");
    let file = fs::File::open(this_binary()).expect("this binary");
    let fd = file.as_raw_fd();
    let argv = [c("by-descriptor").into_raw()];
    let (argv, name) =
        ([argv[0] as usize, 0], c(format!("{}=report", act::NAME)).into_raw() as usize);
    // SAFETY: between fork and exec the closure makes one system call; the texts are leaked.
    unsafe {
        command.pre_exec(move || {
            let env = [name, 0];
            libc::syscall(
                libc::SYS_execveat,
                fd,
                c"".as_ptr(),
                argv.as_ptr(),
                env.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
            Err(std::io::Error::last_os_error())
        });
    }
    let start = boot_now();
    let run = watch.run(&mut command);
    let seen = run
        .events
        .iter()
        .find(|seen| seen.values.contains_key("exe") && seen.says("exe", b"by-descriptor"))
        .expect("the exec");
    if seen.kind == EventKind::EXECVEAT {
        check(seen, truth_of(&run, b"", start));
    } else {
        // Before 6.11 the kernel does not tell an execveat without directory from an execve.
        let kernel = rustix::system::uname();
        let release = kernel.release().to_string_lossy();
        let mut numbers = release.split(['.', '-']).map(|n| n.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        assert!(version < (6, 11), "told as execve on {release}");
    }
}

//! What this binary does when it is not the test but the program that is watched.
//!
//! An act tells what it did and what it found out about itself, one `name=value` a line, the value
//! in hexadecimal digits.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use k8srd_bpf::clock::boot_now;

use crate::{calls, connect, exec, fault, fork, open, race, raw, uring};

/// The environment variable with the name of the act.
pub(crate) const NAME: &str = "K8SRD_ACT";
/// Set for an act that is to end badly.
pub(crate) const MAY_FAIL: &str = "K8SRD_MAY_FAIL";

/// Starts this binary to act.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of this binary"));
    command.env(NAME, name);
    command
}

pub(crate) fn run(name: &str) -> ExitCode {
    let argument = env::args_os().nth(1).unwrap_or_default();
    match name {
        "nothing" => {}
        "report" => exec::act_report(),
        "exec-from-thread" => exec::act_from_thread(),
        "exec-failing" => exec::act_failing(),
        "open" => open::act(&argument),
        "open-in-namespaces" => open::act_in_namespaces(&argument),
        "open-as-nobody" => open::act_as_nobody(&argument),
        "open-often" => open::act_often(&argument),
        "calls" => calls::act(&argument),
        #[cfg(target_arch = "x86_64")]
        "calls-32" => calls::act_32(&argument),
        "calls-filtered" => calls::act_filtered(),
        "connect" => connect::act(&argument),
        "connect-often" => connect::act_often(&argument),
        "faults" => fault::act(&argument),
        "fork" => fork::act(),
        "race-open" => race::act_opens(&argument),
        "race-connect" => race::act_connects(&argument),
        "exit" => return ExitCode::from(argument.to_string_lossy().parse::<u8>().unwrap_or(99)),
        "uring" => uring::act(&argument),
        "wait" => {
            std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(60)));
            tell_context();
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
        }
        #[cfg(target_arch = "x86_64")]
        "open-32" => {
            for _ in 0..100 {
                assert_eq!(raw::open_32(), -libc::EFAULT);
            }
            // Connect among i386's calls for sockets, with arguments at an address never mapped.
            for _ in 0..10 {
                assert_eq!(raw::int_80(102, [3, 8, 0, 0, 0]), -libc::EFAULT);
            }
        }
        other => panic!("there is no act {other}"),
    }
    ExitCode::SUCCESS
}

/// Tells one thing.
pub(crate) fn tell(name: &str, value: impl AsRef<[u8]>) {
    let digits: String = value.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name}={digits}").and_then(|()| out.flush()).expect("stdout");
}

pub(crate) fn tell_number(name: &str, number: impl ToString) {
    tell(name, number.to_string());
}

/// What an act told.
pub(crate) fn told(stdout: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8_lossy(stdout)
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter_map(|(name, digits)| {
            let value = digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<_>>>()?;
            Some((name.to_owned(), value))
        })
        .collect()
}

/// Tells what the calling thread is. Told before it acts.
pub(crate) fn tell_context() {
    tell_number("before", boot_now());
    tell("status", fs::read("/proc/thread-self/status").expect("status"));
    tell("cgroup", fs::read("/proc/thread-self/cgroup").expect("cgroup"));
    let loginuid = fs::read_to_string("/proc/thread-self/loginuid");
    tell("loginuid", loginuid.as_deref().map_or("4294967295", str::trim));
    for name in ["mnt", "pid", "net", "user", "uts", "ipc", "cgroup"] {
        let inode = fs::metadata(format!("/proc/thread-self/ns/{name}")).expect(name).ino();
        tell_number(&format!("ns.{name}"), inode);
    }
    let stat = fs::read_to_string("/proc/thread-self/stat").expect("stat");
    let field = |stat: &str, n: usize| -> String {
        stat.rsplit_once(')').expect("stat").1.split_whitespace().nth(n).expect("stat").to_owned()
    };
    tell("stat.tty", field(&stat, 4));
    tell("stat.start", field(&stat, 19));
    let leader = fs::read_to_string("/proc/self/stat").expect("stat");
    tell("leader.start", field(&leader, 19));
}

pub(crate) fn c(text: impl AsRef<OsStr>) -> CString {
    CString::new(text.as_ref().as_bytes()).expect("no NUL")
}

/// Where a descriptor leads, as the kernel says.
pub(crate) fn path_of(fd: i64) -> Vec<u8> {
    fs::read_link(format!("/proc/self/fd/{fd}")).expect("fd").into_os_string().into_vec()
}

/// Runs an act of this binary in the place of the calling process.
pub(crate) fn become_act(command: &mut Command) -> ! {
    let error = command.exec();
    panic!("exec: {error}");
}

//! clone, clone3, fork, vfork, procexit.

use std::process::Command;

use k8srd_core::kind::EventKind;

use crate::act::{self, tell, tell_context, tell_number};
use crate::raw;
use crate::truth::{self, Truth, check, int, text, uint};
use crate::watch::{Run, Seen, Watch};

pub(crate) const TESTS: crate::Tests = &[
    ("every call that makes a task", every_call),
    ("how a process ends", ends),
    ("our own thread group is left out, its children are not", own),
];

pub(crate) fn act() {
    tell_context();
    tell("comm", std::fs::read("/proc/thread-self/comm").expect("comm"));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    tell_number("fdlimit", limit.unwrap_or(u64::MAX));
    #[cfg(target_arch = "x86_64")]
    {
        tell_number("fork", raw::fork_by(libc::SYS_fork, [0, 0], 3));
        tell_number("vfork", raw::vfork(4));
    }
    let flags = libc::SIGCHLD as usize | libc::CLONE_FILES as usize;
    tell_number("clone", raw::fork_by(libc::SYS_clone, [flags, 0], 5));
    // struct clone_args up to set_tid: flags, pidfd, child_tid, parent_tid, exit_signal, …
    let mut arguments = [0_u64; 8];
    (arguments[0], arguments[4]) = (libc::CLONE_FS as u64, libc::SIGCHLD as u64);
    let arguments = [arguments.as_ptr() as usize, size_of_val(&arguments)];
    tell_number("clone3", raw::fork_by(libc::SYS_clone3, arguments, 6));
    tell_number("refused", raw::clone_refused());
    let thread = std::thread::spawn(|| rustix::thread::gettid().as_raw_pid());
    tell_number("thread", thread.join().expect("a thread"));
}

fn truth_of(run: &Run, res: i64, flags: u64) -> Vec<(&'static str, Truth)> {
    let mut truth = truth::context(run);
    let of = |name: &str| {
        let context = truth::context(run);
        context.iter().find(|(field, _)| *field == name).expect("a context field").1.clone()
    };
    truth.extend([
        ("res", int(res)),
        ("exe", Truth::Absent),
        ("args", Truth::Absent),
        ("cwd", Truth::Absent),
        ("tid", of("ctx.tid")),
        ("pid", of("ctx.pid")),
        ("ptid", of("ctx.ppid")),
        ("fdlimit", int(run.told_number("fdlimit"))),
        ("pgft_maj", Truth::Within(0, 10_000)),
        ("pgft_min", Truth::Within(0, 100_000)),
        ("vm_size", Truth::Within(100, 1 << 30)),
        // The kernel counts pages by CPU and adds up now and then: little may read as nothing.
        ("vm_rss", Truth::Within(0, 1 << 30)),
        ("vm_swap", Truth::Within(0, 1 << 30)),
        ("comm", text(run.told("comm").trim_ascii_end())),
        ("cgroups", truth::cgroups_param(run)),
        ("flags", uint(flags)),
        ("uid", of("ctx.euid")),
        ("gid", of("ctx.egid")),
        ("vtid", of("ctx.vtid")),
        ("vpid", of("ctx.vpid")),
        ("pidns_init_start_ts", Truth::Within(0, u64::MAX)),
    ]);
    truth
}

fn every_call() {
    let mut watch = Watch::new(&[]);
    let run = watch.act("fork", "");
    let (vm, vfork, files, fs) = (1_u64 << 15, 1_u64 << 27, 1_u64, 2_u64);
    let mut cases =
        vec![("clone", EventKind::CLONE, files, 5), ("clone3", EventKind::CLONE3, fs, 6)];
    if cfg!(target_arch = "x86_64") {
        cases.push(("fork", EventKind::FORK, 0, 3));
        cases.push(("vfork", EventKind::VFORK, vm | vfork, 4));
    }
    for (name, kind, flags, code) in cases {
        let child = run.told_number(name);
        assert!(child > 0, "{name} gave {child}");
        let seen = run.one(kind, |seen| seen.int("res") == child);
        let mut truth = truth_of(&run, child, flags);
        truth.extend([
            ("ctx.child.tid", int(child)),
            ("ctx.child.pid", int(child)),
            ("ctx.child.vtid", int(child)),
            ("ctx.child.vpid", int(child)),
            ("ctx.child.ppid", int(run.pid)),
            ("ctx.child.ns.pid", uint(run.told_number("ns.pid") as u64)),
        ]);
        let started = seen.values["ctx.child.start_time"].clone();
        truth.push(("ctx.child.start_time", Truth::Is(started.clone())));
        check(seen, truth);
        // The child is the one that was made: it has the start time that its maker's record says.
        let exit = run.one(EventKind::PROCEXIT, |seen| seen.int("ctx.tid") == child);
        assert_eq!(exit.values["ctx.start_time"], started);
        assert_eq!((exit.int("ret"), exit.int("ctx.ppid")), (code, run.pid));
    }
    let refused = run.one(EventKind::CLONE, |seen| seen.int("res") < 0);
    assert_eq!(refused.int("res"), run.told_number("refused"));
    assert!(!refused.values.contains_key("ctx.child.tid"));

    let thread = run.told_number("thread");
    let made = |seen: &Seen| {
        seen.values.contains_key("ctx.child.tid") && seen.int("ctx.child.tid") == thread
    };
    let seen = run.events.iter().find(|seen| made(seen)).expect("the thread");
    assert_eq!(seen.int("ctx.child.pid"), run.pid);
    let (is_thread, shares_memory) = (1 << 13, 1 << 15);
    assert_eq!(seen.int("flags") & (is_thread | shares_memory), is_thread | shares_memory);
    run.one(EventKind::PROCEXIT, |seen| seen.int("ctx.tid") == thread);
}

fn ends() {
    let mut watch = Watch::new(&[]);
    let exit = |run: &Run| -> Seen {
        run.one(EventKind::PROCEXIT, |seen| seen.int("ctx.tid") == run.pid).clone()
    };
    let of = |seen: &Seen| ["status", "ret", "sig", "core"].map(|name| seen.int(name));
    let run = watch.run(act::command("exit").arg("0"));
    assert_eq!(of(&exit(&run)), [0, 0, 0, 0]);
    let run = watch.run(act::command("exit").arg("7").env(act::MAY_FAIL, ""));
    assert_eq!(of(&exit(&run)), [7 << 8, 7, 0, 0]);
    let mut killed = Command::new("sh");
    killed.args(["-c", "kill -9 $$"]).env(act::MAY_FAIL, "");
    assert_eq!(of(&exit(&watch.run(&mut killed))), [9, 0, 9, 0]);
    // Its children go to init or to a reaper; whoever it is, it is there.
    let mut orphans = Command::new("sh");
    orphans.args(["-c", "sleep 0.3 & exit 0"]);
    let run = watch.run(&mut orphans);
    let reaper = exit(&run).int("reaper_tid");
    assert!(std::path::Path::new(&format!("/proc/{reaper}")).exists(), "reaper {reaper}");
}

fn own() {
    let mut watch = Watch::new(&[EventKind::OPENAT, EventKind::OPEN]);
    let ours = i64::from(std::process::id());
    for _ in 0..100 {
        std::fs::read("/proc/uptime").expect("a file");
    }
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| std::fs::read("/proc/uptime").expect("a file")))
        .collect();
    for thread in threads {
        thread.join().expect("a thread");
    }
    let run = watch.run(Command::new("cat").arg("/proc/uptime"));
    // Of ourselves only that we made the child was seen.
    let of_us: Vec<_> = run.events.iter().filter(|seen| seen.int("ctx.pid") == ours).collect();
    assert!(
        of_us.iter().all(|seen| seen.values.contains_key("ctx.child.pid")) && of_us.len() == 1,
        "{of_us:#?}"
    );
    let opened = run.of_kind(EventKind::OPENAT).chain(run.of_kind(EventKind::OPEN));
    assert!(
        opened
            .filter(|seen| seen.values.contains_key("name"))
            .any(|seen| seen.says("name", b"/proc/uptime"))
    );
}

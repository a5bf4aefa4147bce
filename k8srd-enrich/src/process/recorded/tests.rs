//! Each call that state is kept from, by events that tell no more than a recording of Falco's.

use k8srd_core::arena::Arena;
use k8srd_core::enricher::Enricher as _;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use crate::process::Processes;
use crate::process::tests::{ask, pass};

const SECOND: u64 = 1_000_000_000;
/// When the machine of these recordings was booted.
const BOOT: u64 = 1_000 * SECOND;
const THREAD: u64 = 1 << 13;
const IN_NAMESPACE: u64 = 1 << 29;

fn says(tid: u32, kind: &str) -> TestEvent {
    TestEvent::falco(kind).field("ctx.tid", tid).at(BOOT + 100 * SECOND)
}

fn later(event: TestEvent, seconds: u64) -> TestEvent {
    event.at(BOOT + (100 + seconds) * SECOND)
}

/// A row of the process list.
fn row(tid: u32, pid: u32, ppid: u32, comm: &str) -> TestEvent {
    let ids = [
        ("ctx.tid", tid),
        ("ctx.pid", pid),
        ("ctx.ppid", ppid),
        ("ctx.vtid", tid),
        ("ctx.vpid", pid),
        ("ctx.sid", 2),
        ("ctx.vsid", 2),
        ("ctx.pgid", pid),
        ("ctx.vpgid", pid),
    ];
    let row = ids.into_iter().fold(TestEvent::falco("task"), |row, (name, id)| row.field(name, id));
    row.field("ctx.euid", 1000)
        .field("ctx.egid", 100)
        .param("comm", comm)
        .param("exe", format!("/bin/{comm}").as_str())
        .param("trusted_exepath", format!("/usr/bin/{comm}").as_str())
        .param("args", TestValue::strings(["-l"]))
        .param("env", TestValue::strings(["HOME=/home/me"]))
        .param("cwd", "/home/me")
        .param("cgroups", TestValue::strings(["cpuset=/a", "mem=/b"]))
        .param("fdlimit", 1024)
        .param("vm_size", 10)
        .param("vm_rss", 5)
        .param("pgft_maj", 7)
}

/// A call of clone that returned `res` in `tid`.
fn clones(tid: u32, res: u32, pid: u32, ptid: u32, flags: u64) -> TestEvent {
    says(tid, "clone")
        .param("res", res)
        .param("exe", "/bin/bash")
        .param("comm", "worker")
        .param("args", TestValue::strings(["-l"]))
        .param("pid", pid)
        .param("ptid", ptid)
        .param("vtid", tid)
        .param("vpid", pid)
        .param("flags", flags)
        .param("fdlimit", 512)
        .param("vm_size", 11)
        .param("vm_rss", 6)
        .param("vm_swap", 1)
        .param("pgft_maj", 1)
        .param("pgft_min", 2)
        .param("uid", 1000)
        .param("gid", 100)
        .param("cgroups", TestValue::strings(["cpuset=/c"]))
}

fn execs(tid: u32, path: &str) -> TestEvent {
    says(tid, "execve")
        .param("res", 0)
        .param("exe", path)
        .param("comm", path.rsplit('/').next().unwrap())
        .param("args", TestValue::strings(["a", "b c"]))
        .param("pid", tid)
        .param("ptid", 1)
        .param("trusted_exepath", path)
        .param("env", TestValue::strings(["HOME=/root"]))
        .param("uid", 0)
        .param("gid", 0)
        .param("loginuid", 1001)
        .param("tty", 34816)
        .param("pgid", tid)
        .param("vpgid", tid)
        .param("flags", 3)
        .param("cap_effective", 1)
        .param("cap_permitted", 3)
        .param("cap_inheritable", 0)
        .param("exe_ino", 55)
        .param("exe_ino_ctime", BOOT + 10 * SECOND)
        .param("exe_ino_mtime", BOOT + 5 * SECOND)
}

/// An init and a login shell.
fn listed() -> Processes {
    let mut processes = Processes::builder().build();
    for event in [row(2, 2, 1, "bash"), row(1, 1, 0, "init")] {
        pass(&mut processes, &event, &[]);
    }
    processes
}

/// Passes events; `asked` is what the last one is asked while it is matched: `field=text`, `-` for
/// none.
#[track_caller]
fn check(processes: &mut Processes, events: &[TestEvent], asked: &str) {
    let pairs = asked.split(';').map(|pair| pair.trim().split_once('=').unwrap());
    let (names, wanted): (Vec<&str>, Vec<&str>) = pairs.unzip();
    let (last, before) = events.split_last().unwrap();
    for event in before {
        pass(processes, event, &[]);
    }
    let told = pass(processes, last, &names);
    let told: Vec<&str> = told.iter().map(|text| text.as_deref().unwrap_or("-")).collect();
    for ((name, told), wanted) in names.iter().zip(told).zip(wanted) {
        assert_eq!(told, wanted, "{name}");
    }
}

#[test]
fn rows_tell_what_ran_already() {
    check(
        &mut listed(),
        &[says(2, "close")],
        "proc.name=bash; proc.exe=/bin/bash; proc.exepath=/usr/bin/bash; proc.cmdline=bash -l; \
         proc.env[HOME]=/home/me; proc.cwd=/home/me/; proc.pname=init; proc.ppid=1; proc.pid=2; \
         proc.sid=2; proc.pgid=2; proc.vpgid=2; proc.tty=0; proc.fdlimit=1024; proc.vmsize=10; \
         proc.vmrss=5; proc.vmswap=0; thread.pfmajor=7; thread.pfminor=0; thread.vmsize=10; \
         proc.nthreads=1; proc.nchilds=0; proc.duration=-; proc.pid.ts=-; proc.ppid.ts=0; proc.ppid.duration=-; \
         thread.cgroups=cpuset=/a memory=/b; thread.cgroup[memory]=/b; thread.cgroup[cpu]=-; \
         user.uid=1000; user.name=<NA>; user.homedir=<NA>; user.shell=<NA>; user.loginuid=-1; \
         group.gid=100; proc.is_sid_leader=true; proc.is_pgid_leader=true; thread.vtid=2; \
         proc.loginshellid=2; proc.sname=bash; proc.sid.exe=/bin/bash; proc.exe_ino=-; \
         proc.pgid.name=bash; proc.vpgid.exepath=/usr/bin/bash; thread.exectime=0; thread.cpu=-",
    );
    check(&mut listed(), &[says(1, "close")], "proc.ppid=-; proc.pname=-; proc.aname[1]=-");
}

#[test]
fn a_parent_that_is_not_listed_is_none_for_ever() {
    let mut processes = listed();
    pass(&mut processes, &row(5, 5, 4, "orphan"), &[]);
    check(&mut processes, &[says(5, "close")], "proc.ppid=-; proc.aname[0]=orphan");
    check(&mut processes, &[clones(4, 0, 4, 1, 0), says(5, "close")], "proc.ppid=-; proc.pname=-");
}

#[test]
fn a_thread_that_nothing_told_of_is_unknown() {
    let mut processes = listed();
    check(
        &mut processes,
        &[says(9, "close")],
        "proc.name=<NA>; proc.exe=<NA>; proc.cmdline=<NA>; proc.exepath=; proc.args=; proc.env=; \
         proc.pid=-1; proc.ppid=-; proc.pname=-; proc.aname[0]=-; proc.apid[0]=-; proc.vpid=-; \
         thread.vtid=-; proc.sid=-1; proc.pgid=-1; proc.is_sid_leader=true; thread.ismain=false; \
         proc.cwd=./; proc.nthreads=0; proc.fdlimit=0; user.uid=4294967295; user.name=<NA>; \
         group.name=<NA>; thread.tid=9; thread.cap_effective=; proc.loginshellid=-; proc.aargs=-",
    );
    check(&mut processes, &[says(9, "setuid").param("res", 0).param("uid", 5)], "user.uid=5");
    check(
        &mut processes,
        &[execs(9, "/bin/ls")],
        "proc.name=ls; proc.pid=9; proc.ppid=1; proc.vpid=9",
    );
    // The kernel's own threads are switched to, and nobody looks for those that end.
    check(&mut processes, &[says(10, "switch")], "proc.name=-; thread.tid=10; thread.exectime=0");
    check(&mut processes, &[says(11, "procexit")], "proc.name=-; proc.pid=-");
}

#[test]
fn a_child_is_told_by_its_callers_clone() {
    let mut processes = listed();
    check(
        &mut processes,
        &[clones(2, 3, 2, 1, 0), later(says(3, "close"), 4)],
        "proc.name=worker; proc.cmdline=worker -l; proc.exepath=/usr/bin/bash; proc.ppid=2; \
         proc.pname=bash; proc.env[HOME]=/home/me; proc.cwd=/home/me/; proc.duration=4000000000; \
         proc.pid.ts=1100000000000; proc.ppid.ts=0; proc.fdlimit=512; proc.vmsize=11; \
         proc.vmswap=1; thread.pfminor=2; thread.cgroups=cpuset=/c; proc.sid=2; proc.pgid=2; \
         proc.vpid=3; proc.aname[1]=bash; proc.loginshellid=2; proc.aargs=-l -l; proc.sname=bash",
    );
    // The child's own return tells nothing new.
    check(&mut processes, &[clones(3, 0, 3, 1, 0)], "proc.ppid=2");
    check(&mut processes, &[later(clones(3, 0, 3, 1, 0), 3)], "proc.ppid=1");
}

#[test]
fn a_child_in_a_namespace_tells_of_itself() {
    let mut processes = listed();
    let inside = |event: TestEvent| event.param("vtid", 1).param("vpid", 1);
    let own = inside(clones(30, 0, 30, 2, IN_NAMESPACE))
        .param("pidns_init_start_ts", 50 * SECOND)
        .field("ctx.boot_time", 100 * SECOND);
    check(
        &mut processes,
        &[clones(2, 1, 2, 1, IN_NAMESPACE), own.clone()],
        "proc.pid=30; proc.vpid=1; thread.vtid=1; proc.ppid=2; proc.duration=0; \
         proc.pidns_init_start_ts=50000000000; proc.is_vpgid_leader=false",
    );
    assert_eq!(ask(&processes, &says(1, "close"), "proc.name").as_deref(), Some("init"));
    // The session's leader is looked for among ancestors, and none is outside.
    check(
        &mut processes,
        &[says(30, "setsid").param("res", 1)],
        "proc.sid=1; proc.is_sid_leader=true; proc.sname=; proc.pgid.name=bash; proc.pvpid=2",
    );
    check(&mut processes, &[says(30, "setsid").param("res", -1)], "proc.sid=1");
}

#[test]
fn a_child_may_tell_before_its_caller_and_after_its_end() {
    let mut processes = listed();
    check(
        &mut processes,
        &[clones(3, 0, 3, 2, 0), execs(3, "/bin/ls"), clones(2, 3, 2, 1, 0), says(3, "close")],
        "proc.name=ls",
    );
    let exits = says(3, "procexit").param("reaper_tid", 0);
    check(&mut processes, &[exits], "proc.name=ls; proc.nthreads=0; proc.nchilds=0");
    check(&mut processes, &[clones(2, 3, 2, 1, 0), says(3, "close")], "proc.pid=-1");
    // Much later the id is another's.
    check(
        &mut processes,
        &[later(clones(2, 3, 2, 1, 0), 9), later(says(3, "close"), 9)],
        "proc.name=worker",
    );
    // After a vfork the child was there before.
    let vfork = clones(2, 7, 2, 1, 1 << 27);
    check(&mut processes, &[vfork, says(7, "close")], "proc.name=<NA>");
    check(&mut processes, &[clones(2, -1_i32 as u32, 2, 1, 0)], "proc.name=bash");
}

#[test]
fn threads_are_copies_of_their_own() {
    let mut processes = listed();
    check(
        &mut processes,
        &[
            clones(2, 21, 2, 1, THREAD),
            says(21, "setuid").param("res", 0).param("uid", 33),
            says(21, "brk").param("vm_size", 99).param("vm_rss", 88).param("vm_swap", 77),
        ],
        "proc.name=worker; user.uid=33; thread.ismain=false; proc.pid=2; thread.tid=21; \
         proc.nthreads=2; proc.nchilds=1; proc.vmsize=99; thread.vmsize=0; proc.duration=0; \
         proc.fdlimit=1024; proc.env[HOME]=/home/me; proc.pname=init; proc.aname[0]=bash",
    );
    check(
        &mut processes,
        &[says(2, "close")],
        "proc.name=bash; user.uid=1000; proc.vmsize=10; thread.ismain=true; proc.duration=-",
    );
    // A thread's child is what the thread is, but the environment is the main thread's.
    check(
        &mut processes,
        &[clones(21, 22, 2, 1, 0), says(22, "close")],
        "proc.ppid=2; proc.pname=bash; proc.env=; proc.cwd=/home/me/; proc.aname[1]=bash",
    );
    let names = pass(&mut processes, &says(22, "close"), &["proc.aname"]);
    assert_eq!(names, [Some("(worker,init)".into())], "whose child it is");
    // The thread ends: its children stay in the process.
    check(
        &mut processes,
        &[says(21, "procexit").param("reaper_tid", 2), says(22, "close")],
        "proc.ppid=2; proc.aname[2]=init",
    );
    check(&mut processes, &[says(2, "close")], "proc.nthreads=1");
    // An exec ends the others.
    check(
        &mut processes,
        &[clones(2, 23, 2, 1, THREAD), execs(2, "/bin/sh")],
        "proc.nthreads=1; proc.name=sh; thread.ismain=true",
    );
    check(&mut processes, &[says(23, "close")], "proc.name=<NA>");
}

#[test]
fn a_main_thread_is_found_after_its_end() {
    let mut processes = listed();
    check(
        &mut processes,
        &[clones(2, 21, 2, 1, THREAD), says(2, "procexit"), says(21, "close")],
        "proc.nthreads=1; proc.nchilds=1; proc.pname=init; proc.aname[0]=bash",
    );
    check(&mut processes, &[says(21, "procexit"), says(2, "close")], "proc.name=<NA>");
    assert_eq!(processes.counts().processes, 2, "init and a stranger");
}

#[test]
fn execs_tell_all_but_what_they_leave() {
    let mut processes = listed();
    let fork = clones(3, 0, 3, 2, IN_NAMESPACE).param("pidns_init_start_ts", 1_000 * SECOND);
    check(
        &mut processes,
        &[fork, execs(3, "/bin/ls")],
        "proc.name=ls; proc.exe=/bin/ls; proc.exepath=/bin/ls; proc.args=a b c; proc.args[1]=b c; \
         proc.cmdnargs=2; proc.cmdlenargs=4; proc.exeline=/bin/ls a b c; proc.env=HOME=/root; \
         user.uid=0; user.name=root; user.homedir=/root; user.loginuid=1001; group.name=root; \
         proc.tty=34816; proc.pgid=3; proc.vpgid=3; proc.is_pgid_leader=true; proc.sid=2; \
         proc.is_exe_writable=true; proc.is_exe_upper_layer=true; proc.is_exe_from_memfd=false; \
         thread.cap_effective=CAP_CHOWN; thread.cap_permitted=CAP_CHOWN CAP_DAC_OVERRIDE; \
         thread.cap_inheritable=; proc.exe_ino=55; proc.exe_ino.ctime=1010000000000; \
         proc.exe_ino.mtime=1005000000000; proc.exe_ino.ctime_duration_proc_start=90000000000; \
         proc.exe_ino.ctime_duration_pidns_start=10000000000; thread.cgroups=cpuset=/c",
    );
    // A child has the age of the executable as its parent has it.
    check(
        &mut processes,
        &[clones(3, 4, 3, 2, 0), says(4, "close")],
        "proc.exe_ino.ctime_duration_proc_start=90000000000; proc.exe_ino=55; \
         proc.exe_ino.ctime_duration_pidns_start=-",
    );
    // Older writers told less: the group is unknown, the rest stays.
    let older = says(3, "execve").param("res", 0).param("exe", "old").param("filename", "bin/old");
    check(
        &mut processes,
        &[older],
        "proc.name=old; proc.exepath=/home/me/bin/old; proc.pgid=-1; proc.vpgid=3; user.uid=0; \
         proc.env[HOME]=/root; proc.args=; proc.is_exe_writable=true",
    );
    check(&mut processes, &[execs(3, "/no").param("res", -2)], "proc.name=old");
}

#[test]
fn orphans_go_to_the_next_reaper() {
    let mut processes = listed();
    let prctl = says(2, "prctl").param("res", 0).param("option", 36).param("arg2_int", 1);
    check(
        &mut processes,
        &[
            prctl,
            clones(2, 3, 2, 1, 0),
            clones(3, 4, 3, 2, 0),
            clones(4, 5, 4, 3, 0),
            says(4, "procexit").param("reaper_tid", 0),
            says(5, "close"),
        ],
        "proc.ppid=2; proc.pname=bash",
    );
    // The kernel told to whom they go.
    check(
        &mut processes,
        &[clones(5, 6, 5, 2, 0), says(5, "procexit").param("reaper_tid", 1), says(6, "close")],
        "proc.ppid=1; proc.pname=init",
    );
    let not = says(2, "prctl").param("res", 0).param("option", 36).param("arg2_int", 0);
    check(
        &mut processes,
        &[not, says(2, "procexit").param("reaper_tid", 0), says(3, "close")],
        "proc.ppid=1",
    );
}

#[test]
fn ancestors_have_arguments_and_environments() {
    let mut processes = listed();
    check(
        &mut processes,
        &[clones(2, 3, 2, 1, 0), execs(3, "/bin/sh"), clones(3, 4, 3, 2, 0), says(4, "close")],
        "proc.aargs=a b c -l -l; proc.aargs[0]=-l; proc.aargs[1]=a b c; proc.aargs[9]=-; \
         proc.aenv[0]=HOME=/root; proc.aenv[2]=HOME=/home/me; proc.aenv[HOME]=/root; \
         proc.aenv[PATH]=; proc.aenv[9]=-; proc.ppid.duration=0; proc.loginshellid=2",
    );
}

#[test]
fn directories_are_followed() {
    let mut processes = listed();
    let chdir = |tid, path: &str| says(tid, "chdir").param("res", 0).param("path", path);
    check(&mut processes, &[chdir(2, "src/../lib")], "proc.cwd=/home/me/lib/");
    check(&mut processes, &[chdir(2, "/")], "proc.cwd=/");
    check(&mut processes, &[chdir(2, "/no").param("res", -2)], "proc.cwd=/");
    let getcwd = says(2, "getcwd").param("res", 5).param("path", "/srv");
    check(&mut processes, &[getcwd], "proc.cwd=/srv/");
    // A thread changes it for all, from a directory of its own that is nowhere.
    check(&mut processes, &[clones(2, 21, 2, 1, THREAD), chdir(21, "x")], "proc.cwd=x/");
    check(&mut processes, &[says(2, "close")], "proc.cwd=x/");
}

#[test]
fn users_groups_and_capabilities_are_followed() {
    let mut processes = listed();
    let set = |kind: &str, param: &str, id: i64| {
        let event = says(2, kind).param("res", 0);
        if id < 0 { event.param(param, u32::MAX) } else { event.param(param, id) }
    };
    for (kind, param, field) in [
        ("setuid", "uid", "user.uid"),
        ("setreuid", "euid", "user.uid"),
        ("setresuid", "euid", "user.uid"),
        ("setgid", "gid", "group.gid"),
        ("setregid", "egid", "group.gid"),
        ("setresgid", "egid", "group.gid"),
    ] {
        check(&mut processes, &[set(kind, param, 7)], &format!("{field}=7"));
        check(&mut processes, &[set(kind, param, 8).param("res", -1)], &format!("{field}=7"));
        // It means the same as before, but Falco keeps it.
        check(&mut processes, &[set(kind, param, -1)], &format!("{field}=4294967295"));
    }
    let capset = says(2, "capset")
        .param("res", 0)
        .param("cap_inheritable", 1)
        .param("cap_permitted", 2)
        .param("cap_effective", 4);
    check(
        &mut processes,
        &[capset],
        "thread.cap_inheritable=CAP_CHOWN; thread.cap_permitted=CAP_DAC_OVERRIDE; \
         thread.cap_effective=CAP_DAC_READ_SEARCH",
    );
    let unshare = |flags: u64| says(2, "unshare").param("res", 0).param("flags", flags);
    check(&mut processes, &[unshare(1 << 5)], "thread.cap_inheritable=CAP_CHOWN");
    let told = pass(&mut processes, &unshare(1 << 20), &["thread.cap_effective"]);
    assert!(told[0].as_ref().unwrap().ends_with("CAP_CHECKPOINT_RESTORE"));
}

#[test]
fn limits_and_memory_are_followed() {
    let mut processes = listed();
    let limit = |resource: u32, cur: i64| {
        says(2, "setrlimit").param("res", 0).param("resource", resource).param("cur", cur)
    };
    check(&mut processes, &[limit(7, 99)], "proc.fdlimit=99");
    check(&mut processes, &[limit(3, 1), limit(7, -1)], "proc.fdlimit=99");
    let prlimit = |tid: u32, pid: u32| {
        let event = says(tid, "prlimit").param("res", 0).param("resource", 7);
        event.param("newcur", 55).param("pid", pid)
    };
    check(&mut processes, &[prlimit(1, 2), says(2, "close")], "proc.fdlimit=55");
    check(&mut processes, &[prlimit(1, 0)], "proc.fdlimit=55");
    let mmap = says(2, "mmap").param("vm_size", 20).param("vm_rss", 10).param("vm_swap", 1);
    check(&mut processes, &[mmap], "proc.vmsize=20; proc.vmrss=10; proc.vmswap=1; thread.vmrss=10");
    let munmap = says(2, "munmap").param("vm_size", 19);
    check(&mut processes, &[munmap], "proc.vmsize=19; proc.vmrss=10");
}

#[test]
fn switches_tell_how_long_threads_ran() {
    let mut processes = listed();
    let switch = |tid, seconds| {
        later(says(tid, "switch"), seconds)
            .field("ctx.cpu", 1)
            .param("pgft_maj", 70)
            .param("pgft_min", 80)
            .param("vm_size", 30)
            .param("vm_rss", 20)
            .param("vm_swap", 2)
    };
    check(&mut processes, &[switch(2, 0)], "thread.exectime=0; thread.totexectime=0");
    check(&mut processes, &[switch(1, 3)], "thread.exectime=3000000000; thread.pfmajor=70");
    check(
        &mut processes,
        &[switch(2, 5)],
        "thread.exectime=2000000000; thread.totexectime=2000000000; thread.pfminor=80; \
         proc.vmsize=30; proc.vmrss=20; proc.vmswap=2",
    );
    check(&mut processes, &[switch(10, 6)], "proc.name=-; thread.exectime=1000000000");
    check(
        &mut processes,
        &[switch(1, 7)],
        "thread.exectime=1000000000; thread.totexectime=4000000000",
    );
    let other = later(says(1, "switch"), 7).field("ctx.cpu", 0);
    check(&mut processes, &[other], "thread.exectime=0; thread.totexectime=4000000000");
    check(&mut processes, &[says(2, "close")], "thread.exectime=0; thread.totexectime=2000000000");
}

#[test]
fn reports_tell_processor_time() {
    let mut processes = listed();
    let report = |user: u64, system: u64| {
        says(2, "procinfo").param("cpu_usr", user).param("cpu_sys", system)
    };
    check(&mut processes, &[report(10, 5)], "thread.cpu=0.0; thread.cpu.user=0.0");
    check(
        &mut processes,
        &[report(14, 300)],
        "thread.cpu=100.0; thread.cpu.user=4.0; thread.cpu.system=100.0",
    );
    check(&mut processes, &[says(2, "close")], "thread.cpu=-; thread.cpu.system=-");
}

#[test]
fn users_and_groups_come_and_go() {
    let mut processes = listed();
    let user = TestEvent::falco("useradded")
        .param("uid", 1000)
        .param("gid", 100)
        .param("name", "me")
        .param("home", "/home/me")
        .param("shell", "/bin/bash")
        .param("container_id", "");
    let group = TestEvent::falco("groupadded")
        .param("gid", 100)
        .param("name", "users")
        .param("container_id", "");
    check(
        &mut processes,
        &[user, group, says(2, "close")],
        "user.name=me; user.homedir=/home/me; user.shell=/bin/bash; group.name=users; \
         user.loginname=<NA>",
    );
    // Of a container as Falco names it, which cuts the name that containerd gave.
    let row = row(3, 3, 1, "nginx")
        .param("cgroups", TestValue::strings(["cpuset=/default/nginx-frontend"]));
    let web = TestEvent::falco("useradded")
        .param("uid", 1000)
        .param("name", "web")
        .param("container_id", "nginx-fronte");
    check(&mut processes, &[row, web, says(3, "close")], "user.name=web");
    let gone = [
        TestEvent::falco("userdeleted").param("uid", 1000).param("container_id", ""),
        TestEvent::falco("groupdeleted").param("gid", 100).param("container_id", ""),
        says(2, "close"),
    ];
    check(&mut processes, &gone, "user.name=<NA>; group.name=<NA>");
}

#[test]
fn another_recording_begins_with_nothing() {
    let mut processes = listed();
    pass(&mut processes, &says(2, "close"), &[]);
    pass(&mut processes, &TestEvent::falco("section"), &[]);
    assert_eq!((processes.counts().processes, processes.counts().memory), (0, 0));
    check(&mut processes, &[says(2, "close")], "proc.name=<NA>");
}

#[test]
fn events_without_a_thread_have_no_fields() {
    let processes = listed();
    let event = TestEvent::falco("asyncevent").field("ctx.tid", -1);
    assert_eq!(ask(&processes, &event, "thread.tid").as_deref(), Some("-1"));
    assert_eq!(ask(&processes, &event, "proc.name"), None);
    let unlocated = processes.locate(&TestEvent::falco("asyncevent"), &Arena::default());
    assert_eq!(unlocated.known(), None);
}

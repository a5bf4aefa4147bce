use k8srd_core::event::Event;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use super::*;

/// A thread as its events describe it. Times are in milliseconds since boot.
#[derive(Clone, Copy, Debug)]
struct Who {
    tid: u32,
    pid: u32,
    ppid: u32,
    start: u64,
    leader_start: u64,
    exec_id: u64,
}

const MS: u64 = 1_000_000;

fn who(pid: u32, ppid: u32, start: u64, exec_id: u64) -> Who {
    let start = start * MS + 1;
    Who { tid: pid, pid, ppid, start, leader_start: start, exec_id }
}

impl Who {
    fn thread(self, tid: u32, start: u64) -> Self {
        Self { tid, start: start * MS + 1, ..self }
    }

    fn says(self, kind: &str) -> TestEvent {
        TestEvent::falco(kind)
            .field("ctx.tid", self.tid)
            .field("ctx.pid", self.pid)
            .field("ctx.ppid", self.ppid)
            .field("ctx.start_time", self.start)
            .field("ctx.leader_start_time", self.leader_start)
            .field("ctx.exec_id", self.exec_id)
            .field("ctx.vpid", self.pid)
            .field("ctx.cgroup.id", 1)
    }

    fn execs(self, path: &str, args: &[&str]) -> TestEvent {
        self.says("execve")
            .field("ctx.old_tid", self.tid)
            .param("res", 0)
            .param("comm", path.rsplit('/').next().unwrap())
            .param("exe", path)
            .param("trusted_exepath", path)
            .param("args", TestValue::strings(args))
            .param("env", TestValue::strings(["HOME=/root", "EMPTY=", "PAD=  x y "]))
            .param("cwd", "/srv")
            .param("cgroups", TestValue::strings(["memory=/a", "unified=/b"]))
            .param("flags", 1)
    }

    fn row(self, comm: &str) -> TestEvent {
        self.says("task")
            .param("comm", comm)
            .param("exe", comm)
            .param("args", TestValue::strings(["from", "row"]))
            .param("cwd", "/")
            .param("trusted_exepath", "/bin/x")
    }

    fn forks(self, child: Who) -> TestEvent {
        self.says("clone")
            .param("res", child.tid)
            .param("comm", "forker")
            .field("ctx.child.tid", child.tid)
            .field("ctx.child.pid", child.pid)
            .field("ctx.child.ppid", child.ppid)
            .field("ctx.child.vpid", child.pid)
            .field("ctx.child.start_time", child.start)
    }

    fn exits(self, reaper: u32) -> TestEvent {
        self.says("procexit").param("reaper_tid", reaper)
    }
}

/// What the pipeline does with an event; `asked` is the fields' text while it is matched.
pub(super) fn pass(
    processes: &mut Processes,
    event: &TestEvent,
    asked: &[&str],
) -> Vec<Option<String>> {
    let arena = Arena::default();
    processes.observe(event, &arena);
    let told = asked.iter().map(|name| ask(processes, event, name)).collect();
    processes.settle(event, &arena);
    told
}

pub(super) fn ask(processes: &Processes, event: &dyn Event, name: &str) -> Option<String> {
    let arena = Arena::default();
    let (name, arg) = match name.split_once('[') {
        Some((name, arg)) => (name, k8srd_core::field::Arg::parse(arg.strip_suffix(']').unwrap())),
        None => (name, k8srd_core::field::Arg::None),
    };
    let info = field::FIELDS.iter().find(|info| info.name == name).unwrap();
    let slot = processes.locate(event, &arena).known()?;
    let key = Key::with_arg(info.id, arg);
    processes.get(slot, event, &key, &arena).known().map(|value| value.to_string())
}

fn name(processes: &mut Processes, who: Who) -> Option<String> {
    pass(processes, &who.says("open"), &["proc.name"]).remove(0)
}

/// Lets the time pass after which ended threads are forgotten.
fn wait(processes: &mut Processes) {
    processes.table.forget_ended(Timestamp::from_nanos(u64::MAX));
}

fn new() -> Processes {
    Processes::builder().build()
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

#[test]
fn an_exec_tells_all_fields_of_a_program() {
    let mut processes = new();
    let shell = who(10, 1, 5, 1);
    pass(&mut processes, &shell.execs("/bin/bash", &["-c", "echo a  b", ""]), &[]);
    let event = shell.says("open");
    for (field, want) in [
        ("proc.name", some("bash")),
        ("proc.exe", some("/bin/bash")),
        ("proc.exepath", some("/bin/bash")),
        ("proc.args", some("-c echo a  b ")),
        ("proc.args[1]", some("echo a  b")),
        ("proc.args[7]", some("")),
        ("proc.cmdline", some("bash -c echo a  b ")),
        ("proc.exeline", some("/bin/bash -c echo a  b ")),
        ("proc.cmdnargs", some("3")),
        ("proc.cmdlenargs", some("11")),
        ("proc.env", some("HOME=/root EMPTY= PAD=  x y ")),
        ("proc.env[HOME]", some("/root")),
        ("proc.env[PAD]", some("x y")),
        ("proc.env[EMPTY]", some("")),
        ("proc.env[NONE]", some("")),
        ("proc.cwd", some("/srv/")),
        ("proc.is_exe_writable", some("true")),
        ("proc.is_exe_from_memfd", some("false")),
        ("thread.cgroups", some("memory=/a unified=/b")),
        ("proc.pid", some("10")),
        ("proc.ppid", some("1")),
        ("proc.pname", None),
        ("proc.aname", None),
        ("proc.aname[0]", some("bash")),
        ("thread.ismain", some("true")),
        ("proc.tty", None),
    ] {
        assert_eq!(ask(&processes, &event, field), want, "{field}");
    }
}

#[test]
fn changing_facts_are_those_of_the_event() {
    let mut processes = new();
    let shell = who(10, 1, 5, 1);
    let exec = shell.execs("/bin/sh", &[]).field("ctx.euid", 1000).field("ctx.sid", 10);
    pass(&mut processes, &exec, &[]);
    let event = shell
        .says("open")
        .field("ctx.euid", 0)
        .field("ctx.egid", 7)
        .field("ctx.loginuid", u32::MAX)
        .field("ctx.cap_effective", 1_u64 << 21 | 1)
        .field("ctx.vsid", 10)
        .field("ctx.vpgid", 11)
        .field("ctx.tty", 34816)
        .field("ctx.boot_time", 9 * MS + 1);
    for (field, want) in [
        ("user.uid", "0"),
        ("user.name", "root"),
        ("user.loginuid", "-1"),
        ("user.loginname", "<NA>"),
        ("group.gid", "7"),
        ("group.name", "<NA>"),
        ("thread.cap_effective", "CAP_CHOWN CAP_SYS_ADMIN"),
        ("proc.sid", "10"),
        ("proc.sname", "sh"),
        ("proc.is_sid_leader", "true"),
        ("proc.is_vpgid_leader", "false"),
        ("proc.tty", "34816"),
        ("proc.duration", "4000000"),
    ] {
        assert_eq!(ask(&processes, &event, field).as_deref(), Some(want), "{field}");
    }
    let silent = shell.says("open");
    assert_eq!(ask(&processes, &silent, "user.uid"), some("1000"), "as the exec told");
}

#[test]
fn lineage_is_followed_upward() {
    let mut processes = new();
    let (init, shell, cat) = (who(1, 0, 1, 1), who(20, 1, 10, 5), who(30, 20, 20, 5));
    pass(&mut processes, &init.execs("/sbin/init", &[]), &[]);
    pass(&mut processes, &shell.execs("/bin/sh", &["-l"]), &[]);
    pass(&mut processes, &shell.forks(cat), &[]);
    assert_eq!(name(&mut processes, cat), some("sh"), "a child runs its parent's program");
    let cat = Who { exec_id: 6, ..cat };
    let told = pass(
        &mut processes,
        &cat.execs("/bin/cat", &["x"]),
        &[
            "proc.name",
            "proc.pname",
            "proc.pcmdline",
            "proc.aname",
            "proc.aname[2]",
            "proc.apid",
            "proc.aname[3]",
        ],
    );
    let want = ["cat", "sh", "sh -l", "(sh,init)", "init", "(20,1)"].map(some);
    assert_eq!(told[..6], want);
    assert_eq!(told[6], None);
    let orphan = Who { ppid: 1, ..cat };
    pass(&mut processes, &shell.exits(1), &[]);
    assert_eq!(pass(&mut processes, &orphan.says("open"), &["proc.pname"]), [some("init")]);
}

#[test]
fn a_parent_that_changed_unseen_is_noticed() {
    let mut processes = new();
    pass(&mut processes, &who(1, 0, 1, 1).execs("/sbin/init", &[]), &[]);
    pass(&mut processes, &who(2, 1, 2, 1).execs("/bin/sh", &[]), &[]);
    let child = who(3, 2, 3, 1);
    assert_eq!(pass(&mut processes, &child.execs("/bin/cat", &[]), &["proc.pname"]), [some("sh")]);
    let adopted = Who { ppid: 1, ..child };
    assert_eq!(pass(&mut processes, &adopted.says("open"), &["proc.pname"]), [some("init")]);
}

#[test]
fn a_reused_id_never_mixes_two_processes() {
    let mut processes = new();
    let (first, second) = (who(50, 1, 10, 3), who(50, 1, 30, 9));
    pass(&mut processes, &first.execs("/bin/first", &[]), &[]);
    assert_eq!(name(&mut processes, second), None, "nothing is known of this one");
    assert_eq!(name(&mut processes, first), None, "late, and its table entry is gone");
    assert_eq!(name(&mut processes, second), None);
    pass(&mut processes, &second.execs("/bin/second", &[]), &[]);
    assert_eq!(name(&mut processes, second), some("second"));
    assert_eq!(processes.counts().processes, 1);
}

#[test]
fn without_start_times_the_ends_tell_processes_apart() {
    let mut processes = new();
    let bare = |kind: &str| TestEvent::falco(kind).field("ctx.tid", 50).field("ctx.pid", 50);
    let exec = |comm: &str| bare("execve").param("res", 0).param("comm", comm);
    pass(&mut processes, &exec("first"), &[]);
    assert_eq!(pass(&mut processes, &bare("open"), &["proc.name"]), [some("first")]);
    assert_eq!(pass(&mut processes, &bare("procexit"), &["proc.name"]), [some("first")]);
    assert_eq!(pass(&mut processes, &bare("open"), &["proc.name"]), [None]);
    pass(&mut processes, &exec("second"), &[]);
    assert_eq!(pass(&mut processes, &bare("open"), &["proc.name"]), [some("second")]);
}

#[test]
fn a_tick_of_proc_stands_for_the_exact_time() {
    let mut processes = new();
    let row = Who { start: 120 * MS, leader_start: 120 * MS, ..who(9, 1, 0, 2) };
    pass(&mut processes, &row.row("daemon"), &[]);
    assert_eq!(name(&mut processes, who(9, 1, 127, 2)), some("daemon"));
    assert_eq!(name(&mut processes, who(9, 1, 131, 2)), None, "another that has the id now");
}

#[test]
fn an_exit_is_matched_before_it_takes_effect() {
    let mut processes = new();
    let cat = who(30, 1, 20, 1);
    pass(&mut processes, &cat.execs("/bin/cat", &[]), &[]);
    assert_eq!(pass(&mut processes, &cat.exits(0), &["proc.name"]), [some("cat")]);
    assert_eq!(name(&mut processes, cat), some("cat"), "events that come late still find it");
    wait(&mut processes);
    assert_eq!(processes.counts().threads, 0);
    assert_eq!(name(&mut processes, cat), None, "very late ones bring nobody back");
    assert_eq!(processes.counts().threads, 0);
}

#[test]
fn an_exec_by_another_thread_takes_the_leaders_place() {
    let mut processes = new();
    let leader = who(40, 1, 10, 1);
    pass(&mut processes, &leader.execs("/bin/threads", &[]), &[]);
    for tid in 41..45 {
        let thread = leader.thread(tid, u64::from(tid));
        pass(&mut processes, &leader.forks(thread), &[]);
        assert_eq!(name(&mut processes, thread), some("threads"));
    }
    // The kernel ends the others first, the leader among them.
    pass(&mut processes, &leader.thread(41, 41).exits(0), &[]);
    pass(&mut processes, &leader.exits(0), &[]);
    let after = Who { exec_id: 2, ..leader };
    let exec = after.execs("/bin/after", &[]).field("ctx.old_tid", 43);
    assert_eq!(
        pass(&mut processes, &exec, &["proc.name", "proc.pid"]),
        [some("after"), some("40")]
    );
    let counts = processes.counts();
    assert_eq!((counts.threads, counts.processes, counts.missed_execs), (1, 1, 0));
    assert_eq!(name(&mut processes, after), some("after"));
    // What ends of the old threads comes late.
    pass(&mut processes, &leader.thread(44, 44).exits(0), &[]);
    assert_eq!(name(&mut processes, after), some("after"));
}

#[test]
fn threads_outlive_their_leader() {
    let mut processes = new();
    let leader = who(40, 1, 10, 1);
    let thread = leader.thread(41, 11);
    pass(&mut processes, &leader.execs("/bin/threads", &[]), &[]);
    pass(&mut processes, &leader.exits(0), &[]);
    wait(&mut processes);
    assert_eq!(processes.counts().processes, 0, "no other thread was told of");
    pass(&mut processes, &leader.execs("/bin/threads", &[]), &[]);

    let leader = who(60, 1, 20, 1);
    let thread = Who { pid: 60, leader_start: leader.start, ..thread };
    pass(&mut processes, &leader.execs("/bin/threads", &[]), &[]);
    pass(&mut processes, &leader.forks(thread), &[]);
    pass(&mut processes, &leader.exits(0), &[]);
    assert_eq!(name(&mut processes, thread), some("threads"));
    let late = leader.thread(42, 30);
    assert_eq!(name(&mut processes, late), some("threads"), "its leader is a zombie");
    pass(&mut processes, &thread.exits(0), &[]);
    pass(&mut processes, &late.exits(0), &[]);
    wait(&mut processes);
    assert_eq!(processes.counts().threads, 0);
}

#[test]
fn a_lost_exec_shows_in_the_exec_id() {
    let mut processes = new();
    let cat = who(30, 1, 20, 1);
    pass(&mut processes, &cat.execs("/bin/cat", &[]), &[]);
    let unknown = Who { exec_id: 2, ..cat };
    assert_eq!(name(&mut processes, unknown), None, "no longer cat, but nobody told what");
    assert_eq!(processes.counts().missed_execs, 1);
    let known = Who { exec_id: 3, ..cat };
    pass(&mut processes, &known.execs("/bin/known", &[]), &[]);
    assert_eq!(name(&mut processes, known), some("known"));
    assert_eq!(name(&mut processes, unknown), some("known"), "a late event changes nothing");
    pass(&mut processes, &unknown.execs("/bin/late", &[]), &[]);
    assert_eq!(name(&mut processes, known), some("known"), "nor does a late exec");
}

#[test]
fn a_lost_fork_is_inherited_where_that_is_sure() {
    let mut processes = new();
    let shell = who(20, 1, 10, 5);
    let running = |at: u64| shell.execs("/bin/sh", &[]).field("ctx.boot_time", at * MS);
    pass(&mut processes, &running(15), &[]);
    assert_eq!(name(&mut processes, who(30, 20, 20, 5)), some("sh"));
    assert_eq!(name(&mut processes, who(31, 20, 12, 5)), None, "born before that exec");
    assert_eq!(name(&mut processes, who(32, 20, 20, 6)), None, "it has called exec itself");
    assert_eq!(processes.counts().missed_starts, 4);
}

#[test]
fn what_was_lost_is_read_from_proc() {
    let mut processes = Processes::builder().proc_root("/proc").build();
    let pid = std::process::id();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    let start = ticks * 10 * MS + 1_234;
    let own = Who { tid: pid, pid, ppid: 1, start, leader_start: start, exec_id: 77 };
    let exe = std::env::current_exe().unwrap();
    let told = pass(&mut processes, &own.says("open"), &["proc.exepath"]);
    assert_eq!(told, [some(exe.to_str().unwrap())]);
    assert_eq!(processes.counts().repaired, 1);
    let other = Who { start: start + 50 * MS, leader_start: start + 50 * MS, ..own };
    assert_eq!(pass(&mut processes, &other.says("open"), &["proc.exepath"]), [None]);
}

#[test]
fn a_row_of_the_snapshot_never_overwrites_what_is_newer() {
    let mut processes = new();
    let cat = who(30, 1, 20, 2);
    pass(&mut processes, &cat.row("row"), &[]);
    assert_eq!(name(&mut processes, cat), some("row"));
    pass(&mut processes, &cat.row("again"), &[]);
    assert_eq!(name(&mut processes, cat), some("row"), "the first row stays");

    let execed = Who { exec_id: 3, ..cat };
    pass(&mut processes, &execed.execs("/bin/new", &[]), &[]);
    pass(&mut processes, &cat.row("stale"), &[]);
    pass(&mut processes, &execed.row("same"), &[]);
    assert_eq!(name(&mut processes, execed), some("new"));
    pass(&mut processes, &Who { exec_id: 4, ..cat }.row("newer"), &[]);
    assert_eq!(name(&mut processes, Who { exec_id: 4, ..cat }), some("newer"), "an exec was lost");

    pass(&mut processes, &Who { exec_id: 4, ..cat }.exits(0), &[]);
    wait(&mut processes);
    pass(&mut processes, &cat.row("dead"), &[]);
    assert_eq!(processes.counts().threads, 0, "it had ended");

    let second = who(30, 1, 90, 9);
    pass(&mut processes, &second.execs("/bin/second", &[]), &[]);
    pass(&mut processes, &who(30, 1, 80, 9).row("older process"), &[]);
    assert_eq!(name(&mut processes, second), some("second"));
}

#[test]
fn rows_come_in_any_order() {
    let mut processes = new();
    let leader = who(70, 60, 20, 1);
    pass(&mut processes, &leader.thread(71, 25).row("thread"), &[]);
    pass(&mut processes, &leader.row("leader"), &[]);
    pass(&mut processes, &who(60, 1, 10, 1).row("parent"), &[]);
    let told =
        pass(&mut processes, &leader.thread(71, 25).says("open"), &["proc.name", "proc.pname"]);
    assert_eq!(told, [some("leader"), some("parent")]);
}

#[test]
fn an_event_before_its_forks_record_is_completed_by_it() {
    let mut processes = new();
    let (shell, child) = (who(20, 1, 10, 5), who(30, 20, 20, 5));
    pass(&mut processes, &shell.execs("/bin/sh", &[]), &[]);
    assert_eq!(name(&mut processes, child), None);
    pass(&mut processes, &shell.forks(child), &[]);
    assert_eq!(name(&mut processes, child), some("sh"));
}

#[test]
fn a_process_that_moves_has_the_paths_of_its_new_cgroup() {
    let mut processes = new();
    let (there, mover) = (who(20, 1, 10, 1), who(21, 1, 11, 1));
    let in_cgroup = |event: TestEvent, id: u64| event.field("ctx.cgroup.id", id);
    let exec = there.execs("/bin/a", &[]).param("cgroups", TestValue::strings(["unified=/there"]));
    pass(&mut processes, &in_cgroup(exec, 7), &[]);
    pass(&mut processes, &mover.execs("/bin/b", &[]), &[]);
    let told = pass(&mut processes, &in_cgroup(mover.says("open"), 7), &["thread.cgroups"]);
    assert_eq!(told, [some("unified=/there")]);

    // Nobody was there before: its paths are unknown, until a child's record tells them.
    let alone = |kind: &str| in_cgroup(mover.says(kind), 8);
    let cgroups = |processes: &mut Processes, event: TestEvent| {
        pass(processes, &event, &["thread.cgroups"]).remove(0)
    };
    assert_eq!(cgroups(&mut processes, alone("open")), None);
    let child = who(22, 21, 12, 1);
    let fork = in_cgroup(mover.forks(child), 8);
    let told = TestValue::strings(["unified=/new"]);
    pass(&mut processes, &fork.param("cgroups", told), &[]);
    assert_eq!(cgroups(&mut processes, in_cgroup(child.says("open"), 8)), some("unified=/new"));
    assert_eq!(cgroups(&mut processes, alone("open")), some("unified=/new"));
}

#[test]
fn another_recording_is_of_other_machines() {
    let mut processes = new();
    let there = who(20, 1, 10, 1);
    pass(&mut processes, &there.execs("/bin/a", &[]), &[]);
    pass(&mut processes, &there.exits(0), &[]);
    pass(&mut processes, &TestEvent::falco("section"), &[]);
    assert_eq!((processes.counts().processes, processes.counts().memory), (0, 0));
    let row = there.row("b").field("ctx.cgroup.id", 2);
    pass(&mut processes, &row, &[]);
    assert_eq!(name(&mut processes, there), some("b"), "with the same id and start");
    let arrived = pass(&mut processes, &who(21, 1, 11, 1).says("open"), &["thread.cgroups"]);
    assert_eq!(arrived, [None], "cgroup 1 is another's");
}

#[test]
fn relative_names_tell_the_working_directory() {
    let mut processes = new();
    let shell = who(20, 1, 10, 1);
    pass(&mut processes, &shell.execs("/bin/sh", &[]), &[]);
    let open = |dirfd: i64| shell.says("openat").param("dirfd", dirfd);
    let told = |processes: &mut Processes, event: &TestEvent| pass(processes, event, &["proc.cwd"]);
    assert_eq!(told(&mut processes, &open(-100)), [some("/srv/")]);
    let elsewhere = open(5).field("ctx.path.base", "/srv");
    assert_eq!(told(&mut processes, &elsewhere), [some("/srv/")], "from another directory");
    let moved = open(-100).field("ctx.path.base", "/srv");
    assert_eq!(told(&mut processes, &moved), [some("/srv/")]);
    let root = shell.says("open").field("ctx.path.base", "/");
    assert_eq!(told(&mut processes, &root), [some("/")]);
}

#[test]
fn stamps_change_with_the_content_only() {
    let mut processes = new();
    let (shell, child) = (who(20, 1, 10, 5), who(30, 20, 20, 5));
    pass(&mut processes, &shell.execs("/bin/sh", &[]), &[]);
    pass(&mut processes, &shell.forks(child), &[]);
    let stamps = |processes: &Processes, who: Who| {
        let slot = processes.locate(&who.says("open"), &Arena::default()).known().unwrap();
        [Scope::Process, Scope::Lineage].map(|scope| processes.stamp(slot, scope).unwrap())
    };
    let before = stamps(&processes, child);
    pass(&mut processes, &child.says("open"), &[]);
    assert_eq!(stamps(&processes, child), before);
    pass(&mut processes, &Who { exec_id: 6, ..shell }.execs("/bin/bash", &[]), &[]);
    let [own, lineage] = stamps(&processes, child);
    assert_eq!(own, before[0]);
    assert_ne!(lineage, before[1], "its parent changed");
}

/// 10,000 chains of fork, exec, open and exit, up to 64 of them at a time, on 500 ids that are used
/// again and again: each open carries its own exec's name.
#[test]
fn interleaved_chains_never_mix() {
    const CHAINS: u64 = 10_000;
    let mut processes = new();
    let shell = who(1, 0, 1, 1);
    pass(&mut processes, &shell.execs("/bin/sh", &[]), &[]);
    // A small generator of our own, so that a failure comes again.
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut free: Vec<u32> = (2..502).collect();
    let mut running: Vec<(Who, u64, u8)> = Vec::new();
    let (mut begun, mut opened) = (0, 0);
    while begun < CHAINS || !running.is_empty() {
        if begun < CHAINS && running.len() < 64 && random(3) == 0 {
            let pid = free.swap_remove(random(free.len() as u64) as usize);
            running.push((who(pid, 1, 10 + begun, 1), begun, 0));
            begun += 1;
            continue;
        }
        if running.is_empty() {
            continue;
        }
        let next = random(running.len() as u64) as usize;
        let (ref mut who, chain, ref mut step) = running[next];
        let program = format!("p{chain}");
        match *step {
            0 => drop(pass(&mut processes, &shell.forks(*who), &[])),
            1 => {
                who.exec_id = 2;
                drop(pass(&mut processes, &who.execs(&program, &[]), &[]));
            }
            2 => {
                let told = pass(&mut processes, &who.says("open"), &["proc.name", "proc.pname"]);
                assert_eq!(told, [some(&program), some("sh")]);
                opened += 1;
            }
            _ => {
                let told = pass(&mut processes, &who.exits(0), &["proc.name"]);
                assert_eq!(told, [some(&program)]);
                free.push(who.pid);
                running.swap_remove(next);
                continue;
            }
        }
        *step += 1;
    }
    assert_eq!(opened, CHAINS);
    wait(&mut processes);
    let counts = processes.counts();
    assert_eq!((counts.threads, counts.missed_starts, counts.missed_execs), (1, 1, 0));
}

mod property {
    use proptest::prelude::*;

    use super::*;

    /// What happens to one of a few ids; any record may be lost.
    fn steps() -> impl Strategy<Value = Vec<(u8, u32, bool)>> {
        prop::collection::vec((0..4_u8, 2..6_u32, any::<bool>()), 0..200)
    }

    proptest! {
        /// Whatever is lost, an open tells its own program's name or none, never another's.
        #[test]
        fn losses_never_mix_programs(steps in steps()) {
            let mut processes = new();
            let shell = who(1, 0, 1, 1);
            pass(&mut processes, &shell.execs("/bin/sh", &[]).field("ctx.boot_time", 2 * MS), &[]);
            let mut clock = 10;
            // Who has the id now, and the program's name.
            let mut now: std::collections::HashMap<u32, (Who, String)> = Default::default();
            for (step, pid, lost) in steps {
                clock += 1;
                let event = match (step, now.get_mut(&pid)) {
                    (0, None) => {
                        let child = who(pid, 1, clock, 1);
                        now.insert(pid, (child, "sh".into()));
                        shell.forks(child)
                    }
                    (1, Some((who, program))) => {
                        who.exec_id += 1;
                        *program = format!("p{clock}");
                        who.execs(program, &[])
                    }
                    (2, Some((who, program))) => {
                        let told = pass(&mut processes, &who.says("open"), &["proc.name"]).remove(0);
                        prop_assert!(told.is_none() || told.as_ref() == Some(program), "{told:?} is not {program}");
                        continue;
                    }
                    (3, Some((who, _))) => {
                        let event = who.exits(0);
                        now.remove(&pid);
                        event
                    }
                    _ => continue,
                };
                if !lost {
                    pass(&mut processes, &event, &[]);
                }
            }
            wait(&mut processes);
            prop_assert!(processes.counts().threads <= 5);
        }
    }
}

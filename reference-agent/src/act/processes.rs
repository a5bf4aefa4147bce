//! Processes: made, ended, signalled, traced, changed.

use nix::libc;

use super::script::{
    Buffer, Call, EMPTY, NULL, Script, Truth, found, n, named, of, path, pointer, raw, text,
};
use super::{Act, Need, Ways};

/// Why a process cannot tell what memory it uses.
pub(super) const CHANGES: &str = "it changes while the call is under way";

const UNTOLD: &[(&str, &str)] = &[
    ("pgft_maj", CHANGES),
    ("pgft_min", CHANGES),
    ("vm_size", CHANGES),
    ("vm_rss", CHANGES),
    ("vm_swap", CHANGES),
    ("pidns_init_start_ts", "programs are told the start of process 1 in ticks only"),
];

/// No process has this id: pids end at 2^22.
const NOBODY: i64 = 0x7fff_fff0;

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "fork",
        kinds: &["fork", "procexit"],
        what: "makes a process, which ends",
        needs: &[Need::OldCall],
        ways: Ways::Succeeds,
        untold: UNTOLD,
        play: |s| {
            let made = s.did("fork", []);
            maker(s, "");
            ends(s, made, 3);
        },
    },
    Act {
        name: "vfork",
        kinds: &["vfork", "procexit"],
        what: "makes a process that borrows its memory, and ends",
        needs: &[Need::OldCall],
        ways: Ways::Succeeds,
        untold: UNTOLD,
        play: |s| {
            let made = s.did("vfork", []);
            maker(s, "CLONE_VFORK|CLONE_VM");
            ends(s, made, 4);
        },
    },
    Act {
        name: "clone",
        kinds: &["clone", "procexit"],
        what: "makes a process and a thread, and is refused flags that contradict each other",
        untold: UNTOLD,
        play: clone,
        ..Act::PLAIN
    },
    Act {
        name: "clone3",
        kinds: &["clone3", "procexit"],
        what: "makes a process, and is refused flags that contradict each other",
        untold: UNTOLD,
        play: |s| {
            let (fs, sighand) = (libc::CLONE_FS as u64, libc::CLONE_SIGHAND as u64);
            let arguments = clone_arguments(s, fs);
            let made = s.did("clone3", [pointer(arguments), raw(64)]);
            maker(s, "CLONE_FS");
            ends(s, made, 6);
            let arguments = clone_arguments(s, sighand);
            s.did("clone3", [pointer(arguments), raw(64)]);
            maker(s, "CLONE_SIGHAND");
        },
        ..Act::PLAIN
    },
    Act {
        name: "procexit",
        kinds: &["procexit"],
        what: "ends well, with a code, and by a signal",
        ways: Ways::Succeeds,
        play: |s| {
            let made = s.child(7, |_, _| {});
            exits_of(s, made, 7);
            let killed = s.child(0, |s, _| {
                let own = s.call("getpid", []);
                s.call("kill", [of("", own), raw(libc::SIGKILL)]);
            });
            s.in_events_of(killed, |s| {
                s.event("procexit");
                s.exits(0);
                s.and("status", 9);
                s.and("sig", "SIGKILL");
            });
        },
        ..Act::PLAIN
    },
    Act {
        name: "setsid",
        kinds: &["setsid"],
        what: "begins a session, and may not begin another",
        play: |s| {
            s.did("setsid", []);
            s.did("setsid", []);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setpgid",
        kinds: &["setpgid"],
        what: "begins a group of processes, and finds none that nobody has begun",
        play: |s| {
            s.did("setpgid", [n("pid", 0), n("pgid", 0)]);
            s.did("setpgid", [n("pid", 0), n("pgid", NOBODY)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "prctl",
        kinds: &["prctl"],
        what: "takes another name, wants the orphans below it, and asks what there is not",
        play: |s| {
            let option = named("option", libc::PR_SET_NAME, "PR_SET_NAME");
            s.did("prctl", [option, text("arg2_str", "kworker/0:1")]);
            s.and("arg2_int", 0);
            let option = named("option", libc::PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER");
            s.did("prctl", [option, n("arg2_int", 1), raw(0), raw(0), raw(0)]);
            s.and("arg2_str", NULL);
            s.did("prctl", [n("option", 9999).told("9999"), n("arg2_int", 5)]);
            s.and("arg2_str", NULL);
        },
        ..Act::PLAIN
    },
    Act {
        name: "capset",
        kinds: &["capset"],
        what: "keeps its capabilities, gives them up, and does not get them back",
        needs: &[Need::Root],
        play: capset,
        ..Act::PLAIN
    },
    Act {
        name: "ptrace",
        kinds: &["ptrace"],
        what: "traces a process that it made, and may not trace itself",
        play: ptrace,
        ..Act::PLAIN
    },
    Act {
        name: "process_vm_writev",
        kinds: &["process_vm_writev"],
        what: "writes into its own memory, and into that of nobody",
        play: |s| vm(s, "process_vm_writev"),
        ..Act::PLAIN
    },
    Act {
        name: "process_vm_readv",
        kinds: &["process_vm_readv"],
        what: "reads its own memory, and that of nobody",
        play: |s| vm(s, "process_vm_readv"),
        ..Act::PLAIN
    },
    Act {
        name: "kill",
        kinds: &["kill"],
        what: "sends itself a signal that it ignores, and one to nobody",
        play: |s| {
            let own = s.call("getpid", []);
            s.did("kill", [of("pid", own), n("sig", 23).told("SIGURG")]);
            s.did("kill", [n("pid", NOBODY), n("sig", 15).told("SIGTERM")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "tkill",
        kinds: &["tkill"],
        what: "sends itself a signal that it ignores, and one to nobody",
        play: |s| {
            let own = s.call("getpid", []);
            s.did("tkill", [of("tid", own), n("sig", 23).told("SIGURG")]);
            s.did("tkill", [n("tid", NOBODY), n("sig", 15).told("SIGTERM")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "tgkill",
        kinds: &["tgkill"],
        what: "sends itself a signal that it ignores, and one to nobody",
        play: |s| {
            let own = s.call("getpid", []);
            let sig = n("sig", 23).told("SIGURG");
            s.did("tgkill", [of("pid", own), of("tid", own), sig]);
            let sig = n("sig", 15).told("SIGTERM");
            s.did("tgkill", [of("pid", own), n("tid", NOBODY), sig]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "chdir",
        kinds: &["chdir"],
        what: "goes to a folder, and does not find another",
        play: |s| {
            s.call("mkdirat", [raw(-100), path("", "sub"), raw(0o755)]);
            s.did("chdir", [text("path", "sub")]);
            s.did("chdir", [text("path", "missing")]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "fchdir",
        kinds: &["fchdir"],
        what: "goes to an open folder, and to what is none",
        play: |s| {
            let folder = super::names::folder(s, ".");
            s.did("fchdir", [of("fd", folder)]);
            s.descriptor("directory", None);
            s.did("fchdir", [n("fd", 1)]);
        },
        ..Act::PLAIN
    },
];

/// What is known of the thread that makes a task.
fn maker(s: &mut Script<'_>, flags: &str) {
    // Who was made has these from its maker, by whose event it becomes known.
    for param in ["exe", "args", "cwd"] {
        s.and(param, NULL);
    }
    for param in ["tid", "pid", "vtid", "vpid"] {
        s.and(param, found(|ran| ran.pid));
    }
    s.and("ptid", std::process::id());
    s.and("comm", "actor");
    of_this_user(s);
    s.and("flags", Truth::Names(flags.into()));
    s.and("uid", s.inherited.effective_uid());
    s.and("gid", s.inherited.effective_gid());
}

/// Limit and cgroups, of the actor as of this process.
pub(super) fn of_this_user(s: &mut Script<'_>) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    s.and("fdlimit", limit.map_or(-1, |limit| limit as i64));
    s.and("cgroups", s.inherited.cgroups().iter().map(|it| format!("{it}.")).collect::<String>());
}

/// The process ends at once, and its maker waits for it.
fn ends(s: &mut Script<'_>, made: Call, code: i32) {
    s.in_child(made, code, |_| {});
    s.wait_for(made);
    exits_of(s, made, code.into());
}

fn exits_of(s: &mut Script<'_>, made: Call, code: i64) {
    s.in_events_of(made, |s| {
        s.event("procexit");
        s.exits(code);
    });
}

fn clone(s: &mut Script<'_>) {
    let flags = libc::CLONE_FILES | libc::SIGCHLD;
    let made = s.did("clone", [raw(flags), raw(0), raw(0), raw(0), raw(0)]);
    maker(s, "CLONE_FILES");
    ends(s, made, 5);

    // A thread, which the kernel says to have ended where its id was.
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_CHILD_CLEARTID;
    let id = s.space(4);
    // The order of the last two is not the same on all machines.
    let made = s.did("clone", [raw(flags), raw(0), pointer(id), pointer(id), pointer(id)]);
    maker(
        s,
        "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_PARENT_SETTID|\
         CLONE_CHILD_CLEARTID",
    );
    s.in_task(made, |s| {
        s.call("exit", [raw(0)]);
    });
    exits_of(s, made, 0);
    // FUTEX_WAIT, until the id is gone.
    s.call("futex", [pointer(id), raw(0), of("", made), raw(0)]);

    let flags = libc::CLONE_SIGHAND;
    s.did("clone", [raw(flags), raw(0), raw(0), raw(0), raw(0)]);
    maker(s, "CLONE_SIGHAND");
}

/// A `struct clone_args` up to `set_tid`.
fn clone_arguments(s: &mut Script<'_>, flags: u64) -> Buffer {
    s.longs(&[flags, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0])
}

fn capset(s: &mut Script<'_>) {
    // The newest version of the structures; the calling thread.
    let header = s.bytes(&[&0x2008_0522_u32.to_le_bytes()[..], &[0; 4]].concat());
    let (own, none) = (s.space(24), s.space(24));
    s.call("capget", [pointer(header), pointer(own)]);
    // Effective, permitted and inheritable, the low halves before the high ones.
    let set = move |at: usize| {
        found(move |ran| u64::from(ran.u32(own.at(at))) | u64::from(ran.u32(own.at(at + 12))) << 32)
    };
    s.did("capset", [pointer(header), pointer(own)]);
    for (param, at) in [("cap_effective", 0), ("cap_permitted", 4), ("cap_inheritable", 8)] {
        s.and(param, set(at));
    }
    for sets in [none, own] {
        s.did("capset", [pointer(header), pointer(sets)]);
        for param in ["cap_effective", "cap_permitted", "cap_inheritable"] {
            s.and(param, 0);
        }
    }
}

fn ptrace(s: &mut Script<'_>) {
    let flags = libc::SIGCHLD;
    let made = s.call("clone", [raw(flags), raw(0), raw(0), raw(0), raw(0)]);
    let forever = s.space(4);
    s.in_child(made, 0, |s| {
        s.call("futex", [pointer(forever), raw(0), raw(0), raw(0)]);
    });
    let own = s.call("getpid", []);
    let request = |number: u32, name: &str| named("request", number, name);
    let zero = |param| n(param, 0).told("0");
    let attach = || request(libc::PTRACE_ATTACH, "PTRACE_ATTACH");
    s.did("ptrace", [attach(), of("pid", made), zero("addr"), zero("data")]);
    s.wait_for(made);
    let detach = request(libc::PTRACE_DETACH, "PTRACE_DETACH");
    s.did("ptrace", [detach, of("pid", made), zero("addr"), zero("data")]);
    s.did("ptrace", [attach(), of("pid", own), zero("addr"), zero("data")]);
    s.call("kill", [of("", made), raw(libc::SIGKILL)]);
    s.wait_for(made);
}

/// Copies five bytes of its memory to another place there, and to where nobody is.
fn vm(s: &mut Script<'_>, call: &'static str) {
    let own = s.call("getpid", []);
    let (text, space) = (s.bytes(b"patch"), s.space(8));
    let part = |s: &mut Script<'_>, buffer: Buffer| s.longs(&[buffer.address(), 5]);
    let (here, there) = match call {
        "process_vm_writev" => (part(s, text), part(s, space)),
        _ => (part(s, space), part(s, text)),
    };
    for (pid, data) in [(of("pid", own), "patch"), (n("pid", NOBODY), EMPTY)] {
        s.did(call, [pid, pointer(here), raw(1), pointer(there), raw(1), raw(0)]);
        s.and("data", data);
    }
}

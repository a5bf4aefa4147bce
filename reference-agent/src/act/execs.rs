//! Becoming another program.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::names::folder;
use super::processes::{CHANGES, of_this_user};
use super::script::{Buffer, Call, Script, Truth, found, of, path, pointer, raw};
use super::{Act, ending_program};

const UNTOLD: &[(&str, &str)] = &[
    ("pgft_maj", CHANGES),
    ("pgft_min", CHANGES),
    ("vm_size", CHANGES),
    ("vm_rss", CHANGES),
    ("vm_swap", CHANGES),
];

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "execve",
        kinds: &["execve"],
        what: "runs a program, one that is not there, and a file that is none",
        untold: UNTOLD,
        play: execve,
        ..Act::PLAIN
    },
    Act {
        name: "execveat",
        kinds: &["execveat"],
        what: "runs a program by an open folder, and one that is not there",
        untold: UNTOLD,
        play: execveat,
        ..Act::PLAIN
    },
];

const ARGUMENTS: [&str; 3] = ["a-name", "--flag", "two words"];

/// Writes the program that is run.
fn make_program(s: &mut Script<'_>) {
    let file = s.place.work().join("payload");
    let written = ending_program().and_then(|program| s.place.write_program(&file, &program));
    if let Err(error) = written {
        s.fail(error);
    }
}

/// Arguments and environment as lists of texts.
fn lists(s: &mut Script<'_>) -> (Buffer, Buffer) {
    let mut list = |texts: &[&str]| {
        let mut addresses: Vec<u64> =
            texts.iter().map(|text| s.text(text.as_bytes()).address()).collect();
        addresses.push(0);
        s.longs(&addresses)
    };
    (list(&ARGUMENTS), list(&["ACT=exec", "EMPTY="]))
}

/// The params of the process that the program is now, or is still.
fn process(s: &mut Script<'_>, made: Call, program: &Path, comm: &str) {
    let own = move || found(move |ran| ran.result(made));
    for param in ["tid", "pid"] {
        s.and(param, own());
    }
    s.and("ptid", found(|ran| ran.pid));
    s.and("exe", ARGUMENTS[0]);
    s.and("args", format!("{}.{}.", ARGUMENTS[1], ARGUMENTS[2]));
    s.and("env", "ACT=exec.EMPTY=.");
    s.and("cwd", s.place.work().to_string_lossy().into_owned());
    s.and("comm", comm);
    of_this_user(s);
    s.and("tty", s.inherited.tty());
    s.and("pgid", s.inherited.pgid());
    s.and("vpgid", s.inherited.pgid_inside());
    s.and("loginuid", s.inherited.loginuid());
    s.and("uid", s.inherited.effective_uid());
    s.and("gid", s.inherited.effective_gid());
    for (param, set) in
        [("cap_inheritable", "CapInh"), ("cap_permitted", "CapPrm"), ("cap_effective", "CapEff")]
    {
        s.and(param, s.inherited.capabilities(set));
    }
    let layer = if s.place.is_overlay { "|EXE_UPPER_LAYER" } else { "" };
    s.and("flags", Truth::Names(format!("EXE_WRITABLE{layer}")));
    s.and("trusted_exepath", program.to_string_lossy().into_owned());
    // Looked at when all is done: the actor's own file is written after this.
    let file = program.to_owned();
    let seen = move |of: fn(&std::fs::Metadata) -> i64| {
        let file = file.clone();
        found(move |_| file.metadata().map_or(0, |it| of(&it)))
    };
    s.and("exe_ino", seen(|it| it.ino() as i64));
    s.and("exe_ino_ctime", seen(|it| it.ctime() * 1_000_000_000 + it.ctime_nsec()));
    s.and("exe_ino_mtime", seen(|it| it.mtime() * 1_000_000_000 + it.mtime_nsec()));
}

fn execve(s: &mut Script<'_>) {
    make_program(s);
    s.file("plain", "not a program");
    let (actor, payload) = (s.place.actor(), s.place.work().join("payload"));
    for (name, program, comm) in [
        ("./payload", &payload, "payload"),
        ("missing", &actor, "actor"),
        ("./plain", &actor, "actor"),
    ] {
        let (arguments, environment) = lists(s);
        s.child(0, |s, made| {
            let name = path("filename", name).told(s.place.absolute(name));
            s.did("execve", [name, pointer(arguments), pointer(environment)]);
            process(s, made, program, comm);
        });
    }
}

fn execveat(s: &mut Script<'_>) {
    make_program(s);
    let (actor, payload) = (s.place.actor(), s.place.work().join("payload"));
    let folder = folder(s, ".");
    for (name, program, comm) in [("payload", &payload, "payload"), ("missing", &actor, "actor")] {
        let (arguments, environment) = lists(s);
        s.child(0, |s, made| {
            let (arguments, environment) = (pointer(arguments), pointer(environment));
            let name = path("", name);
            s.did("execveat", [of("", folder), name, arguments, environment, raw(0)]);
            process(s, made, program, comm);
        });
    }
}

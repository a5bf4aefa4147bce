//! `k8srd act`: does harmless system calls, and says what the sensor has to see of them.
//!
//! An act is a row of a table. What it does is a [`script`] of calls, which runs as a [`program`] of its own in a
//! [`place`] of its own; what it tells is taken from what these calls returned and left in memory.

mod calls;
mod descriptors;
mod execs;
mod identities;
mod kernel;
mod looks;
mod memory;
mod messages;
mod modes;
mod mounts;
mod names;
mod opens;
mod parts;
mod place;
mod processes;
mod program;
mod rings;
mod script;
mod sockets;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::config::WrongCall;
use crate::signals::StopWish;
use crate::stdout;
use place::Place;
use program::{DATA, Operand, Step};
use script::Script;

/// Do harmless system calls, and say what a sensor has to see of them
///
/// An act does what its name says, once so that it succeeds and once so that it fails, with system calls of
/// its own process. Then it says what events these calls are: type and arguments, as k8srd events prints
/// them, known from what the calls returned. So rules can be tried on a machine (k8srd run, in another
/// terminal), and what a sensor reports can be compared with the truth.
///
/// Nothing lasts: files are in a folder that is removed, mounts in a namespace of their own, signals go to
/// the act itself, and what would change the machine is called so that the kernel refuses. Exit code 1 if an
/// act could not be done.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ActArgs {
    /// What to do, in this order
    #[arg(value_name = "NAME", required_unless_present_any = ["list", "all"])]
    names: Vec<String>,

    /// Do all acts that this machine and this user can do
    #[arg(long, conflicts_with = "names")]
    all: bool,

    /// List the acts: name, kinds of events, what it does, what it needs
    #[arg(long, conflicts_with_all = ["names", "all"])]
    list: bool,

    /// Print JSON objects, one a line: of an event tid, kind, params, the result of the call, and fd if a
    /// descriptor is known
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  k8srd act --list              what there is
  k8srd act openat connect      two acts, and the events that they are
  k8srd act unlinkat --json     for a program
  sudo k8srd act --all          everything

To see rules fire: k8srd run -r my.yaml in one terminal, k8srd act NAME in another. What no program can
know of its own calls (the memory it used, addresses of the kernel) is left out; --list says why.";

/// One act.
pub(crate) struct Act {
    name: &'static str,
    /// The kinds of events that it is made of: all of the actor's that are of these kinds are told.
    kinds: &'static [&'static str],
    what: &'static str,
    needs: &'static [Need],
    ways: Ways,
    /// Params that are not told, and why their truth cannot be known.
    untold: &'static [(&'static str, &'static str)],
    play: fn(&mut Script<'_>),
}

impl Act {
    /// What most rows do not say.
    const PLAIN: Self = Self {
        name: "",
        kinds: &[],
        what: "",
        needs: &[],
        ways: Ways::Both,
        untold: &[],
        play: |_| {},
    };
}

/// What an act needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Root,
    /// A system call that newer machines do not have.
    OldCall,
    /// Files that keep attributes of their users: of a tmpfs those do from Linux 6.6 on.
    Attributes,
}

impl Need {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::OldCall => "x86_64",
            Self::Attributes => "a temporary folder whose files keep attributes of users",
        }
    }

    fn is_met(self) -> bool {
        match self {
            Self::Root => rustix::process::geteuid().is_root(),
            Self::OldCall => cfg!(target_arch = "x86_64"),
            Self::Attributes => Place::make().is_ok_and(|place| place.keeps_attributes()),
        }
    }
}

/// How its calls end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    Both,
    /// It cannot fail, or not without harm.
    Succeeds,
    /// It must not succeed.
    Fails,
}

/// The acts, a file a family.
const FAMILIES: &[&[Act]] = &[
    opens::ACTS,
    names::ACTS,
    modes::ACTS,
    descriptors::ACTS,
    parts::ACTS,
    looks::ACTS,
    sockets::ACTS,
    messages::ACTS,
    processes::ACTS,
    execs::ACTS,
    identities::ACTS,
    memory::ACTS,
    mounts::ACTS,
    kernel::ACTS,
    rings::ACTS,
];

fn acts() -> impl Iterator<Item = &'static Act> {
    FAMILIES.iter().copied().flatten()
}

pub(crate) fn run(args: &ActArgs) -> Result<ExitCode> {
    if args.list {
        stdout::write(&if args.json { listed_json() } else { listed() })?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen: Vec<&Act> = if args.all {
        acts().filter(|act| act.needs.iter().all(|need| need.is_met())).collect()
    } else {
        args.names.iter().map(|name| named(name)).collect::<Result<_>>()?
    };
    // A signal ends an act, not the removal of its folder.
    let stop = StopWish::watch()?;
    for act in chosen {
        if stop.is_there() {
            anyhow::bail!("stopped by a signal");
        }
        if let Some(need) = act.needs.iter().find(|need| !need.is_met()) {
            anyhow::bail!("the act {} needs {}", act.name, need.name());
        }
        let told = perform(act).with_context(|| format!("the act {} failed", act.name))?;
        let lines =
            told.iter().map(|event| if args.json { event.to_string() } else { line(event) });
        stdout::write(&lines.map(|line| line + "\n").collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn named(name: &str) -> Result<&'static Act> {
    let act = acts().find(|act| act.name == name);
    act.ok_or_else(|| {
        WrongCall(format!("there is no act {name}; k8srd act --list has them")).into()
    })
}

/// Does it; an object for each event.
fn perform(act: &'static Act) -> Result<Vec<Value>> {
    let place = Place::make()?;
    let mut script = Script::new(act, &place)?;
    (act.play)(&mut script);
    script.run()
}

/// A program that only ends, well.
pub(crate) fn ending_program() -> Result<Vec<u8>> {
    let number = calls::number("exit_group").context("every machine has it")?;
    let exit = Step::Call { number, arguments: vec![Operand::Number(0)], result: DATA };
    program::program(&[exit], &[0; 8])
}

/// `mkdirat tid=41 res=-17 dirfd=-100 …`
fn line(event: &Value) -> String {
    let mut line = format!("{} tid={}", event["kind"].as_str().unwrap_or_default(), event["tid"]);
    for (name, value) in event["params"].as_object().into_iter().flatten() {
        let _ = match value {
            Value::String(text) => write!(line, " {name}={}", text.escape_debug()),
            other => write!(line, " {name}={other}"),
        };
    }
    for (name, value) in event["fd"].as_object().into_iter().flatten() {
        let _ = write!(line, " fd.{name}={}", value.as_str().unwrap_or_default());
    }
    line
}

fn listed() -> String {
    let mut text = String::new();
    for act in acts() {
        let needs = act.needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(", ");
        let needs = if needs.is_empty() { needs } else { format!(" (needs {needs})") };
        let _ = writeln!(text, "{}  {}{needs}", act.name, act.what);
        if act.kinds != [act.name] {
            let _ = writeln!(text, "    events: {}", act.kinds.join(", "));
        }
        for (param, why) in act.untold {
            let _ = writeln!(text, "    {param} is not told: {why}");
        }
    }
    text
}

fn listed_json() -> String {
    let object = |act: &Act| {
        let untold = act.untold.iter().map(|(param, why)| ((*param).to_owned(), (*why).into()));
        json!({
            "name": act.name,
            "kinds": act.kinds,
            "what": act.what,
            "needs": act.needs.iter().map(|need| need.name()).collect::<Vec<_>>(),
            "possible": act.needs.iter().all(|need| need.is_met()),
            "succeeds": act.ways != Ways::Fails,
            "fails": act.ways != Ways::Succeeds,
            "untold": Value::Object(untold.collect()),
        })
    };
    acts().map(|act| object(act).to_string() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use k8srd_core::kind::KINDS;

    use super::*;

    #[test]
    fn each_name_is_one_act() {
        let names: BTreeSet<_> = acts().map(|act| act.name).collect();
        assert_eq!(names.len(), acts().count());
    }

    #[test]
    fn what_is_not_told_is_a_param_and_has_a_reason() {
        for act in acts() {
            let kinds = KINDS.iter().filter(|info| act.kinds.contains(&&*info.name));
            let params: Vec<_> = kinds.flat_map(|info| info.params.iter()).collect();
            for (name, why) in act.untold {
                assert!(params.iter().any(|it| it.name == *name), "{}: {name}", act.name);
                assert!(why.len() > 15, "{name}: {why}");
            }
        }
    }

    #[test]
    fn what_needs_no_root_is_done_and_leaves_nothing() {
        let place = Place::make().unwrap();
        let root = place.work();
        drop(place);
        for act in acts().filter(|act| act.name == "mkdirat" || act.name == "pipe2") {
            let told = perform(act).unwrap();
            let results: Vec<_> =
                told.iter().map(|event| event["params"]["res"].as_i64()).collect();
            assert!(results.contains(&Some(0)), "{results:?}");
            assert!(results.iter().any(|res| *res < Some(0)), "{results:?}");
            assert!(!root.exists());
        }
    }
}

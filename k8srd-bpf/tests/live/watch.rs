//! The sensor at work, and what it saw of one program.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8srd_bpf::load::{Rung, Sensor, SensorOptions};
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue::FIELDS;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KindInfo};
use k8srd_core::source::{Flow, Source};
use k8srd_core::value::{OwnedValue, Value};

use crate::act;

/// Why nothing can be watched here, if so.
pub(crate) fn missing() -> Option<String> {
    let options = SensorOptions { ring_memory: 4 << 20, rung: rung(), ..SensorOptions::default() };
    let error = Sensor::load(&options).err()?;
    let denied = error.is_permission_denied();
    assert!(denied || error.is_unsupported(), "{error}: {:?}", error.source());
    Some(error.to_string())
}

/// The way to attach that is asked for, if one is.
fn rung() -> Option<Rung> {
    let name = std::env::var("K8SRD_RUNG").ok()?;
    Some(Rung::named(&name).unwrap_or_else(|| panic!("K8SRD_RUNG: there is no rung {name}")))
}

/// Says that something is not shown here, which is a failure where everything has to be.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn skip(reason: &str) {
    assert!(!required(), "{reason}");
    eprintln!("skipped: {reason}");
}

/// Whether everything has to be shown here.
pub(crate) fn required() -> bool {
    std::env::var_os("K8SRD_REQUIRE_LIVE").is_some()
}

/// One event, read to the last field.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) kind: EventKind,
    /// Params by name and `ctx.*` fields; those that are absent are not there.
    pub(crate) values: BTreeMap<&'static str, OwnedValue>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kind {}:", self.kind.0)?;
        for (name, value) in &self.values {
            match value {
                OwnedValue::Str(text) | OwnedValue::Bytes(text) => {
                    write!(f, " {name}={}", text.escape_ascii())?;
                }
                OwnedValue::I64(n) => write!(f, " {name}={n}")?,
                OwnedValue::U64(n) => write!(f, " {name}={n}")?,
                other => write!(f, " {name}={other:?}")?,
            }
        }
        writeln!(f)
    }
}

impl Seen {
    pub(crate) fn new(event: &dyn Event) -> Self {
        let arena = Arena::default();
        let info = KindInfo::of(event.kind()).expect("a known kind");
        let params = (0..).zip(info.params.iter()).map(|(n, param)| (param.name, Key::param(n)));
        let fields = FIELDS.iter().map(|info| match &info.name {
            std::borrow::Cow::Borrowed(name) => (*name, Key::of(info.id)),
            std::borrow::Cow::Owned(name) => panic!("{name} is not of the catalogue"),
        });
        let values = params
            .chain(fields)
            .filter_map(|(name, key)| {
                Some((name, event.get(&key, &arena).known().as_ref().map(Value::to_owned)?))
            })
            .collect();
        Self { kind: event.kind(), values }
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        match self.values.get(name) {
            Some(OwnedValue::I64(n)) => *n,
            Some(OwnedValue::U64(n)) => i64::try_from(*n).expect("a small number"),
            other => panic!("{name} is {other:?}"),
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        match self.values.get(name) {
            Some(OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes)) => bytes,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// Whether the text is there and is this.
    pub(crate) fn says(&self, name: &str, text: &[u8]) -> bool {
        matches!(self.values.get(name),
            Some(OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes)) if **bytes == *text)
    }
}

/// What a program told and what was seen of it.
pub(crate) struct Run {
    pub(crate) pid: i64,
    pub(crate) told: BTreeMap<String, Vec<u8>>,
    /// Events of the program and its descendants, in order.
    pub(crate) events: Vec<Seen>,
}

impl Run {
    pub(crate) fn of_kind(&self, kind: EventKind) -> impl Iterator<Item = &Seen> {
        self.events.iter().filter(move |seen| seen.kind == kind)
    }

    /// The one event of a kind for which this holds.
    pub(crate) fn one(&self, kind: EventKind, holds: impl Fn(&Seen) -> bool) -> &Seen {
        let mut found = self.of_kind(kind).filter(|seen| holds(seen));
        let Some(first) = found.next() else {
            let near: Vec<_> = self.of_kind(kind).collect();
            panic!("no such event; of this kind there are {near:?}");
        };
        assert!(found.next().is_none(), "more than one: {first:?}");
        first
    }

    pub(crate) fn told(&self, name: &str) -> &[u8] {
        self.told.get(name).unwrap_or_else(|| panic!("{name} was not told: {:?}", self.told.keys()))
    }

    pub(crate) fn told_number(&self, name: &str) -> i64 {
        let text = String::from_utf8_lossy(self.told(name)).into_owned();
        text.parse().unwrap_or_else(|_| panic!("{name} is {text}"))
    }
}

pub(crate) struct Watch {
    pub(crate) source: BpfSource,
}

/// What lives and dies with a process.
pub(crate) const LIFECYCLE: &[EventKind] = &[
    EventKind::EXECVE,
    EventKind::EXECVEAT,
    EventKind::CLONE,
    EventKind::CLONE3,
    EventKind::FORK,
    EventKind::VFORK,
    EventKind::PROCEXIT,
];

impl Watch {
    /// Watches lifecycles and these kinds.
    pub(crate) fn new(kinds: &[EventKind]) -> Self {
        Self::with(&BpfOptions::default(), kinds)
    }

    pub(crate) fn with(options: &BpfOptions, kinds: &[EventKind]) -> Self {
        let sensor = SensorOptions { rung: rung(), ..options.sensor.clone() };
        let options = BpfOptions { sensor, ..options.clone() };
        let mut source = BpfSource::load(&options).expect("the sensor");
        let kinds = kinds.iter().chain(LIFECYCLE).copied().collect();
        let fields = source.provides().clone();
        source.subscribe(&Interest::new(kinds, fields)).expect("subscribe");
        Self { source }
    }

    /// Lets this binary act and waits for its end.
    pub(crate) fn act(&mut self, name: &str, argument: impl AsRef<std::ffi::OsStr>) -> Run {
        self.run(act::command(name).arg(argument))
    }

    /// Runs a program to its end and gathers what was seen of it.
    pub(crate) fn run(&mut self, command: &mut Command) -> Run {
        let child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("spawn");
        let pid = i64::from(child.id());
        let output = child.wait_with_output().expect("wait");
        let told = act::told(&output.stdout);
        let events = self.until_exit_of(pid);
        assert!(
            output.status.success() || command.get_envs().any(|(name, _)| name == act::MAY_FAIL),
            "{command:?}: {}",
            output.status
        );
        Run { pid, told, events }
    }

    fn until_exit_of(&mut self, pid: i64) -> Vec<Seen> {
        let mut family = BTreeSet::from([pid]);
        // The leader may end before its threads, and a thread that execs takes its place.
        let mut threads = BTreeSet::from([pid]);
        let mut events = Vec::new();
        let start = Instant::now();
        while !threads.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "the end of {pid} was not seen");
            let read = self.source.read(Duration::from_millis(100), &mut |event| {
                let seen = Seen::new(event);
                let of = seen.int("ctx.pid");
                let child = seen.values.contains_key("ctx.child.pid");
                let born = child && seen.int("ctx.child.pid") == pid;
                if family.contains(&of) || born {
                    if child {
                        family.insert(seen.int("ctx.child.pid"));
                        if seen.int("ctx.child.pid") == pid {
                            threads.insert(seen.int("ctx.child.tid"));
                        }
                    } else if seen.kind == EventKind::PROCEXIT {
                        threads.remove(&seen.int("ctx.tid"));
                    } else if of == pid && seen.values.contains_key("ctx.old_tid") {
                        threads.remove(&seen.int("ctx.old_tid"));
                        threads.insert(pid);
                    }
                    events.push(seen);
                }
                if threads.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!(read.expect("read"), Flow::More);
        }
        events
    }
}

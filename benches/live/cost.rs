//! Nanoseconds that the sensor adds to a system call.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use k8srd_bpf::load::Rung;
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::Source;

use crate::act::{Act, children};

/// How often each state is entered, in turns.
const ROUNDS: usize = 5;

/// What of the sensor is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Nothing.
    Off,
    /// Attached, but nobody asked for what the acting program does: a lookup in the kernel, and back.
    Filtered,
    /// Attached, and every open becomes a record with its paths.
    Recorded,
}

impl State {
    const ALL: [Self; 3] = [Self::Off, Self::Filtered, Self::Recorded];

    /// The kinds asked for, besides the process lifecycle.
    fn kinds(self) -> Option<KindSet> {
        match self {
            Self::Off => None,
            Self::Filtered => Some(KindSet::from_iter([EventKind::CONNECT])),
            Self::Recorded => Some(KindSet::from_iter([EventKind::CONNECT, EventKind::OPENAT])),
        }
    }
}

/// The best time for one repeat, by act and state.
pub(crate) struct Costs(BTreeMap<(Act, State), f64>);

/// Measures all acts in all states.
pub(crate) fn measure() -> anyhow::Result<Costs> {
    let mut best = BTreeMap::new();
    for _ in 0..ROUNDS {
        for state in State::ALL {
            beside(state, || {
                for act in Act::ALL {
                    let nanos = children(&["act", act.name()], 1)?[0];
                    let best = best.entry((act, state)).or_insert(nanos);
                    *best = best.min(nanos);
                }
                Ok(())
            })?;
        }
    }
    Ok(Costs(best))
}

/// The sensor as it is, or attached in the way that `K8SRD_RUNG` names.
fn options() -> anyhow::Result<BpfOptions> {
    let mut options = BpfOptions::default();
    if let Ok(name) = env::var("K8SRD_RUNG") {
        let rung = Rung::named(&name).with_context(|| format!("K8SRD_RUNG: no rung {name}"))?;
        options.sensor.rung = Some(rung);
    }
    Ok(options)
}

/// Does `work` while the sensor is in `state` and its records are read and dropped.
fn beside(state: State, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let Some(kinds) = state.kinds() else { return work() };
    let mut source = BpfSource::load(&options()?).context("cannot load the sensor")?;
    source.subscribe(&Interest::new(kinds, FieldSet::default())).context("cannot subscribe")?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut opens = 0_u64;
            while !done.load(Ordering::Relaxed) {
                source.read(Duration::from_millis(50), &mut |event| {
                    opens += u64::from(event.kind() == EventKind::OPENAT);
                    ControlFlow::Continue(())
                })?;
            }
            ensure!((opens > 0) == (state == State::Recorded), "{opens} opens were recorded");
            Ok(())
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        let read = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        result.and(read)
    })
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| thread CPU ns | off | attached, filtered | attached, opens recorded |")?;
        writeln!(f, "| --- | ---: | ---: | ---: |")?;
        for act in Act::ALL {
            let of = |state| self.0.get(&(act, state)).copied().unwrap_or(f64::NAN);
            let off = of(State::Off);
            write!(f, "| {} | {off:.0}", act.name())?;
            for state in [State::Filtered, State::Recorded] {
                let nanos = of(state);
                write!(f, " | {nanos:.0} (+{:.0}, ×{:.2})", nanos - off, nanos / off)?;
            }
            writeln!(f, " |")?;
        }
        Ok(())
    }
}

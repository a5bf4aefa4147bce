//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident. That a type is not listed means that nobody relies on it yet; `docs/api/` shows each
//! type that loses such a trait.

use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_bpf::abi::{Context, ExecBody, Header, Part};
use k8srd_bpf::clock::WallClock;
use k8srd_bpf::load::{Counters, LoadError, RingMap, Sensor, SensorOptions};
use k8srd_bpf::merge::{Merge, MergeLimits, Merged};
use k8srd_bpf::probe::{ProgramKind, Support};
use k8srd_bpf::record::{KernelEvent, RecordError};
use k8srd_bpf::ring::{Ring, RingError, Stop};
use k8srd_bpf::source::{BpfOptions, BpfSource};

#[test]
fn plain_data_may_do_everything() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    may::<Header>();
    may::<Context>();
    may::<ExecBody>();
    may::<Part>();
    may::<WallClock>();
    may::<Counters>();
    may::<SensorOptions>();
    may::<MergeLimits>();
    may::<ProgramKind>();
    may::<Support>();
    may::<RecordError>();
    may::<Stop>();
    may::<BpfOptions>();
    may::<KernelEvent<'_>>();
    may::<Merged<'_>>();
}

#[test]
fn errors_cross_threads() {
    fn may<T: std::error::Error + Send + Sync + Unpin + 'static>() {}
    may::<LoadError>();
    may::<RecordError>();
    may::<RingError>();
}

#[test]
fn the_source_and_its_parts_move_to_the_thread_that_reads() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<Sensor>();
    may::<RingMap>();
    may::<Ring>();
    may::<Merge>();
    may::<BpfSource>();
}

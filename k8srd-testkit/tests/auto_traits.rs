//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident. That a type is not listed means that nobody relies on it yet; `docs/api/` shows each
//! type that loses such a trait.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_testkit::clock::VirtualClock;
use k8srd_testkit::contract::Breach;
use k8srd_testkit::corpus::CorpusError;
use k8srd_testkit::corpus::conditions::{Expected, Report, Row};
use k8srd_testkit::corpus::rules::Case;
use k8srd_testkit::event::{EventError, TestEvent};
use k8srd_testkit::sink::{RecordingSink, SinkProbe};
use k8srd_testkit::source::{ScriptedSource, SourceProbe};
use k8srd_testkit::value::TestValue;

#[test]
fn plain_data_may_do_everything() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static>() {}
    may::<TestEvent>();
    may::<TestValue>();
    may::<Expected>();
    may::<Report>();
    may::<Row>();
    may::<Case>();
}

#[test]
fn errors_cross_threads() {
    fn may<T: std::error::Error + Send + Sync + Unpin + 'static>() {}
    may::<Breach>();
    may::<CorpusError>();
    may::<EventError>();
}

#[test]
fn doubles_move_to_the_thread_of_what_they_stand_for() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<ScriptedSource>();
    may::<RecordingSink>();
}

#[test]
fn a_test_looks_on_from_another_thread() {
    fn may<T: Clone + Send + Sync + Unpin + 'static>() {}
    may::<SinkProbe>();
    may::<SourceProbe>();
    may::<VirtualClock>();
}

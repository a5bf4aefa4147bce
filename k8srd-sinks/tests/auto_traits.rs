//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident. That a type is not listed means that nobody relies on it yet; `docs/api/` shows each
//! type that loses such a trait.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Stdout;
use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_sinks::delivery::{Account, Delivery, Limits};
use k8srd_sinks::encode::{Encoder, Json, Text, TimeFormat};
use k8srd_sinks::writer::WriterSink;

#[test]
fn plain_data_may_do_everything() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static>() {}
    may::<Account>();
    may::<Limits>();
}

#[test]
fn encoders_are_shared_between_threads() {
    fn may<T: Clone + Send + Sync + Unpin + 'static>() {}
    may::<Encoder>();
    may::<Json>();
    may::<Text>();
    may::<TimeFormat>();
}

#[test]
fn pipelines_on_several_threads_offer_to_one_delivery() {
    fn may<T: Send + Sync + Unpin + 'static>() {}
    may::<Delivery>();
}

#[test]
fn a_writer_moves_to_the_thread_of_delivery_as_its_target_does() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<WriterSink<File>>();
    may::<WriterSink<Stdout>>();
}

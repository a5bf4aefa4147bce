//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_capture::{Capture, CaptureError, Item, Place, Reader};

#[test]
fn what_was_read_may_go_anywhere() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    may::<Place>();
    may::<Item<'_>>();
}

#[test]
fn readers_and_their_errors_move_to_other_threads() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<Reader>();
    may::<Capture>();
    may::<CaptureError>();
}

#[cfg(feature = "pcap")]
#[test]
fn sources_of_packets_move_to_other_threads() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<k8srd_capture::PacketCapture>();
    may::<k8srd_capture::PacketReport>();
    may::<k8srd_capture::Recording>();
}

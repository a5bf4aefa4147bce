//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident. That a type is not listed means that nobody relies on it yet; `docs/api/` shows each
//! type that loses such a trait.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_enrich::container::Containers;
use k8srd_enrich::process::{ProcessCounts, Processes, ProcessesBuilder};
use k8srd_enrich::syscall::{DescriptorCounts, SyscallFields, SyscallFieldsBuilder};

#[test]
fn counts_may_do_everything() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static>() {}
    may::<ProcessCounts>();
    may::<DescriptorCounts>();
    may::<SyscallFieldsBuilder>();
    may::<SyscallFields>();
}

#[test]
fn tables_move_to_the_thread_that_runs_the_pipeline() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<Processes>();
    may::<ProcessesBuilder>();
    may::<Containers>();
    may::<SyscallFields>();
}

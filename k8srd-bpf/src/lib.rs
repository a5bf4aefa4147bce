//! The live event source of k8srd: CO-RE programs in the kernel and what reads their records.

pub mod abi;
pub mod clock;
pub mod load;
pub mod merge;
pub mod probe;
pub mod record;
pub mod ring;
mod snapshot;
pub mod source;
mod syscalls;

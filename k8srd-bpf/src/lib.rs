//! The live event source of k8srd: CO-RE programs in the kernel and what reads their records.

pub mod abi;

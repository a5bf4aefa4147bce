//! The live event source of k8srd: CO-RE programs in the kernel, and what makes one stream of events
//! of their records.
//!
//! It is for those who want this node's process, file and network events in Falco's schema, in
//! order, with every loss counted. It is not for those who want a detector that runs: that is the
//! `k8srd` program.
//!
//! # Example
//!
//! ```no_run
//! use std::{ops::ControlFlow, time::Duration};
//!
//! use k8srd_bpf::source::{BpfOptions, BpfSource};
//! use k8srd_core::{
//!     arena::Arena, event::Fields, field::Key, interest::Interest, kind::EventKind, set::FieldSet,
//!     source::Source, value::Lookup,
//! };
//!
//! let mut source = BpfSource::load(&BpfOptions::default())?;
//! let kinds = [EventKind::EXECVE].into_iter().collect();
//! source.subscribe(&Interest::new(kinds, FieldSet::default()))?;
//! let arena = Arena::default();
//! loop {
//!     source.read(Duration::from_secs(1), &mut |event| {
//!         // The second param of execve is the program's name, argv[0].
//!         if let Lookup::Known(name) = event.get(&Key::param(1), &arena) {
//!             println!("{name}");
//!         }
//!         ControlFlow::Continue(())
//!     })?;
//! }
//! # #[expect(unreachable_code, reason = "gives the loop its error type")]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of an event
//!
//! | step | where |
//! | --- | --- |
//! | a program in the kernel writes a record into its CPU's ring, or into the lifecycle ring | `bpf/`, [`abi`] |
//! | the programs are loaded, attached, and told which system calls are wanted | [`load`] |
//! | the rings are read every few milliseconds | [`ring`] |
//! | their records are merged by time, behind a watermark | [`merge`] |
//! | each is parsed, and given the wall's time | [`record`], [`clock`] |
//! | the whole, with the tasks that run already and the account of losses | [`source`] |
//!
//! [`unattached`] is the source without a kernel, for checking rules.
//!
//! # Requirements
//!
//! Linux 5.10 or later with BTF (`/sys/kernel/btf/vmlinux`), x86_64 or aarch64, root or CAP_BPF and
//! CAP_PERFMON. What is missing is told by [`load::LoadError`]. Before 5.17 the programs are attached to
//! raw tracepoints ([`load::Rung`]); before 5.11 memory of maps counts against RLIMIT_MEMLOCK, which
//! is raised where that is allowed. All kernels tell the same of a call; three things only newer ones do:
//!
//! | from | told |
//! | --- | --- |
//! | 5.18 | arguments and environment of tasks that ran before; else they are read from `/proc` |
//! | 6.4 | what is opened and connected through io_uring |
//! | 6.11 | every successful `execveat`; else one without a directory is told as `execve` |
//!
//! # Features
//!
//! - `build-bpf` (off): compiles the kernel programs from `bpf/` with clang instead of loading the
//!   shipped objects. What they do is the same.
//!
//! # Safety
//!
//! This is the one crate of k8srd with unsafe code, all of it in [`ring`]: mapping the rings and
//! reading shared memory. Bytes of the kernel are parsed, never transmuted.

pub mod abi;
mod calls;
pub mod clock;
pub mod load;
pub mod merge;
pub mod probe;
pub mod record;
pub mod ring;
mod shed;
mod snapshot;
pub mod source;
pub mod unattached;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

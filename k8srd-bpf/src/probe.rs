//! What kinds of programs this kernel takes from this process, found by trying.
//!
//! For reports, such as `k8srd doctor`: the sensor itself needs [`Sensor::load`] to succeed and
//! asks nothing here. Each try loads a program of two instructions and drops it.
//!
//! [`Sensor::load`]: crate::load::Sensor::load

use std::error::Error;

use aya::programs::{LsmAttachType, ProgramType};
use aya::sys::is_program_supported;

/// A kind of program, and whether it can be loaded here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramKind {
    /// Its name as in section names of objects.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Whether it can be loaded here.
    pub support: Support,
}

/// Whether a kind of program can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: yes, no, or not allowed")]
pub enum Support {
    /// It was loaded.
    Works,
    /// The kernel does not know it.
    Unknown,
    /// The kernel knows it and refused, for this reason.
    Refused(String),
}

/// Tries the kinds of programs that detection and enforcement can use, besides `tp_btf`, which
/// only loading the sensor shows.
#[must_use]
pub fn program_kinds() -> Vec<ProgramKind> {
    let kinds = [
        ("raw_tp", "events without type information", ProgramType::RawTracePoint),
        ("tracepoint", "events at fixed places", ProgramType::TracePoint),
        ("kprobe", "events at any kernel function", ProgramType::KProbe),
        ("fentry", "events at typed kernel functions", ProgramType::Tracing),
        ("lsm", "blocking in the kernel", ProgramType::Lsm(LsmAttachType::Mac)),
        ("cgroup/connect", "blocking connections", ProgramType::CgroupSockAddr),
        ("cgroup_skb", "packets of a container", ProgramType::CgroupSkb),
        ("perf_event", "samples", ProgramType::PerfEvent),
    ];
    let tried = kinds.into_iter().map(|(name, purpose, ty)| {
        let support = match is_program_supported(ty) {
            Ok(true) => Support::Works,
            Ok(false) => Support::Unknown,
            Err(error) => Support::Refused(innermost(&error)),
        };
        ProgramKind { name, purpose, support }
    });
    tried.collect()
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

//! What can go wrong when the programs are loaded, and what a person can do about it.

use std::{error, fmt, io};

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use aya::programs::links::LinkError;
use rustix::thread::CapabilitySet;

use crate::abi::SNAP_MAX;

/// Why the sensor could not be loaded. The message says what is missing and what to do.
#[derive(Debug)]
pub struct LoadError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Btf(aya::BtfError),
    Cpus(io::Error),
    RingMemory { budget: u64, least: u64 },
    SnapLength { asked: u32 },
    Denied { what: String, missing: Vec<&'static str> },
    Object(EbpfError),
    StaleObject,
    Missing { what: &'static str, name: &'static str },
    NoTracepoint { name: &'static str },
    Map { name: &'static str, error: MapError },
    Program { name: &'static str, error: ProgramError },
    Link { name: &'static str, error: LinkError },
    Read { what: &'static str, error: io::Error },
}

impl LoadError {
    /// Whether the kernel refused for lack of privilege: run as root, or with CAP_BPF and CAP_PERFMON.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        matches!(self.kind, Kind::Denied { .. })
    }

    /// Whether this kernel lacks what the sensor needs.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self.kind,
            Kind::Btf(_) | Kind::Object(_) | Kind::Program { .. } | Kind::NoTracepoint { .. }
        )
    }

    /// Whether another way to attach may fare better.
    pub(super) fn may_be_the_rungs(&self) -> bool {
        match &self.kind {
            Kind::Object(_)
            | Kind::Program { .. }
            | Kind::NoTracepoint { .. }
            | Kind::Map { .. } => true,
            Kind::Denied { missing, .. } => missing.is_empty(),
            _ => false,
        }
    }

    pub(super) fn btf(error: aya::BtfError) -> Self {
        Kind::Btf(error).into()
    }

    pub(super) fn cpus(error: io::Error) -> Self {
        Kind::Cpus(error).into()
    }

    pub(super) fn ring_memory(budget: u64, least: u64) -> Self {
        Kind::RingMemory { budget, least }.into()
    }

    pub(super) fn snap_length(asked: u32) -> Self {
        Kind::SnapLength { asked }.into()
    }

    pub(super) fn object(error: EbpfError) -> Self {
        denied("the kernel objects", &error).unwrap_or(Kind::Object(error)).into()
    }

    pub(super) fn stale_object() -> Self {
        Kind::StaleObject.into()
    }

    pub(super) fn no_map(name: &'static str) -> Self {
        Kind::Missing { what: "map", name }.into()
    }

    pub(super) fn no_program(name: &'static str) -> Self {
        Kind::Missing { what: "program", name }.into()
    }

    pub(super) fn no_tracepoint(name: &'static str) -> Self {
        Kind::NoTracepoint { name }.into()
    }

    pub(super) fn map(name: &'static str, error: MapError) -> Self {
        denied(&format!("map {name}"), &error).unwrap_or(Kind::Map { name, error }).into()
    }

    pub(super) fn program(name: &'static str, error: ProgramError) -> Self {
        // The verifier says EACCES, too, of what a program must not do; it has its reasons in a log.
        let judged = matches!(&error, ProgramError::LoadError { verifier_log, .. }
            if !verifier_log.to_string().trim().is_empty());
        let denied = if judged { None } else { denied(&format!("program {name}"), &error) };
        denied.unwrap_or(Kind::Program { name, error }).into()
    }

    pub(super) fn link(name: &'static str, error: LinkError) -> Self {
        denied(&format!("program {name}"), &error).unwrap_or(Kind::Link { name, error }).into()
    }

    pub(super) fn read(what: &'static str, error: io::Error) -> Self {
        Kind::Read { what, error }.into()
    }
}

impl From<Kind> for LoadError {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Btf(_) => f.write_str(
                "the kernel's type information (/sys/kernel/btf/vmlinux) cannot be read: mount \
                 sysfs, or run a kernel built with CONFIG_DEBUG_INFO_BTF=y",
            ),
            Kind::Cpus(_) => f.write_str(
                "the number of CPUs cannot be read from /sys/devices/system/cpu: mount sysfs",
            ),
            Kind::RingMemory { budget, least } => write!(
                f,
                "ring memory of {budget} bytes is too little for this node: set ring_memory to \
                 {least} bytes or more",
            ),
            Kind::SnapLength { asked } => write!(
                f,
                "no more than {SNAP_MAX} bytes of a buffer can be read: set snap_length to that or \
                 less, not to {asked}",
            ),
            Kind::Denied { what, missing } if missing.is_empty() => write!(
                f,
                "the kernel refused to load {what} although the capabilities are there: a \
                 seccomp profile, a security policy or kernel lockdown forbids bpf(2); run \
                 outside of it or allow bpf(2) there",
            ),
            Kind::Denied { what, missing } => write!(
                f,
                "the kernel refused to load {what}: {} missing; run as root or grant the process \
                 {0}",
                missing.join(" and "),
            ),
            Kind::Object(_) => f.write_str(
                "the kernel programs do not fit this kernel; Linux 5.10 or later is needed",
            ),
            Kind::StaleObject => f.write_str(
                "the shipped kernel object was built from another record layout than this crate: \
                 run `cargo xtask bpf`, or build with feature build-bpf",
            ),
            Kind::Missing { what, name } => write!(
                f,
                "the kernel object has no {what} named {name}: run `cargo xtask bpf`, or build \
                 with feature build-bpf",
            ),
            Kind::Map { name, .. } => write!(f, "the kernel refused map {name}"),
            Kind::Program { name, .. } => write!(
                f,
                "the kernel refused program {name}; Linux 5.10 or later with BTF is needed",
            ),
            Kind::NoTracepoint { name } => {
                write!(f, "the kernel has no tracepoint {name}; Linux 5.10 or later is needed")
            }
            Kind::Link { name, .. } => write!(f, "the kernel refused to start iterator {name}"),
            Kind::Read { what, .. } => write!(f, "{what} cannot be read"),
        }
    }
}

impl error::Error for LoadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            Kind::Btf(error) => Some(error),
            Kind::Cpus(error) | Kind::Read { error, .. } => Some(error),
            Kind::Object(error) => Some(error),
            Kind::Map { error, .. } => Some(error),
            Kind::Program { error, .. } => Some(error),
            Kind::Link { error, .. } => Some(error),
            Kind::RingMemory { .. }
            | Kind::SnapLength { .. }
            | Kind::Denied { .. }
            | Kind::StaleObject
            | Kind::NoTracepoint { .. }
            | Kind::Missing { .. } => None,
        }
    }
}

/// If EPERM or EACCES is behind `error`: what the process lacks.
fn denied(what: &str, error: &(dyn error::Error + 'static)) -> Option<Kind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::PermissionDenied
        {
            return Some(Kind::Denied { what: what.to_owned(), missing: missing_capabilities() });
        }
        cause = error.source();
    }
    None
}

/// Which of CAP_BPF and CAP_PERFMON are not in effect; CAP_SYS_ADMIN stands for both.
fn missing_capabilities() -> Vec<&'static str> {
    let Ok(sets) = rustix::thread::capabilities(None) else { return Vec::new() };
    if sets.effective.contains(CapabilitySet::SYS_ADMIN) {
        return Vec::new();
    }
    [(CapabilitySet::BPF, "CAP_BPF"), (CapabilitySet::PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(capability, _)| !sets.effective.contains(*capability))
        .map(|(_, name)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn messages_do_not_repeat_their_source() {
        let error = LoadError::read("mark_own", io::Error::other("the cause"));
        assert!(!error.to_string().contains("the cause"));
        assert_eq!(error.source().expect("a source").to_string(), "the cause");
    }

    #[test]
    fn a_refusal_names_what_is_missing() {
        let text = |missing| LoadError::from(Kind::Denied { what: "map m".into(), missing });
        let error = text(vec!["CAP_BPF", "CAP_PERFMON"]);
        assert!(error.is_permission_denied());
        assert_eq!(
            error.to_string(),
            "the kernel refused to load map m: CAP_BPF and CAP_PERFMON missing; run as root or \
             grant the process CAP_BPF and CAP_PERFMON"
        );
        assert!(text(vec![]).to_string().contains("seccomp"));
    }
}

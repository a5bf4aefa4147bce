//! The ways to attach, best first, and the object that each needs.

use aya::programs::links::FdLink;
use aya::programs::raw_trace_point::RawTracePointLink;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::{BtfTracePoint, ProgramError, RawTracePoint, TracePoint};
use aya::util::KernelVersion;
use aya::{Btf, Ebpf};
use aya_obj::btf::BtfKind;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("there is no kernel object for this architecture: x86_64 and aarch64 have one");

/// An object of kernel programs: shipped, or compiled by build.rs with feature `build-bpf`.
macro_rules! object {
    ($name:literal) => {{
        #[cfg(all(target_arch = "x86_64", not(feature = "build-bpf")))]
        static OBJECT: &[u8] =
            aya::include_bytes_aligned!(concat!("../../objects/", $name, ".x86_64.bpf.o"));
        #[cfg(all(target_arch = "aarch64", not(feature = "build-bpf")))]
        static OBJECT: &[u8] =
            aya::include_bytes_aligned!(concat!("../../objects/", $name, ".aarch64.bpf.o"));
        #[cfg(feature = "build-bpf")]
        static OBJECT: &[u8] =
            aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/", $name, ".bpf.o"));
        OBJECT
    }};
}

/// How the programs are attached. All record the same, from the same sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rung {
    /// Typed tracepoints: the kernel's fields are plain loads. Linux 5.17 or later.
    TpBtf,
    /// Raw tracepoints: the kernel's fields are read by a helper, and the arguments of tasks that run
    /// already come from `/proc`. Linux 5.10 or later.
    RawTp,
}

impl Rung {
    /// All of them, best first.
    pub const ALL: [Self; 2] = [Self::TpBtf, Self::RawTp];

    /// Its name, as in names of sections of objects.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TpBtf => "tp_btf",
            Self::RawTp => "raw_tp",
        }
    }

    /// The rung of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rung| rung.name() == name)
    }

    /// The programs that it runs.
    pub(super) fn object(self) -> &'static [u8] {
        match self {
            Self::TpBtf => object!("sensor"),
            Self::RawTp => object!("sensor_raw"),
        }
    }

    /// Loads and attaches a program to the tracepoint of its name, or another program for the same. Gives
    /// its name; none if the kernel has no such tracepoint.
    pub(super) fn attach(
        self,
        ebpf: &mut Ebpf,
        btf: &Btf,
        name: &'static str,
    ) -> Result<Option<(&'static str, FdLink)>, ProgramError> {
        if self == Self::TpBtf && name == "sys_exit" && programs_lose_the_cpu() {
            // Where tracefs is not mounted, what is skipped is counted.
            if let Some(link) = attach_to_perf(ebpf) {
                return Ok(Some((PERF_SYS_EXIT, link)));
            }
        }
        Ok(self.attach_to_tracepoint(ebpf, btf, name)?.map(|link| (name, link)))
    }

    fn attach_to_tracepoint(
        self,
        ebpf: &mut Ebpf,
        btf: &Btf,
        name: &str,
    ) -> Result<Option<FdLink>, ProgramError> {
        if !has_tracepoint(btf, name) {
            return Ok(None);
        }
        let program = ebpf.program_mut(name).ok_or(ProgramError::UnexpectedProgramType)?;
        match self {
            Self::TpBtf => {
                let program: &mut BtfTracePoint = program.try_into()?;
                program.load(name, btf)?;
                let link = program.attach()?;
                program.take_link(link).map(|link: BtfTracePointLink| Some(link.into()))
            }
            Self::RawTp => {
                let program: &mut RawTracePoint = program.try_into()?;
                program.load()?;
                let link = program.attach(name)?;
                program.take_link(link).map(|link: RawTracePointLink| Some(link.into()))
            }
        }
    }
}

/// Whether the kernel has a tracepoint: a program for one that it lacks may read what it lacks, too, and
/// would not load.
pub(super) fn has_tracepoint(btf: &Btf, name: &str) -> bool {
    btf.id_by_type_name_kind(&format!("btf_trace_{name}"), BtfKind::Typedef).is_ok()
}

/// The program for the ends of system calls that takes perf's tracepoint.
pub(super) const PERF_SYS_EXIT: &str = "perf_sys_exit";

/// Whether this kernel may take the CPU from a program of a typed tracepoint (`bpf/sensor.bpf.c`): in
/// `cargo xtask kernel-matrix` 7.2 does, 7.1 does not.
fn programs_lose_the_cpu() -> bool {
    KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(7, 2, 0))
}

fn attach_to_perf(ebpf: &mut Ebpf) -> Option<FdLink> {
    let program: &mut TracePoint = ebpf.program_mut(PERF_SYS_EXIT)?.try_into().ok()?;
    program.load().ok()?;
    let link = program.attach("raw_syscalls", "sys_exit").ok()?;
    program.take_link(link).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_found_by_name() {
        for rung in Rung::ALL {
            assert_eq!(Rung::named(rung.name()), Some(rung));
        }
        assert_eq!(Rung::named("ladder"), None);
    }
}

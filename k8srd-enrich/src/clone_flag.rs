//! Flags of `clone` in events, as Falco numbers them (`PPM_CL_*` in `driver/ppm_events_public.h` of
//! falcosecurity/libs), not the kernel.

pub(crate) const NEWPID: u64 = 1 << 6;
pub(crate) const PARENT: u64 = 1 << 8;
pub(crate) const THREAD: u64 = 1 << 13;
pub(crate) const VFORK: u64 = 1 << 27;
/// Falco's own: the child is in a pid namespace.
pub(crate) const CHILD_IN_PIDNS: u64 = 1 << 29;

//! What changes while a program runs.

use std::borrow::Cow;
use std::sync::Arc;

use k8srd_core::event::Timestamp;

use super::facts::Facts;
use crate::container;

/// What a process may change at any time, as last recorded: for sources whose events do not carry
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) vpid: Option<u32>,
    pub(crate) vtid: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) loginuid: Option<u32>,
    pub(crate) tty: Option<u32>,
    pub(crate) pgid: Option<u32>,
    pub(crate) vpgid: Option<u32>,
    pub(crate) sid: Option<u32>,
    pub(crate) vsid: Option<u32>,
    pub(crate) cap_effective: Option<u64>,
    pub(crate) cap_permitted: Option<u64>,
    pub(crate) cap_inheritable: Option<u64>,
}

/// Counts and times of a thread. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// When the call of clone that made it was seen.
    pub(crate) born: Option<Timestamp>,
    /// When the first process of its pid namespace started.
    pub(crate) namespace_start: Option<u64>,
    /// From the last change of the executable's inode to the start, and from the start of the pid
    /// namespace to that change.
    pub(crate) inode_age: Option<u64>,
    pub(crate) inode_age_in_namespace: Option<u64>,
    /// Most descriptors that it may have open.
    pub(crate) fdlimit: Option<i64>,
    pub(crate) memory: Option<Memory>,
    /// How long it ran between the switches that were seen.
    pub(crate) ran: u64,
    /// Processor time outside and inside the kernel, as last told.
    pub(crate) cpu: Option<[u64; 2]>,
}

impl Life {
    /// With the ages of an executable whose inode changed at that time, in a process that started
    /// then. As in Falco the age wraps where the change is the younger of the two.
    pub(crate) fn with_inode(mut self, changed: u64, started: Option<u64>) -> Self {
        if let Some(started) = started {
            self.inode_age = Some(started.wrapping_sub(changed));
        }
        let namespace = self.namespace_start.filter(|&start| start != 0 && changed > start);
        if let Some(start) = namespace {
            self.inode_age_in_namespace = Some(changed - start);
        }
        self
    }
}

/// Sizes in KiB, and page faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) size: u32,
    pub(crate) resident: u32,
    pub(crate) swapped: u32,
    pub(crate) major_faults: u64,
    pub(crate) minor_faults: u64,
}

/// What a thread has of its own, where it is not the main thread and that may differ: a copy that
/// was taken when it was made.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) facts: Arc<Facts>,
    pub(crate) cgroups: Arc<Cgroups>,
    pub(crate) session: Session,
    pub(crate) life: Life,
}

/// The cgroups of a process, and the container that they tell of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cgroups {
    /// As the record or row had it.
    told: Box<[u8]>,
    /// `subsystem=path`, separated by NUL bytes.
    entries: Box<[u8]>,
    /// The same, separated by blanks: `thread.cgroups`.
    paths: Box<[u8]>,
    /// Short id of the container; none for the host.
    container: Option<Box<str>>,
}

impl Cgroups {
    /// From `subsystem=path` texts, separated by NUL bytes, with the subsystems' names that Falco
    /// uses. `None` where one is no such text: Falco takes none of them then.
    pub(crate) fn new(told: &[u8]) -> Option<Self> {
        Self::of(told, container::short_id)
    }

    /// The same of a recording of Falco's, whose users are told with the container that Falco finds.
    pub(crate) fn recorded(told: &[u8]) -> Option<Self> {
        Self::of(told, container::recorded_id)
    }

    fn of(told: &[u8], container: impl Fn(&[u8]) -> Option<Box<str>>) -> Option<Self> {
        let whole = told;
        let mut entries = Vec::with_capacity(told.len());
        let told = told.strip_suffix(&[0]).unwrap_or(told);
        for entry in told.split(|&byte| byte == 0).filter(|_| !told.is_empty()) {
            let equals = entry.iter().position(|&byte| byte == b'=')?;
            let (subsystem, path) = entry.split_at(equals);
            if !entries.is_empty() {
                entries.push(0);
            }
            entries.extend_from_slice(falco_name(subsystem).as_ref());
            entries.extend_from_slice(path);
        }
        let paths: Box<[u8]> =
            entries.iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect();
        let container = container(&paths);
        Some(Self { told: whole.into(), entries: entries.into(), paths, container })
    }

    /// Whether this is what such a text tells.
    pub(crate) fn is_told(&self, told: &[u8]) -> bool {
        *self.told == *told
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn paths(&self) -> &[u8] {
        &self.paths
    }

    pub(crate) fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }

    /// The path of one subsystem.
    pub(crate) fn path_of(&self, subsystem: &[u8]) -> Option<&[u8]> {
        let mut entries = self.entries.split(|&byte| byte == 0);
        entries.find_map(|entry| entry.strip_prefix(subsystem)?.strip_prefix(b"="))
    }

    /// Bytes of memory that it holds, about.
    pub(crate) fn size(&self) -> usize {
        let Self { told, entries, paths, container } = self;
        told.len() + entries.len() + paths.len() + container.as_ref().map_or(0, |id| id.len())
    }
}

/// Facts: `set_cgroups` in `userspace/libsinsp/threadinfo.cpp` of falcosecurity/libs.
fn falco_name(subsystem: &[u8]) -> Cow<'_, [u8]> {
    const SUFFIX: &[u8] = b"_cgroup";
    let suffix = subsystem.windows(SUFFIX.len()).position(|part| part == SUFFIX);
    let name = match suffix.map(|at| subsystem.split_at(at)) {
        Some((before, rest)) => {
            Cow::Owned([before, rest.get(SUFFIX.len()..).unwrap_or_default()].concat())
        }
        None => Cow::Borrowed(subsystem),
    };
    match &*name {
        b"perf" => Cow::Borrowed(b"perf_event"),
        b"mem" => Cow::Borrowed(b"memory"),
        b"io" => Cow::Borrowed(b"blkio"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_have_falcos_names() {
        let told = b"cpuset=/a\0cpu_cgroup=/b\0mem=/c d\0io=/e\0perf=/f\0unified=/g=h\0";
        let cgroups = Cgroups::new(told).unwrap();
        let want = b"cpuset=/a cpu=/b memory=/c d blkio=/e perf_event=/f unified=/g=h";
        assert_eq!(cgroups.paths(), want);
        assert_eq!(cgroups.path_of(b"memory"), Some(&b"/c d"[..]));
        assert_eq!(cgroups.path_of(b"unified"), Some(&b"/g=h"[..]));
        assert_eq!((cgroups.path_of(b"uni"), cgroups.path_of(b"io")), (None, None));
        assert_eq!(Cgroups::new(b"cpuset=/a\0broken\0"), None);
        assert!(Cgroups::new(b"").unwrap().is_empty());
    }

    #[test]
    fn cgroups_tell_the_container() {
        let id = "ab".repeat(32);
        let cgroups = Cgroups::new(format!("cpuset=/docker/{id}\0").as_bytes()).unwrap();
        assert_eq!(cgroups.container(), Some("abababababab"));
        assert_eq!(Cgroups::new(b"cpuset=/user.slice\0").unwrap().container(), None);
        let recorded = Cgroups::recorded(b"cpuset=/default/nginx-frontend\0").unwrap();
        assert_eq!(recorded.container(), Some("nginx-fronte"), "as Falco cuts names");
    }
}

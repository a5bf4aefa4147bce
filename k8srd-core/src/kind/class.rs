//! Classes of kinds: what is given up first where there is no room for all.

use std::fmt;
use std::str::FromStr;

use super::{Category, KindInfo};

/// Kinds that a source may drop on purpose, so that there is room for more important ones.
///
/// What makes, changes and ends processes, users, modules and namespaces has no class
/// ([`KindInfo::class`]) and is never dropped so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KindClass {
    /// Reads, writes and other uses of a descriptor.
    Io,
    /// Memory, waiting, clocks, the scheduler, communication between processes.
    Routine,
    /// The network.
    Network,
    /// Files.
    File,
}

impl KindClass {
    /// All, in the order in which they are given up unless somebody says otherwise: the most noise
    /// first.
    pub const ALL: [Self; 4] = [Self::Io, Self::Routine, Self::Network, Self::File];

    /// The name in the configuration, in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Routine => "routine",
            Self::Network => "network",
            Self::File => "file",
        }
    }
}

impl fmt::Display for KindClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KindClass {
    type Err = ParseKindClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(ParseKindClassError)
    }
}

/// The text names no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a class of kinds: io, routine, network or file")]
pub struct ParseKindClassError;

impl KindInfo {
    /// Its class, if events of the kind may be dropped where there is no room for all. It follows from
    /// the category.
    pub const fn class(&self) -> Option<KindClass> {
        Some(match self.category {
            Category::IoRead | Category::IoWrite | Category::IoOther => KindClass::Io,
            Category::Memory
            | Category::Wait
            | Category::Sleep
            | Category::Time
            | Category::Scheduler
            | Category::Ipc => KindClass::Routine,
            Category::Net => KindClass::Network,
            Category::File => KindClass::File,
            Category::Unknown
            | Category::Other
            | Category::Process
            | Category::System
            | Category::Signal
            | Category::User
            | Category::Internal => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{EventKind, KINDS};

    #[test]
    fn names_read_back() {
        for class in KindClass::ALL {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        assert_eq!("Files".parse::<KindClass>(), Err(ParseKindClassError));
    }

    #[test]
    fn what_makes_and_changes_processes_is_never_given_up() {
        let class = |name| {
            let mut found = KINDS.iter().filter(|info| info.name == name);
            let class = found.next().expect(name).class();
            assert!(found.all(|info| info.class() == class), "{name}");
            class
        };
        for kept in ["execve", "clone3", "procexit", "setuid", "ptrace", "setns", "bpf", "kill"] {
            assert_eq!(class(kept), None, "{kept}");
        }
        assert_eq!(class("write"), Some(KindClass::Io));
        assert_eq!(class("poll"), Some(KindClass::Routine));
        assert_eq!(class("connect"), Some(KindClass::Network));
        assert_eq!(class("openat"), Some(KindClass::File));
        assert_eq!(KindInfo::of(EventKind::TASK).and_then(KindInfo::class), None);
    }
}

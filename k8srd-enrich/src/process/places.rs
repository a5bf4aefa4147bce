//! Where the params of lifecycle records stand.

use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;

use super::facts::{Facts, Inode, Program};
use super::state::Session;
use crate::read::{self, bytes, id, uint};

/// Where the params of lifecycle records stand: found by name once.
#[derive(Debug)]
pub(crate) struct Places {
    /// execve and execveat have the same places.
    pub(super) exec: ProgramPlaces,
    pub(super) task: ProgramPlaces,
    pub(super) clone_comm: Option<Key>,
    pub(super) clone_cgroups: Option<Key>,
    pub(super) exec_result: Option<Key>,
    pub(super) reaper: Option<Key>,
    openat_dirfd: Option<Key>,
    openat2_dirfd: Option<Key>,
}

#[derive(Debug)]
pub(crate) struct ProgramPlaces {
    pub(super) comm: Option<Key>,
    pub(super) exe: Option<Key>,
    pub(super) exepath: Option<Key>,
    pub(super) args: Option<Key>,
    pub(super) env: Option<Key>,
    pub(super) flags: Option<Key>,
    pub(super) exe_ino: Option<Key>,
    pub(super) exe_ino_ctime: Option<Key>,
    pub(super) exe_ino_mtime: Option<Key>,
    pub(super) cwd: Option<Key>,
    pub(super) cgroups: Option<Key>,
    pub(super) uid: Option<Key>,
    pub(super) gid: Option<Key>,
    pub(super) loginuid: Option<Key>,
    pub(super) tty: Option<Key>,
    pub(super) pgid: Option<Key>,
    pub(super) vpgid: Option<Key>,
    pub(super) cap_effective: Option<Key>,
    pub(super) cap_permitted: Option<Key>,
    pub(super) cap_inheritable: Option<Key>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            exec: ProgramPlaces::new(EventKind::EXECVE),
            task: ProgramPlaces::new(EventKind::TASK),
            clone_comm: read::param(EventKind::CLONE, "comm"),
            clone_cgroups: read::param(EventKind::CLONE, "cgroups"),
            exec_result: read::param(EventKind::EXECVE, "res"),
            reaper: read::param(EventKind::PROCEXIT, "reaper_tid"),
            openat_dirfd: read::param(EventKind::OPENAT, "dirfd"),
            openat2_dirfd: read::param(EventKind::OPENAT2, "dirfd"),
        }
    }

    /// Whether events of this kind name a file, and if so the param that says where a relative name
    /// starts from, where it need not be the working directory.
    pub(super) fn dirfd(&self, kind: EventKind) -> Option<Option<&Key>> {
        match kind {
            EventKind::OPEN | EventKind::CREAT => Some(None),
            EventKind::OPENAT => Some(self.openat_dirfd.as_ref()),
            EventKind::OPENAT2 => Some(self.openat2_dirfd.as_ref()),
            _ => None,
        }
    }
}

impl ProgramPlaces {
    fn new(kind: EventKind) -> Self {
        let param = |name| read::param(kind, name);
        Self {
            comm: param("comm"),
            exe: param("exe"),
            exepath: param("trusted_exepath"),
            args: param("args"),
            env: param("env"),
            flags: param("flags"),
            exe_ino: param("exe_ino"),
            exe_ino_ctime: param("exe_ino_ctime"),
            exe_ino_mtime: param("exe_ino_mtime"),
            cwd: param("cwd"),
            cgroups: param("cgroups"),
            uid: param("uid"),
            gid: param("gid"),
            loginuid: param("loginuid"),
            tty: param("tty"),
            pgid: param("pgid"),
            vpgid: param("vpgid"),
            cap_effective: param("cap_effective"),
            cap_permitted: param("cap_permitted"),
            cap_inheritable: param("cap_inheritable"),
        }
    }

    pub(super) fn facts(&self, event: &dyn Event, arena: &Arena) -> Arc<Facts> {
        let text = |key: &Option<Key>| {
            key.as_ref().and_then(|key| bytes(event, key, arena)).unwrap_or_default()
        };
        let number = |key: &Option<Key>| key.as_ref().and_then(|key| uint(event, key, arena));
        let flags = self.flags.as_ref().and_then(|key| id(event, key, arena));
        Facts::new(Program {
            comm: text(&self.comm),
            exe: text(&self.exe),
            exepath: text(&self.exepath),
            args: text(&self.args),
            env: text(&self.env),
            exe_flags: flags.unwrap_or_default(),
            inode: Inode {
                number: number(&self.exe_ino).unwrap_or_default(),
                changed: number(&self.exe_ino_ctime).unwrap_or_default(),
                modified: number(&self.exe_ino_mtime).unwrap_or_default(),
            },
        })
    }

    /// From the context, else from the params, which have the same in Falco's recordings.
    pub(super) fn session(&self, event: &dyn Event, arena: &Arena) -> Session {
        let param = |key: &Option<Key>| uint(event, key.as_ref()?, arena);
        let wide =
            |key: &Key, place: &Option<Key>| uint(event, key, arena).or_else(|| param(place));
        let narrow = |key: &Key, place: &Option<Key>| {
            wide(key, place).and_then(|value| u32::try_from(value).ok())
        };
        Session {
            vpid: id(event, &read::VPID, arena),
            vtid: id(event, &read::VTID, arena),
            uid: narrow(&read::EUID, &self.uid),
            gid: narrow(&read::EGID, &self.gid),
            loginuid: narrow(&read::LOGINUID, &self.loginuid),
            tty: narrow(&read::TTY, &self.tty),
            pgid: narrow(&read::PGID, &self.pgid),
            vpgid: narrow(&read::VPGID, &self.vpgid),
            sid: id(event, &read::SID, arena),
            vsid: id(event, &read::VSID, arena),
            cap_effective: wide(&read::CAP_EFFECTIVE, &self.cap_effective),
            cap_permitted: wide(&read::CAP_PERMITTED, &self.cap_permitted),
            cap_inheritable: wide(&read::CAP_INHERITABLE, &self.cap_inheritable),
        }
    }
}

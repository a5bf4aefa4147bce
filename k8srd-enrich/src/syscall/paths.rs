//! Paths that a call works on: from where a relative one starts, `fs.path.*` and `evt.abspath`.
//! Facts: `sinsp_filtercheck_fspath.cpp`, `sinsp_filtercheck_event.cpp` and `parsers.cpp` in
//! `userspace/libsinsp` of falcosecurity/libs.

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Reading};
use k8srd_core::field::{Arg, FieldId, Key};
use k8srd_core::kind::{EventKind, ParamInfo, ParamType};

use super::Context;
use super::args::AT_FDCWD;
use super::descriptor::Type;
use super::kinds;
use crate::path;
use crate::read::{self, bytes, int};

/// Falco's mark for a directory of which nothing is known.
const UNKNOWN: &[u8] = b"<UNKNOWN>";
/// And for a text that was not recorded.
pub(super) const NO_TEXT: &[u8] = b"<NA>";

/// The resolved path, if that is the reading of this view and there is one.
pub(super) fn resolved_reading<'a>(event: &'a dyn Event, arena: &'a Arena) -> Option<&'a [u8]> {
    (event.reading() == Reading::Resolved).then(|| bytes(event, &read::PATH_REAL, arena)).flatten()
}

/// The working directory with a slash at its end; empty if it is not known.
pub(super) fn cwd<'a>(event: &'a dyn Event, arena: &'a Arena) -> &'a [u8] {
    bytes(event, &read::PROC_CWD, arena).map_or(b"", |cwd| with_slash(cwd, arena))
}

/// The working directory from which a call opened a file: the kernel knows better.
pub(super) fn cwd_of_open<'a>(event: &'a dyn Event, arena: &'a Arena) -> &'a [u8] {
    match bytes(event, &read::PATH_BASE, arena) {
        Some(base) => with_slash(base, arena),
        None => cwd(event, arena),
    }
}

/// The directory of a descriptor, from which a call opened a file: what the kernel told, else what
/// is known of the descriptor.
pub(super) fn of_descriptor<'a>(
    event: &'a dyn Event,
    known: Option<&'a [u8]>,
    arena: &'a Arena,
) -> &'a [u8] {
    match bytes(event, &read::PATH_BASE, arena).or(known) {
        Some([]) => b"",
        Some(base) => with_slash(base, arena),
        None => UNKNOWN,
    }
}

fn with_slash<'a>(dir: &'a [u8], arena: &'a Arena) -> &'a [u8] {
    if dir.ends_with(b"/") { dir } else { arena.concat(&[dir, b"/"]) }
}

fn is_absolute(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

impl<'a> Context<'a> {
    /// The directory that a relative name of an opened file starts from.
    pub(super) fn base_of_open(&self) -> &'a [u8] {
        let Self { event, info, arena, .. } = *self;
        match self.number("dirfd") {
            None | Some(AT_FDCWD) => cwd_of_open(event, arena),
            Some(_) if info.param("dirfd").is_none() => cwd_of_open(event, arena),
            Some(dirfd) => of_descriptor(event, self.name_of(dirfd), arena),
        }
    }

    /// The directory that the relative path at `place` starts from, in texts of params.
    pub(super) fn base_of_param(&self, place: u8) -> &'a [u8] {
        let Self { event, info, arena, .. } = *self;
        let param = info.params.get(usize::from(place));
        let opened = kinds::opens_by_name(info.kind)
            && param.is_some_and(|param| param.name == "name")
            && bytes(event, &read::PATH_BASE, arena).is_some();
        if opened {
            return self.base_of_open();
        }
        let relative = param.is_some_and(|param| param.ty == ParamType::RelPath);
        let dirfd = info.directory_of(place).filter(|_| relative);
        match dirfd.and_then(|dirfd| int(event, &Key::param(dirfd), arena)) {
            None | Some(AT_FDCWD) => cwd(event, arena),
            // Falco knows no mark here: the path stays relative.
            Some(dirfd) => match self.name_of(dirfd).or_else(|| self.told_base(place)) {
                None | Some([]) => b"",
                Some(name) => with_slash(name, arena),
            },
        }
    }

    /// The directory that the path at `place` starts from, as the kernel told it.
    pub(super) fn told_base(&self, place: u8) -> Option<&'a [u8]> {
        let before = self.info.params.get(..usize::from(place))?;
        let is_path = |param: &&ParamInfo| matches!(param.ty, ParamType::Path | ParamType::RelPath);
        let key = match before.iter().filter(is_path).count() {
            0 => &read::PATH_BASE,
            1 => &read::PATH_BASE2,
            _ => return None,
        };
        bytes(self.event, key, self.arena)
    }

    /// The name of a descriptor of the process.
    fn name_of(&self, fd: i64) -> Option<&'a [u8]> {
        self.followed?.get(fd).map(|descriptor| &*descriptor.name)
    }

    /// A param of this name as an integer.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let (place, _) = self.info.param(name)?;
        int(self.event, &Key::param(place), self.arena)
    }

    /// A param of this name as text. What was not recorded has Falco's mark for it.
    fn text(&self, name: &str) -> Option<&'a [u8]> {
        let (place, _) = self.info.param(name)?;
        Some(bytes(self.event, &Key::param(place), self.arena).unwrap_or(NO_TEXT))
    }

    /// `fs.path.*`: of calls that succeeded only.
    pub(super) fn fs_path(&self, id: FieldId) -> Option<&'a [u8]> {
        let Self { event, arena, .. } = *self;
        let kind = self.info.kind;
        let which = Which::of(id)?;
        let succeeded = match kind {
            // Falco compares with -1 alone: an open that failed for most reasons passes.
            EventKind::OPEN | EventKind::OPENAT | EventKind::OPENAT2 => {
                self.number("fd").is_some_and(|fd| fd != -1)
            }
            _ => self.number("res") == Some(0),
        };
        let param = paths_of(kind, which).filter(|_| succeeded)?;
        let given = match param {
            Param::Named(name) => self.text(name)?,
            Param::Descriptor => self.descriptor()?.name()?,
        };
        let raw = [field::FS_PATH_NAMERAW, field::FS_PATH_SOURCERAW, field::FS_PATH_TARGETRAW];
        if raw.contains(&id) {
            return Some(given);
        }
        if kinds::opens_by_name(kind)
            && let Some(real) = resolved_reading(event, arena)
        {
            return Some(real);
        }
        if is_absolute(given) {
            return Some(path::concatenate(b"", given, arena));
        }
        let told = || match param {
            Param::Named(name) => self.told_base(self.info.param(name)?.0),
            Param::Descriptor => None,
        };
        let base = match kind {
            EventKind::OPENAT | EventKind::OPENAT2 => {
                // The name of what was opened, which is made absolute already.
                let name = self.descriptor().and_then(|it| it.known_name()).unwrap_or(UNKNOWN);
                return Some(path::concatenate(b"", name, arena));
            }
            kinds::FCHOWNAT | kinds::FCHMODAT | kinds::MKDIRAT | kinds::UNLINKAT => {
                self.directory()
            }
            kinds::SYMLINKAT if which == Which::Source => self.directory(),
            kinds::SYMLINKAT => UNKNOWN,
            kinds::RENAMEAT2 => {
                let dirfd = if which == Which::Target { "newdirfd" } else { "olddirfd" };
                match self.number(dirfd).unwrap_or(AT_FDCWD) {
                    AT_FDCWD => cwd(event, arena),
                    dirfd => match self.name_of(dirfd).or_else(told) {
                        Some([]) => b"",
                        Some(name) => with_slash(name, arena),
                        None => UNKNOWN,
                    },
                }
            }
            _ => cwd(event, arena),
        };
        Some(path::concatenate(base, given, arena))
    }

    /// The directory that the call's descriptor is of. The working directory is none, in Falco.
    fn directory(&self) -> &'a [u8] {
        let place = kinds::descriptor_place(self.info.kind);
        let fd = place.and_then(|place| int(self.event, kinds::PARAMS.get(place)?, self.arena));
        let descriptor = fd.and_then(|fd| self.followed?.get(fd));
        match descriptor.filter(|descriptor| descriptor.ty == Type::Directory) {
            None if self.followed.is_none() && fd != Some(AT_FDCWD) => {
                bytes(self.event, &read::PATH_BASE, self.arena)
                    .map_or(UNKNOWN, |base| with_slash(base, self.arena))
            }
            None => UNKNOWN,
            Some(directory) if directory.name.is_empty() => b"",
            Some(directory) => with_slash(&directory.name, self.arena),
        }
    }

    /// `evt.abspath`: of calls with a directory descriptor.
    pub(super) fn absolute_path(&self, arg: &Arg) -> Option<&'a [u8]> {
        let Self { event, arena, .. } = *self;
        let kind = self.info.kind;
        let second = matches!(arg, Arg::Name(end) if &**end == "dst");
        let (dirfd, name) = match kind {
            kinds::RENAMEAT | kinds::RENAMEAT2 if second => ("newdirfd", "newpath"),
            kinds::RENAMEAT | kinds::RENAMEAT2 => ("olddirfd", "oldpath"),
            kinds::LINKAT if second => ("newdir", "newpath"),
            kinds::LINKAT => ("olddir", "oldpath"),
            kinds::SYMLINKAT => ("linkdirfd", "linkpath"),
            EventKind::OPENAT | EventKind::OPENAT2 | kinds::UNLINKAT => ("dirfd", "name"),
            kinds::MKDIRAT => ("dirfd", "path"),
            kinds::FCHMODAT => ("dirfd", "filename"),
            kinds::FCHOWNAT => ("dirfd", "pathname"),
            kinds::OPEN_BY_HANDLE_AT => {
                let opened = self.number("fd").is_some_and(|fd| fd > 0);
                let name = self.text("path").filter(|_| opened)?;
                return Some(path::concatenate(b"", name, arena));
            }
            _ => return None,
        };
        let dirfd = self.number(dirfd)?;
        let (place, _) = self.info.param(name)?;
        let given = bytes(event, &Key::param(place), arena)?;
        if kinds::opens_by_name(kind)
            && let Some(real) = resolved_reading(event, arena)
        {
            return Some(real);
        }
        let base: &[u8] = if is_absolute(given) {
            b""
        } else if kinds::opens_by_name(kind)
            && let Some(base) = bytes(event, &read::PATH_BASE, arena)
        {
            with_slash(base, arena)
        } else if dirfd == AT_FDCWD {
            cwd(event, arena)
        } else {
            let base = self.name_of(dirfd).or_else(|| self.told_base(place));
            arena.concat(&[base.unwrap_or(UNKNOWN), b"/"])
        };
        Some(path::concatenate(base, given, arena))
    }
}

/// One of the paths of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Only,
    Source,
    Target,
}

impl Which {
    fn of(id: FieldId) -> Option<Self> {
        Some(match id {
            field::FS_PATH_NAME | field::FS_PATH_NAMERAW => Self::Only,
            field::FS_PATH_SOURCE | field::FS_PATH_SOURCERAW => Self::Source,
            field::FS_PATH_TARGET | field::FS_PATH_TARGETRAW => Self::Target,
            _ => return None,
        })
    }
}

/// Where a path of a call comes from.
#[derive(Clone, Copy, Debug)]
enum Param {
    Named(&'static str),
    /// The name of the descriptor that it works on.
    Descriptor,
}

fn paths_of(kind: EventKind, which: Which) -> Option<Param> {
    Some(match (which, kind) {
        (Which::Only, kinds::MKDIR | kinds::MKDIRAT | kinds::RMDIR | kinds::UNLINK)
        | (Which::Only, kinds::CHOWN | kinds::LCHOWN) => Param::Named("path"),
        (Which::Only, kinds::UNLINKAT | kinds::UMOUNT | kinds::UMOUNT2)
        | (Which::Only, EventKind::OPEN | EventKind::OPENAT | EventKind::OPENAT2) => {
            Param::Named("name")
        }
        (Which::Only, kinds::FCHMODAT | kinds::CHMOD) => Param::Named("filename"),
        (Which::Only, kinds::FCHOWNAT) => Param::Named("pathname"),
        (Which::Only, kinds::FCHMOD | kinds::FCHOWN) => Param::Descriptor,
        (Which::Only, kinds::QUOTACTL) => Param::Named("special"),
        (Which::Source, kinds::RENAME | kinds::RENAMEAT | kinds::RENAMEAT2)
        | (Which::Target, kinds::LINK | kinds::LINKAT) => Param::Named("oldpath"),
        (Which::Target, kinds::RENAME | kinds::RENAMEAT | kinds::RENAMEAT2)
        | (Which::Source, kinds::LINK | kinds::LINKAT) => Param::Named("newpath"),
        (Which::Source, kinds::SYMLINK | kinds::SYMLINKAT) => Param::Named("linkpath"),
        (Which::Target, kinds::SYMLINK | kinds::SYMLINKAT) => Param::Named("target"),
        (Which::Source, kinds::MOUNT) => Param::Named("dev"),
        (Which::Target, kinds::MOUNT) => Param::Named("dir"),
        _ => return None,
    })
}

//! What opens files by name.

use std::sync::Arc;

use k8srd_core::kind::EventKind;
use k8srd_core::value::{SocketAddress, Value};

use super::super::args::AT_FDCWD;
use super::super::descriptor::{Descriptor, Layer, Type, open_flag};
use super::super::kinds::entry;
use super::super::paths;
use super::entries::Entry;
use super::{Call, Followed};
use crate::path;

/// What a call opens.
struct Opened<'a> {
    name: &'a [u8],
    flags: u64,
    dirfd: Option<i64>,
    dev: u64,
    ino: u64,
}

/// Falco's mark for a name that was not recorded.
const NO_NAME: &[u8] = b"<NA>";

impl Followed {
    /// Keeps the arguments of a call that began.
    pub(super) fn enter(&mut self, tid: u32, call: &Call<'_>) {
        // An entry whose first argument was not recorded has none.
        if call.value(0).is_none() {
            return;
        }
        self.entries.begin(tid, |entry| fill(entry, call));
    }

    /// The arguments with which the call that returns began, if they were told; they hold once.
    pub(super) fn entered(&mut self, tid: u32, call: &Call<'_>) -> Option<&Entry> {
        self.entries.returned(tid, call.kind)
    }

    pub(super) fn open(&mut self, tid: u32, call: &Call<'_>) {
        let Some(fd) = call.result() else {
            self.entered(tid, call);
            return;
        };
        let opened = match call.kind {
            EventKind::OPEN => Opened {
                name: call.bytes(1).unwrap_or(NO_NAME),
                flags: call.uint(2),
                dirfd: None,
                dev: call.uint(4),
                ino: call.uint(5),
            },
            EventKind::CREAT => Opened {
                name: call.bytes(1).unwrap_or(NO_NAME),
                flags: creat_flags(call.uint(5)),
                dirfd: None,
                dev: call.uint(3),
                ino: call.uint(4),
            },
            kind => {
                // Behind what says how to resolve the name, where there is that.
                let dev = if kind == EventKind::OPENAT { 5 } else { 6 };
                Opened {
                    name: call.bytes(2).unwrap_or(NO_NAME),
                    flags: call.uint(3),
                    dirfd: call.int(1),
                    dev: call.uint(dev),
                    ino: call.uint(dev + 1),
                }
            }
        };
        let arena = call.arena;
        let opened = match self.entered(tid, call) {
            Some(entry) if entry.name != NO_NAME && !entry.name.is_empty() => Opened {
                name: if entry.name == opened.name {
                    opened.name
                } else {
                    arena.bytes(&entry.name)
                },
                // What the kernel adds on return stays.
                flags: entry.flags | opened.flags & !(open_flag::F_CREATED - 1),
                dirfd: entry.dirfd,
                ..opened
            },
            _ => opened,
        };
        let base = match opened.dirfd {
            _ if opened.name.first() == Some(&b'/') => b"",
            Some(dirfd) if dirfd != AT_FDCWD => {
                let known = self.get(dirfd).map(|directory| &*directory.name);
                paths::of_descriptor(call.event, known, arena)
            }
            _ => paths::cwd_of_open(call.event, arena),
        };
        let name = path::concatenate(base, opened.name, arena);
        self.opened(fd, name, &opened);
    }

    pub(super) fn open_by_handle(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let given = call.bytes(3).unwrap_or(NO_NAME);
        let opened = Opened {
            name: given,
            flags: call.uint(2),
            dirfd: None,
            dev: call.uint(4),
            ino: call.uint(5),
        };
        self.opened(fd, path::concatenate(b"", given, call.arena), &opened);
    }

    fn opened(&mut self, fd: i64, name: &[u8], opened: &Opened<'_>) {
        let raw: Arc<[u8]> = opened.name.into();
        let is_directory = opened.flags & open_flag::DIRECTORY != 0;
        self.made(
            fd,
            Descriptor {
                ty: if is_directory { Type::Directory } else { Type::File },
                layer: Layer::of_flags(opened.flags),
                cloexec: opened.flags & open_flag::CLOEXEC != 0,
                dev: opened.dev as u32,
                ino: opened.ino,
                name: if opened.name == name { Arc::clone(&raw) } else { name.into() },
                raw,
                ..Descriptor::default()
            },
        );
    }
}

/// What the entry of a call tells.
fn fill(entry: &mut Entry, call: &Call<'_>) {
    let mut name = std::mem::take(&mut entry.name);
    name.clear();
    let kind = call.kind;
    let (name_place, flags_place) = match kind {
        entry::OPEN => (0, Some(1)),
        entry::CREAT => (0, None),
        _ => (1, Some(2)),
    };
    let (mut end, mut unix) = (None, false);
    match call.value(name_place) {
        Some(Value::Str(text)) => name.extend_from_slice(text),
        Some(Value::Addr(SocketAddress::Inet(address))) => end = Some(address.into()),
        Some(Value::Addr(SocketAddress::Unix(text))) => {
            name.extend_from_slice(text);
            unix = true;
        }
        _ => {}
    }
    *entry = Entry {
        returns: match kind {
            entry::OPEN => Some(EventKind::OPEN),
            entry::CREAT => Some(EventKind::CREAT),
            entry::OPENAT => Some(EventKind::OPENAT),
            entry::OPENAT2 => Some(EventKind::OPENAT2),
            entry::CONNECT => Some(EventKind::CONNECT),
            _ => None,
        },
        name,
        flags: flags_place.map_or(0, |place| call.uint(place)),
        dirfd: if name_place == 1 { call.int(0) } else { None },
        end,
        unix,
    };
}

/// `creat` has flags of its own, of 16 bits, for what others tell in theirs.
fn creat_flags(flags: u64) -> u64 {
    const UPPER_LAYER: u64 = 1 << 0;
    const LOWER_LAYER: u64 = 1 << 1;
    if flags & UPPER_LAYER != 0 {
        open_flag::UPPER_LAYER
    } else if flags & LOWER_LAYER != 0 {
        open_flag::LOWER_LAYER
    } else {
        0
    }
}

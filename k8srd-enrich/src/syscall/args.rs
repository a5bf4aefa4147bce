//! Params as text: `evt.arg`, `evt.args`. Facts: `sinsp_evt::get_param_as_str` in
//! `userspace/libsinsp/event.cpp` of falcosecurity/libs.
//!
//! A param has a raw text (`-2`) and may have one that is resolved (`ENOENT`).

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Reading, Timestamp};
use k8srd_core::field::{Arg, Key, NumberFormat};
use k8srd_core::kind::{KindInfo, ParamInfo, ParamType, enum_text, flags_text, mode_text};
use k8srd_core::time::{Civil, UtcOffset};
use k8srd_core::value::{SocketAddress, SocketTuple, Value};
use smallvec::SmallVec;

use super::fd::Descriptor;
use super::names;
use crate::path;
use crate::read::{self, bytes, id, int};

/// `AT_FDCWD`: the working directory in place of a descriptor.
pub(super) const AT_FDCWD: i64 = -100;
const NO_ID: u64 = u32::MAX as u64;

/// Both texts of a param. An empty resolved text is none, as in Falco.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    resolved: &'a [u8],
}

impl<'a> Text<'a> {
    /// The resolved text, else the raw one.
    pub(super) fn best(self) -> &'a [u8] {
        if self.resolved.is_empty() { self.raw } else { self.resolved }
    }
}

/// The place of the param that the argument names.
pub(super) fn place(info: &KindInfo, arg: &Arg) -> Option<u8> {
    match arg {
        Arg::Index(n) => u8::try_from(*n).ok().filter(|&n| usize::from(n) < info.params.len()),
        Arg::Name(name) => info.param(name).map(|(place, _)| place),
        Arg::None => None,
    }
}

/// The texts of one param of the event.
pub(super) struct Params<'a> {
    pub(super) event: &'a dyn Event,
    pub(super) info: &'a KindInfo,
    pub(super) arena: &'a Arena,
}

impl<'a> Params<'a> {
    /// All params: `name=raw`, or `name=raw(resolved)`.
    pub(super) fn all(&self) -> &'a [u8] {
        let mut out: SmallVec<[u8; 512]> = SmallVec::new();
        for (place, param) in (0..).zip(self.info.params.iter()) {
            if place > 0 {
                out.push(b' ');
            }
            let Text { raw, resolved } = self.text(place);
            out.extend_from_slice(param.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(raw);
            if !resolved.is_empty() {
                out.push(b'(');
                out.extend_from_slice(resolved);
                out.push(b')');
            }
        }
        self.arena.bytes(&out)
    }

    /// One param, which the kind must have.
    pub(super) fn text(&self, place: u8) -> Text<'a> {
        let Some(param) = self.info.params.get(usize::from(place)) else { return Text::default() };
        match self.event.get(&Key::param(place), self.arena).known() {
            Some(value) => self.of_value(param, value),
            // What Falco writes for a param that was not recorded.
            None => {
                let null = matches!(
                    param.ty,
                    ParamType::Bytes
                        | ParamType::SockTuple
                        | ParamType::FdList
                        | ParamType::StrArray
                        | ParamType::Dyn
                );
                Text { raw: if null { b"NULL" } else { b"<NA>" }, resolved: b"" }
            }
        }
    }

    fn of_value(&self, param: &ParamInfo, value: Value<'a>) -> Text<'a> {
        let number = value.as_i64();
        match (param.ty, number) {
            (ParamType::Errno, Some(n)) => self.number(n, names::error(n).unwrap_or_default()),
            (ParamType::Fd, Some(fd)) => self.descriptor(param, fd),
            (ParamType::Pid, Some(pid)) => {
                Text { resolved: self.name_of(pid), ..self.number(pid, "") }
            }
            (ParamType::Signal, Some(n)) => self.number(n, names::signal(n).unwrap_or_default()),
            (ParamType::Uid, Some(uid)) => self.owner(
                uid,
                &[(&read::EUID, &read::USER_NAME), (&read::LOGINUID, &read::USER_LOGINNAME)],
            ),
            (ParamType::Gid, Some(gid)) => self.owner(gid, &[(&read::EGID, &read::GROUP_NAME)]),
            (ParamType::Flags | ParamType::EnumFlags | ParamType::Mode, Some(n)) => {
                let mut names: SmallVec<[u8; 128]> = SmallVec::new();
                match param.ty {
                    ParamType::EnumFlags => enum_text(n as u32, param.flags, &mut names),
                    ParamType::Mode => mode_text(n as u32, param.flags, &mut names),
                    _ => flags_text(n as u32, param.flags, &mut names),
                }
                Text { raw: self.digits(param, n), resolved: self.arena.bytes(&names) }
            }
            (ParamType::Int | ParamType::Uint, Some(n)) => {
                Text { raw: self.digits(param, n), resolved: b"" }
            }
            (ParamType::CallId, Some(n)) => {
                Text { resolved: self.info.name.as_bytes(), ..self.number(n, "") }
            }
            (ParamType::AbsTime, Some(nanos)) => self.time(nanos.unsigned_abs()),
            (ParamType::Path | ParamType::RelPath, _) => self.path(param, value),
            _ => Text { raw: self.plain(value), resolved: b"" },
        }
    }

    /// A value without a resolved text.
    fn plain(&self, value: Value<'a>) -> &'a [u8] {
        match value {
            Value::Str(text) => text,
            Value::Bytes(buffer) => {
                let printable = |&byte: &u8| matches!(byte, b' '..=b'~');
                let dots: SmallVec<[u8; 256]> =
                    buffer.iter().map(|byte| if printable(byte) { *byte } else { b'.' }).collect();
                self.arena.bytes(&dots)
            }
            Value::Tuple(tuple) => tuple_text(tuple, self.arena),
            Value::Addr(SocketAddress::Unix(path)) => path,
            other => self.arena.format(format_args!("{other}")),
        }
    }

    fn number(&self, n: i64, resolved: &'static str) -> Text<'a> {
        Text { raw: self.arena.format(format_args!("{n}")), resolved: resolved.as_bytes() }
    }

    /// `<f>/etc/passwd`, `AT_FDCWD`, or the name of an error.
    fn descriptor(&self, param: &ParamInfo, fd: i64) -> Text<'a> {
        let text = self.number(fd, names::error(fd).unwrap_or_default());
        let resolved = match fd {
            AT_FDCWD => b"AT_FDCWD",
            ..0 => return text,
            _ if param.name == "dirfd" => match bytes(self.event, &read::PATH_BASE, self.arena) {
                Some(base) => self.arena.concat(&[b"<d>", base]),
                None => b"",
            },
            _ => Descriptor::of(self.event, self.arena).map_or(&b""[..], |fd| fd.tagged_name()),
        };
        Text { resolved, ..text }
    }

    /// The name of the process, where the event's own fields tell who that is.
    fn name_of(&self, pid: i64) -> &'a [u8] {
        let Self { event, arena, .. } = *self;
        let same = |key: &Key| int(event, key, arena) == Some(pid);
        let name = if same(&read::TID) || same(&read::PID) {
            &read::PROC_NAME
        } else if same(&read::PPID) {
            &read::PROC_PNAME
        } else if same(&read::CHILD_TID) || same(&read::CHILD_PID) {
            // A new process runs what its creator runs.
            &read::PROC_NAME
        } else if same(&read::SID) {
            &read::PROC_SNAME
        } else {
            return b"";
        };
        bytes(event, name, arena).unwrap_or_default()
    }

    /// A user or group, by name where it is one of the process' own.
    fn owner(&self, number: i64, own: &[(&Key, &Key)]) -> Text<'a> {
        let Self { event, arena, .. } = *self;
        if u64::try_from(number) == Ok(NO_ID) {
            return Text { raw: b"-1", resolved: b"<NONE>" };
        }
        let is_own = |key: &Key| id(event, key, arena).map(i64::from) == Some(number);
        let name = own.iter().find(|(key, _)| is_own(key)).map(|&(_, name)| name);
        let name = name.and_then(|name| bytes(event, name, arena)).unwrap_or(b"<NA>");
        Text { resolved: name, ..self.number(number, "") }
    }

    /// A number as the table of kinds has it printed. A negative one in another base than ten shows
    /// its bits.
    fn digits(&self, param: &ParamInfo, n: i64) -> &'a [u8] {
        let bits = n as u64 & u64::MAX >> (64 - 8 * u32::from(param.width).clamp(1, 8));
        match param.format {
            NumberFormat::Hex => self.arena.format(format_args!("{bits:X}")),
            NumberFormat::Octal if bits != 0 => self.arena.format(format_args!("0{bits:o}")),
            _ => self.arena.format(format_args!("{n}")),
        }
    }

    /// In UTC: the zone of the node is the pipeline's to know.
    fn time(&self, nanos: u64) -> Text<'a> {
        let civil = Civil::new(Timestamp::from_nanos(nanos), UtcOffset(0));
        let (date, clock) = (civil.date(), civil.clock_nanos());
        Text { raw: self.arena.format(format_args!("{date} {clock} +0000")), resolved: b"" }
    }

    /// The path as given, and made absolute where it is relative.
    fn path(&self, param: &ParamInfo, value: Value<'a>) -> Text<'a> {
        let Self { event, arena, .. } = *self;
        let Some(given) = value.as_bytes() else {
            return Text { raw: self.plain(value), resolved: b"" };
        };
        let opened = Descriptor::is_opened_by(self.info.kind) && param.name == "name";
        if opened && let Some(real) = resolved_reading(event, arena) {
            return Text { raw: given, resolved: real };
        }
        let absolute = given.first().is_none_or(|&first| first == b'/');
        if absolute || given == b"<NA>" {
            return Text { raw: given, resolved: b"" };
        }
        let base = if opened { base_directory(event, self.info, arena) } else { cwd(event, arena) };
        Text { raw: given, resolved: path::concatenate(base, given, arena) }
    }
}

/// The resolved path, if that is the reading of this view and there is one.
pub(super) fn resolved_reading<'a>(event: &'a dyn Event, arena: &'a Arena) -> Option<&'a [u8]> {
    (event.reading() == Reading::Resolved).then(|| bytes(event, &read::PATH_REAL, arena)).flatten()
}

/// The directory that a relative name of an opened file starts from, with a slash at its end: what
/// the kernel told, else the working directory. Where neither is known, Falco's mark.
pub(super) fn base_directory<'a>(
    event: &'a dyn Event,
    info: &KindInfo,
    arena: &'a Arena,
) -> &'a [u8] {
    if let Some(base) = bytes(event, &read::PATH_BASE, arena) {
        return with_slash(base, arena);
    }
    let dirfd = info.param("dirfd").and_then(|(place, _)| int(event, &Key::param(place), arena));
    match dirfd {
        None | Some(AT_FDCWD) => cwd(event, arena),
        Some(_) => b"<UNKNOWN>",
    }
}

fn cwd<'a>(event: &'a dyn Event, arena: &'a Arena) -> &'a [u8] {
    bytes(event, &read::PROC_CWD, arena).map_or(b"", |cwd| with_slash(cwd, arena))
}

fn with_slash<'a>(dir: &'a [u8], arena: &'a Arena) -> &'a [u8] {
    if dir.ends_with(b"/") { dir } else { arena.concat(&[dir, b"/"]) }
}

/// Both ends; the path of a UNIX socket as the bytes it is.
pub(super) fn tuple_text<'a>(tuple: SocketTuple<'a>, arena: &'a Arena) -> &'a [u8] {
    match super::fd::unmapped(tuple) {
        SocketTuple::Unix { source, destination, path } => {
            arena.concat(&[arena.format(format_args!("{source:x}->{destination:x} ")), path])
        }
        other => arena.format(format_args!("{other}")),
    }
}

//! Params as text: `evt.arg`, `evt.args`. Facts: `sinsp_evt::get_param_as_str` in
//! `userspace/libsinsp/event.cpp` of falcosecurity/libs.
//!
//! A param has a raw text (`-2`) and may have one that is resolved (`ENOENT`).

mod numbers;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, Key};
use k8srd_core::kind::{KindInfo, ParamInfo, ParamType};
use k8srd_core::value::{SocketAddress, SocketTuple, Value};
use smallvec::SmallVec;

use super::Context;
use super::fd;
use super::kinds;
use super::names;
use super::paths::{self, NO_TEXT};
use crate::path;
use crate::read::{self, bytes, id, int};

/// `AT_FDCWD`: the working directory in place of a descriptor.
pub(super) const AT_FDCWD: i64 = -100;
const NO_ID: u64 = u32::MAX as u64;
/// How old writers recorded a text that was none.
const NULL_TEXT: &[u8] = b"(NULL)";

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

    fn raw(raw: &'a [u8]) -> Self {
        Self { raw, resolved: b"" }
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

impl<'a> Context<'a> {
    /// All params: `name=raw`, or `name=raw(resolved)`.
    pub(super) fn all_params(&self) -> &'a [u8] {
        // Those of a call without an event of its own say nothing of the call.
        if self.info.kind.is_call() {
            return b"";
        }
        let mut out: SmallVec<[u8; 512]> = SmallVec::new();
        for (place, param) in (0..).zip(self.info.params.iter()) {
            if place > 0 {
                out.push(b' ');
            }
            let Text { raw, resolved } = self.param(place);
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

    /// A param as recorded. A text that was not has Falco's mark for it.
    pub(super) fn raw_param(&self, place: u8) -> Option<Value<'a>> {
        let param = self.info.params.get(usize::from(place))?;
        let is_text = matches!(param.ty, ParamType::Str | ParamType::Path | ParamType::RelPath);
        match self.event.get(&Key::param(place), self.arena).known() {
            None | Some(Value::Str(NULL_TEXT)) if is_text => Some(Value::Str(NO_TEXT)),
            value => value,
        }
    }

    /// The texts of one param.
    pub(super) fn param(&self, place: u8) -> Text<'a> {
        let Some(param) = self.info.params.get(usize::from(place)) else { return Text::default() };
        match self.raw_param(place) {
            Some(Value::Bytes([])) | None => {
                // What Falco writes for a param that was not recorded.
                let null = matches!(
                    param.ty,
                    ParamType::Bytes
                        | ParamType::SockTuple
                        | ParamType::FdList
                        | ParamType::StrArray
                        | ParamType::Dyn
                );
                Text::raw(if null { b"NULL" } else { NO_TEXT })
            }
            Some(value) => self.of_value(place, param, value),
        }
    }

    fn of_value(&self, place: u8, param: &ParamInfo, value: Value<'a>) -> Text<'a> {
        let arena = self.arena;
        let number = value.as_i64();
        match (param.ty, number) {
            (ParamType::Errno, Some(n)) => self.digits_of(n, names::error(n).unwrap_or_default()),
            (ParamType::Fd, Some(fd)) => self.descriptor_text(place, fd),
            (ParamType::Pid, Some(pid)) => {
                Text { resolved: self.name_of_process(pid), ..self.digits_of(pid, "") }
            }
            (ParamType::Signal, Some(n)) => self.digits_of(n, names::signal(n).unwrap_or_default()),
            (ParamType::SignalSet, Some(set)) => Text::raw(names::signals(set, arena)),
            (ParamType::Uid, Some(uid)) => self.owner(
                uid,
                &read::USER_NAME,
                &[(&read::EUID, &read::USER_NAME), (&read::LOGINUID, &read::USER_LOGINNAME)],
            ),
            (ParamType::Gid, Some(gid)) => {
                self.owner(gid, &read::GROUP_NAME, &[(&read::EGID, &read::GROUP_NAME)])
            }
            (ParamType::Flags | ParamType::EnumFlags | ParamType::Mode, Some(n)) => {
                numbers::flags(param, n, arena)
            }
            // Falco writes 32 and 64 bits as a signed number.
            (ParamType::Int | ParamType::Uint, _) => match value {
                Value::U64(n) => {
                    let narrow = u32::try_from(n).ok().filter(|_| param.width == 4);
                    let n = narrow.map_or(n as i64, |n| i64::from(n as i32));
                    Text::raw(numbers::digits(param, n, arena))
                }
                _ => Text::raw(number.map_or(NO_TEXT, |n| numbers::digits(param, n, arena))),
            },
            (ParamType::CallId, Some(n)) => {
                Text { resolved: self.info.name.as_bytes(), ..self.digits_of(n, "") }
            }
            (ParamType::RelTime, _) => {
                value.as_u64().map_or(Text::raw(NO_TEXT), |nanos| numbers::duration(nanos, arena))
            }
            (ParamType::AbsTime, _) => {
                value.as_u64().map_or(Text::raw(NO_TEXT), |nanos| numbers::time(nanos, arena))
            }
            (ParamType::Path | ParamType::RelPath, _) => self.path_text(place, param, value),
            (ParamType::FdList, _) => Text::raw(self.polled_text(value)),
            (ParamType::Dyn, _) => match self.variant(param, value) {
                Some(variant) => self.of_value(place, variant, value),
                None => Text::raw(plain(value, arena)),
            },
            // Types that Falco does not write.
            (ParamType::Ip | ParamType::Port, _) => Text::raw(b"(n.a.)"),
            _ => Text::raw(plain(value, arena)),
        }
    }

    fn digits_of(&self, n: i64, resolved: &'static str) -> Text<'a> {
        Text { raw: self.arena.format(format_args!("{n}")), resolved: resolved.as_bytes() }
    }

    /// `<f>/etc/passwd`, `AT_FDCWD`, or the name of an error.
    fn descriptor_text(&self, place: u8, fd: i64) -> Text<'a> {
        let text = self.digits_of(fd, names::error(fd).unwrap_or_default());
        let resolved = match (fd, self.followed) {
            (AT_FDCWD, _) => Some(&b"AT_FDCWD"[..]),
            (..0, _) => return text,
            (_, Some(followed)) => {
                followed.get(fd).map(|descriptor| fd::tagged(descriptor, self.arena))
            }
            _ => self.told_directory(place).or_else(|| {
                let found = self.descriptor()?;
                found.is_also(fd).then(|| found.tagged_name())
            }),
        };
        Text { resolved: resolved.unwrap_or_default(), ..text }
    }

    /// The directory that a path of the event starts from, if the descriptor at `place` is of it.
    fn told_directory(&self, place: u8) -> Option<&'a [u8]> {
        let params = (0..).zip(self.info.params.iter());
        let mut relative = params.filter(|(_, param)| param.ty == ParamType::RelPath);
        let (path, _) = relative.find(|(path, _)| self.info.directory_of(*path) == Some(place))?;
        Some(self.arena.concat(&[b"<d>", self.told_base(path)?]))
    }

    /// The name of the process: of any that the process table knows, else where the event's own
    /// fields tell who that is.
    fn name_of_process(&self, pid: i64) -> &'a [u8] {
        let Self { event, arena, .. } = *self;
        if let Some(name) = named(event, &read::PROC_NAME, pid, arena) {
            return name;
        }
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

    /// A user or group by name: any that the table of them knows, else one of the process' own.
    fn owner(&self, number: i64, table: &Key, own: &[(&Key, &Key)]) -> Text<'a> {
        let Self { event, arena, .. } = *self;
        if u64::try_from(number) == Ok(NO_ID) {
            return Text { raw: b"-1", resolved: b"<NONE>" };
        }
        let is_own = |key: &Key| id(event, key, arena).map(i64::from) == Some(number);
        let own = || {
            let name = own.iter().find(|(key, _)| is_own(key)).map(|&(_, name)| name);
            name.and_then(|name| bytes(event, name, arena))
        };
        let name = named(event, table, number, arena).or_else(own).unwrap_or(NO_TEXT);
        // As Falco writes it, which takes it for a signed number.
        Text { resolved: name, ..self.digits_of(i64::from(number as i32), "") }
    }

    /// The path as given, and made absolute where it is relative.
    fn path_text(&self, place: u8, param: &ParamInfo, value: Value<'a>) -> Text<'a> {
        let Self { event, arena, .. } = *self;
        let Some(given) = value.as_bytes() else { return Text::raw(plain(value, arena)) };
        let opened = kinds::opens_by_name(self.info.kind) && param.name == "name";
        if opened && let Some(real) = paths::resolved_reading(event, arena) {
            return Text { raw: given, resolved: real };
        }
        let absolute = given.first().is_none_or(|&first| first == b'/');
        if absolute || given == NO_TEXT {
            return Text::raw(given);
        }
        Text { raw: given, resolved: path::concatenate(self.base_of_param(place), given, arena) }
    }

    /// Descriptors that `poll` waits for, with their types and what for: `5:41 7:p4`.
    fn polled_text(&self, value: Value<'a>) -> &'a [u8] {
        let mut out: SmallVec<[u8; 256]> = SmallVec::new();
        for (fd, events) in polled(value.as_bytes().unwrap_or_default()) {
            let known = self.followed.and_then(|followed| followed.get(fd));
            let letter = known.map_or("?", |descriptor| descriptor.ty.letter());
            let events = u32::from(events as u16) | if events < 0 { 0xffff_0000 } else { 0 };
            out.extend_from_slice(
                self.arena.format(format_args!("{}:{letter}{events:x} ", fd as u64)),
            );
        }
        out.pop();
        self.arena.bytes(&out)
    }

    /// What a param of several types is. A recording says it, but a value does not; it follows from
    /// what the call was asked.
    fn variant(&self, param: &ParamInfo, value: Value<'_>) -> Option<&'static ParamInfo> {
        let of_type = |ty: ParamType| param.variants.iter().find(|variant| variant.ty == ty);
        match (self.info.kind, value) {
            (_, Value::Bytes(_)) => of_type(ParamType::Bytes),
            (_, Value::Str(_)) => of_type(ParamType::Str),
            (kinds::SETSOCKOPT | kinds::GETSOCKOPT, Value::I64(_)) => of_type(ParamType::Errno),
            (kinds::SETSOCKOPT | kinds::GETSOCKOPT, _) => {
                let is_time = contains(self.param(3).resolved, b"TIMEO");
                of_type(if is_time { ParamType::RelTime } else { ParamType::Uint })
            }
            (kinds::PTRACE, _) if param.name == "data" => {
                let resumes: [&[u8]; 4] =
                    [b"PTRACE_CONT", b"PTRACE_SINGLESTEP", b"PTRACE_DETACH", b"PTRACE_SYSCALL"];
                let failed = int(self.event, &kinds::PARAMS[0], self.arena) < Some(0);
                let signal = !failed && resumes.contains(&self.param(3).resolved);
                of_type(if signal { ParamType::Signal } else { ParamType::Uint })
            }
            _ => of_type(ParamType::Uint).or_else(|| of_type(ParamType::Int)),
        }
    }
}

/// What the owner of a field about names says of another process, user or group than the event's:
/// asked with its number.
fn named<'a>(event: &'a dyn Event, key: &Key, number: i64, arena: &'a Arena) -> Option<&'a [u8]> {
    let number = u32::try_from(number).ok()?;
    bytes(event, &Key::with_arg(key.field(), Arg::Index(number)), arena)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Descriptors and the bits of `poll`: how many, then a number of 8 and bits of 2 bytes for each.
pub(super) fn polled(list: &[u8]) -> impl Iterator<Item = (i64, i16)> + '_ {
    let count = list.get(..2).and_then(|count| count.try_into().ok()).map_or(0, u16::from_le_bytes);
    let rows = list.get(2..).unwrap_or_default().chunks_exact(10).take(count.into());
    rows.filter_map(|row| {
        let (fd, events) = row.split_at_checked(8)?;
        Some((i64::from_le_bytes(fd.try_into().ok()?), i16::from_le_bytes(events.try_into().ok()?)))
    })
}

/// A value without a resolved text.
fn plain<'a>(value: Value<'a>, arena: &'a Arena) -> &'a [u8] {
    match value {
        Value::Str(text) => text,
        Value::Bytes(buffer) => {
            let printable = |&byte: &u8| matches!(byte, b' '..=b'~');
            let dots: SmallVec<[u8; 256]> =
                buffer.iter().map(|byte| if printable(byte) { *byte } else { b'.' }).collect();
            arena.bytes(&dots)
        }
        Value::Tuple(tuple) => tuple_text(tuple, arena),
        Value::Addr(address) => address_text(address, arena),
        other => arena.format(format_args!("{other}")),
    }
}

/// Both ends; the path of a UNIX socket as the bytes it is.
pub(super) fn tuple_text<'a>(tuple: SocketTuple<'a>, arena: &'a Arena) -> &'a [u8] {
    match super::descriptor::unmapped(tuple) {
        SocketTuple::Unix { source, destination, path } => {
            arena.concat(&[arena.format(format_args!("{source:x}->{destination:x} ")), path])
        }
        other => arena.format(format_args!("{other}")),
    }
}

/// One end.
pub(super) fn address_text<'a>(address: SocketAddress<'a>, arena: &'a Arena) -> &'a [u8] {
    match address {
        SocketAddress::Unix(path) => path,
        other => arena.format(format_args!("{other}")),
    }
}

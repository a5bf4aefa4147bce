//! The descriptor that an event is about: `fd.*`. Facts: `sinsp_filtercheck_fd.cpp` in
//! `userspace/libsinsp` of falcosecurity/libs.
//!
//! An event that opens a file or connects a socket tells all of it itself. Of others the table
//! knows, if one is kept.

mod facts;

use std::net::IpAddr;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, FieldId, Key};
use k8srd_core::kind::{EventKind, KindFlags};
use k8srd_core::value::Value;

use super::Context;
use super::descriptor::{self, Descriptor, End, Ends, Role, Transport, Type};
use super::follow;
use super::kinds::{self, PARAMS};
use super::paths::{self, NO_TEXT};
use crate::path;
use crate::read::{self, bytes, int};
use facts::{Facts, Opened, Told};

pub(super) use facts::Connected;

/// The descriptor of an event.
pub(super) struct Found<'a> {
    context: Context<'a>,
    /// Its number; -1 if there is none.
    number: i64,
    facts: Option<Facts<'a>>,
}

impl<'a> Context<'a> {
    /// The descriptor that the event makes, uses or closes; `None` for events that do nothing of
    /// that.
    pub(super) fn descriptor(&self) -> Option<Found<'a>> {
        const ABOUT: [KindFlags; 3] =
            [KindFlags::USES_FD, KindFlags::CREATES_FD, KindFlags::DESTROYS_FD];
        if !ABOUT.iter().any(|&flag| self.info.flags.contains(flag)) {
            return None;
        }
        let (number, facts) = match self.followed {
            // Nothing tells a number.
            _ if self.flows => (-1, Connected::of_flow(*self).map(Facts::Connected)),
            Some(followed) => {
                let now = followed.now();
                if now.pid == 0 {
                    // Asked before it has seen the event: what was known of the descriptor till now.
                    let number = self.used()?;
                    let known = followed.of_thread(self.event.task(self.arena).tid?, number);
                    return Some(Found { context: *self, number, facts: known.map(Facts::Kept) });
                }
                let number = match now.number {
                    Some(number) => number,
                    None => self.used().unwrap_or(-1),
                };
                let place = now.place().unwrap_or(number);
                (number, followed.get(place).map(Facts::Kept))
            }
            None => self.told(),
        };
        Some(Found { context: *self, number, facts })
    }

    /// The number that a param tells.
    fn used(&self) -> Option<i64> {
        let place = kinds::descriptor_place(self.info.kind)?;
        int(self.event, PARAMS.get(place)?, self.arena)
    }

    /// What the event alone tells.
    fn told(&self) -> (i64, Option<Facts<'a>>) {
        let kind = self.info.kind;
        if kinds::opens_by_name(kind) {
            return match int(self.event, &PARAMS[0], self.arena) {
                Some(fd) if fd >= 0 => (fd, Some(Facts::Opened(Opened(*self)))),
                // Falco knows no number but -1 for a descriptor that was not made.
                _ => (-1, None),
            };
        }
        let told = || int(self.event, &read::FD_NUM, self.arena);
        let made = || {
            let made = follow::made_by(kind).and_then(|_| int(self.event, &PARAMS[0], self.arena));
            made.filter(|&fd| fd >= 0)
        };
        let number = self.used().or_else(told).or_else(made).unwrap_or(-1);
        let connected = (kind == EventKind::CONNECT).then(|| Connected::of(*self)).flatten();
        let facts = match connected {
            Some(connected) => Some(Facts::Connected(connected)),
            None => Told::of(self).or_else(|| Told::made(self, number)).map(Facts::Told),
        };
        (number, facts)
    }
}

impl<'a> Found<'a> {
    /// What is known of it.
    pub(super) fn ty(&self) -> Option<Type> {
        self.facts.as_ref().map(Facts::ty)
    }

    /// The name, as far as it is known, or else what the event says that it would be.
    pub(super) fn name(&self) -> Option<&'a [u8]> {
        match &self.facts {
            Some(facts) => Some(facts.name(&self.context)),
            None => self.name_in_event(),
        }
    }

    /// The name, if the descriptor is known.
    pub(super) fn known_name(&self) -> Option<&'a [u8]> {
        self.facts.as_ref().map(|facts| facts.name(&self.context))
    }

    /// Type, transport and name, as descriptors are written in texts of params:
    /// `<4t>1.2.3.4:5->6.7.8.9:80`.
    pub(super) fn tagged_name(&self) -> &'a [u8] {
        let Some(facts) = &self.facts else { return b"" };
        let transport = descriptor::told_transport(facts.ty(), facts.transport(), facts.role());
        tag(facts.ty(), transport, facts.name(&self.context), self.context.arena)
    }

    /// Whether a descriptor that the event tells of as well is this one, or a copy of it, or the other
    /// end, which is written alike.
    pub(super) fn is_also(&self, fd: i64) -> bool {
        let Context { event, info, arena, .. } = self.context;
        let param = |place: usize| int(event, PARAMS.get(place)?, arena);
        self.number == fd
            || match info.kind {
                kinds::DUP | kinds::DUP2 | kinds::DUP3 => param(0) == Some(fd),
                kinds::FCNTL => {
                    let copies = [kinds::DUPFD, kinds::DUPFD_CLOEXEC].map(|it| it as i64);
                    param(2).is_some_and(|it| copies.contains(&it)) && param(0) == Some(fd)
                }
                kinds::PIPE | kinds::PIPE2 | kinds::SOCKETPAIR => param(2) == Some(fd),
                _ => false,
            }
    }

    /// The value of a field.
    pub(super) fn field(&self, key: &Key) -> Option<Value<'a>> {
        let Self { context, number, .. } = self;
        let Context { event, arena, .. } = *context;
        let id = key.field();
        // These need no descriptor.
        match id {
            field::FD_NUM => return Some(Value::I64(*number)),
            field::FD_NAME => return self.name().map(Value::Str),
            field::FD_NAMERAW => {
                return Some(Value::Str(path::single_slashes(self.raw()?, arena)));
            }
            field::FD_DIRECTORY => return self.directory().map(Value::Str),
            field::FD_CONTAINERNAME => return self.in_container(self.name()?),
            field::FD_CONTAINERDIRECTORY => return self.in_container(self.directory()?),
            field::FD_TYPECHAR => return Some(Value::from(self.letter())),
            field::FD_UID => {
                let tid = event.task(arena).tid?;
                return Some(Value::Str(arena.format(format_args!("{tid}{number}"))));
            }
            field::FD_TYPES => return self.types(key.arg()),
            field::FD_REALPATH => {
                let opened = kinds::opens_by_name(event.kind());
                return bytes(event, &read::PATH_REAL, arena).filter(|_| opened).map(Value::Str);
            }
            _ => {}
        }
        let facts = self.facts.as_ref()?;
        Some(match id {
            field::FD_TYPE => Value::from(facts.ty().name()),
            field::FD_FILENAME if facts.ty() == Type::File => {
                Value::Str(last_component(facts.name(context)))
            }
            field::FD_DEV => Value::I64(i64::from(facts.dev() as i32)),
            // As `new_encode_dev` in the kernel's `include/linux/kdev_t.h` packs them.
            field::FD_DEV_MAJOR => Value::I64((facts.dev() >> 8 & 0xfff).into()),
            field::FD_DEV_MINOR => {
                Value::I64((facts.dev() & 0xff | facts.dev() >> 12 & 0xfff00).into())
            }
            field::FD_INO => Value::I64(facts.ino() as i64),
            field::FD_IS_UPPER_LAYER => Value::Bool(facts.layer().is_upper()),
            field::FD_IS_LOWER_LAYER => Value::Bool(facts.layer().is_lower()),
            field::FD_CONNECTED => Value::Bool(facts.is_connected()),
            field::FD_NAME_CHANGED => Value::Bool(facts.name_changed(context)),
            field::FD_SOCKFAMILY => match facts.ty() {
                ty if ty.is_ip() => Value::from("ip"),
                Type::Unix => Value::from("unix"),
                _ => return None,
            },
            id => return Socket::of(facts).field(id, context),
        })
    }

    /// What the event says that the descriptor's name would be.
    fn name_in_event(&self) -> Option<&'a [u8]> {
        let context = &self.context;
        let Context { event, arena, .. } = *context;
        match context.info.kind {
            EventKind::OPENAT | EventKind::OPENAT2 => {
                if let Some(real) = paths::resolved_reading(event, arena) {
                    return Some(real);
                }
                let given = bytes(event, &PARAMS[2], arena).filter(|name| !name.is_empty())?;
                int(event, &PARAMS[1], arena)?;
                let absolute = given.first() == Some(&b'/');
                let base = if absolute { b"" } else { context.base_of_open() };
                Some(path::concatenate(base, given, arena))
            }
            EventKind::OPEN | EventKind::CREAT => {
                // The text of the argument: absolute, but as it was given.
                int(event, &PARAMS[0], arena)?;
                Some(context.param(1).best())
            }
            EventKind::CONNECT | kinds::ACCEPT | kinds::ACCEPT4 => Some(context.param(1).best()),
            kinds::OPEN_BY_HANDLE_AT => Some(bytes(event, &PARAMS[3], arena).unwrap_or(NO_TEXT)),
            _ => Some(b""),
        }
    }

    fn raw(&self) -> Option<&'a [u8]> {
        let Context { event, arena, info, .. } = self.context;
        match (&self.facts, info.kind) {
            (Some(facts), _) => Some(facts.raw()),
            (None, EventKind::OPENAT | EventKind::OPENAT2) => {
                bytes(event, &PARAMS[2], arena).filter(|name| !name.is_empty())
            }
            (None, _) => self.name_in_event(),
        }
    }

    /// Of a directory itself, of a file what is before its last component. Of what is not known
    /// Falco takes the name for a file's.
    fn directory(&self) -> Option<&'a [u8]> {
        let name = self.name()?;
        match self.ty() {
            Some(Type::Directory) => return Some(name),
            Some(Type::File) | None => {}
            Some(_) => return None,
        }
        Some(match name.iter().rposition(|&byte| byte == b'/') {
            None | Some(0) => b"/",
            Some(slash) if slash + 1 < name.len() => name.get(..slash).unwrap_or_default(),
            Some(_) => name,
        })
    }

    /// A name that two containers do not share.
    fn in_container(&self, name: &'a [u8]) -> Option<Value<'a>> {
        let Context { event, arena, .. } = self.context;
        Some(Value::Str(arena.concat(&[container_id(event, arena), b":", name])))
    }

    fn letter(&self) -> &'static str {
        if let Some(ty) = self.ty() {
            return ty.letter();
        }
        // What Falco takes such calls to make.
        match self.context.info.kind {
            EventKind::OPENAT | EventKind::OPENAT2 | EventKind::CREAT => "f",
            kinds::SOCKET | kinds::ACCEPT | kinds::ACCEPT4 => "4",
            kinds::PIPE | kinds::PIPE2 => "p",
            kinds::EVENTFD | kinds::EVENTFD2 => "e",
            kinds::SIGNALFD | kinds::SIGNALFD4 => "s",
            kinds::TIMERFD_CREATE => "t",
            kinds::INOTIFY_INIT | kinds::INOTIFY_INIT1 => "i",
            _ => "o",
        }
    }

    /// Types of all descriptors, each once, or of the one with this number.
    fn types(&self, arg: &Arg) -> Option<Value<'a>> {
        let followed = self.context.followed?;
        if let Arg::Index(fd) = *arg {
            let ty = followed.get(fd.into())?.ty;
            return Some(Value::List(self.context.arena.list([Value::from(ty.name())])));
        }
        let mut seen = smallvec::SmallVec::<[&'static str; 24]>::new();
        for (_, descriptor) in followed.table().all(followed.now().pid) {
            let name = descriptor.ty.name();
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        // Without descriptors it is a list without values, which is there, as in Falco.
        Some(Value::List(self.context.arena.list(seen.iter().map(|&name| Value::from(name)))))
    }
}

/// `<4t>name`.
pub(super) fn tag<'a>(ty: Type, transport: Transport, name: &[u8], arena: &'a Arena) -> &'a [u8] {
    let transport = if ty.is_ip() { transport.letter() } else { "" };
    arena.concat(&[b"<", ty.letter().as_bytes(), transport.as_bytes(), b">", name])
}

/// A kept descriptor as texts of params show it.
pub(super) fn tagged<'a>(descriptor: &Descriptor, arena: &'a Arena) -> &'a [u8] {
    tag(descriptor.ty, descriptor.told_transport(), &descriptor.name, arena)
}

/// The container of the event's thread; empty on the host, as Falco keeps it.
fn container_id<'a>(event: &'a dyn Event, arena: &'a Arena) -> &'a [u8] {
    bytes(event, &read::CONTAINER_ID, arena).filter(|&id| id != b"host").unwrap_or_default()
}

fn last_component(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|&byte| byte == b'/') {
        None => b"/",
        Some(slash) if slash + 1 < name.len() => name.get(slash + 1..).unwrap_or_default(),
        Some(_) => name,
    }
}

/// The ends of a descriptor: fields of sockets.
struct Socket {
    ty: Type,
    ends: Ends,
    role: Role,
    transport: Transport,
}

impl Socket {
    fn of(facts: &Facts<'_>) -> Self {
        let (ty, role) = (facts.ty(), facts.role());
        Self { ty, role, ends: facts.ends(), transport: facts.transport() }
    }

    fn field<'a>(&self, id: FieldId, context: &Context<'a>) -> Option<Value<'a>> {
        let arena = context.arena;
        let ip = |end: End| Value::Ip(end.ip);
        let port = |end: End| Value::U64(end.port.into());
        let proto = |end: End| Value::Str(arena.format(format_args!("{}", end.port)));
        Some(match id {
            field::FD_L4PROTO => {
                let told = descriptor::told_transport(self.ty, self.transport, self.role);
                Value::from(told.name())
            }
            field::FD_IP | field::FD_NET => self.both(ip, context),
            field::FD_PORT | field::FD_PROTO => self.both(port, context),
            field::FD_CIP | field::FD_CNET => ip(self.client()?),
            field::FD_SIP | field::FD_SNET => ip(self.server()?),
            field::FD_CPORT => port(self.client()?),
            field::FD_SPORT => match self.ends {
                Ends::Server(end) => port(end),
                _ => port(self.server()?),
            },
            // Falco shows services by their ports, and has none for what is no connection.
            field::FD_CPROTO if self.role == Role::None => return None,
            field::FD_CPROTO => self.client().map_or(Value::Str(b""), proto),
            field::FD_SPROTO => match self.ends {
                Ends::Server(_) => Value::Str(b""),
                _ => proto(self.server()?),
            },
            field::FD_LIP | field::FD_LNET => ip(self.local(context)?.0),
            field::FD_RIP | field::FD_RNET => ip(self.local(context)?.1),
            field::FD_LPORT => port(self.local(context)?.0),
            field::FD_RPORT => port(self.local(context)?.1),
            field::FD_LPROTO => proto(self.local(context)?.0),
            field::FD_RPROTO => proto(self.local(context)?.1),
            field::FD_IS_SERVER if context.followed.is_none() => {
                Value::Bool(self.role == Role::Server)
            }
            field::FD_IS_SERVER => Value::Bool(match self.ends {
                Ends::Server(_) => true,
                Ends::Two { destination, .. } => is_local(destination.ip, context),
                _ => false,
            }),
            _ => return None,
        })
    }

    /// What is asked of either end. A descriptor that has none still exists, and compares with
    /// nothing: so does a truth value.
    fn both<'a>(&self, of: impl Fn(End) -> Value<'a>, context: &Context<'a>) -> Value<'a> {
        match self.ends {
            Ends::Two { source, destination } => {
                Value::List(context.arena.list([of(source), of(destination)]))
            }
            Ends::Server(end) => of(end),
            _ => Value::Bool(false),
        }
    }

    fn two(&self) -> Option<(End, End)> {
        match self.ends {
            Ends::Two { source, destination } if self.role != Role::None => {
                Some((source, destination))
            }
            _ => None,
        }
    }

    fn client(&self) -> Option<End> {
        self.two().map(|(source, _)| source)
    }

    fn server(&self) -> Option<End> {
        match self.ends {
            Ends::Server(end) if self.role != Role::None => Some(end),
            _ => self.two().map(|(_, destination)| destination),
        }
    }

    /// The end on this machine and the other; of flows, the one that acts. Where neither is on it, Falco takes the server for
    /// the local end.
    fn local(&self, context: &Context<'_>) -> Option<(End, End)> {
        let (client, server) = self.two()?;
        let client_is_local = match context.followed.is_none() {
            true => self.role == Role::Client,
            false => is_local(client.ip, context),
        };
        Some(if client_is_local { (client, server) } else { (server, client) })
    }
}

/// Whether an address is this machine's, seen from the event's container.
fn is_local(ip: IpAddr, context: &Context<'_>) -> bool {
    let Context { event, arena, .. } = *context;
    let Some(followed) = context.followed else { return false };
    if !container_id(event, arena).is_empty() {
        let own = bytes(event, &read::CONTAINER_IP, arena);
        let own =
            own.and_then(|own| std::str::from_utf8(own).ok()).and_then(|own| own.parse().ok());
        match (ip, own) {
            (IpAddr::V4(_), Some::<IpAddr>(own)) if own == ip => return true,
            (IpAddr::V4(_), Some(_)) => {}
            // As in Falco, which asks no interface then.
            _ => return false,
        }
    }
    followed.interfaces().have(ip)
}

//! Where what is known of a descriptor comes from: the table, or the event alone.

use std::net::SocketAddr;

use k8srd_core::arena::Arena;
use k8srd_core::field::Key;
use k8srd_core::kind::KindFlags;
use k8srd_core::value::{SocketAddress, SocketTuple, Value};

use super::super::Context;
use super::super::args::tuple_text;
use super::super::descriptor::{
    Descriptor, Ends, Layer, Role, Transport, Type, ends_text, open_flag, unmapped,
};
use super::super::follow;
use super::super::kinds::{self, PARAMS};
use super::super::paths;
use crate::path;
use crate::read::{self, bytes, int, uint};

/// What is known of a descriptor.
pub(super) enum Facts<'a> {
    /// By the table.
    Kept(&'a Descriptor),
    /// By the event that opens a file.
    Opened(Opened<'a>),
    /// By the event that connects a socket.
    Connected(Connected<'a>),
    /// By the kernel, with the event.
    Told(Told<'a>),
}

impl<'a> Facts<'a> {
    pub(super) fn ty(&self) -> Type {
        match self {
            Self::Kept(descriptor) => descriptor.ty,
            Self::Opened(opened) => opened.ty(),
            Self::Connected(socket) => socket.ty,
            Self::Told(told) => told.ty,
        }
    }

    pub(super) fn name(&self, context: &Context<'a>) -> &'a [u8] {
        if let Self::Connected(socket) = self {
            return socket.tuple.map_or(b"", |tuple| tuple_text(tuple, context.arena));
        }
        let opened = kinds::opens_by_name(context.info.kind);
        if opened && let Some(real) = paths::resolved_reading(context.event, context.arena) {
            return real;
        }
        match self {
            Self::Kept(descriptor) => &descriptor.name,
            Self::Opened(Opened(context)) => {
                let given = self.raw();
                let absolute = given.first() == Some(&b'/');
                let base = if absolute { b"" } else { context.base_of_open() };
                path::concatenate(base, given, context.arena)
            }
            Self::Connected(_) => b"",
            Self::Told(told) => told.name(context.arena),
        }
    }

    /// A path as it was given; empty for what is no file that was opened.
    pub(super) fn raw(&self) -> &'a [u8] {
        match self {
            Self::Kept(descriptor) => &descriptor.raw,
            Self::Opened(Opened(context)) => {
                let key = context.info.param("name").map(|(place, _)| Key::param(place));
                let given = key.and_then(|key| bytes(context.event, &key, context.arena));
                given.unwrap_or(paths::NO_TEXT)
            }
            Self::Connected(_) => b"",
            Self::Told(told) => told.name,
        }
    }

    pub(super) fn ends(&self) -> Ends {
        match self {
            Self::Kept(descriptor) => descriptor.ends,
            Self::Opened(_) => Ends::None,
            Self::Connected(socket) => match socket.tuple {
                Some(SocketTuple::Inet { source, destination }) => {
                    Ends::Two { source: source.into(), destination: destination.into() }
                }
                Some(SocketTuple::Unix { source, destination, .. }) => {
                    Ends::Unix { source, destination }
                }
                _ => Ends::None,
            },
            Self::Told(told) => told.ends,
        }
    }

    pub(super) fn role(&self) -> Role {
        match self {
            Self::Kept(descriptor) => descriptor.role,
            Self::Opened(_) => Role::None,
            Self::Connected(socket) if socket.tuple.is_some() => socket.role,
            Self::Connected(_) => Role::None,
            Self::Told(told) => told.role,
        }
    }

    pub(super) fn transport(&self) -> Transport {
        match self {
            Self::Kept(descriptor) => descriptor.transport,
            Self::Opened(_) => Transport::Unknown,
            Self::Connected(socket) => socket.transport(),
            Self::Told(told) => told.transport,
        }
    }

    pub(super) fn dev(&self) -> u32 {
        match self {
            Self::Kept(descriptor) => descriptor.dev,
            Self::Opened(opened) => opened.number("dev") as u32,
            Self::Connected(_) => 0,
            Self::Told(told) => told.dev,
        }
    }

    pub(super) fn ino(&self) -> u64 {
        match self {
            Self::Kept(descriptor) => descriptor.ino,
            Self::Opened(opened) => opened.number("ino"),
            Self::Connected(_) => 0,
            Self::Told(told) => told.ino,
        }
    }

    pub(super) fn layer(&self) -> Layer {
        match self {
            Self::Kept(descriptor) => descriptor.layer,
            Self::Opened(opened) => Layer::of_flags(opened.number("flags")),
            Self::Connected(_) | Self::Told(_) => Layer::None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        match self {
            Self::Kept(descriptor) => descriptor.connected,
            Self::Opened(_) => false,
            Self::Connected(socket) => socket.connected,
            Self::Told(told) => matches!(told.ends, Ends::Two { .. }) && told.role != Role::None,
        }
    }

    /// A new descriptor has a new name, if any.
    pub(super) fn name_changed(&self, context: &Context<'a>) -> bool {
        match self {
            Self::Kept(_) => context.followed.is_some_and(|followed| followed.now().name_changed),
            Self::Opened(_) => !self.name(context).is_empty(),
            Self::Connected(socket) => socket.tuple.is_some(),
            Self::Told(_) => context.info.flags.contains(KindFlags::CREATES_FD),
        }
    }
}

/// A file, by the event that opened it.
pub(super) struct Opened<'a>(pub(super) Context<'a>);

impl Opened<'_> {
    fn number(&self, name: &str) -> u64 {
        let key = self.0.info.param(name).map(|(place, _)| Key::param(place));
        key.and_then(|key| uint(self.0.event, &key, self.0.arena)).unwrap_or_default()
    }

    /// Falco goes by what the caller said, not by what it found.
    fn ty(&self) -> Type {
        if self.number("flags") & open_flag::DIRECTORY != 0 { Type::Directory } else { Type::File }
    }
}

/// What the kernel told of the descriptor when the call returned.
pub(super) struct Told<'a> {
    ty: Type,
    ends: Ends,
    role: Role,
    transport: Transport,
    name: &'a [u8],
    dev: u32,
    ino: u64,
}

impl<'a> Told<'a> {
    pub(super) fn of(context: &Context<'a>) -> Option<Self> {
        let Context { event, arena, .. } = *context;
        let ty = Type::from_number(uint(event, &read::FD_TYPE, arena)?);
        let name = bytes(event, &read::FD_NAME, arena).unwrap_or_default();
        let (ends, role) = match ty {
            ty if ty.is_ip() => Self::of_ip(context, ty),
            Type::Unix => {
                let source = uint(event, &read::FD_SOCK, arena).unwrap_or_default();
                let destination = uint(event, &read::FD_PEER, arena).unwrap_or_default();
                (Ends::Unix { source, destination }, Role::None)
            }
            _ => (Ends::None, Role::None),
        };
        let transport = match (
            uint(event, &read::SOCK_TYPE, arena),
            uint(event, &read::SOCK_PROTOCOL, arena),
        ) {
            (Some(kind), Some(protocol)) if ty.is_ip() => Transport::of_socket(kind, protocol),
            _ => Transport::Unknown,
        };
        Some(Self {
            ty,
            ends,
            role,
            transport,
            name,
            dev: uint(event, &read::FD_DEV, arena).unwrap_or_default() as u32,
            ino: uint(event, &read::FD_INO, arena).unwrap_or_default(),
        })
    }

    /// One of which only the call says what it is.
    pub(super) fn made(context: &Context<'a>, number: i64) -> Option<Self> {
        let ty = follow::made_by(context.info.kind).filter(|_| number >= 0)?;
        let ends = Ends::None;
        let (role, transport) = (Role::None, Transport::Unknown);
        Some(Self { ty, ends, role, transport, name: b"", dev: 0, ino: 0 })
    }

    /// Both ends, the client's first. Who accepts is the server, who connects the client. Of other
    /// calls the socket does not say: as Falco guesses, the lower port is the server's.
    fn of_ip(context: &Context<'a>, ty: Type) -> (Ends, Role) {
        let Context { event, arena, info, .. } = *context;
        let end = |ip: &Key, port: &Key| match event.get(ip, arena).known()? {
            Value::Ip(ip) => Some(SocketAddr::new(ip, uint(event, port, arena)? as u16)),
            _ => None,
        };
        let Some(local) = end(&read::FD_LIP, &read::FD_LPORT) else {
            return (Ends::unspecified(ty), Role::None);
        };
        let remote = end(&read::FD_RIP, &read::FD_RPORT).filter(|end| end.port() != 0);
        // Of a datagram the other end may be with the message alone.
        let remote = remote.or_else(|| Self::other_end(context, local));
        let Some(remote) = remote else {
            return match local.port() {
                0 => (Ends::unspecified(ty), Role::None),
                _ => (Ends::Server(local.into()), Role::Server),
            };
        };
        let serves = match info.kind {
            kinds::ACCEPT | kinds::ACCEPT4 => true,
            _ => local.port() < remote.port(),
        };
        let (source, destination) = if serves { (remote, local) } else { (local, remote) };
        let tuple = unmapped(SocketTuple::Inet { source, destination });
        let SocketTuple::Inet { source, destination } = tuple else {
            return (Ends::None, Role::None);
        };
        let role = if serves { Role::Server } else { Role::Client };
        (Ends::Two { source: source.into(), destination: destination.into() }, role)
    }

    /// The end of the event's tuple that is not the socket's own.
    fn other_end(context: &Context<'a>, local: SocketAddr) -> Option<SocketAddr> {
        let (place, _) = context.info.param("tuple")?;
        let tuple = context.event.get(PARAMS.get(usize::from(place))?, context.arena).known()?;
        let Value::Tuple(SocketTuple::Inet { source, destination }) = tuple else { return None };
        let other = if source == local { destination } else { source };
        (other.port() != 0).then_some(other)
    }

    /// As Falco names descriptors: files by path, sockets by their ends, of others only memory.
    fn name(&self, arena: &'a Arena) -> &'a [u8] {
        match (self.ty, self.ends) {
            (Type::File | Type::Directory, _) => self.name,
            (Type::Memfd, _) => self.name.strip_prefix(b"memfd:").unwrap_or(self.name),
            (_, Ends::Two { source, destination }) if self.role != Role::None => {
                ends_text(source, destination, arena)
            }
            (_, Ends::Server(end)) => arena.format(format_args!("{}:{}", end.ip, end.port)),
            (_, Ends::Unix { source, destination }) if destination != 0 => arena
                .concat(&[arena.format(format_args!("{source:x}->{destination:x} ")), self.name]),
            (Type::Unix, _) => self.name,
            _ => b"",
        }
    }
}

const EINPROGRESS: i64 = 115;

/// A socket, by the event that connected it, or that says which connection it is of.
pub(in super::super) struct Connected<'a> {
    context: Context<'a>,
    ty: Type,
    role: Role,
    pub(in super::super) connected: bool,
    /// Both ends, if the call did not fail.
    tuple: Option<SocketTuple<'a>>,
}

impl<'a> Connected<'a> {
    pub(super) fn of(context: Context<'a>) -> Option<Self> {
        let Context { event, arena, .. } = context;
        let result = int(event, &PARAMS[0], arena)?;
        let connected = result >= 0 || result == -EINPROGRESS;
        let tuple = match event.get(&PARAMS[1], arena).known() {
            Some(Value::Tuple(tuple)) if connected => Some(unmapped(tuple)),
            _ => None,
        };
        let address = match event.get(&PARAMS[3], arena).known() {
            Some(Value::Addr(address)) => Some(address),
            _ => None,
        };
        // Who connects is the client.
        Some(Self { connected, ..Self::new(context, tuple, address, Role::Client) })
    }

    pub(in super::super) fn new(
        context: Context<'a>,
        tuple: Option<SocketTuple<'a>>,
        address: Option<SocketAddress<'a>>,
        role: Role,
    ) -> Self {
        Self { context, ty: type_of(tuple, address), role, connected: false, tuple }
    }

    pub(in super::super) fn is_tcp(&self) -> bool {
        self.transport() == Transport::Tcp
    }

    fn transport(&self) -> Transport {
        let Context { event, arena, .. } = self.context;
        let ty = uint(event, &read::SOCK_TYPE, arena);
        let protocol = uint(event, &read::SOCK_PROTOCOL, arena);
        match (ty, protocol) {
            (Some(ty), Some(protocol)) if self.ty.is_ip() => Transport::of_socket(ty, protocol),
            _ => Transport::Unknown,
        }
    }
}

fn type_of(tuple: Option<SocketTuple<'_>>, address: Option<SocketAddress<'_>>) -> Type {
    let end = match (tuple, address) {
        (Some(SocketTuple::Inet { destination, .. }), _) => destination,
        (Some(SocketTuple::Unix { .. }), _) | (None, Some(SocketAddress::Unix(_))) => {
            return Type::Unix;
        }
        (None, Some(SocketAddress::Inet(address))) => address,
        _ => return Type::Unknown,
    };
    if end.is_ipv4() { Type::Ipv4 } else { Type::Ipv6 }
}

//! The descriptor that an event is about: `fd.*`. Facts: `sinsp_filtercheck_fd.cpp` and
//! `parsers.cpp` in `userspace/libsinsp` of falcosecurity/libs.
//!
//! The events that open files or connect sockets tell all of it themselves; no table of descriptors
//! is kept.

use std::net::{IpAddr, SocketAddr};

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::kind::{EventKind, KindInfo};
use k8srd_core::value::{SocketAddress, SocketTuple, Value};

use super::args::{Params, base_directory, resolved_reading, tuple_text};
use crate::path;
use crate::read::{self, bytes, int, uint};

const EINPROGRESS: i64 = 115;
/// Falco's flag, not the kernel's (`driver/ppm_events_public.h`).
const O_DIRECTORY: u64 = 1 << 10;

/// The descriptor of an event.
pub(super) enum Descriptor<'a> {
    /// Of a file.
    File(File<'a>),
    /// Of a socket.
    Socket(Socket<'a>),
}

pub(super) struct File<'a> {
    event: &'a dyn Event,
    info: &'a KindInfo,
    arena: &'a Arena,
    /// The new descriptor; below 0 the call failed.
    fd: i64,
}

pub(super) struct Socket<'a> {
    event: &'a dyn Event,
    arena: &'a Arena,
    fd: Option<i64>,
    connected: bool,
    /// Both ends, if the call did not fail.
    tuple: Option<SocketTuple<'a>>,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
    Unix,
    Other,
}

impl<'a> Descriptor<'a> {
    /// Whether events of this kind open a file by name.
    pub(super) fn is_opened_by(kind: EventKind) -> bool {
        use EventKind as Kind;
        matches!(kind, Kind::OPEN | Kind::OPENAT | Kind::OPENAT2 | Kind::CREAT)
    }

    pub(super) fn of(event: &'a dyn Event, arena: &'a Arena) -> Option<Self> {
        let kind = event.kind();
        if Self::is_opened_by(kind) {
            let info = read::kind_info(kind)?;
            let fd = int(event, &Key::param(info.result()?), arena)?;
            return Some(Self::File(File { event, info, arena, fd }));
        }
        (kind == EventKind::CONNECT).then(|| Socket::of(event, arena).map(Self::Socket)).flatten()
    }

    /// Type, transport and name, as descriptors are written in arguments: `<4t>1.2.3.4:5->6.7.8.9:80`.
    pub(super) fn tagged_name(&self) -> &'a [u8] {
        match self {
            Self::File(file) if file.fd >= 0 => {
                let name = file.name().unwrap_or_default();
                file.arena.concat(&[b"<", file.typechar().as_bytes(), b">", name])
            }
            Self::File(_) => b"",
            Self::Socket(socket) => {
                let transport = match socket.transport() {
                    name @ ("tcp" | "udp" | "icmp" | "raw") => name.get(..1).unwrap_or_default(),
                    _ => "",
                };
                let (tag, name) = (socket.typechar().as_bytes(), socket.name());
                socket.arena.concat(&[b"<", tag, transport.as_bytes(), b">", name])
            }
        }
    }

    /// The value of a field.
    pub(super) fn field(&self, id: FieldId) -> Option<Value<'a>> {
        match self {
            Self::File(file) => file.field(id),
            Self::Socket(socket) => socket.field(id),
        }
    }
}

impl<'a> File<'a> {
    fn field(&self, id: FieldId) -> Option<Value<'a>> {
        let open = self.fd >= 0;
        Some(match id {
            // Falco knows no number but -1 for a descriptor that was not made.
            field::FD_NUM => Value::I64(self.fd.max(-1)),
            field::FD_NAME => Value::Str(self.name()?),
            field::FD_NAMERAW => Value::Str(path::single_slashes(self.given()?, self.arena)),
            field::FD_REALPATH => Value::Str(bytes(self.event, &read::PATH_REAL, self.arena)?),
            field::FD_DIRECTORY => Value::Str(self.directory()?),
            field::FD_TYPECHAR => Value::from(self.typechar()),
            field::FD_FILENAME if open && !self.is_directory() => {
                Value::Str(last_component(self.name()?))
            }
            field::FD_TYPE if open => {
                Value::from(if self.is_directory() { "directory" } else { "file" })
            }
            field::FD_DEV if open => Value::I64(self.number("dev").unwrap_or_default()),
            field::FD_INO if open => Value::I64(self.number("ino").unwrap_or_default()),
            // What Falco answers for a file.
            field::FD_L4PROTO if open => Value::from("<NA>"),
            field::FD_CONNECTED if open => Value::Bool(false),
            _ => return None,
        })
    }

    fn param(&self, name: &str) -> Option<Key> {
        self.info.param(name).map(|(place, _)| Key::param(place))
    }

    fn number(&self, name: &str) -> Option<i64> {
        int(self.event, &self.param(name)?, self.arena)
    }

    fn given(&self) -> Option<&'a [u8]> {
        bytes(self.event, &self.param("name")?, self.arena)
    }

    /// Falco goes by what the caller said, not by what it found.
    fn is_directory(&self) -> bool {
        self.number("flags").is_some_and(|flags| flags as u64 & O_DIRECTORY != 0)
    }

    /// `o` (unknown) is what Falco says of an `open` that failed, and of that one only.
    fn typechar(&self) -> &'static str {
        match (self.fd, self.info.kind) {
            (..0, EventKind::OPEN) => "o",
            (0.., _) if self.is_directory() => "d",
            _ => "f",
        }
    }

    fn name(&self) -> Option<&'a [u8]> {
        let Self { event, info, arena, fd } = *self;
        if let Some(real) = resolved_reading(event, arena) {
            return Some(real);
        }
        let given = self.given()?;
        let dirfd_call = matches!(info.kind, EventKind::OPENAT | EventKind::OPENAT2);
        if fd < 0 && !dirfd_call {
            // A failed open or creat has the text of its argument: absolute, but as it was given.
            let (place, _) = info.param("name")?;
            return Some(Params { event, info, arena }.text(place).best());
        }
        if fd < 0 && given.is_empty() {
            return None;
        }
        Some(path::concatenate(base_directory(event, info, arena), given, arena))
    }

    fn directory(&self) -> Option<&'a [u8]> {
        let name = self.name()?;
        if self.fd >= 0 && self.is_directory() {
            return Some(name);
        }
        Some(match name.iter().rposition(|&byte| byte == b'/') {
            None | Some(0) => b"/",
            Some(slash) if slash + 1 < name.len() => name.get(..slash).unwrap_or_default(),
            Some(_) => name,
        })
    }
}

fn last_component(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|&byte| byte == b'/') {
        None => b"/",
        Some(slash) if slash + 1 < name.len() => name.get(slash + 1..).unwrap_or_default(),
        Some(_) => name,
    }
}

impl<'a> Socket<'a> {
    fn of(event: &'a dyn Event, arena: &'a Arena) -> Option<Self> {
        let info = read::kind_info(EventKind::CONNECT)?;
        let param = |name| {
            let (place, _) = info.param(name)?;
            event.get(&Key::param(place), arena).known()
        };
        let result = param("res")?.as_i64()?;
        let connected = result >= 0 || result == -EINPROGRESS;
        let tuple = match param("tuple") {
            Some(Value::Tuple(tuple)) if connected => Some(unmapped(tuple)),
            _ => None,
        };
        let address = match param("addr") {
            Some(Value::Addr(address)) => Some(address),
            _ => None,
        };
        let fd = param("fd").and_then(|fd| fd.as_i64());
        let family = Family::of(tuple, address);
        Some(Self { event, arena, fd, connected, tuple, family })
    }

    fn field(&self, id: FieldId) -> Option<Value<'a>> {
        let ends = match self.tuple {
            Some(SocketTuple::Inet { source, destination }) => Some((source, destination)),
            _ => None,
        };
        // Who connects is the client, and the source.
        let client = || ends.map(|(source, _)| source);
        let server = || ends.map(|(_, destination)| destination);
        let both = |of: fn(SocketAddr) -> Value<'a>| {
            ends.map(|(a, b)| Value::List(self.arena.list([of(a), of(b)])))
        };
        let ip = |end: SocketAddr| Value::Ip(end.ip());
        let port = |end: SocketAddr| Value::U64(end.port().into());
        match id {
            field::FD_NUM => self.fd.map(Value::I64),
            field::FD_NAME => Some(Value::Str(self.name())),
            field::FD_NAMERAW => Some(Value::Str(b"")),
            field::FD_TYPE => match self.family {
                Family::V4 => Some(Value::from("ipv4")),
                Family::V6 => Some(Value::from("ipv6")),
                Family::Unix => Some(Value::from("unix")),
                Family::Other => None,
            },
            field::FD_TYPECHAR => Some(Value::from(self.typechar())),
            field::FD_SOCKFAMILY => match self.family {
                Family::V4 | Family::V6 => Some(Value::from("ip")),
                Family::Unix => Some(Value::from("unix")),
                Family::Other => None,
            },
            field::FD_L4PROTO => Some(Value::from(self.transport())),
            field::FD_CONNECTED => Some(Value::Bool(self.connected)),
            field::FD_IP | field::FD_NET => both(ip),
            field::FD_CIP | field::FD_CNET => client().map(ip),
            field::FD_SIP | field::FD_SNET => server().map(ip),
            field::FD_PORT => both(port),
            field::FD_CPORT => client().map(port),
            field::FD_SPORT => server().map(port),
            _ => None,
        }
    }

    /// Both ends; a socket without a connection has no name.
    fn name(&self) -> &'a [u8] {
        self.tuple.map_or(b"", |tuple| tuple_text(tuple, self.arena))
    }

    fn typechar(&self) -> &'static str {
        match self.family {
            Family::V4 => "4",
            Family::V6 => "6",
            Family::Unix => "u",
            Family::Other => "o",
        }
    }

    /// As `add_socket` derives it from type and protocol. A socket without a connection has none
    /// yet, unless it is raw.
    fn transport(&self) -> &'static str {
        const SOCK_STREAM: u64 = 1;
        const SOCK_DGRAM: u64 = 2;
        const SOCK_RAW: u64 = 3;
        const IPPROTO_IP: u64 = 0;
        const IPPROTO_ICMP: u64 = 1;
        const IPPROTO_TCP: u64 = 6;
        const IPPROTO_UDP: u64 = 17;
        const IPPROTO_RAW: u64 = 255;
        if !matches!(self.family, Family::V4 | Family::V6) {
            return "<NA>";
        }
        let socket_type = uint(self.event, &read::SOCK_TYPE, self.arena);
        let protocol = uint(self.event, &read::SOCK_PROTOCOL, self.arena);
        let name = match (socket_type, protocol) {
            (Some(SOCK_RAW), Some(_)) | (_, Some(IPPROTO_RAW)) => return "raw",
            (_, Some(IPPROTO_TCP)) | (Some(SOCK_STREAM), Some(IPPROTO_IP)) => "tcp",
            (_, Some(IPPROTO_UDP)) | (Some(SOCK_DGRAM), Some(IPPROTO_IP)) => "udp",
            (_, Some(IPPROTO_ICMP)) => "icmp",
            _ => "<NA>",
        };
        if self.tuple.is_some() { name } else { "<NA>" }
    }
}

impl Family {
    fn of(tuple: Option<SocketTuple<'_>>, address: Option<SocketAddress<'_>>) -> Self {
        let end = match (tuple, address) {
            (Some(SocketTuple::Inet { destination, .. }), _) => destination,
            (Some(SocketTuple::Unix { .. }), _) | (None, Some(SocketAddress::Unix(_))) => {
                return Self::Unix;
            }
            (None, Some(SocketAddress::Inet(address))) => address,
            _ => return Self::Other,
        };
        if end.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// A connection over IPv4 by an IPv6 socket is one over IPv4, if both ends say so.
pub(super) fn unmapped(tuple: SocketTuple<'_>) -> SocketTuple<'_> {
    let SocketTuple::Inet { source, destination } = tuple else { return tuple };
    // The unspecified address is either family's.
    let v4 = |end: SocketAddr| match end.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => Some(IpAddr::from([0, 0, 0, 0])),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    match (v4(source), v4(destination)) {
        (Some(from), Some(to)) => SocketTuple::Inet {
            source: SocketAddr::new(from, source.port()),
            destination: SocketAddr::new(to, destination.port()),
        },
        _ => tuple,
    }
}

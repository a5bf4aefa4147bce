//! What is known of one open descriptor. Facts: `userspace/libsinsp/fdinfo.cpp` of
//! falcosecurity/libs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::value::SocketTuple;

/// What a descriptor is of, with Falco's number (`SCAP_FD_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Type {
    #[default]
    Unknown = 0,
    File = 1,
    Directory = 2,
    Ipv4 = 3,
    Ipv6 = 4,
    Ipv4Server = 5,
    Ipv6Server = 6,
    Pipe = 7,
    Unix = 8,
    Event = 9,
    Unsupported = 10,
    Signalfd = 11,
    Eventpoll = 12,
    Inotify = 13,
    Timerfd = 14,
    Netlink = 15,
    Bpf = 17,
    Userfaultfd = 18,
    IoUring = 19,
    Memfd = 20,
    Pidfd = 21,
}

impl Type {
    /// The type with this number of Falco's; 16 is a file, too.
    pub(super) fn from_number(number: u64) -> Self {
        match number {
            1 | 16 => Self::File,
            2 => Self::Directory,
            3 => Self::Ipv4,
            4 => Self::Ipv6,
            5 => Self::Ipv4Server,
            6 => Self::Ipv6Server,
            7 => Self::Pipe,
            8 => Self::Unix,
            9 => Self::Event,
            10 => Self::Unsupported,
            11 => Self::Signalfd,
            12 => Self::Eventpoll,
            13 => Self::Inotify,
            14 => Self::Timerfd,
            15 => Self::Netlink,
            17 => Self::Bpf,
            18 => Self::Userfaultfd,
            19 => Self::IoUring,
            20 => Self::Memfd,
            21 => Self::Pidfd,
            _ => Self::Unknown,
        }
    }

    /// What `fd.type` says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Ipv4 | Self::Ipv4Server => "ipv4",
            Self::Ipv6 | Self::Ipv6Server => "ipv6",
            Self::Unix => "unix",
            Self::Pipe => "pipe",
            Self::Event => "event",
            Self::Signalfd => "signalfd",
            Self::Eventpoll => "eventpoll",
            Self::Inotify => "inotify",
            Self::Timerfd => "timerfd",
            Self::Netlink => "netlink",
            Self::Bpf => "bpf",
            Self::Userfaultfd => "userfaultfd",
            Self::IoUring => "io_uring",
            Self::Memfd => "memfd",
            Self::Pidfd => "pidfd",
            Self::Unknown | Self::Unsupported => "<NA>",
        }
    }

    /// What `fd.typechar` says. Falco gives one letter to two types.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::File => "f",
            Self::Directory => "d",
            Self::Ipv4 | Self::Ipv4Server => "4",
            Self::Ipv6 | Self::Ipv6Server => "6",
            Self::Unix | Self::Userfaultfd => "u",
            Self::Pipe => "p",
            Self::Event => "e",
            Self::Signalfd => "s",
            Self::Eventpoll => "l",
            Self::Inotify => "i",
            Self::Timerfd => "t",
            Self::Netlink => "n",
            Self::Bpf => "b",
            Self::IoUring => "r",
            Self::Memfd => "m",
            Self::Pidfd => "P",
            Self::Unknown => "o",
            Self::Unsupported => "X",
        }
    }

    /// A socket of IP, whether it has two ends or listens.
    pub(super) fn is_ip(self) -> bool {
        self.has_ends() || matches!(self, Self::Ipv4Server | Self::Ipv6Server)
    }

    /// A socket of IP with two ends.
    pub(super) fn has_ends(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }
}

/// The protocol above IP, with Falco's number (`SCAP_L4_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transport {
    #[default]
    Unknown,
    Tcp,
    Udp,
    Icmp,
    Raw,
}

/// `SOCK_*` and `IPPROTO_*`, the same on every architecture but for MIPS.
mod protocol {
    pub(super) const STREAM: u64 = 1;
    pub(super) const DGRAM: u64 = 2;
    pub(super) const RAW: u64 = 3;
    pub(super) const IP: u64 = 0;
    pub(super) const ICMP: u64 = 1;
    pub(super) const TCP: u64 = 6;
    pub(super) const UDP: u64 = 17;
    pub(super) const IPPROTO_RAW: u64 = 255;
}

impl Transport {
    /// As a recording numbers it.
    pub(super) fn from_number(number: u64) -> Self {
        match number {
            2 => Self::Tcp,
            3 => Self::Udp,
            4 => Self::Icmp,
            5 => Self::Raw,
            _ => Self::Unknown,
        }
    }

    /// That of a socket of IP which was made with this type, flags of `socket` included, and
    /// protocol.
    pub(super) fn of_socket(ty: u64, protocol: u64) -> Self {
        let or_raw = |transport| if ty == protocol::RAW { Self::Raw } else { transport };
        match (protocol, ty & 0xff) {
            (protocol::TCP, _) => or_raw(Self::Tcp),
            (protocol::UDP, _) => or_raw(Self::Udp),
            (protocol::ICMP, _) => or_raw(Self::Icmp),
            (protocol::IP, protocol::STREAM) => Self::Tcp,
            (protocol::IP, protocol::DGRAM) => Self::Udp,
            (protocol::IPPROTO_RAW, _) => Self::Raw,
            _ => Self::Unknown,
        }
    }

    /// What `fd.l4proto` says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Raw => "raw",
            Self::Unknown => "<NA>",
        }
    }

    /// The letter behind the type's in texts of params.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Tcp => "t",
            Self::Udp => "u",
            Self::Icmp => "i",
            Self::Raw => "r",
            Self::Unknown => "",
        }
    }
}

/// One end of a socket of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
}

impl End {
    const V4: Self = Self { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
    const V6: Self = Self { ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), port: 0 };
}

impl From<SocketAddr> for End {
    fn from(address: SocketAddr) -> Self {
        Self { ip: address.ip(), port: address.port() }
    }
}

/// The addresses of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ends {
    /// It is no socket, or nothing is known of them.
    #[default]
    None,
    /// Of a connection: client and server, where it is known who is who.
    Two { source: End, destination: End },
    /// Of a socket that was bound.
    Server(End),
    /// Addresses of both sockets in the kernel.
    Unix { source: u64, destination: u64 },
}

impl Ends {
    /// Those of a new socket of IP.
    pub(super) fn unspecified(ty: Type) -> Self {
        match ty {
            Type::Ipv4 => Self::Two { source: End::V4, destination: End::V4 },
            Type::Ipv6 => Self::Two { source: End::V6, destination: End::V6 },
            _ => Self::None,
        }
    }
}

/// Who a process is in a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    None,
    Client,
    Server,
}

/// Which layer of an overlay a file is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layer {
    #[default]
    None,
    Upper,
    Lower,
    /// Falco can be told both.
    Both,
}

impl Layer {
    /// As flags of an open tell.
    pub(super) fn of_flags(flags: u64) -> Self {
        match (flags & open_flag::UPPER_LAYER != 0, flags & open_flag::LOWER_LAYER != 0) {
            (true, true) => Self::Both,
            (true, false) => Self::Upper,
            (false, true) => Self::Lower,
            (false, false) => Self::None,
        }
    }

    pub(super) fn is_upper(self) -> bool {
        matches!(self, Self::Upper | Self::Both)
    }

    pub(super) fn is_lower(self) -> bool {
        matches!(self, Self::Lower | Self::Both)
    }
}

/// Falco's values, not the kernel's (`driver/ppm_events_public.h`).
pub(super) mod open_flag {
    pub(in super::super) const RDONLY: u64 = 1 << 0;
    pub(in super::super) const WRONLY: u64 = 1 << 1;
    pub(in super::super) const CREAT: u64 = 1 << 2;
    pub(in super::super) const DIRECTORY: u64 = 1 << 10;
    pub(in super::super) const CLOEXEC: u64 = 1 << 12;
    pub(in super::super) const TMPFILE: u64 = 1 << 13;
    /// The call made the file. This bit and those above are the kernel's answer, not the caller's.
    pub(in super::super) const F_CREATED: u64 = 1 << 14;
    pub(in super::super) const UPPER_LAYER: u64 = 1 << 15;
    pub(in super::super) const LOWER_LAYER: u64 = 1 << 16;
}

/// A descriptor as the table keeps it.
#[derive(Clone, Debug, Default)]
pub(super) struct Descriptor {
    pub(super) ty: Type,
    pub(super) role: Role,
    pub(super) layer: Layer,
    pub(super) transport: Transport,
    pub(super) connected: bool,
    pub(super) cloexec: bool,
    pub(super) dev: u32,
    pub(super) ino: u64,
    /// The process that a pidfd is of.
    pub(super) pid: u32,
    pub(super) ends: Ends,
    pub(super) name: Arc<[u8]>,
    /// A path as the program gave it.
    pub(super) raw: Arc<[u8]>,
}

impl Descriptor {
    /// One of which nothing but the type is known.
    pub(super) fn of(ty: Type) -> Self {
        Self { ty, ends: Ends::unspecified(ty), ..Self::default() }
    }

    /// What it takes in memory.
    pub(super) fn size(&self) -> usize {
        // Where the two are one they are counted twice: a bound need not be exact.
        size_of::<Self>() + self.name.len() + self.raw.len()
    }

    /// The transport protocol as far as Falco tells it: of a connection only where it is known who
    /// is client and who is server.
    pub(super) fn told_transport(&self) -> Transport {
        told_transport(self.ty, self.transport, self.role)
    }

    /// Both ends as the name of the descriptor.
    pub(super) fn name_of_ends<'a>(&self, arena: &'a Arena) -> &'a [u8] {
        let Ends::Two { source, destination } = self.ends else { return b"" };
        match (self.transport, self.ty) {
            (Transport::Tcp | Transport::Udp, _) => ends_text(source, destination, arena),
            (Transport::Icmp, _) | (Transport::Raw, Type::Ipv4) => {
                arena.format(format_args!("{}->{}", source.ip, destination.ip))
            }
            _ => b"<unknown>",
        }
    }
}

/// See [`Descriptor::told_transport`].
pub(super) fn told_transport(ty: Type, transport: Transport, role: Role) -> Transport {
    match ty {
        Type::Ipv4Server | Type::Ipv6Server => transport,
        Type::Ipv4 | Type::Ipv6 if transport == Transport::Raw || role != Role::None => transport,
        _ => Transport::Unknown,
    }
}

/// `1.2.3.4:5->6.7.8.9:80`.
pub(super) fn ends_text(source: End, destination: End, arena: &Arena) -> &[u8] {
    arena.format(format_args!(
        "{}:{}->{}:{}",
        source.ip, source.port, destination.ip, destination.port
    ))
}

/// A connection over IPv4 by an IPv6 socket is one over IPv4, if both ends say so.
pub(super) fn unmapped(tuple: SocketTuple<'_>) -> SocketTuple<'_> {
    let SocketTuple::Inet { source, destination } = tuple else { return tuple };
    match (unmapped_ip(source.ip()), unmapped_ip(destination.ip())) {
        (Some(from), Some(to)) => SocketTuple::Inet {
            source: SocketAddr::new(from, source.port()),
            destination: SocketAddr::new(to, destination.port()),
        },
        _ => tuple,
    }
}

/// The IPv4 address that an IPv6 address stands for; the unspecified address is either family's.
pub(super) fn unmapped_ip(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V6(ip) if ip.is_unspecified() => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_at_falcos_numbers() {
        for ty in [Type::File, Type::Ipv6Server, Type::Unix, Type::Netlink, Type::Bpf, Type::Pidfd]
        {
            assert_eq!(Type::from_number(ty as u64), ty);
        }
        assert_eq!(Type::from_number(16), Type::File);
        assert_eq!(Type::from_number(4711), Type::Unknown);
    }

    #[test]
    fn transport_follows_from_how_the_socket_was_made() {
        const NONBLOCK: u64 = 0o4000;
        for (ty, protocol, want) in [
            (1, 0, Transport::Tcp),
            (1 | NONBLOCK, 0, Transport::Tcp),
            (2, 0, Transport::Udp),
            (1, 6, Transport::Tcp),
            (3, 6, Transport::Raw),
            (3, 1, Transport::Raw),
            (2, 1, Transport::Icmp),
            (3, 255, Transport::Raw),
            (5, 132, Transport::Unknown),
        ] {
            assert_eq!(Transport::of_socket(ty, protocol), want, "{ty} {protocol}");
        }
    }
}

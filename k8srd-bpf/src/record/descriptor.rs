//! What a descriptor is of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use k8srd_core::value::{SocketAddress, SocketTuple};

use super::{RecordError, View, take, until_nul};
use crate::abi::{Descriptor, Part};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;

/// Types of files in `st_mode`.
const S_IFMT: u32 = 0o170_000;
const S_IFSOCK: u32 = 0o140_000;
const S_IFDIR: u32 = 0o040_000;
/// File systems of what has no name in any (`include/uapi/linux/magic.h`).
const PIPEFS: u32 = 0x5049_5045;
const PIDFS: u32 = 0x5049_4446;
/// The path is a label.
const LABEL: u32 = 8;

/// The facts of a descriptor, its variable parts resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) body: Descriptor,
    pub(super) path: &'a [u8],
    local_path: &'a [u8],
    remote_path: &'a [u8],
}

/// What it is of, by Falco's numbers (`SCAP_FD_*` in `userspace/libscap/scap.h`).
mod number {
    pub(super) const FILE: u64 = 1;
    pub(super) const DIRECTORY: u64 = 2;
    pub(super) const IPV4: u64 = 3;
    pub(super) const IPV6: u64 = 4;
    pub(super) const IPV4_SERVER: u64 = 5;
    pub(super) const IPV6_SERVER: u64 = 6;
    pub(super) const PIPE: u64 = 7;
    pub(super) const UNIX: u64 = 8;
    pub(super) const EVENT: u64 = 9;
    pub(super) const UNSUPPORTED: u64 = 10;
    pub(super) const SIGNALFD: u64 = 11;
    pub(super) const EVENTPOLL: u64 = 12;
    pub(super) const INOTIFY: u64 = 13;
    pub(super) const TIMERFD: u64 = 14;
    pub(super) const NETLINK: u64 = 15;
    pub(super) const BPF: u64 = 17;
    pub(super) const USERFAULTFD: u64 = 18;
    pub(super) const IO_URING: u64 = 19;
    pub(super) const MEMFD: u64 = 20;
    pub(super) const PIDFD: u64 = 21;
}

impl<'a> About<'a> {
    /// Whether the facts in a part, and their own parts, lie within the record.
    pub(super) fn check(view: &View<'a, '_>, part: Part) -> Result<(), RecordError> {
        let (body, _) = take::<Descriptor>(view.part("descriptor", part)?, "descriptor")?;
        view.part("path", body.path)?;
        view.part("local_path", body.local_path)?;
        view.part("remote_path", body.remote_path)?;
        Ok(())
    }

    /// The facts in a part that was checked; `None` if they were not read.
    pub(super) fn of(record: &'a [u8], part: Part) -> Option<Self> {
        let bytes = if part.offset == 0 { None } else { part.of(record) };
        let (body, _) = take::<Descriptor>(bytes?, "descriptor").ok()?;
        let part = |part: Part| if part.len == 0 { Some(&[][..]) } else { part.of(record) };
        Some(Self {
            body,
            path: part(body.path)?,
            local_path: part(body.local_path)?,
            remote_path: part(body.remote_path)?,
        })
    }

    pub(super) fn is_socket(&self) -> bool {
        self.body.sock != 0
    }

    fn is_inet(&self) -> bool {
        self.is_socket() && matches!(self.body.family, AF_INET | AF_INET6)
    }

    /// Falco's number of what it is of.
    pub(super) fn number(&self) -> u64 {
        let Descriptor { mode, family, magic, what, .. } = self.body;
        match (mode & S_IFMT, family) {
            (S_IFSOCK, AF_INET) if self.awaits() => number::IPV4_SERVER,
            (S_IFSOCK, AF_INET) => number::IPV4,
            (S_IFSOCK, AF_INET6) if self.awaits() => number::IPV6_SERVER,
            (S_IFSOCK, AF_INET6) => number::IPV6,
            (S_IFSOCK, AF_UNIX) => number::UNIX,
            (S_IFSOCK, AF_NETLINK) => number::NETLINK,
            (S_IFSOCK, _) => number::UNSUPPORTED,
            (S_IFDIR, _) => number::DIRECTORY,
            _ if magic == PIPEFS => number::PIPE,
            _ if magic == PIDFS => number::PIDFD,
            _ if what & LABEL != 0 => of_label(self.label()),
            _ => number::FILE,
        }
    }

    /// A socket that has a port and nobody at the other end: it waits for whoever comes.
    fn awaits(&self) -> bool {
        self.body.local_port != 0 && self.body.remote_port == 0
    }

    fn label(&self) -> &'a [u8] {
        self.path.strip_prefix(b"/").unwrap_or(self.path)
    }

    /// The path of a file, the label of what has none, the name of a unix socket.
    pub(super) fn name(&self) -> Option<&'a [u8]> {
        let name = match (self.is_socket(), self.body.what & LABEL != 0) {
            (true, _) if self.local_path.is_empty() => self.remote_path,
            (true, _) => self.local_path,
            (false, true) => self.label(),
            (false, false) => self.path,
        };
        (!name.is_empty()).then_some(name)
    }

    /// The socket's own end.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        let body = &self.body;
        self.is_inet().then(|| SocketAddr::new(self.ip(body.local_addr), body.local_port))
    }

    /// The other end; of what is not connected it is unspecified.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        let body = &self.body;
        self.is_inet().then(|| SocketAddr::new(self.ip(body.remote_addr), body.remote_port))
    }

    /// Both ends, its own first. The address that the caller named stands in for an end that the
    /// socket does not have.
    pub(super) fn sender(&self, given: Option<SocketAddress<'a>>) -> Option<SocketTuple<'a>> {
        if let (Some(source), Some(destination)) = (self.local(), self.other(given)) {
            return Some(SocketTuple::Inet { source, destination });
        }
        let Descriptor { sock, peer, family, .. } = self.body;
        let path = match given {
            Some(SocketAddress::Unix(path)) if peer == 0 => path,
            _ => self.remote_path,
        };
        (self.is_socket() && family == AF_UNIX).then_some(SocketTuple::Unix {
            source: sock,
            destination: peer,
            path,
        })
    }

    /// Both ends, its own last.
    pub(super) fn receiver(&self, given: Option<SocketAddress<'a>>) -> Option<SocketTuple<'a>> {
        if let (Some(destination), Some(source)) = (self.local(), self.other(given)) {
            return Some(SocketTuple::Inet { source, destination });
        }
        let Descriptor { sock, peer, family, .. } = self.body;
        (self.is_socket() && family == AF_UNIX).then_some(SocketTuple::Unix {
            source: peer,
            destination: sock,
            path: self.local_path,
        })
    }

    fn other(&self, given: Option<SocketAddress<'a>>) -> Option<SocketAddr> {
        match given {
            Some(SocketAddress::Inet(address)) if self.body.remote_port == 0 => Some(address),
            _ => self.remote(),
        }
    }

    fn ip(&self, bytes: [u8; 16]) -> IpAddr {
        if self.body.family == AF_INET {
            let [a, b, c, d, ..] = bytes;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        } else {
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
    }
}

/// What the kernel calls the descriptors that it makes without a file.
fn of_label(label: &[u8]) -> u64 {
    match label {
        b"[eventfd]" => number::EVENT,
        b"[signalfd]" => number::SIGNALFD,
        b"[eventpoll]" => number::EVENTPOLL,
        b"inotify" | b"[inotify]" => number::INOTIFY,
        b"[timerfd]" => number::TIMERFD,
        b"[userfaultfd]" => number::USERFAULTFD,
        b"[io_uring]" => number::IO_URING,
        b"[pidfd]" => number::PIDFD,
        b"btf" => number::BPF,
        _ if label.starts_with(b"bpf") => number::BPF,
        _ if label.starts_with(b"memfd:") => number::MEMFD,
        _ => number::UNSUPPORTED,
    }
}

/// Reads a `struct sockaddr` as the caller gave it; `None` if it is too short for its family.
pub(super) fn socket_address(bytes: &[u8]) -> Option<SocketAddress<'_>> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_ne_bytes(*family) {
        AF_INET => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let (ip, _) = rest.split_first_chunk::<4>()?;
            let ip = IpAddr::V4(Ipv4Addr::from(*ip));
            Some(SocketAddress::Inet(SocketAddr::new(ip, u16::from_be_bytes(*port))))
        }
        AF_INET6 => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            let (ip, _) = rest.split_first_chunk::<16>()?;
            let ip = IpAddr::V6(Ipv6Addr::from(*ip));
            Some(SocketAddress::Inet(SocketAddr::new(ip, u16::from_be_bytes(*port))))
        }
        // A path ends at its terminator; in an abstract name NUL is a byte like others.
        AF_UNIX if rest.first() == Some(&0) => Some(SocketAddress::Unix(rest)),
        AF_UNIX => Some(SocketAddress::Unix(until_nul(rest))),
        family => Some(SocketAddress::Other(family)),
    }
}

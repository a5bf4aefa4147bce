//! Rows of the lists of descriptors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{RowError, sized};
use crate::bytes::{Bytes, TooShort};
use crate::format::fd_type;

/// A descriptor that was open when the recording began.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescriptorRow<'a> {
    /// The process that had it.
    pub tid: i64,
    /// Its number.
    pub fd: i64,
    /// Inode number.
    pub ino: u64,
    /// What it is of.
    pub of: Descriptor<'a>,
}

impl<'a> DescriptorRow<'a> {
    /// The descriptor `fd` of the process `tid`.
    pub fn new(tid: i64, fd: i64, ino: u64, of: Descriptor<'a>) -> Self {
        Self { tid, fd, ino, of }
    }
}

/// What a descriptor is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descriptor<'a> {
    /// A connected IPv4 or IPv6 socket. `l4proto` is Falco's `SCAP_L4_*`.
    #[expect(missing_docs, reason = "named after what they are")]
    Socket { source: SocketAddr, destination: SocketAddr, l4proto: u8 },
    /// A bound IPv4 or IPv6 socket.
    #[expect(missing_docs, reason = "named after what they are")]
    Server { address: SocketAddr, l4proto: u8 },
    /// A UNIX socket, its ends by their address in the kernel.
    #[expect(missing_docs, reason = "named after what they are")]
    Unix { source: u64, destination: u64, path: &'a [u8] },
    /// A file opened with these flags of Falco's (`PPM_O_*`); `dev` where the writer knew it.
    #[expect(missing_docs, reason = "named after what they are")]
    File { open_flags: u32, path: &'a [u8], dev: Option<u32> },
    /// Anything else: Falco's `SCAP_FD_*` type and a name.
    #[expect(missing_docs, reason = "named after what they are")]
    Other { kind: u8, name: &'a [u8] },
}

impl Descriptor<'_> {
    /// Falco's `SCAP_FD_*` type. A pair of mixed addresses is told as IPv6.
    pub(crate) fn type_id(&self) -> u8 {
        match self {
            Self::Socket { source, destination, .. } => {
                let v4 = source.is_ipv4() && destination.is_ipv4();
                if v4 { fd_type::IPV4_SOCK } else { fd_type::IPV6_SOCK }
            }
            Self::Server { address, .. } if address.is_ipv4() => fd_type::IPV4_SERVSOCK,
            Self::Server { .. } => fd_type::IPV6_SERVSOCK,
            Self::Unix { .. } => fd_type::UNIX_SOCK,
            Self::File { .. } => fd_type::FILE_V2,
            Self::Other { kind, .. } => *kind,
        }
    }
}

/// Reads a row of the process `tid` from a list of version 1 or 2.
pub(crate) fn parse<'a>(
    bytes: &mut Bytes<'a>,
    version: u8,
    tid: i64,
) -> Result<DescriptorRow<'a>, RowError> {
    if version >= 2 {
        sized(bytes, 4, "descriptor", |bytes| row(bytes, true, tid))
    } else {
        row(bytes, false, tid)
    }
}

fn row<'a>(bytes: &mut Bytes<'a>, sized: bool, tid: i64) -> Result<DescriptorRow<'a>, RowError> {
    let (fd, ino, type_id) = (bytes.i64()?, bytes.u64()?, bytes.u8()?);
    let of = match type_id {
        fd_type::IPV4_SOCK => {
            let (source, destination) = (ipv4(bytes)?, ipv4(bytes)?);
            let ports = (bytes.u16()?, bytes.u16()?);
            connected(source, destination, ports, bytes.u8()?)
        }
        fd_type::IPV6_SOCK => {
            let (source, destination) = (ipv6(bytes)?, ipv6(bytes)?);
            let ports = (bytes.u16()?, bytes.u16()?);
            connected(source, destination, ports, bytes.u8()?)
        }
        fd_type::IPV4_SERVSOCK => server(ipv4(bytes)?, bytes.u16()?, bytes.u8()?),
        fd_type::IPV6_SERVSOCK => server(ipv6(bytes)?, bytes.u16()?, bytes.u8()?),
        fd_type::UNIX_SOCK => Descriptor::Unix {
            source: bytes.u64()?,
            destination: bytes.u64()?,
            path: bytes.text()?,
        },
        fd_type::FILE_V2 => Descriptor::File {
            open_flags: bytes.u32()?,
            path: bytes.text()?,
            dev: if sized { bytes.u32().ok() } else { None },
        },
        // Falco writes no name for it.
        fd_type::UNKNOWN => Descriptor::Other { kind: type_id, name: b"" },
        _ if type_id <= fd_type::PIDFD => Descriptor::Other { kind: type_id, name: bytes.text()? },
        _ if sized => Descriptor::Other { kind: type_id, name: b"" },
        _ => {
            return Err(RowError::Wrong(format!("descriptor {fd} is of unknown type {type_id}")));
        }
    };
    Ok(DescriptorRow { tid, fd, ino, of })
}

/// Addresses are in network order.
fn ipv4(bytes: &mut Bytes<'_>) -> Result<IpAddr, TooShort> {
    Ok(IpAddr::V4(Ipv4Addr::from(bytes.array::<4>()?)))
}

fn ipv6(bytes: &mut Bytes<'_>) -> Result<IpAddr, TooShort> {
    Ok(IpAddr::V6(Ipv6Addr::from(bytes.array::<16>()?)))
}

fn connected<'a>(
    source: IpAddr,
    destination: IpAddr,
    ports: (u16, u16),
    l4proto: u8,
) -> Descriptor<'a> {
    let source = SocketAddr::new(source, ports.0);
    let destination = SocketAddr::new(destination, ports.1);
    Descriptor::Socket { source, destination, l4proto }
}

fn server<'a>(ip: IpAddr, port: u16, l4proto: u8) -> Descriptor<'a> {
    Descriptor::Server { address: SocketAddr::new(ip, port), l4proto }
}

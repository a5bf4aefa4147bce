//! Rows of the list of network interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::RowError;
use crate::bytes::{Bytes, TooShort};
use crate::format::interface_type::{IPV4, IPV4_NOLINKSPEED, IPV6, IPV6_NOLINKSPEED};

/// An address of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceRow<'a> {
    /// Name of the interface.
    pub name: &'a [u8],
    /// The address.
    pub address: IpAddr,
    /// Mask of its network.
    pub netmask: IpAddr,
    /// Broadcast address.
    pub broadcast: IpAddr,
    /// Bits a second, where the writer knew it.
    pub linkspeed: Option<u64>,
}

impl<'a> InterfaceRow<'a> {
    /// An address of the interface `name`.
    pub fn new(name: &'a [u8], address: IpAddr, netmask: IpAddr, broadcast: IpAddr) -> Self {
        Self { name, address, netmask, broadcast, linkspeed: None }
    }
}

/// Reads a row of a list of version 1 or 2.
pub(crate) fn parse<'a>(bytes: &mut Bytes<'a>, version: u8) -> Result<InterfaceRow<'a>, RowError> {
    if version < 2 {
        return row(bytes);
    }
    // Unlike other rows' lengths, this one does not count itself.
    super::sized(bytes, 0, "interface", row)
}

fn row<'a>(bytes: &mut Bytes<'a>) -> Result<InterfaceRow<'a>, RowError> {
    let (form, name_length) = (bytes.u16()?, bytes.u16()?);
    let read: fn(&mut Bytes<'_>) -> Result<IpAddr, TooShort> = match form {
        IPV4 | IPV4_NOLINKSPEED => |bytes| Ok(IpAddr::V4(Ipv4Addr::from(bytes.array::<4>()?))),
        IPV6 | IPV6_NOLINKSPEED => |bytes| Ok(IpAddr::V6(Ipv6Addr::from(bytes.array::<16>()?))),
        _ => return Err(RowError::Wrong(format!("an interface is of unknown type {form}"))),
    };
    Ok(InterfaceRow {
        address: read(bytes)?,
        netmask: read(bytes)?,
        broadcast: read(bytes)?,
        linkspeed: if matches!(form, IPV4 | IPV6) { Some(bytes.u64()?) } else { None },
        name: bytes.take(name_length.into())?,
    })
}

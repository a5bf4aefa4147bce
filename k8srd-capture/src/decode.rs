//! The bytes of a param as a value. Facts: `driver/ppm_events_public.h` of falcosecurity/libs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use k8srd_core::kind::{ParamInfo, ParamType};
use k8srd_core::value::{Lookup, SocketAddress, SocketTuple, Value};

use crate::bytes::{Bytes, TooShort};
use crate::format::family;

/// The value in these bytes. What was not captured is absent, and so is what makes no sense.
pub(crate) fn value<'a>(param: &ParamInfo, bytes: &'a [u8]) -> Lookup<Value<'a>> {
    Lookup::from(decode(param, bytes))
}

fn decode<'a>(param: &ParamInfo, bytes: &'a [u8]) -> Option<Value<'a>> {
    Some(match param.ty {
        // Nothing is a buffer, too.
        ParamType::Bytes | ParamType::FdList => Value::Bytes(bytes),
        ParamType::StrArray => Value::Str(bytes),
        _ if bytes.is_empty() => return None,
        ParamType::Str | ParamType::Path | ParamType::RelPath => Value::Str(text(bytes)),
        ParamType::SockAddr => Value::Addr(address(bytes)?),
        ParamType::SockTuple => Value::Tuple(tuple(bytes).ok()??),
        ParamType::Ip => Value::Ip(match bytes.len() {
            4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
            16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
            _ => return None,
        }),
        ParamType::Dyn => {
            let (which, bytes) = bytes.split_first()?;
            return decode(param.variants.get(usize::from(*which))?, bytes);
        }
        ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int => {
            Value::I64(signed(bytes)?)
        }
        _ => Value::U64(unsigned(bytes)?),
    })
}

/// Up to the NUL byte that ends it.
fn text(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    // As long as nearly all are.
    match *bytes {
        [a, b, c, d] => return Some(u32::from_le_bytes([a, b, c, d]).into()),
        [a, b, c, d, e, f, g, h] => return Some(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => {}
    }
    let mut all = [0; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(all))
}

fn signed(bytes: &[u8]) -> Option<i64> {
    let unused = 64_u32.checked_sub(8 * u32::try_from(bytes.len()).ok()?)?;
    let value = unsigned(bytes)? as i64;
    value.checked_shl(unused)?.checked_shr(unused)
}

fn address(bytes: &[u8]) -> Option<SocketAddress<'_>> {
    let (&family, rest) = bytes.split_first()?;
    let mut rest = Bytes::new(rest);
    match family {
        family::INET => Some(SocketAddress::Inet(endpoint_v4(&mut rest).ok()?)),
        family::INET6 => Some(SocketAddress::Inet(endpoint_v6(&mut rest).ok()?)),
        family::UNIX => Some(SocketAddress::Unix(unix_path(rest.rest()))),
        other => Some(SocketAddress::Other(other.into())),
    }
}

fn tuple(bytes: &[u8]) -> Result<Option<SocketTuple<'_>>, TooShort> {
    let mut bytes = Bytes::new(bytes);
    Ok(Some(match bytes.u8()? {
        family::INET => SocketTuple::Inet {
            source: endpoint_v4(&mut bytes)?,
            destination: endpoint_v4(&mut bytes)?,
        },
        family::INET6 => SocketTuple::Inet {
            source: endpoint_v6(&mut bytes)?,
            destination: endpoint_v6(&mut bytes)?,
        },
        family::UNIX => SocketTuple::Unix {
            source: bytes.u64()?,
            destination: bytes.u64()?,
            path: unix_path(bytes.rest()),
        },
        _ => return Ok(None),
    }))
}

/// Addresses are in network order, ports are not.
fn endpoint_v4(bytes: &mut Bytes<'_>) -> Result<SocketAddr, TooShort> {
    let ip = Ipv4Addr::from(bytes.array::<4>()?);
    Ok(SocketAddr::new(ip.into(), bytes.u16()?))
}

fn endpoint_v6(bytes: &mut Bytes<'_>) -> Result<SocketAddr, TooShort> {
    let ip = Ipv6Addr::from(bytes.array::<16>()?);
    Ok(SocketAddr::new(ip.into(), bytes.u16()?))
}

/// A NUL byte ends a path, unless it begins an abstract name.
fn unix_path(bytes: &[u8]) -> &[u8] {
    match bytes.split_first() {
        Some((0, name)) if name.first().is_some_and(|&byte| byte != 0) => {
            let end = 1 + text(name).len();
            bytes.get(..end).unwrap_or(bytes)
        }
        _ => text(bytes),
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::{EventKind, KindInfo};

    use super::*;

    fn param(kind: EventKind, name: &str) -> &'static ParamInfo {
        KindInfo::of(kind).unwrap().param(name).unwrap().1
    }

    #[track_caller]
    fn check(kind: u16, name: &str, bytes: &[u8], expected: Option<Value<'_>>) {
        let found = value(param(EventKind(kind), name), bytes).known();
        assert_eq!(found, expected, "{name} {bytes:?}");
    }

    #[test]
    fn numbers_have_the_width_that_they_come_with() {
        check(5, "res", &(-2_i64).to_le_bytes(), Some(Value::I64(-2)));
        check(152, "next", &7_i64.to_le_bytes(), Some(Value::I64(7)));
        check(5, "fd", &(-100_i32).to_le_bytes(), Some(Value::I64(-100)));
        check(199, "uid", &u32::MAX.to_le_bytes(), Some(Value::U64(4_294_967_295)));
        check(7, "size", &[1, 2], Some(Value::U64(513)));
        check(5, "res", &[], None);
        check(5, "res", &[0; 9], None);
    }

    #[test]
    fn texts_end_at_their_nul_byte() {
        check(3, "name", b"/etc/passwd\0", Some(Value::Str(b"/etc/passwd")));
        check(3, "name", b"\0", Some(Value::Str(b"")));
        check(3, "name", b"", None);
        check(7, "data", b"", Some(Value::Bytes(b"")));
        check(293, "args", b"a\0b\0", Some(Value::Bytes(b"a\0b\0")));
    }

    #[test]
    fn sockets_have_ends() {
        let v4 = [2, 127, 0, 0, 1, 0x50, 0, 10, 0, 0, 2, 0xBB, 1];
        let tuple = SocketTuple::Inet {
            source: "127.0.0.1:80".parse().unwrap(),
            destination: "10.0.0.2:443".parse().unwrap(),
        };
        check(23, "tuple", &v4, Some(Value::Tuple(tuple)));
        check(23, "tuple", &v4[..9], None);
        check(23, "tuple", &[99], None);
        let address = SocketAddress::Inet("127.0.0.1:80".parse().unwrap());
        check(23, "addr", &v4[..7], Some(Value::Addr(address)));
        let path = b"\x01/run/x\0rest";
        check(23, "addr", path, Some(Value::Addr(SocketAddress::Unix(b"/run/x"))));
        let name = b"\x01\0abstract\0";
        check(23, "addr", name, Some(Value::Addr(SocketAddress::Unix(b"\0abstract"))));
    }
}

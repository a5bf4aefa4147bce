//! connect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use k8srd_core::value::{SocketAddress, SocketTuple, Value};

use super::{RecordError, View, until_nul};
use crate::abi::{ConnectBody, flag};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const EINPROGRESS: i64 = 115;

#[derive(Clone, Copy, Debug)]
pub(super) struct Connect<'a> {
    pub(super) body: ConnectBody,
    /// The caller's address; `None` if its memory did not give it, or it is too short for its
    /// family.
    address: Option<SocketAddress<'a>>,
    remote_path: &'a [u8],
}

impl<'a> Connect<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<ConnectBody>()?;
        let address = view.part("addr", body.addr)?;
        view.part("local_path", body.local_path)?;
        Ok(Self {
            body,
            address: if view.has(flag::ADDR_FAULT) { None } else { socket_address(address) },
            remote_path: view.part("remote_path", body.remote_path)?,
        })
    }

    pub(super) fn param(&self, place: u8) -> Option<Value<'a>> {
        match place {
            0 => Some(Value::I64(self.body.res)),
            1 => self.tuple().map(Value::Tuple),
            2 => Some(Value::I64(self.body.fd.into())),
            3 => self.address.map(Value::Addr),
            _ => None,
        }
    }

    /// Both ends as the socket has them. As in Falco there are none if the call failed, unless it
    /// goes on in the background; the caller's address stands in for a remote end that the socket
    /// does not have.
    fn tuple(&self) -> Option<SocketTuple<'a>> {
        let body = &self.body;
        if body.res != 0 && body.res != -EINPROGRESS {
            return None;
        }
        match body.family {
            AF_INET | AF_INET6 => {
                let given = match self.address {
                    Some(SocketAddress::Inet(address)) if body.remote_port == 0 => Some(address),
                    _ => None,
                };
                let remote = SocketAddr::new(self.ip(body.remote_addr), body.remote_port);
                Some(SocketTuple::Inet {
                    source: SocketAddr::new(self.ip(body.local_addr), body.local_port),
                    destination: given.unwrap_or(remote),
                })
            }
            AF_UNIX => {
                let path = match self.address {
                    Some(SocketAddress::Unix(path)) if body.peer == 0 => path,
                    _ => self.remote_path,
                };
                Some(SocketTuple::Unix { source: body.sock, destination: body.peer, path })
            }
            _ => None,
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

/// Reads a `struct sockaddr` as the caller gave it.
fn socket_address(bytes: &[u8]) -> Option<SocketAddress<'_>> {
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

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::event::Fields;
    use k8srd_core::field::Key;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::Record;
    use super::*;
    use crate::abi::kind;

    const V4: &[u8] = &[2, 0, 0x1f, 0x90, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];

    fn param(body: &ConnectBody, address: &[u8], flags: u32, place: u8) -> Option<String> {
        let mut record = Record::new(kind::CONNECT).flags(flags);
        let mut body = *body;
        body.addr = record.part(size_of_val(&body), address);
        body.remote_path = record.part(size_of_val(&body), b"/run/peer");
        let record = record.body(body.as_bytes()).build();
        let (event, arena) = (parse(&record).unwrap(), Arena::default());
        event.get(&Key::param(place), &arena).known().map(|value| value.to_string())
    }

    fn inet(res: i64) -> ConnectBody {
        let mut body = ConnectBody::new_zeroed();
        (body.res, body.fd, body.family) = (res, 5, AF_INET);
        (body.local_port, body.remote_port) = (40000, 443);
        body.local_addr[..4].copy_from_slice(&[127, 0, 0, 1]);
        body.remote_addr[..4].copy_from_slice(&[127, 0, 0, 2]);
        body
    }

    #[test]
    fn the_sockets_ends_are_the_truth() {
        let body = inet(0);
        assert_eq!(param(&body, V4, 0, 0).unwrap(), "0");
        assert_eq!(param(&body, V4, 0, 1).unwrap(), "127.0.0.1:40000->127.0.0.2:443");
        assert_eq!(param(&body, V4, 0, 2).unwrap(), "5");
        assert_eq!(param(&body, V4, 0, 3).unwrap(), "10.0.0.7:8080");
    }

    #[test]
    fn a_call_in_progress_has_ends_and_a_failed_one_has_not() {
        assert!(param(&inet(-EINPROGRESS), V4, 0, 1).is_some());
        assert_eq!(param(&inet(-111), V4, 0, 1), None);
        assert_eq!(param(&inet(-111), V4, 0, 3).unwrap(), "10.0.0.7:8080");
    }

    #[test]
    fn the_callers_address_stands_in() {
        let mut body = inet(0);
        body.remote_port = 0;
        assert_eq!(param(&body, V4, 0, 1).unwrap(), "127.0.0.1:40000->10.0.0.7:8080");
        assert_eq!(param(&body, V4, flag::ADDR_FAULT, 1).unwrap(), "127.0.0.1:40000->127.0.0.2:0");
        assert_eq!(param(&body, V4, flag::ADDR_FAULT, 3), None);
    }

    #[test]
    fn ipv6_and_unix() {
        let mut body = inet(0);
        body.family = AF_INET6;
        body.local_addr = Ipv6Addr::LOCALHOST.octets();
        body.remote_addr = Ipv6Addr::LOCALHOST.octets();
        assert_eq!(param(&body, V4, 0, 1).unwrap(), "::1:40000->::1:443");

        let mut v6 = vec![10, 0, 0, 80, 9, 9, 9, 9];
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        assert_eq!(param(&body, &v6, 0, 3).unwrap(), "::1:80");

        (body.family, body.sock, body.peer) = (AF_UNIX, 0xa0, 0xb0);
        assert_eq!(param(&body, b"\x01\0/run/x\0junk", 0, 1).unwrap(), "a0->b0 /run/peer");
        assert_eq!(param(&body, b"\x01\0/run/x\0junk", 0, 3).unwrap(), "/run/x");
        body.peer = 0;
        assert_eq!(param(&body, b"\x01\0\0abstract", 0, 1).unwrap(), "a0->0 \0abstract");
    }

    #[test]
    fn short_and_unknown_addresses() {
        let body = inet(0);
        for short in [&b""[..], b"\x02", b"\x02\0\0\x50\x7f\0\0", b"\x0a\0\0\x50\0\0\0\0\0"] {
            assert_eq!(param(&body, short, 0, 3), None, "{short:?}");
        }
        assert_eq!(param(&body, b"\x01\0", 0, 3).unwrap(), "");
        assert_eq!(param(&body, b"\x10\0\0\0", 0, 3).unwrap(), "family 16");
    }
}

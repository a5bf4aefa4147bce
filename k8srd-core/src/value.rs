//! Values: what a field is worth for one event.

use core::net::{IpAddr, SocketAddr};
use std::fmt;

/// The answer to "what is this field worth?". There is no fourth answer.
///
/// `Pending` is not null: the value exists or may exist, and is on its way (container metadata,
/// for instance). A rule that depends on a pending value is undecided, not false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: three-valued logic has exactly these answers")]
pub enum Lookup<T> {
    /// The value is known.
    Known(T),
    /// There is no value (Falco's null): comparisons with it are false.
    Absent,
    /// The value is on its way.
    Pending,
}

impl<T> Lookup<T> {
    /// The value when it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Pending => None,
        }
    }

    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Known(value) => Lookup::Known(f(value)),
            Self::Absent => Lookup::Absent,
            Self::Pending => Lookup::Pending,
        }
    }

    /// Applies `f` to a known value; `f` may find that there is nothing after all.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Lookup<U>) -> Lookup<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Absent => Lookup::Absent,
            Self::Pending => Lookup::Pending,
        }
    }
}

impl<T> From<Option<T>> for Lookup<T> {
    /// `None` becomes [`Lookup::Absent`].
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }
}

/// A borrowed value.
///
/// Text is bytes: a Linux path or argument need not be UTF-8, and rules compare bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A signed integer: file descriptors, process ids, return values.
    I64(i64),
    /// An unsigned integer: sizes, flags, ports, times and durations in nanoseconds.
    U64(u64),
    /// A floating-point number.
    F64(f64),
    /// Text, in whatever encoding the program used.
    Str(&'a [u8]),
    /// A buffer.
    Bytes(&'a [u8]),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// Both ends of a socket.
    Tuple(SocketTuple<'a>),
    /// One end of a socket.
    Addr(SocketAddress<'a>),
    /// Several values of one type.
    List(&'a [Value<'a>]),
}

impl<'a> Value<'a> {
    /// The bytes of text or of a buffer.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Str(bytes) | Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits in `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I64(n) => Some(n),
            Self::U64(n) => i64::try_from(n).ok(),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits in `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U64(n) => Some(n),
            Self::I64(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedValue {
        match *self {
            Self::Bool(b) => OwnedValue::Bool(b),
            Self::I64(n) => OwnedValue::I64(n),
            Self::U64(n) => OwnedValue::U64(n),
            Self::F64(n) => OwnedValue::F64(n),
            Self::Str(s) => OwnedValue::Str(s.into()),
            Self::Bytes(b) => OwnedValue::Bytes(b.into()),
            Self::Ip(ip) => OwnedValue::Ip(ip),
            Self::Tuple(tuple) => OwnedValue::Str(tuple.to_string().into_bytes().into()),
            Self::Addr(address) => OwnedValue::Str(address.to_string().into_bytes().into()),
            Self::List(values) => OwnedValue::List(values.iter().map(Value::to_owned).collect()),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text.as_bytes())
    }
}

impl fmt::Display for Value<'_> {
    /// As Falco prints a value in an output line; bytes that are not UTF-8 become U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::I64(n) => write!(f, "{n}"),
            Self::U64(n) => write!(f, "{n}"),
            Self::F64(n) => write!(f, "{n:.1}"),
            Self::Str(bytes) | Self::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Tuple(tuple) => write!(f, "{tuple}"),
            Self::Addr(address) => write!(f, "{address}"),
            Self::List(values) => {
                f.write_str("(")?;
                for (i, value) in values.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "," };
                    write!(f, "{separator}{value}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// A value that owns its data: rule constants, alert fields.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OwnedValue {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A floating-point number.
    F64(f64),
    /// Text.
    Str(Box<[u8]>),
    /// A buffer.
    Bytes(Box<[u8]>),
    /// An address.
    Ip(IpAddr),
    /// A network (only ever a rule's constant).
    Net(IpNet),
    /// Several values.
    List(Box<[OwnedValue]>),
}

impl From<&str> for OwnedValue {
    fn from(text: &str) -> Self {
        Self::Str(text.as_bytes().into())
    }
}

/// An IP network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNet {
    address: IpAddr,
    prefix: u8,
}

impl IpNet {
    /// A network of `prefix` leading bits; `None` when there are fewer bits in the address.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Whether `ip` lies in the network. An address of the other family never does.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix);
                let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
                u32::from(net) & mask == u32::from(ip) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix);
                let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
                u128::from(net) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }
}

impl std::str::FromStr for IpNet {
    type Err = ParseIpNetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').ok_or(ParseIpNetError)?;
        let address = address.parse().map_err(|_| ParseIpNetError)?;
        let prefix = prefix.parse().map_err(|_| ParseIpNetError)?;
        Self::new(address, prefix).ok_or(ParseIpNetError)
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The text is not `address/prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network in the form address/prefix, such as 10.0.0.0/8 or fd00::/8")]
pub struct ParseIpNetError;

/// One end of a socket, as a system call named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketAddress<'a> {
    /// IPv4 or IPv6.
    Inet(SocketAddr),
    /// A UNIX socket's path; an abstract name starts with a NUL byte, an unnamed one is empty.
    Unix(&'a [u8]),
    /// A family that is not decoded (`AF_*` number).
    Other(u16),
}

impl fmt::Display for SocketAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => write_endpoint(f, *address),
            Self::Unix(path) => f.write_str(&String::from_utf8_lossy(path)),
            Self::Other(family) => write!(f, "family {family}"),
        }
    }
}

/// Both ends of a socket, source first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketTuple<'a> {
    /// IPv4 or IPv6.
    Inet {
        /// Where the connection comes from: the client for `connect`.
        source: SocketAddr,
        /// Where it goes to: the server for `connect`.
        destination: SocketAddr,
    },
    /// UNIX.
    Unix {
        /// Kernel address of the source socket, 0 if unknown.
        source: u64,
        /// Kernel address of the destination socket, 0 if unknown.
        destination: u64,
        /// Path of the server's socket.
        path: &'a [u8],
    },
}

impl fmt::Display for SocketTuple<'_> {
    /// Falco's form: `sip:sport->dip:dport`, for UNIX sockets `source->destination path` in hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet { source, destination } => {
                write_endpoint(f, *source)?;
                f.write_str("->")?;
                write_endpoint(f, *destination)
            }
            Self::Unix { source, destination, path } => {
                write!(f, "{source:x}->{destination:x} {}", String::from_utf8_lossy(path))
            }
        }
    }
}

/// Falco writes no brackets round an IPv6 address.
fn write_endpoint(f: &mut fmt::Formatter<'_>, address: SocketAddr) -> fmt::Result {
    write!(f, "{}:{}", address.ip(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_only() {
        let inside = |net: &str, ip: &str| {
            net.parse::<IpNet>().unwrap().contains(ip.parse::<IpAddr>().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.255.0.1"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("0.0.0.0/0", "8.8.8.8"));
        assert!(!inside("0.0.0.0/0", "::1"));
        assert!(inside("::/0", "::1"));
        assert!(inside("fd00::/8", "fd12::1"));
        assert!(!inside("fd00::/8", "fe80::1"));
        assert!(inside("1.2.3.4/32", "1.2.3.4"));
        assert!(!inside("1.2.3.4/32", "1.2.3.5"));
    }

    #[test]
    fn malformed_networks_are_refused() {
        for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "/8", "x/8", "10.0.0.0/-1", ""] {
            assert_eq!(text.parse::<IpNet>(), Err(ParseIpNetError), "{text}");
        }
    }

    #[test]
    fn tuples_print_as_in_falco() {
        let tuple = SocketTuple::Inet {
            source: "[::1]:4000".parse().unwrap(),
            destination: "[2001:db8::1]:443".parse().unwrap(),
        };
        assert_eq!(tuple.to_string(), "::1:4000->2001:db8::1:443");
    }
}

//! Values of test events: everything a [`Value`] can be, owned.

use std::net::{IpAddr, SocketAddr};

use k8srd_core::arena::Arena;
use k8srd_core::field::FieldType;
use k8srd_core::kind::ParamType;
use k8srd_core::value::{SocketAddress, SocketTuple, Value};

/// A value to give to a test event.
///
/// Made by `into()` from what a test has at hand; the event turns it into the type that the field
/// or param has, so `.field("fd.num", 3)` and `.field("fd.sip", "10.0.0.1")` say enough.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TestValue {
    /// True or false.
    Bool(bool),
    /// An integer of either sign.
    Int(i128),
    /// A floating-point number.
    Double(f64),
    /// Text or a buffer, not necessarily UTF-8.
    Bytes(Vec<u8>),
    /// An address.
    Ip(IpAddr),
    /// One end of a socket.
    Addr(SocketAddr),
    /// The path of a UNIX socket.
    UnixAddr(Vec<u8>),
    /// Both ends of a socket: source, destination.
    Tuple(SocketAddr, SocketAddr),
    /// The path of a UNIX socket's server, seen from a connection.
    UnixTuple(Vec<u8>),
    /// Several values of one type.
    List(Vec<TestValue>),
}

impl TestValue {
    /// Arguments, environment or cgroups as a param carries them: each ends with a NUL byte.
    pub fn strings<T: AsRef<[u8]>>(all: impl IntoIterator<Item = T>) -> Self {
        let mut bytes = Vec::new();
        for one in all {
            bytes.extend_from_slice(one.as_ref());
            bytes.push(0);
        }
        Self::Bytes(bytes)
    }

    /// The form that a field of type `ty` has; `None` where the value cannot be one. A list is
    /// turned element by element.
    pub(crate) fn for_field(self, ty: FieldType) -> Option<Datum> {
        Some(match (ty, self) {
            (_, Self::List(all)) => {
                Datum::List(all.into_iter().map(|one| one.for_field(ty)).collect::<Option<_>>()?)
            }
            (FieldType::Bool, Self::Bool(b)) => Datum::Bool(b),
            (FieldType::Int, Self::Int(n)) => Datum::I64(n.try_into().ok()?),
            (FieldType::Uint | FieldType::AbsTime | FieldType::RelTime, Self::Int(n)) => {
                Datum::U64(n.try_into().ok()?)
            }
            (FieldType::Port, Self::Int(n)) => Datum::U64(u16::try_from(n).ok()?.into()),
            (FieldType::Double, Self::Double(n)) => Datum::F64(n),
            (FieldType::Double, Self::Int(n)) => Datum::F64(n as f64),
            (FieldType::Str | FieldType::Path, Self::Bytes(bytes)) => Datum::Str(bytes),
            (FieldType::Bytes, Self::Bytes(bytes)) => Datum::Bytes(bytes),
            (FieldType::Ip | FieldType::Net, Self::Ip(ip)) => Datum::Ip(ip),
            (FieldType::Ip | FieldType::Net, Self::Bytes(text)) => {
                Datum::Ip(std::str::from_utf8(&text).ok()?.parse().ok()?)
            }
            (FieldType::Dynamic, value) => value.untyped()?,
            _ => return None,
        })
    }

    /// The form that a param of type `ty` has; `None` where the value cannot be one.
    pub(crate) fn for_param(self, ty: ParamType) -> Option<Datum> {
        use ParamType as P;
        Some(match (ty, self) {
            (P::Errno | P::Fd | P::Pid | P::Int, Self::Int(n)) => Datum::I64(n.try_into().ok()?),
            (P::Uint | P::AbsTime | P::RelTime, Self::Int(n)) => Datum::U64(n.try_into().ok()?),
            (P::Signal | P::CallId | P::Port, Self::Int(n)) => {
                Datum::U64(u16::try_from(n).ok()?.into())
            }
            (P::Flags | P::EnumFlags | P::Mode | P::Uid | P::Gid | P::SignalSet, Self::Int(n)) => {
                Datum::U64(u32::try_from(n).ok()?.into())
            }
            (P::Str | P::Path | P::RelPath, Self::Bytes(bytes)) => Datum::Str(bytes),
            (P::Bytes | P::StrArray | P::FdList, Self::Bytes(bytes)) => Datum::Bytes(bytes),
            (P::Ip, value @ Self::Ip(_)) | (P::Dyn, value) => value.untyped()?,
            (P::SockAddr, value @ (Self::Addr(_) | Self::UnixAddr(_)))
            | (P::SockTuple, value @ (Self::Tuple(..) | Self::UnixTuple(_))) => value.untyped()?,
            _ => return None,
        })
    }

    fn untyped(self) -> Option<Datum> {
        Some(match self {
            Self::Bool(b) => Datum::Bool(b),
            Self::Int(n) => match i64::try_from(n) {
                Ok(n) => Datum::I64(n),
                Err(_) => Datum::U64(n.try_into().ok()?),
            },
            Self::Double(n) => Datum::F64(n),
            Self::Bytes(bytes) => Datum::Str(bytes),
            Self::Ip(ip) => Datum::Ip(ip),
            Self::Addr(address) => Datum::Addr(address),
            Self::UnixAddr(path) => Datum::UnixAddr(path),
            Self::Tuple(source, destination) => Datum::Tuple(source, destination),
            Self::UnixTuple(path) => Datum::UnixTuple(path),
            Self::List(all) => {
                Datum::List(all.into_iter().map(Self::untyped).collect::<Option<_>>()?)
            }
        })
    }
}

macro_rules! from_integers {
    ($($int:ty),*) => {
        $(impl From<$int> for TestValue {
            fn from(n: $int) -> Self {
                Self::Int(n.into())
            }
        })*
    };
}
from_integers!(i8, u8, i16, u16, i32, u32, i64, u64);

impl From<bool> for TestValue {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<f64> for TestValue {
    fn from(n: f64) -> Self {
        Self::Double(n)
    }
}

impl From<&str> for TestValue {
    fn from(text: &str) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<String> for TestValue {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<&[u8]> for TestValue {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<const N: usize> From<&[u8; N]> for TestValue {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<IpAddr> for TestValue {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl From<SocketAddr> for TestValue {
    fn from(address: SocketAddr) -> Self {
        Self::Addr(address)
    }
}

impl From<(SocketAddr, SocketAddr)> for TestValue {
    /// Source and destination.
    fn from((source, destination): (SocketAddr, SocketAddr)) -> Self {
        Self::Tuple(source, destination)
    }
}

impl<T: Into<Self>> From<Vec<T>> for TestValue {
    fn from(all: Vec<T>) -> Self {
        Self::List(all.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for TestValue {
    fn from(all: [T; N]) -> Self {
        Self::List(all.into_iter().map(Into::into).collect())
    }
}

/// A value in the form in which events carry it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Str(Vec<u8>),
    Bytes(Vec<u8>),
    Ip(IpAddr),
    Addr(SocketAddr),
    UnixAddr(Vec<u8>),
    Tuple(SocketAddr, SocketAddr),
    UnixTuple(Vec<u8>),
    List(Vec<Datum>),
}

impl Datum {
    pub(crate) fn value<'a>(&'a self, arena: &'a Arena) -> Value<'a> {
        match self {
            Self::Bool(b) => Value::Bool(*b),
            Self::I64(n) => Value::I64(*n),
            Self::U64(n) => Value::U64(*n),
            Self::F64(n) => Value::F64(*n),
            Self::Str(bytes) => Value::Str(bytes),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Ip(ip) => Value::Ip(*ip),
            Self::Addr(address) => Value::Addr(SocketAddress::Inet(*address)),
            Self::UnixAddr(path) => Value::Addr(SocketAddress::Unix(path)),
            Self::Tuple(source, destination) => {
                Value::Tuple(SocketTuple::Inet { source: *source, destination: *destination })
            }
            // Kernel addresses of sockets are not what tests are about: 0 is "unknown".
            Self::UnixTuple(path) => {
                Value::Tuple(SocketTuple::Unix { source: 0, destination: 0, path })
            }
            Self::List(all) => Value::List(arena.list(all.iter().map(|one| one.value(arena)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_get_their_own_type_or_nothing() {
        let of = |value: TestValue, ty| value.for_field(ty);
        assert_eq!(of(3.into(), FieldType::Int), Some(Datum::I64(3)));
        assert_eq!(of(3.into(), FieldType::Uint), Some(Datum::U64(3)));
        assert_eq!(of((-3).into(), FieldType::Uint), None);
        assert_eq!(of(65_536.into(), FieldType::Port), None);
        assert_eq!(of("::1".into(), FieldType::Ip), Some(Datum::Ip("::1".parse().unwrap())));
        assert_eq!(of("/x".into(), FieldType::Ip), None);
        assert_eq!(of(true.into(), FieldType::Str), None);
        assert_eq!(
            of(["a", "b"].into(), FieldType::Str),
            Some(Datum::List(vec![Datum::Str(b"a".to_vec()), Datum::Str(b"b".to_vec())]))
        );
        assert_eq!(of(TestValue::List(vec!["a".into(), 1.into()]), FieldType::Str), None);
    }

    #[test]
    fn params_get_their_own_type_or_nothing() {
        let tuple = TestValue::from((
            "10.0.0.1:1".parse::<SocketAddr>().unwrap(),
            "10.0.0.2:2".parse().unwrap(),
        ));
        assert!(matches!(tuple.clone().for_param(ParamType::SockTuple), Some(Datum::Tuple(..))));
        assert_eq!(tuple.for_param(ParamType::SockAddr), None);
        assert_eq!(TestValue::from(-2).for_param(ParamType::Errno), Some(Datum::I64(-2)));
        assert_eq!(TestValue::from(1_i64 << 40).for_param(ParamType::Flags), None);
        assert_eq!(
            TestValue::strings(["a", ""]).for_param(ParamType::StrArray),
            Some(Datum::Bytes(b"a\0\0".to_vec()))
        );
    }
}

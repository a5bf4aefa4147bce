//! Values of test events: everything a [`Value`] can be, owned.

use std::net::{IpAddr, SocketAddr};

use k8srd_core::arena::Arena;
use k8srd_core::field::FieldType;
use k8srd_core::kind::{FlagName, ParamInfo, ParamType};
use k8srd_core::value::{SocketAddress, SocketTuple, Value};

/// A value to give to a test event.
///
/// Made by `into()` from what a test has at hand; the event turns it into the type that the field
/// or param has, so `.field("fd.num", 3)` and `.field("fd.sip", "10.0.0.1")` say enough. Params are
/// taken as they are printed, too: flags by name (`"O_RDWR|O_CREAT"`), addresses (`"10.0.0.1:443"`,
/// `"/run/x.sock"`), both ends of a socket (`"10.0.0.5:40000->10.0.0.1:443"`), arguments as a list.
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
            (FieldType::Ip | FieldType::Net, Self::Bytes(text)) => Datum::Ip(read(&text)?),
            (FieldType::Dynamic, value) => value.untyped()?,
            _ => return None,
        })
    }

    /// The form that a param has; `None` where the value cannot be one.
    pub(crate) fn for_param(self, param: &ParamInfo) -> Option<Datum> {
        use ParamType as P;
        let ty = param.ty;
        Some(match (ty, self) {
            (P::Errno | P::Fd | P::Pid | P::Int, Self::Int(n)) => {
                let unused = 64 - 8 * u32::from(param.width).clamp(1, 8);
                let n = i64::try_from(n).ok()?;
                Datum::I64(Some(n).filter(|n| n << unused >> unused == *n)?)
            }
            (
                P::Uint
                | P::AbsTime
                | P::RelTime
                | P::Signal
                | P::CallId
                | P::Port
                | P::Flags
                | P::EnumFlags
                | P::Mode
                | P::Uid
                | P::Gid
                | P::SignalSet,
                Self::Int(n),
            ) => {
                let most = u64::MAX >> (64 - 8 * u32::from(param.width).clamp(1, 8));
                Datum::U64(u64::try_from(n).ok().filter(|n| *n <= most)?)
            }
            (P::Flags | P::EnumFlags | P::Mode, Self::Bytes(names)) => {
                Datum::U64(bits(&names, param.flags)?.into())
            }
            (P::Str | P::Path | P::RelPath, Self::Bytes(bytes)) => Datum::Str(bytes),
            (P::Bytes | P::StrArray | P::FdList, Self::Bytes(bytes)) => Datum::Bytes(bytes),
            (P::Bytes | P::StrArray, Self::List(all)) => {
                let text = |one| if let Self::Bytes(text) = one { Some(text) } else { None };
                let Self::Bytes(all) =
                    Self::strings(all.into_iter().map(text).collect::<Option<Vec<_>>>()?)
                else {
                    return None;
                };
                Datum::Bytes(all)
            }
            (P::Ip, Self::Bytes(text)) => Datum::Ip(read(&text)?),
            (P::SockAddr, Self::Bytes(text)) => match read(&text) {
                Some(address) => Datum::Addr(address),
                None => Datum::UnixAddr(Some(text).filter(|path| is_path(path))?),
            },
            (P::SockTuple, Self::Bytes(text)) => ends(text)?,
            (P::Dyn, value) => {
                let of =
                    |wanted: ParamType| param.variants.iter().find(|variant| variant.ty == wanted);
                match value {
                    // A number without sign where there may be one.
                    Self::Int(n) if n >= 0 && of(P::Uint).is_some() => {
                        Datum::U64(n.try_into().ok()?)
                    }
                    Self::Bytes(bytes) if of(P::Str).is_none() => Datum::Bytes(bytes),
                    value => value.untyped()?,
                }
            }
            (P::Ip, value @ Self::Ip(_))
            | (P::SockAddr, value @ (Self::Addr(_) | Self::UnixAddr(_)))
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
            // Kernel addresses of sockets are seldom what tests are about: 0 is "unknown".
            Self::UnixTuple(path) => Datum::UnixTuple(0, 0, path),
            Self::List(all) => {
                Datum::List(all.into_iter().map(Self::untyped).collect::<Option<_>>()?)
            }
        })
    }
}

/// The bits that names joined by `|` stand for.
pub(crate) fn bits(names: &[u8], known: &[FlagName]) -> Option<u32> {
    let bit = |name: &[u8]| known.iter().find(|(own, _)| own.as_bytes() == name);
    let bits = names.split(|&byte| byte == b'|').map(|name| Some(bit(name)?.1));
    bits.collect::<Option<Vec<_>>>().map(|bits| bits.into_iter().fold(0, |all, bit| all | bit))
}

/// `10.0.0.5:40000->10.0.0.1:443`, `ffff880000000000->0 /run/x.sock`, or the path alone.
pub(crate) fn ends(text: Vec<u8>) -> Option<Datum> {
    let Some(arrow) = text.windows(2).position(|two| two == b"->") else {
        return Some(Datum::UnixTuple(0, 0, Some(text).filter(|path| is_path(path))?));
    };
    let (source, rest) = (&text[..arrow], &text[arrow + 2..]);
    if let (Some(source), Some(destination)) = (read(source), read(rest)) {
        return Some(Datum::Tuple(source, destination));
    }
    let hex = |text| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let path = rest[space + 1..].to_vec();
    Some(Datum::UnixTuple(hex(source)?, hex(&rest[..space])?, path))
}

/// Nothing is the path of a socket that has no name.
fn is_path(text: &[u8]) -> bool {
    matches!(text, [] | [b'/' | b'@' | 0, ..])
}

fn read<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
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
    UnixTuple(u64, u64, Vec<u8>),
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
            Self::UnixTuple(source, destination, path) => {
                Value::Tuple(SocketTuple::Unix { source: *source, destination: *destination, path })
            }
            Self::List(all) => Value::List(arena.list(all.iter().map(|one| one.value(arena)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::KINDS;

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

    #[track_caller]
    fn param(kind: &str, name: &str, value: impl Into<TestValue>) -> Option<Datum> {
        let info = KINDS.iter().find(|info| info.name == kind).unwrap();
        value.into().for_param(info.param(name).unwrap().1)
    }

    #[test]
    fn params_get_their_own_type_or_nothing() {
        let (source, destination) = ("10.0.0.1:1".parse().unwrap(), "[::2]:2".parse().unwrap());
        let tuple = TestValue::Tuple(source, destination);
        assert_eq!(
            param("connect", "tuple", tuple.clone()),
            Some(Datum::Tuple(source, destination))
        );
        assert_eq!(param("connect", "addr", tuple), None);
        assert_eq!(param("close", "res", -2), Some(Datum::I64(-2)));
        assert_eq!(param("openat", "flags", 1_i64 << 40), None, "more than 32 bits");
        assert_eq!(param("listen", "backlog", -129), Some(Datum::I64(-129)));
        assert_eq!(param("listen", "backlog", 1_i64 << 31), None, "more than 32 bits");
        assert_eq!(param("kill", "sig", 256), None, "more than 8 bits");
        let args = Datum::Bytes(b"a\0\0".to_vec());
        assert_eq!(param("execve", "args", TestValue::strings(["a", ""])), Some(args.clone()));
        assert_eq!(param("execve", "args", ["a", ""]), Some(args));
    }

    #[test]
    fn params_are_read_as_they_are_printed() {
        assert_eq!(param("openat", "flags", "O_RDWR|O_CLOEXEC"), Some(Datum::U64(0x1003)));
        assert_eq!(param("openat", "flags", "O_RDWR|O_CLOSE"), None, "no such flag");
        assert_eq!(param("socket", "domain", "AF_INET"), Some(Datum::U64(2)));
        let address = "127.0.0.1:80".parse().unwrap();
        assert_eq!(param("bind", "addr", "127.0.0.1:80"), Some(Datum::Addr(address)));
        assert_eq!(param("bind", "addr", "/run/x"), Some(Datum::UnixAddr(b"/run/x".to_vec())));
        assert_eq!(param("bind", "addr", "127.0.0.1"), None, "no port");
        let to = "[::1]:443".parse().unwrap();
        let both = param("connect", "tuple", "127.0.0.1:80->[::1]:443");
        assert_eq!(both, Some(Datum::Tuple(address, to)));
        let unix = |source, path: &[u8]| Some(Datum::UnixTuple(source, 0, path.to_vec()));
        assert_eq!(param("connect", "tuple", "ff00->0 /run/x"), unix(0xff00, b"/run/x"));
        assert_eq!(param("connect", "tuple", "/run/x"), unix(0, b"/run/x"));
        assert_eq!(param("connect", "tuple", "here->there"), None);
    }

    #[test]
    fn a_param_of_several_types_has_the_one_that_holds_the_value() {
        assert_eq!(param("ptrace", "data", 5), Some(Datum::U64(5)));
        assert_eq!(param("getsockopt", "val", -5), Some(Datum::I64(-5)));
        assert_eq!(param("getsockopt", "val", b"ab"), Some(Datum::Bytes(b"ab".to_vec())));
        assert_eq!(param("keyctl", "arg2", 5), Some(Datum::I64(5)));
        assert_eq!(param("keyctl", "arg2", "user"), Some(Datum::Str(b"user".to_vec())));
    }
}

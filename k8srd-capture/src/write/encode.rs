//! The params of an event as bytes: what `decode` reads, the other way round.

use std::net::{IpAddr, SocketAddr};

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::{EventKind, KindInfo, ParamInfo, ParamType};
use k8srd_core::value::{Lookup, SocketAddress, SocketTuple, Value};

use crate::codes;
use crate::format::family;
use crate::record::RecordBuf;

/// Most bytes of a param whose length has 16 bits.
const MOST: usize = u16::MAX as usize;

impl RecordBuf {
    /// Takes over an event of Falco's schema: header and params, as its kind has them. The thread is
    /// `ctx.tid`, the processor `ctx.cpu`. What is absent or pending is not captured; a text or
    /// buffer is cut at 65535 bytes, unless it is of a kind whose recordings take more.
    ///
    /// False, and no event, for a kind that is not in the table, or is told by rows and not by
    /// events.
    pub fn encode(&mut self, event: &dyn Event, arena: &Arena) -> bool {
        self.encode_kept(event, arena, |_, _| true)
    }

    /// The same with just those params for which `keep` holds.
    pub(super) fn encode_kept(
        &mut self,
        event: &dyn Event,
        arena: &Arena,
        keep: impl Fn(&KindInfo, &ParamInfo) -> bool,
    ) -> bool {
        let kind = event.kind();
        let (Some(info), true) = (KindInfo::of(kind), kind != EventKind::SECTION) else {
            return false;
        };
        let code = kind.falco_code().unwrap_or(kind.0);
        self.begin_for(event, code, arena);
        // What has no code of its own for state is told by a flag.
        self.set_state_only(
            kind.is_state() && KindInfo::of(EventKind(code)).is_some() && code != kind.0,
        );
        let wide = codes::is_large(code);
        for (place, param) in (0..).zip(info.params.iter()) {
            let wanted = keep(info, param);
            self.push_with(|out| {
                let start = out.len();
                match wanted.then(|| event.get(&Key::param(place), arena)) {
                    Some(Lookup::Known(value)) => encode(param, &value, out),
                    // Of a call without an event of its own the kind says which it is.
                    Some(_) if kind.is_call() && param.ty == ParamType::CallId => {
                        out.extend((kind.0 - EventKind::call(0).0).to_le_bytes());
                    }
                    _ => {}
                }
                if !wide {
                    out.truncate(out.len().min(start + MOST));
                }
            });
        }
        true
    }
}

/// Appends the bytes of a value. One that the param's type cannot hold is not captured.
pub(super) fn encode(param: &ParamInfo, value: &Value<'_>, out: &mut Vec<u8>) {
    match (param.ty, value) {
        (ParamType::Str | ParamType::Path | ParamType::RelPath, value) => {
            if let Some(text) = value.as_bytes() {
                // One that is cut still has its end.
                let text = text.get(..MOST - 1).unwrap_or(text);
                out.extend(text.iter().take_while(|&&byte| byte != 0));
                out.push(0);
            }
        }
        (ParamType::Bytes | ParamType::FdList | ParamType::StrArray, value) => {
            out.extend_from_slice(value.as_bytes().unwrap_or_default());
        }
        (ParamType::SockAddr, Value::Addr(address)) => encode_address(*address, out),
        (ParamType::SockTuple, Value::Tuple(tuple)) => encode_tuple(*tuple, out),
        (ParamType::Ip, Value::Ip(IpAddr::V4(ip))) => out.extend(ip.octets()),
        (ParamType::Ip, Value::Ip(IpAddr::V6(ip))) => out.extend(ip.octets()),
        (ParamType::Dyn, value) => {
            // The widest of those that hold it.
            let holds = |variant: &&ParamInfo| match (variant.ty, value) {
                (ParamType::Bytes | ParamType::Str, Value::Str(_) | Value::Bytes(_)) => true,
                (ParamType::RelTime, _) => false,
                (ty, Value::I64(_)) => is_signed(ty),
                (ty, Value::U64(_)) => variant.width > 0 && !is_signed(ty),
                _ => false,
            };
            let places = (0_u8..).zip(param.variants);
            let best = places.filter(|(_, it)| holds(it)).max_by_key(|(_, it)| it.width);
            if let Some((place, variant)) = best {
                out.push(place);
                encode(variant, value, out);
            }
        }
        (ty, Value::I64(_) | Value::U64(_) | Value::Bool(_)) if param.width > 0 => {
            number(value, is_signed(ty), param.width, out);
        }
        _ => {}
    }
}

fn is_signed(ty: ParamType) -> bool {
    matches!(ty, ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int)
}

/// A number in as many bytes as the table says; one that does not fit is the nearest that does.
fn number(value: &Value<'_>, signed: bool, width: u8, out: &mut Vec<u8>) {
    let number = match *value {
        Value::I64(number) => i128::from(number),
        Value::U64(number) => i128::from(number),
        Value::Bool(flag) => flag.into(),
        _ => 0,
    };
    let bits = 8 * u32::from(width.min(8));
    let (least, most) = match signed {
        true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
        false => (0, (1_i128 << bits) - 1),
    };
    let bytes = number.clamp(least, most).to_le_bytes();
    out.extend_from_slice(bytes.get(..width.into()).unwrap_or(&bytes));
}

fn encode_address(address: SocketAddress<'_>, out: &mut Vec<u8>) {
    match address {
        SocketAddress::Inet(address) => {
            out.push(if address.is_ipv4() { family::INET } else { family::INET6 });
            endpoint(address, address.is_ipv4(), out);
        }
        SocketAddress::Unix(path) => {
            out.push(family::UNIX);
            unix_path(path, out);
        }
        // Only its number is known.
        SocketAddress::Other(family) => out.extend(u8::try_from(family)),
        _ => {}
    }
}

fn encode_tuple(tuple: SocketTuple<'_>, out: &mut Vec<u8>) {
    match tuple {
        SocketTuple::Inet { source, destination } => {
            let v4 = source.is_ipv4() && destination.is_ipv4();
            out.push(if v4 { family::INET } else { family::INET6 });
            endpoint(source, v4, out);
            endpoint(destination, v4, out);
        }
        SocketTuple::Unix { source, destination, path } => {
            out.push(family::UNIX);
            out.extend(source.to_le_bytes());
            out.extend(destination.to_le_bytes());
            unix_path(path, out);
        }
        _ => {}
    }
}

/// The address in network order, the port not. A mixed pair is told as IPv6.
fn endpoint(address: SocketAddr, v4: bool, out: &mut Vec<u8>) {
    match address.ip() {
        IpAddr::V4(ip) if v4 => out.extend(ip.octets()),
        IpAddr::V4(ip) => out.extend(ip.to_ipv6_mapped().octets()),
        IpAddr::V6(ip) => out.extend(ip.octets()),
    }
    out.extend(address.port().to_le_bytes());
}

/// A path or an abstract name, and the NUL byte that ends it.
fn unix_path(path: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(path);
    out.push(0);
}

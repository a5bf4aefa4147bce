//! Values as the reference evaluator compares them: copied, and text without what C does not see.

use std::cmp::Ordering;
use std::net::IpAddr;

use k8srd_core::value::{OwnedValue, Value};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Vec<u8>),
    Buffer(Vec<u8>),
    Ip(IpAddr),
    /// As it prints.
    Net(String),
}

impl Plain {
    pub(super) fn text(bytes: &[u8]) -> Self {
        Self::Text(bytes.split(|&byte| byte == 0).next().unwrap_or(bytes).to_vec())
    }

    /// Each value of a list, or the one.
    pub(super) fn all_of(value: &Value<'_>) -> Vec<Self> {
        match value {
            Value::List(all) => all.iter().map(Self::of).collect(),
            one => vec![Self::of(one)],
        }
    }

    fn of(value: &Value<'_>) -> Self {
        match *value {
            Value::Bool(b) => Self::Bool(b),
            Value::I64(n) => Self::Int(n.into()),
            Value::U64(n) => Self::Int(n.into()),
            Value::F64(n) => Self::Float(n),
            Value::Str(text) => Self::text(text),
            Value::Bytes(bytes) => Self::Buffer(bytes.to_vec()),
            Value::Ip(ip) => Self::Ip(ip),
            ref other => panic!("{other:?} is compared with nothing"),
        }
    }

    pub(super) fn of_constant(constant: &OwnedValue) -> Self {
        match constant {
            OwnedValue::Bool(b) => Self::Bool(*b),
            OwnedValue::I64(n) => Self::Int((*n).into()),
            OwnedValue::U64(n) => Self::Int((*n).into()),
            OwnedValue::F64(n) => Self::Float(*n),
            OwnedValue::Str(text) => Self::text(text),
            OwnedValue::Bytes(bytes) => Self::Buffer(bytes.to_vec()),
            OwnedValue::Ip(ip) => Self::Ip(*ip),
            OwnedValue::Net(net) => Self::Net(net.to_string()),
            other => panic!("{other:?} is no constant"),
        }
    }

    /// A constant's text, read as a value of the same type as `other`.
    pub(super) fn like(&self, other: &Self) -> Option<Self> {
        let Self::Text(bytes) = self else { return Some(self.clone()) };
        let text = || std::str::from_utf8(bytes).ok();
        match other {
            Self::Bool(_) => text()?.parse().ok().map(Self::Bool),
            Self::Int(_) => {
                let text = text()?;
                let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
                match hex {
                    Some(digits) if digits.starts_with(['+', '-']) => None,
                    Some(digits) => i128::from_str_radix(digits, 16).ok().map(Self::Int),
                    None => text.parse().ok().map(Self::Int),
                }
            }
            Self::Ip(_) => text()?.parse().ok().map(Self::Ip),
            Self::Text(_) => Some(self.clone()),
            Self::Buffer(_) => Some(Self::Buffer(bytes.clone())),
            Self::Float(_) | Self::Net(_) => None,
        }
    }

    /// `None` where the two are of different types.
    pub(super) fn equal(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a == b),
            // What is no number differs from all.
            (Self::Float(a), Self::Float(b)) => Some(a == b),
            (Self::Ip(a), Self::Ip(b)) => Some(a == b),
            (Self::Ip(ip), Self::Net(net)) => Some(net_contains(net, *ip)),
            (Self::Buffer(a), Self::Buffer(b)) => Some(a == b),
            _ => self.order(other).map(|order| order == Ordering::Equal),
        }
    }

    /// `None` where the two are of different types, or of one without order.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// What an operator on text or bytes sees.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) | Self::Buffer(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value as the text of a list's element.
    pub(super) fn written(&self) -> Vec<u8> {
        match self {
            Self::Text(bytes) | Self::Buffer(bytes) => bytes.clone(),
            Self::Bool(b) => b.to_string().into_bytes(),
            Self::Int(n) => n.to_string().into_bytes(),
            Self::Float(n) => n.to_string().into_bytes(),
            Self::Ip(ip) => ip.to_string().into_bytes(),
            Self::Net(net) => net.clone().into_bytes(),
        }
    }
}

/// Membership by the network's text, bit by bit: on purpose not the way the value type does it.
fn net_contains(net: &str, ip: IpAddr) -> bool {
    let (address, prefix) = net.split_once('/').expect("a network prints as address/prefix");
    let address: IpAddr = address.parse().expect("a network prints its address");
    let prefix: usize = prefix.parse().expect("a network prints its prefix");
    let (net_bits, ip_bits) = (bits(address), bits(ip));
    net_bits.len() == ip_bits.len() && net_bits[..prefix] == ip_bits[..prefix]
}

fn bits(ip: IpAddr) -> Vec<bool> {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
}

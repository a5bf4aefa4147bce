//! What stands before IP: the header of the link. Facts: the list of link types of tcpdump.org.

use etherparse::EtherType;

use super::passed::Passed;

/// The link that a packet was captured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Ethernet,
    /// What Linux gives for `-i any`.
    Cooked,
    /// The same, version 2.
    Cooked2,
    /// Nothing before IP.
    Raw,
    /// A family, in the byte order of the machine or of the network.
    Loopback,
}

/// Bytes of an Ethernet header's addresses.
const ADDRESSES: usize = 12;
/// Most tags of virtual networks before IP.
const TAGS: usize = 4;

impl Link {
    /// What [`of`](Self::of) knows, for those who have something else.
    pub(super) const READ: &'static str = "Ethernet (1), Linux cooked (113, 276), raw IP (12, 14, 101, 228, 229), and BSD loopback \
         (0, 108)";

    /// By its number in files.
    pub(super) fn of(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            113 => Self::Cooked,
            276 => Self::Cooked2,
            12 | 14 | 101 | 228 | 229 => Self::Raw,
            0 | 108 => Self::Loopback,
            _ => return None,
        })
    }

    /// The packet of IP within.
    pub(super) fn ip(self, data: &[u8]) -> Result<&[u8], Passed> {
        match self {
            Self::Ethernet => typed(data.get(ADDRESSES..).ok_or(Passed::Cut)?),
            // The type stands at the end of 16 bytes.
            Self::Cooked => typed(data.get(14..).ok_or(Passed::Cut)?),
            // And here at the beginning of 20.
            Self::Cooked2 => {
                let (kind, rest) = split_type(data).ok_or(Passed::Cut)?;
                of_type(kind, rest.get(18..).ok_or(Passed::Cut)?)
            }
            Self::Raw => Ok(data),
            Self::Loopback => {
                let (family, ip) = data.split_first_chunk::<4>().ok_or(Passed::Cut)?;
                let family = u32::from_be_bytes(*family);
                let is_ip = |family| matches!(family, 2 | 10 | 24 | 28 | 30);
                let known = is_ip(family) || is_ip(family.swap_bytes());
                if known { Ok(ip) } else { Err(Passed::NotIp) }
            }
        }
    }
}

/// What stands behind a type, and behind tags.
fn typed(bytes: &[u8]) -> Result<&[u8], Passed> {
    let (kind, rest) = split_type(bytes).ok_or(Passed::Cut)?;
    of_type(kind, rest)
}

fn of_type(mut kind: u16, mut rest: &[u8]) -> Result<&[u8], Passed> {
    const TAGGED: [EtherType; 3] = [
        EtherType::VLAN_TAGGED_FRAME,
        EtherType::PROVIDER_BRIDGING,
        EtherType::VLAN_DOUBLE_TAGGED_FRAME,
    ];
    let mut tags = 0;
    while TAGGED.contains(&EtherType(kind)) {
        tags += 1;
        if tags > TAGS {
            return Err(Passed::Malformed("malformed: too many VLAN tags"));
        }
        (kind, rest) = rest.get(2..).and_then(split_type).ok_or(Passed::Cut)?;
    }
    match EtherType(kind) {
        EtherType::IPV4 | EtherType::IPV6 => Ok(rest),
        _ => Err(Passed::NotIp),
    }
}

fn split_type(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (kind, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*kind), rest))
}

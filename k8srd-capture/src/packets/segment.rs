//! What a packet of IP carries: a segment of TCP or a datagram of UDP.

use std::net::SocketAddr;

use etherparse::err::ip::{HeaderError, LaxHeaderSliceError};
use etherparse::err::ipv6_exts::HeaderSliceError;
use etherparse::{Ipv6ExtensionSlice, LaxIpSlice, ip_number};

use super::passed::Passed;

/// What one end sent to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) transport: Transport,
    /// What was captured of the data.
    pub(super) payload: &'a [u8],
    /// How long the data was.
    pub(super) length: u32,
}

/// The protocol, with what its header tells besides ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp(Tcp),
    Udp,
}

/// Of a TCP header what says where in a connection it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tcp {
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) syn: bool,
    pub(super) ack: bool,
    pub(super) rst: bool,
}

impl<'a> Segment<'a> {
    /// Reads a packet of IP, of which there were `length` bytes.
    pub(super) fn of(ip: &'a [u8], length: u32) -> Result<Self, Passed> {
        let (packet, stopped) = LaxIpSlice::from_slice(ip).map_err(of_ip)?;
        match stopped {
            None => {}
            Some((HeaderSliceError::Len(_), _)) => return Err(Passed::Cut),
            Some((HeaderSliceError::Content(_), _)) => {
                return Err(Passed::Malformed("malformed: extension headers of IP"));
            }
        }
        if is_later_fragment(&packet) {
            return Err(Passed::LaterFragment);
        }
        let carried = packet.payload();
        // What IP says of its length holds, where it says any (a network card may fill it in), and
        // not that of the frame, which may be filled up.
        let headers = match &packet {
            LaxIpSlice::Ipv4(ip) => {
                let authentication = ip.extensions().auth.map_or(0, |header| header.slice().len());
                ip.header().slice().len() + authentication
            }
            LaxIpSlice::Ipv6(ip) => ip.header().slice().len() + ip.extensions().slice().len(),
        };
        let told = match &packet {
            LaxIpSlice::Ipv4(ip) => u32::from(ip.header().total_len()),
            LaxIpSlice::Ipv6(ip) => match ip.header().payload_length() {
                0 => 0,
                length => u32::from(length) + ip.header().slice().len() as u32,
            },
        };
        let whole = if told == 0 { length } else { told };
        let Some(length) = whole.checked_sub(headers as u32) else {
            return Err(Passed::Malformed("malformed: IP is shorter than its headers"));
        };
        let (ports, transport, header, length) = match carried.ip_number {
            ip_number::TCP => tcp(carried.payload, length)?,
            ip_number::UDP => udp(carried.payload, length, carried.fragmented)?,
            _ => return Err(Passed::OtherTransport),
        };
        let payload = carried.payload.get(header..).unwrap_or_default();
        let payload = payload.get(..length as usize).unwrap_or(payload);
        Ok(Self {
            source: SocketAddr::new(packet.source_addr(), ports.0),
            destination: SocketAddr::new(packet.destination_addr(), ports.1),
            transport,
            payload,
            length,
        })
    }
}

fn of_ip(error: LaxHeaderSliceError) -> Passed {
    match error {
        LaxHeaderSliceError::Len(_) => Passed::Cut,
        LaxHeaderSliceError::Content(HeaderError::UnsupportedIpVersion { .. }) => {
            Passed::Malformed("malformed: version of IP")
        }
        LaxHeaderSliceError::Content(_) => Passed::Malformed("malformed: header of IP"),
    }
}

fn is_later_fragment(packet: &LaxIpSlice<'_>) -> bool {
    match packet {
        LaxIpSlice::Ipv4(ip) => ip.header().fragments_offset().value() > 0,
        LaxIpSlice::Ipv6(ip) => ip.extensions().clone().into_iter().any(|header| {
            matches!(header, Ipv6ExtensionSlice::Fragment(part) if part.fragment_offset().value() > 0)
        }),
    }
}

/// Ports, what the header says, how long it is, and how long the data was.
type Read = ((u16, u16), Transport, usize, u32);

/// Reads the fixed part, which is all that is needed: a capture may be cut within the options.
fn tcp(bytes: &[u8], length: u32) -> Result<Read, Passed> {
    let header = bytes.first_chunk::<20>().ok_or(Passed::Cut)?;
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, ..] = *header;
    let header = usize::from(offset >> 4) * 4;
    let length = length.checked_sub(header as u32).filter(|_| header >= 20);
    let length = length.ok_or(Passed::Malformed("malformed: length of TCP's header"))?;
    let has = |flag: u8| flags & flag != 0;
    let tcp = Tcp {
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
        syn: has(0x02),
        ack: has(0x10),
        rst: has(0x04),
    };
    let ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    Ok((ports, Transport::Tcp(tcp), header, length))
}

/// The first fragment tells how long all of it is.
fn udp(bytes: &[u8], length: u32, is_fragment: bool) -> Result<Read, Passed> {
    const HEADER: u32 = 8;
    let header = bytes.first_chunk::<8>().ok_or(Passed::Cut)?;
    let [s0, s1, d0, d1, l0, l1, ..] = *header;
    let length = match u32::from(u16::from_be_bytes([l0, l1])) {
        // Longer than the number can tell.
        0 => length,
        told if told <= length || is_fragment => told,
        _ => return Err(Passed::Malformed("malformed: length of UDP")),
    };
    let length = length.checked_sub(HEADER);
    let length = length.ok_or(Passed::Malformed("malformed: length of UDP"))?;
    let ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    Ok((ports, Transport::Udp, HEADER as usize, length))
}

//! Packet captures, byte by byte.

use std::net::{IpAddr, SocketAddr};

/// A byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

pub(crate) use Order::{Big, Little};

impl Order {
    pub(crate) fn u16(self, n: u16) -> [u8; 2] {
        if self == Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(crate) fn u32(self, n: u32) -> [u8; 4] {
        if self == Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(crate) fn u64(self, n: u64) -> [u8; 8] {
        if self == Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(crate) fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|&word| self.u32(word)).collect()
    }
}

pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// Ethernet.
pub(crate) const ETHERNET: u32 = 1;

pub(crate) fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A packet of IP with a segment of TCP, its header 24 bytes long.
pub(crate) fn tcp(
    from: &str,
    to: &str,
    flags: u8,
    sequence: u32,
    ack: u32,
    data: &[u8],
) -> Vec<u8> {
    let (from, to) = (end(from), end(to));
    let mut segment = Vec::new();
    segment.extend(from.port().to_be_bytes());
    segment.extend(to.port().to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    segment.extend([6 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    // An option: the longest segment.
    segment.extend([2, 4, 5, 180]);
    segment.extend(data);
    ip(from.ip(), to.ip(), 6, &segment)
}

/// A packet of IP with a datagram of UDP.
pub(crate) fn udp(from: &str, to: &str, data: &[u8]) -> Vec<u8> {
    let (from, to) = (end(from), end(to));
    let mut datagram = Vec::new();
    datagram.extend(from.port().to_be_bytes());
    datagram.extend(to.port().to_be_bytes());
    datagram.extend((8 + data.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    ip(from.ip(), to.ip(), 17, &datagram)
}

/// A packet of IP of either version.
pub(crate) fn ip(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    let mut packet = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + length).to_be_bytes());
            header.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
            header.extend(from.octets());
            header.extend(to.octets());
            header
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(length.to_be_bytes());
            header.extend([protocol, 64]);
            header.extend(from.octets());
            header.extend(to.octets());
            header
        }
        _ => unreachable!("both ends of one version"),
    };
    packet.extend(payload);
    packet
}

/// In a frame of Ethernet, of which the shortest are filled up.
pub(crate) fn ethernet(ip: &[u8]) -> Vec<u8> {
    tagged(&[], ip)
}

/// The same with tags of these types before the type of what it carries.
pub(crate) fn tagged(tags: &[u16], ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 7]);
    }
    frame.extend(type_of(ip).to_be_bytes());
    frame.extend(ip);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// What stands in a link's header for a packet of IP.
pub(crate) fn type_of(ip: &[u8]) -> u16 {
    if ip.first() == Some(&0x45) { 0x0800 } else { 0x86DD }
}

/// A handshake, a question, its answer: what a browser does.
pub(crate) fn conversation(client: &str, server: &str) -> Vec<Vec<u8>> {
    vec![
        tcp(client, server, SYN, 1000, 0, b""),
        tcp(server, client, SYN | ACK, 5000, 1001, b""),
        tcp(client, server, ACK, 1001, 5001, b""),
        tcp(client, server, ACK, 1001, 5001, b"GET /secret"),
        tcp(server, client, ACK, 5001, 1012, b"200 OK"),
    ]
}

/// 2023-11-14T22:13:20Z.
pub(crate) const TIME: u32 = 1_700_000_000;

/// A .pcap whose packets came a second and a unit after each other.
pub(crate) fn pcap(order: Order, magic: u32, link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = order.words(&[magic]);
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend(order.words(&[0, 0, 262_144, link]));
    for (n, frame) in (0..).zip(frames) {
        let length = frame.len() as u32;
        file.extend(order.words(&[TIME + n, n, length, length]));
        file.extend(frame);
    }
    file
}

pub(crate) const MICROSECONDS: u32 = 0xA1B2_C3D4;
pub(crate) const NANOSECONDS: u32 = 0xA1B2_3C4D;

/// The usual .pcap of these packets of IP.
pub(crate) fn usual(packets: &[Vec<u8>]) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = packets.iter().map(|ip| ethernet(ip)).collect();
    pcap(Little, MICROSECONDS, ETHERNET, &frames)
}

/// A block of a .pcapng.
pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let total = 12 + body.len() as u32;
    let mut block = order.words(&[kind, total]);
    block.extend(body);
    block.extend(order.u32(total));
    block
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    let mut body = order.words(&[0x1A2B_3C4D]);
    body.extend(order.u16(1));
    body.extend(order.u16(0));
    body.extend(order.u64(u64::MAX));
    block(order, 0x0A0D_0D0A, &body)
}

/// An interface with options: code and value.
pub(crate) fn interface(order: Order, link: u16, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = order.u16(link).to_vec();
    body.extend(order.u16(0));
    body.extend(order.u32(0));
    for (code, value) in options {
        body.extend(order.u16(*code));
        body.extend(order.u16(value.len() as u16));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    if !options.is_empty() {
        body.extend([0; 4]);
    }
    block(order, 1, &body)
}

/// A packet as it is written today.
pub(crate) fn enhanced(order: Order, interface: u32, units: u64, frame: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut body = order.words(&[interface, (units >> 32) as u32, units as u32, length, length]);
    body.extend(frame);
    block(order, 6, &body)
}

/// A packet without a time.
pub(crate) fn simple(order: Order, frame: &[u8]) -> Vec<u8> {
    let mut body = order.words(&[frame.len() as u32]);
    body.extend(frame);
    block(order, 3, &body)
}

/// A packet as it was written once.
pub(crate) fn obsolete(order: Order, interface: u16, units: u64, frame: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut body = order.u16(interface).to_vec();
    body.extend(order.u16(0));
    body.extend(order.words(&[(units >> 32) as u32, units as u32, length, length]));
    body.extend(frame);
    block(order, 2, &body)
}

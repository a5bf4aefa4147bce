//! What packets become, whichever file and link they come from.
#![cfg(feature = "pcap")]
#![forbid(unsafe_code)]

mod packet;
mod sample;
mod total;

use std::error::Error as _;
use std::io::{Cursor, Write as _};
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{PacketCapture, PacketOptions, PacketReport, Recording};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::KindInfo;
use k8srd_core::loss::LossReason;
use k8srd_core::source::{Flow, Source as _};
use k8srd_core::value::Value;

use packet::*;

const CLIENT: &str = "10.0.0.5:50000";
const SERVER: &str = "93.184.216.34:443";

/// One line an event: the packet's number, who did it, kind, params; `new` where the flow is.
fn line(event: &dyn Event) -> String {
    let arena = Arena::default();
    let get = |key: Key| event.get(&key, &arena).known();
    let info = KindInfo::of(event.kind()).unwrap();
    let is = |id| get(Key::of(id)) == Some(Value::Bool(true));
    let mut line = get(Key::of(field::CTX_NUMBER)).unwrap().to_string();
    line += if is(field::FD_IS_SERVER) { " server " } else { " client " };
    line += &info.name;
    for (place, param) in (0..).zip(&*info.params) {
        match get(Key::param(place)) {
            Some(Value::Addr(address)) => line += &format!(" {}={address}", param.name),
            Some(value) => line += &format!(" {}={value}", param.name),
            None => {}
        }
    }
    if is(field::FD_NAME_CHANGED) { line + " new" } else { line }
}

/// What came of a capture.
struct Read {
    lines: Vec<String>,
    times: Vec<u64>,
    report: PacketReport,
    error: Option<String>,
    malformed: u64,
}

fn read_with(bytes: Vec<u8>, options: PacketOptions) -> Read {
    let mut capture = PacketCapture::new(Cursor::new(bytes), options).unwrap();
    let (mut lines, mut times) = (Vec::new(), Vec::new());
    let error = loop {
        let read = capture.read(Duration::ZERO, &mut |event| {
            lines.push(line(event));
            times.push(event.time().as_nanos());
            ControlFlow::Continue(())
        });
        match read {
            Ok(Flow::More) => {}
            Ok(Flow::End) => break None,
            Err(error) => break Some(error.source().unwrap().to_string()),
        }
    };
    let losses = capture.losses();
    let account = &losses.streams["packets"];
    let malformed = account.lost.get(&LossReason::Malformed).copied().unwrap_or_default();
    let report = capture.report();
    assert_eq!(account.produced, account.processed + malformed);
    assert_eq!((account.produced, lines.len() as u64), (report.packets(), report.events()));
    Read { lines, times, report, error, malformed }
}

fn read(bytes: Vec<u8>) -> Read {
    read_with(bytes, PacketOptions::default())
}

#[track_caller]
fn check(packets: &[Vec<u8>], expected: &[&str]) -> PacketReport {
    let read = read(usual(packets));
    assert_eq!((read.lines, read.error), (lines(expected), None));
    read.report
}

fn lines(expected: &[&str]) -> Vec<String> {
    expected.iter().map(|line| (*line).to_owned()).collect()
}

/// What [`conversation`] becomes.
fn told(client: &str, server: &str) -> Vec<String> {
    // Falco writes no brackets.
    let [client, server] = [client, server].map(|end| end.replace(['[', ']'], ""));
    vec![
        format!("2 client connect res=0 tuple={client}->{server} addr={server} new"),
        format!("3 server accept4 tuple={client}->{server} new"),
        format!("4 client sendto res=11 data=GET /secret size=11 tuple={client}->{server}"),
        format!("5 server sendto res=6 data=200 OK size=6 tuple={server}->{client}"),
    ]
}

#[test]
fn a_connection_is_made_accepted_and_used() {
    for (client, server) in [(CLIENT, SERVER), ("[fd00::9]:50000", "[fd00::2]:443")] {
        let read = read(usual(&conversation(client, server)));
        assert_eq!(read.lines, told(client, server));
        assert_eq!(read.report.passed_over().len(), 0);
    }
}

#[test]
fn every_form_of_pcap_gives_the_same() {
    let frames: Vec<_> = conversation(CLIENT, SERVER).iter().map(|ip| ethernet(ip)).collect();
    for order in [Little, Big] {
        for (magic, unit) in [(MICROSECONDS, 1_000), (NANOSECONDS, 1)] {
            let read = read(pcap(order, magic, ETHERNET, &frames));
            assert_eq!(read.lines, told(CLIENT, SERVER), "{order:?} {magic:#x}");
            let time = |n: u64| (u64::from(TIME) + n) * 1_000_000_000 + n * unit;
            assert_eq!(read.times, [time(1), time(2), time(3), time(4)]);
        }
    }
    // Patched: each record's header is longer.
    let mut file = pcap(Little, 0xA1B2_CD34, ETHERNET, &[]);
    for frame in &frames {
        file.extend(Little.words(&[TIME, 0, frame.len() as u32, frame.len() as u32, 3, 0]));
        file.extend(frame);
    }
    assert_eq!(read(file).lines, told(CLIENT, SERVER));
}

#[test]
fn gzip_is_no_difference() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&usual(&conversation(CLIENT, SERVER))).unwrap();
    assert_eq!(read(packed.finish().unwrap()).lines, told(CLIENT, SERVER));
}

#[test]
fn interfaces_have_clocks_and_links_of_their_own() {
    let packets = conversation(CLIENT, SERVER);
    for order in [Little, Big] {
        let mut file = section(order);
        let offset = order.u64(TIME.into());
        file.extend(interface(order, 1, &[(2, b"eth0"), (9, &[9]), (14, &offset)]));
        file.extend(interface(order, 101, &[(9, &[0x8A])]));
        file.extend(block(order, 5, &[0; 16]));
        file.extend(enhanced(order, 0, 1_000_000_001, &ethernet(&packets[0])));
        file.extend(enhanced(order, 1, u64::from(TIME) << 10 | 512, &packets[1]));
        file.extend(obsolete(order, 0, 7, &ethernet(&packets[2])));
        file.extend(simple(order, &ethernet(&packets[3])));
        // Another section, in the other order, whose interfaces are others.
        let other = if order == Big { Little } else { Big };
        file.extend(section(other));
        file.extend(interface(other, 101, &[]));
        file.extend(enhanced(other, 0, u64::from(TIME) * 1_000_000 + 5, &packets[4]));
        let read = read(file);
        assert_eq!((read.lines, read.error), (told(CLIENT, SERVER), None), "{order:?}");
        let start = u64::from(TIME) * 1_000_000_000;
        assert_eq!(read.times, [start + 500_000_000, start + 7, start + 7, start + 5_000]);
    }
}

#[test]
fn every_link_gives_the_same() {
    let cooked = |ip: &[u8]| [&[0; 14][..], &type_of(ip).to_be_bytes(), ip].concat();
    let cooked2 = |ip: &[u8]| [&type_of(ip).to_be_bytes()[..], &[0; 18], ip].concat();
    for (client, server, families) in
        [(CLIENT, SERVER, &[2_u32][..]), ("[fd00::9]:50000", "[fd00::2]:443", &[10, 24, 28, 30])]
    {
        let packets = conversation(client, server);
        let of = |link: u32, frame: &dyn Fn(&[u8]) -> Vec<u8>| {
            let frames: Vec<_> = packets.iter().map(|ip| frame(ip)).collect();
            let read = read(pcap(Little, MICROSECONDS, link, &frames));
            assert_eq!((read.lines, read.error), (told(client, server), None), "{link}");
        };
        of(1, &ethernet);
        of(1, &|ip| tagged(&[0x8100], ip));
        of(1, &|ip| tagged(&[0x88A8, 0x8100], ip));
        of(113, &cooked);
        of(276, &cooked2);
        for raw in [12, 14, 101, 228, 229] {
            of(raw, &|ip| ip.to_vec());
        }
        for family in families {
            of(0, &|ip| [&family.to_le_bytes()[..], ip].concat());
            of(0, &|ip| [&family.to_be_bytes()[..], ip].concat());
            of(108, &|ip| [&family.to_be_bytes()[..], ip].concat());
        }
        // With the length of a checksum behind each frame.
        of(1 | 0x2400_0000, &|ip| [ethernet(ip), vec![9; 4]].concat());
    }
}

#[test]
fn a_link_that_is_not_read_is_named() {
    let read = read(pcap(Little, MICROSECONDS, 189, &[vec![0; 64]]));
    assert_eq!(
        read.error.unwrap(),
        "block 1 at byte 24: packets of link type 189 cannot be read, only those of Ethernet (1), \
         Linux cooked (113, 276), raw IP (12, 14, 101, 228, 229), and BSD loopback (0, 108)"
    );
}

#[test]
fn a_refused_connection_is_a_connect_that_failed() {
    let report = check(
        &[
            tcp(CLIENT, SERVER, SYN, 1000, 0, b""),
            tcp(SERVER, CLIENT, RST | ACK, 0, 4711, b""),
            tcp(SERVER, CLIENT, RST | ACK, 0, 1001, b""),
            tcp(SERVER, CLIENT, RST | ACK, 0, 1001, b""),
            // The same ports again.
            tcp(CLIENT, SERVER, SYN, 2000, 0, b""),
            tcp(SERVER, CLIENT, SYN | ACK, 5000, 2001, b""),
        ],
        &[
            "3 client connect res=-111 tuple=10.0.0.5:50000->93.184.216.34:443 \
             addr=93.184.216.34:443 new",
            "6 client connect res=0 tuple=10.0.0.5:50000->93.184.216.34:443 \
             addr=93.184.216.34:443 new",
        ],
    );
    assert_eq!(report.passed_over().len(), 0);
}

#[test]
fn what_is_sent_again_is_told_once() {
    let packets: Vec<_> =
        conversation(CLIENT, SERVER).into_iter().flat_map(|ip| [ip.clone(), ip]).collect();
    let read = read(usual(&packets));
    let whats = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    };
    assert_eq!(whats(&read.lines), whats(&told(CLIENT, SERVER)));
    // But for the acknowledgment, which carries nothing.
    assert_eq!(read.report.passed_over()["data that came before"], 4);

    let mut packets = conversation(CLIENT, SERVER);
    packets.truncate(3);
    packets.push(tcp(CLIENT, SERVER, ACK, 1001, 5001, b"abcd"));
    packets.push(tcp(CLIENT, SERVER, ACK, 1003, 5001, b"cdef"));
    packets.push(tcp(CLIENT, SERVER, ACK, 1011, 5001, b"late"));
    packets.push(tcp(CLIENT, SERVER, ACK, 1007, 5001, b"ghij"));
    check(
        &packets,
        &[
            "2 client connect res=0 tuple=10.0.0.5:50000->93.184.216.34:443 \
             addr=93.184.216.34:443 new",
            "3 server accept4 tuple=10.0.0.5:50000->93.184.216.34:443 new",
            "4 client sendto res=4 data=abcd size=4 tuple=10.0.0.5:50000->93.184.216.34:443",
            "5 client sendto res=2 data=ef size=2 tuple=10.0.0.5:50000->93.184.216.34:443",
            "6 client sendto res=4 data=late size=4 tuple=10.0.0.5:50000->93.184.216.34:443",
            "7 client sendto res=4 data=ghij size=4 tuple=10.0.0.5:50000->93.184.216.34:443",
        ],
    );
}

#[test]
fn data_may_come_with_the_handshake() {
    check(
        &[
            tcp(CLIENT, SERVER, SYN, 1000, 0, b"fast"),
            tcp(SERVER, CLIENT, SYN | ACK, 5000, 1005, b""),
            // The acknowledgment was not captured; this acknowledges, too.
            tcp(CLIENT, SERVER, ACK, 1005, 5001, b"more"),
        ],
        &[
            "1 client sendto res=4 data=fast size=4 tuple=10.0.0.5:50000->93.184.216.34:443 new",
            "2 client connect res=0 tuple=10.0.0.5:50000->93.184.216.34:443 \
             addr=93.184.216.34:443 new",
            "3 server accept4 tuple=10.0.0.5:50000->93.184.216.34:443 new",
            "3 client sendto res=4 data=more size=4 tuple=10.0.0.5:50000->93.184.216.34:443",
        ],
    );
}

#[test]
fn of_a_flow_without_a_beginning_only_data_is_told() {
    // The server is seen first; its port tells.
    check(
        &conversation(CLIENT, SERVER)[3..].iter().rev().cloned().collect::<Vec<_>>(),
        &[
            "1 server sendto res=6 data=200 OK size=6 tuple=93.184.216.34:443->10.0.0.5:50000 new",
            "2 client sendto res=11 data=GET /secret size=11 \
             tuple=10.0.0.5:50000->93.184.216.34:443",
        ],
    );
    // An answer to what was not captured tells who is who.
    check(
        &conversation("10.0.0.5:400", "10.0.0.6:50000")[1..],
        &[
            "3 client sendto res=11 data=GET /secret size=11 tuple=10.0.0.5:400->10.0.0.6:50000 new",
            "4 server sendto res=6 data=200 OK size=6 tuple=10.0.0.6:50000->10.0.0.5:400",
        ],
    );
    // Nothing tells: who is seen first.
    check(
        &conversation("10.0.0.5:50001", "10.0.0.6:50000")[4..],
        &["1 client sendto res=6 data=200 OK size=6 tuple=10.0.0.6:50000->10.0.0.5:50001 new"],
    );
}

#[test]
fn each_datagram_is_sent() {
    check(
        &[
            udp(CLIENT, "9.9.9.9:53", b"where?"),
            udp("9.9.9.9:53", CLIENT, b"there"),
            udp("9.9.9.9:53", "10.0.0.6:50000", b"late"),
            udp(CLIENT, "9.9.9.9:53", b""),
        ],
        &[
            "1 client sendto res=6 data=where? size=6 tuple=10.0.0.5:50000->9.9.9.9:53 new",
            "2 server sendto res=5 data=there size=5 tuple=9.9.9.9:53->10.0.0.5:50000",
            "3 server sendto res=4 data=late size=4 tuple=9.9.9.9:53->10.0.0.6:50000 new",
            "4 client sendto res=0 data= size=0 tuple=10.0.0.5:50000->9.9.9.9:53",
        ],
    );
}

#[test]
fn of_fragments_the_first_tells() {
    let whole = udp(CLIENT, "9.9.9.9:53", &[b'x'; 64]);
    let mut first = whole[..20 + 24].to_vec();
    first[2..4].copy_from_slice(&44_u16.to_be_bytes());
    first[6] = 0x20;
    let mut later = whole[..20].iter().chain(&whole[44..]).copied().collect::<Vec<_>>();
    later[2..4].copy_from_slice(&68_u16.to_be_bytes());
    later[7] = 3;
    // The same of IPv6, with an extension header before it.
    let six = udp("[fd00::9]:50000", "[fd00::2]:53", &[b'y'; 64]);
    let fragment = |offset: u16, more: u16, part: &[u8]| {
        let mut payload = vec![44, 0, 1, 4, 0, 0, 0, 0, 17, 0];
        payload.extend((offset << 3 | more).to_be_bytes());
        payload.extend([0, 0, 0, 1]);
        payload.extend(part);
        ip("fd00::9".parse().unwrap(), "fd00::2".parse().unwrap(), 0, &payload)
    };
    let report = check(
        &[first, later, fragment(0, 1, &six[40..64]), fragment(3, 0, &six[64..])],
        &[
            "1 client sendto res=64 data=xxxxxxxxxxxxxxxx size=64 \
             tuple=10.0.0.5:50000->9.9.9.9:53 new",
            "3 client sendto res=64 data=yyyyyyyyyyyyyyyy size=64 \
             tuple=fd00::9:50000->fd00::2:53 new",
        ],
    );
    assert_eq!(report.passed_over(), [("fragment after the first", 2)].into());
}

#[test]
fn what_is_passed_over_has_a_reason() {
    let v4 = |protocol, payload: &[u8]| {
        ip("10.0.0.5".parse().unwrap(), "10.0.0.6".parse().unwrap(), protocol, payload)
    };
    let mut arp = ethernet(&[0; 28]);
    arp[12..14].copy_from_slice(&0x0806_u16.to_be_bytes());
    let mut short_header = tcp(CLIENT, SERVER, ACK, 1, 1, b"data");
    short_header[32] = 4 << 4;
    let mut long_datagram = udp(CLIENT, SERVER, b"data");
    long_datagram[25] = 200;
    let mut short_ip = tcp(CLIENT, SERVER, ACK, 1, 1, b"data");
    short_ip[3] = 10;
    let frames = [
        arp,
        ethernet(&v4(1, &[8; 8])),
        ethernet(&[0x35; 40]),
        ethernet(&[0x41; 40]),
        ethernet(&short_header),
        ethernet(&long_datagram),
        ethernet(&short_ip),
        tagged(&[0x8100; 5], &v4(1, &[8; 8])),
        vec![0; 13],
    ];
    let mut frames = frames.to_vec();
    // Its type is of IP, whatever it holds.
    frames[2][12..14].copy_from_slice(&0x0800_u16.to_be_bytes());
    frames[3][12..14].copy_from_slice(&0x0800_u16.to_be_bytes());
    let read = read(pcap(Little, MICROSECONDS, ETHERNET, &frames));
    assert_eq!((read.lines.len(), read.error), (0, None));
    let expected = [
        ("not IP", 1),
        ("neither TCP nor UDP", 1),
        ("cut within its headers", 1),
        ("malformed: version of IP", 1),
        ("malformed: header of IP", 1),
        ("malformed: length of TCP's header", 1),
        ("malformed: length of UDP", 1),
        ("malformed: IP is shorter than its headers", 1),
        ("malformed: too many VLAN tags", 1),
    ];
    assert_eq!(read.report.passed_over(), expected.into());
    assert_eq!(read.malformed, 6);
}

#[test]
fn a_packet_cut_at_any_length_tells_what_is_there() {
    let frame = ethernet(&tcp(CLIENT, SERVER, ACK, 1, 1, b"0123456789"));
    let headers = 14 + 20 + 24;
    for captured in 0..frame.len() {
        let mut file = pcap(Little, MICROSECONDS, ETHERNET, &[]);
        file.extend(Little.words(&[TIME, 0, captured as u32, frame.len() as u32]));
        file.extend(&frame[..captured]);
        let read = read(file);
        assert_eq!(read.error, None);
        let data = captured.saturating_sub(headers);
        let data = match data {
            0 => String::new(),
            n => format!("data={} ", &"0123456789"[..n.min(10)]),
        };
        let told =
            format!("1 client sendto res=10 {data}size=10 tuple=10.0.0.5:50000->93.184.216.34:443");
        // Options of TCP are not needed.
        if captured < headers - 4 {
            assert_eq!(read.report.passed_over(), [("cut within its headers", 1)].into());
            assert_eq!(read.lines, [""; 0]);
        } else {
            assert_eq!(read.lines, [told + " new"], "{captured}");
        }
    }
}

#[test]
fn a_card_that_fills_in_lengths_leaves_that_of_the_frame() {
    let mut segment = tcp(CLIENT, SERVER, ACK, 1, 1, &[b'x'; 100]);
    segment[2..4].copy_from_slice(&[0, 0]);
    let read = read(usual(&[segment]));
    assert!(read.lines[0].starts_with("1 client sendto res=100 "), "{:?}", read.lines);
}

#[test]
fn options_bound_data_and_flows() {
    let peers = |n: u32| format!("10.0.{}.{}:50000", n >> 8, n & 0xff);
    let options = PacketOptions { snap_length: 3, flows: 10, idle: Duration::from_secs(60) };
    let packets: Vec<_> = (0..1000).map(|n| udp(&peers(n), SERVER, b"data")).collect();
    let all = read_with(usual(&packets), options);
    assert_eq!((all.lines.len(), all.report.flows_evicted()), (1000, 990));
    assert!(all.lines[0].contains(" data=dat size=4 "), "{:?}", all.lines[0]);
    assert_eq!(all.report.flows_expired(), 0);

    // The first one is used on, and stays; all are forgotten after a minute.
    let packets = (0..1000).map(|n| udp(&peers(if n % 5 == 0 { 0 } else { n }), SERVER, b""));
    let used = read_with(usual(&packets.collect::<Vec<_>>()), options);
    let new = |line: &&String| line.contains("10.0.0.0:") && line.ends_with(" new");
    assert_eq!(used.lines.iter().filter(new).count(), 1);
    let options = PacketOptions { flows: 1000, ..options };
    let packets: Vec<_> = (0..1000).map(|n| udp(&peers(n), SERVER, b"data")).collect();
    let aged = read_with(usual(&packets), options);
    assert_eq!((aged.report.flows_evicted(), aged.report.flows_expired()), (0, 940));
}

#[test]
fn who_wants_no_more_loses_nothing() {
    let packets = [
        tcp(CLIENT, SERVER, SYN, 1000, 0, b""),
        tcp(SERVER, CLIENT, SYN | ACK, 5000, 1001, b"hello"),
        tcp(CLIENT, SERVER, ACK, 1001, 5006, b"more"),
    ];
    let whole = read(usual(&packets)).lines;
    assert_eq!(whole.len(), 4);
    let bytes = usual(&packets);
    let mut capture = PacketCapture::new(Cursor::new(bytes), PacketOptions::default()).unwrap();
    let mut lines = Vec::new();
    loop {
        let read = capture.read(Duration::ZERO, &mut |event| {
            lines.push(line(event));
            ControlFlow::Break(())
        });
        if read.unwrap() == Flow::End {
            break;
        }
    }
    assert_eq!(lines, whole);
}

#[test]
fn a_recording_is_what_its_first_bytes_say() {
    let open = |bytes: Vec<u8>| Recording::open(Cursor::new(bytes), PacketOptions::default());
    let is_packets = |bytes| matches!(open(bytes), Ok(Recording::Packets(_)));
    assert!(is_packets(usual(&[])));
    assert!(is_packets(pcap(Big, NANOSECONDS, ETHERNET, &[])));
    for order in [Little, Big] {
        assert!(is_packets([section(order), interface(order, 1, &[])].concat()));
    }
    for kind in [0x201, 0x215, 0x8000_ABCD, 0x8014_ABCD] {
        let scap = [section(Little), block(Little, kind, &[0; 8])].concat();
        assert!(matches!(open(scap), Ok(Recording::Events(_))), "{kind:#x}");
    }
    assert!(matches!(open(section(Little)), Ok(Recording::Events(_))));
    let neither = "block 0 at byte 0: it is neither a .scap capture of events nor a packet capture \
                   (.pcap, .pcapng), plain or compressed by gzip";
    for (bytes, end) in
        [(&b"PK\x03\x04zip"[..], "it begins with 50 4b 03 04"), (b"", "it is empty")]
    {
        assert_eq!(open(bytes.to_vec()).unwrap_err().to_string(), format!("{neither}: {end}"));
    }
}

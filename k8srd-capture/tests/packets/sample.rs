//! The captures in `testdata/packets/`, which other crates read. `K8SRD_BLESS=1` writes them anew.

use std::fs;
use std::path::Path;

use crate::packet::*;

/// What happened, on either link.
fn packets() -> Vec<Vec<u8>> {
    // A browser asks a server in the Internet, by name.
    let mut packets = vec![
        udp("10.0.0.5:40000", "9.9.9.9:53", b"example.com?"),
        udp("9.9.9.9:53", "10.0.0.5:40000", b"93.184.216.34"),
    ];
    packets.extend(conversation("10.0.0.5:50000", "93.184.216.34:443"));
    // Somebody knocks, and gets in by IPv6.
    packets.push(tcp("203.0.113.7:50001", "10.0.0.5:23", SYN, 1, 0, b""));
    packets.push(tcp("10.0.0.5:23", "203.0.113.7:50001", RST | ACK, 0, 2, b""));
    packets.extend(conversation("[2001:db8::7]:50002", "[fd00::5]:22"));
    // Of this one the beginning is missing.
    packets.extend(conversation("10.0.0.5:50003", "198.51.100.9:4444").split_off(3));
    packets
}

#[track_caller]
fn check(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/packets").join(name);
    if std::env::var_os("K8SRD_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    assert!(fs::read(&path).unwrap() == bytes, "{name}: write it anew with K8SRD_BLESS=1");
}

#[test]
fn samples_are_what_is_written_here() {
    check("sample.pcap", &usual(&packets()));
    let order = Big;
    let mut blocks = section(order);
    blocks.extend(interface(order, 1, &[(2, b"eth0"), (9, &[9])]));
    blocks.extend(interface(order, 101, &[(2, b"tun0")]));
    for (n, ip) in (0..).zip(packets()) {
        let seconds = u64::from(TIME) + n;
        blocks.extend(match n % 2 {
            0 => enhanced(order, 0, seconds * 1_000_000_000 + n, &ethernet(&ip)),
            _ => enhanced(order, 1, seconds * 1_000_000 + n, &ip),
        });
    }
    check("sample.pcapng", &blocks);
}

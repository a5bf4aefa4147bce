//! Whatever the bytes of a packet capture, reading ends: with events, or with an error that says where.

use std::error::Error as _;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{PacketOptions, Recording};
use k8srd_core::arena::Arena;
use k8srd_core::field::Key;
use k8srd_core::source::{Flow, Source};
use proptest::prelude::*;

use crate::packet::*;

/// Reads everything: how many events, and the error at the end.
fn read(bytes: &[u8]) -> (usize, Option<String>) {
    let options = PacketOptions { flows: 4, ..PacketOptions::default() };
    let mut source: Box<dyn Source> = match Recording::open(Cursor::new(bytes.to_vec()), options) {
        Ok(Recording::Packets(capture)) => capture,
        Ok(Recording::Events(capture)) => capture,
        Err(error) => return (0, Some(error.to_string())),
    };
    let mut events = 0;
    loop {
        let arena = Arena::default();
        let read = source.read(Duration::ZERO, &mut |event| {
            events += 1;
            for place in 0..8 {
                let _ = event.get(&Key::param(place), &arena).known().map(|v| v.to_string());
            }
            ControlFlow::Continue(())
        });
        match read {
            Ok(Flow::More) => {}
            Ok(Flow::End) => return (events, None),
            Err(error) => return (events, error.source().map(|cause| cause.to_string())),
        }
    }
}

/// A .pcap, and a .pcapng with every type of block, of the same conversation.
fn files() -> Vec<Vec<u8>> {
    let mut packets = conversation("10.0.0.5:50000", "93.184.216.34:443");
    packets.extend(conversation("[fd00::9]:50000", "[fd00::2]:443"));
    packets.push(udp("10.0.0.5:50000", "9.9.9.9:53", b"where?"));
    let mut blocks = [section(Big), interface(Big, 1, &[(9, &[9]), (14, &[0; 8])])].concat();
    for (n, ip) in packets.iter().enumerate() {
        let frame = ethernet(ip);
        blocks.extend(match n % 3 {
            0 => enhanced(Big, 0, 1 << 60, &frame),
            1 => simple(Big, &frame),
            _ => obsolete(Big, 0, 1 << 60, &frame),
        });
    }
    vec![usual(&packets), pcap(Big, NANOSECONDS, 101, &packets), blocks]
}

#[test]
fn a_file_cut_anywhere_gives_what_is_whole_and_says_where_it_ends() {
    for file in files() {
        let (events, error) = read(&file);
        assert_eq!((events, error), (9, None));
        let mut most = 0;
        for end in 0..file.len() {
            let (events, error) = read(&file[..end]);
            assert!((most..=9).contains(&events), "{events} events of {end} bytes");
            most = events;
            if let Some(error) = error {
                assert!(error.starts_with("block "), "{error}");
            }
        }
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    let huge = |at: usize, order: Order, file: &[u8]| {
        let mut file = file.to_vec();
        file[at..at + 4].copy_from_slice(&order.u32(u32::MAX - 3));
        read(&file).1.unwrap()
    };
    let [pcap, _, blocks] = files().try_into().unwrap();
    assert_eq!(
        huge(24 + 8, Little, &pcap),
        "block 1 at byte 24: a packet is 4294967292 bytes long, 1048576 at most"
    );
    let first = section(Big).len() + interface(Big, 1, &[(9, &[9]), (14, &[0; 8])]).len();
    assert_eq!(
        huge(first + 4, Big, &blocks),
        format!("block 2 at byte {first}: a packet is 4294967292 bytes long, 1048576 at most")
    );
    assert_eq!(
        huge(first + 20, Big, &blocks),
        format!("block 2 at byte {first}: a packet's block is not what its type says")
    );
    assert_eq!(
        huge(first + 8, Big, &blocks),
        format!("block 2 at byte {first}: a packet is of interface 4294967292, the section has 1")
    );
    let mut interfaces = section(Little);
    (0..5_000).for_each(|_| interfaces.extend(interface(Little, 1, &[])));
    assert!(read(&interfaces).1.unwrap().ends_with("a section has more than 4096 interfaces"));
    let slow = [section(Little), interface(Little, 1, &[(9, &[39])])].concat();
    assert!(read(&slow).1.unwrap().contains("an interface tells times in units of 10^-39 s"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), link in 0_u32..300) {
        read(&bytes);
        read(&pcap(Little, MICROSECONDS, link, std::slice::from_ref(&bytes)));
        read(&pcap(Big, NANOSECONDS, 101, &[[&[0x45][..], &bytes].concat(), [&[0x60][..], &bytes].concat()]));
        for kind in [1, 2, 3, 6] {
            let start = [section(Little), interface(Little, 101, &[])].concat();
            read(&[start, block(Little, kind, &bytes)].concat());
        }
    }

    #[test]
    fn changed_bytes_are_read_or_refused(
        which in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = files().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        read(&file);
    }
}

//! Any bytes as a capture: an error that says where, or items to the end. As they are, and as the
//! bodies of blocks whose lengths are right, which no chance would make.
#![no_main]
#![forbid(unsafe_code)]

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{Capture, Item, Reader};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue;
use k8srd_core::field::Key;
use k8srd_core::source::{Flow, Source};
use k8srd_fuzz::seeds;
use libfuzzer_sys::fuzz_target;

/// Types of blocks: events first, then tables of every version, then others.
const KINDS: [u32; 32] = [
    0x216,
    0x217,
    0x221,
    0x222,
    0x204,
    0x208,
    0x202,
    0x207,
    0x209,
    0x210,
    0x211,
    0x212,
    0x213,
    0x214,
    0x215,
    0x203,
    0x218,
    0x205,
    0x219,
    0x206,
    0x220,
    0x201,
    0x0A0D_0D0A,
    0x8000_ABCD,
    0x8001_ABCD,
    0x8002_ABCD,
    0x8010_ABCD,
    0x8011_ABCD,
    0x8012_ABCD,
    0x8013_ABCD,
    0x8014_ABCD,
    0x999,
];

fuzz_target!(init: seeds::on_request(seeds::captures), |data: &[u8]| {
    read(data.to_vec());
    read(framed(data));
});

/// Pieces of a type, a length and a body, as blocks behind the header of a section.
fn framed(mut data: &[u8]) -> Vec<u8> {
    let mut capture = Vec::new();
    for word in [0x0A0D_0D0A_u32, 28, 0x1A2B_3C4D, 0x0002_0001, u32::MAX, u32::MAX, 28] {
        capture.extend(word.to_le_bytes());
    }
    while let [kind, low, high, rest @ ..] = data {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        let padded = length.next_multiple_of(4);
        let total = (12 + padded) as u32;
        capture.extend(KINDS[usize::from(*kind) % KINDS.len()].to_le_bytes());
        capture.extend(total.to_le_bytes());
        capture.extend_from_slice(body);
        capture.extend(std::iter::repeat_n(0, padded - length));
        capture.extend(total.to_le_bytes());
        data = rest;
    }
    capture
}

fn read(bytes: Vec<u8>) {
    // Item by item: both ways read as far.
    let items = Reader::new(Cursor::new(bytes.clone())).map(|mut reader| {
        let mut events = 0_u64;
        loop {
            match reader.next() {
                Ok(Some(Item::Event(_))) => events += 1,
                Ok(Some(_)) => {}
                Ok(None) => break (events, true),
                Err(error) => {
                    assert!(
                        error.place().offset <= bytes.len() as u64
                            || bytes.starts_with(b"\x1f\x8b")
                    );
                    break (events, false);
                }
            }
        }
    });
    let Ok(mut capture) = Capture::new(Cursor::new(bytes)) else { return };
    let Ok((recorded, whole)) = items else { return };
    let report = capture.report();
    let mut arena = Arena::default();
    let mut given = 0_u64;
    let ended = loop {
        let read = capture.read(Duration::ZERO, &mut |event| {
            given += u64::from(!event.kind().is_state());
            arena.reset();
            for place in 0..32 {
                let value = event.get(&Key::param(place), &arena);
                let _ = value.known().map(|value| value.to_string());
            }
            let _ = event.get(&Key::of(catalogue::CTX_TID), &arena);
            ControlFlow::Continue(())
        });
        match read {
            Ok(Flow::More) => {}
            Ok(Flow::End) => break true,
            Err(_) => break false,
        }
    };
    assert_eq!(ended, whole);
    assert_eq!(given, report.events());
    assert!(given <= recorded, "{given} events of {recorded}");
}

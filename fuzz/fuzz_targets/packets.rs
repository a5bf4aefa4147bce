//! Any bytes as a packet capture: an error that says where, or events to the end. As they are, and as
//! packets of IP in files whose lengths are right, which no chance would make.
#![no_main]
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{CaptureError, PacketCapture, PacketOptions, Recording};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue;
use k8srd_core::field::Key;
use k8srd_core::kind::KindInfo;
use k8srd_core::source::{Flow, Source};
use k8srd_core::value::Value;
use k8srd_fuzz::seeds;
use libfuzzer_sys::fuzz_target;

/// Few, so that there are too many.
const OPTIONS: PacketOptions =
    PacketOptions { snap_length: 80, flows: 3, idle: Duration::from_secs(2) };
const RAW: u32 = 101;

fuzz_target!(init: seeds::on_request(seeds::packets), |data: &[u8]| {
    if let Ok(Recording::Packets(capture)) = Recording::open(Cursor::new(data.to_vec()), OPTIONS) {
        read(*capture, data);
    }
    for file in [pcap(data), pcapng(data)] {
        let capture = PacketCapture::new(Cursor::new(file.clone()), OPTIONS);
        let packets = read(capture.expect("bytes in memory are read"), &file);
        assert_eq!(packets, pieces(data).count() as u64);
    }
});

/// What stands behind a length, again and again.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        data = rest;
        Some(piece)
    })
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// The pieces as packets a second after each other.
fn pcap(data: &[u8]) -> Vec<u8> {
    let mut file = words(&[0xA1B2_C3D4, 0x0002_0004, 0, 0, 0, RAW]);
    for (second, ip) in (0..).zip(pieces(data)) {
        let length = ip.len() as u32;
        file.extend(words(&[second, 0, length, length]));
        file.extend(ip);
    }
    file
}

/// The pieces as packets of all three types.
fn pcapng(data: &[u8]) -> Vec<u8> {
    let mut file = words(&[0x0A0D_0D0A, 28, 0x1A2B_3C4D, 0x0001_0000, u32::MAX, u32::MAX, 28]);
    file.extend(words(&[1, 20, RAW << 16, 0, 20]));
    for (n, ip) in (0_u32..).zip(pieces(data)) {
        let length = ip.len() as u32;
        let (kind, header) = match n % 3 {
            0 => (6, words(&[0, 0, n, length, length])),
            1 => (2, words(&[0, 0, n, length, length])),
            _ => (3, words(&[length])),
        };
        let mut body = [&header[..], ip].concat();
        body.resize(body.len().next_multiple_of(4), 0);
        let total = 12 + body.len() as u32;
        file.extend(words(&[kind, total]));
        file.extend(body);
        file.extend(words(&[total]));
    }
    file
}

/// Reads to the end; says how many packets there were.
fn read(mut capture: PacketCapture, file: &[u8]) -> u64 {
    let report = capture.report();
    let mut arena = Arena::default();
    let mut events = 0;
    loop {
        let read = capture.read(Duration::ZERO, &mut |event| {
            events += 1;
            arena.reset();
            let info = KindInfo::of(event.kind()).expect("a kind of Falco's");
            for (place, _) in (0..).zip(&*info.params) {
                let value = event.get(&Key::param(place), &arena).known();
                if let Some(Value::Bytes(data)) = value {
                    assert!(data.len() <= OPTIONS.snap_length);
                }
                let _ = value.map(|value| value.to_string());
            }
            for id in [catalogue::FD_IS_SERVER, catalogue::FD_NAME_CHANGED] {
                assert!(event.get(&Key::of(id), &arena).known().is_some());
            }
            ControlFlow::Continue(())
        });
        match read {
            Ok(Flow::More) => continue,
            Ok(Flow::End) => {}
            Err(error) => {
                let cause = error.source().and_then(|cause| cause.downcast_ref::<CaptureError>());
                let place = cause.expect("the capture's").place();
                assert!(place.offset <= file.len() as u64 || file.starts_with(b"\x1f\x8b"));
            }
        }
        break;
    }
    assert_eq!(events, report.events());
    // A packet takes a step and sends, at most.
    assert!(events <= 2 * report.packets());
    let losses = capture.losses();
    assert_eq!(losses.total_produced(), report.packets());
    let passed: u64 = report.passed_over().values().sum();
    assert!(passed <= report.packets() && losses.total_lost() <= passed);
    report.packets()
}

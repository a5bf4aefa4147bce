//! Any bytes as a capture: an error that says where, or items to the end. As they are, and as the
//! bodies of blocks whose lengths are right, which no chance would make.
#![no_main]
#![forbid(unsafe_code)]

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{Capture, Item, Reader};
use k8srd_core::arena::Arena;
use k8srd_core::field::{FieldClass, Key};
use k8srd_core::source::{Flow, Source};
use k8srd_fuzz::blocks::framed;
use k8srd_fuzz::{FALCO, seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::on_request(seeds::captures), |data: &[u8]| {
    read(data.to_vec());
    read(framed(data));
});

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
            for info in FALCO.fields().iter().filter(|info| info.class == FieldClass::Ctx) {
                let value = event.get(&Key::of(info.id), &arena);
                let _ = value.known().map(|value| value.to_string());
            }
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

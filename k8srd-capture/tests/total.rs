//! Whatever the bytes, reading ends: with items, or with an error that says where.
#![forbid(unsafe_code)]

use std::error::Error as _;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_capture::{Capture, CaptureError, Reader};
use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Task};
use k8srd_core::source::{Flow, Source as _};
use proptest::prelude::*;

/// Little-endian words as bytes.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The header of a section.
fn section() -> Vec<u8> {
    words(&[0x0A0D_0D0A, 28, 0x1A2B_3C4D, 0x0002_0001, u32::MAX, u32::MAX, 28])
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let total = (12 + body.len() + padding) as u32;
    let mut block = words(&[kind, total]);
    block.extend_from_slice(body);
    block.extend(std::iter::repeat_n(0, padding));
    block.extend(total.to_le_bytes());
    block
}

/// An event of version 2 with these params.
fn event(code: u16, params: &[&[u8]]) -> Vec<u8> {
    let lengths = params.iter().flat_map(|param| (param.len() as u16).to_le_bytes());
    let data: Vec<u8> = lengths.chain(params.concat()).collect();
    let mut body = vec![1, 0];
    body.extend(7_u64.to_le_bytes());
    body.extend(42_u64.to_le_bytes());
    body.extend((26 + data.len() as u32).to_le_bytes());
    body.extend(code.to_le_bytes());
    body.extend((params.len() as u32).to_le_bytes());
    body.extend(data);
    block(0x216, &body)
}

/// Reads everything: how many items, and the error at the end.
fn read(bytes: Vec<u8>) -> (usize, Option<CaptureError>) {
    let mut reader = match Reader::new(Cursor::new(bytes)) {
        Ok(reader) => reader,
        Err(error) => return (0, Some(error)),
    };
    let mut items = 0;
    loop {
        match reader.next() {
            Ok(Some(_)) => items += 1,
            Ok(None) => return (items, None),
            Err(error) => {
                let again = reader.next().expect_err("it cannot be read on");
                assert_eq!(again.to_string(), error.to_string());
                return (items, Some(error));
            }
        }
    }
}

#[track_caller]
fn check(bytes: Vec<u8>, items: usize, error: &str) {
    let (read, found) = read(bytes);
    assert_eq!(found.map(|error| error.to_string()).unwrap_or_default(), error);
    assert_eq!(read, items);
}

#[test]
fn who_did_it_is_what_the_fields_say() {
    let mut nobody = event(5, &[]);
    // The thread's id stands behind the block's header, the processor and the time.
    nobody[18..26].copy_from_slice(&(-1_i64).to_le_bytes());
    let bytes = [section(), event(5, &[]), nobody].concat();
    let mut capture = Capture::new(Cursor::new(bytes)).unwrap();
    let mut tids = Vec::new();
    let read = capture.read(Duration::ZERO, &mut |event| {
        let arena = Arena::default();
        assert_eq!(*event.task(&arena), Task::read(event, &arena));
        tids.push(event.task(&arena).tid);
        ControlFlow::Continue(())
    });
    assert_eq!((read.unwrap(), tids), (Flow::End, vec![Some(42), None]));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let close = event(5, &[&[0; 8], &[3, 0, 0, 0, 0, 0, 0, 0]]);
    check([section(), close.clone()].concat(), 2, "");
    check(vec![], 0, "block 0 at byte 0: the capture ends within its first block");
    check(
        words(&[0x0A0D_0D0B, 28]),
        0,
        "block 0 at byte 0: it does not begin like a .scap capture (0a 0d 0d 0a)",
    );
    let cut = [section(), close.clone()].concat();
    check(cut[..cut.len() - 5].to_vec(), 1, "block 1 at byte 28: the capture ends within an event");
    let mut lying = close.clone();
    let end = lying.len() - 4;
    lying[end..].copy_from_slice(&9_u32.to_le_bytes());
    check(
        [section(), lying].concat(),
        1,
        "block 1 at byte 28: a block says at its start that it is 60 bytes long, at its end 9",
    );
    let mut long = close.clone();
    long[32] = 3;
    check(
        [section(), long].concat(),
        1,
        "block 1 at byte 28: an event of type 5 says that it has 3 params, which do not fit into \
         its 46 bytes",
    );
    // Known or not: an event of empty params would take eight times its own memory.
    for code in [5, 0xFE00] {
        let many = [section(), event(code, &[&[][..]; 256])].concat();
        let error = format!(
            "block 1 at byte 28: an event of type {code} says that it has 256 params, 255 at most"
        );
        check(many, 1, &error);
        check([section(), event(code, &[&[][..]; 255])].concat(), 2, "");
    }
    check(
        [section(), words(&[0x216, u32::MAX - 3])].concat(),
        1,
        "block 1 at byte 28: an event's block is 4294967292 bytes long, 65536 at most",
    );
    check(
        [section(), words(&[0x999, 7])].concat(),
        1,
        "block 1 at byte 28: a block of type 0x999 says that it is 7 bytes long",
    );
    let row = [words(&[3]), vec![0; 40]].concat();
    check(
        [section(), block(0x215, &row)].concat(),
        1,
        "block 1 at byte 28: the process says that it is 3 bytes long",
    );
    let unknown = block(0x999, &[1; 100]);
    check(
        [section(), unknown[..50].to_vec()].concat(),
        1,
        "block 1 at byte 28: the capture ends within a block of unknown type",
    );
    // Of a type that a newer version brought: passed over.
    check([section(), unknown, close].concat(), 2, "");
}

#[test]
fn a_source_tells_an_error_once_and_ends() {
    let cut = [section(), event(5, &[&[0; 8]]), vec![0x16]].concat();
    let mut capture = Capture::new(Cursor::new(cut)).unwrap();
    let mut events = 0;
    let mut read = || {
        let each = &mut |_: &dyn Event| {
            events += 1;
            ControlFlow::Continue(())
        };
        capture.read(Duration::ZERO, each).map_err(|error| error.source().unwrap().to_string())
    };
    assert!(read().unwrap_err().ends_with("the capture ends within a block's header"));
    assert_eq!(read(), Ok(Flow::End));
    assert_eq!(events, 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0x200_u32..0x224) {
        read(bytes.clone());
        read([section(), bytes.clone()].concat());
        read([section(), block(kind, &bytes)].concat());
    }

    #[test]
    fn a_changed_byte_is_read_or_refused(at in 0_usize..200, byte in any::<u8>()) {
        let mut all = [section(), event(307, &[&[1; 8], &[2; 8], b"/etc/passwd\0"]), event(5, &[&[0; 8]])].concat();
        let at = at % all.len();
        all[at] = byte;
        read(all);
    }
}

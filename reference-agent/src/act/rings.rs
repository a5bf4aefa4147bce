//! io_uring: calls that are made without a system call each.

use k8srd_core::kind::{KINDS, flags_text};
use nix::libc;

use super::Act;
use super::script::{Arg, Buffer, Call, Script, Truth, found, n, named, of, pointer, raw};
use super::sockets::{bound, socket};

/// What is mapped where of a ring's descriptor.
const RING: i64 = 0;
const ENTRIES: i64 = 0x1000_0000;
/// Where `struct io_uring_params` says how far behind the begin of the ring the end of its queue is.
const TAIL: usize = 44;
const CLIENT: u32 = 40;

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "io_uring_setup",
        kinds: &["io_uring_setup"],
        what: "makes a ring, and one without entries",
        play: |s| {
            for entries in [4, 0] {
                setup(s, entries);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "io_uring_enter",
        kinds: &["io_uring_setup", "io_uring_enter"],
        what: "opens a file and connects through a ring, without open or connect, and no ring",
        play: |s| {
            s.file("file", "text");
            let (ring, params) = setup(s, 4);
            let (queue, entries) = (map(s, ring, RING), map(s, ring, ENTRIES));
            let submit = |s: &mut Script<'_>, tail, numbers: &[(u16, u32)]| {
                // The ring's list of indexes begins with zeros: always the first entry.
                entry(s, entries, numbers);
                s.put(queue, Some(params.at(TAIL)), 0, tail);
                enter(s, of("fd", ring), 1);
            };
            let name = s.text(b"file").address();
            // IORING_OP_OPENAT: descriptor of the folder, the name.
            submit(s, 1, &[(0, 18), (4, -100_i32 as u32), (16, name as u32)]);

            let (listener, server) = bound(s, libc::SOCK_STREAM);
            s.call("listen", [of("", listener), raw(5)]);
            let client = socket(s, libc::AF_INET, libc::SOCK_STREAM);
            // At a number that is known beforehand.
            s.call("dup3", [of("", client), raw(CLIENT), raw(0)]);
            // IORING_OP_CONNECT: the socket, the size of the address, the address.
            submit(s, 2, &[(0, 16), (4, CLIENT), (8, 16), (16, server.address() as u32)]);
            enter(s, n("fd", 1), 0);
        },
        ..Act::PLAIN
    },
];

fn setup(s: &mut Script<'_>, entries: i64) -> (Call, Buffer) {
    let params = s.space(120);
    let call = s.did("io_uring_setup", [n("entries", entries), pointer(params)]);
    s.and("sq_entries", found(move |ran| ran.u32(params)));
    s.and("cq_entries", found(move |ran| ran.u32(params.at(4))));
    s.and("flags", Truth::Names(String::new()));
    s.and("sq_thread_cpu", 0);
    s.and("sq_thread_idle", 0);
    s.and("features", found(move |ran| features(ran.u32(params.at(20)))));
    (call, params)
}

/// Names of the bits that Falco has names for: its values are the kernel's.
fn features(bits: u32) -> String {
    let kind = KINDS.iter().find(|info| info.name == "io_uring_setup");
    let names = kind.and_then(|kind| kind.param("features")).map(|(_, param)| param.flags);
    let mut text = Vec::new();
    flags_text(bits & 0x7ff, names.unwrap_or_default(), &mut text);
    match text.is_empty() {
        true => "0".into(),
        false => String::from_utf8_lossy(&text).into_owned(),
    }
}

/// Where it is, the kernel says.
fn map(s: &mut Script<'_>, ring: Call, what: i64) -> Call {
    let prot = raw(libc::PROT_READ | libc::PROT_WRITE);
    let flags = raw(libc::MAP_SHARED | libc::MAP_POPULATE);
    s.call("mmap", [raw(0), raw(4096), prot, flags, of("", ring), raw(what)])
}

/// The first `struct io_uring_sqe`: numbers of 4 bytes at their places, zeros elsewhere.
fn entry(s: &mut Script<'_>, entries: Call, numbers: &[(u16, u32)]) {
    for place in (0..64).step_by(4) {
        let number = numbers.iter().find(|(at, _)| *at == place).map_or(0, |(_, number)| *number);
        s.put(entries, None, place, number);
    }
}

fn enter(s: &mut Script<'_>, ring: Arg, count: i64) {
    let flags = named("flags", 1, "IORING_ENTER_GETEVENTS");
    let (submit, complete) = (n("to_submit", count), n("min_complete", count));
    s.did("io_uring_enter", [ring, submit, complete, flags, raw(0), raw(0)]);
    // No signal.
    s.and("sig", "");
}

//! Messages over UDP, from one socket of the loopback interface to another.

use nix::libc;

use super::Act;
use super::script::{Buffer, Call, EMPTY, NULL, Script, Truth, n, of, pointer, printable, raw};
use super::sockets::{bound, tuple};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "sendto",
        kinds: &["sendto"],
        what: "sends a message, and on what is no socket",
        play: |s| {
            let Ends { sender, from, to, .. } = ends(s);
            let text = s.bytes(TEXT);
            let size = || n("size", TEXT.len() as i64);
            s.did(
                "sendto",
                [of("fd", sender), pointer(text), size(), raw(0), pointer(to), raw(16)],
            );
            s.and("data", shown());
            s.and("tuple", tuple(from, to));
            s.did("sendto", [n("fd", 1), pointer(text), size(), raw(0), pointer(to), raw(16)]);
            s.and("data", shown());
            s.and("tuple", NULL);
        },
        ..Act::PLAIN
    },
    Act {
        name: "sendmsg",
        kinds: &["sendmsg"],
        what: "sends a message in two parts, and on what is no socket",
        play: |s| {
            let Ends { sender, from, to, .. } = ends(s);
            let header = outgoing(s, to);
            for (fd, sent) in [(of("fd", sender), true), (n("fd", 1), false)] {
                s.did("sendmsg", [fd, pointer(header), raw(0)]);
                s.and("size", TEXT.len());
                s.and("data", shown());
                s.and("tuple", if sent { tuple(from, to) } else { NULL });
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "sendmmsg",
        kinds: &["sendmmsg"],
        what: "sends two messages at once, and on what is no socket",
        play: |s| {
            let Ends { sender, from, to, .. } = ends(s);
            let headers = several(s, |s| outgoing(s, to));
            s.did("sendmmsg", [of("fd", sender), pointer(headers), raw(2), raw(0)]);
            // An event a message, which tells how much of it was sent.
            for again in [false, true] {
                if again {
                    s.event("sendmmsg");
                    s.and("fd", Truth::Result(sender));
                }
                s.and("res", TEXT.len());
                s.and("size", TEXT.len());
                s.and("data", shown());
                s.and("tuple", tuple(from, to));
            }
            s.did("sendmmsg", [n("fd", 1), pointer(headers), raw(2), raw(0)]);
            s.and("size", 0);
            s.and("data", EMPTY);
            s.and("tuple", NULL);
        },
        ..Act::PLAIN
    },
    Act {
        name: "recvfrom",
        kinds: &["recvfrom"],
        what: "receives a message and who sent it, and finds no other",
        play: |s| {
            let Ends { receiver, from, to, .. } = sent(s);
            let (buffer, address) = (s.space(64), s.space(16));
            let size = s.bytes(&16_u32.to_le_bytes());
            for there in [true, false] {
                let (flags, address, size) =
                    (raw(libc::MSG_DONTWAIT), pointer(address), pointer(size));
                s.did(
                    "recvfrom",
                    [of("fd", receiver), pointer(buffer), n("size", 64), flags, address, size],
                );
                received(s, there, from, to);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "recvmsg",
        kinds: &["recvmsg"],
        what: "receives a message and who sent it, and finds no other",
        play: |s| {
            let Ends { receiver, from, to, .. } = sent(s);
            let header = incoming(s);
            for there in [true, false] {
                s.did("recvmsg", [of("fd", receiver), pointer(header), raw(libc::MSG_DONTWAIT)]);
                s.and("size", if there { TEXT.len() } else { 0 });
                received(s, there, from, to);
                s.and("msgcontrol", EMPTY);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "recvmmsg",
        kinds: &["recvmmsg"],
        what: "receives a message among several, and finds no other",
        play: |s| {
            let Ends { receiver, from, to, .. } = sent(s);
            let headers = several(s, incoming);
            for there in [true, false] {
                let (count, flags) = (raw(2), raw(libc::MSG_DONTWAIT));
                s.did("recvmmsg", [of("fd", receiver), pointer(headers), count, flags, raw(0)]);
                if there {
                    s.and("res", TEXT.len());
                }
                s.and("size", if there { TEXT.len() } else { 0 });
                received(s, there, from, to);
                s.and("msgcontrol", EMPTY);
            }
        },
        ..Act::PLAIN
    },
];

const TEXT: &[u8] = b"GET /?\x01 a message";

fn shown() -> String {
    printable(TEXT)
}

/// Two sockets and their addresses.
#[derive(Clone, Copy)]
struct Ends {
    sender: Call,
    from: Buffer,
    receiver: Call,
    to: Buffer,
}

fn ends(s: &mut Script<'_>) -> Ends {
    let (receiver, to) = bound(s, libc::SOCK_DGRAM);
    let (sender, from) = bound(s, libc::SOCK_DGRAM);
    Ends { sender, from, receiver, to }
}

/// The same, with a message on its way.
fn sent(s: &mut Script<'_>) -> Ends {
    let both = ends(s);
    let text = s.bytes(TEXT);
    let size = raw(TEXT.len() as i64);
    s.call("sendto", [of("", both.sender), pointer(text), size, raw(0), pointer(both.to), raw(16)]);
    both
}

fn received(s: &mut Script<'_>, there: bool, from: Buffer, to: Buffer) {
    if there {
        s.and("data", shown());
        s.and("tuple", tuple(from, to));
    } else {
        s.and("data", EMPTY);
        s.and("tuple", NULL);
    }
}

/// A `struct msghdr` for what is sent, in two parts.
fn outgoing(s: &mut Script<'_>, to: Buffer) -> Buffer {
    let text = s.bytes(TEXT).address();
    let parts = s.longs(&[text, 4, text + 4, TEXT.len() as u64 - 4]);
    header(s, to, parts, 2)
}

/// A `struct msghdr` for what is received.
fn incoming(s: &mut Script<'_>) -> Buffer {
    let (buffer, address) = (s.space(64), s.space(16));
    let parts = s.longs(&[buffer.address(), 64]);
    header(s, address, parts, 1)
}

fn header(s: &mut Script<'_>, address: Buffer, parts: Buffer, count: u64) -> Buffer {
    s.longs(&[address.address(), 16, parts.address(), count, 0, 0, 0])
}

/// Two `struct mmsghdr`: headers, each with the place for its size.
fn several(s: &mut Script<'_>, mut header: impl FnMut(&mut Script<'_>) -> Buffer) -> Buffer {
    let headers = [header(s), header(s)];
    let mut longs = Vec::new();
    for header in headers {
        longs.extend(s.longs_at(header, 7));
        longs.push(0);
    }
    s.longs(&longs)
}

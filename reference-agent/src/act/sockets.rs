//! Sockets: made, bound, connected.

use nix::libc;

use super::script::{
    Buffer, Call, NULL, Ran, Script, Truth, found, half, n, named, of, pointer, raw,
};
use super::{Act, Need};

const OF_KERNEL: &str = "an address in the kernel, which it tells no program";

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "socket",
        kinds: &["socket"],
        what: "makes sockets, and one of a type that there is not",
        play: |s| {
            for (family, name, ty, flags, flag_names) in [
                (libc::AF_INET, "AF_INET", libc::SOCK_STREAM, libc::SOCK_CLOEXEC, "O_CLOEXEC"),
                (libc::AF_INET6, "AF_INET6", libc::SOCK_DGRAM, libc::SOCK_NONBLOCK, "O_NONBLOCK"),
                (libc::AF_UNIX, "AF_UNIX", libc::SOCK_SEQPACKET, 0, ""),
                (libc::AF_NETLINK, "AF_NETLINK", libc::SOCK_RAW, 0, ""),
                (libc::AF_INET, "AF_INET", 15, 0, ""),
            ] {
                let ty = n("type", i64::from(ty | flags));
                s.did("socket", [named("domain", family, name), ty, n("proto", 0)]);
                s.and("flags", Truth::Names(flag_names.into()));
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "socketpair",
        kinds: &["socketpair"],
        what: "makes two sockets that are connected, and none of a family that has no pairs",
        untold: &[("source", OF_KERNEL), ("peer", OF_KERNEL)],
        play: |s| {
            for (family, name) in [(libc::AF_UNIX, "AF_UNIX"), (libc::AF_INET, "AF_INET")] {
                let pair = s.space(8);
                let domain = named("domain", family, name);
                let ty = n("type", i64::from(libc::SOCK_STREAM));
                s.did("socketpair", [domain, ty, n("proto", 0), pointer(pair)]);
                if family == libc::AF_INET {
                    for (param, number) in [("fd1", -1), ("fd2", -1), ("source", 0), ("peer", 0)] {
                        s.and(param, number);
                    }
                } else {
                    s.and("fd1", found(move |ran| ran.i32(pair)));
                    s.and("fd2", found(move |ran| ran.i32(pair.at(4))));
                }
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "bind",
        kinds: &["bind"],
        what: "gives sockets an address, and one that is no address of this machine",
        play: |s| {
            let socket = socket(s, libc::AF_INET, libc::SOCK_STREAM);
            let address = s.bytes(&v4([127, 0, 0, 1], 0));
            s.did("bind", [of("fd", socket), pointer(address), raw(16)]);
            s.and("addr", "127.0.0.1:0");
            let socket = self::socket(s, libc::AF_UNIX, libc::SOCK_STREAM);
            let path = s.place.absolute("socket");
            let address = s.bytes(&unix(&path));
            s.did("bind", [of("fd", socket), pointer(address), raw(3 + path.len() as i64)]);
            s.and("addr", path);
            let socket = self::socket(s, libc::AF_INET, libc::SOCK_STREAM);
            // TEST-NET-1: nobody has it.
            let address = s.bytes(&v4([192, 0, 2, 1], 80));
            s.did("bind", [of("fd", socket), pointer(address), raw(16)]);
            s.and("addr", "192.0.2.1:80");
        },
        ..Act::PLAIN
    },
    Act {
        name: "listen",
        kinds: &["listen"],
        what: "waits for connections, and on what is no socket",
        play: |s| {
            let (socket, _) = bound(s, libc::SOCK_STREAM);
            s.did("listen", [of("fd", socket), n("backlog", 5)]);
            s.descriptor("ipv4", None);
            s.did("listen", [n("fd", 1), n("backlog", 5)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "accept",
        kinds: &["accept"],
        what: "takes a connection, and finds no other",
        needs: &[Need::OldCall],
        play: |s| {
            let (listener, client, server) = connected(s);
            s.did("accept", [of("", listener), raw(0), raw(0)]);
            accepted(s, client, server);
            not_waiting(s, listener);
            s.did("accept", [of("", listener), raw(0), raw(0)]);
            not_accepted(s);
        },
        ..Act::PLAIN
    },
    Act {
        name: "accept4",
        kinds: &["accept4"],
        what: "takes a connection, and finds no other",
        play: |s| {
            let (listener, client, server) = connected(s);
            // O_CLOEXEC as Falco has it.
            let closes = || raw(libc::SOCK_CLOEXEC).telling("flags", 1 << 12);
            s.did("accept4", [of("", listener), raw(0), raw(0), closes()]);
            accepted(s, client, server);
            not_waiting(s, listener);
            s.did("accept4", [of("", listener), raw(0), raw(0), closes()]);
            not_accepted(s);
        },
        ..Act::PLAIN
    },
    Act {
        name: "connect",
        kinds: &["connect"],
        what: "connects over TCP, UDP and a UNIX socket, waits for none, and is refused",
        untold: &[("tuple", "of a UNIX socket it has addresses in the kernel")],
        play: connect,
        ..Act::PLAIN
    },
    Act {
        name: "shutdown",
        kinds: &["shutdown"],
        what: "ends a half of a connection, and what is no socket",
        play: |s| {
            let pair = s.space(8);
            let ty = raw(libc::SOCK_STREAM);
            s.call("socketpair", [raw(libc::AF_UNIX), ty, raw(0), pointer(pair)]);
            let how = || named("how", libc::SHUT_WR, "SHUT_WR");
            s.did("shutdown", [half("fd", pair), how()]);
            s.did("shutdown", [n("fd", 1), how()]);
        },
        ..Act::PLAIN
    },
];

/// A `struct sockaddr_in`.
pub(super) fn v4(address: [u8; 4], port: u16) -> Vec<u8> {
    let family = (libc::AF_INET as u16).to_le_bytes();
    [&family[..], &port.to_be_bytes(), &address, &[0; 8]].concat()
}

/// A `struct sockaddr_un`.
fn unix(path: &str) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_le_bytes()[..], path.as_bytes(), b"\0"].concat()
}

/// The port of a `struct sockaddr_in`.
pub(super) fn port(ran: &Ran, address: Buffer) -> u16 {
    ran.bytes(address.at(2), 2).try_into().map_or(0, u16::from_be_bytes)
}

/// Who to whom, both of this machine.
pub(super) fn tuple(from: Buffer, to: Buffer) -> Truth {
    found(move |ran| tuple_text(ran, from, to))
}

fn tuple_text(ran: &Ran, from: Buffer, to: Buffer) -> String {
    format!("127.0.0.1:{}->127.0.0.1:{}", port(ran, from), port(ran, to))
}

pub(super) fn socket(s: &mut Script<'_>, family: i32, ty: i32) -> Call {
    s.call("socket", [raw(family), raw(ty), raw(0)])
}

/// What `getsockname` says of a socket of IPv4.
pub(super) fn name_of(s: &mut Script<'_>, socket: Call) -> Buffer {
    let (address, size) = (s.space(16), s.bytes(&16_u32.to_le_bytes()));
    s.call("getsockname", [of("", socket), pointer(address), pointer(size)]);
    address
}

/// A socket at a port of the loopback interface, and its address.
pub(super) fn bound(s: &mut Script<'_>, ty: i32) -> (Call, Buffer) {
    let socket = socket(s, libc::AF_INET, ty);
    let address = s.bytes(&v4([127, 0, 0, 1], 0));
    s.call("bind", [of("", socket), pointer(address), raw(16)]);
    let name = name_of(s, socket);
    (socket, name)
}

/// A listener that does not wait and has one connection, and both ends of that.
fn connected(s: &mut Script<'_>) -> (Call, Buffer, Buffer) {
    let (listener, server) = bound(s, libc::SOCK_STREAM);
    s.call("listen", [of("", listener), raw(5)]);
    let client = socket(s, libc::AF_INET, libc::SOCK_STREAM);
    s.call("connect", [of("", client), pointer(server), raw(16)]);
    let client = name_of(s, client);
    (listener, client, server)
}

fn accepted(s: &mut Script<'_>, client: Buffer, server: Buffer) {
    s.and("tuple", tuple(client, server));
    queue(s, 5);
    s.descriptor("ipv4", Some(tuple(client, server)));
}

/// The first connection may come a moment after the client has it; for a second one nobody waits.
fn not_waiting(s: &mut Script<'_>, listener: Call) {
    s.call("fcntl", [of("", listener), raw(libc::F_SETFL), raw(libc::O_NONBLOCK)]);
}

fn not_accepted(s: &mut Script<'_>) {
    s.and("tuple", NULL);
    queue(s, 0);
}

/// Nobody waits behind who was taken.
fn queue(s: &mut Script<'_>, most: i64) {
    s.and("queuepct", 0);
    s.and("queuelen", 0);
    s.and("queuemax", most);
}

fn connect(s: &mut Script<'_>) {
    let (listener, server) = bound(s, libc::SOCK_STREAM);
    s.call("listen", [of("", listener), raw(5)]);
    let (_, receiver) = bound(s, libc::SOCK_DGRAM);
    for (ty, to) in [
        (libc::SOCK_STREAM, server),
        (libc::SOCK_DGRAM, receiver),
        (libc::SOCK_STREAM | libc::SOCK_NONBLOCK, server),
    ] {
        let client = socket(s, libc::AF_INET, ty);
        s.did("connect", [of("fd", client), pointer(to), raw(16)]);
        s.and("addr", found(move |ran| format!("127.0.0.1:{}", port(ran, to))));
        let own = name_of(s, client);
        s.and("tuple", tuple(own, to));
        s.descriptor("ipv4", Some(tuple(own, to)));
    }

    // A port that was free a moment ago.
    let (gone, address) = bound(s, libc::SOCK_STREAM);
    s.call("close", [of("", gone)]);
    let client = socket(s, libc::AF_INET, libc::SOCK_STREAM);
    s.did("connect", [of("fd", client), pointer(address), raw(16)]);
    s.and("addr", found(move |ran| format!("127.0.0.1:{}", port(ran, address))));
    s.and("tuple", NULL);

    let path = s.place.absolute("socket");
    let address = s.bytes(&unix(&path));
    let size = || raw(3 + path.len() as i64);
    let listener = socket(s, libc::AF_UNIX, libc::SOCK_STREAM);
    s.call("bind", [of("", listener), pointer(address), size()]);
    s.call("listen", [of("", listener), raw(5)]);
    let client = socket(s, libc::AF_UNIX, libc::SOCK_STREAM);
    s.did("connect", [of("fd", client), pointer(address), size()]);
    s.and("addr", path.clone());
    s.descriptor("unix", None);

    let missing = s.place.absolute("nobody");
    let address = s.bytes(&unix(&missing));
    let client = socket(s, libc::AF_UNIX, libc::SOCK_STREAM);
    s.did("connect", [of("fd", client), pointer(address), raw(3 + missing.len() as i64)]);
    s.and("addr", missing);
    s.and("tuple", NULL);
}

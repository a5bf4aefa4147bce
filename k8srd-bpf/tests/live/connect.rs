//! connect.

use std::ffi::OsStr;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};

use k8srd_core::kind::EventKind;
use k8srd_core::value::OwnedValue;

use crate::act::{tell, tell_context, tell_number};
use crate::exec::directory;
use crate::raw;
use crate::truth::{self, Truth, check, int, uint};
use crate::watch::{Run, Watch, skip};

pub(crate) const TESTS: crate::Tests = &[("of every family and outcome", every_family)];

fn v4(port: u16) -> Vec<u8> {
    [&(libc::AF_INET as u16).to_ne_bytes()[..], &port.to_be_bytes(), &[127, 0, 0, 1], &[0; 8]]
        .concat()
}

fn v6(port: u16) -> Vec<u8> {
    let mut address = (libc::AF_INET6 as u16).to_ne_bytes().to_vec();
    address.extend(port.to_be_bytes());
    address.extend([0; 4]);
    address.extend(std::net::Ipv6Addr::LOCALHOST.octets());
    address.extend([0; 4]);
    address
}

fn unix(name: &[u8]) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], name].concat()
}

/// Connects and tells the result, and what the socket says its ends are.
fn connect(case: &str, family: i32, kind: i32, address: &[u8]) {
    let fd = raw::socket(family, kind);
    let res = raw::connect(fd, address);
    tell_number(&format!("{case}.fd"), fd);
    tell_number(&format!("{case}.res"), res);
    if let Some(local) = raw::socket_name(fd, false) {
        tell(&format!("{case}.local"), local);
    }
    if let Some(peer) = raw::socket_name(fd, true) {
        tell(&format!("{case}.peer"), peer);
    }
}

pub(crate) fn act(directory: &OsStr) {
    tell_context();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    tell_number("v4.port", port);
    connect("v4", libc::AF_INET, libc::SOCK_STREAM, &v4(port));
    connect("progress", libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, &v4(port));
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = datagrams.local_addr().expect("its address").port();
    tell_number("udp.port", port);
    connect("udp", libc::AF_INET, libc::SOCK_DGRAM, &v4(port));
    // A port that was just free.
    let port = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a listener");
        gone.local_addr().expect("its address").port()
    };
    tell_number("refused.port", port);
    connect("refused", libc::AF_INET, libc::SOCK_STREAM, &v4(port));
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let port = listener.local_addr().expect("its address").port();
        tell_number("v6.port", port);
        connect("v6", libc::AF_INET6, libc::SOCK_STREAM, &v6(port));
    }
    let path = [directory.as_bytes(), b"/socket"].concat();
    let _listener = UnixListener::bind(OsStr::from_bytes(&path)).expect("a listener");
    connect("unix", libc::AF_UNIX, libc::SOCK_STREAM, &unix(&[&path[..], b"\0"].concat()));
    let name = format!("k8srd-{}", std::process::id());
    let address = UnixAddress::from_abstract_name(&name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("a listener");
    tell("abstract.name", &name);
    connect(
        "abstract",
        libc::AF_UNIX,
        libc::SOCK_STREAM,
        &unix(&[b"\0", name.as_bytes()].concat()),
    );
    connect("nobody", libc::AF_UNIX, libc::SOCK_STREAM, &unix(b"/no/such/socket\0"));
    tell_number("no-socket.res", raw::connect(0, &v4(1)));
}

/// Connects so many times, slowly enough for any ring.
pub(crate) fn act_often(often: &OsStr) {
    let often: u32 = often.to_string_lossy().parse().expect("a number");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for _ in 0..often {
        socket.connect("127.0.0.1:9").expect("a connection");
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
}

/// `address:port` of a `sockaddr` that getsockname gave.
pub(crate) fn inet(address: &[u8]) -> String {
    let port = u16::from_be_bytes([address[2], address[3]]);
    match i32::from(u16::from_ne_bytes([address[0], address[1]])) {
        libc::AF_INET => {
            let [a, b, c, d] = [address[4], address[5], address[6], address[7]];
            format!("{a}.{b}.{c}.{d}:{port}")
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = address[8..24].try_into().unwrap();
            format!("{}:{port}", std::net::Ipv6Addr::from(octets))
        }
        other => panic!("family {other}"),
    }
}

fn one(run: &Run, case: &str, addr: &str, kind: u64, protocol: u64, tuple: Truth) {
    let fd = run.told_number(&format!("{case}.fd"));
    let seen = run.one(EventKind::CONNECT, |seen| seen.int("fd") == fd);
    let mut truth = truth::context(run);
    truth.extend([
        ("res", int(run.told_number(&format!("{case}.res")))),
        ("fd", int(fd)),
        ("addr", truth::text(addr)),
        ("tuple", tuple),
        ("ctx.sock.type", uint(kind)),
        ("ctx.sock.protocol", uint(protocol)),
    ]);
    check(seen, truth);
}

fn every_family() {
    let directory = directory("connect");
    let mut watch = Watch::new(&[EventKind::CONNECT]);
    let run = watch.act("connect", &directory);
    let (stream, datagram) = (libc::SOCK_STREAM as u64, libc::SOCK_DGRAM as u64);
    let (tcp, udp) = (libc::IPPROTO_TCP as u64, libc::IPPROTO_UDP as u64);
    let ends = |case: &str| {
        let of = |end: &str| inet(run.told(&format!("{case}.{end}")));
        truth::text(format!("{}->{}", of("local"), of("peer")))
    };
    let here = |case: &str| format!("127.0.0.1:{}", run.told_number(&format!("{case}.port")));
    assert_eq!(run.told_number("v4.res"), 0);
    one(&run, "v4", &here("v4"), stream, tcp, ends("v4"));
    one(&run, "udp", &here("udp"), datagram, udp, ends("udp"));
    assert_eq!(run.told_number("progress.res"), -i64::from(libc::EINPROGRESS));
    one(&run, "progress", &here("v4"), stream, tcp, ends("progress"));
    assert_eq!(run.told_number("refused.res"), -i64::from(libc::ECONNREFUSED));
    one(&run, "refused", &here("refused"), stream, tcp, Truth::Absent);
    if run.told.contains_key("v6.port") {
        let address = format!("::1:{}", run.told_number("v6.port"));
        one(&run, "v6", &address, stream, tcp, ends("v6"));
    } else {
        skip("there is no IPv6 on the loopback interface");
    }
    let path = directory.join("socket").to_string_lossy().into_owned();
    let name = format!("\0{}", String::from_utf8_lossy(run.told("abstract.name")));
    for (case, name) in [("unix", path), ("abstract", name)] {
        assert_eq!(run.told_number(&format!("{case}.res")), 0);
        let fd = run.told_number(&format!("{case}.fd"));
        let seen = run.one(EventKind::CONNECT, |seen| seen.int("fd") == fd);
        // The kernel's addresses are nobody else's to know: they are there, and differ.
        let tuple = String::from_utf8_lossy(seen.bytes("tuple")).into_owned();
        let (ends, got) = tuple.split_once(' ').expect("addresses and a name");
        let (source, destination) = ends.split_once("->").expect("two ends");
        assert!(source != destination && source.len() > 8 && destination.len() > 8, "{tuple}");
        assert_eq!(got, name);
        one(&run, case, &name, stream, 0, Truth::Is(OwnedValue::Str(tuple.as_bytes().into())));
    }
    one(&run, "nobody", "/no/such/socket", stream, 0, Truth::Absent);
    let seen = run.one(EventKind::CONNECT, |seen| seen.int("fd") == 0);
    assert_eq!(seen.int("res"), -i64::from(libc::ENOTSOCK));
    assert!(!seen.values.contains_key("ctx.sock.type"));
}

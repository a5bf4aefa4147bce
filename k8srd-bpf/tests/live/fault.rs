//! Memory that is not there: an event about it says so and is counted, and tells what could be read.

use std::ffi::OsStr;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use k8srd_bpf::abi::counter;
use k8srd_bpf::source::DATA;
use k8srd_core::kind::EventKind;
use k8srd_core::loss::Flaw;
use k8srd_core::source::Source;
use k8srd_core::value::OwnedValue;

use crate::calls::{CWD, Cases, check_cases, kind, sys, text};
use crate::exec::directory;
use crate::raw;
use crate::watch::{Seen, Watch};

pub(crate) const TESTS: crate::Tests =
    &[("that is nowhere or ends too early is marked and counted", marked)];

const EFAULT: i64 = -(libc::EFAULT as i64);

/// Whose page is followed by none.
struct Edge(usize);

impl Edge {
    const PAGE: usize = 4096;

    fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, wherever the kernel wants it, of which the second half goes again.
        let start = unsafe {
            let both = libc::mmap(std::ptr::null_mut(), 2 * Self::PAGE, access, flags, -1, 0);
            assert_ne!(both, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
            assert_eq!(libc::munmap(both.byte_add(Self::PAGE), Self::PAGE), 0);
            both
        };
        Self(start as usize)
    }

    /// Puts bytes at the very end and gives their address: what follows them is not there.
    fn put(&self, bytes: &[u8]) -> usize {
        let address = self.nowhere() - bytes.len();
        // SAFETY: the page is ours, writable, and longer than what is put there.
        unsafe { (address as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        address
    }

    /// Where nothing is.
    fn nowhere(&self) -> usize {
        self.0 + Self::PAGE
    }
}

pub(crate) fn act(root: &OsStr) {
    std::env::set_current_dir(root).expect("the directory");
    let mut cases = Cases::new();
    act_names(&mut cases, &Edge::new());
    act_buffers(&mut cases, &Edge::new());
    act_structs(&mut cases, &Edge::new());
}

fn act_names(cases: &mut Cases, edge: &Edge) {
    // What is there up to the last byte of the page is no fault.
    let res = sys(libc::SYS_openat, [CWD, edge.put(b"at the end\0"), 0, 0, 0, 0]);
    let case = cases.of("openat").int("fd", res).text("name", "at the end");
    case.unreadable(false).others().tell();
    for name in [edge.nowhere(), edge.put(b"without an end")] {
        let res = sys(libc::SYS_openat, [CWD, name, 0, 0, 0, 0]);
        assert_eq!(res, EFAULT);
        cases.of("openat").int("fd", res).absent("name").unreadable(true).others().tell();
        let res = sys(libc::SYS_unlinkat, [CWD, name, 0, 0, 0, 0]);
        assert_eq!(res, EFAULT);
        cases.of("unlinkat").int("res", res).absent("name").unreadable(true).others().tell();
    }
    // The other name is there.
    let res = sys(libc::SYS_symlinkat, [edge.nowhere(), CWD, text(c"link"), 0, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("symlinkat").int("res", res).absent("target").text("linkpath", "link");
    case.unreadable(true).others().tell();
    let res = sys(libc::SYS_setxattr, [text(c"."), edge.nowhere(), text(c"v"), 1, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("setxattr").int("ctx.call.res", res).text("ctx.call.text0", ".");
    case.absent("ctx.call.text1").unreadable(true).tell();
}

fn act_buffers(cases: &mut Cases, edge: &Edge) {
    // The device takes what nobody can read.
    let null = std::fs::File::options().write(true).open("/dev/null").expect("the device");
    let fd = null.as_raw_fd();
    let res = sys(libc::SYS_write, [fd as usize, edge.nowhere(), 50, 0, 0, 0]);
    assert_eq!(res, 50);
    let case = cases.of("write").int("res", res).int("fd", fd).bytes("data", "");
    case.unreadable(true).others().tell();
    // Of vectors, which lie nowhere, and of a buffer that ends too early.
    let file = std::fs::File::create("file").expect("a file");
    let fd = file.as_raw_fd();
    let res = sys(libc::SYS_writev, [fd as usize, edge.nowhere(), 1, 0, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("writev").int("res", res).int("fd", fd).bytes("data", "");
    case.unreadable(true).others().tell();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect("127.0.0.1:9").expect("a connection");
    let fd = socket.as_raw_fd();
    let res = sys(libc::SYS_sendto, [fd as usize, edge.put(b"no more"), 70, 0, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("sendto").int("res", res).int("fd", fd).bytes("data", "no more");
    case.unreadable(true).others().tell();
}

fn act_structs(cases: &mut Cases, edge: &Edge) {
    let socket = raw::socket(libc::AF_INET, libc::SOCK_DGRAM);
    for address in [edge.nowhere(), edge.put(&(libc::AF_INET as u32).to_ne_bytes())] {
        let res = sys(libc::SYS_connect, [socket as usize, address, 16, 0, 0, 0]);
        assert_eq!(res, EFAULT);
        let case = cases.of("connect").int("res", res).int("fd", socket);
        case.absent("addr").absent("tuple").unreadable(true).tell();
    }
    let res = sys(libc::SYS_openat2, [CWD, text(c"name"), edge.nowhere(), 24, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("openat2").int("fd", res).text("name", "name");
    case.unreadable(true).others().tell();
    // Without the mark this would be a sleep of no time at all.
    let res = sys(libc::SYS_nanosleep, [edge.nowhere(), 0, 0, 0, 0, 0]);
    assert_eq!(res, EFAULT);
    let case = cases.of("nanosleep").int("res", res).uint("interval", 0_u64);
    case.unreadable(true).tell();
    let res = sys(libc::SYS_clone3, [edge.nowhere(), 64, 0, 0, 0, 0]);
    assert_eq!(res, EFAULT);
    cases.of("clone3").int("res", res).unreadable(true).others().tell();
    // One string of the environment is there, and then the list ends without its end.
    let environment = edge.put(&text(c"A=1").to_ne_bytes());
    let res = sys(libc::SYS_execve, [text(c"no such file"), edge.nowhere(), environment, 0, 0, 0]);
    let case = cases.of("execve").int("res", res).absent("exe").absent("args");
    case.bytes("env", "A=1\0").text("filename", "no such file").unreadable(true).others().tell();
}

const CASES: usize = 16;
/// All but the first.
const MARKED: usize = CASES - 1;

fn marked() {
    let directory = directory("faults");
    let watched = ["unlinkat", "symlinkat", "setxattr", "write", "writev", "sendto", "nanosleep"];
    let mut kinds = vec![EventKind::OPENAT, EventKind::OPENAT2, EventKind::CONNECT];
    kinds.extend(watched.map(kind));
    let mut watch = Watch::new(&kinds);
    let counted = |watch: &Watch| {
        let flaws = &watch.source.losses().streams[DATA].flawed;
        let kernel = watch.source.sensor().counters().expect("the counters");
        let faults: u64 = kernel.iter().map(|cpu| cpu.get(counter::COPY_FAULT)).sum();
        [flaws.get(&Flaw::Unreadable).copied().unwrap_or_default(), faults]
    };
    let before = counted(&watch);
    let run = watch.act("faults", &directory);
    assert_eq!(check_cases(&run), CASES);
    let is_marked = |seen: &&Seen| seen.values["ctx.unreadable"] == OwnedValue::Bool(true);
    assert_eq!(run.events.iter().filter(is_marked).count(), MARKED, "{:?}", run.events);
    // Others may add to it.
    for (before, after) in before.into_iter().zip(counted(&watch)) {
        assert!(after - before >= MARKED as u64, "{before}, then {after}");
    }
}

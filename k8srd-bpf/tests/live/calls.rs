//! Calls that rows of the table describe: one of each way to read arguments, each param compared
//! with what the program itself knows.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use k8srd_core::kind::{EventKind, KINDS, KindInfo};
use k8srd_core::value::OwnedValue;

use crate::act::tell;
use crate::exec::directory;
use crate::raw;
use crate::watch::{Run, Seen, Watch};

pub(crate) const TESTS: crate::Tests = &[
    ("of every form tell what the program knows", every_form),
    #[cfg(target_arch = "x86_64")]
    ("by 32-bit programs are the same", of_32_bits),
    ("that nobody wants are not told", filtered),
];

pub(crate) fn kind(name: &str) -> EventKind {
    let named = KINDS.iter().find(|info| info.name == name && !info.kind.is_state());
    named.unwrap_or_else(|| panic!("{name} is no kind")).kind
}

/// A call that was made, with the truth about its params and what else is known.
pub(crate) struct Case {
    name: String,
    truths: Vec<(&'static str, Vec<u8>)>,
}

/// Cases are told in order.
pub(crate) struct Cases(usize);

impl Cases {
    pub(crate) fn new() -> Self {
        Self(0)
    }

    pub(crate) fn of(&mut self, kind: &str) -> Case {
        self.0 += 1;
        Case { name: format!("case.{:03}.{kind}", self.0), truths: Vec::new() }
    }
}

impl Case {
    fn with(mut self, name: &'static str, ty: u8, value: &[u8]) -> Self {
        self.truths.push((name, [&[ty], value].concat()));
        self
    }

    pub(crate) fn int(self, name: &'static str, n: impl Into<i64>) -> Self {
        self.with(name, b'i', n.into().to_string().as_bytes())
    }

    pub(crate) fn uint(self, name: &'static str, n: impl Into<u64>) -> Self {
        self.with(name, b'u', n.into().to_string().as_bytes())
    }

    pub(crate) fn text(self, name: &'static str, text: impl AsRef<[u8]>) -> Self {
        self.with(name, b't', text.as_ref())
    }

    pub(crate) fn bytes(self, name: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(name, b'b', bytes.as_ref())
    }

    pub(crate) fn absent(self, name: &'static str) -> Self {
        self.with(name, b'-', b"")
    }

    /// Some number other than 0, which only the kernel knows.
    fn some(self, name: &'static str) -> Self {
        self.with(name, b'*', b"")
    }

    /// Whatever it is.
    pub(crate) fn any(self, name: &'static str) -> Self {
        self.with(name, b'?', b"")
    }

    /// Marked as one whose memory could not be read, or not.
    pub(crate) fn unreadable(self, is: bool) -> Self {
        self.with("ctx.unreadable", b'f', is.to_string().as_bytes())
    }

    /// What the test says nothing of.
    pub(crate) fn others(mut self) -> Self {
        let of = kind(self.name.rsplit('.').next().expect("a kind"));
        for param in KindInfo::of(of).expect("a kind").params.iter() {
            if self.truths.iter().all(|(name, _)| *name != param.name) {
                self = self.any(param.name);
            }
        }
        self
    }

    /// What `fstat` and `/proc` say of a descriptor that is still open.
    fn descriptor(self, fd: i64, ty: u64, name: &[u8]) -> Self {
        let file = fs::metadata(format!("/proc/self/fd/{fd}")).expect("the file");
        let it = self.int("ctx.fd.num", fd).uint("ctx.fd.type", ty);
        let it = it.uint("ctx.fd.ino", file.ino());
        if name.is_empty() { it.absent("ctx.fd.name") } else { it.text("ctx.fd.name", name) }
    }

    pub(crate) fn tell(self) {
        for (name, value) in &self.truths {
            tell(&format!("{}.{name}", self.name), value);
        }
    }
}

fn is(value: Option<&OwnedValue>, truth: &[u8]) -> bool {
    let (ty, truth) = truth.split_first().expect("a type");
    let number = || String::from_utf8_lossy(truth).into_owned();
    match (ty, value) {
        (b'-', None) | (b'?', _) => true,
        (b'f', Some(OwnedValue::Bool(is))) => is.to_string() == number(),
        (b'*', Some(OwnedValue::U64(n))) => *n != 0,
        (b'i', Some(OwnedValue::I64(n))) => n.to_string() == number(),
        (b'u', Some(OwnedValue::U64(n))) => n.to_string() == number(),
        (b't', Some(OwnedValue::Str(text))) => **text == *truth,
        (b't', Some(OwnedValue::Ip(ip))) => ip.to_string().as_bytes() == truth,
        (b'b', Some(OwnedValue::Bytes(bytes))) => **bytes == *truth,
        _ => false,
    }
}

/// Finds the event of each case, in order, and holds every param against its truth.
pub(crate) fn check_cases(run: &Run) -> usize {
    let mut cases: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (name, value) in &run.told {
        let Some(rest) = name.strip_prefix("case.") else { continue };
        let mut parts = rest.splitn(3, '.');
        let (number, of) = (parts.next().unwrap(), parts.next().unwrap());
        let case = cases.entry(format!("{number}.{of}")).or_default();
        case.insert(parts.next().unwrap().to_owned(), value.clone());
    }
    let mut from = 0;
    for (case, truths) in &cases {
        let kind = kind(case.split_once('.').unwrap().1);
        let info = KindInfo::of(kind).unwrap();
        if !kind.is_call() {
            for param in info.params.iter() {
                assert!(truths.contains_key(param.name), "{case} says nothing of {}", param.name);
            }
        }
        let wrong = |seen: &Seen| -> Vec<String> {
            let wrong = truths.iter().filter(|(name, truth)| !is(seen.values.get(&***name), truth));
            wrong
                .map(|(name, truth)| {
                    let value = seen.values.get(&**name);
                    format!("{name} is {value:?}, the truth is {}", truth.escape_ascii())
                })
                .collect()
        };
        let rest = run.events.iter().skip(from);
        let found = rest.clone().position(|seen| seen.kind == kind && wrong(seen).is_empty());
        let Some(found) = found else {
            let mut near: Vec<_> = rest.filter(|seen| seen.kind == kind).map(wrong).collect();
            near.sort_by_key(Vec::len);
            panic!("{case} was not seen; of its kind there are, with what is wrong: {near:#?}");
        };
        from += found + 1;
    }
    cases.len()
}

const FILE: u64 = 1;
const DIRECTORY: u64 = 2;
const IPV4: u64 = 3;
const IPV4_SERVER: u64 = 5;
const PIPE: u64 = 7;
const UNIX: u64 = 8;
const EVENT: u64 = 9;
const MEMFD: u64 = 20;
/// Falco's bit.
const CLOEXEC: u64 = 1 << 12;

/// A plain system call.
pub(crate) fn sys(number: libc::c_long, arguments: [usize; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: each caller passes memory that is valid for what the call does with it.
    raw::result(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

fn at<T: ?Sized>(value: &T) -> usize {
    std::ptr::from_ref(value).cast::<u8>() as usize
}

pub(crate) fn text(text: &CStr) -> usize {
    text.as_ptr() as usize
}

pub(crate) const CWD: usize = libc::AT_FDCWD as usize;
const ENOENT: i64 = -(libc::ENOENT as i64);

pub(crate) fn act(root: &OsStr) {
    let mut cases = Cases::new();
    std::env::set_current_dir(root).expect("the directory");
    let here = std::env::current_dir().expect("cwd").into_os_string();
    act_files(&mut cases, here.as_bytes());
    act_buffers(&mut cases, here.as_bytes());
    act_descriptors(&mut cases);
    act_sockets(&mut cases);
    act_processes(&mut cases);
}

fn act_files(cases: &mut Cases, here: &[u8]) {
    let file = File::create("file").expect("the file");
    let fd = file.as_raw_fd();
    let path = [here, b"/file"].concat();

    let res = sys(libc::SYS_fchmod, [fd as usize, 0o640, 0, 0, 0, 0]);
    let stat = fs::metadata("file").expect("the file");
    let case = cases.of("fchmod").int("res", res).int("fd", fd).uint("mode", 0o640_u64);
    case.descriptor(fd.into(), FILE, &path).uint("ctx.fd.dev", stat.dev()).tell();

    // A text, and the directory that it starts from.
    let name = c"./file";
    let res = sys(libc::SYS_fchmodat, [CWD, text(name), 0o600, 0, 0, 0]);
    let case = cases.of("fchmodat").int("res", res).int("dirfd", libc::AT_FDCWD);
    let case = case.text("filename", name.to_bytes()).uint("mode", 0o600_u64);
    case.text("ctx.path.base", here).absent("ctx.fd.num").tell();

    // Two texts, one of them of another directory.
    fs::create_dir("sub").expect("a directory");
    let sub = File::open("sub").expect("the directory");
    let dir = sub.as_raw_fd();
    let res = sys(
        libc::SYS_renameat2,
        [CWD, text(c"file"), dir as usize, text(c"new"), libc::RENAME_NOREPLACE as usize, 0],
    );
    let case = cases.of("renameat2").int("res", res).int("olddirfd", libc::AT_FDCWD);
    let case = case.text("oldpath", "file").int("newdirfd", dir).text("newpath", "new");
    case.uint("flags", 1_u64).text("ctx.path.base", here).tell();

    let sub_path = [here, b"/sub"].concat();
    let res = sys(libc::SYS_unlinkat, [dir as usize, text(c"missing"), 0, 0, 0, 0]);
    assert_eq!(res, ENOENT);
    let case = cases.of("unlinkat").int("res", res).int("dirfd", dir).text("name", "missing");
    let case = case.uint("flags", 0_u64).text("ctx.path.base", &sub_path);
    case.descriptor(dir.into(), DIRECTORY, &sub_path).tell();

    // A name at an address that is never mapped, and none at all.
    let res = sys(libc::SYS_unlinkat, [dir as usize, 8, 0, 0, 0, 0]);
    let case = cases.of("unlinkat").int("res", res).int("dirfd", dir).absent("name");
    case.uint("flags", 0_u64).absent("ctx.path.base").tell();

    let res = sys(libc::SYS_symlinkat, [text(c"tar get"), dir as usize, text(c"link"), 0, 0, 0]);
    let case = cases.of("symlinkat").int("res", res).text("target", "tar get");
    case.int("linkdirfd", dir).text("linkpath", "link").text("ctx.path.base", &sub_path).tell();

    let res = sys(libc::SYS_fchdir, [dir as usize, 0, 0, 0, 0, 0]);
    let case = cases.of("fchdir").int("res", res).int("fd", dir);
    case.descriptor(dir.into(), DIRECTORY, &sub_path).tell();
    let mut buffer = [0_u8; 4096];
    let res = sys(libc::SYS_getcwd, [buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0, 0]);
    cases.of("getcwd").int("res", res).text("path", &sub_path).tell();

    // Three texts, of a call that fails.
    let res =
        sys(libc::SYS_mount, [text(c"what"), text(c"no where"), text(c"no such"), 1 | 8, 0, 0]);
    assert!(res < 0);
    let case = cases.of("mount").int("res", res).text("dev", "what").text("dir", "no where");
    case.text("type", "no such").uint("flags", 9_u64).tell();

    // Calls without an event of Falco's own.
    let res = sys(libc::SYS_pivot_root, [text(c"no/root"), text(c"/old"), 0, 0, 0, 0]);
    let case = cases.of("pivot_root").int("ctx.call.res", res).text("ctx.call.text0", "no/root");
    let case = case.text("ctx.call.text1", "/old").uint("ID", 137_u64);
    case.uint("nativeID", libc::SYS_pivot_root as u64).text("ctx.path.base", &sub_path).tell();
    let res = sys(libc::SYS_setxattr, [text(c"."), text(c"user.k8srd"), text(c"v"), 1, 7, 0]);
    let case = cases.of("setxattr").int("ctx.call.res", res).text("ctx.call.text0", ".");
    case.text("ctx.call.text1", "user.k8srd").uint("ctx.call.arg4", 7_u64).tell();
    std::env::set_current_dir("..").expect("the directory");
}

fn act_buffers(cases: &mut Cases, here: &[u8]) {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open("data")
        .expect("a file");
    let fd = file.as_raw_fd() as usize;
    let path = [here, b"/data"].concat();
    // Longer than what is kept of it.
    let long = b"a text that is longer than the eighty bytes that are kept of any buffer, unless more is asked";
    let res = sys(libc::SYS_write, [fd, at(long), long.len(), 0, 0, 0]);
    let case = cases.of("write").int("res", res).bytes("data", &long[..80]).int("fd", fd as i64);
    case.uint("size", long.len() as u64).descriptor(fd as i64, FILE, &path).tell();
    let res = sys(libc::SYS_pwrite64, [fd, at(b"HEAD"), 4, 2, 0, 0]);
    let case = cases.of("pwrite").int("res", res).bytes("data", "HEAD").int("fd", fd as i64);
    case.uint("size", 4_u64).uint("pos", 2_u64).tell();
    let mut got = [0_u8; 32];
    let res = sys(libc::SYS_pread64, [fd, got.as_mut_ptr() as usize, 7, 1, 0, 0]);
    let case = cases.of("pread").int("res", res).bytes("data", " HEAD t").int("fd", fd as i64);
    case.uint("size", 7_u64).uint("pos", 1_u64).tell();
    // At the end of the file nothing is read.
    let res = sys(libc::SYS_read, [fd, got.as_mut_ptr() as usize, 32, 0, 0, 0]);
    assert_eq!(res, 0);
    let case = cases.of("read").int("res", res).bytes("data", "").int("fd", fd as i64);
    case.uint("size", 32_u64).tell();

    let vectors = [[at(b"one, "), 5], [at(b"two"), 3], [0, 0], [at(b", three"), 7]];
    let res = sys(libc::SYS_writev, [fd, at(&vectors), vectors.len(), 0, 0, 0]);
    let case = cases.of("writev").int("res", res).bytes("data", "one, two, three");
    case.int("fd", fd as i64).uint("size", 15_u64).tell();
    let mut second = [0_u8; 100];
    let vectors = [[got.as_mut_ptr() as usize, 3], [second.as_mut_ptr() as usize, 4]];
    let res = sys(libc::SYS_preadv, [fd, at(&vectors), 2, 2, 0, 0]);
    let case = cases.of("preadv").int("res", res).uint("size", 7_u64).bytes("data", "HEAD th");
    case.int("fd", fd as i64).uint("pos", 2_u64).tell();
    // A buffer that is not there.
    let res = sys(libc::SYS_write, [fd, 8, 5, 0, 0, 0]);
    assert_eq!(res, -i64::from(libc::EFAULT));
    let case = cases.of("write").int("res", res).bytes("data", "").int("fd", fd as i64);
    case.uint("size", 5_u64).tell();
    let res = sys(libc::SYS_close, [usize::MAX, 0, 0, 0, 0, 0]);
    cases.of("close").int("res", res).int("fd", -1).tell();
}

fn act_descriptors(cases: &mut Cases) {
    let mut ends = [0_i32; 2];
    let res =
        sys(libc::SYS_pipe2, [ends.as_mut_ptr() as usize, libc::O_CLOEXEC as usize, 0, 0, 0, 0]);
    let ino = fs::metadata(format!("/proc/self/fd/{}", ends[0])).expect("a pipe").ino();
    let case = cases.of("pipe2").int("res", res).int("fd1", ends[0]).int("fd2", ends[1]);
    let case = case.uint("ino", ino).uint("flags", CLOEXEC);
    case.descriptor(ends[0].into(), PIPE, b"").tell();

    let fd = sys(libc::SYS_eventfd2, [7, libc::EFD_CLOEXEC as usize, 0, 0, 0, 0]);
    let case = cases.of("eventfd2").int("res", fd).uint("flags", CLOEXEC).uint("initval", 7_u64);
    case.descriptor(fd, EVENT, b"[eventfd]").tell();

    let fd = sys(libc::SYS_memfd_create, [text(c"in memory"), 1, 0, 0, 0, 0]);
    let case = cases.of("memfd_create").int("fd", fd).text("name", "in memory");
    case.uint("flags", 1_u64).descriptor(fd, MEMFD, b"memfd:in memory").tell();

    let copy = sys(libc::SYS_dup3, [fd as usize, 200, libc::O_CLOEXEC as usize, 0, 0, 0]);
    let case = cases.of("dup3").int("res", copy).int("oldfd", fd).int("newfd", 200);
    case.uint("flags", CLOEXEC).descriptor(fd, MEMFD, b"memfd:in memory").tell();

    let res = sys(libc::SYS_fcntl, [fd as usize, libc::F_DUPFD_CLOEXEC as usize, 300, 0, 0, 0]);
    let case = cases.of("fcntl").int("res", res).int("fd", fd).uint("cmd", 26_u64);
    case.uint("arg", 300_u64).tell();
    let ticket = sys(libc::SYS_epoll_create1, [libc::EPOLL_CLOEXEC as usize, 0, 0, 0, 0, 0]);
    let case = cases.of("epoll_create1").int("res", ticket).uint("flags", 1_u64);
    case.descriptor(ticket, 12, b"[eventpoll]").tell();
}

fn sockaddr(address: &str) -> Vec<u8> {
    let address: std::net::SocketAddrV4 = address.parse().expect("an address");
    let family = (libc::AF_INET as u16).to_ne_bytes();
    let (ip, port) = (address.ip().octets(), address.port().to_be_bytes());
    [&family[..], &port, &ip, &[0; 8]].concat()
}

/// A client knows of its connection a moment before the listener has it.
fn wait_for_connections(listener: &TcpListener, wanted: u32) {
    // Of a listener `tcpi_unacked` is how many wait to be accepted (`tcp_get_info` in net/ipv4/tcp.c).
    const UNACKED: usize = 24;
    let start = Instant::now();
    loop {
        let (mut info, mut length) = ([0_u8; 104], 104_u32);
        let length_at = std::ptr::from_mut(&mut length) as usize;
        let (fd, into) = (listener.as_raw_fd() as usize, info.as_mut_ptr() as usize);
        let option = (libc::IPPROTO_TCP as usize, libc::TCP_INFO as usize);
        let res = sys(libc::SYS_getsockopt, [fd, option.0, option.1, into, length_at, 0]);
        assert_eq!(res, 0, "TCP_INFO");
        let waiting = info.get(UNACKED..UNACKED + 4).and_then(|bytes| bytes.try_into().ok());
        if waiting.map(u32::from_ne_bytes) == Some(wanted) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "no connection in time");
        std::thread::yield_now();
    }
}

fn act_sockets(cases: &mut Cases) {
    let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as usize;
    let fd = sys(libc::SYS_socket, [libc::AF_INET as usize, kind, 6, 0, 0, 0]);
    let case = cases.of("socket").int("fd", fd).uint("domain", 2_u64).uint("type", kind as u64);
    let case = case.uint("proto", 6_u64).uint("flags", CLOEXEC);
    case.descriptor(fd, IPV4, b"").uint("ctx.sock.type", 1_u64).tell();

    let address = sockaddr("127.0.0.1:0");
    let res = sys(libc::SYS_bind, [fd as usize, at(&*address), address.len(), 0, 0, 0]);
    // SAFETY: it was made above and belongs to nobody.
    let socket = TcpListener::from(unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
    let here = socket.local_addr().expect("an address");
    let case = cases.of("bind").int("res", res).text("addr", "127.0.0.1:0").int("fd", fd);
    let case = case.descriptor(fd, IPV4_SERVER, b"").text("ctx.fd.lip", "127.0.0.1");
    case.uint("ctx.fd.lport", here.port()).uint("ctx.fd.rport", 0_u64).tell();
    let res = sys(libc::SYS_listen, [fd as usize, 5, 0, 0, 0, 0]);
    cases.of("listen").int("res", res).int("fd", fd).int("backlog", 5).tell();

    let client = TcpStream::connect(here).expect("connect");
    wait_for_connections(&socket, 1);
    let second = TcpStream::connect(here).expect("connect");
    wait_for_connections(&socket, 2);
    let got = sys(libc::SYS_accept4, [fd as usize, 0, 0, libc::SOCK_CLOEXEC as usize, 0, 0]);
    let there = client.local_addr().expect("an address");
    let case = cases.of("accept4").int("fd", got).text("tuple", format!("{there}->{here}"));
    // One more waits, of five.
    let case = case.uint("queuepct", 20_u64).uint("queuelen", 1_u64).uint("queuemax", 5_u64);
    let case = case.int("flags", CLOEXEC as i64).descriptor(got, IPV4, b"");
    case.text("ctx.fd.rip", "127.0.0.1").uint("ctx.fd.rport", there.port()).tell();
    drop(second);

    // Datagrams: the address that is given, and the one that comes.
    let one = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let two = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let (from, to) = (one.local_addr().expect("here"), two.local_addr().expect("there"));
    let (sender, receiver) = (one.as_raw_fd(), two.as_raw_fd());
    let address = sockaddr(&to.to_string());
    let res =
        sys(libc::SYS_sendto, [sender as usize, at(b"ping"), 4, 0, at(&*address), address.len()]);
    let case = cases.of("sendto").int("res", res).bytes("data", "ping").int("fd", sender);
    let case = case.uint("size", 4_u64).text("tuple", format!("{from}->{to}"));
    case.uint("ctx.sock.type", 2_u64).uint("ctx.sock.protocol", 17_u64).tell();
    let (mut buffer, mut name, mut length) = ([0_u8; 64], [0_u8; 128], 128_u32);
    let (into, name_at) = (buffer.as_mut_ptr() as usize, name.as_mut_ptr() as usize);
    let length_at = std::ptr::from_mut(&mut length) as usize;
    let res = sys(libc::SYS_recvfrom, [receiver as usize, into, 64, 0, name_at, length_at]);
    let case = cases.of("recvfrom").int("res", res).bytes("data", "ping");
    let case = case.text("tuple", format!("{from}->{to}")).int("fd", receiver);
    case.uint("size", 64_u64).tell();

    let vectors = [[at(b"first "), 6], [at(b"second"), 6]];
    let message = [at(&*address), address.len(), at(&vectors), 2, 0, 0, 0, 0];
    let res = sys(libc::SYS_sendmsg, [sender as usize, at(&message), 0, 0, 0, 0]);
    let case = cases.of("sendmsg").int("res", res).bytes("data", "first second");
    let case = case.int("fd", sender).uint("size", 12_u64);
    case.text("tuple", format!("{from}->{to}")).tell();
    let into = [[buffer.as_mut_ptr() as usize, 4], [name.as_mut_ptr() as usize, 64]];
    let mut peer = [0_u8; 16];
    let message = [peer.as_mut_ptr() as usize, 16, at(&into), 2, 0, 0, 0, 0];
    let res = sys(libc::SYS_recvmsg, [receiver as usize, at(&message), 0, 0, 0, 0]);
    let case = cases.of("recvmsg").int("res", res).uint("size", 12_u64);
    let case = case.bytes("data", "first second").text("tuple", format!("{from}->{to}"));
    case.bytes("msgcontrol", "").int("fd", receiver).tell();

    // Two messages of one call are two events.
    let (a, b) = ([[at(b"a"), 1]], [[at(b"bb"), 2]]);
    let messages = [
        [at(&*address), address.len(), at(&a), 1, 0, 0, 0, 0],
        [at(&*address), address.len(), at(&b), 1, 0, 0, 0, 0],
    ];
    let res = sys(libc::SYS_sendmmsg, [sender as usize, at(&messages), 2, 0, 0, 0]);
    assert_eq!(res, 2);
    for (data, len) in [("a", 1), ("bb", 2)] {
        let case = cases.of("sendmmsg").int("res", len).int("fd", sender).uint("size", len as u64);
        case.bytes("data", data).text("tuple", format!("{from}->{to}")).tell();
    }

    let mut pair = [0_i32; 2];
    let kind = libc::SOCK_DGRAM as usize;
    let res = sys(libc::SYS_socketpair, [1, kind, 0, pair.as_mut_ptr() as usize, 0, 0]);
    let case = cases.of("socketpair").int("res", res).int("fd1", pair[0]).int("fd2", pair[1]);
    let case = case.some("source").some("peer").uint("domain", 1_u64).uint("type", 2_u64);
    case.uint("proto", 0_u64).descriptor(pair[0].into(), UNIX, b"").tell();
    // A descriptor, sent along.
    let control = [20_u32, 0, libc::SOL_SOCKET as u32, libc::SCM_RIGHTS as u32, sender as u32, 0];
    let vectors = [[at(b"x"), 1]];
    let message = [0, 0, at(&vectors), 1, at(&control), 24, 0, 0];
    assert_eq!(sys(libc::SYS_sendmsg, [pair[0] as usize, at(&message), 0, 0, 0, 0]), 1);
    let mut got = [0_u32; 6];
    let into = [[buffer.as_mut_ptr() as usize, 8]];
    let message = [0, 0, at(&into), 1, got.as_mut_ptr() as usize, 24, 0, 0];
    let res = sys(libc::SYS_recvmsg, [pair[1] as usize, at(&message), 0, 0, 0, 0]);
    let received: Vec<u8> = got.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let length = usize::min(message_control(&message), received.len());
    let case = cases.of("recvmsg").int("res", res).uint("size", 1_u64).bytes("data", "x");
    let case = case.bytes("msgcontrol", &received[..length]).int("fd", pair[1]);
    case.any("tuple").tell();

    let mut on = 1_u32;
    let option = [pair[0] as usize, 1, libc::SO_PASSCRED as usize, at(&on), 4, 0];
    let res = sys(libc::SYS_setsockopt, option);
    let case = cases.of("setsockopt").int("res", res).int("fd", pair[0]).uint("level", 1_u64);
    case.uint("optname", 16_u64).uint("val", 1_u64).uint("optlen", 4_u64).tell();
    let mut length = 4_u32;
    let (value_at, length_at) =
        (std::ptr::from_mut(&mut on) as usize, std::ptr::from_mut(&mut length) as usize);
    let option = [pair[0] as usize, 1, libc::SO_TYPE as usize, value_at, length_at, 0];
    let res = sys(libc::SYS_getsockopt, option);
    let case = cases.of("getsockopt").int("res", res).int("fd", pair[0]).uint("level", 1_u64);
    case.uint("optname", 3_u64).uint("val", 2_u64).uint("optlen", 4_u64).tell();
}

/// `msg_controllen`, which the call changed.
fn message_control(message: &[usize; 8]) -> usize {
    // SAFETY: it is a plain number of ours; the kernel may have written it.
    unsafe { std::ptr::read_volatile(&message[5]) }
}

fn act_processes(cases: &mut Cases) {
    let res = sys(libc::SYS_prctl, [libc::PR_SET_NAME as usize, text(c"other"), 0, 0, 0, 0]);
    let case = cases.of("prctl").int("res", res).uint("option", 15_u64);
    case.text("arg2_str", "other").int("arg2_int", 0).tell();
    let res = sys(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as usize, 1, 0, 0, 0, 0]);
    let case = cases.of("prctl").int("res", res).uint("option", 4_u64);
    case.absent("arg2_str").int("arg2_int", 1).tell();

    let mut limits = [0_u64; 2];
    let res = sys(libc::SYS_prlimit64, [0, 7, 0, limits.as_mut_ptr() as usize, 0, 0]);
    // SAFETY: plain numbers of ours, which the kernel wrote.
    let [soft, hard] = unsafe { std::ptr::read_volatile(&limits) };
    let case = cases.of("prlimit").int("res", res).int("newcur", 0).int("newmax", 0);
    let case = case.int("oldcur", soft as i64).int("oldmax", hard as i64).int("pid", 0);
    case.uint("resource", 7_u64).tell();
    let time = [0_u64, 1_234_567];
    let res = sys(libc::SYS_nanosleep, [at(&time), 0, 0, 0, 0, 0]);
    cases.of("nanosleep").int("res", res).uint("interval", 1_234_567_u64).tell();
    let res = sys(libc::SYS_kill, [0, 0, 0, 0, 0, 0]);
    cases.of("kill").int("res", res).int("pid", 0).uint("sig", 0_u64).tell();
    let res = sys(libc::SYS_setns, [100_000, libc::CLONE_NEWNET as usize, 0, 0, 0, 0]);
    cases.of("setns").int("res", res).int("fd", 100_000).uint("nstype", 1_u64 << 4).tell();
    let wanted = [libc::pollfd { fd: 0, events: libc::POLLNVAL, revents: 0 }];
    let left = [0_u64, 1_234_567];
    let res = sys(libc::SYS_ppoll, [at(&wanted), 1, at(&left), 0, 8, 0]);
    // The call leaves there how much of the time is left.
    // SAFETY: plain numbers of ours, which the kernel wrote.
    let left = unsafe { std::ptr::read_volatile(&left[1]) };
    // SAFETY: a plain number of ours, which the kernel wrote.
    let came = unsafe { std::ptr::read_volatile(&wanted[0].revents) };
    let mut list = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // POLLIN, POLLHUP, POLLERR: where standard input leads.
    let bits = (came & 7) as u16 | ((came as u16 & 0x38) << 1);
    list.extend(bits.to_le_bytes());
    let case = cases.of("ppoll").int("res", res).bytes("fds", &list);
    case.uint("timeout", left).uint("sigmask", 0_u64).tell();

    // Memory: what is to be executed is told.
    let (anonymous, executable) = (
        (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize,
        (libc::PROT_READ | libc::PROT_EXEC) as usize,
    );
    let res = sys(libc::SYS_mmap, [0, 8192, executable, anonymous, usize::MAX, 0]);
    let case = cases.of("mmap").int("res", res).some("vm_size").some("vm_rss");
    let case = case.any("vm_swap").uint("addr", 0_u64).uint("length", 8192_u64);
    let case = case.uint("prot", 5_u64).uint("flags", 2_u64 | 8).int("fd", -1);
    case.uint("offset", 0_u64).tell();
    let res = sys(libc::SYS_mprotect, [res as usize, 4096, executable, 0, 0, 0]);
    let case = cases.of("mprotect").int("res", res).some("addr").uint("length", 4096_u64);
    case.uint("prot", 5_u64).tell();
}

/// All kinds that the acts tell of.
const WATCHED: &[&str] = &[
    "fchmod",
    "fchmodat",
    "renameat2",
    "unlinkat",
    "symlinkat",
    "fchdir",
    "getcwd",
    "mount",
    "pivot_root",
    "setxattr",
    "write",
    "pwrite",
    "pread",
    "read",
    "writev",
    "preadv",
    "close",
    "pipe2",
    "eventfd2",
    "memfd_create",
    "dup3",
    "fcntl",
    "epoll_create1",
    "socket",
    "bind",
    "listen",
    "accept4",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "socketpair",
    "setsockopt",
    "getsockopt",
    "prctl",
    "prlimit",
    "nanosleep",
    "kill",
    "setns",
    "ppoll",
    "mmap",
    "mprotect",
    "unlink",
    "rename",
];

fn watch() -> Watch {
    let kinds: Vec<EventKind> = WATCHED.iter().map(|name| kind(name)).collect();
    Watch::new(&kinds)
}

fn every_form() {
    let directory = directory("calls");
    let run = watch().act("calls", &directory);
    assert_eq!(check_cases(&run), 48);
}

/// Calls of a 32-bit program, made by this one: what it points to lies below 4 GiB.
#[cfg(target_arch = "x86_64")]
pub(crate) fn act_32(root: &OsStr) {
    let mut cases = Cases::new();
    std::env::set_current_dir(root).expect("the directory");
    let here = std::env::current_dir().expect("cwd").into_os_string();
    let low = raw::Low::new();
    let name = low.put(b"no such file\0");
    let res = raw::int_80(10, [name, 0, 0, 0, 0]);
    assert_eq!(i64::from(res), ENOENT);
    let case = cases.of("unlink").int("res", res).text("path", "no such file");
    case.text("ctx.path.base", here.as_bytes()).tell();

    let file = File::create("file32").expect("a file");
    let fd = file.as_raw_fd();
    let (a, b) = (low.put(b"four"), low.put(b" and more"));
    let words = |words: &[u32]| -> u32 {
        low.put(&words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>())
    };
    let vectors = words(&[a, 4, b, 9]);
    let res = raw::int_80(146, [fd as u32, vectors, 2, 0, 0]);
    let case = cases.of("writev").int("res", res).bytes("data", "four and more");
    case.int("fd", fd).uint("size", 13_u64).tell();
    // pwrite64 takes the position in two halves.
    let res = raw::int_80(181, [fd as u32, a, 4, 5, 1]);
    let case = cases.of("pwrite").int("res", res).bytes("data", "four").int("fd", fd);
    case.uint("size", 4_u64).uint("pos", (1_u64 << 32) + 5).tell();

    // All calls on sockets are one: socket(AF_INET, SOCK_DGRAM, 0), then sendto and sendmsg.
    let made = words(&[2, 2, 0]);
    let socket = raw::int_80(102, [1, made, 0, 0, 0]);
    let case = cases.of("socket").int("fd", socket).uint("domain", 2_u64).uint("type", 2_u64);
    case.uint("proto", 0_u64).uint("flags", 0_u64).tell();
    let other = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let to = other.local_addr().expect("an address");
    let address = low.put(&sockaddr(&to.to_string()));
    let arguments = words(&[socket as u32, a, 4, 0, address, 16]);
    let res = raw::int_80(102, [11, arguments, 0, 0, 0]);
    // SAFETY: it was made above and belongs to nobody.
    let own = UdpSocket::from(unsafe { OwnedFd::from_raw_fd(socket) });
    let from = format!("0.0.0.0:{}", own.local_addr().expect("an address").port());
    let case = cases.of("sendto").int("res", res).bytes("data", "four").int("fd", socket);
    case.uint("size", 4_u64).text("tuple", format!("{from}->{to}")).tell();
    let message = words(&[address, 16, vectors, 2, 0, 0, 0]);
    let res = raw::int_80(370, [socket as u32, message, 0, 0, 0]);
    let case = cases.of("sendmsg").int("res", res).bytes("data", "four and more");
    case.int("fd", socket).uint("size", 13_u64).text("tuple", format!("{from}->{to}")).tell();
    let time = words(&[0, 1000]);
    let res = raw::int_80(162, [time, 0, 0, 0, 0]);
    cases.of("nanosleep").int("res", res).uint("interval", 1000_u64).tell();
}

#[cfg(target_arch = "x86_64")]
fn of_32_bits() {
    let directory = directory("calls-32");
    let run = watch().act("calls-32", &directory);
    assert_eq!(check_cases(&run), 7);
}

pub(crate) fn act_filtered() {
    let anonymous = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    for _ in 0..20 {
        let got =
            sys(libc::SYS_mmap, [0, 4096 * 37, libc::PROT_READ as usize, anonymous, usize::MAX, 0]);
        assert_eq!(sys(libc::SYS_munmap, [got as usize, 4096 * 37, 0, 0, 0, 0]), 0);
    }
}

fn filtered() {
    let run = Watch::new(&[kind("mmap"), kind("munmap")]).act("calls-filtered", "");
    let of =
        |name: &str| run.of_kind(kind(name)).filter(|it| it.int("length") == 4096 * 37).count();
    assert_eq!((of("mmap"), of("munmap")), (0, 20));
}

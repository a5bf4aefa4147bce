//! What is done through io_uring, without system calls of its own.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

use k8srd_core::kind::EventKind;
use k8srd_core::value::OwnedValue;

use crate::act::{path_of, tell, tell_context, tell_number};
use crate::exec::directory;
use crate::raw;
use crate::truth::{self, Truth, check, int, text, uint};
use crate::watch::{Run, Seen, Watch, skip};

pub(crate) const TESTS: crate::Tests = &[("opens and connects", opens_and_connects)];

/// `IORING_OP_*`, and the flag of a request whose success is not told.
const CONNECT: u8 = 16;
const OPENAT: u8 = 18;
const SILENT: u8 = 1 << 6;

/// `struct io_uring_params`, up to the offsets of the two rings.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Params {
    entries: [u32; 2],
    flags: u32,
    thread: [u32; 2],
    features: u32,
    wq_fd: u32,
    reserved: [u32; 3],
    /// head, tail, ring_mask, ring_entries, flags, dropped, array, reserved, user_addr.
    sq: [u32; 10],
    /// head, tail, ring_mask, ring_entries, overflow, cqes, flags, reserved, user_addr.
    cq: [u32; 10],
}

/// A ring of eight requests, one at a time.
struct Ring {
    fd: usize,
    params: Params,
    queue: *mut u8,
    requests: *mut u8,
}

const BYTES: usize = 16 << 10;

impl Ring {
    fn new() -> Option<Self> {
        let mut params = Params::default();
        let at = std::ptr::from_mut(&mut params);
        // SAFETY: the struct is the kernel's.
        let fd = raw::result(unsafe { libc::syscall(libc::SYS_io_uring_setup, 8, at) });
        let fd = usize::try_from(fd).ok()?;
        let map = |offset: i64| {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a new mapping of the ring, wherever the kernel wants it.
            let start = unsafe {
                libc::mmap(std::ptr::null_mut(), BYTES, access, libc::MAP_SHARED, fd as i32, offset)
            };
            assert_ne!(start, libc::MAP_FAILED, "{}", io::Error::last_os_error());
            start.cast::<u8>()
        };
        // Both queues are one mapping (IORING_FEAT_SINGLE_MMAP, from 5.4).
        Some(Self { fd, params, queue: map(0), requests: map(0x1000_0000) })
    }

    fn word(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: the kernel names offsets of aligned words within the mapping.
        unsafe { AtomicU32::from_ptr(self.queue.add(offset as usize).cast()) }
    }

    /// Has one request done: its opcode, flags, descriptor, `off`, `addr`, `len` and own flags. Gives
    /// what it returned; nothing of a silent one.
    fn ask(
        &self,
        opcode: u8,
        flags: u8,
        fd: i32,
        words: [u64; 2],
        len: u32,
        own: u32,
    ) -> Option<i64> {
        let mut request = [0_u8; 64];
        request[..2].copy_from_slice(&[opcode, flags]);
        request[4..8].copy_from_slice(&fd.to_ne_bytes());
        request[8..16].copy_from_slice(&words[0].to_ne_bytes());
        request[16..24].copy_from_slice(&words[1].to_ne_bytes());
        request[24..28].copy_from_slice(&len.to_ne_bytes());
        request[28..32].copy_from_slice(&own.to_ne_bytes());
        let (tail, mask) = (self.word(self.params.sq[1]), self.word(self.params.sq[2]));
        let place = tail.load(Ordering::Relaxed) & mask.load(Ordering::Relaxed);
        // SAFETY: the ring has that many requests of 64 bytes.
        unsafe {
            let to = self.requests.add(place as usize * 64);
            to.copy_from_nonoverlapping(request.as_ptr(), request.len());
        }
        self.word(self.params.sq[6] + 4 * place).store(place, Ordering::Relaxed);
        tail.fetch_add(1, Ordering::Release);
        let (head, done) = (self.word(self.params.cq[0]), self.word(self.params.cq[1]));
        let waits = usize::from(flags & SILENT == 0);
        // SAFETY: plain numbers; what the request points to lives until it is done.
        let taken = raw::result(unsafe {
            libc::syscall(libc::SYS_io_uring_enter, self.fd, 1, waits, waits, 0, 0)
        });
        assert_eq!(taken, 1);
        if waits == 0 {
            return None;
        }
        while done.load(Ordering::Acquire) == head.load(Ordering::Relaxed) {}
        let place =
            head.load(Ordering::Relaxed) & self.word(self.params.cq[2]).load(Ordering::Relaxed);
        // user_data of 8 bytes, then the result.
        let result = self.word(self.params.cq[5] + 16 * place + 8).load(Ordering::Relaxed) as i32;
        head.fetch_add(1, Ordering::Release);
        Some(result.into())
    }
}

pub(crate) fn act(root: &OsStr) {
    std::env::set_current_dir(root).expect("the directory");
    fs::write("file", "text").expect("the file");
    tell_context();
    let Some(ring) = Ring::new() else {
        tell("missing", "");
        return;
    };
    tell("cwd", std::env::current_dir().expect("cwd").into_os_string().as_encoded_bytes());
    let open = |case: &str, name: &std::ffi::CStr, flags: u8, own: i32| {
        let words = [0, name.as_ptr() as u64];
        let fd = ring.ask(OPENAT, flags, libc::AT_FDCWD, words, 0o640, own as u32);
        let Some(fd) = fd else { return };
        tell_number(&format!("{case}.fd"), fd);
        if fd >= 0 {
            tell(&format!("{case}.path"), path_of(fd));
            let file = fs::metadata(format!("/proc/self/fd/{fd}")).expect("the file");
            tell_number(&format!("{case}.ino"), file.ino());
            tell_number(&format!("{case}.dev"), file.dev());
            tell_number(&format!("{case}.mode"), file.mode());
        }
    };
    open("opened", c"./file", 0, libc::O_RDONLY | libc::O_CLOEXEC);
    open("missing", c"no such file", 0, libc::O_RDONLY);
    open("silent", c"silent", SILENT, libc::O_WRONLY | libc::O_CREAT);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let there = listener.local_addr().expect("an address");
    let mut address = (libc::AF_INET as u16).to_ne_bytes().to_vec();
    address.extend(there.port().to_be_bytes());
    address.extend([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let socket = raw::socket(libc::AF_INET, libc::SOCK_STREAM);
    let words = [address.len() as u64, address.as_ptr() as u64];
    let res = ring.ask(CONNECT, 0, socket, words, 0, 0).expect("a completion");
    tell_number("connect.res", res);
    tell_number("connect.fd", socket);
    tell_number("connect.port", there.port());
    let own = raw::socket_name(socket, false).expect("a name");
    tell_number("connect.own", u16::from_be_bytes([own[2], own[3]]));
    drop(listener);
}

fn of_ring(run: &Run, kind: EventKind) -> Vec<&Seen> {
    let rings = |seen: &&Seen| seen.values["ctx.io_uring"] == OwnedValue::Bool(true);
    run.of_kind(kind).filter(rings).collect()
}

/// Major and minor version of the running kernel.
fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut number = || numbers.next().and_then(Result::ok).expect("a number of the release");
    (number(), number())
}

fn opens_and_connects() {
    let mut watch = Watch::new(&[EventKind::OPENAT, EventKind::CONNECT]);
    if !watch.source.sensor().attached().any(|name| name == "io_uring_submit_req") {
        // Kernels before 6.4 tell nothing of it.
        if kernel() >= (6, 4) {
            skip("this kernel has no io_uring");
        }
        return;
    }
    let run = watch.act("uring", directory("uring"));
    if run.told.contains_key("missing") {
        skip("io_uring is switched off");
        return;
    }
    let opens = of_ring(&run, EventKind::OPENAT);
    let one = |name: &str| {
        let named: Vec<_> = opens.iter().filter(|it| it.says("name", name.as_bytes())).collect();
        assert_eq!(named.len(), 1, "{name} in {opens:?}");
        *named[0]
    };
    let ring = || ("ctx.io_uring", Truth::Is(OwnedValue::Bool(true)));
    let mut truth = truth::context(&run);
    let cwd = run.told("cwd");
    truth.extend([
        ("fd", int(run.told_number("opened.fd"))),
        ("dirfd", int(libc::AT_FDCWD)),
        ("name", text("./file")),
        // In Falco's bits O_RDONLY and O_CLOEXEC, and O_LARGEFILE, which the kernel adds.
        ("flags", uint(1_u64 | 1 << 12 | 1 << 11)),
        ("mode", uint(0_u64)),
        ("dev", uint(run.told_number("opened.dev") as u64)),
        ("ino", uint(run.told_number("opened.ino") as u64)),
        ("ctx.path.base", text(cwd)),
        ("ctx.path.real", text(run.told("opened.path"))),
        ("ctx.file_mode", uint(run.told_number("opened.mode") as u64)),
        ring(),
    ]);
    check(one("./file"), truth);
    assert_eq!(one("no such file").int("fd"), run.told_number("missing.fd"));
    // Its success is told to nobody, so it is told while it is in progress.
    let silent = one("silent");
    assert_eq!(silent.int("fd"), -i64::from(libc::EINPROGRESS));
    assert_eq!(silent.int("mode"), 0o640);

    let connects = of_ring(&run, EventKind::CONNECT);
    assert_eq!(connects.len(), 1, "{connects:?}");
    assert_eq!(run.told_number("connect.res"), 0);
    let there = format!("127.0.0.1:{}", run.told_number("connect.port"));
    let mut truth = truth::context(&run);
    truth.extend([
        ("res", int(0)),
        ("fd", int(run.told_number("connect.fd"))),
        ("addr", text(&there)),
        ("tuple", text(format!("127.0.0.1:{}->{there}", run.told_number("connect.own")))),
        ("ctx.sock.type", uint(1_u64)),
        ("ctx.sock.protocol", uint(6_u64)),
        ring(),
    ]);
    check(connects[0], truth);
}

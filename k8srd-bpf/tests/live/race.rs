//! A thread that changes what a pointer leads to while another makes the call: what the kernel has an
//! object for is told as it was, whatever memory holds when it is read.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use k8srd_core::kind::EventKind;

use crate::act::tell;
use crate::connect::inet;
use crate::exec::directory;
use crate::raw;
use crate::watch::{Run, Seen, Watch, skip};

pub(crate) const TESTS: crate::Tests = &[
    ("of a name that changes tell the file that was opened", opens),
    ("of an address that changes tell the socket's ends", connects),
];

/// Most calls of one run of an act, and how long it takes at most: on a busy machine the two threads
/// seldom run at the same time.
const CALLS: usize = 1000;
const ACT: Duration = Duration::from_secs(5);
/// How long runs are repeated until memory was seen to agree and to disagree.
const LIMIT: Duration = Duration::from_secs(60);

/// Memory one word of which another thread changes, for ever, between two values.
struct Changing {
    words: Vec<AtomicU32>,
    at: usize,
    values: [u32; 2],
}

impl Changing {
    /// The bytes before the word, what it changes between, and the bytes behind it.
    fn new(before: &[u8], values: [[u8; 4]; 2], behind: &[u8]) -> Self {
        assert_eq!(before.len() % 4, 0, "the word is one that is written at once");
        let mut bytes = [before, &values[0], behind].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let words = bytes.chunks(4).map(|word| u32::from_ne_bytes(word.try_into().expect("4")));
        Self {
            words: words.map(AtomicU32::new).collect(),
            at: before.len() / 4,
            values: values.map(u32::from_ne_bytes),
        }
    }

    fn address(&self) -> usize {
        self.words.as_ptr() as usize
    }

    /// Makes calls while it changes: as many as there is time for.
    fn during(&self, mut call: impl FnMut()) {
        let (start, over) = (Instant::now(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // It ends by itself where a call panics.
                let goes_on =
                    |step: &usize| !step.is_multiple_of(4096) || start.elapsed() < 2 * ACT;
                for step in (0..).take_while(goes_on) {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    self.words[self.at].store(self.values[step % 2], Ordering::Relaxed);
                    // About as long as a call, and never in step with it.
                    (0..step * 7 % 61).for_each(|_| std::hint::spin_loop());
                }
            });
            for _ in 0..CALLS {
                // Seen to change twice, it is being changed right now, on another CPU.
                let is_running = (0..2).all(|_| self.changes(start));
                if !is_running {
                    break;
                }
                call();
            }
            over.store(true, Ordering::Relaxed);
        });
    }

    /// Waits until it changes; false if there is no time left.
    fn changes(&self, start: Instant) -> bool {
        let load = || self.words[self.at].load(Ordering::Relaxed);
        let now = load();
        while load() == now {
            if start.elapsed() > ACT {
                return false;
            }
            std::hint::spin_loop();
        }
        true
    }
}

/// Two names of equal length, as a program would give them: slashes align what differs.
fn names(root: &OsStr) -> [Vec<u8>; 2] {
    let slashes = 4 - root.len() % 4;
    ["aaaa", "bbbb"].map(|name| [root.as_bytes(), &b"////"[..slashes], name.as_bytes()].concat())
}

/// Tells one number for each call.
fn tell_each(name: &str, numbers: &[impl ToString]) {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    tell(name, numbers.join(" "));
}

fn told_each(run: &Run, name: &str) -> Vec<i64> {
    let told = std::str::from_utf8(run.told(name)).expect("numbers");
    told.split_terminator(' ').map(|number| number.parse().expect("a number")).collect()
}

/// The events of a kind that the acting thread made, in the order in which it did.
fn in_order(run: &Run, kind: EventKind, calls: usize, made: impl Fn(&Seen) -> bool) -> Vec<&Seen> {
    let mut seen: Vec<&Seen> = run.of_kind(kind).filter(|seen| made(seen)).collect();
    // They may have come late, through the rings of two CPUs.
    seen.sort_by_key(|seen| seen.int("ctx.boot_time"));
    assert_eq!(seen.len(), calls, "each call is seen once");
    seen
}

/// Repeats an act until what memory said of its calls was seen to agree with the kernel, and to
/// disagree.
fn until_both(kind: EventKind, act: &str, argument: &OsStr, check: impl Fn(&Run) -> [usize; 2]) {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        skip("two threads never run at the same time on one CPU");
        return;
    }
    let start = Instant::now();
    let (mut agreed, mut disagreed) = (0, 0);
    while agreed == 0 || disagreed == 0 {
        assert!(start.elapsed() < LIMIT, "{agreed} calls agreed and {disagreed} disagreed");
        let [agree, disagree] = check(&Watch::new(&[kind]).act(act, argument));
        agreed += agree;
        disagreed += disagree;
    }
}

pub(crate) fn act_opens(root: &OsStr) {
    let [one, other] = names(root);
    let (before, first) = one.split_last_chunk::<4>().expect("a name");
    let (_, second) = other.split_last_chunk::<4>().expect("a name");
    let name = Changing::new(before, [*first, *second], b"\0");
    let mut opened = [const { Vec::new() }; 3];
    name.during(|| {
        // SAFETY: the name lives and is NUL-terminated, whichever it is.
        let fd = raw::result(unsafe {
            libc::syscall(libc::SYS_openat, libc::AT_FDCWD, name.address(), libc::O_RDONLY, 0)
        });
        assert!(fd >= 0, "both files are there: {fd}");
        let file = fs::metadata(format!("/proc/self/fd/{fd}")).expect("the file");
        let facts = [fd, file.ino() as i64, file.dev() as i64];
        opened.iter_mut().zip(facts).for_each(|(all, fact)| all.push(fact));
        // SAFETY: the descriptor is our own and not used again.
        unsafe { libc::close(i32::try_from(fd).expect("a descriptor")) };
    });
    for (name, all) in ["fd", "ino", "dev"].iter().zip(&opened) {
        tell_each(name, all);
    }
}

fn opens() {
    let root = directory("race").into_os_string();
    let given = names(&root);
    let paths: BTreeMap<i64, Vec<u8>> = ["aaaa", "bbbb"]
        .map(|name| {
            let path = std::path::Path::new(&root).join(name);
            fs::write(&path, name).expect("a file");
            (fs::metadata(&path).expect("it").ino() as i64, path.into_os_string().into_vec())
        })
        .into();
    until_both(EventKind::OPENAT, "race-open", &root, |run| {
        let [fds, inos, devs] = ["fd", "ino", "dev"].map(|name| told_each(run, name));
        let seen = in_order(run, EventKind::OPENAT, fds.len(), |seen| {
            given.iter().any(|name| seen.says("name", name))
        });
        let mut outcomes = [0; 2];
        for (((seen, fd), ino), dev) in seen.into_iter().zip(fds).zip(inos).zip(devs) {
            assert_eq!((seen.int("fd"), seen.int("ino"), seen.int("dev")), (fd, ino, dev));
            let real = seen.bytes("ctx.path.real");
            assert_eq!(real, paths[&ino], "the path is of what was opened: {seen:?}");
            let disagrees = seen.bytes("name").last() != real.last();
            outcomes[usize::from(disagrees)] += 1;
        }
        outcomes
    });
}

pub(crate) fn act_connects(port: &OsStr) {
    let port: u16 = port.to_string_lossy().parse().expect("a port");
    let before = [(libc::AF_INET as u16).to_ne_bytes(), port.to_be_bytes()].concat();
    let address = Changing::new(&before, [[127, 0, 0, 1], [127, 0, 0, 2]], &[0; 8]);
    let mut ends = Vec::new();
    address.during(|| {
        let fd = raw::socket(libc::AF_INET, libc::SOCK_DGRAM);
        // SAFETY: the address lives and has 16 bytes.
        let res =
            raw::result(unsafe { libc::syscall(libc::SYS_connect, fd, address.address(), 16) });
        assert_eq!(res, 0, "datagrams go anywhere");
        let [own, other] = [false, true].map(|peer| raw::socket_name(fd, peer).expect("a name"));
        ends.push(format!("{}->{}", inet(&own), inet(&other)));
        // SAFETY: the descriptor is our own and not used again.
        unsafe { libc::close(fd) };
    });
    tell_each("ends", &ends);
}

fn connects() {
    let receiver = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let port = receiver.local_addr().expect("its address").port();
    let given = [1, 2].map(|host| format!("127.0.0.{host}:{port}"));
    until_both(EventKind::CONNECT, "race-connect", port.to_string().as_ref(), |run| {
        let told = std::str::from_utf8(run.told("ends")).expect("ends");
        let told: Vec<&str> = told.split_terminator(' ').collect();
        let seen = in_order(run, EventKind::CONNECT, told.len(), |_| true);
        let mut outcomes = [0; 2];
        for (seen, ends) in seen.into_iter().zip(told) {
            assert!(seen.says("tuple", ends.as_bytes()), "the ends are {ends}: {seen:?}");
            assert!(given.iter().any(|given| seen.says("addr", given.as_bytes())), "{seen:?}");
            let agrees = ends.as_bytes().ends_with(seen.bytes("addr"));
            outcomes[usize::from(!agrees)] += 1;
        }
        outcomes
    });
}

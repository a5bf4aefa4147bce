//! Records as the kernel programs write them, made by hand, and a source that replays them.

use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_bpf::abi::{self, CloneBody, Context, ExecBody, ExitBody, Header, OpenBody, Part, kind};
use k8srd_bpf::record;
use k8srd_core::event::Event;
use k8srd_core::interest::Interest;
use k8srd_core::loss::Losses;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::{Flow, Source, SourceError};
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// The time of the first record, in nanoseconds since boot, and the time between two.
const START: u64 = 3_600_000_000_000;
const GAP: u64 = 1_000;

/// What programs open when they start and work; no rule minds.
const FILES: [&str; 8] = [
    "/etc/ld.so.cache",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib/locale/locale-archive",
    "/proc/self/stat",
    "/srv/app/config/settings.json",
    "/srv/app/data/0001/segment-000042.log",
    "/dev/null",
    "/usr/share/zoneinfo/Europe/Berlin",
];

/// One record after the other.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Process `pid` starts: its parent's clone, then its own exec.
    pub(crate) fn start(&mut self, pid: u32) {
        let mut body = CloneBody::new_zeroed();
        body.res = i64::from(pid);
        body.child = context(pid);
        self.push(kind::CLONE, &context(1), body, |_, _| {});

        let mut body = ExecBody::new_zeroed();
        body.old_tid = pid;
        body.dirfd = -100;
        self.push(kind::EXECVE, &context(pid), body, |tail, body| {
            body.filename = tail.add(b"/usr/bin/worker");
            body.exepath = tail.add(b"/usr/bin/worker");
            body.cwd = tail.add(b"/srv/app");
            body.args = tail.add(b"/usr/bin/worker\0--port\x008080\0");
            body.env = tail.add(b"PATH=/usr/bin:/bin\0HOME=/srv/app\0");
            body.cgroup = tail.add(b"/system.slice/worker.service");
        });
    }

    /// Process `pid` opens `name`, an absolute path, and gets a descriptor.
    pub(crate) fn open(&mut self, pid: u32, name: &str) {
        let mut body = OpenBody::new_zeroed();
        body.res = 7;
        body.ino = 4711;
        body.dirfd = -100;
        body.file_mode = 0o100_644;
        self.push(kind::OPENAT, &context(pid), body, |tail, body| {
            body.name = tail.add(name.as_bytes());
            body.path = tail.add(name.as_bytes());
        });
    }

    /// Process `pid` ends.
    pub(crate) fn exit(&mut self, pid: u32) {
        self.push(kind::PROCEXIT, &context(pid), ExitBody::new_zeroed(), |_, _| {});
    }

    fn push<B: IntoBytes + Immutable>(
        &mut self,
        kind: u16,
        context: &Context,
        mut body: B,
        fill: impl FnOnce(&mut Tail, &mut B),
    ) {
        let mut tail = Tail { start: abi::BODY + size_of::<B>(), bytes: Vec::new() };
        fill(&mut tail, &mut body);
        let size = tail.start + tail.bytes.len();
        let mut header = Header::new_zeroed();
        header.size = u32::try_from(size).expect("records made here are small");
        header.abi = abi::ABI;
        header.kind = kind;
        header.time = START + GAP * self.ends.len() as u64;
        header.seq = self.ends.len() as u64;
        for part in [header.as_bytes(), context.as_bytes(), body.as_bytes(), &tail.bytes] {
            self.bytes.extend_from_slice(part);
        }
        self.ends.push(self.bytes.len());
    }
}

/// A thousand processes open files that no rule minds: the common case.
pub(crate) fn opens() -> Records {
    let mut records = Records::default();
    for pid in 1000..2000 {
        records.start(pid);
    }
    for n in 0..8000 {
        records.open(1000 + n % 1000, FILES[(n / 1000) as usize]);
    }
    records
}

/// Processes start, open four files and end: what a build or a shell script does.
pub(crate) fn lives() -> Records {
    let mut records = Records::default();
    for pid in 1000..2000 {
        records.start(pid);
        FILES[..4].iter().for_each(|file| records.open(pid, file));
        records.exit(pid);
    }
    records
}

/// The variable parts of a record.
struct Tail {
    start: usize,
    bytes: Vec<u8>,
}

impl Tail {
    fn add(&mut self, bytes: &[u8]) -> Part {
        let offset = self.start + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let mut part = Part::new_zeroed();
        part.offset = u16::try_from(offset).expect("records made here are small");
        part.len = u16::try_from(bytes.len()).expect("records made here are small");
        part
    }
}

fn context(pid: u32) -> Context {
    let mut context = Context::new_zeroed();
    context.start_time = start_time(pid);
    context.leader_start_time = start_time(pid);
    context.parent_start_time = start_time(1);
    context.pidns_start_time = start_time(1);
    context.exec_id = 1;
    for id in [&mut context.tid, &mut context.tgid, &mut context.vtid, &mut context.vpid] {
        *id = pid;
    }
    context.ppid = 1;
    context.pgid = pid;
    context.sid = pid;
    context.uid = 1000;
    context.euid = 1000;
    context.comm[..6].copy_from_slice(b"worker");
    context
}

/// Processes are as old as their numbers.
fn start_time(pid: u32) -> u64 {
    u64::from(pid) * 10_000_000
}

/// Gives all records, parsed, with each read, and starts again.
pub(crate) struct Replay {
    records: Records,
    provides: FieldSet,
    wanted: KindSet,
}

impl Replay {
    pub(crate) fn new(records: Records) -> Self {
        Self { records, provides: record::provided_fields(), wanted: KindSet::default() }
    }
}

impl Source for Replay {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        self.wanted = interest.kinds().clone();
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let Records { bytes, ends } = &self.records;
        let mut start = 0;
        for &end in ends {
            let event = record::parse(&bytes[start..end])
                .map_err(|error| SourceError::new("a record made by hand").caused_by(error))?;
            start = end;
            if self.wanted.contains(event.kind()) && each(&event).is_break() {
                return Err(SourceError::new("these records raise no alerts, but they did"));
            }
        }
        Ok(Flow::More)
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}

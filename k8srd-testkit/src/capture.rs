//! Recordings made by hand: a .scap from a few lines, for rules that are judged by `k8srd replay`
//! and for whatever else reads captures.
//!
//! ```
//! use k8srd_testkit::capture::{CaptureBuilder, TestDescriptor, TestProcess};
//! use k8srd_testkit::event::TestEvent;
//!
//! // A web server runs a shell, and that shell fetches something.
//! let nginx = TestProcess::new(812, "nginx").with("uid", 33).with("gid", 33);
//! let listening = TestDescriptor::tcp_server("0.0.0.0:80".parse()?);
//! let capture = CaptureBuilder::new()
//!     .user(33, 33, "www-data", "/var/www", "/usr/sbin/nologin")
//!     .process(nginx)
//!     .descriptor(812, 6, listening)
//!     .event(812, TestEvent::fork().param("res", 900))
//!     .event(900, TestEvent::execve().param("filename", "/bin/sh").param("exe", "sh"))
//!     .event(900, TestEvent::openat().param("fd", -13).param("name", "/etc/shadow"))
//!     .build();
//!
//! // What `k8srd replay` does, with rules of one's own.
//! use k8srd_core::pipeline::Pipeline;
//! use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
//! use k8srd_core::schema::Schema;
//! use k8srd_core::source::Flow;
//!
//! let rules = "
//! - rule: Something is executed
//!   desc: a program starts
//!   condition: evt.type = execve
//!   output: a program starts
//!   priority: notice
//! ";
//! let (rules, _) = Loader::new(&Schema::falco()).add_file("mine.yaml", rules).load();
//! let source = k8srd_capture::Capture::new(std::io::Cursor::new(capture))?;
//! let matcher = RuleMatcher::new(Plan::compile(rules, PlanOptions::default()));
//! let mut pipeline = Pipeline::builder(source).matcher(matcher).build()?;
//! let mut alerts = Vec::new();
//! while pipeline.step(std::time::Duration::ZERO, &mut alerts)? == Flow::More {}
//! assert_eq!(alerts.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`corpus::captures`](crate::corpus::captures) reads such a story from a file.

mod descriptor;
mod process;

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8srd_capture::{
    GroupRow, InterfaceRow, Item, Machine, RecordBuf, UserRow, WriteError, Writer,
};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::KindInfo;
use k8srd_core::value::Lookup;

pub use descriptor::TestDescriptor;
pub use process::TestProcess;

use crate::event::{EventError, TestEvent};
use crate::value::Datum;

/// Where time begins unless a test says otherwise, and how far apart events are, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;
const STEP: u64 = 1_000_000;

/// Puts a capture together: what was there when the recording began, in any order, and what then
/// happened, in the order of its events.
#[derive(Clone, Debug)]
pub struct CaptureBuilder {
    cpus: u32,
    memory: u64,
    boot_time: u64,
    hostname: Vec<u8>,
    users: Vec<(u32, u32, [Vec<u8>; 3])>,
    groups: Vec<(u32, Vec<u8>)>,
    interfaces: Vec<(Vec<u8>, [IpAddr; 3])>,
    processes: Vec<TestProcess>,
    descriptors: Vec<(i64, i64, TestDescriptor)>,
    events: Vec<RecordBuf>,
    /// When the next event happens.
    next: u64,
    /// Processes as they are after the events so far, by thread id.
    now: BTreeMap<i64, TestProcess>,
}

impl Default for CaptureBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl CaptureBuilder {
    /// A capture of a machine called `node1`, in which nothing runs.
    pub fn new() -> Self {
        Self {
            cpus: 2,
            memory: 4 << 30,
            boot_time: START - 3600 * 1_000_000_000,
            hostname: b"node1".to_vec(),
            users: Vec::new(),
            groups: Vec::new(),
            interfaces: Vec::new(),
            processes: Vec::new(),
            descriptors: Vec::new(),
            events: Vec::new(),
            next: START,
            now: BTreeMap::new(),
        }
    }

    /// The name of the machine, how many processors it has, its bytes of memory, and when it was
    /// booted, in nanoseconds since 1970.
    #[must_use]
    pub fn machine(mut self, hostname: &str, cpus: u32, memory: u64, boot_time: u64) -> Self {
        (self.hostname, self.cpus) = (hostname.into(), cpus);
        (self.memory, self.boot_time) = (memory, boot_time);
        self
    }

    /// When the next event happens, in nanoseconds since 1970. Events that say no time follow each
    /// other by a millisecond.
    #[must_use]
    pub fn at(mut self, nanos: u64) -> Self {
        self.next = nanos;
        self
    }

    /// A user of the machine.
    #[must_use]
    pub fn user(mut self, uid: u32, gid: u32, name: &str, home: &str, shell: &str) -> Self {
        self.users.push((uid, gid, [name, home, shell].map(Into::into)));
        self
    }

    /// A group of the machine.
    #[must_use]
    pub fn group(mut self, gid: u32, name: &str) -> Self {
        self.groups.push((gid, name.into()));
        self
    }

    /// An address of the machine, with the mask and the broadcast address of its network.
    #[must_use]
    pub fn interface(
        mut self,
        name: &str,
        address: IpAddr,
        mask: IpAddr,
        broadcast: IpAddr,
    ) -> Self {
        self.interfaces.push((name.into(), [address, mask, broadcast]));
        self
    }

    /// A process or thread that was there when the recording began.
    #[must_use]
    pub fn process(mut self, process: TestProcess) -> Self {
        self.now.insert(process.tid(), process.clone());
        self.processes.push(process);
        self
    }

    /// A descriptor that the process `tid` had open when the recording began.
    #[must_use]
    pub fn descriptor(mut self, tid: i64, fd: i64, descriptor: TestDescriptor) -> Self {
        self.descriptors.push((tid, fd, descriptor));
        self
    }

    /// What happens next, in the thread `tid`.
    ///
    /// A param that the event was not told is not recorded, as if nobody could read it. Calls that
    /// make a process or run a program are the exception: what they do not say of the process is as
    /// it was before, and remembered for what it does next. So `fork` says enough with its result,
    /// which is the child's id, and `execve` with what it runs. What else changes a process (`setuid`,
    /// `chdir`) is told by the test.
    ///
    /// The processor is 0, unless the event has a field `ctx.cpu`.
    ///
    /// # Panics
    ///
    /// Where a capture cannot hold the event: it has fields or a resolved name, which are not
    /// recorded but follow from what is; its kind is not Falco's; something of it is pending.
    #[must_use]
    #[track_caller]
    pub fn event(self, tid: i64, event: TestEvent) -> Self {
        built(self.try_event(tid, event))
    }

    /// As [`CaptureBuilder::event`], for an event that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where a capture cannot hold the event.
    pub fn try_event(mut self, tid: i64, mut event: TestEvent) -> Result<Self, BuildError> {
        // Of a schema of one's own only the numbers may be Falco's.
        let own = event.kind_info().map(|info| info.name.clone());
        let info = KindInfo::of(event.kind()).filter(|info| own.as_ref() == Some(&info.name));
        let info = info.ok_or(ErrorKind::NotFalcos)?;
        check(info, &event)?;
        if event.time().as_nanos() == 0 {
            event = event.at(self.next);
        }
        self.next = event.time().as_nanos() + STEP;
        process::follow(&mut self.now, tid, info, &mut event)?;
        event.set(Key::of(field::CTX_TID), Lookup::Known(Datum::I64(tid)));
        let mut record = RecordBuf::default();
        if !record.encode(&event, &Arena::default()) {
            return Err(ErrorKind::NotFalcos.into());
        }
        self.events.push(record);
        Ok(self)
    }

    /// The capture, not compressed.
    ///
    /// # Panics
    ///
    /// Where two of its processes or descriptors are the same one, or something in it is larger than
    /// captures take.
    #[must_use]
    #[track_caller]
    pub fn build(self) -> Vec<u8> {
        built(self.try_build())
    }

    /// As [`CaptureBuilder::build`], for what comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where two of its processes or descriptors are the same one, or something in it is larger than
    /// captures take.
    pub fn try_build(self) -> Result<Vec<u8>, BuildError> {
        let Self { processes, descriptors, .. } = &self;
        if let Some(tid) = twice(processes.iter().map(TestProcess::tid)) {
            return Err(ErrorKind::ProcessTwice(tid).into());
        }
        if let Some((tid, fd)) = twice(descriptors.iter().map(|&(tid, fd, _)| (tid, fd))) {
            return Err(ErrorKind::DescriptorTwice(tid, fd).into());
        }
        let mut writer = Writer::new(Vec::new());
        self.write(&mut writer)
            .and_then(|()| writer.finish())
            .map_err(|source| ErrorKind::Write(source).into())
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> Result<(), WriteError> {
        let mut machine = Machine::default();
        (machine.cpus, machine.memory, machine.max_pid) = (self.cpus, self.memory, 1 << 22);
        (machine.hostname, machine.boot_time) = (&self.hostname, self.boot_time);
        writer.write(&Item::Machine(machine))?;
        for (name, [address, mask, broadcast]) in &self.interfaces {
            let row = InterfaceRow::new(name, *address, *mask, *broadcast);
            writer.write(&Item::Interface(row))?;
        }
        for (uid, gid, [name, home, shell]) in &self.users {
            let mut row = UserRow::default();
            (row.uid, row.gid) = (*uid, *gid);
            (row.name, row.home, row.shell) = (name, home, shell);
            writer.write(&Item::User(row))?;
        }
        for (gid, name) in &self.groups {
            let mut row = GroupRow::default();
            (row.gid, row.name) = (*gid, name);
            writer.write(&Item::Group(row))?;
        }
        for process in &self.processes {
            writer.write(&Item::Process(Box::new(process.row())))?;
        }
        for (tid, fd, descriptor) in &self.descriptors {
            writer.write(&Item::Descriptor(descriptor.row(*tid, *fd)))?;
        }
        for event in &self.events {
            writer.write(&Item::Event(event.record()))?;
        }
        Ok(())
    }
}

/// Whether a capture can hold all that an event says.
fn check(info: &KindInfo, event: &TestEvent) -> Result<(), BuildError> {
    if Event::alternate(event).is_some() {
        return Err(ErrorKind::ResolvedName.into());
    }
    for (key, value) in event.told() {
        let place = key.field().as_param();
        let param = place.and_then(|place| info.params.get(usize::from(place)));
        match (param, value) {
            (Some(param), Lookup::Pending) => {
                return Err(ErrorKind::Pending(param.name.into()).into());
            }
            (Some(_), _) => {}
            (None, _) if key.field() == field::CTX_CPU => {}
            (None, _) => {
                let info = field::FIELDS.iter().find(|info| info.id == key.field());
                let name = info.map_or("of its own", |info| &*info.name);
                return Err(ErrorKind::HoldsNoField(name.into()).into());
            }
        }
    }
    Ok(())
}

fn twice<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = std::collections::BTreeSet::new();
    all.into_iter().find(|&one| !seen.insert(one))
}

/// Unwraps what a test built; the panic carries the whole reason and the test's own line.
#[track_caller]
fn built<T>(result: Result<T, BuildError>) -> T {
    match result {
        Ok(built) => built,
        Err(error) => match std::error::Error::source(&error) {
            Some(source) => panic!("{error}: {source}"),
            None => panic!("{error}"),
        },
    }
}

/// A capture cannot be made so.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BuildError {
    kind: ErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum ErrorKind {
    #[error(
        "a capture holds events of Falco's schema that a kernel or Falco tells, which this is not"
    )]
    NotFalcos,
    #[error(
        "a capture does not hold the field {0}: give the event params, and the capture processes, from which it follows"
    )]
    HoldsNoField(String),
    #[error("a capture does not hold resolved names: leave the alternate away")]
    ResolvedName,
    #[error("a capture is complete: the param {0} cannot be pending")]
    Pending(String),
    #[error(
        "an execve that succeeds says what it runs: give it filename, trusted_exepath, or an exe that is a path"
    )]
    RunsNothing,
    #[error("two processes have the thread id {0}")]
    ProcessTwice(i64),
    #[error("the process {0} has the descriptor {1} twice")]
    DescriptorTwice(i64, i64),
    #[error("a process has no {0:?}: it has the params of execve and clone, sid and root")]
    UnknownName(String),
    #[error("not what a process has")]
    Process(#[source] EventError),
    #[error("the capture cannot be written")]
    Write(#[source] WriteError),
}

impl From<ErrorKind> for BuildError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind }
    }
}

#[cfg(test)]
mod tests;

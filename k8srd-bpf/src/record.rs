//! From the bytes of a record to an event.
//!
//! [`parse`] is total: any bytes are either an event or a [`RecordError`]. It copies the fixed
//! parts, checks that every variable part lies within the record, and allocates nothing. What the
//! kernel wrote in the kernel's terms (`O_*`, `CLONE_*`) is told in Falco's when a param is read.
//!
//! One file a family of kinds, each with the params of its kinds in the order of
//! [`k8srd_core::kind::KINDS`]; the fields `ctx.*` are in `context.rs`.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod call;
mod clone;
mod context;
mod descriptor;
mod exec;
mod exit;
pub(crate) mod flags;
mod open;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Fields, Task, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;
use k8srd_core::value::{Lookup, Value};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::abi::{self, Context, Header, Part, flag};
use crate::calls::{self, Call};

pub(crate) use call::Called;
pub use context::provided_fields;
pub(crate) use context::{DESCRIPTOR_FIELDS, DESCRIPTOR_PATH_FIELDS, UNREADABLE};

/// Reads one record. The event's time is nanoseconds since boot until [`KernelEvent::at`] gives it
/// wall time.
///
/// # Errors
///
/// If the bytes are no record of this version: see [`RecordError`].
pub fn parse(record: &[u8]) -> Result<KernelEvent<'_>, RecordError> {
    let (header, record) = envelope(record)?;
    let (_, rest) = take::<Header>(record, "header")?;
    let (context, body) = take::<Context>(rest, "context")?;
    let view = View { record, header: &header, body };
    let body = match header.kind {
        abi::kind::OPEN | abi::kind::OPENAT | abi::kind::OPENAT2 | abi::kind::CREAT => {
            Body::Open(open::Open::parse(&view)?)
        }
        abi::kind::EXECVE | abi::kind::EXECVEAT | abi::kind::TASK => {
            Body::Exec(exec::Exec::parse(&view)?)
        }
        abi::kind::CLONE | abi::kind::FORK | abi::kind::VFORK | abi::kind::CLONE3 => {
            Body::Clone(clone::Clone::parse(&view)?)
        }
        abi::kind::PROCEXIT => Body::Exit(exit::Exit::parse(&view)?),
        kind => match calls::row(kind) {
            Some(row) => Body::Call(row, Called::parse(&view)?),
            None => return Err(RecordError(Problem::Kind(kind))),
        },
    };
    Ok(KernelEvent {
        time: Timestamp::from_nanos(header.time),
        late: header.flags & flag::LATE != 0,
        header,
        context,
        body,
    })
}

/// The header of a record, and the bytes that are in use (a reservation is as long or longer).
///
/// # Errors
///
/// If the header is cut, of another version, or says a size that cannot be.
pub(crate) fn envelope(reservation: &[u8]) -> Result<(Header, &[u8]), RecordError> {
    let (header, _) = take::<Header>(reservation, "header")?;
    if header.abi != abi::ABI {
        return Err(RecordError(Problem::Abi(header.abi)));
    }
    let size = usize::try_from(header.size).unwrap_or(usize::MAX);
    let record = (reservation.get(..size))
        .filter(|record| record.len() >= abi::BODY)
        .ok_or(RecordError(Problem::Size { size, available: reservation.len() }))?;
    Ok((header, record))
}

/// One record of the kernel programs, as an event.
#[derive(Clone, Copy, Debug)]
pub struct KernelEvent<'a> {
    header: Header,
    context: Context,
    body: Body<'a>,
    time: Timestamp,
    late: bool,
}

impl KernelEvent<'_> {
    /// The same event at this wall time.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Self {
        Self { time, ..self }
    }

    /// The same event, known to have come after younger ones had been let out, or not.
    #[must_use]
    pub fn late(self, late: bool) -> Self {
        Self { late, ..self }
    }

    /// The header, as the kernel wrote it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The task context, as the kernel wrote it.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether it came after younger events had been let out.
    pub fn is_late(&self) -> bool {
        self.late
    }
}

impl Fields for KernelEvent<'_> {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let value = match key.field().as_param() {
            Some(place) => self.param(place, arena),
            None => context::field(self, key.field()),
        };
        value.into()
    }
}

impl Event for KernelEvent<'_> {
    fn kind(&self) -> EventKind {
        match self.header.kind {
            abi::kind::TASK => EventKind::TASK,
            code => EventKind(code),
        }
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    fn task<'a>(&'a self, arena: &'a Arena) -> &'a Task {
        let Context { tid, tgid, ppid, start_time, leader_start_time, exec_id, .. } = self.context;
        let mut task = Task::default();
        (task.tid, task.pid, task.ppid) = (Some(tid), Some(tgid), Some(ppid));
        task.start_time = Some(start_time);
        task.leader_start_time = Some(leader_start_time);
        task.exec_id = Some(exec_id);
        task.cgroup_id = Some(context::cgroup_id(&self.context));
        arena.alloc(task)
    }
}

impl KernelEvent<'_> {
    fn param<'a>(&'a self, place: u8, arena: &'a Arena) -> Option<Value<'a>> {
        let Self { header, context, body, .. } = self;
        match body {
            Body::Open(open) => open.param(header.kind, place),
            Body::Call(row, call) => call.param(row, place, context, arena),
            Body::Exec(exec) if header.kind == abi::kind::TASK => {
                exec.task_param(place, context, arena)
            }
            Body::Exec(exec) => exec.param(header.kind, place, context, arena),
            Body::Clone(clone) => clone.param(place, context, arena),
            Body::Exit(exit) => exit.param(place),
        }
    }
}

/// What is particular to the kind, its variable parts resolved.
#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    Open(open::Open<'a>),
    Call(&'static Call, Called<'a>),
    Exec(exec::Exec<'a>),
    Clone(clone::Clone<'a>),
    Exit(exit::Exit),
}

/// A record whose header and context have been read.
struct View<'r, 'h> {
    record: &'r [u8],
    header: &'h Header,
    body: &'r [u8],
}

impl<'r> View<'r, '_> {
    fn body<T: FromBytes + KnownLayout + Immutable>(&self) -> Result<T, RecordError> {
        Ok(take(self.body, "body")?.0)
    }

    /// The bytes of a part; empty if there are none.
    fn part(&self, name: &'static str, part: Part) -> Result<&'r [u8], RecordError> {
        match part.len {
            0 => Ok(&[]),
            _ => part.of(self.record).ok_or(RecordError(Problem::Part { name, part })),
        }
    }

    fn has(&self, flags: u32) -> bool {
        self.header.flags & flags != 0
    }
}

fn take<'r, T: FromBytes>(
    bytes: &'r [u8],
    what: &'static str,
) -> Result<(T, &'r [u8]), RecordError> {
    T::read_from_prefix(bytes)
        .map_err(|_| RecordError(Problem::Cut { what, needed: size_of::<T>(), left: bytes.len() }))
}

/// Text up to its terminator.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

/// The cgroup paths in Falco's form, `subsystem=path` and NUL each.
///
/// Where there are only v2 cgroups, every subsystem that Falco names has the same path. Where there
/// are v1 cgroups the record has the path of one of their controllers, and `unified` (systemd's
/// name for it) is the v2 path beside it.
fn cgroups<'a>(v2: &[u8], v1: &[u8], arena: &'a Arena) -> Option<Value<'a>> {
    let text = match (v2, v1) {
        ([], []) => return None,
        (v2, []) => arena.concat(&[
            b"cpuset=",
            v2,
            b"\0cpu=",
            v2,
            b"\0cpuacct=",
            v2,
            b"\0io=",
            v2,
            b"\0memory=",
            v2,
            b"\0",
        ]),
        ([], v1) => arena.concat(&[b"memory=", v1, b"\0"]),
        (v2, v1) => arena.concat(&[b"memory=", v1, b"\0unified=", v2, b"\0"]),
    };
    Some(Value::Bytes(text))
}

/// The bytes are no record that this version of the crate can read. It is a counted loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct RecordError(Problem);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("the record ends within its {what}: {needed} bytes are needed, {left} are left")]
    Cut { what: &'static str, needed: usize, left: usize },
    #[error("the record has layout version {0}, this reader knows {known}", known = abi::ABI)]
    Abi(u16),
    #[error("the record says it has {size} bytes, of {available} in its reservation")]
    Size { size: usize, available: usize },
    #[error("the record is of kind {0}, which no program writes")]
    Kind(u16),
    #[error(
        "{name} lies outside the record: {len} bytes at {offset}",
        len = part.len, offset = part.offset
    )]
    Part { name: &'static str, part: Part },
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::KindInfo;
    use proptest::prelude::*;
    use zerocopy::IntoBytes;

    use super::testing::{Record, context, of_every_kind};
    use super::*;

    #[test]
    fn every_kind_answers_every_param_without_panic_and_no_param_beyond() {
        for (kind, record) in of_every_kind() {
            let event = parse(&record).unwrap();
            let info = KindInfo::of(event.kind()).unwrap();
            let arena = Arena::default();
            for place in 0..info.params.len() as u8 {
                event.get(&Key::param(place), &arena);
            }
            let beyond = Key::param(info.params.len() as u8);
            assert_eq!(event.get(&beyond, &arena), Lookup::Absent, "kind {kind}");
            assert_eq!(event.get(&Key::param(63), &arena), Lookup::Absent, "kind {kind}");
        }
    }

    #[test]
    fn time_is_what_it_is_given() {
        let record = Record::new(abi::kind::PROCEXIT).body(&[0; 16]).build();
        let event = parse(&record).unwrap();
        assert_eq!(event.time(), Timestamp::from_nanos(context().start_time + 5));
        assert!(!event.is_late());
        let event = event.at(Timestamp::from_nanos(7)).late(true);
        assert_eq!((event.time().as_nanos(), event.is_late()), (7, true));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        let good = Record::new(abi::kind::PROCEXIT).body(&[0; 16]).build();
        assert!(error(&[]).contains("within its header"));
        assert!(error(&good[..100]).contains("256 bytes, of 100"));
        let with = |offset: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[offset..offset + bytes.len()].copy_from_slice(bytes);
            error(&bad)
        };
        assert!(with(4, &9_u16.to_le_bytes()).contains("version 9"));
        assert!(with(6, &1_u16.to_le_bytes()).contains("kind 1,"));
        assert!(with(0, &12_u32.to_le_bytes()).contains("12 bytes"));
        assert!(with(0, &u32::MAX.to_le_bytes()).contains("4294967295 bytes"));
        assert!(with(0, &(abi::BODY as u32 + 8).to_le_bytes()).contains("within its body"));
    }

    #[test]
    fn parts_outside_the_record_are_refused() {
        let part = Part { offset: 9000, len: 1 };
        let mut body = abi::OpenBody::read_from_bytes(&[0; size_of::<abi::OpenBody>()]).unwrap();
        body.path = part;
        let record = Record::new(abi::kind::OPENAT).body(body.as_bytes()).build();
        assert_eq!(
            parse(&record).unwrap_err().to_string(),
            "path lies outside the record: 1 bytes at 9000"
        );
    }

    #[test]
    fn cgroups_are_in_falcos_form() {
        let arena = Arena::default();
        let text = |v2: &str, v1: &str| {
            cgroups(v2.as_bytes(), v1.as_bytes(), &arena)
                .map(|value| String::from_utf8(value.as_bytes().unwrap().to_vec()).unwrap())
        };
        assert_eq!(text("", ""), None);
        assert_eq!(text("/a", "/b").unwrap(), "memory=/b\0unified=/a\0");
        assert_eq!(text("/", "").unwrap(), "cpuset=/\0cpu=/\0cpuacct=/\0io=/\0memory=/\0");
        assert_eq!(text("", "/b").unwrap(), "memory=/b\0");
    }

    /// Reads everything that can be read of whatever it is.
    fn read_all(bytes: &[u8]) {
        let Ok(event) = parse(bytes) else { return };
        let arena = Arena::default();
        for place in 0..40 {
            event.get(&Key::param(place), &arena);
        }
        for field in provided_fields().iter() {
            event.get(&Key::of(field), &arena);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>) {
            read_all(&bytes);
        }

        #[test]
        fn any_damage_to_a_record_is_survived(
            which: prop::sample::Index,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
            cut: prop::sample::Index,
        ) {
            let records = of_every_kind();
            let (_, mut record) = records[which.index(records.len())].clone();
            for (at, byte) in damage {
                let at = at.index(record.len());
                record[at] = byte;
            }
            read_all(&record);
            read_all(&record[..cut.index(record.len() + 1)]);
        }
    }
}

/// Builds records for the tests of each family.
#[cfg(test)]
pub(crate) mod testing {
    use zerocopy::{FromBytes, FromZeros, IntoBytes};

    use super::*;

    /// A context in which every field has another value.
    pub(crate) fn context() -> Context {
        let mut bytes: Vec<u8> = (0..size_of::<Context>() as u32 / 4)
            .flat_map(|word| (1000 + word).to_le_bytes())
            .collect();
        let comm = size_of::<Context>() - 16;
        bytes[comm..].copy_from_slice(b"bash\0garbage\0\0\0\0");
        Context::read_from_bytes(&bytes).unwrap()
    }

    pub(crate) struct Record {
        header: Header,
        body: Vec<u8>,
        tail: Vec<u8>,
    }

    impl Record {
        pub(crate) fn new(kind: u16) -> Self {
            let time = context().start_time + 5;
            let header = Header { size: 0, abi: abi::ABI, kind, time, seq: 3, cpu: 1, flags: 0 };
            Self { header, body: Vec::new(), tail: Vec::new() }
        }

        pub(crate) fn flags(mut self, flags: u32) -> Self {
            self.header.flags |= flags;
            self
        }

        pub(crate) fn body(mut self, body: &[u8]) -> Self {
            self.body = body.to_vec();
            self
        }

        /// Puts bytes into the tail of a record whose body will have `body` bytes.
        pub(crate) fn part(&mut self, body: usize, bytes: &[u8]) -> Part {
            let offset = (abi::BODY + body + self.tail.len()) as u16;
            self.tail.extend_from_slice(bytes);
            Part { offset, len: bytes.len() as u16 }
        }

        pub(crate) fn build(mut self) -> Vec<u8> {
            let size = abi::BODY + self.body.len() + self.tail.len();
            self.header.size = size as u32;
            [self.header.as_bytes(), context().as_bytes(), &self.body, &self.tail].concat()
        }
    }

    /// A record of each kind, with every variable part present.
    pub(crate) fn of_every_kind() -> Vec<(u16, Vec<u8>)> {
        use abi::kind;

        let mut all = Vec::new();
        for kind in [kind::OPEN, kind::OPENAT, kind::OPENAT2, kind::CREAT] {
            let mut record = Record::new(kind);
            let mut body = abi::OpenBody::new_zeroed();
            let size = size_of_val(&body);
            body.name = record.part(size, b"name");
            body.base = record.part(size, b"/base");
            body.path = record.part(size, b"/base/name");
            all.push((kind, record.body(body.as_bytes()).build()));
        }
        for kind in [kind::EXECVE, kind::EXECVEAT, kind::TASK] {
            let mut record = Record::new(kind);
            let mut body = abi::ExecBody::new_zeroed();
            let size = size_of_val(&body);
            body.args = record.part(size, b"argv0\0argv1\0");
            body.env = record.part(size, b"A=B\0");
            body.cgroup = record.part(size, b"/cgroup");
            body.exepath = record.part(size, b"/bin/exe");
            all.push((kind, record.body(body.as_bytes()).build()));
        }
        for kind in [kind::CLONE, kind::FORK, kind::VFORK, kind::CLONE3] {
            let mut record = Record::new(kind);
            let mut body = abi::CloneBody::new_zeroed();
            body.cgroup_v1 = record.part(size_of_val(&body), b"/v1");
            all.push((kind, record.body(body.as_bytes()).build()));
        }
        for kind in calls::kinds().filter(|&kind| calls::row(kind).is_some()) {
            all.push((kind, of_call(kind)));
        }
        let exit = abi::ExitBody::new_zeroed();
        all.push((kind::PROCEXIT, Record::new(kind::PROCEXIT).body(exit.as_bytes()).build()));
        all
    }

    /// A record of a call, with every variable part present and result and arguments that are all 2.
    pub(crate) fn of_call(kind: u16) -> Vec<u8> {
        let mut record = Record::new(kind);
        let mut body = abi::CallBody::new_zeroed();
        let size = size_of_val(&body);
        (body.res, body.args) = (2, [2; 6]);
        for (n, text) in body.text.iter_mut().enumerate() {
            *text = record.part(size, format!("text {n}").as_bytes());
        }
        for base in &mut body.base {
            *base = record.part(size, b"/base");
        }
        body.addr = record.part(size, &[2, 0, 0, 80, 127, 0, 0, 1]);
        body.data = record.part(size, b"the first of the data");
        body.control = record.part(size, b"control");
        for fixed in &mut body.fixed {
            *fixed = record.part(size, &[1; 72]);
        }
        let mut about = abi::Descriptor::new_zeroed();
        (about.mode, about.sock, about.family) = (0o140_777, 0xa0, 2);
        (about.local_port, about.remote_port) = (40_000, 443);
        about.path = record.part(size, b"/path");
        body.about = record.part(size, about.as_bytes());
        body.usage = record.part(size, abi::Usage::new_zeroed().as_bytes());
        record.body(body.as_bytes()).build()
    }
}

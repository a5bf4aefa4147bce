//! Containers: which one a process is in, as its cgroups tell, and what its runtime knows of it.

mod falco;
mod fields;
mod forms;
mod mounts;
mod record;
mod records;

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::{Event, Scope, Stamp, Task};
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::value::{Lookup, Value};
use smallvec::SmallVec;

use crate::hash::IntMap;
use crate::read;
use crate::unmarked::{self, Unmarked};
use forms::Identity;
use mounts::Patterns;
use records::{Known, Records};

pub use record::{ContainerRecord, Mount, RecordError};

/// Answers `container.*` and `k8s.*`. It stands behind
/// [`Processes`](crate::process::Processes) in a pipeline.
///
/// Which container it is comes from cgroup paths. The kernel sends a cgroup's id with each event,
/// so a process that moves to another cgroup is noticed; paths are looked at once each. Recordings of
/// Falco's tell no ids: there it is found as Falco finds it, when a thread starts or runs another
/// program.
///
/// What the runtime knows (name, image, labels, mounts, …) is a [`ContainerRecord`]. Recordings
/// hold them as events: `container`, and `asyncevent` from Falco's container plugin. Who
/// asks runtimes tells it with [`Containers::insert`]. Without a record the fields are
/// absent; those of a container that is [expected](Containers::expect) are pending, but for what the
/// cgroup tells. The host has a record, as in Falco: its name is `host`, its image the empty text.
///
/// Memory is bounded: about 40 MiB for which process is where, 128 MiB for records.
#[derive(Debug)]
pub struct Containers {
    /// By slot; the first is the host.
    places: Vec<Place>,
    /// The places of an id: more than one only where runtimes use the same name.
    by_id: HashMap<Box<str>, SmallVec<[Slot; 1]>>,
    /// Each set of cgroup paths that was looked at.
    by_cgroups: HashMap<Box<[u8]>, Slot>,
    by_process: IntMap<u32, Member>,
    /// The same for recordings without cgroup ids, as Falco reads them.
    by_recorded_cgroups: HashMap<Box<[u8]>, Slot>,
    by_recorded_thread: IntMap<u32, Slot>,
    records: Records,
    /// The record that this event brought.
    announced: Option<Arc<ContainerRecord>>,
    patterns: Patterns,
    /// How often places came or changed: their generations.
    changes: u32,
    malformed: u64,
    params: Params,
}

/// How many processes and sets of cgroup paths are remembered. At the limit all are forgotten and
/// found again when they are met: about 40 MiB at most.
const LIMIT: usize = 65_536;

/// What a process was in when it was last met.
#[derive(Clone, Copy, Debug)]
struct Member {
    start: Option<u64>,
    cgroup_id: Option<u64>,
    slot: Slot,
}

/// A container, or the host, as the place where processes are.
#[derive(Debug)]
struct Place {
    /// The id under which records are found.
    id: Box<str>,
    /// What the path told, where the kernel told the path.
    identity: Option<Identity>,
    known: Known,
    generation: u32,
}

const HOST: Slot = Slot(0);
/// The container that the event is about, whatever thread brings it.
const ANNOUNCED: Slot = Slot(u32::MAX);

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerCounts {
    /// Records there are, and containers that are expected.
    pub records: u64,
    /// Bytes that they take, about.
    pub memory: u64,
    /// Events about containers that could not be read.
    pub malformed: u64,
    /// Records forgotten because a bound was reached.
    pub evicted: u64,
}

/// Where events about containers hold what they tell.
#[derive(Debug)]
struct Params {
    json: Option<Key>,
    name: Option<Key>,
    data: Option<Key>,
}

/// `container`, as Falco wrote it before it had plugins.
const CONTAINER: EventKind = EventKind(324);
/// `asyncevent`: what a plugin tells beside the events.
const ASYNC: EventKind = EventKind(402);

/// What may move a recorded thread into a container.
const STARTS: [EventKind; 7] = [
    EventKind::TASK,
    EventKind::CLONE,
    EventKind::FORK,
    EventKind::VFORK,
    EventKind::CLONE3,
    EventKind::EXECVE,
    EventKind::EXECVEAT,
];

impl Default for Containers {
    fn default() -> Self {
        let mut containers = Self {
            places: Vec::new(),
            by_id: HashMap::new(),
            by_cgroups: HashMap::new(),
            by_process: IntMap::default(),
            by_recorded_cgroups: HashMap::new(),
            by_recorded_thread: IntMap::default(),
            records: Records::default(),
            announced: None,
            patterns: Patterns::default(),
            changes: 0,
            malformed: 0,
            params: Params {
                json: read::param(CONTAINER, "json"),
                name: read::param(ASYNC, "name"),
                data: read::param(ASYNC, "data"),
            },
        };
        containers.forget_places();
        containers
    }
}

impl Containers {
    /// What happened so far.
    pub fn counts(&self) -> ContainerCounts {
        ContainerCounts {
            records: self.records.len() as u64,
            memory: self.records.bytes() as u64,
            malformed: self.malformed,
            evicted: self.records.evicted(),
        }
    }

    /// A runtime told of a container; what was known of it before is forgotten.
    pub fn insert(&mut self, record: ContainerRecord) {
        let record = Arc::new(record);
        self.set(&record.id.clone(), Known::Record(record));
    }

    /// A runtime is being asked for the container with this short id: until it is
    /// [inserted](Self::insert) or [removed](Self::remove), what is not known is pending. A record
    /// that is there already stays.
    pub fn expect(&mut self, id: &str) {
        if matches!(self.records.known(id), Known::Nothing) {
            self.set(id, Known::Expected);
        }
    }

    /// The container with this short id is gone, or no runtime knows it.
    pub fn remove(&mut self, id: &str) {
        self.set(id, Known::Nothing);
    }

    fn set(&mut self, id: &str, known: Known) {
        let Self { records, places, by_id, changes, .. } = self;
        let mut tell = |id: &str, known: &Known| {
            for place in by_id.get(id).into_iter().flatten() {
                let Some(place) = places.get_mut(place.0 as usize) else { continue };
                place.known = known.clone();
                *changes = changes.saturating_add(1);
                place.generation = *changes;
            }
        };
        tell(id, &known);
        records.set(id, known, |forgotten| tell(forgotten, &Known::Nothing));
    }

    /// Learns from an event about a container.
    fn learn(&mut self, kind: EventKind, event: &dyn Event, arena: &Arena) {
        let Params { json, name, data } = &self.params;
        let param = |key: &Option<Key>| read::bytes(event, key.as_ref()?, arena);
        let (json, removed) = match (kind, param(name)) {
            (CONTAINER, _) => (param(json), false),
            (_, Some(b"container")) => (param(data), false),
            (_, Some(b"container_removed")) => (param(data), true),
            // Another plugin's.
            _ => return,
        };
        // Falco reads up to the NUL that ends its texts.
        let json = json.and_then(|json| json.split(|&byte| byte == 0).next()).unwrap_or_default();
        match ContainerRecord::from_json(json) {
            Ok(record) => {
                let record = Arc::new(record);
                self.announced = Some(Arc::clone(&record));
                let known =
                    if removed { Known::Nothing } else { Known::Record(Arc::clone(&record)) };
                self.set(&record.id, known);
            }
            Err(error) => {
                self.malformed += 1;
                tracing::debug!(%error, source = error.source(), "an event about a container is passed over");
            }
        }
    }

    /// The slot of the event's process as it was last met, if nothing says that it moved.
    fn member(&self, kernel: &FromKernel) -> Result<Slot, Member> {
        let &FromKernel { pid, start, cgroup_id } = kernel;
        match pid.and_then(|pid| self.by_process.get(&pid)) {
            // Without a cgroup id nothing would tell of a move.
            Some(m) if m.start == start && m.cgroup_id == cgroup_id && cgroup_id.is_some() => {
                Ok(m.slot)
            }
            _ => Err(Member { start, cgroup_id, slot: HOST }),
        }
    }

    /// Finds where a process is of which the kernel tells.
    fn meet(&mut self, kernel: &FromKernel, event: &dyn Event, arena: &Arena) {
        let Some(pid) = kernel.pid else { return };
        let Err(member) = self.member(kernel) else { return };
        let Some(cgroups) = read::bytes(event, &read::CGROUPS, arena) else { return };
        self.make_room();
        let slot = match self.by_cgroups.get(cgroups) {
            Some(&slot) => slot,
            None => {
                let found = forms::of_cgroups(cgroups);
                let slot = found.map_or(HOST, |identity| {
                    let id = identity.short_id().to_owned();
                    self.place(&id, Some(identity))
                });
                self.by_cgroups.insert(cgroups.into(), slot);
                slot
            }
        };
        self.by_process.insert(pid, Member { slot, ..member });
    }

    /// Finds where a recorded thread is, as Falco does: when it starts, or runs another program.
    #[inline(never)]
    fn follow(&mut self, tid: u32, event: &dyn Event, arena: &Arena) {
        // Whoever is known has a name, if only `<NA>`; an event that is nobody's deed has no place.
        if read::bytes(event, &read::PROC_NAME, arena).is_none() {
            return;
        }
        self.make_room();
        let cgroups = read::bytes(event, &read::CGROUPS, arena).unwrap_or_default();
        let slot = match self.by_recorded_cgroups.get(cgroups) {
            Some(&slot) => slot,
            None => {
                let slot = falco::of_cgroups(cgroups).map_or(HOST, |found| {
                    if let Some(runtime) = found.runtime
                        && matches!(self.records.known(found.id), Known::Nothing)
                    {
                        let id = found.id.into();
                        let runtime = runtime.into();
                        self.insert(ContainerRecord { id, runtime, ..ContainerRecord::default() });
                    }
                    self.place(found.id, None)
                });
                self.by_recorded_cgroups.insert(cgroups.into(), slot);
                slot
            }
        };
        self.by_recorded_thread.insert(tid, slot);
    }

    /// The place of a container.
    fn place(&mut self, id: &str, identity: Option<Identity>) -> Slot {
        let Self { places, by_id, records, changes, .. } = self;
        let slots = by_id.entry(id.into()).or_default();
        let same = |slot: &&Slot| {
            places.get(slot.0 as usize).is_some_and(|place| place.identity == identity)
        };
        if let Some(&slot) = slots.iter().find(same) {
            return slot;
        }
        let Some(slot) = u32::try_from(places.len()).ok().map(Slot) else { return HOST };
        *changes = changes.saturating_add(1);
        let known = records.known(id);
        places.push(Place { id: id.into(), identity, known, generation: *changes });
        slots.push(slot);
        slot
    }

    #[cold]
    fn end(&mut self, event: &dyn Event, arena: &Arena) {
        if let Some(tid) = event.task(arena).tid {
            self.by_recorded_thread.remove(&tid);
        }
    }

    fn make_room(&mut self) {
        let full = self.by_process.len() >= LIMIT
            || self.by_cgroups.len() >= LIMIT
            || self.by_recorded_thread.len() >= LIMIT
            || self.by_recorded_cgroups.len() >= LIMIT;
        if full {
            self.forget_places();
            tracing::debug!(limit = LIMIT, "containers are found anew");
        }
    }

    /// Forgets who is where; not what was told of containers.
    fn forget_places(&mut self) {
        let Self {
            places,
            by_id,
            by_cgroups,
            by_process,
            by_recorded_cgroups,
            by_recorded_thread,
            records: _,
            announced: _,
            patterns: _,
            changes: _,
            malformed: _,
            params: _,
        } = self;
        by_id.clear();
        by_cgroups.clear();
        by_process.clear();
        by_recorded_cgroups.clear();
        by_recorded_thread.clear();
        places.clear();
        let host = Known::Record(Arc::clone(&fields::HOST));
        places.push(Place { id: record::HOST.into(), identity: None, known: host, generation: 0 });
    }
}

/// What the kernel tells of the process with each event.
#[derive(Clone, Copy, Debug)]
struct FromKernel {
    pid: Option<u32>,
    start: Option<u64>,
    cgroup_id: Option<u64>,
}

impl FromKernel {
    /// `None`: the event is from a recording of Falco's, which tells nothing but the thread's id.
    fn of(task: &Task) -> Option<Self> {
        let &Task { pid, leader_start_time: start, cgroup_id, .. } = task;
        (cgroup_id.is_some() || start.is_some()).then_some(Self { pid, start, cgroup_id })
    }
}

/// The id under which users of a container are kept: Falco's short form. `None`: the host.
pub(crate) fn short_id(cgroups: &[u8]) -> Option<Box<str>> {
    forms::of_cgroups(cgroups).map(|identity| identity.short_id().into())
}

/// The same for what Falco recorded: the id that it finds.
pub(crate) fn recorded_id(cgroups: &[u8]) -> Option<Box<str>> {
    falco::of_cgroups(cgroups).map(|found| found.id.into())
}

impl Enricher for Containers {
    fn provides(&self) -> &FieldSet {
        &fields::PROVIDED
    }

    fn demand(&mut self, wanted: &FieldSet) -> Interest {
        if wanted.is_empty() {
            return Interest::default();
        }
        let mut fields: FieldSet = [
            field::CTX_TID,
            field::CTX_PID,
            field::CTX_LEADER_START_TIME,
            field::CTX_CGROUP_ID,
            field::PROC_NAME,
            field::THREAD_CGROUPS,
        ]
        .into_iter()
        .collect();
        if wanted.contains(field::CONTAINER_START_TS) || wanted.contains(field::CONTAINER_DURATION)
        {
            fields.insert(field::PROC_PIDNS_INIT_START_TS);
        }
        let told = [CONTAINER, ASYNC].into_iter();
        let told = told.flat_map(|kind| [kind, EventKind::state(kind.0)]);
        let kinds: KindSet = told.chain(STARTS).chain([EventKind::PROCEXIT]).collect();
        Interest::new(kinds, fields)
    }

    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        let unmarked = Unmarked::of(event);
        let event = unmarked.as_ref().map_or(event, |unmarked| unmarked);
        if self.announced.is_some() {
            self.announced = None;
        }
        let kind = event.kind();
        match kind {
            EventKind::SECTION => {
                self.forget_places();
                self.records = Records::default();
                return;
            }
            CONTAINER | ASYNC => self.learn(kind, event, arena),
            _ => {}
        }
        let task = event.task(arena);
        match (FromKernel::of(task), task.tid) {
            (Some(kernel), _) => self.meet(&kernel, event, arena),
            (None, Some(tid)) => {
                if STARTS.contains(&kind) || !self.by_recorded_thread.contains_key(&tid) {
                    self.follow(tid, event, arena);
                }
            }
            (None, None) => {}
        }
    }

    fn settle(&mut self, event: &dyn Event, arena: &Arena) {
        if unmarked::is_exit(event) {
            self.end(event, arena);
        }
    }

    fn locate(&self, event: &dyn Event, arena: &Arena) -> Lookup<Slot> {
        if self.announced.is_some() {
            return Lookup::Known(ANNOUNCED);
        }
        let task = event.task(arena);
        let Some(kernel) = FromKernel::of(task) else {
            let slot = task.tid.and_then(|tid| self.by_recorded_thread.get(&tid));
            return slot.copied().into();
        };
        match self.member(&kernel) {
            Ok(slot) => Lookup::Known(slot),
            // A source that gives no cgroup ids: the paths decide.
            Err(Member { cgroup_id: None, .. }) => {
                let cgroups = read::bytes(event, &read::CGROUPS, arena);
                cgroups.and_then(|cgroups| self.by_cgroups.get(cgroups)).copied().into()
            }
            Err(_) => Lookup::Absent,
        }
    }

    fn get<'a>(
        &'a self,
        slot: Slot,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        let announced = self.announced.as_deref().filter(|_| slot == ANNOUNCED);
        match (key.field(), announced) {
            (field::CONTAINER_START_TS | field::CONTAINER_DURATION, None) => {
                fields::time(event, key, arena).into()
            }
            (_, Some(record)) => self.of_record(record, key, arena).into(),
            (_, None) => match self.places.get(slot.0 as usize) {
                Some(place) => place.field(self, key, arena),
                None => Lookup::Absent,
            },
        }
    }

    fn stamp(&self, slot: Slot, scope: Scope) -> Option<Stamp> {
        if scope != Scope::Container {
            return None;
        }
        let generation = self.places.get(slot.0 as usize)?.generation;
        (generation < u32::MAX).then_some(Stamp { slot: slot.0, generation })
    }
}

#[cfg(test)]
mod tests;

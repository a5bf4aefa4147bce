//! Containers: which one a process is in, as its cgroups tell.

mod forms;

use std::collections::HashMap;
use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::{Event, Scope, Stamp};
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::value::{Lookup, Value};

use crate::hash::IntMap;
use crate::read;
use forms::Identity;

/// Answers `container.id`, `container.full_id`, `container.type` and `k8s.pod.uid` from the cgroup
/// paths that [`Processes`](crate::process::Processes) knows. It stands behind that one in a
/// pipeline.
///
/// Paths are looked at once each; an event costs one lookup by process. A process that moves to
/// another cgroup is noticed by the cgroup id that each event carries.
#[derive(Debug)]
pub struct Containers {
    records: Vec<Record>,
    /// Each set of cgroup paths that was looked at.
    by_cgroups: HashMap<Box<[u8]>, Slot>,
    by_process: IntMap<u32, Member>,
    /// Grows when the records are dropped and their numbers begin anew.
    epoch: u32,
}

/// How many processes, sets of cgroup paths and containers are remembered. At the limit all are
/// forgotten and found again when they are met: about 40 MiB at most.
const LIMIT: usize = 65_536;

/// What a process was in when it was last met.
#[derive(Clone, Copy, Debug)]
struct Member {
    start: Option<u64>,
    cgroup_id: Option<u64>,
    slot: Slot,
}

#[derive(Debug)]
enum Record {
    Host,
    Container(Identity),
}

const HOST: Slot = Slot(0);

static PROVIDED: LazyLock<FieldSet> = LazyLock::new(|| {
    [field::CONTAINER_ID, field::CONTAINER_FULL_ID, field::CONTAINER_TYPE, field::K8S_POD_UID]
        .into_iter()
        .collect()
});

impl Default for Containers {
    fn default() -> Self {
        Self {
            records: vec![Record::Host],
            by_cgroups: HashMap::new(),
            by_process: IntMap::default(),
            epoch: 0,
        }
    }
}

impl Containers {
    /// The slot of the event's process as it was last met, if nothing says that it moved.
    fn member(&self, event: &dyn Event, arena: &Arena) -> Result<Slot, (Option<u32>, Member)> {
        let pid = read::id(event, &read::PID, arena);
        let start = read::uint(event, &read::LEADER_START_TIME, arena);
        let cgroup_id = read::uint(event, &read::CGROUP_ID, arena);
        match pid.and_then(|pid| self.by_process.get(&pid)) {
            // Without a cgroup id nothing would tell of a move.
            Some(m) if m.start == start && m.cgroup_id == cgroup_id && cgroup_id.is_some() => {
                Ok(m.slot)
            }
            _ => Err((pid, Member { start, cgroup_id, slot: HOST })),
        }
    }

    fn slot_of(&mut self, cgroups: &[u8]) -> Slot {
        if let Some(&slot) = self.by_cgroups.get(cgroups) {
            return slot;
        }
        let slot = match forms::of_cgroups(cgroups) {
            None => HOST,
            Some(identity) => {
                let place = self.records.len();
                self.records.push(Record::Container(identity));
                u32::try_from(place).map_or(HOST, Slot)
            }
        };
        self.by_cgroups.insert(cgroups.into(), slot);
        slot
    }

    fn make_room(&mut self) {
        let Self { records, by_cgroups, by_process, epoch } = self;
        if by_process.len() < LIMIT && by_cgroups.len() < LIMIT {
            return;
        }
        by_process.clear();
        by_cgroups.clear();
        records.truncate(1);
        *epoch = epoch.saturating_add(1);
        tracing::debug!(limit = LIMIT, "containers are found anew");
    }
}

/// The id under which users of a container are kept: Falco's short form. `None`: the host.
pub(crate) fn short_id(cgroups: &[u8]) -> Option<Box<str>> {
    forms::of_cgroups(cgroups).map(|identity| identity.short_id().into())
}

impl Enricher for Containers {
    fn provides(&self) -> &FieldSet {
        &PROVIDED
    }

    fn demand(&mut self, wanted: &FieldSet) -> Interest {
        if wanted.is_empty() {
            return Interest::default();
        }
        let fields = [
            field::CTX_PID,
            field::CTX_LEADER_START_TIME,
            field::CTX_CGROUP_ID,
            field::THREAD_CGROUPS,
        ];
        Interest::new(KindSet::default(), fields.into_iter().collect())
    }

    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        let Err((Some(pid), member)) = self.member(event, arena) else { return };
        let Some(cgroups) = read::bytes(event, &read::CGROUPS, arena) else { return };
        self.make_room();
        let slot = self.slot_of(cgroups);
        self.by_process.insert(pid, Member { slot, ..member });
    }

    fn locate(&self, event: &dyn Event, arena: &Arena) -> Lookup<Slot> {
        match self.member(event, arena) {
            Ok(slot) => Lookup::Known(slot),
            // A source that gives no cgroup ids: the paths decide.
            Err((_, Member { cgroup_id: None, .. })) => {
                let cgroups = read::bytes(event, &read::CGROUPS, arena);
                cgroups.and_then(|cgroups| self.by_cgroups.get(cgroups)).copied().into()
            }
            Err(_) => Lookup::Absent,
        }
    }

    fn get<'a>(
        &'a self,
        slot: Slot,
        _event: &'a dyn Event,
        key: &Key,
        _arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        let text = match self.records.get(slot.0 as usize) {
            Some(Record::Host) => match key.field() {
                field::CONTAINER_ID | field::CONTAINER_FULL_ID | field::CONTAINER_TYPE => "host",
                _ => return Lookup::Absent,
            },
            Some(Record::Container(identity)) => match key.field() {
                field::CONTAINER_ID => identity.short_id(),
                field::CONTAINER_FULL_ID => &identity.full_id,
                field::CONTAINER_TYPE => identity.runtime,
                field::K8S_POD_UID => match &identity.pod_uid {
                    Some(uid) => uid,
                    None => return Lookup::Absent,
                },
                _ => return Lookup::Absent,
            },
            None => return Lookup::Absent,
        };
        Lookup::Known(Value::from(text))
    }

    fn stamp(&self, slot: Slot, scope: Scope) -> Option<Stamp> {
        let lasting = scope == Scope::Container && self.epoch < u32::MAX;
        lasting.then_some(Stamp { slot: slot.0, generation: self.epoch })
    }
}

#[cfg(test)]
mod tests {
    use k8srd_testkit::event::TestEvent;

    use super::*;

    fn event(pid: u32, start: u64, cgroup: u64, paths: &str) -> TestEvent {
        TestEvent::open()
            .field("ctx.pid", pid)
            .field("ctx.leader_start_time", start)
            .field("ctx.cgroup.id", cgroup)
            .field("thread.cgroups", paths)
    }

    fn told(
        containers: &mut Containers,
        event: &TestEvent,
        id: k8srd_core::field::FieldId,
    ) -> Option<String> {
        let arena = Arena::default();
        containers.observe(event, &arena);
        let slot = containers.locate(event, &arena).known()?;
        let value = containers.get(slot, event, &Key::of(id), &arena).known();
        value.map(|value| value.to_string())
    }

    const A: &str =
        "unified=/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn fields_of_container_and_host() {
        let mut containers = Containers::default();
        let inside = event(7, 1, 5, A);
        let mut ask = |event: &TestEvent, id| told(&mut containers, event, id);
        assert_eq!(ask(&inside, field::CONTAINER_ID).as_deref(), Some("aaaaaaaaaaaa"));
        assert_eq!(ask(&inside, field::CONTAINER_FULL_ID), Some("a".repeat(64)));
        assert_eq!(ask(&inside, field::CONTAINER_TYPE).as_deref(), Some("docker"));
        assert_eq!(ask(&inside, field::K8S_POD_UID), None);
        let host = event(8, 1, 6, "unified=/init.scope");
        for id in [field::CONTAINER_ID, field::CONTAINER_FULL_ID, field::CONTAINER_TYPE] {
            assert_eq!(ask(&host, id).as_deref(), Some("host"));
        }
        assert_eq!(ask(&host, field::K8S_POD_UID), None);
    }

    #[test]
    fn a_process_is_looked_at_again_when_it_moves_or_is_another() {
        let mut containers = Containers::default();
        let id = field::CONTAINER_ID;
        assert_eq!(
            told(&mut containers, &event(7, 1, 5, "unified=/"), id).as_deref(),
            Some("host")
        );
        // Within one cgroup the paths are not even read.
        assert_eq!(told(&mut containers, &event(7, 1, 5, A), id).as_deref(), Some("host"));
        assert_eq!(told(&mut containers, &event(7, 1, 6, A), id).as_deref(), Some("aaaaaaaaaaaa"));
        assert_eq!(
            told(&mut containers, &event(7, 2, 6, "unified=/"), id).as_deref(),
            Some("host")
        );
    }

    #[test]
    fn sources_without_cgroup_ids_go_by_the_paths() {
        let mut containers = Containers::default();
        let bare =
            |paths: &str| TestEvent::open().field("ctx.pid", 7).field("thread.cgroups", paths);
        let id = field::CONTAINER_ID;
        assert_eq!(told(&mut containers, &bare(A), id).as_deref(), Some("aaaaaaaaaaaa"));
        assert_eq!(told(&mut containers, &bare("unified=/"), id).as_deref(), Some("host"));
        assert_eq!(told(&mut containers, &TestEvent::open().field("ctx.pid", 9), id), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut containers = Containers::default();
        for n in 0..(2 * LIMIT as u32 + 10) {
            let paths = format!("unified=/lxc/c{n}");
            let id = told(&mut containers, &event(n, 1, n.into(), &paths), field::CONTAINER_ID);
            assert_eq!(id, Some(format!("c{n}")));
        }
        assert!(containers.records.len() <= LIMIT + 1 && containers.by_process.len() <= LIMIT);
        assert_eq!(containers.epoch, 2);
    }
}

//! Which content of a process is which: a change makes another stamp of it, and of its descendants'
//! lineage.

use k8srd_core::event::Stamp;
use smallvec::SmallVec;

use super::table::Table;

/// Past so many descendants the lineage of every process counts as changed.
const DESCENDANTS: usize = 1_000;

/// How often processes changed, by their places.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    all: Vec<Revision>,
    /// Raised in place of the descendants' own revisions where those are too many to visit.
    pub(super) every_lineage: u32,
}

/// How often a process and its ancestors changed. Kept when the place is used again, so that no
/// stamp comes twice.
#[derive(Clone, Copy, Debug, Default)]
struct Revision {
    own: u32,
    lineage: u32,
}

impl Revisions {
    /// There is a process at this place.
    pub(super) fn add(&mut self, place: u32) {
        if self.all.len() <= place as usize {
            self.all.resize(place as usize + 1, Revision::default());
        }
    }

    fn of(&mut self, place: u32) -> Option<&mut Revision> {
        self.all.get_mut(place as usize)
    }
}

impl Table {
    /// The content of a process changed, and so the lineage of its descendants.
    pub(crate) fn changed(&mut self, place: u32) {
        if let Some(revision) = self.revisions.of(place) {
            revision.own = revision.own.saturating_add(1);
        }
        self.lineage_changed(place);
    }

    pub(super) fn lineage_changed(&mut self, place: u32) {
        let mut descendants: SmallVec<[u32; 8]> = SmallVec::from_slice(&[place]);
        let mut next = 0;
        while let Some(&place) = descendants.get(next) {
            if next > DESCENDANTS {
                let every = &mut self.revisions.every_lineage;
                *every = every.saturating_add(1);
                return;
            }
            if let Some(revision) = self.revisions.of(place) {
                revision.lineage = revision.lineage.saturating_add(1);
            }
            descendants.extend(
                self.processes
                    .get(place)
                    .into_iter()
                    .flat_map(|process| &process.children)
                    .copied(),
            );
            next += 1;
        }
    }

    /// A stamp of the process' own content. `None` where the count of changes is used up.
    pub(crate) fn own_stamp(&self, place: u32) -> Option<Stamp> {
        let generation = self.revisions.all.get(place as usize)?.own;
        (generation < u32::MAX).then_some(Stamp { slot: place, generation })
    }

    /// A stamp of the process and its ancestors. Both counts only grow, so their sum comes once.
    pub(crate) fn lineage_stamp(&self, place: u32) -> Option<Stamp> {
        let lineage = self.revisions.all.get(place as usize)?.lineage;
        let generation = lineage.checked_add(self.revisions.every_lineage)?;
        (generation < u32::MAX).then_some(Stamp { slot: place, generation })
    }
}

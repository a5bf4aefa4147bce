//! Who ended a short time ago: what is told late must not bring them back.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;

use k8srd_core::event::Timestamp;

use super::start::StartTime;
use crate::hash::{IntHasher, IntMap};

/// The threads that ended last, by id and start.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    order: VecDeque<(u32, u64)>,
    set: HashSet<(u32, u64), BuildHasherDefault<IntHasher>>,
}

/// How many are remembered.
const REMEMBERED: usize = 4_096;

impl Ended {
    /// Says whether it is new. Without a start time nothing is kept: the next thread with this id
    /// could not be told from it.
    pub(crate) fn insert(&mut self, tid: u32, start: StartTime) -> bool {
        let Some(start) = start.0 else { return false };
        if !self.set.insert((tid, start)) {
            return false;
        }
        self.order.push_back((tid, start));
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    pub(crate) fn contains(&self, tid: u32, start: StartTime) -> bool {
        let Some(start) = start.0 else { return false };
        self.set.contains(&(tid, start))
    }
}

/// The threads of a recording that ended last, by id and parent, with the time: a call of clone
/// may return to its caller after the child is gone. Facts: `has_recently_exited` in
/// `userspace/libsinsp/thread_manager.cpp` of falcosecurity/libs.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    order: VecDeque<(u32, Timestamp)>,
    by_tid: IntMap<u32, (Option<u32>, Timestamp)>,
}

/// What is told of an id so many nanoseconds after its thread's end is of another thread.
pub(crate) const STALE: u64 = 2_000_000_000;

impl Gone {
    pub(crate) fn insert(&mut self, tid: u32, parent: Option<u32>, now: Timestamp) {
        let Self { order, by_tid } = self;
        while let Some(&(old, ended)) = order.front() {
            let stale = now.as_nanos().saturating_sub(ended.as_nanos()) >= STALE;
            if !stale && order.len() < REMEMBERED {
                break;
            }
            order.pop_front();
            if by_tid.get(&old).is_some_and(|&(_, last)| last == ended) {
                by_tid.remove(&old);
            }
        }
        order.push_back((tid, now));
        by_tid.insert(tid, (parent, now));
    }

    pub(crate) fn contains(&self, tid: u32, parent: u32, now: Timestamp) -> bool {
        self.by_tid.get(&tid).is_some_and(|&(of, ended)| {
            let age = now.as_nanos().checked_sub(ended.as_nanos());
            of == Some(parent) && age.is_some_and(|age| age < STALE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gone_are_known_for_two_seconds() {
        let mut gone = Gone::default();
        let at = Timestamp::from_nanos;
        gone.insert(7, Some(1), at(10));
        assert!(gone.contains(7, 1, at(10)) && gone.contains(7, 1, at(9 + STALE)));
        assert!(!gone.contains(7, 1, at(10 + STALE)), "too long ago");
        assert!(!gone.contains(7, 1, at(9)), "before its end");
        assert!(!gone.contains(7, 2, at(10)) && !gone.contains(8, 1, at(10)));
        for tid in 0..10_000 {
            gone.insert(tid, None, at(20));
        }
        assert!(gone.order.len() <= REMEMBERED && gone.by_tid.len() <= REMEMBERED);
    }
}

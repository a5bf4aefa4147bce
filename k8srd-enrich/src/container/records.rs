//! The records of containers, by id: bounded, the oldest are forgotten first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::record::ContainerRecord;

/// How many records, and ids whose records are on their way, are kept.
const MOST: usize = 65_536;
/// How much memory they may take: about twice what 65,536 ordinary ones take.
const MEMORY: usize = 128 << 20;

/// What is known of a container besides what its cgroup tells.
#[derive(Clone, Debug, Default)]
pub(super) enum Known {
    /// Nothing, and nothing is on its way.
    #[default]
    Nothing,
    /// It was asked for.
    Expected,
    Record(Arc<ContainerRecord>),
}

#[derive(Debug)]
pub(super) struct Records {
    by_id: HashMap<Box<str>, Held>,
    /// Ids by the time of their last change.
    by_age: BTreeMap<u64, Box<str>>,
    changes: u64,
    bytes: usize,
    evicted: u64,
    most: usize,
    memory: usize,
}

#[derive(Debug)]
struct Held {
    known: Known,
    age: u64,
    bytes: usize,
}

impl Default for Records {
    fn default() -> Self {
        Self::bounded(MOST, MEMORY)
    }
}

impl Records {
    fn bounded(most: usize, memory: usize) -> Self {
        Self {
            by_id: HashMap::new(),
            by_age: BTreeMap::new(),
            changes: 0,
            bytes: 0,
            evicted: 0,
            most,
            memory,
        }
    }

    /// What is known under this id.
    pub(super) fn known(&self, id: &str) -> Known {
        self.by_id.get(id).map(|held| held.known.clone()).unwrap_or_default()
    }

    pub(super) fn record(&self, id: &str) -> Option<&ContainerRecord> {
        match &self.by_id.get(id)?.known {
            Known::Record(record) => Some(record),
            Known::Nothing | Known::Expected => None,
        }
    }

    /// Puts this in the place of what was known; calls `forgotten` with each id that has to go for
    /// it. A record that alone is larger than the bound is one of those.
    pub(super) fn set(&mut self, id: &str, known: Known, mut forgotten: impl FnMut(&str)) {
        self.take(id);
        let bytes = match &known {
            Known::Nothing => return,
            Known::Expected => 0,
            Known::Record(record) => record.size(),
        };
        // The id stands in both maps.
        let bytes = bytes + 2 * id.len() + size_of::<Held>();
        self.changes += 1;
        let age = self.changes;
        self.bytes += bytes;
        self.by_id.insert(id.into(), Held { known, age, bytes });
        self.by_age.insert(age, id.into());
        while self.by_id.len() > self.most || self.bytes > self.memory {
            let Some((_, oldest)) = self.by_age.first_key_value() else { return };
            let oldest = oldest.clone();
            self.take(&oldest);
            self.evicted += 1;
            forgotten(&oldest);
        }
    }

    fn take(&mut self, id: &str) {
        if let Some(Held { age, bytes, .. }) = self.by_id.remove(id) {
            self.by_age.remove(&age);
            self.bytes -= bytes;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, name: &str) -> Known {
        let mut record = ContainerRecord::new(id);
        record.name = name.into();
        Known::Record(record.into())
    }

    #[test]
    fn the_oldest_go_first() {
        let mut records = Records::bounded(2, MEMORY);
        let mut gone = Vec::new();
        for id in ["a", "b", "a", "c"] {
            records.set(id, record(id, ""), |id| gone.push(id.to_owned()));
        }
        assert_eq!(gone, ["b"], "a was told again");
        assert_eq!((records.len(), records.evicted()), (2, 1));
        records.set("a", Known::Nothing, |_| unreachable!());
        assert!(records.record("a").is_none() && records.record("c").is_some());
    }

    #[test]
    fn memory_is_counted_and_bounded() {
        let mut records = Records::bounded(MOST, 10_000);
        for n in 0..1000 {
            records.set(&format!("c{n}"), record("c", &"n".repeat(n)), |_| {});
            assert!(records.bytes() <= 10_000);
        }
        assert!(records.len() > 1);
        let mut gone = Vec::new();
        records.set("huge", record("huge", &"n".repeat(10_000)), |id| gone.push(id.to_owned()));
        assert!(records.record("huge").is_none());
        assert_eq!(gone.last().map(String::as_str), Some("huge"));
        assert_eq!((records.len(), records.bytes()), (0, 0));
    }
}

//! Events that a recording marks as state: followed as what they are.

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Fields, Task, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::kind::{EventKind, KindInfo};
use k8srd_core::value::{Lookup, Value};

/// An event that only carries state because its recorder was asked for others: an exec is an exec,
/// whether rules see it or not.
#[derive(Clone, Copy)]
pub(crate) struct Unmarked<'a> {
    event: &'a dyn Event,
    kind: EventKind,
}

impl<'a> Unmarked<'a> {
    /// `None` for what is as it says: events, and state of kinds that are nothing else.
    pub(crate) fn of(event: &'a dyn Event) -> Option<Self> {
        let marked = event.kind();
        if !marked.is_state() {
            return None;
        }
        let kind = EventKind(marked.falco_code()?);
        KindInfo::of(kind).map(|_| Self { event, kind })
    }
}

/// Whether a thread ends, marked or not.
pub(crate) fn is_exit(event: &dyn Event) -> bool {
    const MARKED: EventKind = EventKind::state(EventKind::PROCEXIT.0);
    matches!(event.kind(), EventKind::PROCEXIT | MARKED)
}

impl Event for Unmarked<'_> {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        self.event.time()
    }

    fn task<'a>(&'a self, arena: &'a Arena) -> &'a Task {
        self.event.task(arena)
    }
}

impl Fields for Unmarked<'_> {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        self.event.get(key, arena)
    }
}

#[cfg(test)]
mod tests {
    use k8srd_testkit::event::TestEvent;

    use super::*;

    /// A call that is marked as state.
    struct Marked(TestEvent);

    impl Event for Marked {
        fn kind(&self) -> EventKind {
            EventKind::state(self.0.kind().0)
        }

        fn time(&self) -> Timestamp {
            self.0.time()
        }
    }

    impl Fields for Marked {
        fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
            self.0.get(key, arena)
        }
    }

    #[test]
    fn a_marked_exec_is_an_exec_and_what_is_nothing_else_stays() {
        let exec = Marked(TestEvent::execve().param("comm", "sh"));
        let unmarked = Unmarked::of(&exec).unwrap();
        let comm = crate::read::param(EventKind::EXECVE, "comm").unwrap();
        assert_eq!(unmarked.kind(), EventKind::EXECVE);
        assert_eq!(unmarked.get(&comm, &Arena::default()).known(), Some(Value::from("sh")));
        assert!(Unmarked::of(&TestEvent::execve()).is_none());
        assert!(Unmarked::of(&TestEvent::falco("task")).is_none());
    }
}

//! The event as enrichers and matchers see it: the source's event joined with what the
//! enrichers know.

use std::cell::Cell;

use super::{Owner, Passed, PathMatching, Wiring};
use crate::arena::Arena;
use crate::catalogue as field;
use crate::enricher::{Enricher, Slot};
use crate::event::{Event, Fields, Reading, Scope, Stamp, Task, Timestamp};
use crate::field::Key;
use crate::kind::EventKind;
use crate::time::{Civil, iso8601};
use crate::value::{Lookup, Value};

/// What is asked of every event, asked once; and where it stands among the others.
pub(super) struct About<'p> {
    pub(super) kind: EventKind,
    pub(super) time: Timestamp,
    /// If there is an enricher to ask for it.
    pub(super) task: Option<&'p Task>,
    pub(super) number: u64,
    pub(super) passed: Passed,
}

/// Everything about one event that its views share.
pub(super) struct Frame<'p> {
    pub(super) event: &'p dyn Event,
    pub(super) slots: &'p [Cell<Option<Lookup<Slot>>>],
    pub(super) wiring: &'p Wiring,
    pub(super) about: About<'p>,
    pub(super) arena: &'p Arena,
    /// Whether the file has two names that differ; found out when first asked.
    pub(super) two_names: Cell<Option<bool>>,
}

/// An event joined with the first enrichers.
#[derive(Clone, Copy)]
pub(super) struct View<'v, 'p> {
    frame: &'v Frame<'p>,
    enrichers: &'v [Box<dyn Enricher>],
    /// Those behind the one that observes, which have not.
    behind: &'v [Box<dyn Enricher>],
    reading: Reading,
    decided: bool,
    alternate: Option<&'v View<'v, 'p>>,
}

impl<'v, 'p> View<'v, 'p> {
    /// The event with these enrichers.
    pub(super) fn new(frame: &'v Frame<'p>, enrichers: &'v [Box<dyn Enricher>]) -> Self {
        let (reading, decided) = (Reading::Given, false);
        Self { frame, enrichers, behind: &[], reading, decided, alternate: None }
    }

    /// The same for the one that observes, with those behind it.
    pub(super) fn observing(self, behind: &'v [Box<dyn Enricher>]) -> Self {
        Self { behind, ..self }
    }

    /// Calls `judge` with the event, whose alternate is the event under its resolved name. With
    /// `decided`, what is pending reads as absent.
    pub(super) fn judged(self, decided: bool, judge: impl FnOnce(&dyn Event)) {
        let resolved = View { reading: Reading::Resolved, decided, ..self };
        judge(&View { alternate: Some(&resolved), reading: Reading::Given, ..resolved });
    }

    /// What the enricher at `place` may see.
    fn below(&self, place: usize) -> Self {
        Self { enrichers: &self.enrichers[..place], behind: &[], alternate: None, ..*self }
    }

    /// What an enricher behind the one that observes knew before this event.
    fn known_before<'a>(&'a self, place: usize, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let place = place.checked_sub(self.enrichers.len() + 1);
        let Some(enricher) = place.and_then(|place| self.behind.get(place)) else {
            return Lookup::Absent;
        };
        let view = arena.alloc(self.below(self.enrichers.len()));
        // Not kept: once it has seen the event it may find another.
        enricher.locate(view, arena).and_then(|slot| enricher.get(slot, view, key, arena))
    }

    fn slot(&self, place: usize, enricher: &dyn Enricher) -> Lookup<Slot> {
        let Frame { slots, arena, .. } = self.frame;
        if let Some(slot) = slots[place].get() {
            return slot;
        }
        let slot = enricher.locate(&self.below(place), arena);
        slots[place].set(Some(slot));
        slot
    }

    /// The fields that every event has.
    fn own<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let Frame { event, wiring, about, .. } = self.frame;
        let &About { kind, time, number, passed, .. } = about;
        let since = |other: Option<Timestamp>| {
            time.as_nanos().saturating_sub(other.unwrap_or(time).as_nanos())
        };
        let local = || Civil::new(time, (wiring.utc_offset)(time));
        let text = |text: std::fmt::Arguments<'_>| Value::Str(arena.format(text));
        Lookup::Known(match key.field() {
            // A recording counts events, too, that only carry state.
            field::EVT_NUM => match event.get(&Key::of(field::CTX_NUMBER), arena) {
                Lookup::Known(number) => number,
                Lookup::Absent | Lookup::Pending => Value::U64(number),
            },
            field::EVT_TYPE => match wiring.schema.kind_info(kind) {
                Some(info) => Value::from(&*info.name),
                None => return Lookup::Absent,
            },
            field::EVT_SOURCE => Value::from(wiring.schema.source_name()),
            field::EVT_TIME => text(format_args!("{}", local().clock_nanos())),
            field::EVT_TIME_S => text(format_args!("{}", local().clock())),
            field::EVT_TIME_ISO8601 => text(format_args!("{}+0000", iso8601(time))),
            field::EVT_DATETIME => {
                text(format_args!("{} {}", local().date(), local().clock_nanos()))
            }
            field::EVT_DATETIME_S => text(format_args!("{} {}", local().date(), local().clock())),
            field::EVT_RELTIME => Value::U64(since(passed.first)),
            field::EVT_RELTIME_S => Value::U64(since(passed.first) / 1_000_000_000),
            field::EVT_RELTIME_NS => Value::U64(since(passed.first) % 1_000_000_000),
            field::EVT_DELTATIME => Value::U64(since(passed.last)),
            field::EVT_DELTATIME_S => Value::U64(since(passed.last) / 1_000_000_000),
            field::EVT_DELTATIME_NS => Value::U64(since(passed.last) % 1_000_000_000),
            field::EVT_HOSTNAME => match (wiring.hostname)() {
                Some(name) => Value::Str(arena.bytes(name.as_bytes())),
                None => return Lookup::Absent,
            },
            field::EVT_RAWTIME => Value::U64(time.as_nanos()),
            field::EVT_RAWTIME_S => Value::U64(time.as_nanos() / 1_000_000_000),
            field::EVT_RAWTIME_NS => Value::U64(time.as_nanos() % 1_000_000_000),
            id => match wiring.schema.fixed().find(|(own, _)| *own == id) {
                Some((_, value)) => Value::Str(value),
                None => return Lookup::Absent,
            },
        })
    }

    fn find_out_whether_two_names(&self) -> bool {
        let Frame { event, arena, .. } = self.frame;
        let Lookup::Known(real) = event.get(&Key::of(field::CTX_PATH_REAL), arena) else {
            return false;
        };
        match self.get(&Key::of(field::FD_NAME), arena) {
            Lookup::Known(given) => given.as_bytes() != real.as_bytes(),
            Lookup::Absent | Lookup::Pending => false,
        }
    }
}

impl Fields for View<'_, '_> {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let Frame { event, wiring, .. } = self.frame;
        if key.field().as_param().is_some() {
            return event.get(key, arena);
        }
        let value = match wiring.owner(key.field()) {
            Owner::Source => event.get(key, arena),
            Owner::Pipeline => self.own(key, arena),
            Owner::Enricher(place) => match self.enrichers.get(place) {
                Some(enricher) => self.slot(place, enricher.as_ref()).and_then(|slot| {
                    enricher.get(slot, arena.alloc(self.below(place)), key, arena)
                }),
                None => self.known_before(place, key, arena),
            },
            Owner::Nobody => Lookup::Absent,
        };
        match value {
            Lookup::Pending if self.decided => Lookup::Absent,
            value => value,
        }
    }
}

impl Event for View<'_, '_> {
    fn kind(&self) -> EventKind {
        self.frame.about.kind
    }

    fn time(&self) -> Timestamp {
        self.frame.about.time
    }

    fn task<'a>(&'a self, arena: &'a Arena) -> &'a Task {
        let Frame { event, about, .. } = self.frame;
        about.task.unwrap_or_else(|| event.task(arena))
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        self.frame.event.stamp(scope)
    }

    fn reading(&self) -> Reading {
        self.reading
    }

    fn alternate(&self) -> Option<&dyn Event> {
        let alternate = self.alternate?;
        if self.frame.wiring.path_matching == PathMatching::Given {
            return None;
        }
        let two_names = self.frame.two_names.get().unwrap_or_else(|| {
            let found = self.find_out_whether_two_names();
            self.frame.two_names.set(Some(found));
            found
        });
        two_names.then_some(alternate as &dyn Event)
    }
}

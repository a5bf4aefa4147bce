//! The event as enrichers and matchers see it: the source's event joined with what the
//! enrichers know.

use std::cell::Cell;

use super::{Owner, Passed, PathMatching, Wiring};
use crate::arena::Arena;
use crate::catalogue as field;
use crate::enricher::{Enricher, Slot};
use crate::event::{Event, Fields, Reading, Scope, Stamp, Timestamp};
use crate::field::Key;
use crate::kind::EventKind;
use crate::time::{Civil, iso8601};
use crate::value::{Lookup, Value};

/// Where an event stands among the others.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) number: u64,
    pub(super) passed: Passed,
}

/// Everything about one event that its views share.
pub(super) struct Frame<'p> {
    event: &'p dyn Event,
    enrichers: &'p [Box<dyn Enricher>],
    slots: &'p [Cell<Option<Lookup<Slot>>>],
    wiring: &'p Wiring,
    about: About,
    arena: &'p Arena,
    /// Whether the file has two names that differ; found out when first asked.
    two_names: Cell<Option<bool>>,
}

impl<'p> Frame<'p> {
    pub(super) fn new(
        event: &'p dyn Event,
        enrichers: &'p [Box<dyn Enricher>],
        slots: &'p [Cell<Option<Lookup<Slot>>>],
        wiring: &'p Wiring,
        about: About,
        arena: &'p Arena,
    ) -> Self {
        Self { event, enrichers, slots, wiring, about, arena, two_names: Cell::new(None) }
    }

    /// Calls `judge` with the event, whose alternate is the event under its resolved name. With
    /// `decided`, what is pending reads as absent.
    pub(super) fn with_views(&self, decided: bool, judge: impl FnOnce(&dyn Event)) {
        let resolved = View { reading: Reading::Resolved, decided, ..View::new(self) };
        judge(&View { alternate: Some(&resolved), reading: Reading::Given, ..resolved });
    }
}

/// An event joined with the first `upto` enrichers.
#[derive(Clone, Copy)]
pub(super) struct View<'p> {
    frame: &'p Frame<'p>,
    upto: usize,
    reading: Reading,
    decided: bool,
    alternate: Option<&'p View<'p>>,
}

impl<'p> View<'p> {
    /// The event with all enrichers of the frame.
    pub(super) fn new(frame: &'p Frame<'p>) -> Self {
        Self {
            frame,
            upto: frame.enrichers.len(),
            reading: Reading::Given,
            decided: false,
            alternate: None,
        }
    }

    /// What the enricher at `place` may see.
    fn below(&self, place: usize) -> Self {
        Self { upto: place, alternate: None, ..*self }
    }

    fn slot(&self, place: usize) -> Lookup<Slot> {
        let Frame { enrichers, slots, arena, .. } = self.frame;
        if let Some(slot) = slots[place].get() {
            return slot;
        }
        let slot = enrichers[place].locate(&self.below(place), arena);
        slots[place].set(Some(slot));
        slot
    }

    /// The fields that every event has.
    fn own<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let Frame { event, wiring, about: About { number, passed }, .. } = self.frame;
        let time = event.time();
        let since = |other: Option<Timestamp>| {
            time.as_nanos().saturating_sub(other.unwrap_or(time).as_nanos())
        };
        let local = || Civil::new(time, (wiring.utc_offset)(time));
        let text = |text: std::fmt::Arguments<'_>| Value::Str(arena.format(text));
        Lookup::Known(match key.field() {
            // A recording counts events, too, that only carry state.
            field::EVT_NUM => match event.get(&Key::of(field::CTX_NUMBER), arena) {
                Lookup::Known(number) => number,
                Lookup::Absent | Lookup::Pending => Value::U64(*number),
            },
            field::EVT_TYPE => match wiring.schema.kind_info(event.kind()) {
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

impl Fields for View<'_> {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        let Frame { event, enrichers, wiring, .. } = self.frame;
        if key.field().as_param().is_some() {
            return event.get(key, arena);
        }
        let value = match wiring.owner(key.field()) {
            Owner::Source => event.get(key, arena),
            Owner::Pipeline => self.own(key, arena),
            Owner::Enricher(place) if place < self.upto => self.slot(place).and_then(|slot| {
                enrichers[place].get(slot, arena.alloc(self.below(place)), key, arena)
            }),
            Owner::Enricher(_) | Owner::Nobody => Lookup::Absent,
        };
        match value {
            Lookup::Pending if self.decided => Lookup::Absent,
            value => value,
        }
    }
}

impl Event for View<'_> {
    fn kind(&self) -> EventKind {
        self.frame.event.kind()
    }

    fn time(&self) -> Timestamp {
        self.frame.event.time()
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

//! A few events that together answer every field of the tables, in every way.

use std::cell::Cell;
use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Fields, Reading, Scope, Stamp, Timestamp};
use k8srd_core::field::{ArgRule, FieldInfo, FieldType, Key, Multiplicity};
use k8srd_core::kind::EventKind;
use k8srd_core::value::{Lookup, Value};
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use crate::FALCO;

/// Values of text fields; those of paths among them, as nothing keeps a program from any name.
const TEXTS: [&[u8]; 4] = [b"/etc/shadow", b"a", b"", b"\xffA\0b"];
const INTEGERS: [i128; 4] = [0, 80, -1, i64::MIN as i128];
const NATURALS: [i128; 4] = [0, 80, 1000, u64::MAX as i128];
const PORTS: [i128; 4] = [443, 80, 0, 65535];
const DOUBLES: [f64; 4] = [0.0, 80.0, -1.5, f64::MAX];
const IPS: [&str; 4] = ["10.0.0.1", "::1", "0.0.0.0", "::ffff:10.0.0.1"];
const KINDS: [&str; 4] = ["openat", "execve", "connect", "clone"];
/// What stands in brackets behind a field that takes an argument.
const ARGUMENTS: [&str; 8] = ["0", "1", "2", "4294967295", "a", "name", "flags", "res"];

/// The events: each field known with several values, unknown, on its way, or under two names.
pub static EVENTS: LazyLock<Vec<TestEvent>> = LazyLock::new(|| {
    let mut events = vec![TestEvent::falco("open"), told("open", |_| None)];
    events.extend((0..4).map(|n| told(KINDS[n], |info| value(info.ty, n))));
    let mut resolved = told("openat", |info| value(info.ty, 1)).at(TIME);
    for info in FALCO.fields().iter().filter(|info| info.follows_path) {
        // What is no text is the same under every name.
        resolved = give(resolved, info, value(info.ty, 0));
    }
    events.push(told("openat", |info| value(info.ty, 1)).alternate(resolved));
    events
});

/// A thread that ran already, told of all fields.
pub fn task() -> TestEvent {
    told("task", |info| value(info.ty, 1))
}

/// 2023-11-14, and some nanoseconds.
const TIME: u64 = 1_700_000_000_123_456_789;

/// An event of a kind that was told of all fields; a field without a value is on its way.
fn told(kind: &str, value: impl Fn(&FieldInfo) -> Option<TestValue>) -> TestEvent {
    FALCO
        .fields()
        .iter()
        .filter(|info| !is_implied(info))
        .fold(TestEvent::falco(kind).at(TIME), |event, info| give(event, info, value(info)))
}

/// Whether kind or time decide a field: the event knows it without being told.
fn is_implied(info: &FieldInfo) -> bool {
    ["evt.type", "evt.source", "evt.time", "evt.rawtime"].iter().any(|n| info.name.starts_with(n))
}

/// Gives a field, with and without argument as it can be written, its value.
fn give(event: TestEvent, info: &FieldInfo, value: Option<TestValue>) -> TestEvent {
    let mut names = Vec::new();
    if info.arg != ArgRule::Required {
        names.push(info.name.to_string());
    }
    if info.arg != ArgRule::None {
        names.extend(ARGUMENTS.iter().map(|argument| format!("{}[{argument}]", info.name)));
    }
    names.iter().fold(event, |event, name| {
        let one = info.multiplicity == Multiplicity::One
            || (info.multiplicity == Multiplicity::Any && name.ends_with(']'));
        let told = match value.clone() {
            None => event.clone().try_pending(name),
            Some(value) if one => event.clone().try_field(name, value),
            Some(value) => {
                event.clone().try_field(name, TestValue::List(vec![value.clone(), value]))
            }
        };
        // A value that is of no use for this field leaves it unknown.
        told.unwrap_or(event)
    })
}

/// The `n`th value of a type.
fn value(ty: FieldType, n: usize) -> Option<TestValue> {
    Some(match ty {
        FieldType::Bool => (n % 2 == 1).into(),
        FieldType::Int => TestValue::Int(INTEGERS[n]),
        FieldType::Uint | FieldType::AbsTime | FieldType::RelTime => TestValue::Int(NATURALS[n]),
        FieldType::Port => TestValue::Int(PORTS[n]),
        FieldType::Double => TestValue::Double(DOUBLES[n]),
        FieldType::Ip | FieldType::Net => TestValue::from(IPS[n]),
        _ => TestValue::Bytes(TEXTS[n].to_vec()),
    })
}

/// An event that remembers whether it was asked for what a plan may know from the kind alone,
/// where it could not tell: about that no test event and plan need agree.
pub struct Watched<'e> {
    event: &'e dyn Event,
    asked: Cell<bool>,
}

impl<'e> Watched<'e> {
    /// Watches an event.
    pub fn new(event: &'e dyn Event) -> Self {
        Self { event, asked: Cell::new(false) }
    }

    /// Whether it was asked.
    pub fn was_asked(&self) -> bool {
        self.asked.get()
    }
}

impl Fields for Watched<'_> {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        if let Some(info) = FALCO.field_info(key.field())
            && info.name.starts_with("evt.")
            && !is_implied(info)
        {
            self.asked.set(true);
        }
        self.event.get(key, arena)
    }
}

impl Event for Watched<'_> {
    fn kind(&self) -> EventKind {
        self.event.kind()
    }

    fn time(&self) -> Timestamp {
        self.event.time()
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        self.event.stamp(scope)
    }

    fn reading(&self) -> Reading {
        self.event.reading()
    }

    fn alternate(&self) -> Option<&dyn Event> {
        self.event.alternate()
    }
}

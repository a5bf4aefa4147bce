//! The second seam: what an event does not carry.

use crate::arena::Arena;
use crate::event::{Event, Scope, Stamp};
use crate::field::Key;
use crate::interest::Interest;
use crate::set::FieldSet;
use crate::value::{Lookup, Value};

/// Answers fields from state it keeps: processes, users, containers, pods.
///
/// Every field has one owner. An enricher sees the source's fields and those of enrichers before
/// it in the pipeline.
pub trait Enricher: Send {
    /// The fields that it answers.
    fn provides(&self) -> &FieldSet;

    /// What it needs to answer `wanted`, a subset of [`Enricher::provides`]: kinds that keep its
    /// state right, and fields of those before it. Called again when the rules change.
    fn demand(&mut self, wanted: &FieldSet) -> Interest;

    /// Learns from an event before it is matched. Called for each event, in order. Of enrichers
    /// behind it, it may ask here what they knew before this event; nobody can demand that.
    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        let _ = (event, arena);
    }

    /// Learns from an event after it was matched: what the event ends is forgotten here.
    fn settle(&mut self, event: &dyn Event, arena: &Arena) {
        let _ = (event, arena);
    }

    /// Finds the record that the event is about. Called at most once for each event.
    fn locate(&self, event: &dyn Event, arena: &Arena) -> Lookup<Slot>;

    /// The value of one of its fields. Looks up, never fetches.
    fn get<'a>(
        &'a self,
        slot: Slot,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>>;

    /// An id for the unchanged record behind all its fields of `scope`; see
    /// [`Event::stamp`].
    fn stamp(&self, slot: Slot, scope: Scope) -> Option<Stamp> {
        let _ = (slot, scope);
        None
    }
}

/// An enricher's record, in its own numbering. It means nothing to anyone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

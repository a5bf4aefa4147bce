//! Interest: what anyone wants to know, so that a source produces nothing else.

use crate::set::{FieldSet, KindSet};

/// Which kinds of events, and which fields of them, someone needs.
///
/// Demand flows from rules through enrichers to the source. The type is opaque, so that filters
/// can be added without breaking anyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    kinds: KindSet,
    fields: FieldSet,
}

impl Interest {
    /// Interest in these kinds and fields.
    pub fn new(kinds: KindSet, fields: FieldSet) -> Self {
        Self { kinds, fields }
    }

    /// The kinds.
    pub fn kinds(&self) -> &KindSet {
        &self.kinds
    }

    /// The fields.
    pub fn fields(&self) -> &FieldSet {
        &self.fields
    }

    /// Leaves out kinds that are not in `kinds`.
    pub fn only_kinds(&mut self, kinds: &KindSet) {
        self.kinds = self.kinds.intersection(kinds);
    }

    /// Adds what `other` is interested in.
    pub fn union_with(&mut self, other: &Self) {
        self.kinds.union_with(&other.kinds);
        self.fields.union_with(&other.fields);
    }
}

//! The third seam: what judges events.

use crate::alert::Alert;
use crate::arena::Arena;
use crate::event::Event;
use crate::interest::Interest;
use crate::set::{FieldSet, KindSet, RuleBits};

/// Judges events. The rule engine is one:
/// [`RuleMatcher`](crate::rules::RuleMatcher).
///
/// A pipeline runs several, each with its own numbering of rules.
pub trait Matcher: Send {
    /// What it needs to judge. Does not change.
    fn interest(&self) -> &Interest;

    /// Judges one event, all rules or `only` these, and adds to `out`. No clock, no I/O.
    fn evaluate(
        &mut self,
        event: &dyn Event,
        only: Option<&RuleBits>,
        arena: &Arena,
        out: &mut Verdicts,
    );

    /// The names of the rules that read any of `fields`: for the finding that nobody answers
    /// them.
    fn readers(&self, fields: &FieldSet) -> Vec<String> {
        let _ = fields;
        Vec::new()
    }

    /// The rules that look at kinds which are not `produced`: for the finding that the source
    /// cannot produce them. Rules that take events of whatever kind there is stay out, as long as
    /// there is one.
    fn out_of_sight(&self, produced: &KindSet) -> Vec<OutOfSight> {
        let _ = produced;
        Vec::new()
    }
}

/// Rules that look at kinds which nothing produces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct OutOfSight {
    /// Their names.
    pub rules: Vec<String>,
    /// The kinds in question.
    pub kinds: KindSet,
    /// Whether those are all that the rules look at: they cannot fire.
    pub all: bool,
}

/// What a matcher says of one event.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verdicts {
    /// The alerts raised.
    pub alerts: Vec<Alert>,
    /// The rules that cannot be decided before a pending value is there.
    pub waiting: RuleBits,
}

impl Verdicts {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        let Self { alerts, waiting } = self;
        alerts.clear();
        waiting.clear();
    }
}

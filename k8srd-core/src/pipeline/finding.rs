//! Findings: what rules ask for and do not get.

use std::fmt;

use super::{Owner, Wiring, interest_of};
use crate::matcher::{Matcher, OutOfSight};
use crate::set::{FieldSet, KindSet};

/// What a pipeline cannot give to enabled rules, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is missing.
    pub reason: Reason,
    /// The rules that ask for it.
    pub rules: Vec<String>,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody answers a field: it reads as absent.
    FieldUnanswered {
        /// The field's name.
        field: String,
    },
    /// The source produces none of the kinds of events that a rule looks at: it cannot fire.
    NoKindProduced {
        /// The names of all kinds that it looks at.
        kinds: Vec<String>,
    },
    /// The source does not produce some of the kinds of events that a rule names.
    KindsNotProduced {
        /// Their names.
        kinds: Vec<String>,
    },
}

impl Finding {
    /// Whether it is certain that the rules never fire.
    pub fn is_silence(&self) -> bool {
        matches!(self.reason, Reason::NoKindProduced { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules.join(", ");
        match &self.reason {
            Reason::FieldUnanswered { field } => {
                write!(f, "nobody answers {field}, which is read by {rules}")
            }
            Reason::NoKindProduced { kinds } => {
                let kinds = kinds.join(", ");
                write!(f, "the source produces no event of {kinds}; nothing else fires {rules}")
            }
            Reason::KindsNotProduced { kinds } => {
                let kinds = kinds.join(", ");
                write!(f, "the source produces no event of {kinds}, which is looked at by {rules}")
            }
        }
    }
}

/// All findings: those that silence rules first.
pub(super) fn findings(
    wiring: &Wiring,
    produced: Option<&KindSet>,
    matchers: &[Box<dyn Matcher>],
) -> Vec<Finding> {
    let out_of_sight = produced.into_iter().flat_map(|produced| {
        matchers.iter().flat_map(move |matcher| matcher.out_of_sight(produced))
    });
    let kinds = out_of_sight.map(|OutOfSight { rules, kinds, all }| {
        let kinds = kinds.iter().map(|kind| wiring.schema.kind_label(kind)).collect();
        let reason =
            if all { Reason::NoKindProduced { kinds } } else { Reason::KindsNotProduced { kinds } };
        Finding { reason, rules }
    });
    let mut findings: Vec<_> = kinds.chain(unanswered(wiring, matchers)).collect();
    findings.sort_by_key(|finding| !finding.is_silence());
    findings
}

fn unanswered(wiring: &Wiring, matchers: &[Box<dyn Matcher>]) -> Vec<Finding> {
    let read = interest_of(matchers);
    let orphans = read
        .fields()
        .iter()
        .filter(|&field| field.as_param().is_none() && wiring.owner(field) == Owner::Nobody);
    orphans
        .map(|orphan| {
            let fields = FieldSet::from_iter([orphan]);
            let rules = matchers.iter().flat_map(|matcher| matcher.readers(&fields)).collect();
            let field = wiring.schema.field_label(orphan);
            Finding { reason: Reason::FieldUnanswered { field }, rules }
        })
        .collect()
}

//! Which enabled rules cannot fire on this node, and which lack something, found by wiring the
//! pipeline as `run` does, without loading anything into the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use k8srd_core::field::Part;
use k8srd_core::pipeline::Reason;
use k8srd_core::rules::ast::Field;
use k8srd_core::rules::diagnostic::Code;
use k8srd_core::rules::{Diagnostics, RuleSet};
use k8srd_core::schema::Schema;
use serde_json::{Value, json};

use crate::config::Config;
use crate::wire;

/// What is said besides, since nothing here can find it out.
const NOT_CHECKED: &str = "not checked: whether this kernel takes the sensor (k8srd doctor)";

/// What this node means for the rules.
pub(super) struct Here {
    /// By rule.
    lacks: BTreeMap<String, Lack>,
}

/// What a rule lacks.
#[derive(Default)]
struct Lack {
    /// Whether it is certain that the rule never fires.
    is_mute: bool,
    why: BTreeSet<String>,
}

impl Here {
    /// # Errors
    ///
    /// The parts of the pipeline do not fit together.
    pub(super) fn examine(
        config: &Config,
        schema: &Arc<Schema>,
        rules: RuleSet,
        diagnostics: &Diagnostics,
    ) -> Result<Self> {
        let mut lacks: BTreeMap<String, Lack> = BTreeMap::new();
        let skipped = [Code::UnknownSource, Code::UnknownFilter];
        for diagnostic in diagnostics.iter().filter(|d| skipped.contains(&d.code)) {
            let lack = lacks.entry(diagnostic.item.name.clone()).or_default();
            lack.is_mute = true;
            lack.why.insert(diagnostic.message.clone());
        }

        let pipeline = wire::rehearsal(config, schema, wire::plan(config, rules.clone()))?;
        let mut unanswered = BTreeSet::new();
        for finding in pipeline.findings() {
            let why = match &finding.reason {
                Reason::FieldUnanswered { field } => {
                    unanswered.insert(field.as_str());
                    unanswered_because(schema, field)
                }
                Reason::NoKindProduced { kinds } | Reason::KindsNotProduced { kinds } => {
                    format!("the sensor produces no event of {}", kinds.join(", "))
                }
                _ => finding.to_string(),
            };
            for rule in &finding.rules {
                let lack = lacks.entry(rule.clone()).or_default();
                lack.is_mute |= finding.is_silence();
                lack.why.insert(why.clone());
            }
        }
        for rule in rules.rules().iter().filter(|rule| rule.is_enabled()) {
            let absent = |field: &Field| unanswered.contains(&*field.name);
            if let Some(lack) = lacks.get_mut(&rule.info().name) {
                lack.is_mute |= !rule.condition().can_hold_without(&absent);
            }
        }
        Ok(Self { lacks })
    }

    /// How many rules cannot fire.
    pub(super) fn mute(&self) -> usize {
        self.lacks.values().filter(|lack| lack.is_mute).count()
    }

    /// The same for a program: a list of rules.
    pub(super) fn to_json(&self) -> Value {
        let rules = self.lacks.iter();
        rules
            .map(|(rule, Lack { is_mute, why })| {
                json!({ "rule": rule, "can_fire": !is_mute, "why": why })
            })
            .collect()
    }
}

impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mute, lame): (Vec<_>, Vec<_>) = self.lacks.iter().partition(|(_, lack)| lack.is_mute);
        for (verdict, rules) in [("cannot fire", mute), ("may miss something", lame)] {
            for (rule, Lack { why, .. }) in rules {
                writeln!(f, "here: rule {rule:?} {verdict}")?;
                why.iter().try_for_each(|why| writeln!(f, "  because {why}"))?;
            }
        }
        if self.lacks.is_empty() {
            writeln!(f, "here: every enabled rule can fire")?;
        }
        writeln!(f, "here: {NOT_CHECKED}")
    }
}

fn unanswered_because(schema: &Schema, field: &str) -> String {
    match schema.field_named(field).map(|info| info.answered_by) {
        Some(Part::Nobody(reason)) => format!("nobody answers {field}: {reason}"),
        _ => format!("nobody answers {field}"),
    }
}

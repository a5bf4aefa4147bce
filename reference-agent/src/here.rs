//! Which enabled rules cannot fire on this node, and which lack something.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use k8srd_core::field::Part;
use k8srd_core::pipeline::{Finding, Reason};
use k8srd_core::rules::ast::Field;
use k8srd_core::rules::diagnostic::Code;
use k8srd_core::rules::{Diagnostics, RuleSet};
use k8srd_core::schema::Schema;
use serde_json::{Value, json};

use crate::config::Config;
use crate::wire;

/// Says to standard error what a condition asks for and does not get.
pub(crate) fn tell(findings: &[Finding]) {
    findings.iter().for_each(|finding| eprintln!("k8srd: {finding}"));
}

/// What this node means for the rules.
pub(crate) struct Here {
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
    /// What a pipeline found when it was built means for these rules.
    pub(crate) fn of(schema: &Schema, rules: &RuleSet, findings: &[Finding]) -> Self {
        let mut lacks: BTreeMap<String, Lack> = BTreeMap::new();
        let mut unanswered = BTreeSet::new();
        for finding in findings {
            let why = match &finding.reason {
                Reason::FieldUnanswered { field } => {
                    unanswered.insert(field.as_str());
                    unanswered_because(schema, field)
                }
                Reason::NoKindProduced { kinds } | Reason::KindsNotProduced { kinds } => {
                    format!("the source produces no event of {}", kinds.join(", "))
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
        Self { lacks }
    }

    /// The same, found by wiring the pipeline as `run` does without loading anything into the
    /// kernel, and with the rules that loading left out.
    ///
    /// # Errors
    ///
    /// The parts of the pipeline do not fit together.
    pub(crate) fn rehearse(
        config: &Config,
        schema: &Arc<Schema>,
        rules: RuleSet,
        diagnostics: &Diagnostics,
    ) -> Result<Self> {
        let pipeline = wire::rehearsal(config, schema, wire::plan(config, rules.clone()))?;
        let mut here = Self::of(schema, &rules, pipeline.findings());
        let skipped = [Code::UnknownSource, Code::UnknownFilter];
        for diagnostic in diagnostics.iter().filter(|d| skipped.contains(&d.code)) {
            let lack = here.lacks.entry(diagnostic.item.name.clone()).or_default();
            lack.is_mute = true;
            lack.why.insert(diagnostic.message.clone());
        }
        Ok(here)
    }

    /// Whether no rule lacks anything.
    pub(crate) fn is_complete(&self) -> bool {
        self.lacks.is_empty()
    }

    /// How many rules cannot fire.
    pub(crate) fn mute(&self) -> usize {
        self.lacks.values().filter(|lack| lack.is_mute).count()
    }

    /// The same for a program: a list of rules.
    pub(crate) fn to_json(&self) -> Value {
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
                writeln!(f, "rule {rule:?} {verdict}")?;
                why.iter().try_for_each(|why| writeln!(f, "  because {why}"))?;
            }
        }
        Ok(())
    }
}

fn unanswered_because(schema: &Schema, field: &str) -> String {
    match schema.field_named(field).map(|info| info.answered_by) {
        Some(Part::Nobody(reason)) => format!("nobody answers {field}: {reason}"),
        _ => format!("nobody answers {field}"),
    }
}

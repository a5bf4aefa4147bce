//! Which events a person wants to see: a condition as in rules.

use std::sync::Arc;

use anyhow::{Result, bail};
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::{Loader, Plan, PlanOptions, parse_condition};
use k8srd_core::schema::Schema;

use crate::config::WrongCall;

/// Of every event it is true.
const EVERYTHING: &str = "evt.num >= 0";

/// The name under which findings speak of the condition.
pub(crate) const NAME: &str = "--filter";

/// Raises an alert, with `line` as its text, for each event of which the condition is true; without a
/// condition, for every event. Compiled as rules are.
///
/// # Errors
///
/// [`WrongCall`] where the condition is wrong, with what is wrong and where.
pub(crate) fn plan(schema: &Arc<Schema>, condition: Option<&str>, line: &str) -> Result<Arc<Plan>> {
    condition.map(|condition| parsed(schema, condition)).transpose()?;
    // JSON is YAML in which no text means anything else.
    let rule = serde_json::json!([{
        "rule": NAME,
        "desc": "What was asked for on the command line.",
        "condition": condition.unwrap_or(EVERYTHING),
        "output": line,
        "priority": "DEBUG",
    }]);
    let (rules, problems) = Loader::new(schema).add_file(NAME, rule.to_string()).load();
    if problems.has_errors() {
        bail!("--filter is wrong:\n{}", problems.render());
    }
    Ok(Plan::compile(rules, PlanOptions::default()).into())
}

/// The condition alone.
///
/// # Errors
///
/// As [`plan`].
pub(crate) fn parsed(schema: &Schema, condition: &str) -> Result<Condition> {
    let (parsed, problems) = parse_condition(schema, condition);
    let wrong = || WrongCall(format!("--filter is wrong:\n{}", problems.render()));
    Ok(parsed.ok_or_else(wrong)?)
}

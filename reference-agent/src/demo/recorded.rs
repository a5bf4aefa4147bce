//! The demo where no eBPF program can be loaded: what was recorded of it elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use k8srd_capture::Capture;
use k8srd_core::alert::Alert;
use k8srd_core::rules::Plan;
use k8srd_core::schema::Schema;
use k8srd_core::source::Flow;

use super::table::print_table;
use super::{SCENARIOS, Scenario, Seen, judge, show_alert};
use crate::config::Config;
use crate::paint::Paint;
use crate::wire;

/// What a live demo did. `tests/recorded_demo.rs` says how it is made.
const RECORDING: &[u8] = include_bytes!("recorded.scap.gz");

/// Judges the recording. The exit code is 1 where an alert is missing, or one came that should not.
pub(super) fn show(config: &Config, schema: &Arc<Schema>, plan: Arc<Plan>) -> Result<ExitCode> {
    let paint = Paint::choose(io::stdout().is_terminal());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "A recording of the demo, made on another machine and judged here and now. Nothing of this \
         machine is watched.\n"
    )?;
    let capture = Box::new(Capture::new(RECORDING)?);
    let mut pipeline = wire::replay_pipeline(config, schema, plan, capture.into())?;
    let mut alerts = Vec::new();
    while pipeline.step(Duration::ZERO, &mut alerts)? == Flow::More {}

    let mut outcomes = Vec::new();
    for scenario in SCENARIOS {
        let (mine, rest) = alerts.into_iter().partition(|alert| belongs(alert, scenario));
        alerts = rest;
        writeln!(out, "{}", paint.bold(&format!("▶ {}", scenario.name)))?;
        let seen: Vec<Seen> =
            Vec::into_iter(mine).map(|alert| Seen { alert, latency: None }).collect();
        for Seen { alert, .. } in &seen {
            show_alert(alert, &paint, &mut out)?;
        }
        outcomes.extend(judge(scenario, &seen));
        writeln!(out)?;
    }
    print_table(&outcomes, &paint, &mut out)?;
    writeln!(out, "\n{} recorded events judged.", pipeline.counts().events)?;
    super::conclude(&outcomes, &mut out)
}

/// Whether the scenario was to raise it, or is the one that was to be quiet and no other was to.
fn belongs(alert: &Alert, scenario: &Scenario) -> bool {
    let names = |scenario: &Scenario| scenario.rules.contains(&&*alert.rule.name);
    names(scenario) || (scenario.rules.is_empty() && !SCENARIOS.iter().any(names))
}

//! The alerts of a recording: a capture as source, enrichers that keep state, rules. No kernel, no
//! runtime.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs::{self, File};
use std::time::Duration;

use anyhow::Context as _;
use k8srd_capture::Capture;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_core::source::Flow;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (capture, rules) = args.next().zip(args.next()).context("say CAPTURE RULES")?;

    let text = fs::read(&rules).context(rules.clone())?;
    let (rules, problems) = Loader::new(&Schema::falco()).add_file(rules, text).load();
    anyhow::ensure!(!problems.has_errors(), "{}", problems.render());
    let plan = Plan::compile(rules, PlanOptions::default());

    // Each enricher may read what those before it answer.
    let mut pipeline = Pipeline::builder(Capture::new(File::open(capture)?)?)
        .enrich(Processes::builder().build())
        .enrich(Containers::default())
        .enrich(SyscallFields::builder().descriptors().build())
        .matcher(RuleMatcher::new(plan))
        .build()?;
    for finding in pipeline.findings() {
        println!("note: {finding}");
    }
    let mut alerts = Vec::new();
    while pipeline.step(Duration::ZERO, &mut alerts)? == Flow::More {}
    for alert in &alerts {
        println!("{}: {}", alert.rule.priority, alert.message);
    }
    println!("{} events, {} alerts", pipeline.counts().events, alerts.len());
    Ok(())
}

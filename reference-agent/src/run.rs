//! `k8srd run`: watch until told to stop.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{RuleMatcher, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_core::source::Flow;
use k8srd_sinks::delivery::{Delivery, Limits};
use k8srd_sinks::writer::WriterSink;

use crate::cli::RunArgs;
use crate::config::{self, Config};
use crate::here::Here;
use crate::reload::{self, Fresh, Reload};
use crate::signals::StopWish;
use crate::summary::Summary;
use crate::watched::{Moment, Watched};
use crate::{rules, wire};

/// How long one step may wait for events: how soon a signal or a failed sink is noticed.
const STEP: Duration = Duration::from_millis(100);
/// How long the end may take: half for events that are on their way, half for alerts. Kubernetes
/// kills 30 seconds after it asked.
const FINISH: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    let config = configure(args)?;
    let schema = wire::schema(&config)?;
    let texts = rules::texts(&config, &args.rules)?;
    let loaded = reload::fingerprint(&texts, &config);
    let rules = rules::load_texts(&config, &schema, texts)?;
    let plan = wire::plan(&config, rules.clone());

    let stop = StopWish::watch()?;
    let sensor = wire::sensor(&config)?;
    let rings = wire::rings(&sensor, &config);
    let mut pipeline = wire::live_pipeline(sensor, &config, &schema, plan)?;
    let reload = Reload::start(args, &config, &schema, loaded)?;
    let (watched, gap) = Watched::since(&config.state_dir, &Moment::now());
    gap.into_iter().for_each(|gap| pipeline.was_blind(gap));
    eprint!("{}", Here::of(&schema, &rules, pipeline.findings()));
    let sink = WriterSink::new("standard output", io::stdout(), wire::encoder(&config));
    let delivery =
        Delivery::start(sink, Limits::default()).context("no thread for standard output")?;

    eprintln!("k8srd: {}; SIGINT or SIGTERM ends", extent(&pipeline, &rules));
    if args.verbose {
        eprintln!("k8srd: {rings}");
    }
    watch(pipeline, watched, delivery, &reload, &schema, &stop)
}

/// What is watched, in words.
fn extent(pipeline: &Pipeline, rules: &RuleSet) -> String {
    let enabled = rules.rules().iter().filter(|rule| rule.is_enabled()).count();
    let kinds = pipeline.subscribed().kinds().iter().filter(|kind| !kind.is_state()).count();
    format!("watching {kinds} kinds of events with {enabled} rules")
}

/// What the command line and the configuration file say.
pub(crate) fn configure(args: &RunArgs) -> Result<Config> {
    let mut flags = Vec::new();
    if let Some(size) = &args.ring_memory {
        flags.push(format!("sensor.ring_memory={size}"));
    }
    if args.json {
        flags.push("json_output=true".to_owned());
    }
    Ok(config::load(&args.settings, &flags)?)
}

fn watch(
    mut pipeline: Pipeline,
    mut watched: Watched,
    delivery: Delivery,
    reload: &Reload,
    schema: &Schema,
    stop: &StopWish,
) -> Result<ExitCode> {
    let start = Instant::now();
    let mut alerts = Vec::new();
    let mut ran = Ok(Flow::More);
    while matches!(ran, Ok(Flow::More)) && !stop.is_there() && delivery.failure().is_none() {
        ran = pipeline.step(STEP, &mut alerts).context("the sensor failed");
        alerts.drain(..).for_each(|alert| delivery.offer(alert));
        watched.keep(pipeline.seen_until());
        if let Some(fresh) = reload.take() {
            replace(&mut pipeline, schema, fresh);
        }
    }
    // Whatever ended it, what is on its way is judged and delivered, and the account is given.
    let ended = pipeline.finish(FINISH / 2, &mut alerts).context("the sensor failed at the end");
    alerts.drain(..).for_each(|alert| delivery.offer(alert));
    watched.keep_now(pipeline.seen_until());

    let failure = delivery.failure();
    let summary = Summary {
        delivery: delivery.finish(FINISH / 2),
        duration: start.elapsed(),
        counts: pipeline.counts(),
        losses: pipeline.losses(),
        blind: pipeline.blind().map(|total| total.describe(schema)).collect(),
    };
    eprintln!("k8srd: {summary}");
    ran?;
    ended?;
    if let Some(failure) = failure {
        bail!("alerts cannot be delivered: {failure}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Goes on with other rules, or, if the sensor does not give what they need, with those there are.
fn replace(pipeline: &mut Pipeline, schema: &Schema, Fresh { rules, plan }: Fresh) {
    match pipeline.reload(vec![Box::new(RuleMatcher::new(plan))]) {
        Ok(()) => {
            eprint!("{}", Here::of(schema, &rules, pipeline.findings()));
            eprintln!("k8srd: new rules: {}", extent(pipeline, &rules));
        }
        Err(error) => {
            eprintln!("k8srd: {:#}; the rules stay as they were", anyhow::Error::from(error));
        }
    }
}

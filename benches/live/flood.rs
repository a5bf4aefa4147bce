//! Events a second, end to end, while every CPU does nothing but open and close.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::loss::Losses;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

use crate::act::{children, thread_time};

const RULES: &str = include_str!("../../rules/k8srd_rules.yaml");
const SECONDS: u64 = 5;

/// What came of the flood.
pub(crate) struct Throughput {
    opens: f64,
    judged: u64,
    elapsed: Duration,
    consumer: Duration,
    losses: Losses,
}

/// Floods the whole pipeline: sensor, enrichers, shipped rules.
pub(crate) fn measure() -> anyhow::Result<Throughput> {
    let (rules, problems) =
        Loader::new(&Schema::falco()).add_file("k8srd_rules.yaml", RULES).load();
    ensure!(!problems.has_errors(), "{}", problems.render());
    let plan = Plan::compile(rules, PlanOptions::default());
    let source = BpfSource::load(&BpfOptions::default()).context("cannot load the sensor")?;
    let mut pipeline = Pipeline::builder(source)
        .enrich(Processes::builder().build())
        .enrich(Containers::default())
        .enrich(SyscallFields::default())
        .matcher(RuleMatcher::new(plan))
        .build()?;

    let done = AtomicBool::new(false);
    let (opens, elapsed, consumer) = thread::scope(|scope| {
        let consumer = scope.spawn(|| {
            let mut alerts = Vec::new();
            let start = thread_time();
            while !done.load(Ordering::Relaxed) {
                pipeline.step(Duration::from_millis(50), &mut alerts)?;
                alerts.clear();
            }
            pipeline.finish(Duration::from_secs(10), &mut alerts)?;
            anyhow::Ok(thread_time() - start)
        });
        let copies = thread::available_parallelism().map_or(1, usize::from);
        let start = Instant::now();
        let opens = children(&["flood", &SECONDS.to_string()], copies);
        let elapsed = start.elapsed();
        done.store(true, Ordering::Relaxed);
        let consumer = consumer.join().map_err(|_| anyhow!("the consumer panicked"))??;
        anyhow::Ok((opens?.iter().sum(), elapsed, consumer))
    })?;
    let (judged, losses) = (pipeline.counts().events, pipeline.losses());
    Ok(Throughput { opens, judged, elapsed, consumer, losses })
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opens, judged, elapsed, consumer, losses } = self;
        let seconds = elapsed.as_secs_f64();
        let per_event = consumer.as_nanos() as f64 / (*judged).max(1) as f64;
        writeln!(f, "| end to end, {seconds:.1} s of open+close on every CPU | |")?;
        writeln!(f, "| --- | ---: |")?;
        writeln!(f, "| opens made, million/s | {:.2} |", opens / seconds / 1e6)?;
        writeln!(f, "| events judged, million/s | {:.2} |", *judged as f64 / seconds / 1e6)?;
        writeln!(f, "| consumer CPU, ns/event | {per_event:.0} |")?;
        writeln!(
            f,
            "| consumer CPU, % of one CPU | {:.0} |",
            100.0 * consumer.as_secs_f64() / seconds
        )?;
        for (stream, account) in &losses.streams {
            let (produced, lost) = (account.produced, account.total_lost());
            let share = 100.0 * lost as f64 / produced.max(1) as f64;
            writeln!(f, "| {stream}: produced, lost | {produced}, {lost} ({share:.2} %) |")?;
        }
        Ok(())
    }
}

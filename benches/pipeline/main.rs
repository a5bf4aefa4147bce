//! What one event costs from the kernel's record to the verdict, without a kernel.
//!
//! - `parse`: bytes to an event, nothing else.
//! - `opens`: a thousand processes open files that no rule minds: the common case.
//! - `lives`: processes start, open four files and end: what a build or a shell script does.
//!
//! Opens and lives run through the enrichers, once with one rule that reads no field, once with the
//! shipped rules. Times are CPU time of the thread: they hold on a busy machine.
#![forbid(unsafe_code)]

#[path = "../cpu_time.rs"]
mod cpu_time;
#[path = "../records.rs"]
mod records;

use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::Source;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

use crate::cpu_time::CpuTime;
use crate::records::{Records, Replay, lives, opens};

const RULES: &str = include_str!("../../rules/k8srd_rules.yaml");

/// Wants all that the shipped rules want, and reads nothing.
const IDLE: &str = "
- rule: Idle
  desc: Shows what it costs to get to the rules
  condition: evt.type in (openat, execve, clone, procexit) and evt.num = 0
  output: never
  priority: DEBUG
";

type MakeRecords = fn() -> Records;

fn parse(c: &mut Criterion<CpuTime>) {
    let records = opens();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(records.len() as u64));
    let mut source = Replay::new(records);
    let kinds = KindSet::from_iter([EventKind::CLONE, EventKind::EXECVE, EventKind::OPENAT]);
    source.subscribe(&Interest::new(kinds, FieldSet::default())).expect("it takes any interest");
    group.bench_function("parse", |b| {
        b.iter(|| {
            source.read(Duration::ZERO, &mut |event| {
                std::hint::black_box(event.time());
                ControlFlow::Continue(())
            })
        });
    });
    group.finish();
}

fn pipeline(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("pipeline");
    let all: [(&str, MakeRecords, &str); 4] = [
        ("opens, idle rule", opens, IDLE),
        ("opens, shipped rules", opens, RULES),
        ("lives, idle rule", lives, IDLE),
        ("lives, shipped rules", lives, RULES),
    ];
    for (name, records, rules) in all {
        let records = records();
        group.throughput(Throughput::Elements(records.len() as u64));
        let mut pipeline = watch(records, rules);
        let mut alerts = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| pipeline.step(Duration::ZERO, &mut alerts).expect("the source is whole"));
            // Here, so that it is asked of the benchmarks that a filter lets run, and no others.
            assert!(pipeline.counts().events > 0);
        });
        assert!(alerts.is_empty(), "no rule minds: {alerts:?}");
    }
    group.finish();
}

fn watch(records: Records, rules: &str) -> Pipeline {
    let (rules, problems) = Loader::new(&Schema::falco()).add_file("rules.yaml", rules).load();
    assert!(!problems.has_errors(), "{}", problems.render());
    let plan = Plan::compile(rules, PlanOptions::default());
    Pipeline::builder(Replay::new(records))
        .enrich(Processes::builder().build())
        .enrich(Containers::default())
        .enrich(SyscallFields::default())
        .matcher(RuleMatcher::new(plan))
        .build()
        .expect("the shipped rules fit the enrichers")
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = parse, pipeline
}
criterion_main!(benches);

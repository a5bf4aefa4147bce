//! What it costs to load rules, and to compile them to a plan.
//!
//! The shipped rules; Falco's, where `K8SRD_CONFORMANCE` names the folder that has them; and
//! generated ones, so that growth can be seen. Times are CPU time of the thread: they hold on a busy
//! machine. What memory it takes is counted by the test `load_growth` of k8srd-testkit.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "says how large each file is")]

#[path = "../cpu_time.rs"]
mod cpu_time;
mod generate;

use std::env;
use std::fs;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleSet};
use k8srd_core::schema::Schema;

use crate::cpu_time::CpuTime;

const SHIPPED: &str = include_str!("../../rules/k8srd_rules.yaml");

/// How many rules are generated.
const GENERATED: [usize; 3] = [100, 1_000, 10_000];

fn load(c: &mut Criterion<CpuTime>) {
    let schema = Schema::falco();
    let mut files = vec![("shipped".to_owned(), SHIPPED.to_owned())];
    if let Some(folder) = env::var_os("K8SRD_CONFORMANCE") {
        let path = Path::new(&folder).join("rules/falco_rules.yaml");
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        files.push(("falco".to_owned(), text));
    }
    files.extend(GENERATED.map(|rules| (format!("{rules} rules"), generate::rule_file(rules))));

    for (name, text) in files {
        let rules = load_file(&schema, &text);
        // Names the size, and shows that what is measured is not the finding of errors.
        println!("{name}: {} rules in {} kB", rules.rules().len(), text.len() / 1000);
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Elements(rules.rules().len() as u64));
        group.bench_function("load", |b| b.iter(|| load_file(&schema, &text)));
        group.bench_function("compile", |b| {
            let compile = |rules| Plan::compile(rules, PlanOptions::default());
            b.iter_batched(|| rules.clone(), compile, BatchSize::PerIteration);
        });
        group.finish();
    }
}

fn load_file(schema: &Schema, text: &str) -> RuleSet {
    let (rules, problems) = Loader::new(schema).add_file("rules.yaml", text).load();
    assert!(!problems.has_errors(), "{}", problems.render());
    rules
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = load
}
criterion_main!(benches);

//! Ten times as many rules cost ten times as much: what loading and compiling take from memory is
//! counted, so that no clock is needed.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the test run says what was counted")]

#[path = "../../benches/load/generate.rs"]
mod generate;

use allocation_counter::measure;
use k8srd_core::rules::{Loader, Plan, PlanOptions};
use k8srd_core::schema::Schema;

/// Where what does not depend on the number of rules has become small.
const SOME: usize = 200;
const TIMES: usize = 10;

#[test]
fn loading_and_compiling_grow_with_the_number_of_rules() {
    let (some, many) = (count(SOME), count(SOME * TIMES));
    for (what, some, many) in [
        ("allocations of loading", some.loading, many.loading),
        ("allocations of compiling", some.compiling, many.compiling),
        ("peak of memory", some.peak, many.peak),
    ] {
        // A tenth more: vectors grow by doubling.
        assert!(
            many <= some * TIMES as u64 * 11 / 10,
            "{what}: {some}, {TIMES} times the rules: {many}"
        );
    }
}

#[derive(Debug)]
struct Counted {
    /// Allocations.
    loading: u64,
    /// Allocations.
    compiling: u64,
    /// Bytes, of both together, without the file's text.
    peak: u64,
}

fn count(rules: usize) -> Counted {
    let file = generate::rule_file(rules);
    let schema = Schema::falco();
    let mut loaded = None;
    let loading = measure(|| {
        let (set, diagnostics) = Loader::new(&schema).add_file("rules.yaml", file).load();
        assert!(diagnostics.is_empty(), "{}", diagnostics.render());
        assert_eq!(set.rules().len(), rules);
        loaded = Some(set);
    });
    let compiling = measure(|| {
        drop(loaded.take().map(|set| Plan::compile(set, PlanOptions::default())));
    });
    // What loading left is there while the plan is made. The file's text, which went, was not counted
    // when it came: what is left may be less than nothing.
    let peak_of_compiling = compiling.bytes_max.saturating_add_signed(loading.bytes_current);
    let counted = Counted {
        loading: loading.count_total,
        compiling: compiling.count_total,
        peak: loading.bytes_max.max(peak_of_compiling),
    };
    println!("{rules} rules: {counted:?}");
    counted
}

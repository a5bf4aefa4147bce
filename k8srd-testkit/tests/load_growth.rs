//! Ten times as many rules cost ten times as much: what loading and compiling take from memory is
//! counted, so that no clock is needed.
#![expect(unsafe_code, reason = "an allocator that counts is an unsafe trait")]
#![expect(clippy::print_stdout, reason = "the test run says what was counted")]

mod counting;
#[path = "../../benches/load/generate.rs"]
mod generate;

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
        assert!(many <= some * TIMES * 11 / 10, "{what}: {some}, {TIMES} times the rules: {many}");
    }
}

#[derive(Debug)]
struct Counted {
    /// Allocations.
    loading: usize,
    /// Allocations.
    compiling: usize,
    /// Bytes, of both together, without the file's text.
    peak: usize,
}

fn count(rules: usize) -> Counted {
    let file = generate::rule_file(rules);
    let schema = Schema::falco();
    let (counted, peak) = counting::peak(|| {
        let start = counting::allocations();
        let (loaded, diagnostics) = Loader::new(&schema).add_file("rules.yaml", file).load();
        assert!(diagnostics.is_empty(), "{}", diagnostics.render());
        assert_eq!(loaded.rules().len(), rules);
        let loading = counting::allocations() - start;
        let plan = Plan::compile(loaded, PlanOptions::default());
        let compiling = counting::allocations() - start - loading;
        drop(plan);
        (loading, compiling)
    });
    let (loading, compiling) = counted;
    let counted = Counted { loading, compiling, peak };
    println!("{rules} rules: {counted:?}");
    counted
}

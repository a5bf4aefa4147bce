//! Any texts as rule files: loaded or refused with reasons, described, compiled to a plan, judged;
//! what the plan says of a rule is what the plain evaluator says, and a rule's description holds
//! the condition that is judged.
#![no_main]
#![forbid(unsafe_code)]

use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{
    LintOptions, Loader, Plan, PlanOptions, Rule, RuleMatcher, RuleMatching, RuleSet,
    parse_condition,
};
use k8srd_core::set::RuleId;
use k8srd_fuzz::events::{EVENTS, Watched};
use k8srd_fuzz::{FALCO, seeds};
use k8srd_testkit::reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::on_request(seeds::rule_files), |data: &[u8]| {
    let input = k8srd_fuzz::text(data);
    let files = input.split(seeds::NEXT_FILE).zip(1..);
    let loader = Loader::new(&FALCO).strict_falco(true).lints(LintOptions::default());
    let loader = files.fold(loader, |loader, (text, n)| {
        loader.add_file(format!("{n}.yaml"), text)
    });
    let (rules, diagnostics) = loader.load();
    let said = diagnostics.render().to_string();
    assert_eq!(said.is_empty(), diagnostics.is_empty(), "{said:?}");

    for described in rules.describe().rules {
        let name = |rule: &&Rule| rule.info().name == described.info.name;
        if let Some(rule) = rules.rules().iter().find(name) {
            reads_back(rule, &described.details.condition_compiled);
        }
    }
    let mut all = matcher(&rules, RuleMatching::All);
    let mut first = matcher(&rules, RuleMatching::First);
    for event in EVENTS.iter() {
        let arena = Arena::default();
        let (mut every, mut one) = (Verdicts::default(), Verdicts::default());
        all.evaluate(event, None, &arena, &mut every);
        first.evaluate(event, None, &arena, &mut one);
        assert!(one.alerts.len() <= 1, "{:?}", one.alerts);
        assert_eq!(one.alerts.first(), every.alerts.first().filter(|_| one.waiting.is_empty()));
        for (rule, n) in rules.rules().iter().zip(0..) {
            agree(rule, RuleId(n), event, &every);
        }
    }
});

fn matcher(rules: &RuleSet, matching: RuleMatching) -> RuleMatcher {
    RuleMatcher::new(Plan::compile(rules.clone(), PlanOptions::default().rule_matching(matching)))
}

/// The condition as it is printed is the condition.
fn reads_back(rule: &Rule, printed: &str) {
    let (condition, diagnostics) = parse_condition(&FALCO, printed);
    assert_eq!(condition.as_ref(), Some(rule.condition()), "{printed}\n{}", diagnostics.render());
}

/// What came out for one rule is what the plain evaluator says, under either name of the file.
fn agree(rule: &Rule, id: RuleId, event: &dyn Event, verdicts: &Verdicts) {
    let arena = Arena::default();
    let mut expected = Some(false);
    for event in [Some(event), event.alternate()].into_iter().flatten() {
        let watched = Watched::new(event);
        let truth = reference::evaluate(rule.condition(), &watched, &arena);
        if watched.was_asked() {
            return;
        }
        expected = match (expected, truth) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            _ => Some(false),
        };
    }
    if !rule.is_enabled() {
        expected = Some(false);
    }
    let alerts = verdicts.alerts.iter().filter(|alert| Arc::ptr_eq(&alert.rule, rule.info()));
    let found = match (alerts.count(), verdicts.waiting.contains(id)) {
        (1, false) => Some(true),
        (0, true) => None,
        (0, false) => Some(false),
        (alerts, waiting) => panic!("{alerts} alerts of one rule, waiting: {waiting}"),
    };
    assert_eq!(found, expected, "{rule:?}");
}

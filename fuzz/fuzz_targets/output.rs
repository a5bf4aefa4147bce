//! Any text as the output of a rule: refused with reasons, or rendered for every event.
#![no_main]
#![forbid(unsafe_code)]

use k8srd_core::arena::Arena;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_fuzz::events::EVENTS;
use k8srd_fuzz::{FALCO, seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::on_request(seeds::outputs), |data: &[u8]| {
    let output = k8srd_fuzz::yaml_scalar(&k8srd_fuzz::text(data));
    let file = format!(
        "- rule: r\n  desc: d\n  condition: evt.type exists\n  priority: notice\n  output: {output}\n"
    );
    let (rules, diagnostics) = Loader::new(&FALCO).add_file("r.yaml", file).load();
    assert_eq!(rules.rules().is_empty(), diagnostics.has_errors(), "{}", diagnostics.render());
    let Some(rule) = rules.rules().first().cloned() else { return };
    let mut matcher = RuleMatcher::new(Plan::compile(rules, PlanOptions::default()));
    for event in EVENTS.iter() {
        let arena = Arena::default();
        let mut verdicts = Verdicts::default();
        matcher.evaluate(event, None, &arena, &mut verdicts);
        let [alert] = &verdicts.alerts[..] else { panic!("{verdicts:?}") };
        let mut message = String::new();
        rule.output().render(event, &arena, &mut message);
        assert!(alert.message.starts_with(&message), "{message:?} {:?}", alert.message);
        for (name, _) in rule.output().values(event, &arena) {
            assert!(alert.fields.iter().any(|(own, _)| *own == name), "{name} is not in the alert");
        }
    }
});

//! Any text as a condition: read or refused with reasons, and both evaluators say the same of it.
#![no_main]
#![forbid(unsafe_code)]

use k8srd_core::arena::Arena;
use k8srd_core::rules::{evaluate, parse_condition};
use k8srd_fuzz::events::EVENTS;
use k8srd_fuzz::{FALCO, seeds};
use k8srd_testkit::reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::on_request(seeds::conditions), |data: &[u8]| {
    let (condition, diagnostics) = parse_condition(&FALCO, &k8srd_fuzz::text(data));
    let said = diagnostics.render().to_string();
    assert_eq!(said.is_empty(), diagnostics.is_empty(), "{said:?}");
    assert_eq!(condition.is_none(), diagnostics.has_errors(), "{said}");
    let Some(condition) = condition else { return };
    for event in EVENTS.iter() {
        let arena = Arena::default();
        let found = evaluate(&condition, event, &arena);
        assert_eq!(found, reference::evaluate(&condition, event, &arena), "{condition:?} {event:?}");
    }
});

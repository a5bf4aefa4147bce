//! What may cross threads must not stop doing so by accident.
#![forbid(unsafe_code)]

use k8srd_core::alert::{Alert, RuleInfo};
use k8srd_core::arena::Arena;
use k8srd_core::interest::Interest;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::outline::Outline;
use k8srd_core::rules::{Diagnostics, Loader, Output, Plan, RuleMatcher, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_core::value::OwnedValue;

#[test]
fn plans_and_what_is_around_them_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Plan>();
    shared::<RuleMatcher>();
    shared::<RuleSet>();
    shared::<Loader>();
    shared::<Diagnostics>();
    shared::<Outline>();
    shared::<Condition>();
    shared::<Output>();
    shared::<Schema>();
    shared::<Interest>();
    shared::<Alert>();
    shared::<RuleInfo>();
    shared::<OwnedValue>();
    shared::<Verdicts>();
}

#[test]
fn scratch_moves_between_threads() {
    fn sent<T: Send + 'static>() {}
    sent::<Arena>();
    sent::<Box<dyn Matcher>>();
}

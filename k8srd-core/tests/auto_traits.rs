//! What may cross threads, and be looked at after a panic was caught, must not stop doing so by
//! accident. That a type is not listed means that nobody relies on it yet; `docs/api/` shows each
//! type that loses such a trait.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use k8srd_core::alert::{Alert, ParsePriorityError, Priority, RuleInfo};
use k8srd_core::arena::Arena;
use k8srd_core::blind::{BlindInterval, BlindOptions, BlindTotal, BlindWatch};
use k8srd_core::enricher::Enricher;
use k8srd_core::event::{Stamp, Timestamp};
use k8srd_core::field::{FieldId, FieldInfo, Key};
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KindClass, KindInfo};
use k8srd_core::loss::{LossReason, Losses};
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::metric::Metric;
use k8srd_core::pipeline::{Counts, Finding, Pipeline, PipelineBuilder, PipelineError};
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::{
    Diagnostic, Diagnostics, Loader, Output, Plan, PlanOptions, RuleMatcher, RuleSet,
};
use k8srd_core::schema::Schema;
use k8srd_core::set::{FieldSet, RuleId};
use k8srd_core::sink::{Ack, Sink, SinkError};
use k8srd_core::source::{Source, SourceError};
use k8srd_core::value::{IpNet, Lookup, OwnedValue, Value};

#[test]
fn plain_data_may_do_everything() {
    fn may<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    may::<Ack>();
    may::<Alert>();
    may::<BlindInterval>();
    may::<BlindOptions>();
    may::<BlindTotal>();
    may::<BlindWatch>();
    may::<Condition>();
    may::<Counts>();
    may::<Diagnostic>();
    may::<Diagnostics>();
    may::<EventKind>();
    may::<FieldId>();
    may::<FieldInfo>();
    may::<FieldSet>();
    may::<Finding>();
    may::<Interest>();
    may::<IpNet>();
    may::<Key>();
    may::<KindClass>();
    may::<KindInfo>();
    may::<Lookup<Value<'_>>>();
    may::<LossReason>();
    may::<Losses>();
    may::<Metric>();
    may::<Output>();
    may::<OwnedValue>();
    may::<ParsePriorityError>();
    may::<PlanOptions>();
    may::<Priority>();
    may::<RuleId>();
    may::<RuleInfo>();
    may::<RuleSet>();
    may::<Schema>();
    may::<Stamp>();
    may::<Timestamp>();
    may::<Value<'_>>();
    may::<Verdicts>();
}

#[test]
fn errors_cross_threads() {
    fn may<T: std::error::Error + Send + Sync + Unpin + 'static>() {}
    may::<ParsePriorityError>();
    may::<PipelineError>();
    may::<SinkError>();
    may::<SourceError>();
}

#[test]
fn plans_and_what_makes_them_are_shared_between_threads() {
    fn may<T: Send + Sync + Unpin + 'static>() {}
    may::<Loader>();
    may::<Plan>();
    may::<RuleMatcher>();
}

#[test]
fn a_pipeline_and_its_parts_move_to_the_thread_that_runs_it() {
    fn may<T: Send + Unpin + 'static>() {}
    may::<Arena>();
    may::<Box<dyn Enricher>>();
    may::<Box<dyn Matcher>>();
    may::<Box<dyn Sink>>();
    may::<Box<dyn Source>>();
    may::<Pipeline>();
    may::<PipelineBuilder>();
}

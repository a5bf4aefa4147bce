//! Composition: source, enrichers, matcher, sink. What an embedder writes, too.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use k8srd_bpf::load::SensorOptions;
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Plan, PlanOptions, RuleMatcher, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;
use k8srd_sinks::encode::{Encoder, Json, Text, TimeFormat};

use crate::config::Config;
use crate::local_time;

/// The rules, compiled.
pub(crate) fn plan(config: &Config, rules: RuleSet) -> Arc<Plan> {
    let options = PlanOptions::default().rule_matching(config.rule_matching.into());
    Plan::compile(rules, options).into()
}

/// The pipeline from this node's kernel to alerts. It is running once this returns.
///
/// # Errors
///
/// Where the sensor cannot be loaded, with what is missing and what to do.
pub(crate) fn live_pipeline(
    config: &Config,
    schema: &Arc<Schema>,
    plan: Arc<Plan>,
) -> Result<Pipeline> {
    let sensor = SensorOptions { ring_memory: config.sensor.ring_memory.0 };
    let source = BpfSource::load(&BpfOptions { sensor, ..BpfOptions::default() })?;
    let host_root = host_root();
    // What lost records would have told is read from the host's /proc.
    let processes =
        Processes::builder().proc_root(host_root.join("proc")).host_root(host_root).build();
    // Each enricher may read the fields of those before it.
    Pipeline::builder(source)
        .schema(schema.clone())
        .enrich(processes)
        .enrich(Containers::default())
        .enrich(SyscallFields::default())
        .matcher(RuleMatcher::new(plan))
        .path_matching(config.path_matching.into())
        .utc_offset(local_time::utc_offset())
        .build()
        .context("the pipeline cannot be started")
}

/// What writes alerts as lines.
pub(crate) fn encoder(config: &Config) -> Encoder {
    let time = if config.time_format_iso_8601 {
        TimeFormat::iso8601()
    } else {
        TimeFormat::local(local_time::utc_offset())
    };
    if !config.json_output {
        return Encoder::Text(Text::new(time));
    }
    let json = Json::new(hostname(), time)
        .include_message(config.json_include_message_property)
        .include_output(config.json_include_output_property)
        .include_output_fields(config.json_include_output_fields_property)
        .include_tags(config.json_include_tags_property);
    Encoder::Json(json)
}

/// The name that alerts give to this node.
fn hostname() -> String {
    match env::var("FALCO_HOSTNAME") {
        Ok(name) if !name.is_empty() => name,
        _ => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// Where the host's file system is seen.
pub(crate) fn host_root() -> PathBuf {
    match env::var_os("HOST_ROOT") {
        Some(root) if !root.is_empty() => root.into(),
        _ => "/".into(),
    }
}

//! Composition: source, enrichers, matcher, sink. What an embedder writes, too.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use k8srd_bpf::load::SensorOptions;
use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_bpf::unattached::Unattached;
use k8srd_core::blind::BlindOptions;
use k8srd_core::enricher::Enricher;
use k8srd_core::loss::LossReason;
use k8srd_core::matcher::Matcher;
use k8srd_core::pipeline::{Pipeline, PipelineBuilder};
use k8srd_core::rules::{Plan, PlanOptions, RuleMatcher, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;
use k8srd_sinks::encode::{Encoder, Json, Text, TimeFormat};

use crate::captures::{Opened, Report};
use crate::config::{Config, FieldName, Size};
use crate::local_time;

/// What rules may ask: all that Falco's may, and the fields of the configuration.
///
/// # Errors
///
/// Where a field of the configuration has a name that none can have.
pub(crate) fn schema(config: &Config) -> Result<Arc<Schema>> {
    let mut schema = Schema::falco();
    for (FieldName(name), value) in &config.static_fields {
        schema = schema.static_field(name, value)?;
    }
    Ok(schema.into())
}

/// The rules, compiled.
pub(crate) fn plan(config: &Config, rules: RuleSet) -> Arc<Plan> {
    let options = PlanOptions::default().rule_matching(config.rule_matching.into());
    Plan::compile(rules, options).into()
}

/// The pipeline from this node's kernel to alerts. It is running once this returns.
///
/// # Errors
///
/// Where the parts do not fit together.
pub(crate) fn live_pipeline(
    source: BpfSource,
    config: &Config,
    schema: &Arc<Schema>,
    plan: Arc<Plan>,
) -> Result<Pipeline> {
    let builder = knowing(Pipeline::builder(source));
    judging(builder, config, schema, plan).build().context("the pipeline cannot be started")
}

/// This node's kernel as a source.
///
/// # Errors
///
/// Where the sensor cannot be loaded, with what is missing and what to do.
pub(crate) fn sensor(config: &Config) -> Result<BpfSource> {
    Ok(BpfSource::load(&bpf_options(config))?)
}

/// How large its ring buffers are, and what happens as they fill.
pub(crate) fn rings(source: &BpfSource, config: &Config) -> String {
    let (sensor, mut shed) = (source.sensor(), String::new());
    for class in &config.sensor.shed {
        shed += &format!(", {}", class.0);
    }
    let shed = shed.strip_prefix(", ").map_or("nothing".to_owned(), str::to_owned);
    let lifecycle = Size(sensor.lifecycle().bytes() as u64);
    let data = Size(sensor.data().first().map_or(0, |ring| ring.bytes()) as u64);
    format!(
        "ring buffers: {lifecycle} for processes, {} of {data} for all else; dropped on purpose as they \
         fill, in this order: {shed}",
        sensor.data().len()
    )
}

fn bpf_options(config: &Config) -> BpfOptions {
    let sensor = SensorOptions {
        ring_memory: config.sensor.ring_memory.0,
        shed: config.sensor.shed.iter().map(|class| class.0).collect(),
        snap_length: config.sensor.snap_length.0,
        all_memory_calls: config.sensor.all_memory_calls,
        // The best way to attach that the kernel takes.
        rung: None,
    };
    BpfOptions { sensor, ..BpfOptions::default() }
}

/// The pipeline from this node's kernel to something that takes all that passes.
///
/// # Errors
///
/// Where the parts do not fit together.
pub(crate) fn recording_pipeline(
    source: BpfSource,
    config: &Config,
    schema: &Arc<Schema>,
    tap: impl Enricher + Matcher + Clone + 'static,
) -> Result<Pipeline> {
    let builder = knowing(Pipeline::builder(source)).enrich(tap.clone()).matcher(tap);
    builder
        .schema(schema.clone())
        .path_matching(config.path_matching.into())
        .utc_offset(local_time::utc_offset())
        .build()
        .context("the pipeline cannot be started")
}

/// The pipeline without a sensor: for what its parts say of the rules. Needs no privilege.
///
/// # Errors
///
/// Where the parts do not fit together.
pub(crate) fn rehearsal(
    config: &Config,
    schema: &Arc<Schema>,
    plan: Arc<Plan>,
) -> Result<Pipeline> {
    let builder = knowing(Pipeline::builder(Unattached::default()));
    judging(builder, config, schema, plan).build().context("the pipeline cannot be put together")
}

/// What answers fields on this node. Each enricher may read the fields of those before it.
fn knowing(builder: PipelineBuilder) -> PipelineBuilder {
    let host_root = host_root();
    // What lost records would have told is read from the host's /proc.
    let processes =
        Processes::builder().proc_root(host_root.join("proc")).host_root(host_root).build();
    let node: Arc<str> = hostname(None).into();
    builder
        .hostname(move || Some(node.clone()))
        .enrich(processes)
        .enrich(Containers::default())
        .enrich(SyscallFields::default())
}

/// The pipeline from a recording to alerts.
///
/// # Errors
///
/// Where the configuration does not fit together.
pub(crate) fn replay_pipeline(
    config: &Config,
    schema: &Arc<Schema>,
    plan: Arc<Plan>,
    capture: Opened,
) -> Result<Pipeline> {
    judging(remembering(capture), config, schema, plan)
        .build()
        .context("the pipeline cannot be started")
}

/// The pipeline from a recording to something that looks at its events.
///
/// # Errors
///
/// Where the parts do not fit together.
pub(crate) fn looking_pipeline(
    schema: &Arc<Schema>,
    matcher: impl Matcher + 'static,
    capture: Opened,
) -> Result<Pipeline> {
    let untold = BlindOptions { untold: LossReason::ALL.to_vec(), ..BlindOptions::default() };
    let builder = remembering(capture).schema(schema.clone()).matcher(matcher).blind(untold);
    builder.utc_offset(local_time::utc_offset()).build().context("the pipeline cannot be started")
}

/// What answers fields of a recording. Everything comes from it: it may be of another machine.
/// Packets tell of no process, no container and no host, so nobody answers for those.
fn remembering(capture: Opened) -> PipelineBuilder {
    let Opened { source, report } = capture;
    let builder = Pipeline::builder(source);
    match report {
        Report::Events(report) => builder
            .hostname(move || Some(hostname(report.hostname().as_deref()).into()))
            .enrich(Processes::builder().build())
            .enrich(Containers::default())
            .enrich(SyscallFields::builder().descriptors().build()),
        Report::Packets(_) => builder.enrich(SyscallFields::builder().flows().build()),
    }
}

/// What does not depend on where events come from.
fn judging(
    builder: PipelineBuilder,
    config: &Config,
    schema: &Arc<Schema>,
    plan: Arc<Plan>,
) -> PipelineBuilder {
    builder
        .schema(schema.clone())
        .matcher(RuleMatcher::new(plan))
        .path_matching(config.path_matching.into())
        .utc_offset(local_time::utc_offset())
        .blind(config.blind_intervals.options())
}

/// What writes alerts of this node as lines.
pub(crate) fn encoder(config: &Config) -> Encoder {
    encoder_for(config, None)
}

/// What writes alerts of a host as lines; of this node, if its name is not known.
pub(crate) fn encoder_for(config: &Config, host: Option<&str>) -> Encoder {
    let time = if config.time_format_iso_8601 {
        TimeFormat::iso8601()
    } else {
        TimeFormat::local(local_time::utc_offset())
    };
    if !config.json_output {
        return Encoder::Text(Text::new(time));
    }
    let json = Json::new(hostname(host), time)
        .include_message(config.json_include_message_property)
        .include_output(config.json_include_output_property)
        .include_output_fields(config.json_include_output_fields_property)
        .include_tags(config.json_include_tags_property);
    Encoder::Json(json)
}

/// The name that alerts give to the host where it happened.
pub(crate) fn hostname(recorded: Option<&str>) -> String {
    match (env::var("FALCO_HOSTNAME"), recorded) {
        (Ok(name), _) if !name.is_empty() => name,
        (_, Some(recorded)) => recorded.to_owned(),
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use k8srd_core::source::Flow;
    use k8srd_testkit::event::TestEvent;
    use k8srd_testkit::source::ScriptedSource;

    use super::*;
    use crate::cli::SettingsArgs;
    use crate::config::{self, reference};
    use crate::rules;

    const RULES: &str = r#"
- rule: Secret opened
  desc: d
  condition: evt.type = open and fd.name = /secret
  output: secret %fd.name
  priority: WARNING
  tags: [files]
- rule: Anything opened
  desc: d
  condition: evt.type = open
  output: "\"%fd.name\""
  priority: NOTICE
- rule: Written
  desc: d
  condition: evt.type = write
  output: wrote %evt.buffer
  priority: DEBUG
- rule: Nothing
  desc: d
  condition: evt.type = open and evt.type = execve
  output: nothing
  priority: ERROR
"#;
    const OTHER_RULES: &str = "
- rule: Other
  desc: d
  condition: evt.type = open
  output: other
  priority: CRITICAL
";

    /// What a program gets to see that opens a link to a secret, under these options.
    fn lines(folder: &Path, options: &[&str]) -> String {
        let file = folder.join("k8srd.yaml");
        fs::write(&file, format!("rules_files: [{}/rules.yaml]", folder.display())).unwrap();
        let options = options.iter().map(|o| o.replace("FOLDER", &folder.display().to_string()));
        let args = SettingsArgs { config: Some(file), options: options.collect() };
        let config = config::load(&args, &[]).unwrap();

        let schema = schema(&config).unwrap();
        let rules = rules::load(&config, &schema, &[]).unwrap();
        let lints = config.validate.lints().unwrap();
        let loader = rules::loader(&config, &schema).lints(lints).add_file("rules.yaml", RULES);
        let (_, found) = loader.load();

        let open = TestEvent::open().at(86_400_000_000_000).param("fd", 3_i64);
        let open = open.param("name", "/link").field("ctx.path.real", "/secret");
        let write = TestEvent::falco("write").at(86_400_000_000_000);
        let write = write.param("data", &b"\x00data"[..]);
        // Half a minute of losses, and a while in which it is not known whether they are over.
        let pause = Duration::from_nanos(1);
        let lost = |source: ScriptedSource| {
            source.lose(LossReason::RingFull, 1).lose(LossReason::Malformed, 1).silence(pause)
        };
        let later = |millis: u64| write.clone().at((86_400_000 + millis) * 1_000_000);
        let mut source = lost(ScriptedSource::new().event(open.clone()).event(write.clone()));
        for seconds in 1..30 {
            source = lost(source.event(later(seconds * 1000)));
        }
        let source = source.event(later(29_300)).silence(pause).event(later(29_900)).silence(pause);
        let source = source.event(open.at(86_430_000_000_000)).event(later(40_000));
        let builder = Pipeline::builder(source).enrich(SyscallFields::default());
        let mut pipeline =
            judging(builder, &config, &schema, plan(&config, rules)).build().unwrap();
        let mut alerts = Vec::new();
        while pipeline.step(pause, &mut alerts).unwrap() == Flow::More {}

        let SensorOptions { ring_memory, shed, snap_length, all_memory_calls, rung: _ } =
            bpf_options(&config).sensor;
        let (state_dir, found) = (config.state_dir.display(), found.render());
        let watches = config.watch_config_files;
        let start = format!(
            "ring memory {ring_memory}\nshed {shed:?}\nsnap length {snap_length}\n\
             all memory calls {all_memory_calls}\nstate {state_dir}\nwatches files {watches}\n{found}"
        );
        let mut out = start.into_bytes();
        let encoder = encoder(&config);
        for alert in &alerts {
            encoder.encode(alert, &mut out);
            out.push(b'\n');
        }
        String::from_utf8(out).unwrap()
    }

    /// Options without the last, and the last: what only comes with it, and what only without.
    const EFFECTS: &[(&[&str], &str, &str, &str)] = &[
        (&[], "rules_files=[FOLDER/other.yaml]", "Critical other", "Warning"),
        (&[], "rules_files[]=FOLDER/other.yaml", "Critical other", ""),
        (&[], "rules[].disable.rule=Any*", "", "Notice"),
        (&[], "rules[].disable.tag=files", "", "Warning"),
        (&["rules[].disable.rule=*"], "rules[].enable.rule=Secret opened", "Warning", ""),
        (&["rules[].disable.rule=*"], "rules[].enable.tag=files", "Warning", ""),
        (&[], "priority=warning", "", "Notice"),
        (&[], "rule_matching=first", "", "Notice"),
        (&[], "path_matching=given", "", "Warning"),
        (&[], "json_output=true", "{\"hostname\":", ""),
        (&["json_output=true"], "json_include_message_property=true", "\"message\":", ""),
        (&["json_output=true"], "json_include_output_property=false", "", "\"output\":"),
        (
            &["json_output=true"],
            "json_include_output_fields_property=false",
            "",
            "\"output_fields\":",
        ),
        (&["json_output=true"], "json_include_tags_property=false", "", "\"tags\":"),
        (&[], "time_format_iso_8601=true", "1970-01-02T00:00:00.000000000+0000: ", ""),
        (&[], "append_output=[{extra_output: more}]", "more", ""),
        (&[], "append_output[].extra_output=by %evt.type", "/link\\\" by open", ""),
        (
            &["append_output[].extra_output=more"],
            "append_output[0].match.rule=Secret opened",
            "",
            "/link\\\" more",
        ),
        (
            &["append_output[].extra_output=more"],
            "append_output[0].match.tags=[files]",
            "",
            "/link\\\" more",
        ),
        (
            &["append_output[].extra_output=more"],
            "append_output[0].match.source=k8s_audit",
            "",
            "more",
        ),
        (&["json_output=true"], "append_output[].extra_fields=[evt.type]", "\"evt.type\":", ""),
        (&[], "append_output[].suggested_output=true", "container_id=", ""),
        (
            &["append_output[].suggested_output=true"],
            "static_fields.cluster=prod",
            "static_cluster=prod",
            "",
        ),
        (&[], "buffer_format_base64=true", "AGRhdGE=", ".data"),
        (&[], "validate.conditions=false", "", "NEVER_MATCHES"),
        (&[], "validate.forbidden=[{in: name, pattern: Sec.*opened}]", "Sec.*opened", ""),
        (&[], "validate.forbidden[]={in: output, pattern: secret}", "output", ""),
        (
            &["validate.forbidden=[{in: tag, pattern: file}]"],
            "validate.forbidden[0].in=name",
            "",
            "forbidden",
        ),
        (
            &["validate.forbidden=[{in: tag, pattern: file}]"],
            "validate.forbidden[0].pattern=^file$",
            "",
            "forbidden",
        ),
        (&[], "validate.require_tags=true", "no tags", ""),
        (&[], "validate.require_technique=true", "MITRE", ""),
        (&[], "validate.require_output_fields=[proc.name]", "%proc.name", ""),
        (&[], "sensor.ring_memory=1M", "ring memory 1048576\n", "ring memory 67108864\n"),
        (&[], "watch_config_files=false", "watches files false\n", "watches files true\n"),
        (&[], "state_dir=/elsewhere", "state /elsewhere\n", "state /var/lib/k8srd\n"),
        (&[], "blind_intervals.priority=warning", "Warning k8srd internal: ", "Critical k8srd "),
        (&["json_output=true"], "blind_intervals.quiet=500ms", "", "\"/secret\",\"k8srd.blind\":"),
        (&[], "blind_intervals.repeat=20s", "", " 11 events lost"),
        (&["json_output=true"], "blind_intervals.mark_alerts=false", "", "\"k8srd.blind\":"),
        (&[], "blind_intervals.untold=[malformed]", "", "(malformed)"),
        (&[], "sensor.snap_length=4K", "snap length 4096\n", "snap length 80\n"),
        (
            &[],
            "sensor.all_memory_calls=true",
            "all memory calls true\n",
            "all memory calls false\n",
        ),
        (&[], "sensor.shed=[network]", "shed [Network]\n", "shed [Io, Routine, Network, File]\n"),
    ];

    #[test]
    fn each_key_changes_what_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.yaml"), RULES).unwrap();
        fs::write(folder.path().join("other.yaml"), OTHER_RULES).unwrap();
        for (before, option, comes, goes) in EFFECTS {
            let without = lines(folder.path(), before);
            let with = lines(folder.path(), &[before, &[*option][..]].concat());
            assert_ne!(with, without, "{option}");
            let appears = |part: &str, here: &str, there: &str| {
                part.is_empty() || here.contains(part) && !there.contains(part)
            };
            assert!(appears(comes, &with, &without), "{option}: {comes} in\n{with}\n{without}");
            assert!(appears(goes, &without, &with), "{option}: {goes} not in\n{with}\n{without}");
        }
    }

    #[test]
    fn no_key_is_without_an_effect() {
        for key in reference::keys() {
            let is_shown = EFFECTS.iter().any(|(_, option, ..)| {
                let typed = option.split('=').next().unwrap_or_default().replace("[0]", "[]");
                typed == key.path
                    || typed.starts_with(&format!("{}[]", key.path))
                    || typed.starts_with(&format!("{}.", key.path))
            });
            assert!(is_shown, "{}: what does it change?", key.path);
        }
    }
}

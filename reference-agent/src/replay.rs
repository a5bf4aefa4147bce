//! `k8srd replay`: the alerts of recordings.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::source::Flow;

use crate::captures::{CapturesArgs, Forms, Report};
use crate::cli::SettingsArgs;
use crate::here::Here;
use crate::omitted::Omitted;
use crate::{captures, config, rules, stdout, wire};

/// Print the alerts that recorded events raise
///
/// Reads captures (.scap) of Falco, sysdig or k8srd, whatever their version, and packet captures (.pcap,
/// .pcapng), compressed by gzip or not, and judges their events as `run` judges live ones: the same rules, the
/// same alert lines, on standard output. Packets tell of connections and what is sent, and of no process.
/// Rules that read what `record` left out, environments or what is read and written, may judge otherwise than
/// live: they are named on standard error, with the fields that they read. Several captures are read one
/// after the other, each by itself. Needs no root and no kernel
/// support. Exit code 1 if a capture cannot be read to its end; what was read before is judged.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    captures: CapturesArgs,

    /// Falco rule file, or directory whose .yaml and .yml files are read in the order of their
    /// names; may be repeated, later files may change earlier ones; takes the place of rules_files
    /// [default: rules_files, or else the shipped rules]
    #[arg(short, long = "rules", value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Print each alert as Falco's JSON object (the same as -o json_output=true)
    #[arg(long)]
    json: bool,

    /// At the end, print to standard error how many events (and packets) there were, alerts by rule,
    /// what was passed over and why, and how long it took
    #[arg(long)]
    stats: bool,

    #[command(flatten)]
    settings: SettingsArgs,
}

const EXAMPLES: &str = "Examples:
  k8srd replay trace.scap                       with the shipped rules
  k8srd replay trace.scap -r rules/ --json      with rules of your own, for a program
  k8srd replay a.scap b.scap -r r.yaml --stats  how often each rule fired
  k8srd replay web.pcapng -r network.yaml       network rules on packets
  k8srd replay trace.scap -o rule_matching=first -o append_output=[]";

/// How often progress is shown on a terminal.
const PROGRESS: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let flags = if args.json { vec!["json_output=true".to_owned()] } else { Vec::new() };
    let config = config::load(&args.settings, &flags)?;
    let schema = wire::schema(&config)?;
    let rules = rules::load(&config, &schema, &args.rules)?;
    let plan = wire::plan(&config, rules.clone());
    let mut stats = Stats::default();
    let mut met = Forms::default();
    let mut omitted = Omitted::of_rules(&rules, &plan);
    let code = captures::each(&args.captures, |file, capture| {
        let report = capture.report.clone();
        let pipeline = wire::replay_pipeline(&config, &schema, plan.clone(), capture)?;
        if met.is_first(&report) {
            eprint!("{}", Here::of(&schema, &rules, pipeline.findings()));
        }
        let is_read = replay(file, pipeline, &report, &config, &mut omitted, &mut stats);
        stats.add(&report);
        is_read
    });
    if args.stats {
        eprint!("{stats}");
    }
    Ok(code)
}

/// Prints the alerts of a capture; false if nobody reads them any more.
fn replay(
    file: &Path,
    mut pipeline: Pipeline,
    report: &Report,
    config: &config::Config,
    omitted: &mut Omitted,
    stats: &mut Stats,
) -> Result<bool> {
    let start = Instant::now();
    let mut shown = start;
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut alerts, mut lines) = (Vec::new(), Vec::new());
    let mut encoder = None;
    loop {
        let flow = pipeline.step(Duration::ZERO, &mut alerts);
        // Known by now: it stands before the first event, as does the name of the host.
        eprint!("{}", omitted.news(file, report));
        let encoder =
            encoder.get_or_insert_with(|| wire::encoder_for(config, report.hostname().as_deref()));
        lines.clear();
        for alert in alerts.drain(..) {
            *stats.alerts.entry(alert.rule.name.clone()).or_default() += 1;
            encoder.encode(&alert, &mut lines);
            lines.push(b'\n');
        }
        let ended = !matches!(flow, Ok(Flow::More));
        let written = out.write_all(&lines);
        let written = written.and_then(|()| if ended { out.flush() } else { Ok(()) });
        let is_read = stdout::is_read(written)?;
        if ended || !is_read {
            stats.time += start.elapsed();
            return flow.map(|_| is_read).map_err(Into::into);
        }
        if shown.elapsed() >= PROGRESS && io::stderr().is_terminal() {
            shown = Instant::now();
            let (events, mib) = (report.events(), report.offset() >> 20);
            eprintln!("k8srd: {}: {events} events, {mib} MiB so far", file.display());
        }
    }
}

/// What `--stats` tells.
#[derive(Debug, Default)]
struct Stats {
    events: u64,
    bytes: u64,
    alerts: BTreeMap<String, u64>,
    skipped: BTreeMap<&'static str, u64>,
    packets: Option<PacketStats>,
    time: Duration,
}

/// What it tells of packet captures.
#[derive(Debug, Default)]
struct PacketStats {
    packets: u64,
    passed_over: BTreeMap<&'static str, u64>,
    evicted: u64,
    expired: u64,
}

impl Stats {
    fn add(&mut self, report: &Report) {
        self.events += report.events();
        self.bytes += report.offset();
        for (name, count) in report.skipped() {
            *self.skipped.entry(name).or_default() += count;
        }
        if let Some(report) = report.packets() {
            let stats = self.packets.get_or_insert_default();
            stats.packets += report.packets();
            stats.evicted += report.flows_evicted();
            stats.expired += report.flows_expired();
            for (why, count) in report.passed_over() {
                *stats.passed_over.entry(why).or_default() += count;
            }
        }
    }
}

impl std::fmt::Display for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { events, bytes, alerts, skipped, packets, time } = self;
        let seconds = time.as_secs_f64().max(1e-9);
        writeln!(
            f,
            "{events} events in {seconds:.3} s: {:.0} events/s, {:.1} MiB/s",
            *events as f64 / seconds,
            *bytes as f64 / f64::from(1 << 20) / seconds
        )?;
        let total: u64 = alerts.values().sum();
        writeln!(f, "{total} alerts")?;
        for (rule, count) in alerts {
            writeln!(f, "  {count:>8} {rule}")?;
        }
        let total: u64 = skipped.values().sum();
        if total > 0 {
            writeln!(f, "{total} events passed over, because nothing here needs them")?;
        }
        for (name, count) in skipped {
            writeln!(f, "  {count:>8} {name}")?;
        }
        packets.as_ref().map_or(Ok(()), |packets| write!(f, "{packets}"))
    }
}

impl std::fmt::Display for PacketStats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { packets, passed_over, evicted, expired } = self;
        let total: u64 = passed_over.values().sum();
        writeln!(f, "{packets} packets, {total} of them passed over")?;
        for (why, count) in passed_over {
            writeln!(f, "  {count:>8} {why}")?;
        }
        for (count, why) in [(evicted, "there were too many"), (expired, "nothing came for long")] {
            if *count > 0 {
                writeln!(f, "{count} flows forgotten, because {why}")?;
            }
        }
        Ok(())
    }
}

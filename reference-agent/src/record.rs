//! `k8srd record`: what happens on this machine, into a capture.

mod host;
mod tap;

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use k8srd_capture::{Recorder, RecorderCounts, RecorderOptions, Writer};
use k8srd_core::loss::Losses;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::RuleMatcher;
use k8srd_core::source::Flow;

use crate::cli::SettingsArgs;
use crate::config::{self, span};
use crate::signals::StopWish;
use crate::{filter, here, wire};
use tap::Tap;

/// Record what happens on this machine to a capture, until SIGINT, SIGTERM or a time
///
/// The capture (.scap) can be judged again by `k8srd replay`, which raises the alerts that `k8srd run`
/// would have raised, and be read by Falco and sysdig. Recorded are: the processes that run already, and
/// from then on what happens (programs started, files opened, connections, all system calls); with each
/// event the ids, capabilities and namespaces of its task and the path that was really opened. Left out
/// are environments and what is read and written, since they often hold secrets, and reads, writes and
/// routine calls as such, since there are so many. The capture says so: `replay` names the rules that would
/// have read them. The file is readable by its owner only. Needs root.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct RecordArgs {
    /// The capture; compressed if its name ends with .gz. A file of that name is replaced
    #[arg(short, long, value_name = "FILE")]
    write: PathBuf,

    /// How long to record, as 30s, 5m, 1h [default: until SIGINT or SIGTERM]
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    limit: Option<Duration>,

    /// Record only events of which this condition is true, as in a rule; what is needed to
    /// understand them is recorded too, marked as state that is not shown
    #[arg(short, long, value_name = "CONDITION")]
    filter: Option<String>,

    /// Record what often holds secrets, or is too much for most uses, too
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    with: Vec<Extra>,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// What is recorded on demand only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Extra {
    /// The environments of processes
    Env,
    /// What is read and written; with it, io
    Buffers,
    /// Reads, writes and other uses of descriptors that change nothing
    Io,
    /// Memory, waiting, clocks, what a process asks of itself
    Routine,
}

const EXAMPLES: &str = "Examples:
  k8srd record -w trace.scap.gz                         until Ctrl-C
  k8srd record -w trace.scap --for 30s                  for half a minute, not compressed
  k8srd record -w sh.scap.gz -f 'proc.name = sh'        what shells do
  k8srd record -w trace.scap.gz --with env              with the environments of processes
  k8srd record -w all.scap.gz --with io,routine         every system call
Then:
  k8srd events trace.scap.gz                            what is in it
  k8srd replay trace.scap.gz -r rules.yaml              what rules say of it
  sysdig -r trace.scap.gz                               the same in other tools";

/// How long one step may wait for events: how soon a signal is noticed.
const STEP: Duration = Duration::from_millis(100);
/// How often what was recorded reaches the file. If the program is killed, the rest is lost.
const FLUSH: Duration = Duration::from_secs(1);
/// How long the end may take.
const FINISH: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &RecordArgs) -> Result<ExitCode> {
    let config = config::load(&args.settings, &[])?;
    let schema = wire::schema(&config)?;
    let chosen = match &args.filter {
        Some(condition) => {
            Some(RuleMatcher::new(filter::plan(&schema, Some(condition), "%evt.num")?))
        }
        None => None,
    };
    let stop = StopWish::watch()?;
    // Before a file is replaced by a recording that cannot begin.
    let sensor = wire::sensor(&config)?;
    let file = create(&args.write).with_context(|| {
        format!("{} cannot be written; name another file with -w", args.write.display())
    })?;
    let compressed = args.write.extension().is_some_and(|extension| extension == "gz");
    let mut writer = if compressed { Writer::gzip(file) } else { Writer::new(file) };
    host::describe(&mut writer, &wire::host_root()).context(broken(&args.write))?;
    let with = |extra| args.with.contains(&extra);
    let options = RecorderOptions {
        env: with(Extra::Env),
        buffers: with(Extra::Buffers),
        // What a condition chooses was asked for.
        io: chosen.is_some() || with(Extra::Io) || with(Extra::Buffers),
        routine: chosen.is_some() || with(Extra::Routine),
    };
    let tap = Tap::new(Recorder::new(writer, options), options, chosen);
    let mut pipeline = wire::recording_pipeline(sensor, &config, &schema, tap.clone())?;
    here::tell(pipeline.findings());
    eprintln!("k8srd: recording to {}; SIGINT or SIGTERM ends", args.write.display());

    let start = Instant::now();
    let ran = watch(&mut pipeline, &tap, &stop, args.limit);
    // Whatever ended it, what is on its way is recorded, and the account is given.
    let finished = pipeline.finish(FINISH, &mut Vec::new()).context("the sensor failed at the end");
    let losses = pipeline.losses();
    drop(pipeline);
    let (duration, plain_bytes) = (start.elapsed(), tap.offset());
    let (counts, whole) = tap.finish();
    let bytes = fs::metadata(&args.write).map_or(0, |metadata| metadata.len());
    eprintln!("k8srd: {}", Summary { duration, counts, bytes, plain_bytes, losses });
    whole.context(broken(&args.write))?;
    ran?;
    finished?;
    Ok(ExitCode::SUCCESS)
}

/// Records until it is told to stop, the time is over, or the file cannot be written on.
fn watch(
    pipeline: &mut Pipeline,
    tap: &Tap,
    stop: &StopWish,
    limit: Option<Duration>,
) -> Result<()> {
    let start = Instant::now();
    let mut flushed = start;
    let mut alerts = Vec::new();
    while !stop.is_there() && limit.is_none_or(|limit| start.elapsed() < limit) {
        let left = limit.map_or(STEP, |limit| limit.saturating_sub(start.elapsed()));
        let flow = pipeline.step(STEP.min(left), &mut alerts).context("the sensor failed")?;
        // Nobody is alerted by a recording: what was lost is in its summary.
        alerts.clear();
        if flushed.elapsed() >= FLUSH {
            flushed = Instant::now();
            tap.flush();
        }
        if flow == Flow::End || tap.has_failed() {
            break;
        }
    }
    Ok(())
}

fn broken(file: &Path) -> String {
    format!("{} cannot be written on", file.display())
}

/// A file that only its owner may read, whatever it was before.
fn create(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The account that a recording ends with.
struct Summary {
    duration: Duration,
    counts: RecorderCounts,
    bytes: u64,
    plain_bytes: u64,
    losses: Losses,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, counts, bytes, plain_bytes, losses } = self;
        writeln!(f, "recorded for {:.1} s", duration.as_secs_f64())?;
        writeln!(f, "events: {} recorded, {} of state", counts.events, counts.states)?;
        write!(f, "bytes: {bytes}")?;
        if bytes != plain_bytes {
            write!(f, ", {plain_bytes} before compression")?;
        }
        write!(f, "\nlost: {}", losses.total_lost() + counts.refused)?;
        if counts.refused > 0 {
            write!(f, "\n  {} too large for a capture", counts.refused)?;
        }
        for (stream, account) in &losses.streams {
            for (reason, n) in &account.lost {
                write!(f, "\n  stream {stream}: {reason} {n}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use k8srd_capture::Omission;

    use super::*;

    #[test]
    fn what_may_be_left_out_can_be_asked_for_by_its_name() {
        for omission in Omission::ALL {
            assert!(Extra::from_str(omission.name(), false).is_ok(), "{omission}");
        }
        assert_eq!(Extra::value_variants().len(), Omission::ALL.len());
    }

    #[test]
    fn a_capture_is_its_owners_even_where_a_file_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.scap");
        fs::write(&path, "open to all").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let metadata = create(&path).unwrap().metadata().unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 0));
    }
}

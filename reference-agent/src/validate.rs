//! `k8srd validate`: all that is wrong with rule files, for a person, a program or a code host.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use k8srd_core::rules::Diagnostics;
use k8srd_core::rules::describe::Description;
use k8srd_core::rules::diagnostic::{Diagnostic, FileId, Severity};
use k8srd_sinks::encode::{load_results, sarif};
use serde_json::Value;

use crate::cli::SettingsArgs;
use crate::config::{self, WrongCall};
use crate::here::Here;
use crate::paint::Paint;
use crate::{describe, exit, rules, stdout, wire};

/// Find everything that is wrong with rule files
///
/// Loads all files together, as `run` does, without a sensor: nothing of this machine is looked at
/// and no privilege is needed. Every problem of every file goes to standard error, with its place
/// and what to do; the verdict on each file goes to standard output. Exit code 1 if there is an
/// error.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ValidateArgs {
    /// Falco rule files, or directories whose .yaml and .yml files are read in the order of their
    /// names; later files may change earlier ones [default: rules_files of the configuration]
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,

    /// What goes to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Let warnings fail, too
    #[arg(long)]
    deny_warnings: bool,

    /// Warn of what k8srd reads and Falco does not, for rules that both shall load
    #[arg(long)]
    strict_falco: bool,

    /// Also name each enabled rule that cannot fire on this node, and why; such a rule counts as a
    /// warning
    #[arg(long)]
    here: bool,

    /// Also describe the rules, if they have no error: with JSON in `falco_describe_results`, as
    /// falco -V -L does
    #[arg(long)]
    describe: bool,

    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each file
    #[default]
    Text,
    /// One object: `falco_load_results`, in the shape of falco -V
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

const EXAMPLES: &str = "Examples:
  k8srd validate rules/                         a directory of rules
  k8srd validate falco_rules.yaml own.yaml      a file, and one that changes it
  k8srd validate --deny-warnings rules/         for CI
  k8srd validate --format sarif rules/ > k8srd.sarif
  k8srd validate --format json rules/ | jq '.falco_load_results[].errors'";

pub(crate) fn run(args: &ValidateArgs) -> Result<ExitCode> {
    let config = config::load(&args.settings, &[])?;
    if args.files.is_empty() && config.rules_files.is_empty() {
        let message = "name rule files or directories, or a configuration that has rules_files";
        return Err(WrongCall(message.to_owned()).into());
    }
    let schema = wire::schema(&config)?;
    let loader = rules::loader(&config, &schema)
        .lints(config.validate.lints()?)
        .strict_falco(args.strict_falco);
    let loader = match &args.files[..] {
        [] => rules::add_configured(loader, &config)?,
        files => rules::add_all(loader, files),
    };
    let (rules, diagnostics) = loader.load();
    let description = (args.describe && !diagnostics.has_errors()).then(|| rules.describe());
    let count = rules.rules().len();
    let here = match args.here {
        true => Some(Here::rehearse(&config, &schema, rules, &diagnostics)?),
        false => None,
    };

    show(&diagnostics)?;
    let text = match args.format {
        Format::Text => {
            let paint = Paint::choose(io::stdout().is_terminal());
            let verdict = Verdict { diagnostics: &diagnostics, rules: count, paint };
            let here = here.as_ref().map(on_this_node).unwrap_or_default();
            let pages = description.as_ref().map(describe::overview).unwrap_or_default();
            format!("{verdict}{here}{pages}")
        }
        Format::Json => as_json(&diagnostics, description.as_ref(), here.as_ref())? + "\n",
        Format::Sarif => sarif(&diagnostics, env!("CARGO_PKG_VERSION")) + "\n",
    };
    stdout::write(&text)?;

    let Tally { errors, warnings } = Tally::of(diagnostics.iter());
    let warnings = warnings + here.map_or(0, |here| here.mute());
    let is_fine = errors == 0 && !(args.deny_warnings && warnings > 0);
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// Which rules lack something on this node, and what could not be found out.
fn on_this_node(here: &Here) -> String {
    let complete =
        if here.is_complete() { "every enabled rule can fire on this node\n" } else { "" };
    format!("{here}{complete}not checked: whether this kernel takes the sensor (k8srd doctor)\n")
}

/// Falco's object, with what this node means for the rules if that was asked.
fn as_json(
    diagnostics: &Diagnostics,
    description: Option<&Description>,
    here: Option<&Here>,
) -> Result<String> {
    let text = load_results(diagnostics, description);
    let Some(here) = here else { return Ok(text) };
    let mut object: Value = serde_json::from_str(&text)?;
    object["k8srd_here"] = here.to_json();
    Ok(object.to_string())
}

/// Writes all problems to standard error, each with its place, an empty line behind each.
///
/// # Errors
///
/// Where standard error cannot be written.
pub(crate) fn show(diagnostics: &Diagnostics) -> Result<()> {
    let mut err = io::stderr().lock();
    let paint = Paint::choose(err.is_terminal());
    for diagnostic in diagnostics {
        let text = diagnostic.render(diagnostics.sources()).to_string();
        let lines = text.lines().enumerate();
        let lines = lines.map(|(at, line)| coloured(line, at == 0, diagnostic.severity, &paint));
        let text: String = lines.map(|line| line + "\n").collect();
        writeln!(err, "{text}").context("standard error cannot be written")?;
    }
    Ok(())
}

/// A line of a problem: what it is and the mark under its place stand out.
fn coloured(line: &str, is_first: bool, severity: Severity, paint: &Paint) -> String {
    let stand_out = |text: &str| match severity {
        Severity::Error => paint.failure(text),
        Severity::Warning => paint.caution(text),
    };
    if is_first && let Some((what, message)) = line.split_once(": ") {
        return format!("{}: {}", stand_out(what), paint.bold(message));
    }
    match line.split_once('^') {
        Some((before, marks)) if before.trim() == "|" && marks.trim_matches('^').is_empty() => {
            format!("{before}{}", stand_out(&line[before.len()..]))
        }
        _ => line.to_owned(),
    }
}

/// A line for each file, and one for all.
struct Verdict<'a> {
    diagnostics: &'a Diagnostics,
    /// How many rules there are.
    rules: usize,
    paint: Paint,
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { diagnostics, rules, paint } = self;
        let sources = diagnostics.sources();
        let in_file =
            |d: &&Diagnostic, file: FileId| d.span.as_ref().is_some_and(|s| s.file == file);
        for file in sources.files() {
            let tally = Tally::of(diagnostics.iter().filter(|d| in_file(d, file)));
            let verdict = match tally {
                Tally { errors: 0, warnings: 0 } => paint.success("ok"),
                Tally { errors: 0, .. } => format!("{}, {tally}", paint.caution("ok")),
                _ => format!("{}, {tally}", paint.failure("invalid")),
            };
            writeln!(f, "{}: {verdict}", sources.name(file))?;
        }
        let files = sources.files().count();
        let found = Tally::of(diagnostics.iter());
        writeln!(f, "{}, {}: {found}", some(files, "file"), some(*rules, "rule"))
    }
}

/// How many problems there are.
#[derive(Clone, Copy)]
struct Tally {
    errors: usize,
    warnings: usize,
}

impl Tally {
    fn of<'d>(diagnostics: impl Iterator<Item = &'d Diagnostic>) -> Self {
        let mut tally = Self { errors: 0, warnings: 0 };
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => tally.errors += 1,
                Severity::Warning => tally.warnings += 1,
            }
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { errors, warnings } = *self;
        match (errors, warnings) {
            (0, 0) => f.write_str("no problems"),
            (0, _) => f.write_str(&some(warnings, "warning")),
            (_, 0) => f.write_str(&some(errors, "error")),
            _ => write!(f, "{}, {}", some(errors, "error"), some(warnings, "warning")),
        }
    }
}

/// So many of something.
pub(crate) fn some(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

//! `k8srd config`: what may be set, whether a file is right, what is in effect.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use super::{DEFAULT_FILE, reference, show};
use crate::cli::SettingsArgs;
use crate::{exit, stdout};

/// Check and show the configuration, or say what may be in it
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read the configuration and name every problem, with its place
    ///
    /// Exit code 1 if there is one.
    Check(SettingsArgs),
    /// Print the configuration in effect as YAML, with where each value was set
    ///
    /// What is printed can be a file for -c that gives the same.
    Show(SettingsArgs),
    /// Print which keys there are and what they take
    ///
    /// The JSON Schema is for editors and for checks before a file is shipped; the page is
    /// docs/configuration.md.
    Schema {
        /// A JSON Schema, or a page for people
        #[arg(long, default_value = "json")]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Markdown,
}

pub(crate) fn run(args: &ConfigArgs) -> Result<ExitCode> {
    let page = match &args.action {
        Action::Check(settings) => return check(settings),
        Action::Show(settings) => {
            let (settings, problems) = super::read(settings, &[], Path::new(DEFAULT_FILE));
            super::whole(&problems)?;
            show::yaml(&settings)
        }
        Action::Schema { format: Format::Json } => {
            serde_json::to_string_pretty(&reference::schema())? + "\n"
        }
        Action::Schema { format: Format::Markdown } => reference::markdown(),
    };
    stdout::write(&page)?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &SettingsArgs) -> Result<ExitCode> {
    let (settings, problems) = super::read(args, &[], Path::new(DEFAULT_FILE));
    for problem in &problems {
        eprintln!("{problem}");
    }
    let file = match &settings.file {
        Some(file) => file.display().to_string(),
        None => format!("no file (there is no {DEFAULT_FILE})"),
    };
    let (count, code) = match problems.len() {
        0 => ("ok".to_owned(), ExitCode::SUCCESS),
        1 => ("1 problem".to_owned(), ExitCode::from(exit::FAILED)),
        n => (format!("{n} problems"), ExitCode::from(exit::FAILED)),
    };
    stdout::write(&format!("{file}: {count}\n"))?;
    Ok(code)
}

//! What verbs that list a table have in common.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::Value;

/// How a table is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
    Json,
}

/// Prints a JSON document.
pub(crate) fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Prints a listing; a reader that has seen enough (`k8srd fields | head`) is no failure.
pub(crate) fn print(text: &str) -> Result<ExitCode> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Text as the cell of a table in markdown.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

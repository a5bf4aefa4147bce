//! What verbs that list a table have in common.

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

/// Text as the cell of a table in markdown.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

//! `k8srd describe`: what rules, macros and lists are made of.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use k8srd_core::rules::describe::{
    ConditionDetails, Description, ListDescription, MacroDescription, RequiredPlugin,
    RuleDescription,
};
use k8srd_sinks::encode;

use crate::cli::SettingsArgs;
use crate::validate::{show, some};
use crate::{config, exit, rules, stdout, wire};

/// More kinds of events than this are counted, not named.
const MANY_EVENTS: usize = 20;

/// Say what rules, macros and lists are made of
///
/// Loads the files as `run` does, without a sensor, and shows them with everything put together:
/// lists, macros, exceptions, what later files change. Exit code 1 if the files have an error, or
/// there is nothing of the name.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// Falco rule files, or directories whose .yaml and .yml files are read in the order of their
    /// names [default: rules_files of the configuration, or else the shipped rules]
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,

    /// Only the rule of this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["macro_name", "list"])]
    rule: Option<String>,

    /// Only the macro of this name
    #[arg(long = "macro", value_name = "NAME", id = "macro_name", conflicts_with = "list")]
    macro_name: Option<String>,

    /// Only the list of this name
    #[arg(long, value_name = "NAME")]
    list: Option<String>,

    /// A page for people, or one JSON object in the shape of falco -L
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

const EXAMPLES: &str = "Examples:
  k8srd describe                                   the shipped rules, an overview
  k8srd describe falco_rules.yaml own.yaml --rule 'Terminal shell in container'
  k8srd describe rules/ --macro spawned_process
  k8srd describe rules/ --format json | jq '.rules[].info.name'";

pub(crate) fn run(args: &DescribeArgs) -> Result<ExitCode> {
    let config = config::load(&args.settings, &[])?;
    let schema = wire::schema(&config)?;
    let loader = rules::loader(&config, &schema);
    let loader = match &args.files[..] {
        [] => rules::add_configured(loader, &config)?,
        files => rules::add_all(loader, files),
    };
    let (rules, diagnostics) = loader.load();
    if diagnostics.has_errors() {
        show(&diagnostics)?;
        return Ok(ExitCode::from(exit::FAILED));
    }
    let all = rules.describe();
    let text = match (&args.rule, &args.macro_name, &args.list) {
        (Some(name), ..) => {
            let rule = named(&all.rules, "rule", name, |rule| &rule.info.name)?;
            args.format.of(rule, encode::describe_rules, rule_page)
        }
        (_, Some(name), _) => {
            let item = named(&all.macros, "macro", name, |item| &item.name)?;
            args.format.of(item, encode::describe_macros, macro_page)
        }
        (.., Some(name)) => {
            let list = named(&all.lists, "list", name, |list| &list.name)?;
            args.format.of(list, encode::describe_lists, list_page)
        }
        _ if args.format == Format::Json => encode::describe(&all) + "\n",
        _ => overview(&all),
    };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Format {
    /// One item in this form.
    fn of<T>(self, item: &T, json: fn(&[T]) -> String, page: fn(&T) -> String) -> String {
        match self {
            Self::Text => page(item),
            Self::Json => json(std::slice::from_ref(item)) + "\n",
        }
    }
}

/// The item of this name.
fn named<'i, T>(
    items: &'i [T],
    what: &str,
    name: &str,
    name_of: fn(&T) -> &String,
) -> Result<&'i T> {
    if let Some(item) = items.iter().find(|item| name_of(item) == name) {
        return Ok(item);
    }
    let part = name.to_lowercase();
    let near = items.iter().map(name_of).filter(|other| other.to_lowercase().contains(&part));
    let near: Vec<_> = near.take(5).map(|other| format!("{other:?}")).collect();
    match &near[..] {
        [] => bail!("there is no {what} {name:?}; without --{what} all are listed"),
        near => bail!("there is no {what} {name:?}; did you mean {}?", near.join(" or ")),
    }
}

/// Names and meanings of everything.
pub(crate) fn overview(all: &Description) -> String {
    let mut page = String::new();
    if all.required_engine_version != "0.0.0" {
        line(&mut page, format_args!("needs Falco engine {}", all.required_engine_version));
    }
    for RequiredPlugin { name, version, alternatives } in &all.required_plugin_versions {
        let others = alternatives.iter().map(|(name, version)| format!(" or {name} {version}"));
        let others: String = others.collect();
        line(&mut page, format_args!("needs Falco plugin {name} {version}{others}"));
    }
    line(&mut page, format_args!("{}", some(all.rules.len(), "rule")));
    for rule in &all.rules {
        let state = if rule.enabled { "" } else { ", disabled" };
        line(&mut page, format_args!("  {} ({}{state})", rule.info.name, rule.info.priority));
        paragraph(&mut page, "    ", &rule.info.description);
    }
    line(&mut page, format_args!("{}", some(all.macros.len(), "macro")));
    for item in &all.macros {
        line(&mut page, format_args!("  {}{}", item.name, unused(item.used)));
    }
    line(&mut page, format_args!("{}", some(all.lists.len(), "list")));
    for list in &all.lists {
        let items = some(list.items_compiled.len(), "item");
        line(&mut page, format_args!("  {} ({items}){}", list.name, unused(list.used)));
    }
    page
}

fn rule_page(rule: &RuleDescription) -> String {
    let info = &rule.info;
    let mut page = format!("rule: {}\n", info.name);
    paragraph(&mut page, "  ", &info.description);
    let state = if rule.enabled { "enabled" } else { "disabled" };
    entry(&mut page, "priority", format_args!("{}", info.priority));
    entry(&mut page, "weight", format_args!("{}", info.weight));
    entry(&mut page, "state", format_args!("{state}, for source {}", info.source));
    names(&mut page, "tags", &info.tags);
    text(&mut page, "condition", &rule.condition);
    condition(&mut page, &rule.details);
    text(&mut page, "output", &rule.output);
    names(&mut page, "output fields", &rule.output_fields);
    names(&mut page, "exceptions", &rule.exception_names);
    names(&mut page, "exception fields", &rule.exception_fields);
    names(&mut page, "plugins of Falco", &rule.plugins);
    page
}

fn macro_page(item: &MacroDescription) -> String {
    let mut page = format!("macro: {}{}\n", item.name, unused(item.used));
    text(&mut page, "condition", &item.condition);
    condition(&mut page, &item.details);
    page
}

fn list_page(list: &ListDescription) -> String {
    let mut page = format!("list: {}{}\n", list.name, unused(list.used));
    names(&mut page, "items", &list.items);
    names(&mut page, "lists in it", &list.lists);
    if !list.lists.is_empty() {
        names(&mut page, "all items", &list.items_compiled);
    }
    page
}

fn condition(page: &mut String, details: &ConditionDetails) {
    names(page, "macros", &details.macros);
    names(page, "lists", &details.lists);
    names(page, "fields", &details.condition_fields);
    names(page, "operators", &details.condition_operators);
    match details.events.len() {
        count if count > MANY_EVENTS => entry(page, "events", format_args!("{count} kinds")),
        _ => names(page, "events", &details.events),
    }
    text(page, "as judged", &details.condition_compiled);
}

/// A heading and names, or nothing if there are none.
fn names(page: &mut String, heading: &str, names: &[String]) {
    if !names.is_empty() {
        entry(page, heading, format_args!("{}", names.join(", ")));
    }
}

/// A heading and text below it, or nothing if there is none.
fn text(page: &mut String, heading: &str, text: &str) {
    if !text.is_empty() {
        line(page, format_args!("  {heading}:"));
        paragraph(page, "    ", text);
    }
}

fn paragraph(page: &mut String, indent: &str, text: &str) {
    for part in text.trim().lines() {
        line(page, format_args!("{indent}{}", part.trim()));
    }
}

fn entry(page: &mut String, heading: &str, value: fmt::Arguments<'_>) {
    line(page, format_args!("  {heading}: {value}"));
}

/// A line; of what rules hold nothing may paint on the terminal.
fn line(page: &mut String, line: fmt::Arguments<'_>) {
    page.extend(line.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }));
    page.push('\n');
}

fn unused(used: bool) -> &'static str {
    if used { "" } else { ", unused" }
}

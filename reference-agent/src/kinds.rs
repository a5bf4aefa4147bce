//! `k8srd kinds`: what events there are, what they tell, and which of them the live sensor sees.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use k8srd_bpf::source::BpfSource;
use k8srd_core::field::NumberFormat;
use k8srd_core::kind::{KINDS, KindFlags, KindInfo, Origin, ParamInfo, ParamType, event_name_of};
use k8srd_core::set::KindSet;
use serde_json::{Value, json};

use crate::listing::{self, Format};
use crate::stdout;

/// List the kinds of events: their names for evt.type, their params, and which the sensor sees
///
/// Every event name that Falco takes may stand in a rule. Some are only names: no event has them,
/// or no rule is judged on those that do. What the live sensor does not see yet is marked; a
/// rule that needs it is named when watching begins.
#[derive(Args, Debug)]
pub(crate) struct KindsArgs {
    /// What to print: text for reading, markdown for a page, json for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &KindsArgs) -> Result<ExitCode> {
    let live = BpfSource::kinds();
    stdout::write(&match args.format {
        Format::Text => text(&live),
        Format::Markdown => markdown(&live),
        Format::Json => {
            let kinds: Vec<_> = KINDS.iter().map(|info| as_json(info, &live)).collect();
            listing::json(&json!({ "source": "syscall", "kinds": kinds }))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What a rule may do with a kind.
enum Use {
    /// It is judged on such events.
    Judged,
    /// It may name them, and never matches.
    NameOnly,
    /// The name means another kind.
    Hidden,
}

impl Use {
    fn of(info: &KindInfo) -> Self {
        let first = KINDS.iter().find(|other| other.name == info.name);
        if first.is_some_and(|first| first.kind.is_state() != info.kind.is_state()) {
            return Self::Hidden;
        }
        let named_otherwise = info.kind.is_call() && event_name_of(&info.name).is_some();
        if info.kind.is_state() || named_otherwise { Self::NameOnly } else { Self::Judged }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::NameOnly => "name only",
            Self::Hidden => "state only",
        }
    }
}

fn origin(info: &KindInfo) -> &'static str {
    match info.origin {
        Origin::Syscall => "system call",
        Origin::Tracepoint => "tracepoint",
        Origin::Iterator => "iterator",
        Origin::Meta => "meta",
        Origin::Plugin => "plugin",
        _ => "custom",
    }
}

/// What `evt.category` says.
fn category(info: &KindInfo) -> &'static str {
    info.category.name().unwrap_or("by descriptor")
}

fn flag_name(flag: KindFlags) -> &'static str {
    match flag {
        KindFlags::MODIFIES_STATE => "changes state",
        KindFlags::CREATES_FD => "makes a descriptor",
        KindFlags::DESTROYS_FD => "closes a descriptor",
        KindFlags::USES_FD => "uses a descriptor",
        KindFlags::READS_FROM_FD => "reads",
        KindFlags::WRITES_TO_FD => "writes",
        KindFlags::WAITS => "may wait",
        KindFlags::BESIDE_THREAD => "is no deed of its thread",
        _ => "may be large",
    }
}

/// `flags32`, `uint64 hex`.
fn param_type(param: &ParamInfo) -> String {
    use ParamType as P;
    let mut name = param.ty.name().to_owned();
    if matches!(param.ty, P::Int | P::Uint | P::Flags | P::EnumFlags) {
        let _ = write!(name, "{}", u32::from(param.width) * 8);
    }
    match param.format {
        NumberFormat::Hex => name.push_str(" hex"),
        NumberFormat::Octal => name.push_str(" octal"),
        _ => {}
    }
    name
}

fn params(info: &KindInfo) -> String {
    let params = info.params.iter().map(|it| format!("{}: {}", it.name, param_type(it)));
    params.collect::<Vec<_>>().join(", ")
}

fn code(info: &KindInfo) -> String {
    info.kind.falco_code().map_or_else(|| "none".to_owned(), |code| code.to_string())
}

/// The kinds with a row of their own; calls without an event of their own are alike but for the name.
fn rows() -> impl Iterator<Item = &'static KindInfo> {
    KINDS.iter().filter(|info| !info.kind.is_call())
}

fn calls() -> impl Iterator<Item = &'static KindInfo> {
    KINDS.iter().filter(|info| info.kind.is_call())
}

fn text(live: &KindSet) -> String {
    let mut text = String::new();
    for info in rows() {
        let seen = if live.contains(info.kind) { ", seen live" } else { "" };
        let _ = writeln!(
            text,
            "{}  code {}, {}, {}, {}{seen}",
            info.name,
            code(info),
            origin(info),
            category(info),
            Use::of(info).name(),
        );
        if !info.params.is_empty() {
            let _ = writeln!(text, "    {}", params(info));
        }
    }
    text.push_str("\nsystem calls without an event of their own:\n");
    for info in calls() {
        let _ = match event_name_of(&info.name) {
            Some(event) => writeln!(text, "{}  no event has this name, but {event}", info.name),
            None => writeln!(text, "{}", info.name),
        };
    }
    text.push('\n');
    text.push_str(&summary(live));
    text
}

fn summary(live: &KindSet) -> String {
    let judged = KINDS.iter().filter(|info| matches!(Use::of(info), Use::Judged));
    let (mut all, mut seen) = (0, 0);
    for info in judged {
        all += 1;
        seen += u32::from(live.contains(info.kind));
    }
    format!("{all} kinds that rules are judged on, {seen} of them seen by the live sensor\n")
}

const USES: &str = "\
- *judged*: rules are judged on such events;
- *name only*: rules may name it, and never match: no event has the name, or only state has it;
- *state only*: its name in rules means the kind that is judged.
";

fn markdown(live: &KindSet) -> String {
    let mut page = format!(
        "# Kinds of events\n\n\
         What `evt.type` may be in rules of source `syscall`. Made by `k8srd kinds --format \
         markdown`; the rows are in `k8srd-core/src/kind/`.\n\n\
         Codes, names and params are those of Falco's event table. How rules see a kind:\n\n\
         {USES}\n{}\n\
         Flags, by letter: ",
        summary(live)
    );
    let flags = KindFlags::LETTERS.map(|(flag, letter)| format!("{letter} {}", flag_name(flag)));
    let _ = writeln!(
        page,
        "{}.\n\n## Kinds with params\n\n\
         | kind | code | origin | `evt.category` | flags | rules | live | params |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |",
        flags.join(", ")
    );
    for info in rows() {
        let live = if live.contains(info.kind) { "yes" } else { "no" };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {live} | {} |",
            info.name,
            code(info),
            origin(info),
            category(info),
            info.flags.letters().collect::<String>(),
            Use::of(info).name(),
            listing::cell(&params(info)),
        );
    }
    page.push_str(
        "\n## System calls without an event of their own\n\n\
         Falco records them under code 1, with the number of the call as a param. The live sensor \
         sees none of them yet.\n\n",
    );
    let plain = calls().filter(|info| event_name_of(&info.name).is_none());
    let plain: Vec<_> = plain.map(|info| format!("`{}`", info.name)).collect();
    let _ = writeln!(page, "{}.\n", plain.join(", "));
    page.push_str(
        "Names of system calls whose events have another name; rules may hold them, and no event \
         matches:\n\n| name | its events |\n| --- | --- |\n",
    );
    for info in calls() {
        if let Some(event) = event_name_of(&info.name) {
            let _ = writeln!(page, "| `{}` | `{event}` |", info.name);
        }
    }
    page
}

fn as_json(info: &KindInfo, live: &KindSet) -> Value {
    let params = info.params.iter().map(|param| {
        let names: Vec<_> = param.flags.iter().map(|(name, value)| json!([name, value])).collect();
        json!({
            "name": param.name,
            "type": param.ty.name(),
            "bytes": (param.width > 0).then_some(param.width),
            "number_format": match param.format {
                NumberFormat::Hex => "hexadecimal",
                NumberFormat::Octal => "octal",
                _ => "decimal",
            },
            "names": (!names.is_empty()).then_some(names),
        })
    });
    let flags = KindFlags::LETTERS.into_iter().filter(|(flag, _)| info.flags.contains(*flag));
    json!({
        "name": info.name,
        "kind": info.kind.0,
        "code": info.kind.falco_code(),
        "origin": origin(info),
        "category": info.category.name(),
        "flags": flags.map(|(flag, _)| flag_name(flag)).collect::<Vec<_>>(),
        "codes_of_this_name": info.codes,
        "rules": Use::of(info).name(),
        "events_are_named": info.kind.is_call().then(|| event_name_of(&info.name)).flatten(),
        "live": live.contains(info.kind),
        "params": params.collect::<Vec<_>>(),
    })
}

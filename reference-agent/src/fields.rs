//! `k8srd fields`: what rules may ask for, and who answers it.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use k8srd_core::event::Scope;
use k8srd_core::field::{
    ArgRule, FieldClass, FieldInfo, FieldType, Multiplicity, NumberFormat, Usage,
};
use k8srd_core::schema::Schema;
use serde_json::{Value, json};

use crate::config::WrongCall;
use crate::listing::{self, Format, cell};
use crate::stdout;

/// List the fields that rules may name: type, argument, meaning, and who answers them
///
/// Every field of Falco and of its container and k8smeta plugins may stand in a rule. What no part
/// of k8srd answers yet is marked with the reason: it reads as a field without value, and a rule
/// that needs it is named when watching begins.
#[derive(Args, Debug)]
pub(crate) struct FieldsArgs {
    /// Only the fields of this source of events
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,

    /// What to print: text for reading, markdown for a page, json for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &FieldsArgs) -> Result<ExitCode> {
    let schema = Schema::falco();
    if let Some(source) = &args.source
        && source != schema.source_name()
    {
        let known = schema.source_name();
        return Err(WrongCall(format!("no source is named {source}; there is: {known}")).into());
    }
    stdout::write(&match args.format {
        Format::Text => text(&schema),
        Format::Markdown => markdown(&schema),
        Format::Json => listing::json(&as_json(&schema)),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The fields by class, classes in the order in which they first occur.
fn by_class(schema: &Schema) -> Vec<(FieldClass, Vec<&FieldInfo>)> {
    let mut classes: Vec<(FieldClass, Vec<&FieldInfo>)> = Vec::new();
    for info in schema.fields() {
        match classes.iter_mut().find(|(class, _)| *class == info.class) {
            Some((_, fields)) => fields.push(info),
            None => classes.push((info.class, vec![info])),
        }
    }
    classes
}

fn text(schema: &Schema) -> String {
    let mut text = String::new();
    for (class, fields) in by_class(schema) {
        let _ = writeln!(text, "{}: {}\n", class.name(), class.title());
        for info in fields {
            let mut facts = vec![value_type(info)];
            if info.arg != ArgRule::None {
                let need = if info.arg == ArgRule::Required { "needs" } else { "may have" };
                facts.push(format!("{need} {}", info.arg_form.syntax()));
            }
            facts.extend(notes(info).into_iter().map(str::to_owned));
            let _ = writeln!(text, "  {}  {}", info.name, facts.join(", "));
            let _ = writeln!(text, "      {}", info.doc);
            let _ = match info.answered_by.answer() {
                Ok(part) => writeln!(text, "      answered by: {part}"),
                Err(reason) => writeln!(text, "      not answered yet: {reason}"),
            };
        }
        text.push('\n');
    }
    text.push_str(&summary(schema));
    text
}

fn summary(schema: &Schema) -> String {
    let fields = schema.fields();
    let answered = fields.iter().filter(|info| info.answered_by.answer().is_ok()).count();
    format!("{} fields, {answered} of them answered\n", fields.len())
}

fn markdown(schema: &Schema) -> String {
    let mut page = format!(
        "# Fields\n\n\
         What rules of source `{}` may ask for. Made by `k8srd fields --format markdown`; the rows \
         are in `k8srd-core/src/catalogue/`.\n\n\
         Every field of Falco and of its `container` and `k8smeta` plugins may stand in a rule. A \
         field that nobody answers yet\nreads as one without value.\n\n{}",
        schema.source_name(),
        summary(schema)
    );
    for (class, fields) in by_class(schema) {
        let _ = write!(
            page,
            "\n## {}: {}\n\n| field | values | argument | meaning | answered by |\n\
             | --- | --- | --- | --- | --- |\n",
            class.name(),
            class.title()
        );
        for info in fields {
            let mut values = vec![value_type(info)];
            values.extend(notes(info).into_iter().map(str::to_owned));
            let argument = match info.arg {
                ArgRule::None => String::new(),
                ArgRule::Optional => format!("`{}`, or none", info.arg_form.syntax()),
                ArgRule::Required => format!("`{}`", info.arg_form.syntax()),
            };
            let answer = match info.answered_by.answer() {
                Ok(part) => part.to_owned(),
                Err(reason) => format!("nobody yet: {reason}"),
            };
            let _ = writeln!(
                page,
                "| `{}` | {} | {argument} | {} | {answer} |",
                info.name,
                values.join("; "),
                cell(&info.doc)
            );
        }
    }
    page
}

/// The type of the values, and how many there are.
fn value_type(info: &FieldInfo) -> String {
    let ty = info.ty.name();
    match info.multiplicity {
        Multiplicity::One => ty.to_owned(),
        Multiplicity::List => format!("list of {ty}"),
        Multiplicity::Either => format!("{ty} of either end"),
        Multiplicity::Any => format!("{ty} of any ancestor"),
    }
}

/// What is special about a field.
fn notes(info: &FieldInfo) -> Vec<&'static str> {
    let usage = match info.usage {
        Usage::FilterOnly => Some("only in conditions"),
        Usage::OutputOnly => Some("only in outputs"),
        Usage::TableOnly => Some("in no rule"),
        _ => None,
    };
    let format = match info.format {
        NumberFormat::Hex => Some("printed as hexadecimal"),
        NumberFormat::Octal => Some("printed as octal"),
        NumberFormat::Padded => Some("printed with nine digits"),
        _ => None,
    };
    let flags = [
        (!info.operand, "not comparable with fields"),
        (!info.transformable, "not transformable"),
        (info.follows_path, "tells either name of a file"),
        (info.suggested, "suggested for outputs"),
        (info.deprecated, "deprecated"),
    ];
    let flags = flags.into_iter().filter_map(|(has, note)| has.then_some(note));
    usage.into_iter().chain(format).chain(flags).collect()
}

fn as_json(schema: &Schema) -> Value {
    let fields = schema.fields().iter().map(|info| field_json(schema, info));
    json!({ "source": schema.source_name(), "fields": fields.collect::<Vec<_>>() })
}

fn field_json(schema: &Schema, info: &FieldInfo) -> Value {
    let argument = (info.arg != ArgRule::None).then(|| {
        json!({
            "required": info.arg == ArgRule::Required,
            "syntax": info.arg_form.syntax(),
            "example": format!("{}{}", info.name, info.arg_form.example()),
        })
    });
    let bits = matches!(info.ty, FieldType::Int | FieldType::Uint).then_some(info.bits);
    let ended_by: Vec<&str> = info
        .ended_by
        .iter()
        .filter_map(|&kind| schema.kind_info(kind))
        .map(|kind| &*kind.name)
        .collect();
    json!({
        "name": info.name,
        "class": info.class.name(),
        "type": info.ty.name(),
        "bits": bits,
        "values": match info.multiplicity {
            Multiplicity::One => "one",
            Multiplicity::List => "list",
            Multiplicity::Either => "either end",
            Multiplicity::Any => "any ancestor",
        },
        "argument": argument,
        "in_conditions": info.usage.in_conditions(),
        "in_outputs": info.usage.in_outputs(),
        "number_format": match info.format {
            NumberFormat::Hex => "hexadecimal",
            NumberFormat::Octal => "octal",
            NumberFormat::Padded => "padded",
            _ => "decimal",
        },
        "comparable_with_fields": info.operand,
        "transformable": info.transformable,
        "deprecated": info.deprecated,
        "suggested": info.suggested,
        "follows_path": info.follows_path,
        "answered_by": info.answered_by.answer().ok(),
        "unanswered_because": info.answered_by.answer().err(),
        "holds_for": match info.scope {
            Scope::Thread => "thread",
            Scope::Process => "process",
            Scope::Lineage => "lineage",
            Scope::Container => "container",
            Scope::Node => "node",
            _ => "event",
        },
        "ended_by": ended_by,
        "description": info.doc,
    })
}

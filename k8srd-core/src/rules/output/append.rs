//! What configuration adds to the outputs of rules: Falco's `append_output`.

use std::sync::Arc;

use super::{Output, OutputProblem};
use crate::alert::RuleInfo;
use crate::rules::diagnostic::{Code, Diagnostic, Item, ItemKind, Sources, Span};
use crate::schema::Schema;

/// One entry of `append_output`: which rules, and what is added to their alerts.
///
/// ```
/// use k8srd_core::rules::{AppendOutput, ExtraField, Loader};
/// use k8srd_core::schema::Schema;
///
/// let mut everywhere = AppendOutput::default();
/// everywhere.extra_output = Some("on %evt.hostname".to_owned());
/// everywhere.extra_fields = vec![ExtraField::Raw("proc.exepath".to_owned())];
/// let rules = "
/// - rule: Shell started
///   desc: a shell was started
///   condition: evt.type = execve and proc.name = sh
///   output: a shell
///   priority: notice
/// ";
/// let loader = Loader::new(&Schema::falco()).append_output([everywhere]);
/// let (rules, diagnostics) = loader.add_file("rules.yaml", rules).load();
/// assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
/// let fields: Vec<_> = rules.rules()[0].output().fields().collect();
/// assert_eq!(fields, ["evt.hostname", "proc.exepath"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendOutput {
    /// Only rules of this source.
    pub source: Option<String>,
    /// Only the rule of this name.
    pub rule: Option<String>,
    /// Only rules that have all of these tags.
    pub tags: Vec<String>,
    /// What goes behind the output, after a blank.
    pub extra_output: Option<String>,
    /// What goes among the fields.
    pub extra_fields: Vec<ExtraField>,
    /// Whether the fields that say where something happened go behind the output as
    /// `name=value`: container, image, pod, namespace, and every static field.
    pub suggested_output: bool,
}

/// A field that is added to alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: Falco knows these two")]
pub enum ExtraField {
    /// A field of the event under its own name, with its own type.
    Raw(String),
    /// A text with fields in it, under a name of its own.
    Formatted {
        /// The name.
        key: String,
        /// The text, written like an output.
        format: String,
    },
}

/// All entries, compiled.
#[derive(Debug, Default)]
pub(in crate::rules) struct Additions {
    entries: Vec<Addition>,
}

#[derive(Debug)]
struct Addition {
    source: Option<String>,
    rule: Option<String>,
    tags: Vec<String>,
    behind: Vec<Output>,
    fields: Vec<(Arc<str>, Output)>,
    raw: Vec<Output>,
}

impl Additions {
    /// Compiles the entries once for all rules; problems are found in texts of their own, which
    /// are named after their place in the configuration.
    pub(in crate::rules) fn compile(
        schema: &Schema,
        entries: Vec<AppendOutput>,
        sources: &mut Sources,
        found: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut compile = |place: String, text: String| {
            let problems = match Output::compile(schema, &text) {
                Ok(output) => return Some(output),
                Err(problems) => problems,
            };
            let file = sources.add(place, text);
            found.extend(problems.into_iter().map(|problem| {
                let OutputProblem { span, message, help, .. } = problem;
                let item = Item::new(ItemKind::RuleOutput, "");
                let error = Diagnostic::new(Code::CompileOutput, item, message);
                error.at(Span { file, range: span }).help(help)
            }));
            None
        };
        let entries = entries.into_iter().enumerate().map(|(i, entry)| {
            let AppendOutput { source, rule, tags, extra_output, extra_fields, suggested_output } =
                entry;
            let place = format!("append_output[{i}]");
            let mut behind = Vec::new();
            if let Some(text) = extra_output {
                behind.extend(compile(format!("{place}.extra_output"), text));
            }
            if suggested_output {
                let suggested = suggested(schema).map(|text| compile(place.clone(), text));
                behind.extend(suggested.flatten());
            }
            let (mut fields, mut raw) = (Vec::new(), Vec::new());
            for (j, field) in extra_fields.into_iter().enumerate() {
                let place = format!("{place}.extra_fields[{j}]");
                match field {
                    ExtraField::Raw(name) => raw.extend(compile(place, format!("%{name}"))),
                    ExtraField::Formatted { key, format } => {
                        fields.extend(compile(place, format).map(|output| (key.into(), output)));
                    }
                }
            }
            Addition { source, rule, tags, behind, fields, raw }
        });
        Self { entries: entries.collect() }
    }

    /// Adds what is meant for this rule to its output.
    pub(in crate::rules) fn apply(&self, rule: &RuleInfo, output: &mut Output) {
        let is_meant = |entry: &&Addition| {
            let Addition { source, rule: name, tags, .. } = entry;
            source.as_ref().is_none_or(|source| *source == rule.source)
                && name.as_ref().is_none_or(|name| *name == rule.name)
                && tags.iter().all(|tag| rule.tags.contains(tag))
        };
        for entry in self.entries.iter().filter(is_meant) {
            entry.behind.iter().for_each(|behind| output.append(behind));
            entry.raw.iter().for_each(|raw| output.add_fields(raw));
            for (key, format) in &entry.fields {
                output.add_formatted(key, format);
            }
        }
    }
}

/// The fields that say where something happened, as the texts that go behind an output.
fn suggested(schema: &Schema) -> impl Iterator<Item = String> {
    let suggested = schema.fields().iter().filter(|info| info.suggested);
    suggested.map(|info| format!("{}=%{}", info.name.replace('.', "_"), info.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Loader, RuleSet};

    const RULES: &str = "
- rule: a
  desc: d
  condition: evt.type = open
  output: seen %proc.name
  priority: notice
  tags: [x, y]
- rule: b
  desc: d
  condition: evt.type = open
  output: seen
  priority: notice
";

    fn entry(output: &str, fields: Vec<ExtraField>) -> AppendOutput {
        let extra_output = (!output.is_empty()).then(|| output.to_owned());
        AppendOutput { extra_output, extra_fields: fields, ..AppendOutput::default() }
    }

    fn load(entries: impl IntoIterator<Item = AppendOutput>) -> (RuleSet, Vec<String>) {
        let loader = Loader::new(&Schema::falco()).append_output(entries);
        let (rules, diagnostics) = loader.add_file("r.yaml", RULES).load();
        let sources = diagnostics.sources();
        let told = diagnostics.iter().map(|d| {
            let place = d.span.as_ref().map_or("", |span| sources.name(span.file));
            format!("{place}: {}", d.message)
        });
        (rules, told.collect())
    }

    fn fields(rules: &RuleSet, rule: usize) -> Vec<&str> {
        rules.rules()[rule].output().fields().collect()
    }

    #[test]
    fn only_the_rules_that_are_meant_get_more() {
        let raw = |name: &str| vec![ExtraField::Raw(name.to_owned())];
        let tagged = AppendOutput { tags: vec!["y".into()], ..entry("", raw("fd.num")) };
        let named = AppendOutput { rule: Some("b".into()), ..entry("", raw("fd.name")) };
        let elsewhere =
            AppendOutput { source: Some("k8s_audit".into()), ..entry("%evt.num", vec![]) };
        let (rules, told) = load([tagged, named, elsewhere, entry("%evt.type", vec![])]);
        assert_eq!(told, [""; 0]);
        assert_eq!(fields(&rules, 0), ["evt.type", "fd.num", "proc.name"]);
        assert_eq!(fields(&rules, 1), ["evt.type", "fd.name"]);
    }

    #[test]
    fn suggested_fields_say_where_it_happened() {
        let suggested = AppendOutput { suggested_output: true, ..AppendOutput::default() };
        let (rules, _) = load([suggested]);
        let fields = fields(&rules, 1);
        assert!(["container.id", "k8s.ns.name"].iter().all(|name| fields.contains(name)));
    }

    #[test]
    fn problems_are_told_once_and_by_their_place_in_the_configuration() {
        let text = ExtraField::Formatted { key: "k".into(), format: "%no.field".into() };
        let (_, told) = load([entry("", vec![]), entry("%proc.nam", vec![text])]);
        assert_eq!(
            told,
            [
                "append_output[1].extra_output: unknown field proc.nam",
                "append_output[1].extra_fields[0]: unknown field no.field",
            ]
        );
    }
}

//! Which rule, macro or list, and which part of it, stands at a place of a rule file.

use std::ops::Range;

use super::diagnostic::{Diagnostic, Item, ItemKind};
use super::yaml::{self, Node};

/// The items of one rule file and the ranges they take.
///
/// A [`Diagnostic`] names the innermost item that it is about. Whoever shows the way there from
/// the outside, as Falco's JSON does, reads the outline of its file: once, not once a diagnostic.
///
/// ```
/// use k8srd_core::rules::Loader;
/// use k8srd_core::rules::outline::Outline;
/// use k8srd_core::schema::Schema;
///
/// let text = "- list: shells\n  items: [sh]\n- macro: shell\n  condition: proc.name in shells)\n";
/// let (_, diagnostics) = Loader::new(&Schema::falco()).add_file("a.yaml", text).load();
/// let diagnostic = diagnostics.iter().next().unwrap();
/// let path = Outline::of(text).path_to(diagnostic);
/// let items: Vec<_> = path.iter().map(|place| place.item.to_string()).collect();
/// assert_eq!(
///     items,
///     ["rules content", r#"macro "shell""#, "macro condition", "condition expression"]
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The items in the order of the file.
    items: Vec<Outlined>,
}

#[derive(Clone, Debug)]
struct Outlined {
    item: Item,
    range: Range<usize>,
    parts: Vec<(Item, Range<usize>)>,
}

/// An item and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Place {
    /// What it is.
    pub item: Item,
    /// The first byte of it.
    pub start: usize,
}

impl Outline {
    /// The outline of a rule file; of a file that is not YAML, of what comes before the document
    /// with the error.
    pub fn of(text: &str) -> Self {
        let (documents, _) = yaml::documents(text);
        let nodes = documents.iter().filter_map(Node::as_sequence).flatten();
        Self { items: nodes.filter_map(Outlined::of).collect() }
    }

    /// The items round a place of the file, from the outside.
    fn around(&self, at: usize) -> Vec<Place> {
        let place = |item: &Item, start| Place { item: item.clone(), start };
        let mut path = vec![place(&Item::new(ItemKind::RulesContent, ""), 0)];
        let after = self.items.partition_point(|outlined| outlined.range.start <= at);
        if let Some(Outlined { item, range, parts }) = self.items.get(..after).and_then(<[_]>::last)
            && at <= range.end
        {
            path.push(place(item, range.start));
            let inner = parts.iter().filter(|(_, range)| range.start <= at && at <= range.end);
            path.extend(inner.map(|(part, range)| place(part, range.start)));
        }
        path
    }

    /// The way from the whole file to what a diagnostic of it is about. The last place is that of
    /// the diagnostic itself.
    pub fn path_to(&self, diagnostic: &Diagnostic) -> Vec<Place> {
        let at = diagnostic.span.as_ref().map_or(0, |span| span.range.start);
        let is_it = |place: &Place| place.item == diagnostic.item;
        let mut path = self.around(at);
        // What the diagnostic is about may be larger than the innermost item at its place.
        path.truncate(path.iter().position(is_it).unwrap_or(path.len()));
        path.push(Place { item: diagnostic.item.clone(), start: at });
        path
    }
}

impl Outlined {
    fn of(node: &Node) -> Option<Self> {
        let entries = node.as_mapping()?;
        let kinds = [
            ("required_engine_version", ItemKind::RequiredEngineVersion),
            ("required_plugin_versions", ItemKind::RequiredPluginVersions),
            ("list", ItemKind::List),
            ("macro", ItemKind::Macro),
            ("rule", ItemKind::Rule),
        ];
        let known = kinds.into_iter().find_map(|(key, kind)| Some((node.value(key)?, kind)));
        let (item, parts) = match known {
            None => (Item::new(ItemKind::RulesContentItem, ""), Vec::new()),
            Some((name, kind @ (ItemKind::List | ItemKind::Macro | ItemKind::Rule))) => {
                (Item::new(kind, name.as_text().unwrap_or("")), parts(kind, entries))
            }
            Some((_, kind)) => (Item::new(kind, ""), parts(kind, entries)),
        };
        Some(Self { item, range: node.range.clone(), parts })
    }
}

/// The parts of a rule, macro or list that have a name of their own in messages.
fn parts(kind: ItemKind, keys: &[(Node, Node)]) -> Vec<(Item, Range<usize>)> {
    let mut parts = Vec::new();
    for (key, node) in keys {
        let part = match (kind, key.as_text()) {
            (ItemKind::Rule, Some("condition")) => ItemKind::RuleCondition,
            (ItemKind::Macro, Some("condition")) => ItemKind::MacroCondition,
            (ItemKind::Rule, Some("output")) => ItemKind::RuleOutput,
            (ItemKind::Rule, Some("priority")) => ItemKind::RulePriority,
            (_, Some("override")) => ItemKind::Override,
            (ItemKind::Rule, Some("exceptions")) => {
                for exception in node.as_sequence().into_iter().flatten() {
                    parts.push(named(ItemKind::Exception, exception));
                    let values = exception.value("values");
                    parts.extend(values.map(|values| {
                        (Item::new(ItemKind::ExceptionValues, ""), values.range.clone())
                    }));
                }
                continue;
            }
            (_, Some("required_plugin_versions")) => {
                for plugin in node.as_sequence().into_iter().flatten() {
                    parts.push(named(ItemKind::RequiredPlugin, plugin));
                    let others = plugin.value("alternatives");
                    let others = others.and_then(Node::as_sequence).into_iter().flatten();
                    parts.extend(others.map(|other| named(ItemKind::PluginAlternative, other)));
                }
                continue;
            }
            _ => continue,
        };
        parts.push((Item::new(part, ""), node.range.clone()));
    }
    parts
}

/// A part with a name of its own, under the key `name`.
fn named(kind: ItemKind, node: &Node) -> (Item, Range<usize>) {
    let name = node.value("name");
    (Item::new(kind, name.and_then(Node::as_text).unwrap_or("")), node.range.clone())
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::{Code, FileId, Span};
    use super::*;

    const TEXT: &str = "\
- list: shells
  items: [sh, bash]
- macro: open
  condition: evt.type = openat
- rule: r
  desc: d
  condition: >
    open and proc.name in (shells)
  output: o
  priority: INFO
  exceptions:
  - name: first
    fields: proc.name
  - name: second
    fields: fd.name
    values: [/tmp]
- what: ever
- required_plugin_versions:
  - name: json
    version: 0.1.0
    alternatives:
    - name: container
      version: 0.4.0
";

    /// The path to an item of this kind at the first place of `part`.
    fn path(part: &str, kind: ItemKind, name: &str) -> String {
        let start = TEXT.find(part).unwrap();
        let span = Span { file: FileId(0), range: start..start + 1 };
        let diagnostic = Diagnostic::new(Code::Validate, Item::new(kind, name), "").at(span);
        let path = Outline::of(TEXT).path_to(&diagnostic);
        assert_eq!(path.last().map(|last| last.start), Some(start), "{path:?}");
        let items = path.iter().map(|place| place.item.to_string());
        items.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_part_is_in_its_item() {
        let expression = |part| path(part, ItemKind::ConditionExpression, "");
        assert_eq!(
            expression("evt.type"),
            "rules content, macro \"open\", macro condition, condition expression"
        );
        assert_eq!(
            expression("proc.name in"),
            "rules content, rule \"r\", rule condition, condition expression"
        );
        // What a list brings into a condition is shown where the list says it.
        assert_eq!(expression("bash"), "rules content, list \"shells\", condition expression");
        let value = |part| path(part, ItemKind::ValueFor, "fields");
        assert_eq!(
            value("fd.name"),
            "rules content, rule \"r\", exception \"second\", value for \"fields\""
        );
        assert_eq!(
            value("/tmp"),
            "rules content, rule \"r\", exception \"second\", exception values, value for \"fields\""
        );
        assert_eq!(
            value("0.4.0"),
            "rules content, required plugin versions, required plugin versions entry \"json\", \
             required plugin versions alternative \"container\", value for \"fields\""
        );
        assert_eq!(value("what"), "rules content, rules content item, value for \"fields\"");
    }

    #[test]
    fn a_larger_item_ends_the_path() {
        assert_eq!(path("open and", ItemKind::Rule, "r"), "rules content, rule \"r\"");
        assert_eq!(path("name: f", ItemKind::RulesContent, ""), "rules content");
        assert_eq!(
            path("o\n  prio", ItemKind::RuleOutput, ""),
            "rules content, rule \"r\", rule output"
        );
    }

    #[test]
    fn text_that_is_no_rule_file_has_the_file_only() {
        for text in ["", "a: b", "- b: c: d", "- 1", "- [rule]"] {
            assert_eq!(Outline::of(text).around(1).len(), 1, "{text}");
        }
    }
}

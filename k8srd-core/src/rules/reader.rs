//! From a file's YAML to items. What is wrong with one item does not keep the next from being
//! read.

use std::collections::BTreeSet;

use super::diagnostic::{Code, Diagnostic, FileId, Item, ItemKind, Span};
use super::items::{
    Change, Entry, Exception, ListItem, MacroItem, RuleItem, RuleKeys, Value, ValueData,
};
use super::suggest::{did_you_mean, nearest};
use super::text::Text;
use super::yaml::{self, Data, Node};

/// The version of Falco's rule engine whose rules are understood here.
const ENGINE_VERSION: Version = Version { major: 0, minor: 63, patch: 0 };
/// The plugins of Falco whose fields are answered here, with the version that they are like.
const PLUGINS: &[(&str, Version)] = &[("container", Version { major: 0, minor: 7, patch: 1 })];

const APPENDABLE: &[&str] = &["condition", "output", "desc", "tags", "exceptions"];
const REPLACEABLE: &[&str] = &[
    "condition",
    "output",
    "desc",
    "priority",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
];

type Read<T> = Result<T, Box<Diagnostic>>;

/// Reads all items of a file, and adds what is wrong with them to `found`.
pub(super) fn read(file: FileId, source: &str, found: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let (documents, error) = yaml::documents(source);
    let mut reader = Reader { file, source, found };
    let mut entries = Vec::new();
    for document in &documents {
        let Some(nodes) = document.as_sequence() else {
            if !document.is_null() {
                let item = Item::new(ItemKind::RulesContent, "");
                let message = "the file must be a sequence of items, each beginning with `- `";
                let error = reader.error(Code::YamlValidate, &item, document, message);
                reader.found.push(*error);
            }
            continue;
        };
        for node in nodes.iter().filter(|node| !node.is_null()) {
            let before = reader.found.len();
            match reader.item(node) {
                Ok(entry) => entries.extend(entry),
                Err(error) => {
                    // The error says what the item lacks; what else it has is of no use.
                    let mut at = 0;
                    reader.found.retain(|warning| {
                        at += 1;
                        at <= before || warning.code != Code::UnknownKey
                    });
                    reader.found.push(*error);
                }
            }
        }
    }
    if let Some(yaml::YamlError { range, message }) = error {
        let item = Item::new(ItemKind::ValueFor, "");
        found.push(Diagnostic::new(Code::YamlParse, item, message).at(Span { file, range }));
    }
    entries
}

struct Reader<'a> {
    file: FileId,
    source: &'a str,
    found: &'a mut Vec<Diagnostic>,
}

/// A mapping and what it is.
struct Map<'n> {
    item: Item,
    node: &'n Node,
    entries: &'n [(Node, Node)],
}

impl<'n> Map<'n> {
    fn value(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|(own, _)| own.as_text() == Some(key));
        entry.map(|(_, value)| value)
    }
}

impl Reader<'_> {
    fn item(&mut self, node: &Node) -> Read<Option<Entry>> {
        let mut map = self.mapping(Item::new(ItemKind::RulesContentItem, ""), node)?;
        if let Some(value) = map.value("required_engine_version") {
            map.item.kind = ItemKind::RequiredEngineVersion;
            self.check_keys(&map, &["required_engine_version"]);
            self.engine_version(&map, value)?;
        } else if let Some(value) = map.value("required_plugin_versions") {
            map.item.kind = ItemKind::RequiredPluginVersions;
            self.check_keys(&map, &["required_plugin_versions"]);
            self.plugin_versions(&map, value)?;
        } else if map.value("list").is_some() {
            return self.list(map).map(|list| Some(Entry::List(list)));
        } else if map.value("macro").is_some() {
            return self.macro_item(map).map(|item| Some(Entry::Macro(item)));
        } else if map.value("rule").is_some() {
            return self.rule(map).map(|rule| Some(Entry::Rule(Box::new(rule))));
        } else {
            let known =
                ["rule", "macro", "list", "required_engine_version", "required_plugin_versions"];
            let keys = map.entries.iter().find_map(|(key, _)| key.as_text());
            let message = format!("an item with key {:?} is not known", keys.unwrap_or(""));
            let help = did_you_mean(keys.unwrap_or(""), known);
            let warning = self.error(Code::UnknownItem, &map.item, node, message);
            self.found.push(warning.help(help));
        }
        Ok(None)
    }

    fn engine_version(&mut self, map: &Map<'_>, value: &Node) -> Read<()> {
        let text = value.as_text().unwrap_or("");
        let version = match text.parse() {
            Ok(minor) => Some(Version { major: 0, minor, patch: 0 }),
            Err(_) => Version::parse(text),
        };
        let Some(version) = version else {
            let message = format!("{text:?} is no version such as 0.57.0 or 57");
            return Err(self.error(Code::YamlValidate, &map.item, value, message));
        };
        if !ENGINE_VERSION.serves(version) {
            let message = format!(
                "the rules are for engine version {version}, this engine is like {ENGINE_VERSION}"
            );
            return Err(self.error(Code::Validate, &map.item, value, message));
        }
        Ok(())
    }

    fn plugin_versions(&mut self, map: &Map<'_>, value: &Node) -> Read<()> {
        for node in self.sequence(map, "required_plugin_versions", value)? {
            let plugin = self.mapping(map.item.clone(), node)?;
            self.check_keys(&plugin, &["name", "version", "alternatives"]);
            let (mut names, mut served) = self.plugin(&plugin)?;
            if let Some(alternatives) = plugin.value("alternatives") {
                for node in self.sequence(&plugin, "alternatives", alternatives)? {
                    let alternative = self.mapping(map.item.clone(), node)?;
                    let (name, is_served) = self.plugin(&alternative)?;
                    names = format!("{names} or {name}");
                    served |= is_served;
                }
            }
            if !served {
                let message = format!("the rules need plugin {names}, which is not there");
                return Err(self.error(Code::Validate, &plugin.item, node, message));
            }
        }
        Ok(())
    }

    /// A plugin's name and version, and whether it is there.
    fn plugin(&mut self, map: &Map<'_>) -> Read<(String, bool)> {
        let name = self.text(map, "name")?;
        let text = self.text(map, "version")?;
        let Some(version) = Version::parse(&text) else {
            let message = format!("{text:?} is no version such as 0.4.0");
            return Err(self.error(Code::Validate, &map.item, map.node, message));
        };
        let served = PLUGINS.iter().any(|(own, there)| *own == name && there.serves(version));
        Ok((format!("{name} {version}"), served))
    }

    fn list(&mut self, mut map: Map<'_>) -> Read<ListItem> {
        let name = self.name(&mut map, ItemKind::List, "list")?;
        self.check_keys(&map, &["list", "items", "append", "override"]);
        let is_valid =
            |c: char| !matches!(c, '(' | ')' | '"' | '\'' | '=' | ',') && !c.is_whitespace();
        if !name.chars().all(is_valid) {
            let message = format!("conditions cannot hold {name:?} as the name of a list");
            let warning = self.error(Code::InvalidListName, &map.item, map.node, message);
            self.found.push(*warning);
        }
        let items = self.required(&map, "items")?;
        let items = self.texts(&map, "items", items)?;
        let (append, must_exist) = self.append(&map, "items")?;
        Ok(ListItem { name, span: self.span(map.node), items, append, must_exist })
    }

    fn macro_item(&mut self, mut map: Map<'_>) -> Read<MacroItem> {
        let name = self.name(&mut map, ItemKind::Macro, "macro")?;
        self.check_keys(&map, &["macro", "condition", "append", "override"]);
        let is_valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_valid {
            let message = format!("conditions cannot hold {name:?} as the name of a macro");
            let warning = self.error(Code::InvalidMacroName, &map.item, map.node, message);
            let help = "letters, digits and _ make a name, a letter first".to_owned();
            self.found.push(warning.help(help));
        }
        let condition = self.prose(&map, "condition")?;
        let (append, must_exist) = self.append(&map, "condition")?;
        Ok(MacroItem { name, span: self.span(map.node), condition, append, must_exist })
    }

    fn rule(&mut self, mut map: Map<'_>) -> Read<RuleItem> {
        let name = self.name(&mut map, ItemKind::Rule, "rule")?;
        self.check_keys(
            &map,
            &[&["rule", "append", "override", "source"][..], REPLACEABLE].concat(),
        );
        let change = self.change(&map)?;
        let keys = RuleKeys {
            condition: self.optional(&map, "condition", Self::prose)?,
            output: self.optional(&map, "output", Self::prose)?,
            description: self.optional(&map, "desc", Self::text)?,
            priority: self.optional(&map, "priority", |reader, map, key| {
                let text = reader.text(map, key)?;
                text.parse().map_err(|error| {
                    let item = Item::new(ItemKind::RulePriority, "");
                    let node = map.value(key).unwrap_or(map.node);
                    reader.error(Code::YamlValidate, &item, node, format!("{text:?} is {error}"))
                })
            })?,
            source: self.optional(&map, "source", Self::text)?,
            enabled: self.optional(&map, "enabled", Self::truth)?,
            tags: self.optional(&map, "tags", |reader, map, key| {
                let value = reader.required(map, key)?;
                reader.texts(map, key, value)
            })?,
            exceptions: self.exceptions(&map, change != Change::Define)?,
            warn_evttypes: self.optional(&map, "warn_evttypes", Self::truth)?,
            skip_if_unknown: self.optional(&map, "skip-if-unknown-filter", Self::truth)?,
        };
        Ok(RuleItem { name, span: self.span(map.node), change, keys })
    }

    /// What the item does to its rule; that the keys fit.
    fn change(&mut self, map: &Map<'_>) -> Read<Change> {
        let appends = self.optional(map, "append", Self::truth)? == Some(true);
        if appends {
            self.warn_append(map);
        }
        if let Some(overrides) = map.value("override") {
            if appends {
                let message = "`append: true` and `override` exclude each other";
                return Err(self.error(Code::Validate, &map.item, map.node, message));
            }
            let (append, replace) = self.overrides(map, overrides, APPENDABLE, REPLACEABLE)?;
            let said = |key: &str| append.contains(key) || replace.contains(key);
            for key in REPLACEABLE {
                if map.value(key).is_some() && !said(key) {
                    let message = format!("{key} is given, but `override` does not say what for");
                    let help = format!("add `{key}: replace` or `{key}: append` to `override`");
                    let error = self.error(Code::Validate, &map.item, map.node, message);
                    return Err(Box::new(error.help(help)));
                }
            }
            return Ok(Change::Override { append, replace });
        }
        if appends {
            let keys = ["condition", "exceptions"];
            if keys.iter().all(|key| map.value(key).is_none()) {
                let message = "an appended rule must have `condition` or `exceptions`";
                return Err(self.error(Code::Validate, &map.item, map.node, message));
            }
            let append = keys.into_iter().filter(|key| map.value(key).is_some()).collect();
            return Ok(Change::Override { append, replace: BTreeSet::new() });
        }
        let needed = ["condition", "output", "desc", "priority"];
        if needed.iter().all(|key| map.value(key).is_none()) {
            if map.value("enabled").is_none() {
                return self.required(map, "enabled").map(|_| Change::Enable);
            }
            let message = "an item with `enabled` alone is deprecated";
            let help = "add `override: {enabled: replace}`".to_owned();
            let warning = self.error(Code::DeprecatedItem, &map.item, map.node, message);
            self.found.push(warning.help(help));
            return Ok(Change::Enable);
        }
        for key in needed {
            self.required(map, key)?;
        }
        Ok(Change::Define)
    }

    /// Whether a list or macro is appended to, and whether it has to be there.
    fn append(&mut self, map: &Map<'_>, key: &'static str) -> Read<(bool, bool)> {
        let appends = self.optional(map, "append", Self::truth)? == Some(true);
        if appends {
            self.warn_append(map);
        }
        let Some(overrides) = map.value("override") else { return Ok((appends, appends)) };
        if appends {
            let message = "`append: true` and `override` exclude each other";
            return Err(self.error(Code::Validate, &map.item, map.node, message));
        }
        let (append, _) = self.overrides(map, overrides, &[key], &[key])?;
        Ok((!append.is_empty(), true))
    }

    fn warn_append(&mut self, map: &Map<'_>) {
        let message = "`append` is deprecated";
        let help = "use `override` with `append` as the value of each key".to_owned();
        let warning = self.error(Code::DeprecatedItem, &map.item, map.node, message);
        self.found.push(warning.help(help));
    }

    /// The keys to append to and to replace.
    fn overrides(
        &mut self,
        map: &Map<'_>,
        node: &Node,
        appendable: &[&'static str],
        replaceable: &[&'static str],
    ) -> Read<(BTreeSet<&'static str>, BTreeSet<&'static str>)> {
        let item = Item::new(ItemKind::Override, "");
        let (mut append, mut replace) = (BTreeSet::new(), BTreeSet::new());
        for (key_node, value) in self.mapping(item.clone(), node)?.entries {
            let (key, action) = (key_node.as_text().unwrap_or(""), value.as_text().unwrap_or(""));
            let (allowed, chosen) = match action {
                "append" => (appendable, &mut append),
                "replace" => (replaceable, &mut replace),
                _ => {
                    let item = Item::new(ItemKind::ValueFor, key);
                    let message = format!("{action:?} is neither append nor replace");
                    return Err(self.error(Code::Validate, &item, value, message));
                }
            };
            let item = Item::new(ItemKind::Override, key);
            let Some(known) = allowed.iter().find(|known| **known == key) else {
                let message = format!("{key:?} has nothing to {action}");
                let error = self.error(Code::Validate, &item, key_node, message);
                let help = did_you_mean(key, allowed.iter().copied());
                return Err(Box::new(error.help(help)));
            };
            if map.value(key).is_none() {
                let message = format!("`override` names {key}, which the item does not have");
                return Err(self.error(Code::Validate, &map.item, key_node, message));
            }
            chosen.insert(*known);
        }
        Ok((append, replace))
    }

    fn exceptions(&mut self, map: &Map<'_>, changes: bool) -> Read<Option<Vec<Exception>>> {
        let Some(value) = map.value("exceptions") else { return Ok(None) };
        if value.is_null() {
            return Ok(Some(Vec::new()));
        }
        let mut exceptions = Vec::<Exception>::new();
        for node in self.sequence(map, "exceptions", value)? {
            let exception = self.exception(node, changes)?;
            if exceptions.iter().any(|earlier| earlier.name == exception.name) {
                let item = Item::new(ItemKind::Exception, &exception.name);
                let message = "an exception of this name is there already; both count";
                let warning = self.error(Code::ExceptionNameNotUnique, &item, node, message);
                self.found.push(*warning);
            }
            exceptions.push(exception);
        }
        Ok(Some(exceptions))
    }

    fn exception(&mut self, node: &Node, changes: bool) -> Read<Exception> {
        let mut map = self.mapping(Item::new(ItemKind::Exception, ""), node)?;
        let name = self.name(&mut map, ItemKind::Exception, "name")?;
        self.check_keys(&map, &["name", "fields", "comps", "values"]);
        if !changes {
            self.required(&map, "fields")?;
        }
        let value = |key| map.value(key).map(|node| self.value(&map, key, node)).transpose();
        let (fields, operators) = (value("fields")?, value("comps")?);
        let values = match map.value("values") {
            Some(values) => {
                let nodes = self.sequence(&map, "values", values)?;
                let values = nodes.iter().map(|node| self.value(&map, "values", node));
                values.collect::<Read<_>>()?
            }
            None => Vec::new(),
        };
        if changes && map.value("values").is_none() {
            let message = "an exception is appended without values";
            let warning = self.error(Code::AppendNoValues, &map.item, node, message);
            self.found.push(*warning);
        }
        Ok(Exception { name, span: self.span(node), fields, operators, values })
    }

    fn value(&self, map: &Map<'_>, key: &str, node: &Node) -> Read<Value> {
        let data = match &node.data {
            Data::Scalar { text, .. } if text.is_empty() => {
                let message = format!("a value of {key} is empty");
                return Err(self.error(Code::YamlValidate, &map.item, node, message));
            }
            Data::Scalar { text, .. } => ValueData::Text(text.clone()),
            Data::Sequence(nodes) => {
                let values = nodes.iter().map(|node| self.value(map, key, node));
                ValueData::List(values.collect::<Read<_>>()?)
            }
            Data::Mapping(_) => {
                let message = format!("a value of {key} must be text or a sequence");
                return Err(self.error(Code::YamlValidate, &map.item, node, message));
            }
        };
        Ok(Value { span: self.span(node), data })
    }

    /// The item's name, which from here on is part of its problems.
    fn name(&mut self, map: &mut Map<'_>, kind: ItemKind, key: &str) -> Read<String> {
        map.item.kind = kind;
        let name = self.text(map, key)?;
        map.item.name.clone_from(&name);
        Ok(name)
    }

    fn optional<T>(
        &mut self,
        map: &Map<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Map<'_>, &str) -> Read<T>,
    ) -> Read<Option<T>> {
        if map.value(key).is_none() { Ok(None) } else { read(self, map, key).map(Some) }
    }

    /// Text that is put together and parsed later.
    fn prose(&mut self, map: &Map<'_>, key: &str) -> Read<Text> {
        let node = self.required(map, key)?;
        self.text(map, key)?;
        Ok(Text::of_scalar(node, self.file, self.source).unwrap_or_default())
    }

    fn text(&mut self, map: &Map<'_>, key: &str) -> Read<String> {
        let node = self.required(map, key)?;
        match node.as_text() {
            Some("") => {
                let message = format!("{key} is empty");
                Err(self.error(Code::YamlValidate, &map.item, node, message))
            }
            Some(text) => Ok(text.to_owned()),
            None => {
                let message = format!("{key} must be text");
                Err(self.error(Code::YamlValidate, &map.item, node, message))
            }
        }
    }

    fn truth(&mut self, map: &Map<'_>, key: &str) -> Read<bool> {
        let text = self.text(map, key)?;
        match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" | "y" => Ok(true),
            "false" | "no" | "off" | "n" => Ok(false),
            _ => {
                let node = self.required(map, key)?;
                let message = format!("{key} is true or false, not {text:?}");
                Err(self.error(Code::YamlValidate, &map.item, node, message))
            }
        }
    }

    fn texts(&mut self, map: &Map<'_>, key: &str, node: &Node) -> Read<Vec<String>> {
        let nodes = self.sequence(map, key, node)?;
        let texts = nodes.iter().map(|node| match node.as_text() {
            Some(text) => Ok(text.to_owned()),
            None => {
                let message = format!("each of {key} must be text");
                Err(self.error(Code::YamlValidate, &map.item, node, message))
            }
        });
        texts.collect()
    }

    fn sequence<'n>(&self, map: &Map<'_>, key: &str, node: &'n Node) -> Read<&'n [Node]> {
        node.as_sequence().ok_or_else(|| {
            let message = format!("{key} must be a sequence, such as [a, b]");
            self.error(Code::YamlValidate, &map.item, node, message)
        })
    }

    fn mapping<'n>(&mut self, item: Item, node: &'n Node) -> Read<Map<'n>> {
        let Data::Mapping(entries) = &node.data else {
            let message = "this must be a mapping of keys to values, such as `rule: name`";
            return Err(self.error(Code::YamlValidate, &item, node, message));
        };
        Ok(Map { item, node, entries })
    }

    fn required<'n>(&self, map: &Map<'n>, key: &str) -> Read<&'n Node> {
        map.value(key).ok_or_else(|| {
            let error =
                self.error(Code::YamlValidate, &map.item, map.node, format!("{key} is missing"));
            let keys = map.entries.iter().filter_map(|(key, _)| key.as_text());
            let help =
                nearest(key, keys).map(|near| format!("{near} is there, did you mean {key}?"));
            Box::new(error.help(help))
        })
    }

    /// Warns of keys that do nothing: unknown ones, and those that are there already.
    fn check_keys(&mut self, map: &Map<'_>, known: &[&str]) {
        let mut seen = BTreeSet::new();
        for (node, _) in map.entries {
            let key = node.as_text().unwrap_or("");
            let (message, help) = if !known.contains(&key) {
                (
                    format!("unknown key {key:?} does nothing"),
                    did_you_mean(key, known.iter().copied()),
                )
            } else if !seen.insert(key) {
                (format!("key {key:?} is there twice, the first one counts"), None)
            } else {
                continue;
            };
            let warning = self.error(Code::UnknownKey, &map.item, node, message);
            self.found.push(warning.help(help));
        }
    }

    fn error(
        &self,
        code: Code,
        item: &Item,
        node: &Node,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(code, item.clone(), message).at(self.span(node)))
    }

    /// Where a node is; of a mapping, its first key, which names it.
    fn span(&self, node: &Node) -> Span {
        let shown = match &node.data {
            Data::Mapping(entries) => entries.first().map_or(node, |(_, value)| value),
            _ => node,
        };
        Span { file: self.file, range: shown.range.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        let version =
            Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }

    /// Whether what needs `required` works with this version.
    fn serves(self, required: Self) -> bool {
        self.major == required.major && self >= required
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { major, minor, patch } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<(Code, String, String)> {
        let mut found = Vec::new();
        read(FileId(0), source, &mut found);
        found.into_iter().map(|d| (d.code, d.item.to_string(), d.message)).collect()
    }

    #[track_caller]
    fn check(source: &str, code: Code, item: &str, message: &str) {
        let found = problems(source);
        assert!(
            found.iter().any(|(c, i, m)| *c == code && i == item && m.contains(message)),
            "{source}: {found:?}"
        );
    }

    #[test]
    fn a_whole_rule_is_read() {
        let source = "
- required_engine_version: 0.57.0
- required_plugin_versions: [{name: container, version: 0.4.0}]
- list: shells
  items: [sh, bash]
- macro: open_read
  condition: evt.is_open_read=true
- rule: A rule
  desc: what
  condition: >
    open_read and
    proc.name in (shells)
  output: \"%proc.name\"
  priority: WARNING
  tags: [b, a]
  enabled: no
";
        let mut found = Vec::new();
        let entries = read(FileId(0), source, &mut found);
        assert!(found.is_empty(), "{found:?}");
        let [Entry::List(list), Entry::Macro(_), Entry::Rule(rule)] = &entries[..] else {
            panic!("{entries:?}")
        };
        assert_eq!(list.items, ["sh", "bash"]);
        assert_eq!(rule.name, "A rule");
        assert_eq!(rule.change, Change::Define);
        let condition = rule.keys.condition.as_ref().map(Text::as_str);
        assert_eq!(condition, Some("open_read and proc.name in (shells)"));
        assert_eq!(rule.keys.enabled, Some(false));
    }

    #[test]
    fn shapes_are_checked_and_the_next_item_is_read() {
        check("- list: x\n", Code::YamlValidate, "list \"x\"", "items is missing");
        check("- macro: m\n", Code::YamlValidate, "macro \"m\"", "condition is missing");
        check("- macro:\n", Code::YamlValidate, "macro", "macro is empty");
        check("- rule: r\n", Code::YamlValidate, "rule \"r\"", "enabled is missing");
        check("- rule: r\n  desc: d\n", Code::YamlValidate, "rule \"r\"", "condition is missing");
        check("- list: x\n  items: y\n", Code::YamlValidate, "list \"x\"", "a sequence");
        check("a: b\n", Code::YamlValidate, "rules content", "a sequence of items");
        check("- x\n", Code::YamlValidate, "rules content item", "a mapping");
        check("- rul: x\n", Code::UnknownItem, "rules content item", "\"rul\"");
        check("- list: x\n  items: [y]\n  item: z\n", Code::UnknownKey, "list \"x\"", "\"item\"");
        check("- list: a b\n  items: []\n", Code::InvalidListName, "list \"a b\"", "a b");
        check("- b: c: d\n", Code::YamlParse, "value for", "not YAML");
        assert_eq!(problems("- list: x\n- macro: m\n- rule: r\n").len(), 3);
        assert!(problems("").is_empty() && problems("---\n---\n- ~\n").is_empty());
    }

    #[test]
    fn overrides_say_what_they_do_to_each_key() {
        let rule = |rest: &str| format!("- rule: r\n  condition: x\n{rest}");
        let both = rule("  append: true\n  override: {condition: append}\n");
        check(&both, Code::Validate, "rule \"r\"", "exclude each other");
        let unsaid = rule("  tags: [a]\n  override: {condition: append}\n");
        check(&unsaid, Code::Validate, "rule \"r\"", "tags is given");
        let missing = rule("  override: {condition: append, tags: append}\n");
        check(&missing, Code::Validate, "rule \"r\"", "does not have");
        let wrong = rule("  priority: debug\n  override: {priority: append}\n");
        check(&wrong, Code::Validate, "overrides \"priority\"", "nothing to append");
        let action = rule("  override: {condition: add}\n");
        check(&action, Code::Validate, "value for \"condition\"", "neither");
        check(&rule("  append: true\n"), Code::DeprecatedItem, "rule \"r\"", "deprecated");
    }

    #[test]
    fn versions_must_fit() {
        let engine = |version: &str| format!("- required_engine_version: {version}\n");
        assert!(problems(&engine("63")).is_empty());
        let item = "required_engine_version";
        check(&engine("64"), Code::Validate, item, "engine version 0.64.0");
        check(&engine("1.0.0"), Code::Validate, item, "engine version 1.0.0");
        check(&engine("x"), Code::YamlValidate, item, "no version");
        let plugins = "- required_plugin_versions:\n  - {name: json, version: 0.1.0}\n";
        check(plugins, Code::Validate, "required plugin versions", "json 0.1.0");
        let alternative = "- required_plugin_versions:\n  - name: json\n    version: 0.1.0\n    alternatives: \
             [{name: container, version: 0.4.0}]\n";
        assert!(problems(alternative).is_empty());
    }
}

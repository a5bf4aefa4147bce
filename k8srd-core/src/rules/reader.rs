//! From a file's YAML to items, checked in the order in which Falco checks them
//! (`userspace/engine/rule_loader_reader.cpp` of falcosecurity/falco).

mod exceptions;
mod values;

use std::collections::BTreeSet;

use super::diagnostic::{Code, Diagnostic, FileId, Item, ItemKind};
use super::items::{Change, Entry, ListItem, MacroItem, Read, RuleItem, RuleKeys};
use super::requirements::{Plugin, Version};
use super::suggest::did_you_mean;
use super::yaml::{Data, Node};

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
/// The keys of a rule that Falco does not know: it warns of them, and loads the rule.
const OWN: &[&str] = &["weight", "response", "correlation"];
/// Those of them that have no meaning yet: they are accepted, and nothing reads them.
const RESERVED: &[&str] = &["response", "correlation"];

type Checked<T> = Result<T, Box<Diagnostic>>;

/// Reads the items of one file.
pub(super) struct Reader<'a> {
    pub(super) file: FileId,
    pub(super) source: &'a str,
    /// Whether keys that Falco does not know are told.
    pub(super) strict_falco: bool,
    /// What is odd about items that are read all the same.
    pub(super) found: &'a mut Vec<Diagnostic>,
}

/// A mapping and what it is.
struct Map<'n> {
    item: Item,
    node: &'n Node,
    entries: &'n [(Node, Node)],
}

impl<'n> Map<'n> {
    /// The value of a key.
    fn value(&self, key: &str) -> Option<&'n Node> {
        self.node.value(key)
    }
}

impl Reader<'_> {
    /// The items of a document; none where it is empty.
    ///
    /// # Errors
    ///
    /// Where it is not a sequence.
    pub(super) fn items<'n>(&self, document: &'n Node) -> Checked<&'n [Node]> {
        match document.as_sequence() {
            Some(nodes) => Ok(nodes),
            None if document.is_null() => Ok(&[]),
            None => {
                let item = Item::new(ItemKind::RulesContent, "");
                let message = "the file must be a sequence of items, each beginning with `- `";
                Err(self.error(Code::YamlValidate, &item, document, message))
            }
        }
    }

    /// One item; `None` where it is nothing that rules are made of.
    ///
    /// # Errors
    ///
    /// Its first problem: what else it has is of no use then.
    pub(super) fn item(&mut self, node: &Node) -> Checked<Option<Read>> {
        let map = self.mapping(Item::new(ItemKind::RulesContentItem, ""), node)?;
        if let Some(value) = map.value("required_engine_version") {
            self.engine_version(map, value).map(Some)
        } else if let Some(value) = map.value("required_plugin_versions") {
            self.plugin_versions(map, value).map(Some)
        } else if map.value("list").is_some() {
            self.list(map).map(Some)
        } else if map.value("macro").is_some() {
            self.macro_item(map).map(Some)
        } else if map.value("rule").is_some() {
            self.rule(map).map(Some)
        } else {
            let known =
                ["rule", "macro", "list", "required_engine_version", "required_plugin_versions"];
            let key = map.entries.iter().find_map(|(key, _)| key.as_text()).unwrap_or("");
            let message = format!("an item with key {key:?} is not known");
            let warning = self.error(Code::UnknownItem, &map.item, node, message);
            self.found.push(warning.help(did_you_mean(key, known)));
            Ok(None)
        }
    }

    fn engine_version(&mut self, mut map: Map<'_>, value: &Node) -> Checked<Read> {
        map.item.kind = ItemKind::RequiredEngineVersion;
        let text = self.scalar(&map, "required_engine_version")?;
        let version = values::number(text).map(Version::numbered).or_else(|| Version::parse(text));
        let Some(version) = version else {
            let message = format!("{text:?} is no version such as 0.57.0 or 57");
            return Err(self.error(Code::YamlValidate, &map.item, value, message));
        };
        let then = self.other_keys(&map, &["required_engine_version"]);
        Ok(Read { entry: Entry::Engine { version, span: self.span(value) }, then })
    }

    fn plugin_versions(&mut self, mut map: Map<'_>, value: &Node) -> Checked<Read> {
        map.item.kind = ItemKind::RequiredPluginVersions;
        let mut all = Vec::new();
        for node in self.sequence(&map.item, "required_plugin_versions", value)? {
            let (entry, plugin) = self.plugin(ItemKind::RequiredPlugin, node)?;
            let mut alternatives = vec![plugin];
            if let Some(others) = entry.value("alternatives") {
                for node in self.sequence(&entry.item, "alternatives", others)? {
                    alternatives.push(self.plugin(ItemKind::PluginAlternative, node)?.1);
                }
            }
            all.push(alternatives);
        }
        let then = self.other_keys(&map, &["required_plugin_versions"]);
        Ok(Read { entry: Entry::Plugins(all), then })
    }

    fn plugin<'n>(&self, kind: ItemKind, node: &'n Node) -> Checked<(Map<'n>, Plugin)> {
        let mut map = self.mapping(Item::new(kind, ""), node)?;
        let name = self.name(&mut map, kind, "name")?;
        let version = self.scalar(&map, "version")?.to_owned();
        let span = self.span(map.value("version").unwrap_or(node));
        Ok((map, Plugin { name, version, span }))
    }

    fn list(&mut self, mut map: Map<'_>) -> Checked<Read> {
        let name = self.name(&mut map, ItemKind::List, "list")?;
        let is_valid =
            |c: char| !matches!(c, '(' | ')' | '"' | '\'' | '=' | ',') && !c.is_whitespace();
        if !name.chars().all(is_valid) {
            let message = format!("conditions cannot hold {name:?} as the name of a list");
            let warning = self.error(Code::InvalidListName, &map.item, map.node, message);
            self.found.push(*warning);
        }
        let items = self.texts(&map, "items", self.required(&map, "items")?)?;
        let append = self.appends(&map, "items")?;
        let then = self.other_keys(&map, &["list", "items", "append", "override"]);
        let list = ListItem { name, span: self.span(map.node), items, append };
        Ok(Read { entry: Entry::List(list), then })
    }

    fn macro_item(&mut self, mut map: Map<'_>) -> Checked<Read> {
        let name = self.name(&mut map, ItemKind::Macro, "macro")?;
        let is_valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_valid {
            let message = format!("conditions cannot hold {name:?} as the name of a macro");
            let warning = self.error(Code::InvalidMacroName, &map.item, map.node, message);
            let help = "letters, digits and _ make a name, a letter first".to_owned();
            self.found.push(warning.help(help));
        }
        let condition = self.prose(&map, "condition")?;
        let append = self.appends(&map, "condition")?;
        let then = self.other_keys(&map, &["macro", "condition", "append", "override"]);
        let item = MacroItem { name, span: self.span(map.node), condition, append };
        Ok(Read { entry: Entry::Macro(item), then })
    }

    fn rule(&mut self, mut map: Map<'_>) -> Checked<Read> {
        let name = self.name(&mut map, ItemKind::Rule, "rule")?;
        let mut then = Vec::new();
        let source = self.optional_or_empty(&map, "source")?;
        let change = self.change(&map, &mut then)?;
        let keys = match &change {
            Change::Define => self.definition(&map)?,
            Change::Enable => RuleKeys {
                enabled: self.optional(&map, "enabled", Self::truth)?,
                ..RuleKeys::default()
            },
            // The source of an item that changes a rule says which rule is meant. Falco looks at
            // it only where the condition changes.
            Change::Override { append, replace } => {
                let says = |key: &str| append.contains(key) || replace.contains(key);
                let is_legacy = map.value("override").is_none();
                let source = source.filter(|_| is_legacy || says("condition"));
                RuleKeys { source, ..self.changes(&map, append, replace)? }
            }
        };
        let keys = RuleKeys { weight: self.weight(&map)?, ..keys };
        let known = [&["rule", "append", "override", "source"][..], REPLACEABLE, OWN].concat();
        then.extend(self.other_keys(&map, &known));
        let item = RuleItem { name, span: self.span(map.node), change, keys };
        Ok(Read { entry: Entry::Rule(Box::new(item)), then })
    }

    /// The keys of a whole rule, in Falco's order.
    fn definition(&mut self, map: &Map<'_>) -> Checked<RuleKeys> {
        Ok(RuleKeys {
            condition: Some(self.prose(map, "condition")?),
            output: Some(self.prose(map, "output")?),
            description: Some(self.scalar(map, "desc")?.to_owned()),
            priority: Some(self.priority(map, "priority")?),
            source: self.optional(map, "source", Self::text)?,
            enabled: self.optional(map, "enabled", Self::truth)?,
            capture: self.optional(map, "capture", Self::truth)?,
            capture_duration: self.optional(map, "capture_duration", Self::milliseconds)?,
            warn_evttypes: self.optional(map, "warn_evttypes", Self::truth)?,
            skip_if_unknown: self.optional(map, "skip-if-unknown-filter", Self::truth)?,
            tags: self.optional(map, "tags", Self::tags)?,
            exceptions: self.exceptions(map, false)?,
            weight: None,
        })
    }

    /// The keys that an item changes.
    fn changes(
        &mut self,
        map: &Map<'_>,
        append: &BTreeSet<&'static str>,
        replace: &BTreeSet<&'static str>,
    ) -> Checked<RuleKeys> {
        let says = |key: &str| append.contains(key) || replace.contains(key);
        let exceptions = if says("exceptions") {
            self.exceptions(map, append.contains("exceptions"))?
        } else {
            None
        };
        Ok(RuleKeys {
            condition: says("condition").then(|| self.prose(map, "condition")).transpose()?,
            exceptions,
            output: says("output").then(|| self.prose(map, "output")).transpose()?,
            description: says("desc").then(|| self.text(map, "desc")).transpose()?,
            tags: says("tags").then(|| self.tags(map, "tags")).transpose()?,
            priority: says("priority").then(|| self.priority(map, "priority")).transpose()?,
            capture: says("capture").then(|| self.truth(map, "capture")).transpose()?,
            capture_duration: says("capture_duration")
                .then(|| self.milliseconds(map, "capture_duration"))
                .transpose()?,
            enabled: says("enabled").then(|| self.truth(map, "enabled")).transpose()?,
            warn_evttypes: says("warn_evttypes")
                .then(|| self.truth(map, "warn_evttypes"))
                .transpose()?,
            skip_if_unknown: says("skip-if-unknown-filter")
                .then(|| self.truth(map, "skip-if-unknown-filter"))
                .transpose()?,
            source: None,
            weight: None,
        })
    }

    /// What the item does to its rule; that the keys fit. An error that Falco finds only once the
    /// rule is changed goes to `then`.
    fn change(&mut self, map: &Map<'_>, then: &mut Vec<Diagnostic>) -> Checked<Change> {
        let appends = self.appends_the_old_way(map)?;
        let (append, replace) = self.overrides(map, APPENDABLE, REPLACEABLE)?;
        if !(append.is_empty() && replace.is_empty()) {
            self.exclude(map, appends)?;
            let said = |key: &str| append.contains(key) || replace.contains(key);
            for key in append.iter().chain(&replace) {
                self.said(map, key)?;
            }
            let unsaid = REPLACEABLE.iter().find(|key| map.value(key).is_some() && !said(key));
            if let Some(key) = unsaid {
                let item = Item::new(ItemKind::Override, *key);
                let node = map.value(key).unwrap_or(map.node);
                let message = format!("{key} is given, but `override` does not say what for");
                let help = format!("add `{key}: replace` or `{key}: append` to `override`");
                then.push(self.error(Code::YamlValidate, &item, node, message).help(help));
            }
            return Ok(Change::Override { append, replace });
        }
        if appends {
            let keys = ["condition", "exceptions"];
            let append = keys.into_iter().filter(|key| map.value(key).is_some()).collect();
            return Ok(Change::Override { append, replace: BTreeSet::new() });
        }
        let needed = ["condition", "output", "desc", "priority"];
        if needed.iter().any(|key| map.value(key).is_some()) {
            return Ok(Change::Define);
        }
        self.required(map, "enabled")?;
        let message = "an item with `enabled` alone is deprecated";
        let help = "add `override: {enabled: replace}`".to_owned();
        let warning = self.error(Code::DeprecatedItem, &map.item, map.node, message);
        self.found.push(warning.help(help));
        Ok(Change::Enable)
    }

    /// Whether a list or macro, which is made of `key` alone, is appended to.
    fn appends(&mut self, map: &Map<'_>, key: &'static str) -> Checked<bool> {
        let appends = self.appends_the_old_way(map)?;
        let (append, replace) = self.overrides(map, &[key], &[key])?;
        if !(append.is_empty() && replace.is_empty()) {
            self.exclude(map, appends)?;
        }
        Ok(appends || !append.is_empty())
    }

    /// `append: true`
    fn appends_the_old_way(&mut self, map: &Map<'_>) -> Checked<bool> {
        let appends = self.optional(map, "append", Self::truth)? == Some(true);
        if appends {
            let message = "`append` is deprecated";
            let help = "use `override` with `append` as the value of each key".to_owned();
            let warning = self.error(Code::DeprecatedItem, &map.item, map.node, message);
            self.found.push(warning.help(help));
        }
        Ok(appends)
    }

    fn exclude(&self, map: &Map<'_>, appends: bool) -> Checked<()> {
        if appends {
            let message = "`append: true` and `override` exclude each other";
            return Err(self.error(Code::YamlValidate, &map.item, map.node, message));
        }
        Ok(())
    }

    /// The keys to append to and to replace. A text in the place of the mapping says nothing.
    fn overrides(
        &self,
        map: &Map<'_>,
        appendable: &[&'static str],
        replaceable: &[&'static str],
    ) -> Checked<(BTreeSet<&'static str>, BTreeSet<&'static str>)> {
        let (mut append, mut replace) = (BTreeSet::new(), BTreeSet::new());
        let entries = match map.value("override") {
            None => return Ok((append, replace)),
            Some(Node { data: Data::Scalar { .. }, .. }) => return Ok((append, replace)),
            Some(node) => self.mapping(Item::new(ItemKind::Override, ""), node)?.entries,
        };
        for (key_node, value) in entries {
            let (key, action) = (key_node.as_text().unwrap_or(""), value.as_text().unwrap_or(""));
            let (allowed, chosen) = match action {
                "append" => (appendable, &mut append),
                "replace" => (replaceable, &mut replace),
                _ => {
                    let item = Item::new(ItemKind::ValueFor, key);
                    let message = format!("{action:?} is neither append nor replace");
                    return Err(self.error(Code::YamlValidate, &item, value, message));
                }
            };
            let item = Item::new(ItemKind::Override, key);
            let Some(known) = allowed.iter().find(|known| **known == key) else {
                let message = format!("{key:?} has nothing to {action}");
                let error = self.error(Code::YamlValidate, &item, key_node, message);
                let help = did_you_mean(key, allowed.iter().copied());
                return Err(Box::new(error.help(help)));
            };
            chosen.insert(*known);
        }
        Ok((append, replace))
    }

    /// That the item has what its `override` names.
    fn said(&self, map: &Map<'_>, key: &str) -> Checked<()> {
        if map.value(key).is_some() {
            return Ok(());
        }
        let named = map.value("override").and_then(|overrides| overrides.entry(key));
        let node = named.map_or(map.node, |(named, _)| named);
        let message = format!("`override` names {key}, which the item does not have");
        Err(self.error(Code::YamlValidate, &map.item, node, message))
    }

    /// What is to be said of keys beside `known`, of those that Falco does not know, and of those
    /// that are there twice.
    fn other_keys(&self, map: &Map<'_>, known: &[&str]) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::new();
        let mut warnings = Vec::new();
        for (node, _) in map.entries {
            let key = node.as_text().unwrap_or("");
            let (code, message, help) = if !known.contains(&key) {
                let message = format!("unknown key {key:?} does nothing");
                (Code::UnknownKey, message, did_you_mean(key, known.iter().copied()))
            } else if !seen.insert(key) {
                let message = format!("key {key:?} is there twice, the first one counts");
                (Code::DuplicateKey, message, None)
            } else if self.strict_falco && map.item.kind == ItemKind::Rule && OWN.contains(&key) {
                let does = if RESERVED.contains(&key) { "is reserved" } else { "is of k8srd" };
                (Code::NotFalco, format!("key {key:?} {does}, Falco does not know it"), None)
            } else {
                continue;
            };
            warnings.push(self.error(code, &map.item, node, message).help(help));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;
    use crate::alert::Priority;
    use crate::rules::text::Text;

    /// What is read, with all problems in order.
    fn read(source: &str) -> (Vec<Entry>, Vec<Diagnostic>) {
        let (documents, error) = yaml::documents(source);
        assert!(error.is_none(), "{source}: {error:?}");
        let (mut entries, mut problems, mut found) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = Reader { file: FileId(0), source, strict_falco: true, found: &mut found };
        for document in &documents {
            let items = reader.items(document).unwrap_or_else(|error| {
                problems.push(*error);
                &[]
            });
            for node in items.iter().filter(|node| !node.is_null()) {
                let item = reader.item(node);
                problems.append(reader.found);
                match item {
                    Ok(Some(Read { entry, then })) => {
                        entries.push(entry);
                        problems.extend(then);
                    }
                    Ok(None) => {}
                    Err(error) => problems.push(*error),
                }
            }
        }
        (entries, problems)
    }

    fn problems(source: &str) -> Vec<Diagnostic> {
        read(source).1
    }

    #[track_caller]
    fn check(source: &str, code: Code, item: &str, message: &str) {
        let found = problems(source);
        let fits = |d: &Diagnostic| {
            d.code == code && d.item.to_string() == item && d.message.contains(message)
        };
        assert!(found.iter().any(fits), "{source}: {found:#?}");
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
  capture: true
  capture_duration: 5000
";
        let (entries, problems) = read(source);
        assert!(problems.is_empty(), "{problems:?}");
        let [
            Entry::Engine { .. },
            Entry::Plugins(plugins),
            Entry::List(list),
            Entry::Macro(_),
            Entry::Rule(rule),
        ] = &entries[..]
        else {
            panic!("{entries:?}")
        };
        assert_eq!(plugins[0][0].to_string(), "container 0.4.0");
        assert_eq!(list.items, ["sh", "bash"]);
        assert_eq!(rule.name, "A rule");
        assert_eq!(rule.change, Change::Define);
        let condition = rule.keys.condition.as_ref().map(Text::as_str);
        assert_eq!(condition, Some("open_read and proc.name in (shells)"));
        assert_eq!(rule.keys.priority, Some(Priority::Warning));
        assert_eq!(rule.keys.enabled, Some(false));
        assert_eq!((rule.keys.capture, rule.keys.capture_duration), (Some(true), Some(5000)));
    }

    #[test]
    fn shapes_are_checked_and_the_next_item_is_read() {
        let code = Code::YamlValidate;
        check("- list: x\n", code, "list \"x\"", "items is missing");
        check("- macro: m\n", code, "macro \"m\"", "condition is missing");
        check("- macro:\n", code, "macro", "macro is empty");
        check("- macro: ''\n", code, "value for \"macro\"", "macro is empty");
        check("- rule: [r]\n", code, "value for \"rule\"", "rule must be text");
        check("- rule: r\n", code, "rule \"r\"", "enabled is missing");
        check("- rule: r\n  desc: d\n", code, "rule \"r\"", "condition is missing");
        check("- list: x\n  items: y\n", code, "value for \"items\"", "a sequence");
        check("- list: x\n  items: [~]\n", code, "list item", "must be text");
        check("a: b\n", code, "rules content", "a sequence of items");
        check("- x\n", code, "rules content item", "a mapping");
        check("- rul: x\n", Code::UnknownItem, "rules content item", "\"rul\"");
        check("- list: x\n  items: [y]\n  item: z\n", Code::UnknownKey, "list \"x\"", "\"item\"");
        check("- list: a b\n  items: []\n", Code::InvalidListName, "list \"a b\"", "a b");
        let twice = "- list: x\n  items: [y]\n  items: [z]\n";
        check(twice, Code::DuplicateKey, "list \"x\"", "\"items\"");
        assert_eq!(problems("- list: x\n- macro: m\n- rule: r\n").len(), 3);
        assert!(problems("").is_empty() && problems("---\n---\n- ~\n").is_empty());
    }

    #[test]
    fn values_of_a_rule_are_checked_one_after_the_other() {
        let rule = |rest: &str| format!("- rule: r\n  condition: x\n  output: o\n{rest}");
        let full = |rest: &str| rule(&format!("  desc: d\n  priority: info\n{rest}"));
        let code = Code::YamlValidate;
        check(&rule("  priority: hi\n"), code, "rule \"r\"", "desc is missing");
        check(&rule("  desc: d\n  priority: hi\n"), code, "rule priority", "\"hi\" is not");
        check(&full("  enabled: maybe\n"), code, "value for \"enabled\"", "true or false");
        check(&full("  enabled: tRUE\n"), code, "value for \"enabled\"", "true or false");
        assert!(problems(&full("  enabled: No\n  capture: YES\n")).is_empty());
        let duration = full("  capture_duration: long\n");
        check(&duration, code, "value for \"capture_duration\"", "milliseconds");
        check(&full("  tags: a\n"), code, "value for \"tags\"", "a sequence");
        check(&full("  source: ''\n"), code, "value for \"source\"", "empty");
        check(&full("  exceptions: a\n"), code, "exceptions", "a sequence");
        check(&full("  exceptions: [a]\n"), code, "exception", "a mapping");
        check(&full("  exceptions: [{name: e}]\n"), code, "exception \"e\"", "fields is missing");
        let exception =
            |rest: &str| full(&format!("  exceptions: [{{name: e, fields: f, {rest}}}]"));
        check(&exception("values: v"), code, "exception values", "a sequence");
        check(&exception("values: [[a, '']]"), code, "value for", "a value is empty");
        check(&exception("comps: ''"), code, "value for \"comps\"", "a value is empty");
        assert!(problems(&exception("what: ever")).is_empty(), "Falco does not look there");
    }

    #[test]
    fn overrides_say_what_they_do_to_each_key() {
        let rule = |rest: &str| format!("- rule: r\n  condition: x\n{rest}");
        let code = Code::YamlValidate;
        let both = rule("  append: true\n  override: {condition: append}\n");
        check(&both, code, "rule \"r\"", "exclude each other");
        let unsaid = rule("  tags: [a]\n  override: {condition: append}\n");
        check(&unsaid, code, "overrides \"tags\"", "tags is given");
        let missing = rule("  override: {condition: append, tags: append}\n");
        check(&missing, code, "rule \"r\"", "does not have");
        let wrong = rule("  priority: debug\n  override: {priority: append}\n");
        check(&wrong, code, "overrides \"priority\"", "nothing to append");
        let action = rule("  override: {condition: add}\n");
        check(&action, code, "value for \"condition\"", "neither");
        check(&rule("  append: true\n"), Code::DeprecatedItem, "rule \"r\"", "deprecated");
        // What is no mapping says nothing: the item defines its rule.
        check(&rule("  override: condition\n"), code, "rule \"r\"", "output is missing");
    }

    #[test]
    fn keys_of_our_own_are_warned_of_for_falcos_sake() {
        let rule = |rest: &str| {
            format!("- rule: r\n  condition: x\n  output: o\n  desc: d\n  priority: info\n{rest}")
        };
        let weight = |text: &str| match &read(&rule(text)).0[..] {
            [Entry::Rule(rule)] => rule.keys.weight,
            other => panic!("{other:?}"),
        };
        assert_eq!(weight("  weight: 700\n"), Some(700));
        assert_eq!(weight("  weight: 1001\n"), None);
        check(&rule("  weight: 1001\n"), Code::WrongWeight, "value for \"weight\"", "0 to 1000");
        for key in OWN {
            let found = problems(&rule(&format!("  {key}: 5\n")));
            assert!(matches!(&found[..], [one] if one.code == Code::NotFalco), "{found:?}");
        }
    }

    #[test]
    fn versions_are_read() {
        for version in ["57", "0.57.0", "0x39"] {
            assert!(problems(&format!("- required_engine_version: {version}\n")).is_empty());
        }
        let item = "required_engine_version";
        check("- required_engine_version: x\n", Code::YamlValidate, item, "no version");
        check("- required_engine_version:\n", Code::YamlValidate, item, "empty");
        let plugins = |text: &str| format!("- required_plugin_versions: {text}\n");
        let code = Code::YamlValidate;
        check(&plugins("x"), code, "required plugin versions", "a sequence");
        check(&plugins("[x]"), code, "required plugin versions entry", "a mapping");
        let other = plugins("[{name: a, version: 1.0.0, alternatives: [{name: b}]}]");
        check(&other, code, "required plugin versions alternative \"b\"", "version is missing");
    }
}

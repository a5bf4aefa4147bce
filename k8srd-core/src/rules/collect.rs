//! Items of all files merged, in the order in which they were read.

use std::collections::{BTreeSet, HashMap};

use super::diagnostic::{Code, Diagnostic, Item, ItemKind, Span};
use super::exceptions::{self, Exceptions};
use super::items::{Change, Entry, ListItem, MacroItem, RuleItem, RuleKeys};
use super::problems::Problems;
use super::requirements::{self, ENGINE_VERSION, Plugin, Version};
use super::suggest::did_you_mean;
use super::text::Text;
use crate::alert::Priority;
use crate::schema::Schema;

/// A position in the order of all items.
pub(super) type Order = u32;

/// The lists, macros and rules that are there after all items so far.
#[derive(Debug, Default)]
pub(super) struct Collection {
    pub(super) lists: Table<List>,
    pub(super) macros: Table<Macro>,
    pub(super) rules: Table<Rule>,
    /// The highest version that a file needs.
    pub(super) engine: Version,
    /// What files need: each of these plugins, or one of those that will do instead.
    pub(super) plugins: Vec<Vec<Plugin>>,
    next: Order,
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) items: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Macro {
    pub(super) condition: Text,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) condition: Text,
    pub(super) output: Text,
    pub(super) description: String,
    pub(super) priority: Priority,
    pub(super) source: String,
    pub(super) enabled: bool,
    pub(super) tags: BTreeSet<String>,
    pub(super) exceptions: Exceptions,
    pub(super) warn_evttypes: bool,
    pub(super) skip_if_unknown: bool,
    pub(super) capture: bool,
    pub(super) capture_duration: u32,
    pub(super) weight: Option<u16>,
}

/// Things by name, in the order of their first definition.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: Vec<Row<T>>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
pub(super) struct Row<T> {
    pub(super) name: String,
    /// Where it was last defined.
    pub(super) span: Span,
    /// When it was first defined: its place among its like.
    pub(super) index: Order,
    /// When it was last changed: it sees what has a smaller index.
    pub(super) visibility: Order,
    /// When an item last had to do with it, even one that changes nothing but whether it is
    /// enabled.
    pub(super) touched: Order,
    pub(super) data: T,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), by_name: HashMap::new() }
    }
}

impl<T> Table<T> {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Row<T>> {
        self.rows.iter()
    }

    /// The place of a name among the rows.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Row<T>> {
        self.rows.get(self.place(name)?)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Row<T>> {
        self.rows.get_mut(self.by_name.get(name).copied()?)
    }

    /// Defines or replaces; what is replaced keeps its index.
    fn define(&mut self, name: String, span: Span, order: Order, data: T) {
        if let Some(row) = self.get_mut(&name) {
            *row = Row { index: row.index, name, span, visibility: order, touched: order, data };
        } else {
            self.by_name.insert(name.clone(), self.rows.len());
            self.rows.push(Row {
                name,
                span,
                index: order,
                visibility: order,
                touched: order,
                data,
            });
        }
    }
}

impl Collection {
    /// Applies one item.
    ///
    /// # Errors
    ///
    /// Where it changes something that is not there, or does not fit to it.
    pub(super) fn add(
        &mut self,
        entry: Entry,
        schema: &Schema,
        problems: &mut Problems,
    ) -> Result<(), Box<Diagnostic>> {
        let order = self.next;
        self.next += 1;
        match entry {
            Entry::Engine { version, span } => self.need_engine(version, span),
            Entry::Plugins(plugins) => {
                plugins.into_iter().try_for_each(|plugins| self.need_plugin(plugins))
            }
            Entry::List(list) => self.add_list(list, order),
            Entry::Macro(item) => self.add_macro(item, order),
            Entry::Rule(rule) if rule.change == Change::Define => {
                self.define_rule(*rule, order, schema, problems)
            }
            Entry::Rule(rule) => self.change_rule(*rule, order, schema),
        }
    }

    /// The position of the next item.
    pub(super) fn next(&self) -> Order {
        self.next
    }

    /// Makes sure that a list of this name is there: its definition had a problem, and what names
    /// it must not have one for that.
    pub(super) fn stand_in_list(&mut self, name: &str, span: Span) {
        if self.lists.get(name).is_none() {
            self.lists.define(name.to_owned(), span, self.next, List { items: Vec::new() });
            self.next += 1;
        }
    }

    fn need_engine(&mut self, version: Version, span: Span) -> Result<(), Box<Diagnostic>> {
        self.engine = self.engine.max(version);
        if ENGINE_VERSION.serves(version) {
            return Ok(());
        }
        let item = Item::new(ItemKind::RequiredEngineVersion, "");
        let message = format!(
            "the rules are for engine version {version}, this engine is like {ENGINE_VERSION}"
        );
        Err(Box::new(Diagnostic::new(Code::Validate, item, message).at(span)))
    }

    fn need_plugin(&mut self, alternatives: Vec<Plugin>) -> Result<(), Box<Diagnostic>> {
        let name = alternatives.first().map_or("", |plugin| &*plugin.name).to_owned();
        let wrong = |span: &Span, message: String| {
            let item = Item::new(ItemKind::RequiredPlugin, &name);
            Diagnostic::new(Code::Validate, item, message).at(span.clone())
        };
        let mut names = BTreeSet::new();
        for Plugin { name, version, span } in &alternatives {
            if Version::parse(version).is_none() {
                let message = format!("{version:?} is no version such as 0.4.0");
                return Err(Box::new(wrong(span, message)));
            }
            if !names.insert(name) {
                let message = format!("plugin {name} is among its own alternatives");
                return Err(Box::new(wrong(span, message)));
            }
        }
        let is_met = requirements::is_met(&alternatives);
        let error = alternatives.first().filter(|_| !is_met).map(|first| {
            let all = alternatives.iter().map(Plugin::to_string).collect::<Vec<_>>().join(" or ");
            let message = format!("the rules need plugin {all}, which is not built in");
            wrong(&first.span, message).help(format!("built in are {}", requirements::built_in()))
        });
        self.plugins.push(alternatives);
        error.map_or(Ok(()), |error| Err(Box::new(error)))
    }

    fn add_list(&mut self, item: ListItem, order: Order) -> Result<(), Box<Diagnostic>> {
        let ListItem { name, span, items, append } = item;
        match self.lists.get_mut(&name) {
            _ if !append => self.lists.define(name, span, order, List { items }),
            Some(row) => {
                row.data.items.extend(items);
                row.visibility = order;
            }
            None => {
                let names = self.lists.iter().map(|row| &*row.name);
                return Err(missing(ItemKind::List, &name, span, names));
            }
        }
        Ok(())
    }

    fn add_macro(&mut self, item: MacroItem, order: Order) -> Result<(), Box<Diagnostic>> {
        let MacroItem { name, span, condition, append } = item;
        match self.macros.get_mut(&name) {
            _ if !append => self.macros.define(name, span, order, Macro { condition }),
            Some(row) => {
                row.data.condition.append(&condition);
                row.visibility = order;
            }
            None => {
                let names = self.macros.iter().map(|row| &*row.name);
                return Err(missing(ItemKind::Macro, &name, span, names));
            }
        }
        Ok(())
    }

    fn define_rule(
        &mut self,
        item: RuleItem,
        order: Order,
        schema: &Schema,
        problems: &mut Problems,
    ) -> Result<(), Box<Diagnostic>> {
        let RuleItem { name, span, keys, .. } = item;
        let RuleKeys {
            condition,
            output,
            description,
            priority,
            source,
            enabled,
            tags,
            exceptions,
            warn_evttypes,
            skip_if_unknown,
            capture,
            capture_duration,
            weight,
        } = keys;
        let mut exceptions = exceptions.unwrap_or_default();
        let rule = Rule {
            condition: condition.unwrap_or_default(),
            output: output.unwrap_or_default(),
            description: description.unwrap_or_default(),
            priority: priority.unwrap_or(Priority::Debug),
            source: source.unwrap_or_else(|| "syscall".to_owned()),
            enabled: enabled.unwrap_or(true),
            tags: tags.unwrap_or_default().into_iter().collect(),
            exceptions: Exceptions::default(),
            warn_evttypes: warn_evttypes.unwrap_or(true),
            skip_if_unknown: skip_if_unknown.unwrap_or(false),
            capture: capture.unwrap_or(false),
            capture_duration: capture_duration.unwrap_or(0),
            weight,
        };
        let problem = |code, message: String| {
            Diagnostic::new(code, Item::new(ItemKind::Rule, &name), message).at(span.clone())
        };
        if let Some(earlier) = self.rules.get(&name)
            && earlier.data.source != rule.source
        {
            let (old, new) = (&earlier.data.source, &rule.source);
            return Err(Box::new(problem(Code::Validate, other_source(old, new))));
        }
        let known = rule.source == schema.source_name();
        if !known {
            let message = format!("the rule is for source {}, it is skipped", rule.source);
            let help = format!("this source is {}", schema.source_name());
            problems.push(problem(Code::UnknownSource, message).help(help));
        }
        for exception in &mut exceptions {
            exceptions::validate(exception, known.then_some(schema))?;
        }
        let rule = Rule { exceptions: Exceptions::new(exceptions), ..rule };
        self.rules.define(name, span, order, rule);
        Ok(())
    }

    fn change_rule(
        &mut self,
        item: RuleItem,
        order: Order,
        schema: &Schema,
    ) -> Result<(), Box<Diagnostic>> {
        let RuleItem { name, span, change, keys } = item;
        let Some(row) = self.rules.get_mut(&name) else {
            let names = self.rules.iter().map(|row| &*row.name);
            return Err(missing(ItemKind::Rule, &name, span, names));
        };
        row.touched = order;
        let rule = &mut row.data;
        let problem = |message: &str| {
            let item = Item::new(ItemKind::Rule, &name);
            Err(Box::new(Diagnostic::new(Code::Validate, item, message).at(span.clone())))
        };
        let RuleKeys {
            condition,
            output,
            description,
            priority,
            source,
            enabled,
            tags,
            exceptions,
            warn_evttypes,
            skip_if_unknown,
            capture,
            capture_duration,
            weight,
        } = keys;
        if let Some(source) = source.filter(|source| *source != rule.source) {
            return problem(&other_source(&rule.source, &source));
        }
        rule.weight = weight.or(rule.weight);
        let Change::Override { append, replace } = change else {
            rule.enabled = enabled.unwrap_or(rule.enabled);
            return Ok(());
        };
        if append.is_empty() && replace.is_empty() {
            return problem("what is appended to a rule is its `condition` or `exceptions`");
        }
        row.visibility = order;
        let known = rule.source == schema.source_name();
        let schema = known.then_some(schema);
        let adds = |key| append.contains(key);
        if let Some(condition) = condition {
            if adds("condition") {
                rule.condition.append(&condition);
            } else {
                rule.condition = condition;
            }
        }
        if let Some(output) = output {
            if adds("output") {
                rule.output.append(&output);
            } else {
                rule.output = output;
            }
        }
        if let Some(description) = description {
            rule.description = match adds("desc") {
                true => format!("{} {description}", rule.description),
                false => description,
            };
        }
        if let Some(tags) = tags {
            if !adds("tags") {
                rule.tags.clear();
            }
            rule.tags.extend(tags);
        }
        if let Some(changed) = exceptions {
            if replace.contains("exceptions") {
                // As in Falco, what is wrong with their fields is wrong with the condition.
                let mut changed = changed;
                for exception in &mut changed {
                    exceptions::validate(exception, None)?;
                }
                rule.exceptions = Exceptions::new(changed);
            } else {
                for exception in changed {
                    rule.exceptions.append(exception, schema)?;
                }
            }
        }
        rule.priority = priority.unwrap_or(rule.priority);
        rule.enabled = enabled.unwrap_or(rule.enabled);
        rule.warn_evttypes = warn_evttypes.unwrap_or(rule.warn_evttypes);
        rule.skip_if_unknown = skip_if_unknown.unwrap_or(rule.skip_if_unknown);
        rule.capture = capture.unwrap_or(rule.capture);
        rule.capture_duration = capture_duration.unwrap_or(rule.capture_duration);
        Ok(())
    }
}

fn other_source(old: &str, new: &str) -> String {
    format!("the rule is there for source {old}, it cannot become one for {new}")
}

fn missing<'n>(
    kind: ItemKind,
    name: &str,
    span: Span,
    names: impl Iterator<Item = &'n str>,
) -> Box<Diagnostic> {
    let message = format!("there is no {} {name:?} to change before this", kind.name());
    let error = Diagnostic::new(Code::Validate, Item::new(kind, name), message).at(span);
    Box::new(error.help(did_you_mean(name, names)))
}

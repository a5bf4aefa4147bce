//! What is loaded, said for people and programs: as much as Falco's `-L` says in JSON.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::ast::Condition;
use super::collect::{Collection, List, Macro, Row, Rule as RuleData};
use super::compile::{self, Parsed, Unused};
use super::items::{Exception, Value, ValueData};
use super::lists::{Lists, MAX_TOTAL_TEXT};
use super::load::{Rule, RuleSet};
use super::macros::Macros;
use super::problems::{Extent, Problems};
use super::requirements::Plugin;
use super::syntax::{Expr, Literal, Name, Operand, Right};
use super::text::Text;
use super::{exceptions, parser, plan, typing};
use crate::alert::RuleInfo;
use crate::field::FieldClass;
use crate::schema::Schema;

/// What a ruleset is made of.
///
/// ```
/// use k8srd_core::rules::Loader;
/// use k8srd_core::schema::Schema;
///
/// let text = "
/// - list: shells
///   items: [sh, bash]
/// - macro: shell
///   condition: proc.name in (shells)
/// - rule: Shell
///   desc: a shell was started
///   condition: evt.type = execve and shell
///   output: a shell (command=%proc.cmdline)
///   priority: notice
/// ";
/// let (rules, _) = Loader::new(&Schema::falco()).add_file("rules.yaml", text).load();
/// let described = rules.describe();
/// let rule = &described.rules[0];
/// assert_eq!(rule.condition, "evt.type = execve and shell");
/// assert_eq!(rule.details.macros, ["shell"]);
/// assert_eq!(rule.details.condition_fields, ["evt.type", "proc.name"]);
/// assert_eq!(rule.details.events, ["execve"]);
/// let compiled = "(evt.type = execve and proc.name in (sh, bash))";
/// assert_eq!(rule.details.condition_compiled, compiled);
/// assert_eq!(described.macros[0].details.lists, ["shells"]);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Description {
    /// The highest version of the engine that a file needs; `0.0.0` if none says.
    pub required_engine_version: String,
    /// The plugins that files need.
    pub required_plugin_versions: Vec<RequiredPlugin>,
    /// The rules in the order of definition.
    pub rules: Vec<RuleDescription>,
    /// The macros in the order of definition.
    pub macros: Vec<MacroDescription>,
    /// The lists in the order of definition.
    pub lists: Vec<ListDescription>,
}

/// A plugin that a file needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct RequiredPlugin {
    /// Its name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Names and versions of plugins that will do instead.
    pub alternatives: Vec<(String, String)>,
}

/// A rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuleDescription {
    /// What its alerts tell about it.
    pub info: Arc<RuleInfo>,
    /// Whether the files enable it.
    pub enabled: bool,
    /// The condition as written, with what later items append.
    pub condition: String,
    /// The output as written, with what later items append.
    pub output: String,
    /// What the condition is made of.
    pub details: ConditionDetails,
    /// The fields of the output.
    pub output_fields: Vec<String>,
    /// The names of the exceptions.
    pub exception_names: Vec<String>,
    /// The fields of the exceptions that have values.
    pub exception_fields: Vec<String>,
    /// The operators of the exceptions.
    pub exception_operators: Vec<String>,
    /// Plugins of Falco whose fields it reads.
    pub plugins: Vec<String>,
}

/// A macro.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MacroDescription {
    /// Its name.
    pub name: String,
    /// The condition as written, with what later items append.
    pub condition: String,
    /// Whether a rule or another macro names it.
    pub used: bool,
    /// What the condition is made of.
    pub details: ConditionDetails,
}

/// A list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListDescription {
    /// Its name.
    pub name: String,
    /// The items as written that are no lists.
    pub items: Vec<String>,
    /// The lists among the items.
    pub lists: Vec<String>,
    /// All items, those that are lists resolved.
    pub items_compiled: Vec<String>,
    /// Whether a rule, a macro or another list names it.
    pub used: bool,
}

/// What a condition is made of. All names are sorted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConditionDetails {
    /// The macros that it names itself.
    pub macros: Vec<String>,
    /// The lists that it names itself.
    pub lists: Vec<String>,
    /// The operators, those of its macros and exceptions too.
    pub condition_operators: Vec<String>,
    /// The fields with their arguments, those of its macros and exceptions too.
    pub condition_fields: Vec<String>,
    /// The kinds of events that it may hold for.
    pub events: Vec<String>,
    /// The condition as it is judged, with lists, macros and exceptions put in; empty where it does
    /// not compile.
    pub condition_compiled: String,
}

impl RuleSet {
    /// What the ruleset is made of. This compiles all macros again: it is for those who ask, not
    /// for every load.
    pub fn describe(&self) -> Description {
        let Self { schema, rules, collection, unused } = self;
        let mut problems = Problems::new(Extent::Everything);
        let mut budget = MAX_TOTAL_TEXT;
        let mut lists = Lists::new(&collection.lists);
        let conditions = collection
            .macros
            .iter()
            .map(|row| compile::parse(&mut lists, &row.data.condition).ok());
        let conditions: Vec<_> = conditions.collect();
        let broken = HashSet::new();
        let parts: Vec<_> = conditions
            .iter()
            .map(|parsed| parsed.as_ref().map(|parsed| Parts::of(&parsed.expr)).unwrap_or_default())
            .collect();
        let macros = Macros::new(schema, &collection.macros, conditions, &broken, &mut problems);
        let mut describer = Describer { schema, collection, lists, macros, parts };
        Description {
            required_engine_version: collection.engine.to_string(),
            required_plugin_versions: collection.plugins.iter().filter_map(|p| plugin(p)).collect(),
            rules: rules.iter().filter_map(|rule| describer.rule(rule)).collect(),
            macros: (0..collection.macros.iter().len())
                .filter_map(|at| describer.macro_at(at, unused))
                .collect(),
            lists: collection
                .lists
                .iter()
                .map(|row| describer.list(row, unused, &mut budget))
                .collect(),
        }
    }
}

fn plugin(alternatives: &[Plugin]) -> Option<RequiredPlugin> {
    let (first, others) = alternatives.split_first()?;
    let others = others.iter().map(|other| (other.name.clone(), other.version.clone()));
    let (name, version) = (first.name.clone(), first.version.clone());
    Some(RequiredPlugin { name, version, alternatives: others.collect() })
}

struct Describer<'a> {
    schema: &'a Schema,
    collection: &'a Collection,
    lists: Lists,
    macros: Macros<'a>,
    /// What each macro is made of by itself.
    parts: Vec<Parts>,
}

impl Describer<'_> {
    fn rule(&mut self, rule: &Rule) -> Option<RuleDescription> {
        let Row { data, .. } = self.collection.rules.get(&rule.info().name)?;
        let text = exceptions::write_out(&data.condition, data.exceptions.all()).ok()?;
        let parts = self.parts_of(&text);
        let output_fields: BTreeSet<_> = rule.output().fields().map(str::to_owned).collect();
        let names = parts.fields.iter().chain(&output_fields);
        let plugins: BTreeSet<_> = names.filter_map(|name| self.plugin_of(name)).collect();
        let (exception_fields, exception_operators) = exception_parts(data);
        Some(RuleDescription {
            info: Arc::clone(rule.info()),
            enabled: data.enabled,
            condition: data.condition.as_str().to_owned(),
            output: data.output.as_str().to_owned(),
            details: self.details(&data.condition, parts, Some(rule.condition())),
            output_fields: sorted(output_fields),
            exception_names: sorted(
                data.exceptions.all().iter().map(|exception| exception.name.clone()).collect(),
            ),
            exception_fields: sorted(exception_fields),
            exception_operators: sorted(exception_operators),
            plugins: sorted(plugins),
        })
    }

    fn macro_at(&mut self, at: usize, unused: &Unused) -> Option<MacroDescription> {
        let Row { name, data: Macro { condition }, .. } = self.collection.macros.iter().nth(at)?;
        let mut parts = self.parts.get(at).cloned().unwrap_or_default();
        self.add_macros(&mut parts);
        let itself = Name { name: name.clone(), span: 0..0 };
        self.macros.require(&Expr::Macro(itself.clone()), &mut Vec::new());
        let compiled = match self.macros.look_up(&itself) {
            typing::Macro::Is(typed) => Some(typed.condition.clone()),
            _ => None,
        };
        Some(MacroDescription {
            name: name.clone(),
            condition: condition.as_str().to_owned(),
            used: !unused.macros.contains(name),
            details: self.details(condition, parts, compiled.as_ref()),
        })
    }

    fn list(&self, row: &Row<List>, unused: &Unused, budget: &mut usize) -> ListDescription {
        let Row { name, data, .. } = row;
        let compiled = Lists::items_of(&self.collection.lists, row, budget);
        let is_list = |item: &&String| Lists::sees(&self.collection.lists, row, item).is_some();
        let (lists, items): (Vec<_>, Vec<_>) = data.items.iter().partition(is_list);
        ListDescription {
            name: name.clone(),
            items: items.into_iter().cloned().collect(),
            lists: sorted(lists.into_iter().cloned().collect()),
            items_compiled: compiled.into_iter().map(str::to_owned).collect(),
            used: !unused.lists.contains(name),
        }
    }

    fn details(
        &self,
        written: &Text,
        parts: Parts,
        compiled: Option<&Condition>,
    ) -> ConditionDetails {
        let written = parser::parse(written.as_str()).map(|expr| Parts::of(&expr));
        let Parts { macros, words, .. } = written.unwrap_or_default();
        let known = |name: &String| self.collection.lists.get(name).is_some();
        let events: BTreeSet<_> = compiled
            .map(|condition| plan::matched_kinds(self.schema, condition))
            .unwrap_or_default()
            .into_iter()
            .map(|info| info.name.to_string())
            .collect();
        ConditionDetails {
            macros: sorted(
                macros.into_iter().filter(|m| self.collection.macros.get(m).is_some()).collect(),
            ),
            lists: sorted(words.into_iter().filter(known).collect()),
            condition_operators: sorted(parts.operators),
            condition_fields: sorted(parts.fields),
            events: sorted(events),
            condition_compiled: compiled.map(Condition::to_string).unwrap_or_default(),
        }
    }

    /// What a condition is made of, with its lists and macros put in.
    fn parts_of(&mut self, condition: &Text) -> Parts {
        let parsed = compile::parse(&mut self.lists, condition).ok();
        let mut parts = parsed.map(|Parsed { expr, .. }| Parts::of(&expr)).unwrap_or_default();
        self.add_macros(&mut parts);
        parts
    }

    /// Adds what the macros are made of that are named, directly or not.
    fn add_macros(&self, parts: &mut Parts) {
        let mut seen = HashSet::new();
        let mut open: Vec<String> = parts.macros.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let place = self.collection.macros.place(&name);
            if !seen.insert(name) {
                continue;
            }
            let Some(inner) = place.and_then(|at| self.parts.get(at)) else { continue };
            parts.fields.extend(inner.fields.iter().cloned());
            parts.operators.extend(inner.operators.iter().cloned());
            open.extend(inner.macros.iter().cloned());
        }
    }

    /// The plugin of Falco that has a field.
    fn plugin_of(&self, field: &str) -> Option<String> {
        let name = field.split('[').next().unwrap_or(field);
        let class = self.schema.field_named(name)?.class;
        match class {
            FieldClass::Container | FieldClass::K8s => Some("container".to_owned()),
            FieldClass::K8smeta => Some("k8smeta".to_owned()),
            _ => None,
        }
    }
}

/// The names in a condition.
#[derive(Clone, Debug, Default)]
struct Parts {
    fields: BTreeSet<String>,
    operators: BTreeSet<String>,
    macros: BTreeSet<String>,
    /// Constants in lists, which may be names of lists.
    words: BTreeSet<String>,
}

impl Parts {
    fn of(expr: &Expr) -> Self {
        let mut parts = Self::default();
        parts.add(expr);
        parts
    }

    fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::And(all) | Expr::Or(all) => all.iter().for_each(|expr| self.add(expr)),
            Expr::Not(inner) => self.add(inner),
            Expr::Macro(name) => {
                self.macros.insert(name.name.clone());
            }
            Expr::Check(check) => {
                self.operators.insert(check.operator.text.to_owned());
                self.operand(&check.left);
                let words = match &check.right {
                    Right::Operand(operand) => {
                        self.operand(operand);
                        &[][..]
                    }
                    Right::List(words) => words,
                    Right::Value(_) | Right::Nothing => &[],
                };
                let text = |word: &Literal| String::from_utf8_lossy(&word.bytes).into_owned();
                self.words.extend(words.iter().map(text));
            }
        }
    }

    fn operand(&mut self, operand: &Operand) {
        operand.fields(&mut |field| {
            // As Falco shows it: without quotes round the argument, whatever it is.
            let argument = field.arg.as_ref().map(|arg| format!("[{arg}]")).unwrap_or_default();
            self.fields.insert(format!("{}{argument}", field.name));
        });
    }
}

/// The fields of the exceptions that have values, and the operators of all.
fn exception_parts(rule: &RuleData) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut fields, mut operators) = (BTreeSet::new(), BTreeSet::new());
    for Exception { fields: own, operators: comps, values, .. } in rule.exceptions.all() {
        if !values.is_empty() {
            own.iter().for_each(|own| texts(own, &mut fields));
        }
        match (comps, own.as_ref().map(|own| &own.data)) {
            (Some(comps), _) => texts(comps, &mut operators),
            (None, Some(ValueData::Text(_))) => operators.extend(["in".to_owned()]),
            (None, _) => operators.extend(["=".to_owned()]),
        }
    }
    (fields, operators)
}

fn texts(value: &Value, all: &mut BTreeSet<String>) {
    match &value.data {
        ValueData::Text(text) => all.extend([text.clone()]),
        ValueData::List(values) => values.iter().for_each(|value| texts(value, all)),
    }
}

fn sorted(names: BTreeSet<String>) -> Vec<String> {
    names.into_iter().collect()
}

//! From rule files to a ruleset: read, merge, put in lists and macros, type.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::ast::{self, Condition};
use super::collect::{Collection, Row, Rule as RuleData};
use super::diagnostic::{Code, Diagnostic, Diagnostics, Item, ItemKind, Severity, Sources};
use super::lists::{List, MAX_TEXT, is_word, words};
use super::macros::Macros;
use super::output::Output;
use super::syntax::{Expr, TextRange};
use super::text::Text;
use super::typing::{self, Problem, ProblemKind};
use super::{exceptions, parser, plan, reader};
use crate::alert::{Priority, RuleInfo};
use crate::catalogue;
use crate::schema::Schema;

/// How large all conditions together may get with their lists put in, in bytes.
const MAX_TOTAL_TEXT: usize = 64 << 20;
/// How many comparisons and constants all rules together may hold.
const MAX_TOTAL_SIZE: usize = 8_000_000;
/// Above how many kinds a rule is warned of that does not name any.
const MANY_KINDS: usize = 100;

/// Rules that can be compiled to a [`Plan`](super::Plan).
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(super) schema: Arc<Schema>,
    pub(super) rules: Vec<Rule>,
}

impl RuleSet {
    /// The rules in the order of definition. Those with problems are not among them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The schema that they were loaded against.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// One rule, its condition resolved and typed.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) info: Arc<RuleInfo>,
    pub(super) condition: Condition,
    pub(super) output: Output,
    pub(super) enabled: bool,
}

impl Rule {
    /// What alerts tell about it.
    pub fn info(&self) -> &Arc<RuleInfo> {
        &self.info
    }

    /// Its condition.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Its output.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether it is judged.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// Loads rule files, several as one.
///
/// ```
/// use k8srd_core::rules::Loader;
/// use k8srd_core::schema::Schema;
///
/// let (rules, diagnostics) = Loader::new(&Schema::falco())
///     .add_file(
///         "rules.yaml",
///         "
/// - list: shells
///   items: [sh, bash]
/// - rule: Shell started
///   desc: a shell was started
///   condition: evt.type = execve and proc.name in (shells)
///   output: a shell was started (command=%proc.cmdline)
///   priority: notice
/// ",
///     )
///     .load();
/// assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
/// assert_eq!(rules.rules().len(), 1);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Loader {
    schema: Arc<Schema>,
    sources: Sources,
    floor: Priority,
}

impl Loader {
    /// A loader of rules for events of this schema.
    pub fn new(schema: &Schema) -> Self {
        Self {
            schema: Arc::new(schema.clone()),
            sources: Sources::default(),
            floor: Priority::Debug,
        }
    }

    /// Adds a file, by its name and text. Later files change what earlier ones define.
    pub fn add_file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.sources.add(name.into(), text.into());
        self
    }

    /// Leaves out rules that are less urgent; they are checked all the same.
    pub fn min_priority(mut self, floor: Priority) -> Self {
        self.floor = floor;
        self
    }

    /// Loads everything, and finds every problem in one go. Where there are errors the ruleset
    /// holds the rules without one; whether to go on with these is the caller's decision.
    pub fn load(self) -> (RuleSet, Diagnostics) {
        let Self { schema, sources, floor } = self;
        let mut found = Vec::new();
        let (collection, broken) = collect(&schema, &sources, &mut found);
        let mut lists = Lists::new(&collection);
        let conditions: Vec<_> = collection
            .macros
            .iter()
            .map(|row| lists.parse(&row.data.condition, &mut found))
            .collect();
        let mut macros = Macros::new(&schema, &collection.macros, conditions, broken, &mut found);
        let mut compiler = Compiler {
            schema: &schema,
            lists: &mut lists,
            macros: &mut macros,
            found: &mut found,
            size: 0,
        };
        let rules = collection.rules.iter().filter_map(|row| compiler.rule(row));
        let rules: Vec<_> = rules.filter(|rule| rule.info.priority <= floor).collect();
        macros.warn_unused(&mut found);
        lists.warn_unused(&collection, &mut found);
        tidy(&mut found);
        (RuleSet { schema, rules }, Diagnostics::new(sources, found))
    }
}

/// Leaves out what repeats or follows from something else.
fn tidy(found: &mut Vec<Diagnostic>) {
    // In a file with errors something may only seem to be unused.
    let has_errors: HashSet<_> = found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .filter_map(|d| d.span.as_ref().map(|span| span.file))
        .collect();
    // A macro's problem is found again by each rule that names it.
    let mut seen = HashSet::new();
    found.retain(|d| {
        let Some(span) = &d.span else { return true };
        let is_unused = matches!(d.code, Code::UnusedMacro | Code::UnusedList);
        !(is_unused && has_errors.contains(&span.file))
            && seen.insert((d.code, span.clone(), d.message.clone()))
    });
}

/// Reads and merges all files; also names the macros whose definition had a problem.
fn collect(
    schema: &Schema,
    sources: &Sources,
    found: &mut Vec<Diagnostic>,
) -> (Collection, HashSet<String>) {
    let mut collection = Collection::default();
    let mut broken = HashSet::new();
    for file in sources.files() {
        let before = found.len();
        for entry in reader::read(file, sources.text(file), found) {
            if let Err(error) = collection.add(entry, schema, found) {
                found.push(*error);
            }
        }
        for error in found.iter().skip(before) {
            match (error.code.severity(), error.item.kind, &error.span) {
                (Severity::Error, ItemKind::Macro, _) => {
                    broken.insert(error.item.name.clone());
                }
                (Severity::Error, ItemKind::List, Some(span)) => {
                    collection.stand_in_list(&error.item.name, span.clone());
                }
                _ => {}
            }
        }
    }
    (collection, broken)
}

/// The lists of a collection, ready to be put into conditions.
struct Lists {
    lists: Vec<List>,
    /// The places of lists by their names.
    places: HashMap<String, usize>,
    /// The places of lists whose name is more than one word: these are looked for everywhere.
    odd: BTreeSet<usize>,
    used: Vec<bool>,
    /// How much text may still be made.
    budget: usize,
}

impl Lists {
    /// A list sees the lists that were there before it, as they were written.
    fn new(collection: &Collection) -> Self {
        let table = &collection.lists;
        let mut used = vec![false; table.iter().len()];
        let mut budget = MAX_TOTAL_TEXT;
        let lists = table.iter().map(|row| {
            let mut items = Vec::new();
            for item in &row.data.items {
                match table.get(item).filter(|inner| inner.index < row.visibility) {
                    Some(inner) if budget >= inner.data.items.len() => {
                        budget -= inner.data.items.len();
                        items.extend(inner.data.items.iter().map(String::as_str));
                        if let Some(used) = table.place(item).and_then(|at| used.get_mut(at)) {
                            *used = true;
                        }
                    }
                    _ => items.push(item.as_str()),
                }
            }
            List::new(&row.name, &items)
        });
        let lists: Vec<List> = lists.collect();
        let places = lists.iter().enumerate().map(|(at, list)| (list.name.clone(), at)).collect();
        let is_odd = |(at, list): (usize, &List)| (!is_word(&list.name)).then_some(at);
        let odd = lists.iter().enumerate().filter_map(is_odd).collect();
        Self { lists, places, odd, used, budget }
    }

    fn named_in(&self, text: &str) -> impl Iterator<Item = usize> {
        words(text).filter_map(|word| self.places.get(word).copied())
    }

    /// Puts lists in and parses; `None` if there is an error.
    fn parse(&mut self, condition: &Text, found: &mut Vec<Diagnostic>) -> Option<Parsed> {
        let mut text = condition.clone();
        // One after the other in the order of definition, so that a list may bring in the names
        // of later ones; only those whose name is there are looked for.
        let mut named = self.odd.clone();
        named.extend(self.named_in(condition.as_str()));
        while let Some(at) = named.pop_first() {
            let Some(list) = self.lists.get(at) else { continue };
            match list.put_into(&text) {
                Ok(None) => {}
                Ok(Some(put)) if put.as_str().len() <= self.budget => {
                    text = put;
                    named.extend(self.named_in(list.text()).filter(|&later| later > at));
                    if let Some(used) = self.used.get_mut(at) {
                        *used = true;
                    }
                }
                _ => {
                    let message = format!(
                        "with list {} put in, conditions get longer than {MAX_TEXT} bytes each or \
                         {MAX_TOTAL_TEXT} in all",
                        list.name
                    );
                    found.push(condition_error(Code::Validate, message, &text, &(0..0)));
                    return None;
                }
            }
        }
        self.budget = self.budget.saturating_sub(text.as_str().len());
        match parser::parse(text.as_str()) {
            Ok(expr) => Some(Parsed { expr, text }),
            Err(error) => {
                let problem =
                    condition_error(Code::CompileCondition, error.message, &text, &error.span);
                found.push(problem.help(error.help));
                None
            }
        }
    }

    fn warn_unused(&self, collection: &Collection, found: &mut Vec<Diagnostic>) {
        for (row, _) in collection.lists.iter().zip(&self.used).filter(|(_, used)| !**used) {
            let item = Item::new(ItemKind::List, &row.name);
            let message = format!("nothing uses list {}", row.name);
            found.push(Diagnostic::new(Code::UnusedList, item, message).at(row.span.clone()));
        }
    }
}

/// A parsed condition and the text that its spans are in.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) expr: Expr,
    pub(super) text: Text,
}

/// An error about a part of a condition.
pub(super) fn condition_error(
    code: Code,
    message: impl Into<String>,
    text: &Text,
    range: &TextRange,
) -> Diagnostic {
    let item = Item::new(ItemKind::ConditionExpression, "");
    let error = Diagnostic::new(code, item, message);
    match text.span(range) {
        Some(span) => error.at(span),
        None => error,
    }
}

/// A problem of a condition, as a diagnostic.
pub(super) fn diagnose(problem: Problem, text: &Text) -> Diagnostic {
    let Problem { kind, span, message, help } = problem;
    condition_error(kind.code(), message, text, &span).help(help)
}

struct Compiler<'a, 's> {
    schema: &'s Schema,
    lists: &'a mut Lists,
    macros: &'a mut Macros<'s>,
    found: &'a mut Vec<Diagnostic>,
    /// The size of all rules so far.
    size: usize,
}

impl Compiler<'_, '_> {
    fn rule(&mut self, row: &Row<RuleData>) -> Option<Rule> {
        let rule = &row.data;
        if rule.source != self.schema.source_name() {
            return None;
        }
        let mut found = Vec::new();
        let condition = self.condition(rule, &mut found);
        let output = self.output(rule, &mut found);
        let mut errors = found.iter().filter(|(d, _)| d.severity == Severity::Error).peekable();
        if rule.skip_if_unknown && errors.peek().is_some() && errors.all(|(_, unknown)| *unknown) {
            // Falco says the first reason only.
            let errors = found.into_iter().filter(|(d, _)| d.severity == Severity::Error);
            let first = errors.map(|(mut diagnostic, _)| {
                diagnostic.code = Code::UnknownFilter;
                diagnostic.severity = Code::UnknownFilter.severity();
                diagnostic
            });
            self.found.extend(first.take(1));
            return None;
        }
        self.found.extend(found.into_iter().map(|(diagnostic, _)| diagnostic));
        let (condition, output) = (condition?, output?);
        self.warn(row, &condition);
        let info = RuleInfo {
            name: row.name.clone(),
            description: rule.description.clone(),
            priority: rule.priority,
            source: rule.source.clone(),
            tags: rule.tags.iter().cloned().collect(),
        };
        Some(Rule { info: Arc::new(info), condition, output, enabled: rule.enabled })
    }

    /// The typed condition; errors go to `found`, with whether they are about something unknown.
    fn condition(
        &mut self,
        rule: &RuleData,
        found: &mut Vec<(Diagnostic, bool)>,
    ) -> Option<Condition> {
        let text = match exceptions::write_out(&rule.condition, &rule.exceptions) {
            Ok(text) => text,
            Err(error) => {
                found.push((*error, false));
                return None;
            }
        };
        let mut errors = Vec::new();
        let parsed = self.lists.parse(&text, &mut errors);
        found.extend(errors.into_iter().map(|error| (error, false)));
        let Parsed { expr, text } = parsed?;
        self.macros.require(&expr, found);
        let (typed, problems) =
            typing::check(self.schema, &|name| self.macros.look_up(name), &expr);
        for problem in problems {
            if problem.kind == ProblemKind::Advice {
                self.found.push(diagnose(problem, &text));
            } else {
                let unknown = problem.kind == ProblemKind::Unknown;
                found.push((diagnose(problem, &text), unknown));
            }
        }
        let typed = typed?;
        self.size += typed.size;
        if self.size > MAX_TOTAL_SIZE {
            let message = format!(
                "all rules together hold more than {MAX_TOTAL_SIZE} comparisons and constants"
            );
            found.push((condition_error(Code::Validate, message, &text, &(0..0)), false));
            return None;
        }
        Some(typed.condition)
    }

    fn output(&mut self, rule: &RuleData, found: &mut Vec<(Diagnostic, bool)>) -> Option<Output> {
        let diagnose = |code, span: &TextRange, message: String| {
            let item = Item::new(ItemKind::RuleOutput, "");
            let diagnostic = Diagnostic::new(code, item, message);
            match rule.output.span(span) {
                Some(span) => diagnostic.at(span),
                None => diagnostic,
            }
        };
        match Output::compile(self.schema, rule.output.as_str()) {
            Ok((output, deprecated)) => {
                self.found.extend(deprecated.into_iter().map(|deprecated| {
                    let message = deprecated.message.to_owned();
                    diagnose(Code::DeprecatedItem, &deprecated.span, message)
                }));
                Some(output)
            }
            Err(problems) => {
                found.extend(problems.into_iter().map(|problem| {
                    let error = diagnose(Code::CompileOutput, &problem.span, problem.message);
                    (error.help(problem.help), problem.unknown)
                }));
                None
            }
        }
    }

    /// What is odd about a rule that compiles.
    fn warn(&mut self, row: &Row<RuleData>, condition: &Condition) {
        let mut warn = |code, message: String| {
            let item = Item::new(ItemKind::Rule, &row.name);
            self.found.push(Diagnostic::new(code, item, message).at(row.span.clone()));
        };
        // A schema with few kinds is not gone through for nothing.
        if row.data.warn_evttypes && self.schema.kinds().len() > MANY_KINDS {
            let kinds = plan::kinds_of(self.schema, condition);
            if kinds > MANY_KINDS {
                warn(Code::NoEvtType, format!("the rule may match {kinds} kinds of events"));
            }
        }
        if reads(condition, &|field| field.key.field() == catalogue::EVT_DIR) {
            warn(Code::DeprecatedItem, "evt.dir is deprecated, it is always <".to_owned());
        }
    }
}

fn reads(condition: &Condition, is: &dyn Fn(&ast::Field) -> bool) -> bool {
    match condition {
        Condition::Const(_) => false,
        Condition::Not(inner) => reads(inner, is),
        Condition::Check(check) => {
            let mut reads = false;
            check.fields(&mut |field| reads |= is(field));
            reads
        }
        Condition::All(all) | Condition::Any(all) => all.iter().any(|one| reads(one, is)),
    }
}

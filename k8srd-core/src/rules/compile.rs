//! From what is collected to rules: exceptions, lists and macros put in, conditions typed.

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::Condition;
use super::collect::{Collection, Row, Rule as RuleData};
use super::diagnostic::{Code, Diagnostic, Item, ItemKind, Severity};
use super::kept::{Kept, KeptRule};
use super::lists::Lists;
use super::load::Rule;
use super::macros::Macros;
use super::output::{ERASED, Output};
use super::problems::Problems;
use super::syntax::{Expr, TextRange};
use super::text::Text;
use super::typing::{self, Problem, ProblemKind};
use super::{exceptions, parser, plan, warnings};
use crate::alert::RuleInfo;
use crate::kind::KindInfo;
use crate::schema::Schema;

/// How many comparisons and constants all rules together may hold.
const MAX_TOTAL_SIZE: usize = 8_000_000;
/// Above how many of Falco's event codes a rule is warned of that does not name kinds.
const MANY_KINDS: usize = 100;

/// A parsed condition and the text that its spans are in.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) expr: Expr,
    pub(super) text: Text,
    /// The places of the lists that are put in.
    lists: Vec<usize>,
}

/// What is made of a collection.
pub(super) struct Compiled {
    /// The rules without an error, in the order of definition.
    pub(super) rules: Vec<Rule>,
    pub(super) unused: Unused,
}

/// What nothing names.
#[derive(Clone, Debug, Default)]
pub(super) struct Unused {
    pub(super) macros: HashSet<String>,
    pub(super) lists: HashSet<String>,
}

/// Compiles all that is collected, and finds problems in the order in which Falco finds them.
/// What names a `broken` macro is not blamed for it.
pub(super) fn compile(
    schema: &Schema,
    collection: &Collection,
    broken: &HashSet<String>,
    kept: &mut Kept,
    problems: &mut Problems,
) -> Compiled {
    kept.begin(collection);
    let mut lists = Lists::new(&collection.lists);
    let conditions = collection.macros.iter().map(|row| {
        parse(&mut lists, &row.data.condition).map_err(|error| problems.push(*error)).ok()
    });
    let conditions: Vec<_> = conditions.collect();
    let mut macros = Macros::new(schema, &collection.macros, conditions, broken, problems);
    let mut rules = Vec::new();
    let mut compiler = Compiler {
        schema,
        lists: &mut lists,
        macros: &mut macros,
        told: Vec::new(),
        size: 0,
        names: Names::default(),
    };
    for row in collection.rules.iter() {
        if problems.is_over() {
            break;
        }
        rules.extend(compiler.rule_or_kept(row, kept));
        problems.extend(compiler.told.drain(..).map(|(diagnostic, _)| diagnostic));
    }
    kept.end(collection);
    macros.warn_unused(problems);
    lists.warn_unused(&collection.lists, problems);
    let unused = Unused { macros: unused(macros.iter()), lists: unused(lists.iter()) };
    Compiled { rules, unused }
}

fn unused<'n>(names: impl Iterator<Item = (&'n str, bool)>) -> HashSet<String> {
    names.filter(|(_, used)| !used).map(|(name, _)| name.to_owned()).collect()
}

/// Puts lists in and parses.
pub(super) fn parse(lists: &mut Lists, condition: &Text) -> Result<Parsed, Box<Diagnostic>> {
    let (text, lists) = lists.put_into(condition)?;
    match parser::parse(text.as_str()) {
        Ok(expr) => Ok(Parsed { expr, text, lists }),
        Err(error) => {
            let problem = text.error(Code::CompileCondition, error.message, &error.span);
            Err(Box::new(problem.help(error.help)))
        }
    }
}

/// A problem of a condition, as a diagnostic.
pub(super) fn diagnose(problem: Problem, text: &Text) -> Diagnostic {
    let Problem { kind, span, message, help } = problem;
    text.error(kind.code(), message, &span).help(help)
}

struct Compiler<'a, 's> {
    schema: &'s Schema,
    lists: &'a mut Lists,
    macros: &'a mut Macros<'s>,
    /// What is to be said of a rule, in Falco's order, each with whether it is about something
    /// unknown.
    told: Vec<(Diagnostic, bool)>,
    /// The size of all rules so far.
    size: usize,
    /// What the rule at hand names.
    names: Names,
}

#[derive(Default)]
struct Names {
    macros: Vec<String>,
    /// By their places.
    lists: Vec<usize>,
}

impl Compiler<'_, '_> {
    /// A rule as it was compiled before, if nothing of it has changed, or compiled.
    fn rule_or_kept(&mut self, row: &Row<RuleData>, kept: &mut Kept) -> Option<Rule> {
        if row.data.source != self.schema.source_name() {
            return None;
        }
        let text = exceptions::write_out(&row.data.condition, row.data.exceptions.all());
        let before = text.as_ref().ok().and_then(|text| kept.take(row, text));
        let compiled = match before {
            Some(before) => {
                self.macros.mark_used(&before.macros);
                self.lists.mark_used(&before.lists);
                self.size += before.size;
                before
            }
            None => {
                self.names = Names::default();
                let size = self.size;
                let rule = self.rule(row, text);
                let Names { macros, lists } = std::mem::take(&mut self.names);
                let told = std::mem::take(&mut self.told);
                KeptRule { rule, told, macros, lists, size: self.size - size }
            }
        };
        if !kept.is_wanted {
            self.told = compiled.told;
            return compiled.rule;
        }
        self.told.clone_from(&compiled.told);
        let rule = compiled.rule.clone();
        kept.put(&row.name, compiled);
        rule
    }

    fn rule(&mut self, row: &Row<RuleData>, text: Result<Text, Box<Diagnostic>>) -> Option<Rule> {
        let rule = &row.data;
        let text = text.map_err(|error| self.told.push((*error, false))).ok();
        self.warn_of_output(row);
        let output = self.output(rule);
        let condition = text.and_then(|text| self.condition(&text));
        let is_error = |(told, _): &(Diagnostic, bool)| told.severity == Severity::Error;
        let first = self.told.iter().position(is_error);
        if let Some(first) = first.filter(|_| rule.skip_if_unknown)
            && self.told.get(first).is_some_and(|(_, unknown)| *unknown)
        {
            // What else is wrong is of no matter: the rule is skipped.
            self.told.truncate(first + 1);
            if let Some((error, _)) = self.told.last_mut() {
                error.code = Code::UnknownFilter;
                error.severity = Code::UnknownFilter.severity();
            }
            return None;
        }
        let (condition, output) = (condition?, output?);
        if first.is_some() {
            return None;
        }
        self.warn_of_kinds(row, &condition);
        let info = RuleInfo {
            name: row.name.clone(),
            description: rule.description.clone(),
            priority: rule.priority,
            source: rule.source.clone(),
            tags: rule.tags.iter().cloned().collect(),
            weight: rule.weight.unwrap_or(rule.priority.weight()),
            capture: rule.capture,
            capture_duration: rule.capture_duration,
        };
        Some(Rule { info: Arc::new(info), condition, output, enabled: rule.enabled })
    }

    /// The typed condition.
    fn condition(&mut self, text: &Text) -> Option<Condition> {
        let parsed = parse(self.lists, text);
        let parsed = parsed.map_err(|error| self.told.push((*error, false))).ok()?;
        let warnings = self.macros.warnings(&parsed);
        let Parsed { expr, text, lists } = parsed;
        self.names.lists = lists;
        expr.macros(&mut |name| self.names.macros.push(name.name.clone()));
        let mut of_macros = Vec::new();
        self.macros.require(&expr, &mut of_macros);
        let (typed, problems) =
            typing::check(self.schema, &|name| self.macros.look_up(name), &expr);
        // Falco looks for macros first, then warns, then compiles.
        let (undefined, problems): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.kind == ProblemKind::UnknownMacro);
        let (advice, problems): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.kind == ProblemKind::Advice);
        let told = |problem: Problem| {
            let unknown = problem.kind == ProblemKind::Unknown;
            (diagnose(problem, &text), unknown)
        };
        self.told.extend(undefined.into_iter().map(told));
        self.told.extend(warnings.into_diagnostics().map(|warning| (warning, false)));
        self.told.extend(of_macros);
        self.told.extend(problems.into_iter().map(told));
        self.told.extend(advice.into_iter().map(told));
        let typed = typed?;
        self.size += typed.size;
        if self.size > MAX_TOTAL_SIZE {
            let message = format!(
                "all rules together hold more than {MAX_TOTAL_SIZE} comparisons and constants"
            );
            self.told.push((text.error(Code::Validate, message, &(0..0)), false));
            return None;
        }
        Some(typed.condition)
    }

    fn output(&mut self, rule: &RuleData) -> Option<Output> {
        match Output::compile(self.schema, rule.output.as_str()) {
            Ok(output) => {
                for (name, reason) in warnings::DEPRECATED {
                    // As in Falco, wherever the name stands, even as the beginning of another.
                    if let Some(at) = rule.output.as_str().find(name) {
                        let message = format!("{name} is deprecated, {reason}");
                        let span = at..at + name.len();
                        let warning = of_output(rule, Code::DeprecatedItem, &span, message);
                        self.told.push((warning, false));
                    }
                }
                Some(output)
            }
            Err(problems) => {
                self.told.extend(problems.into_iter().map(|problem| {
                    let error =
                        of_output(rule, Code::CompileOutput, &problem.span, problem.message);
                    (error.help(problem.help), problem.unknown)
                }));
                None
            }
        }
    }

    fn warn_of_output(&mut self, row: &Row<RuleData>) {
        let output = &row.data.output;
        let Some(at) = output.as_str().find(ERASED) else { return };
        let item = Item::new(ItemKind::Rule, &row.name);
        let message = format!("{ERASED} is deprecated and prints nothing");
        let mut warning = Diagnostic::new(Code::DeprecatedItem, item, message);
        warning.span = output.span(&(at..at + ERASED.len()));
        self.told.push((warning, false));
    }

    fn warn_of_kinds(&mut self, row: &Row<RuleData>, condition: &Condition) {
        // A schema with few kinds is not gone through for nothing.
        if !row.data.warn_evttypes || self.schema.kinds().len() <= MANY_KINDS {
            return;
        }
        if codes(&plan::matched_kinds(self.schema, condition)) > MANY_KINDS {
            let item = Item::new(ItemKind::Rule, &row.name);
            let message = format!("the rule may match more than {MANY_KINDS} kinds of events");
            let help = "name those that are meant, as in evt.type in (open, openat)".to_owned();
            let warning = Diagnostic::new(Code::NoEvtType, item, message).at(row.span.clone());
            self.told.push((warning.help(help), false));
        }
    }
}

/// How many of Falco's event codes these kinds stand for.
fn codes(kinds: &[&KindInfo]) -> usize {
    // Calls without an event of their own share their codes, however many they are.
    let call = kinds.iter().find(|info| info.kind.is_call());
    let own = kinds.iter().filter(|info| !info.kind.is_call());
    own.chain(call).map(|info| usize::from(info.codes)).sum()
}

fn of_output(rule: &RuleData, code: Code, span: &TextRange, message: String) -> Diagnostic {
    let item = Item::new(ItemKind::RuleOutput, "");
    let mut diagnostic = Diagnostic::new(code, item, message);
    diagnostic.span = rule.output.span(span);
    diagnostic
}

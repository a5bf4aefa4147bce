//! What is odd about rules that load: beyond what Falco warns of, under codes of our own.

mod implied;
mod never;
mod policy;
mod shadowed;

use super::ast::Condition;
use super::collect::{Collection, Row, Rule as RuleData};
use super::compile::{self, Parsed};
use super::diagnostic::{Code, Diagnostic, Item, ItemKind};
use super::exceptions;
use super::lists::Lists;
use super::load::Rule;
use crate::schema::Schema;
use implied::Prover;
pub use policy::{LintOptions, PatternError, Place};

/// Looks through all rules that compiled.
pub(super) fn check(
    options: &LintOptions,
    schema: &Schema,
    rules: &[Rule],
    collection: &Collection,
    found: &mut Vec<Diagnostic>,
) {
    let mut lists = Lists::new(&collection.lists);
    for rule in rules {
        let Some(row) = collection.rules.get(&rule.info().name) else { continue };
        policy::check(options, rule, row, found);
        if options.looks_at_conditions() {
            check_condition(schema, rule, row, &mut lists, found);
        }
    }
}

fn check_condition(
    schema: &Schema,
    rule: &Rule,
    row: &Row<RuleData>,
    lists: &mut Lists,
    found: &mut Vec<Diagnostic>,
) {
    let mut prover = Prover::default();
    let hidden = hides_rule(rule.condition(), &row.data, &mut prover);
    let is_hidden = !hidden.is_empty();
    found.extend(hidden);
    if !is_hidden && let Some(reason) = never::reason(schema, rule.condition(), &mut prover) {
        found.push(of_rule(
            row,
            Code::NeverMatches,
            format!("the rule can match no event: {reason}"),
        ));
    }
    let text = exceptions::write_out(&row.data.condition, row.data.exceptions.all());
    let parsed = text.and_then(|text| compile::parse(lists, &text));
    if let Ok(Parsed { expr, text, .. }) = parsed {
        shadowed::check(&expr, rule.condition(), &text, &mut prover, found);
    }
}

/// The exceptions that hold whenever the rule's own condition does.
fn hides_rule(condition: &Condition, rule: &RuleData, prover: &mut Prover) -> Vec<Diagnostic> {
    let with_values = rule.exceptions.all().iter().filter(|exception| !exception.values.is_empty());
    let with_values: Vec<_> = with_values.collect();
    let Condition::All(all) = condition else { return Vec::new() };
    // Exceptions stand behind the condition, each as `and not (…)`.
    let Some(own) = all.len().checked_sub(with_values.len()) else { return Vec::new() };
    let (own, excepted) = all.split_at(own);
    let hidden = with_values.iter().zip(excepted).filter(|(_, excepted)| match excepted {
        Condition::Not(excepted) => own.iter().any(|own| prover.implies(own, excepted)),
        _ => false,
    });
    let diagnostic = hidden.map(|(exception, _)| {
        let item = Item::new(ItemKind::Exception, &exception.name);
        let message =
            "the exception holds whenever the condition does: nothing is left of the rule";
        let help = "make it narrower, or disable the rule".to_owned();
        Diagnostic::new(Code::ExceptionHidesRule, item, message)
            .at(exception.span.clone())
            .help(help)
    });
    diagnostic.collect()
}

fn of_rule(row: &Row<RuleData>, code: Code, message: String) -> Diagnostic {
    Diagnostic::new(code, Item::new(ItemKind::Rule, &row.name), message).at(row.span.clone())
}

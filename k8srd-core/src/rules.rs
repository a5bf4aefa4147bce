//! The rule language: Falco's rule files, loaded, compiled and judged.
//!
//! [`Loader`] reads files and gives a [`RuleSet`] with [`Diagnostics`]; [`Plan`] is the ruleset
//! compiled; [`RuleMatcher`] judges events by it.
//!
//! ```text
//! text ──yaml──reader──> items ──collect──> rules, macros, lists
//!      ──lists──parser──> trees ──macros──typing──> conditions ──plan──> matcher
//! ```
//!
//! Any text is read in bounded time and memory, without panic: nesting, growth by macros and lists,
//! and YAML aliases are limited, and what is over a limit is a diagnostic.
#![cfg_attr(
    not(test),
    warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub mod ast;
mod collect;
mod compile;
mod constant;
mod cursor;
pub mod describe;
pub mod diagnostic;
mod evaluate;
mod exceptions;
mod fields;
mod files;
mod items;
mod kept;
mod lints;
mod lists;
mod load;
mod macros;
mod matcher;
mod ops;
pub mod outline;
mod output;
mod parser;
mod plan;
mod print;
mod problems;
mod reader;
mod requirements;
mod selectors;
mod services;
mod suggest;
mod syntax;
mod text;
mod transform;
mod typing;
mod warnings;
mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use evaluate::evaluate;
pub use lints::{LintOptions, PatternError, Place};
pub use load::{Loader, Rule, RuleSet};
pub use matcher::RuleMatcher;
pub use output::{AppendOutput, BufferFormat, ExtraField, Output};
pub use plan::{Plan, PlanOptions, RuleMatching};
pub use selectors::Selector;

use crate::schema::Schema;
use diagnostic::{Code, Item, ItemKind, Sources, Span};
use typing::{Macro, ProblemKind};

/// Reads one condition that names no macros and no lists; `None` if there is an error.
///
/// ```
/// use k8srd_core::rules::parse_condition;
/// use k8srd_core::schema::Schema;
///
/// let schema = Schema::falco();
/// let (condition, _) = parse_condition(&schema, "evt.type = openat and fd.name startswith /etc");
/// assert!(condition.is_some());
///
/// let (condition, diagnostics) = parse_condition(&schema, "proc.nam = sh");
/// assert!(condition.is_none());
/// assert!(diagnostics.render().to_string().contains("did you mean proc.name?"));
/// ```
pub fn parse_condition(schema: &Schema, text: &str) -> (Option<ast::Condition>, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add("condition".to_owned(), text.to_owned());
    let item = Item::new(ItemKind::ConditionExpression, "");
    let (condition, found) = match parser::parse(text) {
        Err(error) => {
            let span = Span { file, range: error.span };
            let problem = Diagnostic::new(Code::CompileCondition, item, error.message).at(span);
            (None, vec![problem.help(error.help)])
        }
        Ok(expr) => {
            let no_macros = |_: &syntax::Name| Macro::Unknown { help: None };
            let (typed, problems) = typing::check(schema, &no_macros, &expr);
            let diagnose = |problem: typing::Problem| {
                let span = Span { file, range: problem.span };
                Diagnostic::new(problem.kind.code(), item.clone(), problem.message)
                    .at(span)
                    .help(problem.help)
            };
            (typed.map(|typed| typed.condition), problems.into_iter().map(diagnose).collect())
        }
    };
    (condition, Diagnostics::new(sources, found))
}

impl ProblemKind {
    fn code(self) -> Code {
        match self {
            Self::Wrong | Self::Unknown => Code::CompileCondition,
            Self::UnknownMacro => Code::Validate,
            Self::Advice => Code::ConditionAdvice,
        }
    }
}

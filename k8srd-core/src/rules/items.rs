//! The items of rule files, as written.

use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Span};
use super::requirements::{Plugin, Version};
use super::text::Text;
use crate::alert::Priority;

/// One item of a rule file.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entry: Entry,
    /// What is said of it only if it fits to what is there.
    pub(super) then: Vec<Diagnostic>,
}

/// What an item defines, changes or needs.
#[derive(Debug)]
pub(super) enum Entry {
    Engine {
        version: Version,
        span: Span,
    },
    /// Each of these plugins, or one of those that will do instead.
    Plugins(Vec<Vec<Plugin>>),
    List(ListItem),
    Macro(MacroItem),
    Rule(Box<RuleItem>),
}

#[derive(Debug)]
pub(super) struct ListItem {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) items: Vec<String>,
    /// Whether `items` go behind those of the list, which has to be there.
    pub(super) append: bool,
}

#[derive(Debug)]
pub(super) struct MacroItem {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) condition: Text,
    /// Whether the condition goes behind that of the macro, which has to be there.
    pub(super) append: bool,
}

#[derive(Debug)]
pub(super) struct RuleItem {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) change: Change,
    pub(super) keys: RuleKeys,
}

/// What an item does to the rule of its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Defines it, or replaces it as a whole.
    Define,
    /// Only says whether it is enabled.
    Enable,
    /// Adds to these keys and replaces those; no key at all is an error.
    Override { append: BTreeSet<&'static str>, replace: BTreeSet<&'static str> },
}

/// The keys of a rule that an item has.
#[derive(Debug, Default)]
pub(super) struct RuleKeys {
    pub(super) condition: Option<Text>,
    pub(super) output: Option<Text>,
    pub(super) description: Option<String>,
    pub(super) priority: Option<Priority>,
    pub(super) source: Option<String>,
    pub(super) enabled: Option<bool>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) exceptions: Option<Vec<Exception>>,
    pub(super) warn_evttypes: Option<bool>,
    pub(super) skip_if_unknown: Option<bool>,
    pub(super) capture: Option<bool>,
    /// In milliseconds.
    pub(super) capture_duration: Option<u32>,
    pub(super) weight: Option<u16>,
}

/// One exception of a rule.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) fields: Option<Value>,
    pub(super) operators: Option<Value>,
    pub(super) values: Vec<Value>,
}

/// A text, or a list of values.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) data: ValueData,
}

#[derive(Clone, Debug)]
pub(super) enum ValueData {
    Text(String),
    List(Vec<Value>),
}

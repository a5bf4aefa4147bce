//! What is kept of one compilation for the next: with several files most rules stay as they are,
//! and to compile all of them again with each file takes time that grows with the square.
//!
//! 2,000 rules in 40 files take 1.0 s with this and 10.9 s without; in one file 0.4 s (2026-11-25,
//! development profile, two shared cores). What is left of the square is going through texts.

use std::collections::{HashMap, HashSet};

use super::collect::{Collection, Order, Row, Rule as RuleData};
use super::diagnostic::Diagnostic;
use super::lists::{is_word, words};
use super::load::Rule;
use super::text::Text;

/// The rules as last compiled.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Whether there is a next compilation.
    pub(super) is_wanted: bool,
    rules: HashMap<String, KeptRule>,
    /// Those of the compilation before, as far as they are not looked at yet.
    earlier: HashMap<String, KeptRule>,
    /// What is collected from here on is new to them.
    since: Order,
    /// Names of lists and macros that stand for something else now.
    changed: HashSet<String>,
    /// Whether nothing holds any more.
    all_changed: bool,
}

/// One rule, and what there is to say of it.
#[derive(Debug)]
pub(super) struct KeptRule {
    /// `None` where it has an error.
    pub(super) rule: Option<Rule>,
    pub(super) told: Vec<(Diagnostic, bool)>,
    /// The macros that it names.
    pub(super) macros: Vec<String>,
    /// The places of the lists that are put into it.
    pub(super) lists: Vec<usize>,
    /// The number of its comparisons and constants.
    pub(super) size: usize,
}

impl Kept {
    /// Begins a compilation: finds out what names stand for something else now.
    pub(super) fn begin(&mut self, collection: &Collection) {
        self.earlier = std::mem::take(&mut self.rules);
        self.changed.clear();
        if self.earlier.is_empty() {
            return;
        }
        let Self { since, changed, .. } = self;
        let lists = collection.lists.iter().filter(|row| row.visibility >= *since);
        changed.extend(lists.map(|row| row.name.clone()));
        let macros = collection.macros.iter().filter(|row| row.visibility >= *since);
        changed.extend(macros.map(|row| row.name.clone()));
        // What names something changed is changed, and so on.
        let mut open: Vec<String> = changed.iter().cloned().collect();
        let mut named_by = if open.is_empty() { HashMap::new() } else { named_by(collection) };
        while let Some(name) = open.pop() {
            for outer in named_by.remove(&*name).unwrap_or_default() {
                if changed.insert(outer.to_owned()) {
                    open.push(outer.to_owned());
                }
            }
        }
        // The name of a list of several words is looked for everywhere.
        self.all_changed =
            changed.iter().any(|name| !is_word(name) && collection.lists.get(name).is_some());
    }

    /// A rule as it was compiled before, if nothing of it has changed; `condition` is that with
    /// exceptions.
    pub(super) fn take(&mut self, row: &Row<RuleData>, condition: &Text) -> Option<KeptRule> {
        let kept = self.earlier.remove(&row.name)?;
        let holds = !self.all_changed
            && row.touched < self.since
            && !names(condition.as_str(), &self.changed);
        holds.then_some(kept)
    }

    /// Keeps a rule for the next compilation.
    pub(super) fn put(&mut self, name: &str, rule: KeptRule) {
        self.rules.insert(name.to_owned(), rule);
    }

    /// Ends a compilation: what is collected from now on is new.
    pub(super) fn end(&mut self, collection: &Collection) {
        self.earlier.clear();
        self.since = collection.next();
    }
}

/// What lists and macros are named in the text of which.
fn named_by(collection: &Collection) -> HashMap<&str, Vec<&str>> {
    let items = collection
        .lists
        .iter()
        .flat_map(|row| row.data.items.iter().map(move |item| (&*row.name, &**item)));
    let conditions = collection.macros.iter().map(|row| (&*row.name, row.data.condition.as_str()));
    let mut named_by: HashMap<_, Vec<_>> = HashMap::new();
    for (name, text) in items.chain(conditions) {
        let is_name = |word: &&str| {
            collection.lists.get(word).is_some() || collection.macros.get(word).is_some()
        };
        for word in words(text).filter(is_name) {
            named_by.entry(word).or_default().push(name);
        }
    }
    named_by
}

fn names(text: &str, changed: &HashSet<String>) -> bool {
    !changed.is_empty() && words(text).any(|word| changed.contains(word))
}

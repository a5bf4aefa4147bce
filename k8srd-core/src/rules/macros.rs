//! Macros: which sees which, in what order, and typed when a rule needs them.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use super::collect::{Macro as MacroData, Table};
use super::compile::{Parsed, diagnose};
use super::diagnostic::{Code, Diagnostic, Item, ItemKind, Severity, Span};
use super::problems::Problems;
use super::suggest::did_you_mean;
use super::syntax::{Expr, Name};
use super::typing::{self, MAX_PROBLEMS, Macro, ProblemKind, Typed};
use super::warnings::{self, Warnings};
use crate::schema::Schema;

/// How much all macros together may hold once they are put into each other.
const MAX_TOTAL_SIZE: usize = 8_000_000;
/// How much is looked at again to tell problems of macros to each rule that needs them, as Falco
/// does: the product of rules and macros has no bound of its own.
const MAX_REPEATED: usize = 100_000;
/// For how many undefined macros a name that is near is looked for.
const MAX_SEARCHES: usize = 1000;

/// The macros of a collection.
pub(super) struct Macros<'s> {
    schema: &'s Schema,
    entries: Vec<Entry>,
    places: BTreeMap<String, usize>,
    /// Every macro behind those that it names.
    order: Vec<usize>,
    /// The place of each macro in `order`.
    ranks: Vec<Option<usize>>,
    /// Names of macros whose definition had a problem.
    broken: &'s HashSet<String>,
    size: usize,
    /// How much may still be looked at again.
    repeats: usize,
    /// How many names may still be looked for.
    searches: Cell<usize>,
}

struct Entry {
    name: String,
    span: Span,
    /// `None` where it does not parse, names what is not there, or names itself.
    parsed: Option<Parsed>,
    refers_to: Vec<usize>,
    used: bool,
    /// What Falco warns of wherever the macro is named.
    warnings: Warnings,
    state: State,
    below: Below,
}

/// What is known of a macro and of all that it names, directly or not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    /// Nothing: no rule needed it so far.
    Unknown,
    Clean,
    /// There are problems, and they were told; with the rank of the first macro that has an error.
    Told(Option<usize>),
}

enum State {
    /// No rule needed it so far.
    Untyped,
    Typed(Option<Typed>, Vec<(Diagnostic, bool)>),
}

impl State {
    fn problems(&self) -> &[(Diagnostic, bool)] {
        match self {
            Self::Untyped => &[],
            Self::Typed(_, problems) => problems,
        }
    }
}

impl Below {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Told(a), Self::Told(b)) => Self::Told(a.into_iter().chain(b).min()),
            (Self::Told(first), _) | (_, Self::Told(first)) => Self::Told(first),
            _ => self,
        }
    }
}

fn is_error((problem, _): &(Diagnostic, bool)) -> bool {
    problem.severity == Severity::Error
}

impl<'s> Macros<'s> {
    /// Finds out what each macro names; `conditions` are those of the table's rows.
    pub(super) fn new(
        schema: &'s Schema,
        table: &Table<MacroData>,
        conditions: Vec<Option<Parsed>>,
        broken: &'s HashSet<String>,
        problems: &mut Problems,
    ) -> Self {
        let mut this = Self {
            schema,
            entries: Vec::new(),
            places: table.iter().enumerate().map(|(at, row)| (row.name.clone(), at)).collect(),
            order: Vec::new(),
            ranks: Vec::new(),
            broken,
            size: 0,
            repeats: MAX_REPEATED,
            searches: Cell::new(MAX_SEARCHES),
        };
        for (row, parsed) in table.iter().zip(conditions) {
            let mut entry = Entry {
                name: row.name.clone(),
                span: row.span.clone(),
                parsed: None,
                refers_to: Vec::new(),
                used: false,
                warnings: Warnings::default(),
                state: State::Untyped,
                below: Below::Unknown,
            };
            let (mut complete, mut told) = (true, 0);
            if let Some(Parsed { expr, text, .. }) = &parsed {
                expr.macros(&mut |name| {
                    let seen = table.get(&name.name).filter(|inner| inner.index < row.visibility);
                    match seen.and_then(|_| table.place(&name.name)) {
                        Some(place) => entry.refers_to.push(place),
                        None => {
                            complete = false;
                            let is_told = told < MAX_PROBLEMS && !problems.is_over();
                            if is_told && !this.broken.contains(&name.name) {
                                told += 1;
                                let message = format!("undefined macro {}", name.name);
                                let error = text.error(Code::Validate, message, &name.span);
                                problems.push(error.help(this.help(&name.name)));
                            }
                        }
                    }
                });
            }
            entry.parsed = parsed.filter(|_| complete);
            this.entries.push(entry);
        }
        this.sort(problems);
        this.mark_named();
        this.collect_warnings();
        this
    }

    /// Puts macros behind those they name (Kahn's algorithm: no recursion, whatever the chain);
    /// what is left over lies on a cycle or names one.
    fn sort(&mut self, problems: &mut Problems) {
        let mut open: Vec<usize> = self.entries.iter().map(|entry| entry.refers_to.len()).collect();
        let mut named_by = vec![Vec::new(); self.entries.len()];
        for (at, entry) in self.entries.iter().enumerate() {
            for &inner in &entry.refers_to {
                if let Some(named_by) = named_by.get_mut(inner) {
                    named_by.push(at);
                }
            }
        }
        let is_ready = |(at, open): (usize, &usize)| (*open == 0).then_some(at);
        let mut ready: Vec<usize> = open.iter().enumerate().filter_map(is_ready).collect();
        while let Some(at) = ready.pop() {
            self.order.push(at);
            for &outer in named_by.get(at).into_iter().flatten() {
                if let Some(open) = open.get_mut(outer) {
                    *open -= 1;
                    if *open == 0 {
                        ready.push(outer);
                    }
                }
            }
        }
        self.ranks = vec![None; self.entries.len()];
        for (rank, &at) in self.order.iter().enumerate() {
            if let Some(own) = self.ranks.get_mut(at) {
                *own = Some(rank);
            }
        }
        let left: HashSet<usize> =
            open.iter().enumerate().filter(|(_, open)| **open > 0).map(|(at, _)| at).collect();
        self.report_cycles(&left, problems);
        for at in left {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.parsed = None;
            }
        }
    }

    /// Reports each cycle once.
    fn report_cycles(&self, left: &HashSet<usize>, problems: &mut Problems) {
        let mut visited = HashSet::new();
        let mut starts: Vec<_> = left.iter().copied().collect();
        starts.sort_unstable();
        for start in starts {
            let mut path = Vec::new();
            let mut at = start;
            while visited.insert(at) {
                path.push(at);
                let Some(entry) = self.entries.get(at) else { break };
                let next = entry.refers_to.iter().find(|inner| left.contains(inner));
                let Some(&next) = next else { break };
                at = next;
            }
            // What was visited before belongs to a cycle that is reported already.
            let Some(cycle) = path.iter().position(|&seen| seen == at) else { continue };
            let cycle = path.get(cycle..).unwrap_or(&[]);
            let names = cycle.iter().chain(cycle.first()).filter_map(|&at| self.entries.get(at));
            let names: Vec<_> = names.map(|entry| entry.name.as_str()).collect();
            let message = format!("the macro is made of itself: {}", names.join(" -> "));
            if let Some(entry) = cycle.first().and_then(|&first| self.entries.get(first)) {
                let item = Item::new(ItemKind::ConditionExpression, "");
                let error = Diagnostic::new(Code::Validate, item, message);
                problems.push(error.at(entry.span.clone()));
            }
        }
    }

    fn mark_named(&mut self) {
        let named: Vec<usize> =
            self.entries.iter().flat_map(|entry| entry.refers_to.iter().copied()).collect();
        for at in named {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.used = true;
            }
        }
    }

    /// What Falco warns of in each macro, and in those it names.
    fn collect_warnings(&mut self) {
        for &at in &self.order {
            let Some(Entry { parsed: Some(Parsed { expr, text, .. }), refers_to, .. }) =
                self.entries.get(at)
            else {
                continue;
            };
            let mut all = warnings::scan(expr, text);
            let inner = refers_to.iter().filter_map(|&inner| self.entries.get(inner));
            inner.for_each(|inner| all.add(&inner.warnings));
            if let Some(entry) = self.entries.get_mut(at) {
                entry.warnings = all;
            }
        }
    }

    /// What Falco warns of in a condition and in the macros that it names.
    pub(super) fn warnings(&self, Parsed { expr, text, .. }: &Parsed) -> Warnings {
        let mut all = warnings::scan(expr, text);
        expr.macros(&mut |name| {
            let entry = self.places.get(&name.name).and_then(|&at| self.entries.get(at));
            if let Some(entry) = entry {
                all.add(&entry.warnings);
            }
        });
        all
    }

    /// Notes that macros of these names are used.
    pub(super) fn mark_used(&mut self, names: &[String]) {
        for name in names {
            let entry = self.places.get(name).and_then(|&at| self.entries.get_mut(at));
            if let Some(entry) = entry {
                entry.used = true;
            }
        }
    }

    /// Types what `expr` names, and adds what is wrong with that to `found`, with whether it is
    /// about something unknown.
    ///
    /// All problems of a macro are told to the first rule that needs it. Those behind it are told
    /// them again up to [`MAX_REPEATED`], and then the first error only, which decides whether a
    /// rule is skipped.
    pub(super) fn require(&mut self, expr: &Expr, found: &mut Vec<(Diagnostic, bool)>) {
        let mut open: Vec<usize> = Vec::new();
        expr.macros(&mut |name| open.extend(self.places.get(&name.name)));
        for &at in &open {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.used = true;
            }
        }
        // In order, each with whether all of its problems are told.
        let mut needed = BTreeMap::new();
        while let Some(at) = open.pop() {
            let Some(entry) = self.entries.get_mut(at) else { continue };
            let Some(rank) = self.ranks.get(at).copied().flatten() else {
                // On a cycle, or naming one: what else it names is looked at all the same.
                if std::mem::replace(&mut entry.below, Below::Clean) == Below::Unknown {
                    open.extend(&entry.refers_to);
                }
                continue;
            };
            match entry.below {
                _ if needed.get(&rank) == Some(&true) => continue,
                Below::Clean => continue,
                Below::Told(first) if self.repeats == 0 => {
                    if let Some(first) = first {
                        needed.entry(first).or_insert(false);
                    }
                    continue;
                }
                Below::Told(_) => {
                    let looked_at = 1 + entry.refers_to.len() + entry.state.problems().len();
                    self.repeats = self.repeats.saturating_sub(looked_at);
                }
                Below::Unknown => {}
            }
            needed.insert(rank, true);
            open.extend(&entry.refers_to);
        }
        for (rank, all) in needed {
            let Some(&at) = self.order.get(rank) else { continue };
            self.type_entry(at);
            self.look_below(at, rank);
            let Some(entry) = self.entries.get(at) else { continue };
            let problems = entry.state.problems();
            match all {
                true => found.extend_from_slice(problems),
                false => found.extend(problems.iter().find(|problem| is_error(problem)).cloned()),
            }
        }
    }

    /// Notes what there is at and below a macro of this rank; what it names is looked at before.
    fn look_below(&mut self, at: usize, rank: usize) {
        let Some(entry) = self.entries.get(at).filter(|entry| entry.below == Below::Unknown) else {
            return;
        };
        let problems = entry.state.problems();
        let mut below = match problems.is_empty() {
            true => Below::Clean,
            false => Below::Told(problems.iter().any(is_error).then_some(rank)),
        };
        for inner in entry.refers_to.iter().filter_map(|&inner| self.entries.get(inner)) {
            below = below.with(inner.below);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            entry.below = below;
        }
    }

    fn type_entry(&mut self, at: usize) {
        let Some(entry) = self.entries.get(at) else { return };
        if matches!(entry.state, State::Typed(..)) {
            return;
        }
        let Some(Parsed { expr, text, .. }) = &entry.parsed else { return };
        let (mut typed, problems) = typing::check(self.schema, &|name| self.look_up(name), expr);
        let mut problems: Vec<_> = problems
            .into_iter()
            .map(|problem| {
                let unknown = matches!(problem.kind, ProblemKind::Unknown);
                (diagnose(problem, text), unknown)
            })
            .collect();
        let size = self.size + typed.as_ref().map_or(0, |typed| typed.size);
        if size > MAX_TOTAL_SIZE {
            typed = None;
            let message = format!(
                "all macros together hold more than {MAX_TOTAL_SIZE} comparisons and constants"
            );
            problems.push((text.error(Code::Validate, message, &(0..0)), false));
        } else {
            self.size = size;
        }
        if let Some(entry) = self.entries.get_mut(at) {
            entry.state = State::Typed(typed, problems);
        }
    }

    /// What a name stands for, after [`Macros::require`].
    pub(super) fn look_up(&self, name: &Name) -> Macro<'_> {
        let entry = self.places.get(&name.name).and_then(|&at| self.entries.get(at));
        match entry {
            Some(Entry { state: State::Typed(Some(typed), _), .. }) => Macro::Is(typed),
            Some(_) => Macro::Broken,
            None if self.broken.contains(&name.name) => Macro::Broken,
            None => Macro::Unknown { help: self.help(&name.name) },
        }
    }

    pub(super) fn warn_unused(&self, problems: &mut Problems) {
        for Entry { name, span, .. } in self.entries.iter().filter(|entry| !entry.used) {
            let item = Item::new(ItemKind::Macro, name);
            let message = format!("nothing uses macro {name}");
            problems.push(Diagnostic::new(Code::UnusedMacro, item, message).at(span.clone()));
        }
    }

    /// Each macro's name, and whether anything uses it, in the order of definition.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.entries.iter().map(|entry| (&*entry.name, entry.used))
    }

    fn help(&self, name: &str) -> Option<String> {
        if self.places.contains_key(name) {
            return Some("a macro sees those that are defined before it".to_owned());
        }
        let searches = self.searches.get().checked_sub(1)?;
        self.searches.set(searches);
        did_you_mean(name, self.places.keys().map(String::as_str))
    }
}

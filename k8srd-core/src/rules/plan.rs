//! The plan: a ruleset compiled for judging events, immutable and shared.

mod candidates;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::ast::{Check, Condition, Operand, Operator};
use super::evaluate::{Answers, Atom, Node};
use super::load::{Rule, RuleSet};
use super::output::Output;
use crate::alert::RuleInfo;
use crate::arena::Arena;
use crate::catalogue;
use crate::event::{Event, Fields, Timestamp};
use crate::field::{Arg, FieldId, Key};
use crate::interest::Interest;
use crate::kind::{EventKind, KindInfo, Origin};
use crate::matcher::OutOfSight;
use crate::schema::Schema;
use crate::set::{FieldSet, KindSet, RuleId};
use crate::value::{Lookup, OwnedValue, Value};
pub(super) use candidates::Candidate;
use candidates::{Builder, ByKind};

/// Which rules may match one event: Falco's `rule_matching`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: Falco knows these two")]
pub enum RuleMatching {
    /// The first in the order of definition: Falco's default.
    First,
    /// Each that holds, so that no rule hides another.
    #[default]
    All,
}

/// How a plan judges.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Which rules may match one event.
    pub rule_matching: RuleMatching,
}

impl PlanOptions {
    /// Sets which rules may match one event.
    #[must_use]
    pub fn rule_matching(mut self, rule_matching: RuleMatching) -> Self {
        self.rule_matching = rule_matching;
        self
    }
}

/// A compiled ruleset.
#[derive(Debug)]
pub struct Plan {
    rules: Vec<Planned>,
    /// What may match events of a kind.
    candidates: ByKind,
    /// More kinds than this, and a rule takes whatever there is.
    many_kinds: usize,
    /// How many distinct fields and transformed values the conditions read.
    keys: usize,
    interest: Interest,
    rule_matching: RuleMatching,
}

/// What an alert of a rule needs.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) info: Arc<RuleInfo>,
    pub(super) output: Output,
    /// Every field that its condition, on any kind, or its output reads.
    reads: FieldSet,
    /// Whether one of those is the name of a file, so that its alerts show every name.
    pub(super) names_file: bool,
}

impl Plan {
    /// Compiles the enabled rules.
    pub fn compile(rules: RuleSet, options: PlanOptions) -> Self {
        let RuleSet { schema, rules, .. } = rules;
        let schema = &*schema;
        let mut candidates = Builder::new(judged_kinds(schema));
        let mut keys = Keys::default();
        let planned = rules.into_iter().zip(0..).map(|(rule, id)| {
            let (reads, names_file) =
                plan_rule(schema, &rule, RuleId(id), &mut keys, &mut candidates);
            Planned { info: rule.info, output: rule.output, reads, names_file }
        });
        let planned: Vec<_> = planned.collect();
        let mut fields = FieldSet::default();
        planned.iter().for_each(|rule| fields.union_with(&rule.reads));
        let candidates = candidates.build();
        let interest = Interest::new(candidates.kinds(), fields);
        let many_kinds = judged_kinds(schema).count() / 2;
        let (keys, rule_matching) = (keys.len(), options.rule_matching);
        Self { rules: planned, candidates, many_kinds, keys, interest, rule_matching }
    }

    /// The kinds and fields that have to be known to judge.
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// What alerts tell about a rule.
    pub fn rule(&self, id: RuleId) -> Option<&Arc<RuleInfo>> {
        self.planned(id).map(|rule| &rule.info)
    }

    /// The kinds of events that a rule may match.
    pub fn kinds(&self, id: RuleId) -> KindSet {
        let may_match = |kind: &EventKind| {
            self.candidates.of(*kind).iter().any(|candidate| candidate.rule == id)
        };
        self.interest.kinds().iter().filter(may_match).collect()
    }

    /// The rules that look at kinds which are not `produced`.
    pub(super) fn out_of_sight(&self, produced: &KindSet) -> Vec<OutOfSight> {
        let mut found: BTreeMap<(Vec<EventKind>, bool), Vec<String>> = BTreeMap::new();
        for (rule, kinds) in self.rules.iter().zip(self.candidates.of_rules(self.rules.len())) {
            let unseen = kinds.difference(produced);
            let all = kinds.intersection(produced).is_empty();
            // A rule that takes whatever there is gets just that.
            if unseen.is_empty() || (!all && kinds.len() > self.many_kinds) {
                continue;
            }
            let name = rule.info.name.clone();
            found.entry((unseen.iter().collect(), all)).or_default().push(name);
        }
        let found = found.into_iter();
        found
            .map(|((kinds, all), rules)| OutOfSight {
                rules,
                kinds: kinds.into_iter().collect(),
                all,
            })
            .collect()
    }

    /// The names of the rules that read one of `fields`.
    pub(super) fn readers(&self, fields: &FieldSet) -> Vec<String> {
        let reads = |rule: &&Planned| !rule.reads.intersection(fields).is_empty();
        self.rules.iter().filter(reads).map(|rule| rule.info.name.clone()).collect()
    }

    /// What may match events of this kind, in the order of definition.
    pub(super) fn candidates(&self, kind: EventKind) -> &[Candidate] {
        self.candidates.of(kind)
    }

    pub(super) fn planned(&self, id: RuleId) -> Option<&Planned> {
        self.rules.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    pub(super) fn rule_matching(&self) -> RuleMatching {
        self.rule_matching
    }
}

/// The kinds of events that a condition may hold for.
pub(super) fn matched_kinds<'s>(schema: &'s Schema, condition: &Condition) -> Vec<&'s KindInfo> {
    let mut parts = Vec::new();
    each_check(condition, &mut |check| {
        parts.push(Part::new(check, || Arc::new(Atom::new(check, &mut |_| usize::MAX))));
    });
    let mut deciding = Deciding::new(schema, parts);
    let mut known: HashMap<Vec<Option<bool>>, bool> = HashMap::new();
    let may_hold = |info: &&KindInfo| {
        let decisions = deciding.on(info);
        if let Some(may_hold) = known.get(decisions) {
            return *may_hold;
        }
        let decisions = decisions.to_vec();
        let may_hold = truth(condition, &mut deciding.of_checks()) != Some(false);
        known.insert(decisions, may_hold);
        may_hold
    };
    judged_kinds(schema).filter(may_hold).collect()
}

/// What a condition comes to where this is `decided` of its comparisons in the order of writing.
fn truth(condition: &Condition, decided: &mut impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut join = |all: &[Condition], decisive: bool| {
        let (mut is_decided, mut is_open) = (false, false);
        // No early end: each comparison takes its own.
        for one in all {
            match truth(one, decided) {
                Some(value) => is_decided |= value == decisive,
                None => is_open = true,
            }
        }
        if is_decided { Some(decisive) } else { (!is_open).then_some(!decisive) }
    };
    match condition {
        Condition::Const(value) => Some(*value),
        Condition::Check(_) => decided.next().flatten(),
        Condition::Not(inner) => truth(inner, decided).map(|value| !value),
        Condition::All(all) => join(all, false),
        Condition::Any(all) => join(all, true),
    }
}

fn judged_kinds(schema: &Schema) -> impl Iterator<Item = &KindInfo> {
    schema.kinds().iter().filter(|info| !info.kind.is_state())
}

/// What conditions read, fields and transformed values: each with its place among what is kept
/// while an event is judged.
type Keys = HashMap<Operand, usize>;

/// Adds a rule to the kinds that it may match; says what it reads there, and whether that is the
/// name of a file.
fn plan_rule(
    schema: &Schema,
    rule: &Rule,
    id: RuleId,
    keys: &mut Keys,
    candidates: &mut Builder<'_>,
) -> (FieldSet, bool) {
    let mut reads = FieldSet::default();
    if !rule.enabled {
        return (reads, false);
    }
    let mut specialised = Specialised::new(schema, &rule.condition, keys);
    candidates.add(|info| {
        let Left { condition, follows_path, .. } = specialised.on(info)?;
        Some(Candidate { rule: id, condition: condition.clone(), follows_path: *follows_path })
    });
    let left = specialised.compiled.into_values().flatten();
    left.for_each(|left| reads.union_with(&left.reads));
    if specialised.may_hold {
        rule.output.keys(&mut |key| _ = reads.insert(key.field()));
    }
    let has_realpath = schema.field_info(catalogue::FD_REALPATH).is_some();
    let names_file = has_realpath && reads.iter().any(|field| follows_path(schema, field));
    if names_file {
        reads.insert(catalogue::FD_REALPATH);
    }
    (reads, names_file)
}

fn follows_path(schema: &Schema, field: FieldId) -> bool {
    schema.field_info(field).is_some_and(|info| info.follows_path)
}

/// What kinds decide of a condition's comparisons: `evt.type` and its like.
///
/// Only comparisons that kinds may decide are asked about each.
struct Deciding<'a> {
    schema: &'a Schema,
    /// All comparisons in the order of writing.
    parts: Vec<Part<'a>>,
    /// What the last kind decided of those that it may: there are hundreds of kinds, which mostly
    /// decide alike.
    decisions: Vec<Option<bool>>,
    arena: Arena,
}

/// A comparison.
enum Part<'a> {
    /// Kinds may decide it.
    OfKind(&'a Check, Arc<Atom>),
    /// What is known of it, whatever the kind.
    Other(Option<bool>),
}

impl<'a> Part<'a> {
    /// `atom` is asked for where it is needed.
    fn new(check: &'a Check, atom: impl FnOnce() -> Arc<Atom>) -> Self {
        if is_of_kind(check) {
            Self::OfKind(check, atom())
        } else {
            Self::Other(never_holds(check).then_some(false))
        }
    }
}

impl<'a> Deciding<'a> {
    fn new(schema: &'a Schema, parts: Vec<Part<'a>>) -> Self {
        Self { schema, parts, decisions: Vec::new(), arena: Arena::default() }
    }

    /// What a kind decides of the comparisons that it may.
    fn on(&mut self, info: &KindInfo) -> &[Option<bool>] {
        let Self { schema, parts, decisions, arena } = self;
        arena.reset();
        let event = OfKind { info, source: schema.source_name() };
        decisions.clear();
        decisions.extend(parts.iter().filter_map(|part| match part {
            Part::OfKind(check, atom) => Some(decide(&event, check, atom, arena)),
            Part::Other(_) => None,
        }));
        decisions
    }

    /// What is decided of each comparison for the last kind, in the order of writing.
    fn of_checks(&self) -> impl Iterator<Item = Option<bool>> {
        let mut decided = self.decisions.iter();
        self.parts.iter().map(move |part| match part {
            Part::OfKind(..) => decided.next().copied().flatten(),
            Part::Other(known) => *known,
        })
    }
}

/// A condition with what an event's kind decides put in.
///
/// Most kinds decide alike, so the condition is compiled once for each way to decide.
struct Specialised<'a> {
    schema: &'a Schema,
    condition: &'a Condition,
    /// Its comparisons in the order of writing.
    atoms: Vec<Arc<Atom>>,
    deciding: Deciding<'a>,
    /// By what a kind decides.
    compiled: HashMap<Vec<Option<bool>>, Option<Left>>,
    /// Whether it may hold for a kind that was asked about.
    may_hold: bool,
}

/// What is left of a condition.
struct Left {
    condition: Arc<Node>,
    reads: FieldSet,
    /// Whether one of those follows the name of a file.
    follows_path: bool,
}

impl<'a> Specialised<'a> {
    fn new(schema: &'a Schema, condition: &'a Condition, keys: &mut Keys) -> Self {
        let mut place = |operand: &Operand| {
            let next = keys.len();
            *keys.entry(operand.clone()).or_insert(next)
        };
        let (mut atoms, mut parts) = (Vec::new(), Vec::new());
        each_check(condition, &mut |check| {
            let atom = Arc::new(Atom::new(check, &mut place));
            parts.push(Part::new(check, || Arc::clone(&atom)));
            atoms.push(atom);
        });
        let deciding = Deciding::new(schema, parts);
        Self { schema, condition, atoms, deciding, compiled: HashMap::new(), may_hold: false }
    }

    /// What is left of the condition for events of a kind; `None` if it never holds.
    fn on(&mut self, info: &KindInfo) -> Option<&Left> {
        let Self { schema, condition, atoms, deciding, compiled, may_hold } = self;
        let decisions = deciding.on(info);
        if !compiled.contains_key(decisions) {
            let decisions = decisions.to_vec();
            let mut parts = deciding.of_checks().zip(atoms.iter());
            let node = Node::build(condition, &mut |_| {
                // There is one part for each comparison.
                let Some((decided, atom)) = parts.next() else { return Node::Const(false) };
                decided.map_or_else(|| Node::Check(Arc::clone(atom)), Node::Const)
            });
            let left = (!matches!(node, Node::Const(false))).then(|| {
                let mut reads = FieldSet::default();
                node.keys(&mut |key| {
                    reads.insert(key.field());
                });
                let follows_path = reads.iter().any(|field| follows_path(schema, field));
                Left { condition: Arc::new(node), reads, follows_path }
            });
            compiled.insert(decisions, left);
        }
        let left = compiled.get(deciding.decisions.as_slice()).and_then(Option::as_ref);
        *may_hold |= left.is_some();
        left
    }
}

/// Whether a kind may decide the comparison.
fn is_of_kind(check: &Check) -> bool {
    let (mut all, mut one_is_param) = (true, false);
    check.fields(&mut |field| match field.key.field() {
        catalogue::EVT_TYPE | catalogue::SYSCALL_TYPE | catalogue::EVT_SOURCE => {}
        catalogue::EVT_ARG | catalogue::EVT_RAWARG => one_is_param = true,
        _ => all = false,
    });
    all || one_is_param
}

/// What the kind alone says of a comparison.
fn decide(event: &OfKind<'_>, check: &Check, atom: &Atom, arena: &Arena) -> Option<bool> {
    let (mut decided, mut absent) = (true, false);
    check.fields(&mut |field| match field.key.field() {
        catalogue::EVT_TYPE | catalogue::SYSCALL_TYPE | catalogue::EVT_SOURCE => {}
        catalogue::EVT_ARG | catalogue::EVT_RAWARG => {
            decided = false;
            absent |= !may_have(event.info, field.key.arg());
        }
        _ => decided = false,
    });
    if absent {
        return Some(false);
    }
    decided.then(|| atom.judge(&Answers::new(event, arena, 0))).flatten()
}

/// Whether events of a kind may have the param. Of those of one's own kinds nothing is known.
fn may_have(info: &KindInfo, param: &Arg) -> bool {
    info.origin == Origin::Custom
        || match param {
            Arg::Name(name) => info.param(name).is_some(),
            Arg::Index(index) => (*index as usize) < info.params.len(),
            Arg::None => true,
        }
}

/// Whether a comparison never holds because events are counted from 1: `evt.num = 0`, with which
/// rule files switch something off.
fn never_holds(check: &Check) -> bool {
    let counts = check.field().is_some_and(|field| field.key.field() == catalogue::EVT_NUM);
    let at_most = |n: u64| {
        let within = |constant: &OwnedValue| matches!(constant, OwnedValue::U64(c) if *c <= n);
        check.modifier.is_none() && check.constants().iter().all(within)
    };
    counts
        && match check.operator {
            Operator::Eq | Operator::In | Operator::Le => at_most(0),
            Operator::Lt => at_most(1),
            _ => false,
        }
}

/// An event of which nothing is known but its kind.
struct OfKind<'s> {
    info: &'s KindInfo,
    source: &'s str,
}

impl Fields for OfKind<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        match key.field() {
            catalogue::EVT_TYPE => Lookup::Known(Value::from(&*self.info.name)),
            catalogue::SYSCALL_TYPE if self.info.origin == Origin::Syscall => {
                Lookup::Known(Value::from(&*self.info.name))
            }
            catalogue::EVT_SOURCE => Lookup::Known(Value::from(self.source)),
            _ => Lookup::Absent,
        }
    }
}

impl Event for OfKind<'_> {
    fn kind(&self) -> EventKind {
        self.info.kind
    }

    fn time(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// Calls `each` with every comparison, in the order in which [`Node::build`] asks for them.
fn each_check<'a>(condition: &'a Condition, each: &mut dyn FnMut(&'a Check)) {
    match condition {
        Condition::Const(_) => {}
        Condition::Check(check) => each(check),
        Condition::Not(inner) => each_check(inner, each),
        Condition::All(all) | Condition::Any(all) => {
            all.iter().for_each(|condition| each_check(condition, each));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Loader, parse_condition};

    fn plan(rules: &[(&str, &str)]) -> Plan {
        let yaml: String = rules
            .iter()
            .map(|(condition, output)| {
                format!(
                    "- rule: {condition:?}\n  desc: d\n  priority: debug\n  \
                     condition: {condition:?}\n  output: {output:?}\n"
                )
            })
            .collect();
        let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("r.yaml", yaml).load();
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
        Plan::compile(rules, PlanOptions::default())
    }

    #[track_caller]
    fn check(condition: &str, kinds: &[EventKind]) {
        let plan = plan(&[(condition, "x")]);
        assert_eq!(plan.kinds(RuleId(0)), kinds.iter().copied().collect(), "{condition}");
        assert_eq!(plan.interest().kinds(), &plan.kinds(RuleId(0)), "{condition}");
        let schema = Schema::falco();
        let matched = matched_kinds(&schema, &parse_condition(&schema, condition).0.unwrap());
        assert!(matched.iter().map(|info| info.kind).eq(kinds.iter().copied()), "{condition}");
    }

    #[test]
    fn a_rule_is_looked_at_for_the_kinds_that_it_names() {
        check("evt.type = openat", &[EventKind::OPENAT]);
        check("evt.type in (open, creat) and proc.name = x", &[EventKind::OPEN, EventKind::CREAT]);
        check("evt.type = open and evt.type = creat", &[]);
        check("syscall.type = open or syscall.type = procexit", &[EventKind::OPEN]);
        check("not evt.type != connect", &[EventKind::CONNECT]);
        check("evt.type = creat or (evt.type = open and not evt.type = open)", &[EventKind::CREAT]);
        check("evt.type = open and evt.source = other", &[]);
        check("evt.arg.resolve exists", &[EventKind::OPENAT2]);
        check("not evt.arg.resolve exists and evt.type = open", &[EventKind::OPEN]);
        let all = plan(&[("proc.name = x", "x")]);
        let judged = judged_kinds(&Schema::falco()).count();
        assert_eq!(all.interest().kinds().len(), judged);
    }

    #[test]
    fn nothing_is_asked_that_no_rule_needs() {
        let plan = plan(&[
            ("evt.type = open and proc.name = x", "%user.name"),
            ("evt.type = open and evt.type = creat and proc.pname = x", "%proc.exe"),
            ("evt.type = open and evt.arg.resolve = x", "%proc.exe"),
        ]);
        let fields = [catalogue::PROC_NAME, catalogue::USER_NAME];
        assert_eq!(plan.interest().fields(), &fields.into_iter().collect());
        assert_eq!(plan.readers(&[catalogue::USER_NAME].into_iter().collect()).len(), 1);
    }

    #[test]
    fn rules_about_files_ask_for_the_resolved_name() {
        let plan = plan(&[("evt.type = open and fd.directory = /etc", "x")]);
        assert!(plan.interest().fields().contains(catalogue::FD_REALPATH));
        assert!(plan.candidates(EventKind::OPEN)[0].follows_path);
    }

    #[test]
    fn kinds_are_counted() {
        let schema = Schema::falco();
        let count = |text| matched_kinds(&schema, &parse_condition(&schema, text).0.unwrap()).len();
        assert_eq!(count("evt.type in (open, connect)"), 2);
        assert_eq!(count("evt.type != open"), judged_kinds(&schema).count() - 1);
    }
}

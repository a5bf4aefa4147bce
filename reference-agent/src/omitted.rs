//! Which rules read what was left out of a recording on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;

use k8srd_capture::Omission;
use k8srd_core::field::{Arg, Key};
use k8srd_core::kind::KindInfo;
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::{Plan, RuleSet};
use k8srd_core::schema::Schema;
use k8srd_core::set::RuleId;

use crate::captures::Report;

/// Who reads what a recording may lack, and what of it was told.
#[derive(Default)]
pub(crate) struct Omitted {
    readers: Vec<Reader>,
    told: BTreeSet<Omission>,
}

/// A rule, or a condition from the command line.
struct Reader {
    name: String,
    /// By what may be left out.
    reads: BTreeMap<Omission, Reads>,
}

/// The fields in question, as they are written, and the kinds of which no event is there.
#[derive(Default)]
struct Reads {
    kinds: BTreeSet<String>,
    in_condition: BTreeSet<String>,
    in_output: BTreeSet<String>,
}

impl Reads {
    /// Whether there may be more alerts without it, or fewer.
    fn decide(&self) -> bool {
        !self.kinds.is_empty() || !self.in_condition.is_empty()
    }

    /// What is read, and by what of a rule.
    fn parts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let kinds =
            (!self.kinds.is_empty()).then(|| ("it", format!("judges {}", listed(&self.kinds))));
        let fields = [("its condition", &self.in_condition), ("its output", &self.in_output)];
        let fields = fields.into_iter().filter(|(_, fields)| !fields.is_empty());
        let fields = fields.map(|(part, fields)| (part, format!("reads {}", listed(fields))));
        kinds.into_iter().chain(fields)
    }
}

impl Omitted {
    /// Whom it concerns of these rules and their plan.
    pub(crate) fn of_rules(rules: &RuleSet, plan: &Plan) -> Self {
        let readers = (0..).zip(rules.rules()).filter_map(|(place, rule)| {
            let mut search = Search::of(rules.schema(), plan, RuleId(place));
            search.in_condition(rule.condition());
            rule.output().keys(&mut |key| search.add(key, |reads| &mut reads.in_output));
            search.found(&rule.info().name)
        });
        Self { readers: readers.collect(), told: BTreeSet::new() }
    }

    /// Whether it concerns the condition that is a plan's only one.
    pub(crate) fn of_condition(
        name: &str,
        condition: &Condition,
        schema: &Schema,
        plan: &Plan,
    ) -> Self {
        let mut search = Search::of(schema, plan, RuleId(0));
        search.in_condition(condition);
        Self { readers: Vec::from_iter(search.found(name)), told: BTreeSet::new() }
    }

    /// What there is to say of a capture as far as it was read, if it was not said before.
    pub(crate) fn news<'a>(&'a mut self, file: &'a Path, report: &Report) -> News<'a> {
        let mut fresh: Vec<_> = report.omissions().known().collect();
        fresh.retain(|omission| self.told.insert(*omission));
        News { readers: &self.readers, file, fresh }
    }
}

/// What one rule reads.
struct Search<'a> {
    schema: &'a Schema,
    /// The kinds of events that the rule may match.
    kinds: Vec<&'a KindInfo>,
    reads: BTreeMap<Omission, Reads>,
}

impl<'a> Search<'a> {
    fn of(schema: &'a Schema, plan: &Plan, rule: RuleId) -> Self {
        let kinds = plan.kinds(rule);
        let kinds: Vec<_> = kinds.iter().filter_map(|kind| schema.kind_info(kind)).collect();
        let mut reads = BTreeMap::<_, Reads>::new();
        for &omission in Omission::ALL {
            for kind in kinds.iter().filter(|kind| omission.spans(kind)) {
                reads.entry(omission).or_default().kinds.insert(kind.name.to_string());
            }
        }
        Self { schema, kinds, reads }
    }

    fn in_condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Const(_) => {}
            Condition::Not(inner) => self.in_condition(inner),
            Condition::All(all) | Condition::Any(all) => {
                all.iter().for_each(|one| self.in_condition(one));
            }
            Condition::Check(check) => {
                check.fields(&mut |field| self.add(&field.key, |reads| &mut reads.in_condition));
            }
        }
    }

    fn add(&mut self, key: &Key, part: impl Fn(&mut Reads) -> &mut BTreeSet<String>) {
        for &omission in Omission::ALL {
            if self.kinds.iter().any(|kind| omission.affects(kind, key)) {
                let field = written(self.schema, key);
                part(self.reads.entry(omission).or_default()).insert(field);
            }
        }
    }

    fn found(self, name: &str) -> Option<Reader> {
        let Self { reads, .. } = self;
        (!reads.is_empty()).then(|| Reader { name: name.to_owned(), reads })
    }
}

/// A field with its argument, as in a rule.
fn written(schema: &Schema, key: &Key) -> String {
    let Some(info) = schema.field_info(key.field()) else { return format!("{key:?}") };
    match key.arg() {
        Arg::Name(name) if info.arg_form.dotted() => format!("{}.{name}", info.name),
        arg => format!("{}{arg}", info.name),
    }
}

/// What was not said before, for people.
pub(crate) struct News<'a> {
    readers: &'a [Reader],
    file: &'a Path,
    fresh: Vec<Omission>,
}

impl News<'_> {
    /// A line for each omission that the condition reads.
    pub(crate) fn of_condition(&self) -> String {
        let mut lines = String::new();
        for reader in self.readers {
            for (omission, reads) in self.lacks(reader) {
                let why = self.why(omission);
                for (_, what) in reads.parts() {
                    let _ = writeln!(lines, "k8srd: {} {what}, and {why}", reader.name);
                }
            }
        }
        lines
    }

    fn lacks<'r>(&self, reader: &'r Reader) -> impl Iterator<Item = (Omission, &'r Reads)> {
        self.fresh.iter().filter_map(|&omission| Some((omission, reader.reads.get(&omission)?)))
    }

    fn why(&self, omission: Omission) -> String {
        let (file, name) = (self.file.display(), omission.name());
        format!("{file} was recorded without {omission}: record with `k8srd record --with {name}`")
    }
}

/// Each rule, first those of whose alerts there may be more or fewer.
impl fmt::Display for News<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let concerned = self.readers.iter().filter(|reader| self.lacks(reader).next().is_some());
        let decides = |reader: &&Reader| self.lacks(reader).any(|(_, reads)| reads.decide());
        let (judged, told): (Vec<_>, Vec<_>) = concerned.partition(decides);
        for (verdict, readers) in
            [("may judge otherwise than live", judged), ("may tell less than live", told)]
        {
            for reader in readers {
                writeln!(f, "rule {:?} {verdict}", reader.name)?;
                for (omission, reads) in self.lacks(reader) {
                    let why = self.why(omission);
                    for (subject, what) in reads.parts() {
                        writeln!(f, "  because {subject} {what}, and {why}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The first of them, and how many more.
fn listed(names: &BTreeSet<String>) -> String {
    const MOST: usize = 5;
    let mut text = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        let _ = write!(text, " and {} more", names.len() - MOST);
    }
    text
}

//! Which rules read what was left out of a recording on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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

/// The fields in question, as they are written.
#[derive(Default)]
struct Reads {
    in_condition: BTreeSet<String>,
    in_output: BTreeSet<String>,
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
        let kinds = kinds.iter().filter_map(|kind| schema.kind_info(kind)).collect();
        Self { schema, kinds, reads: BTreeMap::new() }
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
        let lines = self.readers.iter().flat_map(|reader| {
            self.lacks(reader).map(|(omission, reads)| {
                let (fields, why) = (listed(&reads.in_condition), self.why(omission));
                format!("k8srd: {} reads {fields}, and {why}\n", reader.name)
            })
        });
        lines.collect()
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
        let decides =
            |reader: &&Reader| self.lacks(reader).any(|(_, reads)| !reads.in_condition.is_empty());
        let (judged, told): (Vec<_>, Vec<_>) = concerned.partition(decides);
        for (verdict, readers) in
            [("may judge otherwise than live", judged), ("may tell less than live", told)]
        {
            for reader in readers {
                writeln!(f, "rule {:?} {verdict}", reader.name)?;
                for (omission, reads) in self.lacks(reader) {
                    let why = self.why(omission);
                    for (part, fields) in
                        [("condition", &reads.in_condition), ("output", &reads.in_output)]
                    {
                        if !fields.is_empty() {
                            let fields = listed(fields);
                            writeln!(f, "  because its {part} reads {fields}, and {why}")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn listed(fields: &BTreeSet<String>) -> String {
    fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

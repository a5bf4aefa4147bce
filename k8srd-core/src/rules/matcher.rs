//! The rule engine as a matcher.

use std::sync::Arc;

use super::evaluate::Answers;
use super::plan::{Candidate, Plan, Planned, RuleMatching};
use crate::alert::Alert;
use crate::arena::Arena;
use crate::catalogue;
use crate::event::Event;
use crate::field::Key;
use crate::interest::Interest;
use crate::matcher::{Matcher, OutOfSight, Verdicts};
use crate::set::{FieldSet, KindSet, RuleBits};
use crate::value::OwnedValue;

/// Judges events by a [`Plan`].
///
/// A rule that reads the name of a file is judged under each [name](Event::alternate) that the
/// file has; it matches if it does under one, and its alert shows both.
#[derive(Clone, Debug)]
pub struct RuleMatcher {
    plan: Arc<Plan>,
}

impl RuleMatcher {
    /// A matcher of a plan. Any number of matchers may share one.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self { plan: plan.into() }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

impl Matcher for RuleMatcher {
    fn interest(&self) -> &Interest {
        self.plan.interest()
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        only: Option<&RuleBits>,
        arena: &Arena,
        out: &mut Verdicts,
    ) {
        let candidates = self.plan.candidates(event.kind());
        if candidates.is_empty() {
            return;
        }
        let first_only = self.plan.rule_matching() == RuleMatching::First;
        let mut names = Names::new(event, arena, self.plan.keys());
        let mut behind_undecided = false;
        for candidate in candidates {
            if only.is_some_and(|only| !only.contains(candidate.rule)) {
                continue;
            }
            match names.judge(candidate) {
                Some(false) => {}
                None => {
                    out.waiting.insert(candidate.rule);
                    behind_undecided = true;
                }
                // One of those before it may turn out to be the first.
                Some(true) if first_only && behind_undecided => {
                    out.waiting.insert(candidate.rule);
                    break;
                }
                Some(true) => {
                    if let Some(rule) = self.plan.planned(candidate.rule) {
                        let shows_both = rule.names_file && names.alternate().is_some();
                        out.alerts.push(alert(rule, event, shows_both, arena));
                    }
                    if first_only {
                        break;
                    }
                }
            }
        }
    }

    fn readers(&self, fields: &FieldSet) -> Vec<String> {
        self.plan.readers(fields)
    }

    fn out_of_sight(&self, produced: &KindSet) -> Vec<OutOfSight> {
        self.plan.out_of_sight(produced)
    }
}

/// An event under both names of its file; the other one is looked for when first needed.
struct Names<'e> {
    event: &'e dyn Event,
    arena: &'e Arena,
    keys: usize,
    given: Answers<'e>,
    alternate: Option<Option<Answers<'e>>>,
}

impl<'e> Names<'e> {
    fn new(event: &'e dyn Event, arena: &'e Arena, keys: usize) -> Self {
        Self { event, arena, keys, given: Answers::new(event, arena, keys), alternate: None }
    }

    /// Whether the rule holds under either name.
    fn judge(&mut self, candidate: &Candidate) -> Option<bool> {
        let given = candidate.condition.judge(&self.given);
        if given == Some(true) || !candidate.follows_path {
            return given;
        }
        let Some(alternate) = self.alternate() else { return given };
        match candidate.condition.judge(alternate) {
            Some(false) => given,
            other => other,
        }
    }

    /// The event under the file's other name, if it has one.
    fn alternate(&mut self) -> Option<&Answers<'e>> {
        let Self { event, arena, keys, .. } = *self;
        let answers = |other| Answers::new(other, arena, keys);
        self.alternate.get_or_insert_with(|| event.alternate().map(answers)).as_ref()
    }
}

fn alert(rule: &Planned, event: &dyn Event, shows_both: bool, arena: &Arena) -> Alert {
    let mut message = String::new();
    rule.output.render(event, arena, &mut message);
    let mut alert = Alert::new(rule.info.clone(), event.time(), message);
    alert.fields = rule.output.values(event, arena);
    let time = OwnedValue::U64(event.time().as_nanos());
    set_field(&mut alert, "evt.time", time);
    let realpath = Key::of(catalogue::FD_REALPATH);
    if shows_both && let Some(path) = event.get(&realpath, arena).known() {
        alert.message.push_str(" realpath=");
        alert.message.push_str(&path.to_string());
        set_field(&mut alert, "fd.realpath", path.to_owned());
    }
    alert
}

/// Adds or replaces one of an alert's fields, which are sorted by name.
fn set_field(alert: &mut Alert, name: &str, value: OwnedValue) {
    match alert.fields.binary_search_by(|(own, _)| (**own).cmp(name)) {
        Ok(place) => {
            if let Some((_, own)) = alert.fields.get_mut(place) {
                *own = Some(value);
            }
        }
        Err(place) => alert.fields.insert(place, (name.into(), Some(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Fields, Timestamp};
    use crate::kind::EventKind;
    use crate::rules::{Loader, PlanOptions};
    use crate::schema::Schema;
    use crate::value::{Lookup, Value};

    /// A file opened as /tmp/link, which leads to /etc/shadow, by a user whose name is on its way.
    struct Open {
        name: &'static str,
        alternate: Option<Box<Open>>,
    }

    impl Open {
        fn through_a_link() -> Self {
            let resolved = Self { name: "/etc/shadow", alternate: None };
            Self { name: "/tmp/link", alternate: Some(Box::new(resolved)) }
        }
    }

    impl Fields for Open {
        fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
            match key.field() {
                catalogue::FD_NAME => Lookup::Known(self.name.into()),
                catalogue::FD_REALPATH => Lookup::Known("/etc/shadow".into()),
                catalogue::PROC_NAME => Lookup::Known("cat".into()),
                catalogue::USER_NAME => Lookup::Pending,
                _ => Lookup::Absent,
            }
        }
    }

    impl Event for Open {
        fn kind(&self) -> EventKind {
            EventKind::OPENAT
        }

        fn time(&self) -> Timestamp {
            Timestamp::from_nanos(7)
        }

        fn alternate(&self) -> Option<&dyn Event> {
            self.alternate.as_deref().map(|open| open as &dyn Event)
        }
    }

    fn matcher(conditions: &[&str], rule_matching: RuleMatching) -> RuleMatcher {
        let yaml: String = conditions
            .iter()
            .enumerate()
            .map(|(i, condition)| {
                format!(
                    "- rule: r{i}\n  desc: d\n  priority: debug\n  condition: {condition}\n  \
                     output: r{i} %fd.name %user.name %evt.time\n"
                )
            })
            .collect();
        let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("r.yaml", yaml).load();
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
        let options = PlanOptions::default().rule_matching(rule_matching);
        RuleMatcher::new(Plan::compile(rules, options))
    }

    #[track_caller]
    fn check(conditions: &[&str], matching: RuleMatching, alerts: &[&str], waiting: &[u32]) {
        let mut verdicts = Verdicts::default();
        let event = Open::through_a_link();
        let arena = Arena::default();
        matcher(conditions, matching).evaluate(&event, None, &arena, &mut verdicts);
        let fired: Vec<_> = verdicts.alerts.iter().map(|alert| &*alert.rule.name).collect();
        assert_eq!(fired, alerts, "{conditions:?}");
        let waits: Vec<_> = verdicts.waiting.iter().map(|id| id.0).collect();
        assert_eq!(waits, waiting, "{conditions:?}");
    }

    #[test]
    fn all_or_the_first() {
        let three = ["proc.name = cat", "proc.name = dog", "evt.type = openat"];
        check(&three, RuleMatching::All, &["r0", "r2"], &[]);
        check(&three, RuleMatching::First, &["r0"], &[]);
        check(&three, RuleMatching::default(), &["r0", "r2"], &[]);
    }

    #[test]
    fn the_first_waits_for_those_before_it() {
        let undecided_first = ["user.name = root", "proc.name = cat", "evt.type = openat"];
        check(&undecided_first, RuleMatching::First, &[], &[0, 1]);
        check(&undecided_first, RuleMatching::All, &["r1", "r2"], &[0]);
        let decided_first = ["proc.name = cat", "user.name = root"];
        check(&decided_first, RuleMatching::First, &["r0"], &[]);
    }

    #[test]
    fn a_file_is_judged_under_both_its_names() {
        check(
            &["fd.name = /etc/shadow", "fd.name = /tmp/link", "fd.name = /etc/passwd"],
            RuleMatching::All,
            &["r0", "r1"],
            &[],
        );
        check(&["not fd.name = /tmp/link"], RuleMatching::All, &["r0"], &[]);
        check(&["fd.name = /etc/shadow and user.name = x"], RuleMatching::All, &[], &[0]);
    }

    #[test]
    fn an_alert_shows_both_names_and_its_time() {
        let mut verdicts = Verdicts::default();
        let mut matcher = matcher(&["fd.name = /etc/shadow"], RuleMatching::All);
        matcher.evaluate(&Open::through_a_link(), None, &Arena::default(), &mut verdicts);
        let alert = &verdicts.alerts[0];
        assert_eq!(alert.message, "r0 /tmp/link <NA> <NA> realpath=/etc/shadow");
        let fields: Vec<_> = alert.fields.iter().map(|(name, value)| (&**name, value)).collect();
        assert_eq!(
            fields,
            [
                ("evt.time", &Some(OwnedValue::U64(7))),
                ("fd.name", &Some("/tmp/link".into())),
                ("fd.realpath", &Some("/etc/shadow".into())),
                ("user.name", &None),
            ]
        );
        verdicts.clear();
        let plain = Open { name: "/etc/shadow", alternate: None };
        matcher.evaluate(&plain, None, &Arena::default(), &mut verdicts);
        assert_eq!(verdicts.alerts[0].message, "r0 /etc/shadow <NA> <NA>");
    }

    #[test]
    fn a_field_is_asked_for_once_however_many_rules_read_it() {
        struct Asked(std::cell::Cell<usize>);

        impl Fields for Asked {
            fn get<'a>(&'a self, _: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
                self.0.set(self.0.get() + 1);
                Lookup::Known("cat".into())
            }
        }

        impl Event for Asked {
            fn kind(&self) -> EventKind {
                EventKind::OPENAT
            }

            fn time(&self) -> Timestamp {
                Timestamp::from_nanos(7)
            }
        }

        let asked = Asked(0.into());
        let rules = ["proc.name = a", "proc.name contains b", "proc.pname = c or proc.name = d"];
        let mut verdicts = Verdicts::default();
        matcher(&rules, RuleMatching::All).evaluate(&asked, None, &Arena::default(), &mut verdicts);
        assert!(verdicts.alerts.is_empty());
        assert_eq!(asked.0.get(), 2, "proc.name and proc.pname");
    }

    #[test]
    fn only_the_rules_asked_for_are_judged() {
        let mut verdicts = Verdicts::default();
        let mut matcher = matcher(&["proc.name = cat", "evt.type = openat"], RuleMatching::All);
        let only = [crate::set::RuleId(1)].into_iter().collect();
        matcher.evaluate(&Open::through_a_link(), Some(&only), &Arena::default(), &mut verdicts);
        assert_eq!(verdicts.alerts.len(), 1);
        assert_eq!(verdicts.alerts[0].rule.name, "r1");
    }
}

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::*;
use crate::alert::{Priority, RuleInfo};
use crate::event::{Event, Fields, Reading};
use crate::field::Key;
use crate::kind::EventKind;
use crate::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use crate::set::{KindSet, RuleBits, RuleId};
use crate::value::Value;

/// An open of `given`, which is `real`.
struct Open {
    kind: EventKind,
    given: &'static str,
    real: &'static str,
}

const fn open(given: &'static str, real: &'static str) -> Open {
    Open { kind: EventKind::OPEN, given, real }
}

impl Fields for Open {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        match *key {
            ref key if *key == Key::param(1) => Lookup::Known(self.given.into()),
            ref key if *key == Key::of(catalogue::CTX_PATH_REAL) => Lookup::Known(self.real.into()),
            _ => Lookup::Absent,
        }
    }
}

impl Event for Open {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_nanos(1_000_000_007)
    }
}

struct Script {
    events: VecDeque<Open>,
    provides: FieldSet,
    produces: Option<KindSet>,
    subscribed: Arc<Mutex<Vec<Interest>>>,
    /// Which subscription it refuses, counted from 0.
    refuses: Option<usize>,
}

fn script(events: impl IntoIterator<Item = Open>) -> (Script, Arc<Mutex<Vec<Interest>>>) {
    let subscribed = Arc::default();
    let script = Script {
        events: events.into_iter().collect(),
        provides: [catalogue::CTX_PATH_REAL].into_iter().collect(),
        produces: None,
        subscribed: Arc::clone(&subscribed),
        refuses: None,
    };
    (script, subscribed)
}

impl Source for Script {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn produces(&self) -> Option<&KindSet> {
        self.produces.as_ref()
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        let mut subscribed = self.subscribed.lock().unwrap();
        subscribed.push(interest.clone());
        if self.refuses == Some(subscribed.len() - 1) {
            return Err(SourceError::new("not this"));
        }
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        while let Some(event) = self.events.pop_front() {
            if each(&event).is_break() {
                return Ok(Flow::More);
            }
        }
        Ok(Flow::End)
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}

/// Answers one field: the name, or `Pending`. Wants a field of someone else for that.
struct Names {
    provides: FieldSet,
    wants: FieldSet,
    pending: bool,
    observed: Arc<Mutex<Vec<&'static str>>>,
}

fn names(field: FieldId) -> Names {
    Names {
        provides: [field].into_iter().collect(),
        wants: FieldSet::default(),
        pending: false,
        observed: Arc::default(),
    }
}

impl Enricher for Names {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn demand(&mut self, wanted: &FieldSet) -> Interest {
        let kinds = if wanted.is_empty() {
            KindSet::default()
        } else {
            [EventKind::EXECVE].into_iter().collect()
        };
        Interest::new(kinds, self.wants.clone())
    }

    fn observe(&mut self, event: &dyn Event, _: &Arena) {
        self.observed.lock().unwrap().push(if event.kind().is_state() {
            "state"
        } else {
            "observe"
        });
    }

    fn settle(&mut self, _: &dyn Event, _: &Arena) {
        self.observed.lock().unwrap().push("settle");
    }

    fn locate(&self, _: &dyn Event, _: &Arena) -> Lookup<Slot> {
        Lookup::Known(Slot(0))
    }

    fn get<'a>(
        &'a self,
        _: Slot,
        event: &'a dyn Event,
        _: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        if self.pending {
            return Lookup::Pending;
        }
        match event.reading() {
            Reading::Given => event.get(&Key::param(1), arena),
            Reading::Resolved => event.get(&Key::of(catalogue::CTX_PATH_REAL), arena),
        }
    }
}

/// Raises an alert with the values of one field under all names of the file.
struct Watch {
    field: FieldId,
    interest: Interest,
}

fn watch(field: FieldId) -> Watch {
    let interest =
        Interest::new([EventKind::OPEN].into_iter().collect(), [field].into_iter().collect());
    Watch { field, interest }
}

impl Matcher for Watch {
    fn interest(&self) -> &Interest {
        &self.interest
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        only: Option<&RuleBits>,
        arena: &Arena,
        out: &mut Verdicts,
    ) {
        let key = Key::of(self.field);
        let mut message = match event.get(&key, arena) {
            Lookup::Known(value) => value.to_string(),
            Lookup::Absent => "absent".into(),
            Lookup::Pending => {
                assert!(only.is_none(), "nothing is pending any more when asked again");
                out.waiting.insert(RuleId(0));
                return;
            }
        };
        if let Some(alternate) = event.alternate()
            && let Lookup::Known(value) = alternate.get(&key, arena)
        {
            message += &format!(" = {value}");
        }
        out.alerts.push(Alert::new(
            Arc::new(RuleInfo::new("watch", Priority::Debug)),
            event.time(),
            message,
        ));
    }

    fn readers(&self, fields: &FieldSet) -> Vec<String> {
        if fields.contains(self.field) { vec!["watch".into()] } else { Vec::new() }
    }
}

fn messages(pipeline: &mut Pipeline) -> Vec<String> {
    let mut alerts = Vec::new();
    while pipeline.step(Duration::ZERO, &mut alerts).unwrap() == Flow::More {}
    alerts.into_iter().map(|alert| alert.message).collect()
}

#[test]
fn a_file_is_judged_under_both_names_where_they_differ() {
    let events = || [open("/link", "/etc/shadow"), open("/etc/shadow", "/etc/shadow")];
    let run = |path_matching| {
        let mut pipeline = Pipeline::builder(script(events()).0)
            .enrich(names(catalogue::FD_NAME))
            .matcher(watch(catalogue::FD_NAME))
            .path_matching(path_matching)
            .build()
            .unwrap();
        messages(&mut pipeline)
    };
    assert_eq!(run(PathMatching::Either), ["/link = /etc/shadow", "/etc/shadow"]);
    assert_eq!(run(PathMatching::Given), ["/link", "/etc/shadow"]);
}

#[test]
fn demand_reaches_the_source() {
    let (source, subscribed) = script([]);
    Pipeline::builder(source)
        .enrich(names(catalogue::PROC_NAME))
        .enrich(Names {
            wants: [catalogue::PROC_NAME].into_iter().collect(),
            ..names(catalogue::FD_NAME)
        })
        .matcher(watch(catalogue::FD_NAME))
        .build()
        .unwrap();
    let subscribed = subscribed.lock().unwrap();
    assert_eq!(subscribed.len(), 1);
    let kinds: Vec<_> = subscribed[0].kinds().iter().collect();
    assert_eq!(kinds, [EventKind::OPEN, EventKind::EXECVE]);
    assert!(subscribed[0].fields().contains(catalogue::PROC_NAME));
}

#[test]
fn wiring_mistakes_are_refused() {
    let twice = Pipeline::builder(script([]).0)
        .enrich(names(catalogue::FD_NAME))
        .enrich(names(catalogue::FD_NAME))
        .build();
    let message = twice.unwrap_err().to_string();
    assert_eq!(
        message,
        "fd.name is answered by enricher 0 (counted from 0) and by enricher 1 (counted from 0); \
         a field has one owner"
    );

    let cycle = Pipeline::builder(script([]).0)
        .enrich(Names {
            wants: [catalogue::PROC_NAME].into_iter().collect(),
            ..names(catalogue::FD_NAME)
        })
        .enrich(names(catalogue::PROC_NAME))
        .build();
    assert!(cycle.unwrap_err().to_string().contains("needs proc.name"), "a later enricher");
}

#[test]
fn an_unanswered_field_is_a_finding_or_an_error() {
    let builder =
        || Pipeline::builder(script([open("/a", "/a")]).0).matcher(watch(catalogue::FD_NAME));
    let mut pipeline = builder().build().unwrap();
    let field = "fd.name".to_owned();
    assert_eq!(pipeline.findings()[0].reason, Reason::FieldUnanswered { field });
    assert_eq!(pipeline.findings()[0].rules, ["watch"]);
    assert_eq!(messages(&mut pipeline), ["absent"]);
    let error = builder().strict().build().unwrap_err();
    assert_eq!(error.to_string(), "nobody answers fd.name, which is read by watch");
}

#[test]
fn kinds_that_the_source_does_not_produce_are_findings() {
    let rules = [
        ("blind", "evt.type in (rename, unlink)"),
        ("also blind", "evt.type in (unlink, rename) and evt.num > 1"),
        ("half blind", "evt.type in (open, unlink)"),
        ("sees all that it names", "evt.type in (open, creat)"),
        ("takes what comes", "evt.num = 1"),
        ("never matches", "evt.type = open and evt.type = unlink"),
    ];
    let yaml = rules.map(|(name, condition)| {
        format!(
            "- rule: {name}\n  desc: d\n  priority: notice\n  output: o\n  condition: {condition}\n"
        )
    });
    let (rules, _) = Loader::new(&Schema::falco()).add_file("r.yaml", yaml.concat()).load();
    let plan = Arc::new(Plan::compile(rules, PlanOptions::default()));
    let produces =
        || Some([EventKind::OPEN, EventKind::CREAT, EventKind::TASK].into_iter().collect());
    let source = || Script { produces: produces(), ..script([]).0 };

    let builder = || Pipeline::builder(source()).matcher(RuleMatcher::new(plan.clone()));
    let pipeline = builder().build().unwrap();
    let findings: Vec<_> = pipeline.findings().iter().map(Finding::to_string).collect();
    assert_eq!(
        findings,
        [
            "the source produces no event of rename, unlink; nothing else fires blind, also blind",
            "the source produces no event of unlink, which is looked at by half blind",
        ]
    );
    assert!(pipeline.findings()[0].is_silence() && !pipeline.findings()[1].is_silence());
    let asked: KindSet = [EventKind::OPEN, EventKind::CREAT].into_iter().collect();
    assert_eq!(pipeline.subscribed().kinds(), &asked);
    assert_eq!(builder().strict().build().unwrap_err().to_string(), findings[0]);

    let any = Pipeline::builder(script([]).0).matcher(RuleMatcher::new(plan.clone()));
    assert_eq!(any.build().unwrap().findings(), []);
}

#[test]
fn what_is_pending_is_decided_at_once_and_counted() {
    let mut pipeline = Pipeline::builder(script([open("/a", "/a")]).0)
        .enrich(Names { pending: true, ..names(catalogue::FD_NAME) })
        .matcher(watch(catalogue::FD_NAME))
        .build()
        .unwrap();
    assert_eq!(messages(&mut pipeline), ["absent"]);
    assert_eq!(pipeline.counts().undecided, 1);
}

#[test]
fn state_rows_are_observed_and_never_judged() {
    let names = names(catalogue::FD_NAME);
    let observed = Arc::clone(&names.observed);
    let task = Open { kind: EventKind::TASK, ..open("", "") };
    let mut pipeline = Pipeline::builder(script([task, open("/a", "/a")]).0)
        .enrich(names)
        .matcher(watch(catalogue::FD_NAME))
        .build()
        .unwrap();
    assert_eq!(messages(&mut pipeline), ["/a"]);
    assert_eq!(*observed.lock().unwrap(), ["state", "settle", "observe", "settle"]);
    assert_eq!(pipeline.counts().events, 1);
}

#[test]
fn common_fields_are_the_pipelines_own() {
    for (field, value) in [
        (catalogue::EVT_TYPE, "open"),
        (catalogue::EVT_NUM, "1"),
        (catalogue::EVT_SOURCE, "syscall"),
        (catalogue::EVT_TIME, "01:00:01.000000007"),
        (catalogue::EVT_TIME_S, "01:00:01"),
        (catalogue::EVT_TIME_ISO8601, "1970-01-01T00:00:01.000000007+0000"),
        (catalogue::EVT_DATETIME, "1970-01-01 01:00:01.000000007"),
        (catalogue::EVT_RAWTIME_S, "1"),
        (catalogue::EVT_RAWTIME_NS, "7"),
        (catalogue::EVT_DATETIME_S, "1970-01-01 01:00:01"),
        (catalogue::EVT_RELTIME, "0"),
        (catalogue::EVT_DELTATIME, "0"),
        (catalogue::EVT_HOSTNAME, "node1"),
    ] {
        let mut pipeline = Pipeline::builder(script([open("/a", "/a")]).0)
            .matcher(watch(field))
            .utc_offset(|_| UtcOffset(3600))
            .hostname(|| Some("node1".into()))
            .build()
            .unwrap();
        assert_eq!(messages(&mut pipeline), [value]);
    }
}

#[test]
fn new_matchers_take_over_without_a_gap() {
    let (source, subscribed) = script([open("/a", "/a")]);
    let mut pipeline = Pipeline::builder(source)
        .enrich(names(catalogue::FD_NAME))
        .enrich(names(catalogue::FD_DIRECTORY))
        .matcher(watch(catalogue::FD_DIRECTORY))
        .build()
        .unwrap();
    pipeline.reload(vec![Box::new(watch(catalogue::FD_NAME))]).unwrap();
    let fields: Vec<Vec<_>> =
        subscribed.lock().unwrap().iter().map(|i| i.fields().iter().collect()).collect();
    assert_eq!(fields[0], [catalogue::FD_DIRECTORY]);
    assert_eq!(fields[1], [catalogue::FD_NAME, catalogue::FD_DIRECTORY], "both while swapping");
    assert_eq!(fields[2], [catalogue::FD_NAME]);
    assert_eq!(messages(&mut pipeline), ["/a"]);
}

#[test]
fn a_refused_subscription_leaves_old_matchers_or_asks_for_more_than_needed() {
    let replace = |refuses| {
        let source = Script { refuses: Some(refuses), ..script([open("/a", "/b")]).0 };
        let mut pipeline =
            Pipeline::builder(source).matcher(watch(catalogue::EVT_NUM)).build().unwrap();
        let new = watch(catalogue::EVT_TYPE);
        let replaced = pipeline.reload(vec![Box::new(new)]);
        let asked: Vec<_> = pipeline.subscribed().fields().iter().collect();
        (replaced.is_ok(), asked, messages(&mut pipeline))
    };
    let (number, kind) = (catalogue::EVT_NUM, catalogue::EVT_TYPE);
    assert_eq!(replace(1), (false, vec![number], vec!["1".to_owned()]), "what both need");
    let both = [number, kind].into_iter().collect::<FieldSet>().iter().collect();
    assert_eq!(replace(2), (true, both, vec!["open".to_owned()]), "what is needed afterwards");
}

#[test]
fn a_flood_of_alerts_ends_the_step_not_the_events() {
    let events = (0..ALERTS_PER_STEP + 5).map(|_| open("/a", "/a"));
    let mut pipeline =
        Pipeline::builder(script(events).0).matcher(watch(catalogue::EVT_NUM)).build().unwrap();
    let mut alerts = Vec::new();
    assert_eq!(pipeline.step(Duration::ZERO, &mut alerts).unwrap(), Flow::More);
    assert_eq!(alerts.len(), ALERTS_PER_STEP);
    assert_eq!(pipeline.finish(Duration::from_secs(9), &mut alerts).unwrap(), Flow::End);
    assert_eq!(alerts.len(), ALERTS_PER_STEP + 5);
    assert_eq!(pipeline.counts().alerts, alerts.len() as u64);
}

#[test]
fn static_fields_have_their_value_for_every_event() {
    let schema = Schema::falco().static_field("cluster", "prod").unwrap();
    assert!(schema.clone().static_field("cluster", "again").is_err());
    let field = schema.field_named("static.cluster").unwrap().id;
    let mut pipeline = Pipeline::builder(script([open("/a", "/a"), open("/b", "/b")]).0)
        .schema(schema)
        .matcher(watch(field))
        .build()
        .unwrap();
    assert_eq!(pipeline.findings(), []);
    assert_eq!(messages(&mut pipeline), ["prod", "prod"]);
}

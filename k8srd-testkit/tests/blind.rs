//! A pipeline tells when its source lost events, and marks the alerts that this concerns.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use k8srd_core::alert::{Alert, Priority};
use k8srd_core::blind::{self, BlindInterval, BlindOptions};
use k8srd_core::event::Timestamp;
use k8srd_core::loss::LossReason;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_core::source::Flow;
use k8srd_core::value::OwnedValue;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::source::ScriptedSource;

const RULES: &str = "
- rule: Opened
  desc: d
  condition: evt.type = open
  output: opened
  priority: NOTICE
";
const PAUSE: Duration = Duration::from_millis(1);

fn pipeline(source: ScriptedSource, options: BlindOptions) -> Pipeline {
    let (rules, problems) = Loader::new(&Schema::falco()).add_file("rules.yaml", RULES).load();
    assert!(!problems.has_errors(), "{}", problems.render());
    let plan = Arc::new(Plan::compile(rules, PlanOptions::default()));
    Pipeline::builder(source).matcher(RuleMatcher::new(plan)).blind(options).build().unwrap()
}

fn open(millis: u64) -> TestEvent {
    TestEvent::open().at(millis * 1_000_000)
}

/// Whether it is marked, and what it says, of each alert.
fn run(mut pipeline: Pipeline) -> (Vec<(bool, String)>, Pipeline) {
    let mut alerts = Vec::new();
    while pipeline.step(PAUSE, &mut alerts).unwrap() == Flow::More {}
    assert_eq!(pipeline.counts().alerts, alerts.len() as u64, "each alert is counted");
    (alerts.iter().map(|alert| (is_marked(alert), alert.message.clone())).collect(), pipeline)
}

fn is_marked(alert: &Alert) -> bool {
    alert.fields.iter().any(|(name, value)| {
        let mark = OwnedValue::List(["ring_full on stream script".into()].into());
        &**name == blind::MARK && *value == Some(mark)
    })
}

#[test]
fn a_loss_is_told_once_it_is_over_and_alerts_meanwhile_are_marked() {
    let source = ScriptedSource::new()
        .event(open(1000))
        .silence(PAUSE)
        .event(open(1200))
        .lose(LossReason::RingFull, 3)
        .silence(PAUSE)
        .event(open(1500))
        .lose(LossReason::RingFull, 4)
        .silence(PAUSE)
        .event(open(2400))
        .silence(PAUSE)
        .event(open(2501))
        .silence(PAUSE)
        .event(open(2600));
    let (told, pipeline) = run(pipeline(source, BlindOptions::default()));
    let opened = |marked| (marked, "opened".to_owned());
    let blind = "k8srd internal: blind interval. 7 events lost on stream script (ring_full) from \
                 1970-01-01T00:00:01.000000000Z to 1970-01-01T00:00:01.500000000Z: open";
    assert_eq!(
        told,
        [
            opened(false),
            opened(false),
            opened(true),
            opened(true),
            opened(false),
            (false, blind.to_owned()),
            opened(false),
        ],
    );
    let total = pipeline.blind().next().unwrap();
    assert_eq!((total.intervals, total.all.lost), (1, Some(7)));
    assert_eq!(pipeline.seen_until(), Some(Timestamp::from_nanos(2_600_000_000)));
}

#[test]
fn a_loss_at_the_end_is_told_too_whether_or_not_there_was_an_event() {
    let source = ScriptedSource::new().lose(LossReason::Malformed, 2);
    let (told, _) = run(pipeline(source, BlindOptions::default()));
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains(" 2 events lost on stream script (malformed) "), "{told:?}");

    let source = ScriptedSource::new().event(open(7)).lose(LossReason::Malformed, 2);
    let (told, _) = run(pipeline(source, BlindOptions::default()));
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_failure_of_the_source_does_not_hide_what_was_lost() {
    let source =
        ScriptedSource::new().event(open(7)).lose(LossReason::RingFull, 2).fail("the ring is gone");
    let mut pipeline = pipeline(source, BlindOptions::default());
    let mut alerts = Vec::new();
    pipeline.step(PAUSE, &mut alerts).unwrap_err();
    assert_eq!(alerts.len(), 2, "{alerts:?}");
}

#[test]
fn a_storm_of_losses_is_no_storm_of_alerts() {
    let mut source = ScriptedSource::new();
    for i in 0..6000 {
        source = source.event(open(10 * i)).lose(LossReason::RingFull, 1000).silence(PAUSE);
    }
    let priority = Priority::Warning;
    let options = BlindOptions { priority, ..BlindOptions::default() };
    let mut pipeline = pipeline(source, options);
    let mut alerts = Vec::new();
    while pipeline.step(PAUSE, &mut alerts).unwrap() == Flow::More {}
    let blind: Vec<_> = alerts.iter().filter(|alert| alert.rule.name == blind::RULE).collect();
    assert_eq!(blind.len(), 6, "one each 10 s of a minute, the last as it ends");
    assert!(blind.iter().all(|alert| alert.rule.priority == priority));
    assert!(blind[5].message.contains(" 6000000 events lost "), "{}", blind[5].message);
}

#[test]
fn what_the_source_cannot_know_is_told_with_the_next_step() {
    let mut pipeline = pipeline(ScriptedSource::new().event(open(5)), BlindOptions::default());
    pipeline.was_blind(BlindInterval {
        lost: None,
        first: Timestamp::from_nanos(1),
        last: Timestamp::from_nanos(4),
        ..BlindInterval::new("agent", LossReason::AgentDown)
    });
    let (told, pipeline) = run(pipeline);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!told[0].0, "it is over");
    assert!(told[1].1.contains(" on stream agent (agent_down) "), "{told:?}");
    assert_eq!(pipeline.blind().next().unwrap().all.lost, None);
}

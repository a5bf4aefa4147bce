//! Rule files through loader, plan and matcher, against the snapshots in `testdata/rules`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::kind::KindInfo;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{
    LintOptions, Loader, Plan, PlanOptions, RuleMatcher, RuleMatching, RuleSet,
};
use k8srd_core::schema::Schema;
use k8srd_core::set::RuleId;
use k8srd_core::value::OwnedValue;
use k8srd_testkit::corpus::rules::{Case, read_dir};
use k8srd_testkit::reference;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/rules");

#[test]
fn every_case_is_as_its_snapshot_says() {
    let schema = Arc::new(Schema::falco());
    let cases = read_dir(CORPUS, &schema).unwrap_or_else(|error| panic!("{}", whole(&error)));
    assert!(cases.len() >= 10, "{} cases", cases.len());
    let failed: Vec<_> = cases
        .iter()
        .filter_map(|case| case.check(&outcome(&schema, case)).err())
        .map(|error| whole(&error))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

fn whole(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", whole(cause)))
}

/// Everything that the rules of a case make of it, as text.
fn outcome(schema: &Schema, case: &Case) -> String {
    let files = case.files.iter().cloned();
    let loader =
        files.fold(Loader::new(schema), |loader, (name, text)| loader.add_file(name, text));
    let (rules, diagnostics) = loader.lints(LintOptions::default()).load();
    let plan = |matching| {
        let options = PlanOptions::default().rule_matching(matching);
        Arc::new(Plan::compile(rules.clone(), options))
    };
    let (all, first) = (plan(RuleMatching::All), plan(RuleMatching::First));
    let mut out = String::new();
    let written = (|| {
        writeln!(out, "# diagnostics\n\n{}", diagnostics.render())?;
        writeln!(out, "# rules\n")?;
        write_rules(&mut out, schema, &rules, &all)?;
        for (n, event) in (1..).zip(&case.events) {
            writeln!(out, "\n# event {n}\n")?;
            let verdicts = judge(&all, event);
            write_verdicts(&mut out, &all, &verdicts)?;
            agrees_with_reference(&rules, &all, event, &verdicts);
            write!(out, "first match:")?;
            let Verdicts { alerts, waiting, .. } = judge(&first, event);
            alerts.iter().try_for_each(|alert| write!(out, " {}", alert.rule.name))?;
            waiting.iter().try_for_each(|id| write!(out, " {} (waits)", name(&first, id)))?;
            writeln!(out)?;
        }
        fmt::Result::Ok(())
    })();
    written.expect("a string takes all text");
    // Messages may end in blanks that editors would remove from a snapshot.
    out.lines().map(str::trim_end).fold(String::new(), |all, line| all + line + "\n")
}

fn write_rules(out: &mut String, schema: &Schema, rules: &RuleSet, plan: &Plan) -> fmt::Result {
    for rule in rules.rules() {
        let info = rule.info();
        write!(out, "{} [{}] tags={:?}", info.name, info.priority, info.tags)?;
        let planned = (0..).map(RuleId).map_while(|id| Some((id, plan.rule(id)?)));
        let Some((id, _)) = planned.into_iter().find(|(_, planned)| planned.name == info.name)
        else {
            writeln!(out, " not judged")?;
            continue;
        };
        let kinds = plan.kinds(id);
        let (in_it, not): (Vec<_>, Vec<_>) = schema
            .kinds()
            .iter()
            .filter(|info| !info.kind.is_state())
            .partition(|info| kinds.contains(info.kind));
        let names = |kinds: &[&KindInfo]| {
            kinds.iter().map(|info| &*info.name).collect::<Vec<_>>().join(",")
        };
        match (in_it.len() < not.len(), &not[..]) {
            (true, _) => writeln!(out, " kinds={}", names(&in_it))?,
            (false, []) => writeln!(out, " kinds=all")?,
            (false, not) => writeln!(out, " kinds=all but {}", names(not))?,
        }
    }
    Ok(())
}

fn judge(plan: &Arc<Plan>, event: &dyn Event) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let mut matcher = RuleMatcher::new(Arc::clone(plan));
    matcher.evaluate(event, None, &Arena::default(), &mut verdicts);
    verdicts
}

fn name(plan: &Plan, id: RuleId) -> &str {
    plan.rule(id).map_or("", |info| &info.name)
}

fn write_verdicts(out: &mut String, plan: &Plan, verdicts: &Verdicts) -> fmt::Result {
    for alert in &verdicts.alerts {
        writeln!(out, "{}: {}", alert.rule.name, alert.message)?;
        for (name, value) in &alert.fields {
            match value {
                // Every alert has it; the snapshots need not say so.
                Some(time) if **name == *"evt.time" => {
                    assert_eq!(*time, OwnedValue::U64(alert.time.as_nanos()));
                }
                Some(OwnedValue::Str(text)) => {
                    writeln!(out, "    {name} = \"{}\"", text.escape_ascii())?;
                }
                Some(value) => writeln!(out, "    {name} = {value:?}")?,
                None => writeln!(out, "    {name} has no value")?,
            }
        }
    }
    verdicts.waiting.iter().try_for_each(|id| writeln!(out, "{} waits", name(plan, id)))
}

/// Holds each rule's verdict against what the reference says under either name of the event.
fn agrees_with_reference(rules: &RuleSet, plan: &Plan, event: &dyn Event, verdicts: &Verdicts) {
    let arena = Arena::default();
    for rule in rules.rules().iter().filter(|rule| rule.is_enabled()) {
        let judge = |event| reference::evaluate(rule.condition(), event, &arena);
        let expected = match (judge(event), event.alternate().map(judge)) {
            (Some(true), _) | (_, Some(Some(true))) => Some(true),
            (None, _) | (_, Some(None)) => None,
            _ => Some(false),
        };
        let own = &rule.info().name;
        let fired = verdicts.alerts.iter().any(|alert| alert.rule.name == *own);
        let waits = verdicts.waiting.iter().any(|id| name(plan, id) == own);
        assert_eq!((!waits).then_some(fired), expected, "the reference differs on {own}");
    }
}

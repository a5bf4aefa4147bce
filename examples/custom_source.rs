//! A source of your own: a log of logins, read line by line, through a whole pipeline.
//!
//! What a source owes: events in order of time, only what it was asked for, and an account of what
//! it lost. A line that it cannot read is such a loss, not an error; the pipeline tells it as a blind
//! interval.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::io::{BufRead, Cursor};
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::{FieldId, FieldType, Key};
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::loss::{LossReason, Losses};
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::{Flow, Source, SourceError};
use k8srd_core::value::{Lookup, Value};

const LOG: &str = "\
1700000000 login alice 192.0.2.7
1700000001 logout alice 192.0.2.7
1700000002 login root 198.51.100.9
what is this
1700000003 login root 192.0.2.7
";

const RULES: &str = "
- rule: Root logs in from outside
  desc: Administrators use their own names, and come from the office
  condition: evt.type = login and login.user = root and not login.address startswith 192.0.2.
  output: Root came from %login.address at %evt.time
  priority: CRITICAL
  source: logins
";

const LOGIN: EventKind = EventKind(0);
const LOGOUT: EventKind = EventKind(1);
const USER: FieldId = FieldId::custom(0);
const ADDRESS: FieldId = FieldId::custom(1);

fn schema() -> Schema {
    Schema::new()
        .source("logins")
        .kind("login")
        .kind("logout")
        .field("login.user", FieldType::Str)
        .field("login.address", FieldType::Str)
}

/// One line, borrowed: nothing is copied to be judged.
struct Entry<'l> {
    time: Timestamp,
    kind: EventKind,
    user: &'l str,
    address: &'l str,
}

impl<'l> Entry<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let seconds: u64 = words.next()?.parse().ok()?;
        let kind = match words.next()? {
            "login" => LOGIN,
            "logout" => LOGOUT,
            _ => return None,
        };
        let time = Timestamp::from_nanos(seconds.checked_mul(1_000_000_000)?);
        Some(Self { time, kind, user: words.next()?, address: words.next()? })
    }
}

impl Fields for Entry<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        match key.field() {
            USER => Lookup::Known(self.user.into()),
            ADDRESS => Lookup::Known(self.address.into()),
            _ => Lookup::Absent,
        }
    }
}

impl Event for Entry<'_> {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        self.time
    }
}

struct LoginLog<R> {
    lines: R,
    line: String,
    provides: FieldSet,
    wanted: KindSet,
    losses: Losses,
}

impl<R: BufRead> LoginLog<R> {
    fn new(lines: R) -> Self {
        Self {
            lines,
            line: String::new(),
            provides: FieldSet::from_iter([USER, ADDRESS]),
            wanted: KindSet::default(),
            losses: Losses::default(),
        }
    }
}

impl<R: BufRead + Send> Source for LoginLog<R> {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        self.wanted = interest.kinds().clone();
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let account = self.losses.stream("log");
        loop {
            self.line.clear();
            let length = self
                .lines
                .read_line(&mut self.line)
                .map_err(|error| SourceError::new("cannot read the log").caused_by(error))?;
            if length == 0 {
                return Ok(Flow::End);
            }
            account.produced += 1;
            let Some(entry) = Entry::parse(&self.line) else {
                account.lose(LossReason::Malformed, 1);
                continue;
            };
            account.processed += 1;
            if self.wanted.contains(entry.kind) && each(&entry).is_break() {
                return Ok(Flow::More);
            }
        }
    }

    fn losses(&self) -> Losses {
        self.losses.clone()
    }
}

fn main() -> anyhow::Result<()> {
    let schema = schema();
    let (rules, problems) = Loader::new(&schema).add_file("logins.yaml", RULES).load();
    anyhow::ensure!(!problems.has_errors(), "{}", problems.render());
    let plan = Plan::compile(rules, PlanOptions::default());

    let mut pipeline = Pipeline::builder(LoginLog::new(Cursor::new(LOG)))
        .schema(schema)
        .matcher(RuleMatcher::new(plan))
        .strict()
        .build()?;
    let mut alerts = Vec::new();
    while pipeline.step(Duration::ZERO, &mut alerts)? == Flow::More {}

    for alert in &alerts {
        println!("{}: {}", alert.rule.priority, alert.message);
    }
    let (judged, losses) = (pipeline.counts().events, pipeline.losses());
    println!("{} lines, {judged} judged, {} lost", losses.total_produced(), losses.total_lost());
    Ok(())
}

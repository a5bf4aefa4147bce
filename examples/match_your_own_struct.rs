//! Falco rules over a struct of your own: a schema, two small impls, no kernel, no pipeline.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::{FieldId, FieldType, Key};
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::value::{Lookup, Value};
use k8srd_core::{arena::Arena, kind::EventKind, schema::Schema};

const RULES: &str = "
- rule: Large payment to a stranger
  desc: Someone whom we do not know gets much money
  condition: evt.type = payment and payment.amount > 1000 and not payment.to in (alice, bob)
  output: Paid %payment.amount to %payment.to
  priority: WARNING
  source: pay
";

struct Payment(&'static str, u64);
// Fields and kinds count from 0, in the order of the schema below.
const TO: FieldId = FieldId::custom(0);
const AMOUNT: FieldId = FieldId::custom(1);

impl Fields for Payment {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        match key.field() {
            TO => Lookup::Known(self.0.into()),
            AMOUNT => Lookup::Known(Value::U64(self.1)),
            _ => Lookup::Absent,
        }
    }
}

impl Event for Payment {
    fn kind(&self) -> EventKind {
        EventKind(0)
    }
    fn time(&self) -> Timestamp {
        Timestamp::default()
    }
}

fn main() -> anyhow::Result<()> {
    let schema = Schema::new().source("pay").kind("payment").field("payment.to", FieldType::Str);
    let schema = schema.field("payment.amount", FieldType::Uint);
    let (rules, problems) = Loader::new(&schema).add_file("payments.yaml", RULES).load();
    anyhow::ensure!(!problems.has_errors(), "{}", problems.render());
    let mut matcher = RuleMatcher::new(Plan::compile(rules, PlanOptions::default()));
    let (arena, mut verdicts) = (Arena::default(), Verdicts::default());
    for payment in [Payment("alice", 5000), Payment("mallory", 20), Payment("mallory", 4000)] {
        matcher.evaluate(&payment, None, &arena, &mut verdicts);
    }
    for alert in &verdicts.alerts {
        println!("{}: {}", alert.rule.priority, alert.message);
    }
    Ok(())
}

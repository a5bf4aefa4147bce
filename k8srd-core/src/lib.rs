//! The pure core of k8srd: an event model, the seams between the parts of a detector, and rules
//! in Falco's language.
//!
//! It is for those who
//!
//! - judge **their own events** by rules: implement [`Fields`](event::Fields) and
//!   [`Event`](event::Event) for a struct, describe it by a [`Schema`](schema::Schema), load
//!   rules, ask a [`RuleMatcher`](rules::RuleMatcher);
//! - write a **part** of a detector: a [`Source`](source::Source) of events, an
//!   [`Enricher`](enricher::Enricher) that knows what events do not carry, a
//!   [`Matcher`](matcher::Matcher), a [`Sink`](sink::Sink) for alerts; a
//!   [`Pipeline`](pipeline::Pipeline) joins them;
//! - read and check Falco's **rule files**: [`rules`].
//!
//! It is not for those who want a detector that runs: that is the `k8srd` program. Nothing here
//! performs I/O, names an async runtime, or contains unsafe code.
//!
//! # Example
//!
//! Rules over a struct of one's own:
//!
//! ```
//! use std::sync::Arc;
//!
//! use k8srd_core::arena::Arena;
//! use k8srd_core::event::{Event, Fields, Timestamp};
//! use k8srd_core::field::{FieldId, FieldType, Key};
//! use k8srd_core::kind::EventKind;
//! use k8srd_core::matcher::{Matcher, Verdicts};
//! use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
//! use k8srd_core::schema::Schema;
//! use k8srd_core::value::{Lookup, Value};
//!
//! struct Payment {
//!     amount: u64,
//!     country: &'static str,
//! }
//!
//! const AMOUNT: FieldId = FieldId::custom(0);
//! const COUNTRY: FieldId = FieldId::custom(1);
//!
//! impl Fields for Payment {
//!     fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
//!         match key.field() {
//!             AMOUNT => Lookup::Known(Value::U64(self.amount)),
//!             COUNTRY => Lookup::Known(self.country.into()),
//!             _ => Lookup::Absent,
//!         }
//!     }
//! }
//!
//! impl Event for Payment {
//!     fn kind(&self) -> EventKind {
//!         EventKind(0)
//!     }
//!
//!     fn time(&self) -> Timestamp {
//!         Timestamp::from_nanos(0)
//!     }
//! }
//!
//! let schema = Schema::new()
//!     .source("payments")
//!     .kind("payment")
//!     .field("payment.amount", FieldType::Uint)
//!     .field("payment.country", FieldType::Str);
//!
//! let (rules, diagnostics) = Loader::new(&schema)
//!     .add_file("payments.yaml", "
//! - rule: Large payment abroad
//!   desc: A payment that somebody should look at
//!   condition: payment.amount > 1000 and not payment.country in (DE, FR)
//!   output: paid %payment.amount to %payment.country
//!   priority: Warning
//!   source: payments
//! ")
//!     .load();
//! assert!(diagnostics.is_empty(), "{}", diagnostics.render());
//!
//! let plan = Plan::compile(rules, PlanOptions::default());
//! let mut matcher = RuleMatcher::new(Arc::new(plan));
//! let mut verdicts = Verdicts::default();
//! let payment = Payment { amount: 5000, country: "US" };
//! matcher.evaluate(&payment, None, &Arena::default(), &mut verdicts);
//! assert_eq!(verdicts.alerts[0].message, "paid 5000 to US");
//! ```
//!
//! # The way of an event
//!
//! ```text
//! Source ──event──> Enricher … Enricher ──joined event──> Matcher … Matcher ──alert──> Sink
//!    ^                                                        │
//!    └───────────────────────── Interest ────────────────────┘
//! ```
//!
//! Two ranks of speed decide the shape of every trait. *Per event* everything is synchronous: no
//! allocation on a quiet event, no lock, no clock. *Per batch* (a sink) code may allocate and wait.
//!
//! # Features
//!
//! None: all of it is always there.
#![forbid(unsafe_code)]

pub mod alert;
pub mod arena;
pub mod blind;
pub mod catalogue;
pub mod enricher;
pub mod event;
pub mod field;
pub mod interest;
pub mod kind;
pub mod loss;
pub mod matcher;
pub mod metric;
pub mod pipeline;
pub mod rules;
pub mod schema;
pub mod set;
pub mod sink;
pub mod source;
pub mod time;
pub mod value;

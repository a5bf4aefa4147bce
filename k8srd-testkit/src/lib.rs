//! Test doubles for everything that k8srd's seams join: for the tests of your own sources,
//! enrichers, matchers, sinks and rules.
//!
//! It is for `[dev-dependencies]`. It is not for programs: an event made by hand and an evaluator that
//! is slow on purpose have no place there.
//!
//! # Example
//!
//! A test from end to end, without a kernel, a clock or a network:
//!
//! ```
//! use std::time::Duration;
//!
//! use k8srd_core::pipeline::Pipeline;
//! use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher};
//! use k8srd_core::schema::Schema;
//! use k8srd_testkit::event::TestEvent;
//! use k8srd_testkit::source::ScriptedSource;
//!
//! let rules = "
//! - rule: Shadow read
//!   desc: someone reads the password file
//!   condition: evt.type = openat and fd.name = /etc/shadow and proc.name != login
//!   output: shadow read (by=%proc.name)
//!   priority: warning
//! ";
//! let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("mine.yaml", rules).load();
//! assert!(diagnostics.is_empty(), "{}", diagnostics.render());
//!
//! let open = |path: &str, by: &str| TestEvent::openat().field("fd.name", path).field("proc.name", by);
//! let source = ScriptedSource::new()
//!     .event(open("/etc/shadow", "login"))
//!     .event(open("/etc/passwd", "cat"))
//!     .event(open("/etc/shadow", "cat"));
//! let matcher = RuleMatcher::new(Plan::compile(rules, PlanOptions::default()));
//! let mut pipeline = Pipeline::builder(source).matcher(matcher).build()?;
//!
//! let mut alerts = Vec::new();
//! pipeline.finish(Duration::from_secs(1), &mut alerts)?;
//! assert_eq!(alerts.len(), 1);
//! assert_eq!(alerts[0].message, "shadow read (by=cat)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What there is:
//!
//! - [`event`]: events of any kind, with any fields and params, by name;
//! - [`source`]: a source that follows a script of events, silences, losses and errors;
//! - [`sink`]: a sink that remembers what it was given and fails where it is told to;
//! - [`contract`]: what every sink must keep, as one check that a sink's tests call;
//! - [`clock`]: a clock that only moves when a test says so;
//! - [`reference`](mod@reference): a second, plain evaluator of conditions, the oracle for the
//!   fast one;
//! - [`corpus`]: tests as data, read from files;
//! - `capture`, a feature: recordings (.scap) made by hand.
//!
//! Builders panic where a test is wrong (an unknown field, a value of another type) and say why;
//! each has a `try_` twin for names and values that come from outside the test.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `capture`: the module `capture`, which makes recordings from a few lines. It brings in
//!   k8srd-capture.
#![forbid(unsafe_code)]

#[cfg(feature = "capture")]
pub mod capture;
pub mod clock;
pub mod contract;
pub mod corpus;
pub mod event;
pub mod reference;
pub mod sink;
pub mod source;
pub mod value;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

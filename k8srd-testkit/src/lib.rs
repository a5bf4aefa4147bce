//! Test doubles for everything that k8srd's seams join: for the tests of your own sources,
//! enrichers, matchers, sinks and rules.
//!
//! A dev-dependency: nothing here belongs into a program. What you get:
//!
//! - [`event`]: events of any kind, with any fields and params, by name;
//! - [`source`]: a source that follows a script of events, silences, losses and errors;
//! - [`sink`]: a sink that remembers what it was given and fails where it is told to;
//! - [`contract`]: what every sink must keep, as one check that a sink's tests call;
//! - [`clock`]: a clock that only moves when a test says so;
//! - [`reference`]: a second, plain evaluator of conditions, the oracle for the fast one;
//! - [`corpus`]: tests as data, read from files.
//!
//! Builders panic where a test is wrong (an unknown field, a value of another type) and say why;
//! each has a `try_` twin for names and values that come from outside the test.
#![forbid(unsafe_code)]

pub mod clock;
pub mod contract;
pub mod corpus;
pub mod event;
pub mod reference;
pub mod sink;
pub mod source;
pub mod value;

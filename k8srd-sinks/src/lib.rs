//! Alerts out of the process.
//!
//! For anyone who runs a [`Pipeline`](k8srd_core::pipeline::Pipeline) and wants its alerts
//! somewhere. Three parts, each usable without the others:
//!
//! - [`encode`]: an alert as a line, in Falco's text form or in Falco's JSON form, byte for byte,
//!   so that whatever reads Falco's output reads this;
//! - [`writer`]: a [`Sink`](k8srd_core::sink::Sink) over any [`std::io::Write`], standard output
//!   for instance;
//! - [`delivery`]: a bounded queue in front of one sink. The sink runs on a thread of its own, so
//!   a slow or blocked receiver costs alerts, which are counted by priority and reason, and never
//!   the pipeline's time or memory.
//!
//! It is not for those who want to act on an alert (kill, block): a sink tells, and may be late. And
//! whoever only wants alerts in a `Vec` needs no sink: `Pipeline::step` gives them.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use k8srd_core::alert::{Alert, Priority, RuleInfo};
//! use k8srd_core::event::Timestamp;
//! use k8srd_sinks::delivery::{Delivery, Limits};
//! use k8srd_sinks::encode::{Encoder, Json, TimeFormat};
//! use k8srd_sinks::writer::WriterSink;
//!
//! let encoder = Encoder::Json(Json::new("node1", TimeFormat::utc()));
//! let sink = WriterSink::new("stdout", std::io::stdout(), encoder);
//! let delivery = Delivery::start(sink, Limits::default())?;
//!
//! let rule = Arc::new(RuleInfo::new("Shell in container", Priority::Notice));
//! delivery.offer(Alert::new(rule, Timestamp::from_nanos(0), "a shell was started"));
//!
//! let account = delivery.finish(Duration::from_secs(5));
//! assert_eq!(account.delivered(), 1);
//! assert_eq!(account.lost(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Features
//!
//! None: encoders, the writer and delivery need no network client. A transport comes behind a feature
//! of its own.
#![forbid(unsafe_code)]

pub mod delivery;
pub mod encode;
pub mod writer;

//! The pure core of k8srd.
#![forbid(unsafe_code)]

pub mod alert;
pub mod arena;
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

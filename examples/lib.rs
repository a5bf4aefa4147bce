//! How to embed k8srd, one file a question:
//!
//! - `match_your_own_struct.rs`: do Falco rules work on my own structs, without a kernel?
//! - `custom_source.rs`: how do I feed a pipeline from something of mine?
//! - `replay_a_capture.rs`: which alerts do my rules raise for a recording?
//!
//! Run one with `cargo run -p k8srd-examples --bin match_your_own_struct`. The tests run them all.
//!
//! The code in the repository's documents is compiled here, as doctests.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/adding-a-kind.md")]
struct AddingAKind;

#[cfg(doctest)]
#[doc = include_str!("../docs/adding-a-field.md")]
struct AddingAField;

//! The rule language: Falco's rule files, loaded, compiled and judged.

pub mod ast;

//! `k8srd`: watches a node's kernel, judges what happens there by Falco rules, prints alerts.
//!
//! The program shows how the k8srd crates are put together and holds nothing that another
//! embedder would want: [`cli`] says what a person may type, [`config`] and [`rules`] turn it into
//! settings and rules, [`wire`] composes the pipeline, and each verb has a file of its own.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod act;
mod argument;
mod captures;
mod cli;
mod config;
mod demo;
mod describe;
mod doctor;
mod events;
mod fields;
mod filter;
mod here;
mod kinds;
mod listing;
mod local_time;
mod omitted;
mod paint;
mod record;
mod reload;
mod replay;
mod rules;
mod run;
mod signals;
mod stdout;
mod summary;
mod validate;
mod watched;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Verb};

/// Exit codes: what a script may rely on.
mod exit {
    /// It found what it looks for, or failed.
    pub(crate) const FAILED: u8 = 1;
    /// It was called wrongly (clap ends the program with the same code).
    pub(crate) const WRONG_CALL: u8 = 2;
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Run(args) => run::run(&args),
        Verb::Demo(args) => demo::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Record(args) => record::run(&args),
        Verb::Events(args) => events::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Validate(args) => validate::run(&args),
        Verb::Describe(args) => describe::run(&args),
        Verb::Config(args) => config::verb::run(&args),
        Verb::Fields(args) => fields::run(&args),
        Verb::Kinds(args) => kinds::run(&args),
        Verb::Act(args) => act::run(&args),
        Verb::Play { args } => demo::act::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        let code = if error.is::<config::WrongCall>() { exit::WRONG_CALL } else { exit::FAILED };
        eprintln!("k8srd: {error:#}");
        ExitCode::from(code)
    })
}

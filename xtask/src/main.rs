//! The chores of this repository: `cargo xtask VERB`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs")]

mod api;
mod bpf;
mod budgets;
mod cargo;
mod ci;
mod deny;
mod features;
mod fuzz;
mod generated;
mod matrix;
mod msrv;
mod stranger;
mod tidy;

use std::env;
use std::process::ExitCode;

/// A name, what the help says, what runs.
type Verb = (&'static str, &'static str, fn(&[String]) -> anyhow::Result<()>);

/// What `cargo xtask` can do.
const VERBS: &[Verb] = &[
    ("bless", "write what is made from the code: docs/api/", generated::bless),
    (
        "bpf",
        "compile the kernel objects that k8srd-bpf ships; --check: are they what the sources give?",
        bpf::run,
    ),
    ("ci", "all checks of CI but the tests, or the ones that are named", ci::run),
    ("fuzz", "fuzz targets for a while: [--seconds N] [--minimise] [TARGET…]", fuzz::run),
    (
        "kernel-matrix",
        "the sensor's live tests on several kernels in QEMU: [KERNEL…]; --help says more",
        matrix::run,
    ),
    ("tidy", "what no compiler checks: dependency directions, file sizes, words, links", tidy::run),
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some((verb, rest)) = args.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(verb.as_str(), "help" | "-h" | "--help") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some((_, _, run)) = VERBS.iter().find(|(name, ..)| name == verb) else {
        eprint!("xtask: no verb {verb:?}\n\n{}", usage());
        return ExitCode::from(2);
    };
    match run(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {verb}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask VERB\n\n");
    for (name, what, _) in VERBS {
        text.push_str(&format!("  {name:<13} {what}\n"));
    }
    text
}

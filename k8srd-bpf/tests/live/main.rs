//! Watches real programs with the real sensor and compares each event, param by param and field by
//! field, with what the programs themselves found out from `/proc`, `fstat` and `getsockname`.
//!
//! The agent's own thread group is left out of the records, so the programs are other processes:
//! this very binary, started with the name of an act in `K8SRD_ACT`.
//!
//! Needs root, or CAP_BPF and CAP_PERFMON, and a kernel with BTF. Without them the tests say so and
//! pass, unless K8SRD_REQUIRE_LIVE is set.

mod account;
mod act;
mod calls;
mod connect;
mod exec;
mod fault;
mod fork;
mod hotplug;
mod open;
mod race;
mod raw;
mod snapshot;
mod truth;
mod uring;
mod watch;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(name) = std::env::var_os(act::NAME) {
        return act::run(&name.to_string_lossy());
    }
    let mut arguments = Arguments::from_args();
    // They share one kernel and count its losses.
    arguments.test_threads = Some(1);
    let groups = [
        ("account", account::TESTS),
        ("calls", calls::TESTS),
        ("connect", connect::TESTS),
        ("exec", exec::TESTS),
        ("fault", fault::TESTS),
        ("fork", fork::TESTS),
        ("hotplug", hotplug::TESTS),
        ("open", open::TESTS),
        ("race", race::TESTS),
        ("snapshot", snapshot::TESTS),
        ("uring", uring::TESTS),
    ];
    let trials = groups
        .into_iter()
        .flat_map(|(group, tests)| tests.iter().map(move |test| (group, test)))
        .map(|(group, &(name, test))| {
            Trial::test(format!("{group}::{name}"), move || {
                // Where everything has to be shown, the test itself says what is missing.
                match if watch::required() { None } else { watch::missing() } {
                    Some(reason) => watch::skip(&reason),
                    None => test(),
                }
                Ok(())
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Tests of one file: name and body.
type Tests = &'static [(&'static str, fn())];

//! Whether the sensor loads here, and which other kinds of programs do.

use std::error::Error;

use k8srd_bpf::load::{Rung, Sensor, SensorOptions};
use k8srd_bpf::probe::{self, Support};

use super::Finding;

/// Enough for any node's rings at their least; nothing is read from them.
const RING_MEMORY: u64 = 4 << 20;

pub(super) fn examine() -> Vec<Finding> {
    let mut findings = load(RING_MEMORY);
    for kind in probe::program_kinds() {
        let what = format!("{} programs", kind.name);
        findings.push(match kind.support {
            Support::Works => Finding::ok(what, format!("load ({})", kind.purpose)),
            Support::Unknown => {
                Finding::note(what, format!("not known to this kernel ({})", kind.purpose))
            }
            Support::Refused(reason) => {
                Finding::note(what, format!("refused: {reason} ({})", kind.purpose))
            }
        });
    }
    findings
}

/// Loads and attaches the real programs: what is needed is truly tried, not inferred.
fn load(ring_memory: u64) -> Vec<Finding> {
    match Sensor::load(&SensorOptions { ring_memory, ..SensorOptions::default() }) {
        Ok(sensor) => {
            let attached: Vec<_> = sensor.attached().collect();
            let programs = format!("{} programs", sensor.rung().name());
            let mut findings = Vec::new();
            if let Some(refusal) = sensor.refusal() {
                let best = Rung::ALL.first().map_or("better", |rung| rung.name());
                let why = format!("refused, hence {programs}: {}", chain(refusal));
                findings.push(Finding::note(format!("{best} programs"), why));
            }
            let rows = match sensor.rows_have_arguments() {
                true => Finding::ok("iter/task programs", "load, with arguments of running tasks"),
                false => Finding::note(
                    "iter/task programs",
                    "load without arguments of running tasks, which are read from /proc",
                ),
            };
            findings.push(Finding::ok(programs, format!("attach: {}", attached.join(", "))));
            findings.push(rows);
            if !attached.contains(&"io_uring_submit_req") {
                findings.push(Finding::note(
                    "io_uring",
                    "what it opens and connects is not seen: Linux 6.4 or later tells of it",
                ));
            }
            findings
        }
        Err(error) => vec![Finding::missing("tp_btf programs", chain(&error))],
    }
}

/// An error and its causes, a line each: a log of the verifier may follow.
fn chain(error: &dyn Error) -> String {
    let mut found = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        found = format!("{found}: {}", error.to_string().lines().next().unwrap_or_default());
        cause = error.source();
    }
    found
}

//! `k8srd doctor`: what works here, what does not, how to fix it.

mod capabilities;
mod cgroups;
mod kernel;
mod runtimes;
mod sensor;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::DoctorArgs;
use crate::{exit, wire};

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let root = wire::host_root();
    let sections: [(&str, Vec<Finding>); 5] = [
        ("kernel", kernel::examine()),
        ("capabilities", capabilities::examine()),
        ("sensor", sensor::examine()),
        ("cgroups", cgroups::examine()),
        ("container runtimes", runtimes::examine(&root)),
    ];
    let works =
        sections.iter().flat_map(|(_, findings)| findings).all(|f| f.state != State::Missing);
    if args.json {
        println!("{}", as_json(&sections, works));
    } else {
        print_text(&sections, works);
    }
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    what: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do about it.
    fix: Option<String>,
}

/// How a finding bears on live detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is there and works.
    Ok,
    /// Good to know; detection works without it.
    Note,
    /// Detection does not work.
    Missing,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Missing => "missing",
        }
    }
}

impl Finding {
    fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ok, found: found.into(), fix: None }
    }

    fn note(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Note, ..Self::ok(what, found) }
    }

    fn missing(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::ok(what, found) }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

fn print_text(sections: &[(&str, Vec<Finding>)], works: bool) {
    for (name, findings) in sections {
        println!("{name}");
        for Finding { what, state, found, fix } in findings {
            println!("  {:<8} {what}: {found}", state.name());
            if let Some(fix) = fix {
                println!("  {:<8} -> {fix}", "");
            }
        }
    }
    match works {
        true => println!("\nlive detection works here: k8srd demo shows it"),
        false => println!("\nlive detection does not work here: see what is missing above"),
    }
}

fn as_json(sections: &[(&str, Vec<Finding>)], works: bool) -> Value {
    let finding = |f: &Finding| json!({ "what": f.what, "state": f.state.name(), "found": f.found, "fix": f.fix });
    let sections: serde_json::Map<String, Value> = sections
        .iter()
        .map(|(name, findings)| ((*name).to_owned(), findings.iter().map(finding).collect()))
        .collect();
    json!({ "live_detection": works, "sections": sections })
}

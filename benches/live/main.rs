//! What the sensor costs the programs it watches, and how much it can carry; needs root.
//!
//! Without arguments: nanoseconds that it adds to a system call, and events a second. With `workloads`: what programs
//! pay for the whole agent beside them, and what that uses.
//!
//! The acting programs are children of this one (the sensor leaves out its own process). Each cost
//! is thread CPU time, the best of many batches, with the sensor off and attached taken in turns:
//! other load on the machine then matters little.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its result")]

mod act;
mod agent;
mod cost;
mod flood;
mod workloads;

use std::env;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // `cargo bench` and people.
        [] => {
            needs_root()?;
            println!("{}", cost::measure()?);
            println!("{}", flood::measure()?);
            Ok(())
        }
        ["workloads"] => show_workloads(None),
        ["workloads", only] => show_workloads(Some(only)),
        ["act", name] => act::run(name),
        ["flood", seconds] => act::flood(seconds.parse().context("seconds")?),
        ["workload", name, folder] => workloads::run(name, folder),
        _ => bail!("takes nothing, or workloads and a part of a name; was given {args:?}"),
    }
}

fn needs_root() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("loading eBPF programs needs root");
    }
    Ok(())
}

fn show_workloads(only: Option<&str>) -> anyhow::Result<()> {
    needs_root()?;
    println!("{}", workloads::measure(only)?);
    Ok(())
}

//! What the sensor costs the programs it watches, and how much it can carry; needs root.
//!
//! The acting programs are children of this one (the sensor leaves out its own process). Each cost
//! is thread CPU time, the best of many batches, with the sensor off and attached taken in turns:
//! other load on the machine then matters little.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod act;
mod cost;
mod flood;

use std::env;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // `cargo bench` and people.
        [] => {
            if !rustix::process::geteuid().is_root() {
                bail!("loading eBPF programs needs root");
            }
            println!("{}", cost::measure()?);
            println!("{}", flood::measure()?);
            Ok(())
        }
        ["act", name] => act::run(name),
        ["flood", seconds] => act::flood(seconds.parse().context("seconds")?),
        _ => bail!("takes no arguments, was given {args:?}"),
    }
}

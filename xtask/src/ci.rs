//! `cargo xtask ci`: the checks besides the tests, cheap ones first. All run; all failures are told.

use std::path::Path;
use std::time::Instant;

use anyhow::{bail, ensure};

use crate::{bpf, budgets, cargo, deny, features, fuzz, generated, msrv, stranger, tidy};

/// A name, what is checked, the check.
type Step = (&'static str, &'static str, fn(&Path) -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("lock", "Cargo.lock and fuzz/Cargo.lock fit the manifests", |root| {
        let args = ["metadata", "--locked", "--quiet", "--format-version=1"];
        cargo::run(root, &args, &[])?;
        fuzz::check_lock(root)
    }),
    ("format", "rustfmt changes nothing", |root| {
        cargo::run(root, &["fmt", "--all", "--check"], &[])?;
        fuzz::check_format(root)
    }),
    ("tidy", "what no compiler checks", tidy::check),
    ("budgets", "what the libraries bring in", budgets::check),
    ("objects", "the shipped kernel objects are what the sources give", bpf::check),
    ("deny", "licences, sources, bans, advisories", deny::check),
    ("lints", "clippy, warnings denied", |root| {
        let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-Dwarnings"];
        cargo::run(root, &args, &[])
    }),
    ("features", "each library with none, each and all of its features", features::check),
    ("msrv", "the declared rust-version builds the libraries", msrv::check),
    ("generated", "what is made from the code is what the code gives", generated::check),
    ("stranger", "a crate outside builds against the packed libraries", stranger::check),
    ("docs", "rustdoc, warnings denied", |root| {
        let args = ["doc", "--locked", "--workspace", "--no-deps"];
        cargo::run(root, &args, &[("RUSTDOCFLAGS", "-Dwarnings")])
    }),
];

/// Runs all steps, or the named ones.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let names: Vec<&str> = STEPS.iter().map(|(name, ..)| *name).collect();
    for arg in args {
        ensure!(names.contains(&arg.as_str()), "no step {arg:?}, there are: {}", names.join(" "));
    }
    let wanted = |name: &str| args.is_empty() || args.iter().any(|arg| arg == name);
    let root = cargo::workspace_root()?;
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, what, step) in STEPS.iter().filter(|(name, ..)| wanted(name)) {
        eprintln!("==> {name}: {what}");
        let start = Instant::now();
        let result = step(&root);
        let seconds = start.elapsed().as_secs_f32();
        match result {
            Ok(()) => {
                eprintln!("    {name}: ok, {seconds:.1} s");
                passed += 1;
            }
            Err(error) => {
                eprintln!("    {name}: FAILED, {seconds:.1} s: {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} checks failed: {}", failed.len(), failed.len() + passed, failed.join(", "));
    }
    println!("xtask ci: {passed} checks passed");
    Ok(())
}

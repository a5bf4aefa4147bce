//! `cargo xtask ci`: the checks besides the tests, cheap ones first. All run; all failures are told.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::{bpf, features, stranger, tidy, workspace_root};

type Step = (&'static str, fn(&Path) -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("lock file", |root| {
        cargo(root, &["metadata", "--locked", "--quiet", "--format-version=1"], &[])
    }),
    ("format", |root| cargo(root, &["fmt", "--all", "--check"], &[])),
    ("tidy", tidy::check),
    ("shipped objects", bpf::check),
    ("licences and sources", deny),
    ("lints", |root| {
        let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-Dwarnings"];
        cargo(root, &args, &[])
    }),
    ("features", features::check),
    ("a stranger's crate", stranger::check),
    ("docs", |root| {
        let args = ["doc", "--locked", "--workspace", "--no-deps"];
        cargo(root, &args, &[("RUSTDOCFLAGS", "-Dwarnings")])
    }),
];

/// Runs all steps.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "ci takes no arguments, was given {args:?}");
    let root = workspace_root()?;
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        eprintln!("==> {name}");
        let start = Instant::now();
        let result = step(&root);
        let seconds = start.elapsed().as_secs_f32();
        match result {
            Ok(()) => eprintln!("    {name}: ok, {seconds:.1} s"),
            Err(error) => {
                eprintln!("    {name}: FAILED, {seconds:.1} s: {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} checks failed: {}", failed.len(), STEPS.len(), failed.join(", "));
    }
    println!("xtask ci: {} checks passed", STEPS.len());
    Ok(())
}

/// cargo-deny by `deny.toml`, on machines that have it: it is too long to build for each run.
fn deny(root: &Path) -> anyhow::Result<()> {
    let there = Command::new("cargo-deny").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("    skipped: no cargo-deny (cargo install cargo-deny --locked)");
        return Ok(());
    }
    cargo(
        root,
        &["deny", "--offline", "--log-level=error", "check", "licenses", "bans", "sources"],
        &[],
    )
}

/// The cargo that runs us.
pub(crate) fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs cargo in `root`; its messages go where ours go, its standard output nowhere.
pub(crate) fn cargo(root: &Path, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<()> {
    let program = cargo_program();
    let mut command = Command::new(&program);
    command.args(args).envs(env.iter().copied()).current_dir(root);
    if args.first() == Some(&"metadata") {
        command.stdout(std::process::Stdio::null());
    }
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(status.success(), "cargo {} said no ({status})", args.join(" "));
    Ok(())
}

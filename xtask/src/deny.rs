//! cargo-deny by `deny.toml`: what may be depended on.
//!
//! It runs where it is installed: building it takes longer than all other checks. The advisories need
//! a database that only a network brings; without a copy of it they are left out, and told.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;

/// Checks licences, bans and sources, and advisories if it can.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let there = Command::new("cargo-deny").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("    skipped: no cargo-deny (cargo install cargo-deny --locked)");
        return Ok(());
    }
    let mut args = vec!["deny", "--offline", "--log-level=error", "check"];
    args.extend(["licenses", "bans", "sources"]);
    match database() {
        Some(_) => args.push("advisories"),
        None => {
            eprintln!("    skipped: advisories, no database here (cargo deny fetch db)");
        }
    }
    cargo::run(root, &args, &[])
}

/// Where cargo-deny keeps the advisories that it fetched.
fn database() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    let folder = home.join("advisory-dbs");
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()).then_some(folder)
}

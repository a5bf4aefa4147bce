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
    if databases().is_some_and(|folder| holds_one(&folder)) {
        args.push("advisories");
    } else {
        eprintln!("    skipped: advisories, no database here (cargo deny fetch db)");
    }
    cargo::run(root, &args, &[])
}

/// Where cargo-deny keeps the advisories that it fetched.
fn databases() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("advisory-dbs"))
}

/// Each database is a folder, beside a lock file.
fn holds_one(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten();
    entries.flatten().any(|entry| entry.path().is_dir())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_database_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!holds_one(&folder.path().join("nowhere")));
        fs::write(folder.path().join("db.lock"), "").unwrap();
        assert!(!holds_one(folder.path()), "a lock is none");
        fs::create_dir(folder.path().join("advisory-db-1")).unwrap();
        assert!(holds_one(folder.path()));
    }
}

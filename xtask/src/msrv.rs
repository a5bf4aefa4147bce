//! The oldest compiler that the published manifests promise, `rust-version`, builds them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::cargo;
use crate::tidy::Tree;

/// Builds the libraries with it, where it is installed.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let declared = tree.libraries().filter_map(|package| package["rust_version"].as_str());
    let declared: BTreeSet<&str> = declared.collect();
    let running = cargo::output(Command::new("rustc").arg("--version"))?;
    // Without rustup there is no second toolchain to ask for.
    let installed = cargo::output(Command::new("rustup").args(["toolchain", "list"]));
    for declared in declared {
        match way(declared, &running, installed.as_deref().unwrap_or_default()) {
            Way::Shown => {
                eprintln!("    {} is the declared one: every other step shows it", running.trim());
            }
            Way::Build(toolchain) => build(root, &tree, toolchain)?,
            Way::Missing => {
                let reason =
                    format!("no toolchain {declared} (rustup toolchain install {declared})");
                cargo::skip(&reason)?;
            }
        }
    }
    Ok(())
}

/// How the promise is shown.
#[derive(Debug, PartialEq)]
enum Way<'a> {
    /// By everything else.
    Shown,
    /// By a build with a toolchain of this name.
    Build(&'a str),
    Missing,
}

/// Given `1.95`, what `rustc --version` says and what `rustup toolchain list` says.
fn way<'a>(declared: &str, running: &str, installed: &'a str) -> Way<'a> {
    let is_declared = |version: &str| {
        version
            .strip_prefix(declared)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest.starts_with('.'))
    };
    if running.split(' ').nth(1).is_some_and(is_declared) {
        return Way::Shown;
    }
    let names = installed.lines().filter_map(|line| line.split(' ').next());
    names.into_iter().find(|name| is_declared(name)).map_or(Way::Missing, Way::Build)
}

/// In a folder of its own: both toolchains would build everything anew in a common one.
fn build(root: &Path, tree: &Tree, toolchain: &str) -> anyhow::Result<()> {
    let target = tree.metadata["target_directory"].as_str().context("no target directory")?;
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo", "check", "--quiet", "--locked", "--all-features"]);
    for package in tree.libraries().filter_map(|package| package["name"].as_str()) {
        command.args(["--package", package]);
    }
    command.current_dir(root).env("CARGO_TARGET_DIR", Path::new(target).join("msrv"));
    // The cargo and rustc that run us are not those.
    ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"].iter().for_each(|name| {
        command.env_remove(name);
    });
    cargo::output(&mut command).with_context(|| format!("building with {toolchain}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_compiler_an_installed_one_or_none() {
        let installed = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                         1.9.0-x86_64-unknown-linux-gnu\n1.95.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(way("1.95", "rustc 1.95.0 (59807616e 2026-04-14)\n", installed), Way::Shown);
        assert_eq!(way("1.95", "rustc 1.95.0-beta.1 (5 2026)\n", ""), Way::Shown);
        assert_eq!(
            way("1.95", "rustc 1.97.1 (5 2026)\n", installed),
            Way::Build("1.95.0-x86_64-unknown-linux-gnu")
        );
        assert_eq!(way("1.9", "rustc 1.95.0 (5 2026)\n", "1.95.0-x\nstable-x\n"), Way::Missing);
        assert_eq!(way("1.95", "rustc 1.97.1 (5 2026)\n", ""), Way::Missing);
    }
}

//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md that no compiler checks.
//!
//! Each check is a row of [`CHECKS`] and a pure function over a [`Tree`], so that its tests show
//! it failing on a tree of a few made-up files.

mod dependencies;
mod documents;
mod manifests;
mod sources;
mod tree;

use std::path::Path;

use anyhow::{bail, ensure};

pub(crate) use self::tree::Tree;
use crate::cargo::workspace_root;

/// One thing that is not as it should be: where, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    place: String,
    advice: String,
}

impl Finding {
    fn new(place: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { place: place.into(), advice: advice.into() }
    }
}

type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: &[(&str, Check)] = &[
    ("dependency directions", dependencies::directions),
    ("sources of dependencies", dependencies::registries),
    ("dependencies in public", dependencies::shown),
    ("manifests", manifests::manifests),
    ("front pages", manifests::front_pages),
    ("crates forbid unsafe code", sources::forbids_unsafe),
    ("the core does no I/O", sources::core_is_pure),
    ("file sizes", sources::sizes),
    ("words", sources::words),
    ("nothing unfinished", sources::unfinished),
    ("licences of kernel programs", sources::kernel_licences),
    ("links of documents", documents::links),
    ("addresses in documents", documents::addresses),
    ("code map", documents::code_map),
    ("changelog", documents::changelog),
    ("paths of this machine", documents::machine_paths),
];

/// The verb.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "tidy takes no arguments, was given {args:?}");
    check(&workspace_root()?)?;
    println!("xtask tidy: {} checks passed", CHECKS.len());
    Ok(())
}

/// Checks the repository at `root`; prints what it finds.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let mut found = 0;
    for (name, check) in CHECKS {
        let mut findings = check(&tree);
        findings.sort();
        for Finding { place, advice } in &findings {
            eprintln!("{place}: {advice} ({name})");
        }
        found += findings.len();
    }
    if found > 0 {
        bail!("{found} findings");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let root = workspace_root().expect("xtask lies in the workspace");
        if let Err(error) = check(&root) {
            panic!("{error}: see above");
        }
    }
}

//! What a crate may cost those who depend on it: how many crates come with it, and which never do,
//! with default features and nothing else. How long it takes to build is measured by hand and kept in
//! `benches/record/`: a clock in CI measures what else the machine does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::cargo;
use crate::tidy::Tree;

/// What one library may bring in.
struct Budget {
    package: &'static str,
    /// The most crates in `cargo tree -e normal`, the crate itself included.
    most: usize,
    /// What it never reaches, besides [`NEVER`].
    never: &'static [&'static str],
}

const BUDGETS: &[Budget] = &[
    Budget { package: "k8srd-core", most: 25, never: &["aya", "libc", "rustix", "serde"] },
    // Packets are another's wish: who reads .scap gets no parser of them.
    Budget { package: "k8srd-capture", most: 30, never: &["etherparse", "nom", "pcap-parser"] },
];

/// Runtimes and network clients: in any library behind a feature that names them, or not at all.
const NEVER: &[&str] = &["async-std", "hyper", "kube", "mio", "reqwest", "smol", "tokio", "tonic"];

/// Checks every published library.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let mut failed = false;
    for package in tree.libraries() {
        let name = package["name"].as_str().context("a package without a name")?;
        let mut command = Command::new(cargo::program());
        command
            .args(["tree", "--quiet", "--locked", "--package", name])
            .args(["--edges=normal", "--prefix=none", "--format={p}"])
            .current_dir(root);
        let listed = cargo::output(&mut command)?;
        for finding in over(name, &listed) {
            eprintln!("{finding}");
            failed = true;
        }
    }
    if failed {
        bail!("a library brings in more than it may");
    }
    Ok(())
}

/// What is over budget in a list of `name version …` lines, in which a crate may stand repeatedly.
fn over(name: &str, listed: &str) -> Vec<String> {
    let words = listed.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>());
    let crates: BTreeSet<Vec<&str>> = words.filter(|words| words.len() == 2).collect();
    let budget = BUDGETS.iter().find(|budget| budget.package == name);
    let mut findings = Vec::new();
    if let Some(Budget { most, .. }) = budget
        && crates.len() > *most
    {
        findings.push(format!(
            "{name} comes with {} crates, {most} are allowed: see 'cargo tree -p {name} -e normal'",
            crates.len(),
        ));
    }
    let own = budget.map(|budget| budget.never).unwrap_or_default();
    for reached in crates.iter().map(|words| words[0]) {
        if NEVER.contains(&reached) || own.contains(&reached) {
            findings.push(format!(
                "{name} brings in {reached} by default: see 'cargo tree -p {name} -i {reached}'"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(crates: impl IntoIterator<Item = usize>) -> String {
        crates.into_iter().map(|n| format!("crate-{n} v1.0.0\n")).collect()
    }

    #[test]
    fn a_crate_too_many_is_found_and_repetitions_are_not_counted() {
        assert_eq!(over("k8srd-core", &list((0..25).chain(0..25))), [""; 0]);
        assert!(over("k8srd-core", &list(0..26))[0].contains("26 crates, 25 are allowed"));
        assert_eq!(over("k8srd-bpf", &list(0..26)), [""; 0], "no budget");
    }

    #[test]
    fn a_runtime_is_found_in_every_library() {
        let listed = "k8srd-bpf v0.1.0 (/somewhere)\naya v1.0.0\ntokio v1.0.0 (*)\n";
        assert!(over("k8srd-bpf", listed)[0].starts_with("k8srd-bpf brings in tokio by default"));
        let listed = "k8srd-core v0.1.0 (/somewhere)\nserde v1.0.0\n";
        assert_eq!(over("k8srd-core", listed).len(), 1);
        assert_eq!(over("k8srd-bpf", listed), [""; 0]);
    }
}

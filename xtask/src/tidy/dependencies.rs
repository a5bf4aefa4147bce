//! Who may depend on what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::tree::Tree;

/// What a library crate may name in its manifest (besides for tests), and what it must not reach
/// through anything when built with default features.
struct Rule {
    package: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

/// The table of ARCHITECTURE.md. A crate that is not listed may use everything.
const RULES: &[Rule] = &[
    Rule {
        package: "k8srd-core",
        may: &[
            "aho-corasick",
            "async-trait",
            "bumpalo",
            "bytes",
            "memchr",
            "regex-automata",
            "saphyr-parser",
            "serde",
            "smallvec",
            "thiserror",
            "tracing",
        ],
        never: &["aya", "hyper", "kube", "mio", "rustix", "serde", "tokio"],
    },
    Rule {
        package: "k8srd-bpf",
        may: &[
            "aya",
            "aya-obj",
            "bytes",
            "k8srd-core",
            "rustix",
            "thiserror",
            "tracing",
            "zerocopy",
        ],
        never: &["hyper", "k8srd-capture", "k8srd-enrich", "k8srd-sinks", "kube", "tokio"],
    },
    Rule {
        package: "k8srd-capture",
        may: &["flate2", "k8srd-core", "pcap-file", "pcap-parser", "thiserror", "tracing"],
        never: &["k8srd-bpf", "k8srd-enrich", "k8srd-sinks", "tokio"],
    },
    Rule {
        package: "k8srd-enrich",
        may: &[
            "futures",
            "k8srd-core",
            "kube",
            "procfs",
            "rustc-hash",
            "rustix",
            "smallvec",
            "thiserror",
            "tokio",
            "tonic",
            "tracing",
        ],
        never: &["hyper", "k8srd-bpf", "k8srd-sinks", "kube", "tokio", "tonic"],
    },
    Rule {
        package: "k8srd-sinks",
        may: &[
            "async-trait",
            "futures",
            "jiff",
            "k8srd-core",
            "pollster",
            "rustix",
            "serde_json",
            "thiserror",
            "tokio",
            "tower",
            "tracing",
        ],
        never: &["hyper", "k8srd-bpf", "k8srd-enrich", "reqwest", "tokio"],
    },
];

/// A crate that others use only in their tests.
const TEST_ONLY: &str = "k8srd-testkit";

/// Each library names only what its row allows, and nobody ships the testkit.
pub(super) fn directions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.members() {
        let name = text(&package["name"]);
        let place = tree.relative(text(&package["manifest_path"]));
        let rule = RULES.iter().find(|rule| rule.package == name);
        let published = package["publish"].is_null();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // A null kind is a normal dependency; build and dev ones have a word.
            if !dependency["kind"].is_null() {
                continue;
            }
            let used = text(&dependency["name"]);
            if let Some(rule) = rule
                && !rule.may.contains(&used)
            {
                findings.push(Finding::new(
                    place,
                    format!("{name} may not use {used}: use it elsewhere, or argue for a row in xtask and ARCHITECTURE.md"),
                ));
            }
            if used == TEST_ONLY && published {
                findings.push(Finding::new(
                    place,
                    format!("{used} is for [dev-dependencies] of crates that others depend on"),
                ));
            }
        }
    }
    findings
}

/// With default features no library reaches, through anything, what its row forbids.
pub(super) fn reachable(tree: &Tree) -> Vec<Finding> {
    let mut names = BTreeMap::new();
    for package in tree.metadata["packages"].as_array().into_iter().flatten() {
        names.insert(text(&package["id"]), text(&package["name"]));
    }
    let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in tree.metadata["resolve"]["nodes"].as_array().into_iter().flatten() {
        let normal = |dependency: &&Value| {
            let kinds = dependency["dep_kinds"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        };
        let dependencies = node["deps"].as_array().into_iter().flatten().filter(normal);
        uses.insert(text(&node["id"]), dependencies.map(|d| text(&d["pkg"])).collect());
    }

    let mut findings = Vec::new();
    for package in tree.members() {
        let name = text(&package["name"]);
        let Some(rule) = RULES.iter().find(|rule| rule.package == name) else { continue };
        let mut seen = BTreeSet::new();
        let mut next = vec![text(&package["id"])];
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                next.extend(uses.get(id).into_iter().flatten());
            }
        }
        for id in seen {
            let reached = names.get(id).copied().unwrap_or_default();
            if rule.never.contains(&reached) {
                findings.push(Finding::new(
                    tree.relative(text(&package["manifest_path"])),
                    format!("{name} brings in {reached}, see 'cargo tree -p {name} -i {reached}'"),
                ));
            }
        }
    }
    findings
}

/// Everything in the lock file comes from the one public registry, under its usual name.
pub(super) fn registries(tree: &Tree) -> Vec<Finding> {
    let lock = tree.text("Cargo.lock").unwrap_or_default();
    let foreign = |line: &&str| {
        line.starts_with("source = ")
            && *line != r#"source = "registry+https://github.com/rust-lang/crates.io-index""#
    };
    let finding = |line| Finding::new("Cargo.lock", format!("{line}: not the public registry"));
    lock.lines().filter(foreign).map(finding).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace in which `package` names `used` in its manifest, as a dependency of `kind`.
    fn workspace(package: &str, used: &str, kind: Value) -> Tree {
        Tree::described(json!({
                "workspace_members": ["id-of-member"],
                "packages": [
                    {
                        "id": "id-of-member",
                        "name": package,
                        "manifest_path": "it/Cargo.toml",
                        "publish": null,
                        "dependencies": [{"name": used, "kind": kind}],
                    },
                    {"id": "id-of-used", "name": used},
                    {"id": "id-of-deep", "name": "tokio"},
                ],
                "resolve": {"nodes": [
                    {"id": "id-of-member", "deps": [
                        {"pkg": "id-of-used", "dep_kinds": [{"kind": kind}]},
                    ]},
                    {"id": "id-of-used", "deps": [
                        {"pkg": "id-of-deep", "dep_kinds": [{"kind": null}]},
                    ]},
                    {"id": "id-of-deep", "deps": []},
                ]},
        }))
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let tree = workspace("k8srd-sinks", "k8srd-bpf", Value::Null);
        let findings = directions(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "it/Cargo.toml");
        assert!(findings[0].advice.contains("k8srd-sinks may not use k8srd-bpf"));
        assert_eq!(directions(&workspace("k8srd-sinks", "k8srd-bpf", json!("dev"))), []);
        assert_eq!(directions(&workspace("k8srd-sinks", "k8srd-core", Value::Null)), []);
        assert_eq!(directions(&workspace("k8srd", "anything", Value::Null)), []);
    }

    #[test]
    fn the_testkit_ships_with_nobody() {
        let tree = workspace("k8srd", TEST_ONLY, Value::Null);
        assert!(directions(&tree)[0].advice.contains("dev-dependencies"));
        assert_eq!(directions(&workspace("k8srd", TEST_ONLY, json!("dev"))), []);
    }

    #[test]
    fn a_runtime_behind_another_crate_is_found() {
        let tree = workspace("k8srd-core", "smallvec", Value::Null);
        assert_eq!(directions(&tree), [], "its own manifest is fine");
        assert!(reachable(&tree)[0].advice.contains("k8srd-core brings in tokio"));
        assert_eq!(reachable(&workspace("k8srd-core", "smallvec", json!("dev"))), []);
    }

    #[test]
    fn a_dependency_from_elsewhere_is_found() {
        let lock = "[[package]]\nname = \"a\"\nsource = \"git+https://example.com/a#1\"\n";
        assert_eq!(registries(&Tree::of(&[("Cargo.lock", lock)])).len(), 1);
        let lock =
            "name = \"a\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert_eq!(registries(&Tree::of(&[("Cargo.lock", lock)])), []);
    }
}

//! Who may depend on what.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Finding;
use super::tree::Tree;

/// What a library crate may name in its manifest, besides for tests. What comes along with that is
/// in `budgets.rs`.
struct Rule {
    package: &'static str,
    may: &'static [&'static str],
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
            "data-encoding",
            "memchr",
            "regex-automata",
            "regex-syntax",
            "saphyr-parser",
            "serde",
            "smallvec",
            "thiserror",
            "tracing",
        ],
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
    },
    Rule {
        package: "k8srd-capture",
        may: &[
            "etherparse",
            "flate2",
            "k8srd-core",
            "memchr",
            "pcap-parser",
            "thiserror",
            "tracing",
        ],
    },
    Rule {
        package: "k8srd-enrich",
        may: &[
            "futures",
            "k8srd-core",
            "kube",
            "procfs",
            "regex-automata",
            "rustc-hash",
            "rustix",
            "serde",
            "serde_json",
            "smallvec",
            "thiserror",
            "tokio",
            "tonic",
            "tracing",
        ],
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
    },
    Rule {
        package: "k8srd-testkit",
        may: &["async-trait", "k8srd-capture", "k8srd-core", "thiserror", "toml"],
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

/// Crates of others that show in a public API: a new major version of one is a new one of ours.
const SHOWN: &[(&str, &str)] = &[
    // The derives on the structs of the wire: who reads raw records parses them so.
    ("k8srd-bpf", "zerocopy"),
];

/// No API text names a crate that is not ours, the standard library's or in [`SHOWN`].
pub(super) fn shown(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in tree.texts(&[".txt"]) {
        let file = name.strip_prefix("docs/api/").and_then(|name| name.strip_suffix(".txt"));
        let Some(library) = file else { continue };
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#') || line.starts_with("#[")) {
            seen.extend(roots(line));
        }
        let ours = |root: &&str| {
            ["alloc", "core", "std"].contains(root)
                || root.starts_with("k8srd_")
                || SHOWN.contains(&(library, *root))
        };
        for root in seen.iter().filter(|root| !ours(root)) {
            findings.push(Finding::new(
                name,
                format!("{root} shows in the API: hide it, or argue for a row in xtask and docs/semver.md"),
            ));
        }
    }
    findings
}

/// The first names of all paths in an item: crates, since types begin with a capital.
fn roots(item: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    item.match_indices("::").filter_map(move |(at, _)| {
        let before = &item[..at];
        let root = &before[before.trim_end_matches(is_name).len()..];
        let first = root.chars().next()?;
        let is_root = !before[..at - root.len()].ends_with("::") && !first.is_uppercase();
        is_root.then_some(root)
    })
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
                ],
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
    fn a_crate_of_others_in_a_signature_is_found() {
        let text = "# The API of a::b.\n#[non_exhaustive] pub struct k8srd_core::A\n\
                    pub fn k8srd_core::A::b(&self) -> core::option::Option<zerocopy::B>\n\
                    pub fn k8srd_core::A::c<T: Into<Self::D>>(T)\n";
        let found = shown(&Tree::of(&[("docs/api/k8srd-core.txt", text)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].advice.starts_with("zerocopy shows in the API"));
        assert_eq!(shown(&Tree::of(&[("docs/api/k8srd-bpf.txt", text)])), [], "argued for");
        assert_eq!(shown(&Tree::of(&[("testdata/some.txt", text)])), []);
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

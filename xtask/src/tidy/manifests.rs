//! What each manifest of the workspace says.

use serde_json::Value;

use super::Finding;
use super::tree::{Tree, is_library};

/// Lints come from the workspace; a published crate can be found, judged and depended on.
pub(super) fn manifests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.members() {
        let place = tree.relative(package["manifest_path"].as_str().unwrap_or_default());
        let mut find = |advice: &str| findings.push(Finding::new(place, advice));

        let text = tree.text(place).unwrap_or_default();
        if !inherits_lints(text) {
            find("say '[lints]' and 'workspace = true'");
        }
        if package["publish"].is_array() {
            continue;
        }
        for key in ["description", "license", "repository", "rust_version"] {
            if package[key].as_str().is_none_or(str::is_empty) {
                find(&format!("a published crate says its {}", key.replace('_', "-")));
            }
        }
        for key in ["keywords", "categories"] {
            if package[key].as_array().is_none_or(Vec::is_empty) {
                find(&format!("a published crate has {key}"));
            }
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let local = dependency["path"].is_string() && dependency["kind"] != "dev";
            if local && dependency["req"] == "*" {
                let name = dependency["name"].as_str().unwrap_or_default();
                find(&format!("give {name} a version besides its path"));
            }
        }
        if is_library(package) && package["metadata"]["docs"]["rs"].is_null() {
            find("say in [package.metadata.docs.rs] with which features docs.rs builds");
        }
        for feature in unexplained_features(text, &package["features"]) {
            find(&format!("say in a comment what changes with the feature {feature}"));
        }
    }
    findings
}

/// The front page of each library that others depend on says who it is for and who not, shows an
/// example, and lists the features.
pub(super) fn front_pages(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.libraries() {
        let target = |target: &&Value| target["kind"][0] == "lib";
        let target = package["targets"].as_array().into_iter().flatten().find(target);
        let path = target.and_then(|target| target["src_path"].as_str()).unwrap_or_default();
        let place = tree.relative(path);
        let page = front_page(tree, place);
        let mut find = |advice: String| findings.push(Finding::new(place, advice));
        let first = page.split("```").next().unwrap_or_default().to_lowercase();
        if !["for", "not"].iter().all(|word| first.split_whitespace().any(|said| said == *word)) {
            find("say before the example who the crate is for, and who not".into());
        }
        if !page.contains("```") {
            find("show one whole example on the front page".into());
        }
        let Some((_, listed)) = page.split_once("# Features") else {
            find("list the features under a heading '# Features', or say 'None'".into());
            continue;
        };
        let names = package["features"].as_object().into_iter().flat_map(|table| table.keys());
        for name in names.filter(|name| *name != "default") {
            if !listed.contains(&format!("`{name}`")) {
                find(format!("say under '# Features' what `{name}` brings"));
            }
        }
    }
    findings
}

/// The crate's own documentation: the comment at the top, or the README that it includes.
fn front_page(tree: &Tree, root: &str) -> String {
    let source = tree.text(root).unwrap_or_default();
    if source.starts_with("#![doc = include_str!(\"../README.md\")]") {
        let readme = root.replace("src/lib.rs", "README.md");
        return tree.text(&readme).unwrap_or_default().to_owned();
    }
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()).is_some_and(|line| line == "workspace = true")
}

/// The features that have no comment above them. `default` explains itself.
fn unexplained_features<'a>(manifest: &str, features: &'a Value) -> Vec<&'a str> {
    let lines: Vec<&str> = manifest.lines().map(str::trim).collect();
    let explained = |feature: &str| {
        let declares = |line: &str| {
            line.strip_prefix(feature).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        lines.windows(2).any(|pair| pair[0].starts_with('#') && declares(pair[1]))
    };
    let names = features.as_object().into_iter().flat_map(|table| table.keys());
    names.map(String::as_str).filter(|name| *name != "default" && !explained(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace(manifest: &str, package: Value) -> Tree {
        let mut package = package;
        package["id"] = json!("it");
        package["manifest_path"] = json!("it/Cargo.toml");
        let mut tree = Tree::of(&[("it/Cargo.toml", manifest)]);
        tree.metadata = json!({"workspace_members": ["it"], "packages": [package]});
        tree
    }

    fn complete() -> Value {
        json!({
            "publish": null,
            "description": "d",
            "license": "l",
            "repository": "r",
            "rust_version": "1.95",
            "keywords": ["k"],
            "categories": ["c"],
            "dependencies": [{"name": "a", "path": "../a", "req": "^0.1.0", "kind": null}],
            "features": {"default": [], "extra": []},
            "targets": [{"kind": ["lib"], "src_path": "it/src/lib.rs"}],
            "metadata": {"docs": {"rs": {"all-features": true}}},
        })
    }

    const MANIFEST: &str = "[lints]\nworkspace = true\n[features]\n# More of it.\nextra = []\n";

    #[test]
    fn a_complete_manifest_passes() {
        assert_eq!(manifests(&workspace(MANIFEST, complete())), []);
    }

    #[test]
    fn lints_of_its_own_are_found() {
        let text =
            MANIFEST.replace("[lints]\nworkspace = true", "[lints.rust]\nunused = \"allow\"");
        assert!(manifests(&workspace(&text, complete()))[0].advice.contains("[lints]"));
    }

    #[test]
    fn what_a_stranger_would_miss_is_found() {
        let mut package = complete();
        package["description"] = Value::Null;
        package["keywords"] = json!([]);
        package["metadata"] = Value::Null;
        package["dependencies"][0]["req"] = json!("*");
        let found = manifests(&workspace("[lints]\nworkspace = true\nextra = []", package));
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn what_is_not_published_need_not_say_so_much() {
        let package = json!({"publish": [], "dependencies": [], "features": {}});
        assert_eq!(manifests(&workspace(MANIFEST, package)), []);
    }
    const PAGE: &str =
        "It is for some and not for others.\n\n```\nit();\n```\n\n# Features\n\n- `extra`: more\n";

    /// A library whose front page is this comment, or this README.
    fn library(comment: &str, readme: &str) -> Tree {
        let mut package = complete();
        package["id"] = json!("it");
        let mut tree = Tree::of(&[("it/src/lib.rs", comment), ("it/README.md", readme)]);
        tree.metadata = json!({"workspace_members": ["it"], "packages": [package]});
        tree
    }

    #[test]
    fn a_front_page_is_a_comment_or_a_readme() {
        let comment: String = PAGE.lines().map(|line| format!("//! {line}\n")).collect();
        assert_eq!(front_pages(&library(&comment, "")), []);
        let include = "#![doc = include_str!(\"../README.md\")]\n";
        assert_eq!(front_pages(&library(include, PAGE)), []);
    }

    #[test]
    fn what_a_front_page_lacks_is_found() {
        let include = "#![doc = include_str!(\"../README.md\")]\n";
        for (from, to, advice) in [
            ("not for others", "all", "who the crate is for, and who not"),
            ("```", "", "one whole example"),
            ("# Features", "", "a heading '# Features'"),
            ("`extra`", "extra", "what `extra` brings"),
        ] {
            let found = front_pages(&library(include, &PAGE.replace(from, to)));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].advice.contains(advice), "{found:?}");
        }
    }
}

//! What each manifest of the workspace says.

use serde_json::Value;

use super::Finding;
use super::tree::Tree;

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
        for feature in unexplained_features(text, &package["features"]) {
            find(&format!("say in a comment what changes with the feature {feature}"));
        }
    }
    findings
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
        package["dependencies"][0]["req"] = json!("*");
        let found = manifests(&workspace("[lints]\nworkspace = true\nextra = []", package));
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn what_is_not_published_need_not_say_so_much() {
        let package = json!({"publish": [], "dependencies": [], "features": {}});
        assert_eq!(manifests(&workspace(MANIFEST, package)), []);
    }
}

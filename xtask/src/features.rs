//! Each published crate compiles with no feature, with each feature alone, and with all.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::cargo;
use crate::tidy::Tree;

/// Checks all of them.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    for package in tree.members().filter(|package| package["publish"].is_null()) {
        let name = package["name"].as_str().context("a package without a name")?;
        for features in choices(&package["features"]) {
            let mut args = vec!["check", "--quiet", "--locked", "--package", name];
            args.push("--no-default-features");
            args.extend(["--features", &features]);
            cargo::run(root, &args, &[])?;
        }
    }
    Ok(())
}

/// None, each, all: as lists that cargo reads. One feature is both.
fn choices(features: &Value) -> Vec<String> {
    let names = features.as_object().into_iter().flat_map(|table| table.keys());
    let names: Vec<&str> = names.map(String::as_str).filter(|name| *name != "default").collect();
    let mut choices = vec![String::new()];
    choices.extend(names.iter().map(ToString::to_string));
    if names.len() > 1 {
        choices.push(names.join(","));
    }
    choices
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn none_each_and_all() {
        assert_eq!(choices(&json!({"default": ["a"]})), [""]);
        assert_eq!(choices(&json!({"a": []})), ["", "a"]);
        assert_eq!(choices(&json!({"a": [], "b": []})), ["", "a", "b", "a,b"]);
    }
}

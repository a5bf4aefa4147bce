//! What someone gets who depends on the crates: they are packed as for publishing, unpacked, and a
//! crate outside the workspace builds against the archives and runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::ci::{cargo, cargo_program};
use crate::tidy::Tree;

/// The stranger's program, and what it prints.
const PROGRAM: &str = include_str!("../../examples/match_your_own_struct.rs");
const PRINTS: &str = "Warning: Paid 4000 to mallory\n";

/// Packs the libraries, builds the stranger against them and runs it.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let target = tree.metadata["target_directory"].as_str().context("no target directory")?;
    let folder = Path::new(target).join("stranger");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder.join("src"))?;

    let libraries: Vec<(&str, &str)> = tree.members().filter_map(library).collect();
    let mut args = vec!["package", "--quiet", "--locked", "--no-verify", "--allow-dirty"];
    libraries.iter().for_each(|(name, _)| args.extend(["--package", name]));
    cargo(root, &args, &[])?;
    let mut unpacked = Vec::new();
    for (name, version) in &libraries {
        let archive = Path::new(target).join(format!("package/{name}-{version}.crate"));
        let mut unpack = Command::new("tar");
        let status = unpack.arg("-xzf").arg(&archive).arg("-C").arg(&folder).status();
        let status = status.context("cannot run tar")?;
        ensure!(status.success(), "cannot unpack {}", archive.display());
        unpacked.push((*name, folder.join(format!("{name}-{version}"))));
    }

    fs::write(folder.join("Cargo.toml"), manifest(&unpacked))?;
    fs::write(folder.join("src/main.rs"), PROGRAM)?;
    // The versions that were tested, so that nothing has to be looked up.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut build = Command::new(cargo_program());
    build.args(["run", "--quiet", "--offline"]).current_dir(&folder);
    let output = build.env("CARGO_TARGET_DIR", target).output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "a crate that depends on ours does not build:\n{said}");
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(printed == PRINTS, "a crate that depends on ours printed {printed:?}");
    Ok(())
}

/// Name and version of a package that others depend on.
fn library(package: &Value) -> Option<(&str, &str)> {
    let name = package["name"].as_str()?;
    let is_library = package["publish"].is_null() && name.starts_with("k8srd-");
    is_library.then_some((name, package["version"].as_str()?))
}

/// Depends on every library. What one of them needs of another also comes from the archives.
fn manifest(unpacked: &[(&str, PathBuf)]) -> String {
    let mut text = String::from(
        "[package]\nname = \"stranger\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\nanyhow = \"1\"\n",
    );
    for (name, _) in unpacked {
        text.push_str(&format!("{name} = \"*\"\n"));
    }
    text.push_str("\n[patch.crates-io]\n");
    for (name, folder) in unpacked {
        text.push_str(&format!("{name} = {{ path = {:?} }}\n", folder.display().to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn libraries_are_what_is_published_and_ours() {
        let package = |name, publish| json!({"name": name, "version": "0.1.0", "publish": publish});
        assert_eq!(library(&package("k8srd-core", Value::Null)), Some(("k8srd-core", "0.1.0")));
        assert_eq!(library(&package("k8srd-benches", json!([]))), None);
        assert_eq!(library(&package("k8srd", Value::Null)), None, "a program");
    }

    #[test]
    fn everything_comes_from_the_archives() {
        let text = manifest(&[("a", "/x/a-1".into()), ("b", "/x/b-1".into())]);
        assert!(text.contains("\na = \"*\"\nb = \"*\"\n"));
        assert!(text.ends_with("a = { path = \"/x/a-1\" }\nb = { path = \"/x/b-1\" }\n"));
    }
}

//! What someone gets who depends on the crates: they are packed as for publishing, unpacked, and a
//! crate outside the workspace builds against the archives and runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::cargo;
use crate::tidy::Tree;

/// The stranger's program, the package whose manifest says what it needs besides our crates, and
/// what it prints.
const PROGRAM: &str = "examples/match_your_own_struct.rs";
const EXAMPLES: &str = "k8srd-examples";
const PRINTS: &str = "Warning: Paid 4000 to mallory\n";

/// The workspace's profile: so the stranger uses what the tests have built of others' crates.
const PROFILE: &str = "\n[profile.dev]\ndebug = \"line-tables-only\"\nopt-level = 1\n";

/// Packs the libraries, builds the stranger against them and runs it.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let target = tree.metadata["target_directory"].as_str().context("no target directory")?;
    let folder = Path::new(target).join("stranger");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder.join("src"))?;

    let libraries: Vec<(&str, &str)> = tree.libraries().filter_map(name_and_version).collect();
    let mut args = vec!["package", "--quiet", "--locked", "--no-verify", "--allow-dirty"];
    libraries.iter().for_each(|(name, _)| args.extend(["--package", name]));
    cargo::run(root, &args, &[])?;
    let mut unpacked = Vec::new();
    for (name, version) in &libraries {
        let archive = Path::new(target).join(format!("package/{name}-{version}.crate"));
        let mut unpack = Command::new("tar");
        let status = unpack.arg("-xzf").arg(&archive).arg("-C").arg(&folder).status();
        let status = status.context("cannot run tar")?;
        ensure!(status.success(), "cannot unpack {}", archive.display());
        unpacked.push((*name, folder.join(format!("{name}-{version}"))));
    }

    let examples = tree.members().find(|package| package["name"] == EXAMPLES);
    let others = examples.map(|package| others(package, &unpacked)).unwrap_or_default();
    fs::write(folder.join("Cargo.toml"), manifest(&unpacked, &others))?;
    fs::copy(root.join(PROGRAM), folder.join("src/main.rs")).context(PROGRAM)?;
    // The versions that were tested, so that nothing has to be looked up.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut build = Command::new(cargo::program());
    build.args(["run", "--quiet", "--offline"]).current_dir(&folder);
    let printed = cargo::output(build.env("CARGO_TARGET_DIR", target))
        .context("a crate that depends on ours does not build or run")?;
    ensure!(printed == PRINTS, "a crate that depends on ours printed {printed:?}");
    Ok(())
}

fn name_and_version(package: &Value) -> Option<(&str, &str)> {
    Some((package["name"].as_str()?, package["version"].as_str()?))
}

/// What the examples use that is not ours: names and requirements.
fn others<'a>(examples: &'a Value, ours: &[(&str, PathBuf)]) -> Vec<(&'a str, &'a str)> {
    let dependencies = examples["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| Some((dependency["name"].as_str()?, dependency["req"].as_str()?)))
        .filter(|(name, _)| ours.iter().all(|(our, _)| our != name))
        .collect()
}

/// Depends on every library. What one of them needs of another also comes from the archives.
fn manifest(unpacked: &[(&str, PathBuf)], others: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "[package]\nname = \"stranger\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\n",
    );
    for (name, requirement) in others {
        text.push_str(&format!("{name} = {requirement:?}\n"));
    }
    for (name, _) in unpacked {
        text.push_str(&format!("{name} = \"*\"\n"));
    }
    text.push_str(PROFILE);
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
    fn what_the_example_needs_comes_along() {
        let examples = json!({"dependencies": [
            {"name": "anyhow", "req": "^1", "kind": null},
            {"name": "tempfile", "req": "^3", "kind": "dev"},
            {"name": "k8srd-core", "req": "^0.1.0", "kind": null},
        ]});
        assert_eq!(others(&examples, &[("k8srd-core", "/x".into())]), [("anyhow", "^1")]);
    }

    #[test]
    fn everything_of_ours_comes_from_the_archives() {
        let unpacked = [("a", "/x/a-1".into()), ("b", "/x/b-1".into())];
        let text = manifest(&unpacked, &[("other", "^1")]);
        assert!(text.contains("\nother = \"^1\"\na = \"*\"\nb = \"*\"\n"));
        assert!(text.ends_with("a = { path = \"/x/a-1\" }\nb = { path = \"/x/b-1\" }\n"));
    }
}

//! The repository as the checks see it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::cargo;

/// All files that are, or could be, under version control, and what cargo says of the workspace.
#[derive(Default)]
pub(crate) struct Tree {
    /// The folder's absolute path; empty in a made-up tree.
    pub(super) root: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    /// The output of `cargo metadata`.
    pub(crate) metadata: Value,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = cargo::output(Command::new("git").args(args).current_dir(root))?;
        let mut files = BTreeMap::new();
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let path = root.join(name);
            // A file that was deleted but not committed yet is listed still.
            if path.is_file() {
                let bytes = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
                files.insert(name.to_owned(), bytes);
            }
        }
        let args = ["metadata", "--quiet", "--format-version=1"];
        let metadata = cargo::output(Command::new(cargo::program()).args(args).current_dir(root))?;
        let metadata = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
        Ok(Self { root: root.into(), files, metadata })
    }

    /// A tree of made-up files: names and texts.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(name, text): &(&str, &str)| (name.to_owned(), text.as_bytes().to_vec());
        Self { files: files.iter().map(file).collect(), ..Self::default() }
    }

    /// A tree without files, with a made-up output of `cargo metadata`.
    #[cfg(test)]
    pub(super) fn described(metadata: Value) -> Self {
        Self { metadata, ..Self::default() }
    }

    /// All files: names from the root, and contents.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The files that are text and whose names end in one of `endings`.
    pub(super) fn texts<'a>(
        &'a self,
        endings: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files()
            .filter(|(name, _)| endings.iter().any(|ending| name.ends_with(ending)))
            .filter_map(|(name, bytes)| Some((name, str::from_utf8(bytes).ok()?)))
    }

    /// One file, if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.files.get(name)?).ok()
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, name: &str) -> bool {
        let folder = format!("{name}/");
        self.files.contains_key(name)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(f, _)| f.starts_with(&folder))
    }

    /// The packages of the workspace, as `cargo metadata` describes them.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Value> {
        let members = self.metadata["workspace_members"].as_array();
        let is_member = move |package: &&Value| {
            members.is_some_and(|members| members.iter().any(|id| *id == package["id"]))
        };
        self.metadata["packages"].as_array().into_iter().flatten().filter(is_member)
    }

    /// The libraries that others depend on.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Value> {
        self.members().filter(|package| package["publish"].is_null() && is_library(package))
    }

    /// A path that cargo gave, from the root.
    pub(super) fn relative<'a>(&self, path: &'a str) -> &'a str {
        let inner = Path::new(path).strip_prefix(&self.root).ok();
        inner.and_then(Path::to_str).unwrap_or(path)
    }
}

/// Whether a package has a library.
pub(super) fn is_library(package: &Value) -> bool {
    let mut targets = package["targets"].as_array().into_iter().flatten();
    targets.any(|target| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_there_when_a_file_is_in_them() {
        let tree = Tree::of(&[("docs/a.md", ""), ("docs-old", "")]);
        assert!(tree.has("docs") && tree.has("docs/a.md") && tree.has("docs-old"));
        assert!(!tree.has("doc") && !tree.has("docs/b.md"));
    }
}

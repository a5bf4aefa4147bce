//! The public API of each library as text: one item a line, sorted, with all features on.
//!
//! rustdoc describes a crate as JSON; that form is unstable, so its number is compared with the one
//! that we read. The stable rustdoc writes it too when it is told to. Only rustdoc is told so: build
//! scripts look at the same variable, and dependencies would be built anew for each change of it.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use public_api::Builder;
use serde_json::Value;

use crate::cargo;
use crate::generated::Files;
use crate::tidy::Tree;

/// The format that the crate `public-api` reads, in the version that the workspace pins.
const FORMAT: u64 = 57;

/// `docs/api/`, or nothing where this toolchain cannot tell.
pub(crate) fn texts(root: &Path) -> anyhow::Result<Option<Files>> {
    let tree = Tree::read(root)?;
    let target = Path::new(tree.metadata["target_directory"].as_str().context("no target")?);
    let rustdoc = unstable_rustdoc(target)?;
    let mut texts = Files::new();
    for package in tree.libraries() {
        let name = package["name"].as_str().context("a package without a name")?;
        let json = describe(root, target, &rustdoc, name)?;
        let format = format_of(&json)?;
        if format != FORMAT {
            let reason = format!(
                "this rustdoc writes JSON of format {format}, the pinned public-api reads {FORMAT}: \
                 use the toolchain of rust-version, or the public-api that reads {format}"
            );
            cargo::skip(&reason)?;
            return Ok(None);
        }
        texts.insert(format!("docs/api/{name}.txt"), text(name, &json)?);
    }
    Ok(Some(texts))
}

/// A rustdoc that takes unstable options. It is written once: a running one cannot be written to.
fn unstable_rustdoc(target: &Path) -> anyhow::Result<PathBuf> {
    let path = target.join("xtask/rustdoc");
    let script = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";
    if fs::read_to_string(&path).is_ok_and(|text| text == script) {
        return Ok(path);
    }
    fs::create_dir_all(target.join("xtask"))?;
    fs::write(&path, script).with_context(|| path.display().to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Has rustdoc describe a package; gives the JSON file.
fn describe(root: &Path, target: &Path, rustdoc: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut args = vec!["rustdoc", "--quiet", "--locked", "--lib", "--all-features"];
    args.extend(["--package", name, "--"]);
    args.extend(["-Zunstable-options", "--output-format=json", "--cap-lints=allow"]);
    let rustdoc = rustdoc.to_str().context("the target directory's name is no text")?;
    cargo::run(root, &args, &[("RUSTDOC", rustdoc), ("RUSTDOCFLAGS", "")])?;
    Ok(target.join(format!("doc/{}.json", name.replace('-', "_"))))
}

fn format_of(json: &Path) -> anyhow::Result<u64> {
    let text = fs::read(json).with_context(|| json.display().to_string())?;
    let value: Value = serde_json::from_slice(&text).context("rustdoc's JSON")?;
    value["format_version"].as_u64().context("rustdoc's JSON without a format_version")
}

/// Traits that the compiler gives: that a type lacks one is a line of its own, so it is seen when one
/// stops to be `Send`. That it has one goes without saying.
const AUTOMATIC: &[&str] = &[
    "core::marker::Send",
    "core::marker::Sync",
    "core::marker::Unpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Traits that are the compiler's own business.
const INTERNAL: &[&str] =
    &["core::marker::Freeze", "core::marker::StructuralPartialEq", "core::marker::UnsafeUnpin"];

fn text(name: &str, json: &Path) -> anyhow::Result<String> {
    let items = |derived: bool| -> anyhow::Result<Vec<String>> {
        let builder = Builder::from_rustdoc_json(json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(!derived)
            .omit_auto_derived_impls(!derived);
        Ok(builder.build()?.items().map(ToString::to_string).collect())
    };
    let written: HashSet<String> = items(false)?.into_iter().collect();
    let all = items(true)?;
    ensure!(!all.is_empty(), "{name} has no public item");
    let mut text = format!("# The public API of {name}, all features on: `cargo xtask bless`.\n");
    for item in all.iter().filter(|item| written.contains(*item) || tells(item)) {
        text.push_str(item);
        text.push('\n');
    }
    Ok(text)
}

/// Whether an item that nobody wrote out says something. A derived trait does, in one line; its
/// methods do not.
fn tells(item: &str) -> bool {
    let Some((the_trait, _)) = item.strip_prefix("impl").and_then(|rest| rest.split_once(" for "))
    else {
        return false;
    };
    let lacks = the_trait.contains('!');
    let is_one_of = |traits: &[&str]| traits.iter().any(|name| the_trait.ends_with(name));
    !is_one_of(INTERNAL) && (lacks || !is_one_of(AUTOMATIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_traits_and_lacking_ones_tell_something() {
        assert!(tells("impl core::clone::Clone for it::A"));
        assert!(tells("impl !core::marker::Send for it::A"));
        assert!(tells("impl<T> !core::panic::unwind_safe::UnwindSafe for it::A<T>"));
        assert!(!tells("impl core::marker::Send for it::A"));
        assert!(!tells("impl<T> core::marker::Sync for it::A<T> where T: core::marker::Sync"));
        assert!(!tells("impl !core::marker::Freeze for it::A"));
        assert!(!tells("impl core::marker::StructuralPartialEq for it::A"));
        assert!(!tells("pub fn it::A::clone(&self) -> it::A"));
    }
}

//! What is made from the code and committed, so that a change of it is read: `cargo xtask bless`
//! writes it, `cargo xtask ci generated` compares.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::{api, cargo};

/// Paths from the root, and texts.
pub(crate) type Files = BTreeMap<String, String>;

/// One thing that is made: a file, or a folder in which every file is made.
struct Row {
    /// Where it lies, from the root. What lies there and is not made is stale.
    owns: &'static str,
    /// Makes it, given the root. `None`: this machine cannot, and the reason has been told.
    make: fn(&Path) -> anyhow::Result<Option<Files>>,
}

/// Adding one is a row and a function that gives its text.
const ROWS: &[Row] = &[Row { owns: "docs/api", make: api::texts }];

/// The most lines of a difference that are shown.
const SHOWN: usize = 60;

/// The verb: writes all of it.
pub(crate) fn bless(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "bless takes no arguments, was given {args:?}");
    let root = cargo::workspace_root()?;
    for (path, _, made) in differences(&root)? {
        let file = root.join(&path);
        match made {
            Some(text) => {
                fs::create_dir_all(file.parent().context("a file in no folder")?)?;
                fs::write(&file, text).with_context(|| path.clone())?;
                println!("{path}: written");
            }
            None => {
                fs::remove_file(&file).with_context(|| path.clone())?;
                println!("{path}: removed, nothing makes it");
            }
        }
    }
    Ok(())
}

/// Fails if a file is not what the code gives, and shows how it differs.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let differences = differences(root)?;
    for (path, committed, made) in &differences {
        let (committed, made) = (committed.as_deref(), made.as_deref());
        eprintln!("{path}:");
        let lines = difference(committed.unwrap_or_default(), made.unwrap_or_default());
        for line in lines.iter().take(SHOWN) {
            eprintln!("  {line}");
        }
        if lines.len() > SHOWN {
            eprintln!("  … and {} lines more", lines.len() - SHOWN);
        }
    }
    let paths: Vec<&str> = differences.iter().map(|(path, ..)| path.as_str()).collect();
    if !paths.is_empty() {
        bail!(
            "{} not what the code gives: run `cargo xtask bless` if it is meant, and commit",
            paths.join(", ")
        );
    }
    Ok(())
}

/// A path, the text that lies there, the text that should.
type Difference = (String, Option<String>, Option<String>);

fn differences(root: &Path) -> anyhow::Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for Row { owns, make } in ROWS {
        let Some(made) = make(root).with_context(|| format!("making {owns}"))? else { continue };
        let mut committed = Files::new();
        read(root, owns, &mut committed)?;
        for (path, text) in made {
            let before = committed.remove(&path);
            if before.as_ref() != Some(&text) {
                differences.push((path, before, Some(text)));
            }
        }
        differences.extend(committed.into_iter().map(|(path, text)| (path, Some(text), None)));
    }
    Ok(differences)
}

/// Reads the file `path`, or all files of the folder.
fn read(root: &Path, path: &str, into: &mut Files) -> anyhow::Result<()> {
    let place = root.join(path);
    if place.is_file() {
        let text = fs::read_to_string(&place).with_context(|| path.to_owned())?;
        into.insert(path.to_owned(), text);
    } else if place.is_dir() {
        for entry in fs::read_dir(&place).with_context(|| path.to_owned())? {
            let name = entry?.file_name();
            read(root, &format!("{path}/{}", name.display()), into)?;
        }
    }
    Ok(())
}

/// Lines that go (`-`) and lines that come (`+`), in order: what is left of both texts besides a
/// longest common subsequence.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (mut before, mut after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    // Most of both is the same.
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    before.drain(..same);
    after.drain(..same);
    while before.last().is_some_and(|last| after.last() == Some(last)) {
        before.pop();
        after.pop();
    }

    // lengths[i][j]: how many lines before[i..] and after[j..] have in common, in order.
    let mut lengths = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            lengths[i][j] = if before[i] == after[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || i < before.len() && lengths[i + 1][j] >= lengths[i][j + 1] {
            lines.push(format!("-{}", before[i]));
            i += 1;
        } else {
            lines.push(format!("+{}", after[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_what_goes_and_what_comes() {
        assert_eq!(difference("a\nb\nc\n", "a\nb\nc\n"), [""; 0]);
        assert_eq!(difference("a\nb\nc\nd\n", "a\nx\nc\ny\nd\n"), ["-b", "+x", "+y"]);
        assert_eq!(difference("", "a\n"), ["+a"]);
        assert_eq!(difference("a\n", ""), ["-a"]);
    }
}

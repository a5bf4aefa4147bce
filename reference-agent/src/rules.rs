//! Rules from files, directories, or the program itself.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use k8srd_core::rules::diagnostic::Severity;
use k8srd_core::rules::{AppendOutput, BufferFormat, Loader, RuleSet};
use k8srd_core::schema::Schema;

use crate::config::{Config, Switch};

/// The rules that the program brings.
pub(crate) const SHIPPED: &str = include_str!("../../rules/k8srd_rules.yaml");
/// Their name in messages.
const SHIPPED_NAME: &str = "k8srd_rules.yaml (shipped)";
/// More is not read of a file that has no end; the loader refuses what is this large.
const MAX_READ: u64 = 64 << 20;

/// Loads all rules of these files and directories; or, if there are none, of those that the
/// configuration names; or else the shipped ones. Warnings go to standard error.
///
/// # Errors
///
/// Where a file cannot be read, a directory holds no rules, or a rule is wrong: all problems of all
/// files, with the place of each.
pub(crate) fn load(config: &Config, schema: &Schema, paths: &[PathBuf]) -> Result<RuleSet> {
    load_texts(config, schema, texts(config, paths)?)
}

/// Loads rules that were read before.
///
/// # Errors
///
/// Where a file could not be read or a rule is wrong.
pub(crate) fn load_texts(config: &Config, schema: &Schema, texts: Vec<Text>) -> Result<RuleSet> {
    let (rules, problems) = add_texts(loader(config, schema), texts).load();
    if !problems.is_empty() {
        eprint!("{}", problems.render());
    }
    if problems.has_errors() {
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        bail!("the rules are not usable: {errors} errors, listed above");
    }
    Ok(rules)
}

/// A file's text, or why it cannot be read.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) content: io::Result<Vec<u8>>,
}

impl Text {
    fn of(file: &Path) -> Self {
        let mut content = Vec::new();
        let read = fs::File::open(file).and_then(|it| it.take(MAX_READ).read_to_end(&mut content));
        Self { name: file.display().to_string(), content: read.map(|_| content) }
    }
}

/// The texts of all rules of these files and directories; or, if there are none, of those that the
/// configuration names; or else the shipped ones.
///
/// # Errors
///
/// Where a directory cannot be read or holds no rules, or nothing is there.
pub(crate) fn texts(config: &Config, paths: &[PathBuf]) -> Result<Vec<Text>> {
    let files = match (paths, &config.rules_files[..]) {
        ([], []) => {
            let content = Ok(SHIPPED.as_bytes().to_vec());
            return Ok(vec![Text { name: SHIPPED_NAME.to_owned(), content }]);
        }
        ([], configured) => configured_files(configured)?,
        // These are asked for by name: one that is not there is a wrong call.
        (paths, _) => files(paths)?,
    };
    Ok(files.iter().map(|file| Text::of(file)).collect())
}

/// A loader that does what the configuration says.
pub(crate) fn loader(config: &Config, schema: &Schema) -> Loader {
    Loader::new(schema)
        .min_priority(config.priority.0)
        .select(config.rules.iter().flat_map(Switch::selectors))
        .append_output(config.append_output.iter().map(AppendOutput::from))
        .buffer_format(if config.buffer_format_base64 {
            BufferFormat::Base64
        } else {
            BufferFormat::Printable
        })
}

/// Adds the rules that the configuration names, or else those that the program brings.
///
/// # Errors
///
/// Where `rules_files` names nothing that is there, or a directory that cannot be read.
pub(crate) fn add_configured(loader: Loader, config: &Config) -> Result<Loader> {
    Ok(add_texts(loader, texts(config, &[])?))
}

/// Adds all rule files that these paths name. What cannot be read is a problem among those that
/// loading finds, and keeps nothing else from being looked at.
pub(crate) fn add_all(mut loader: Loader, paths: &[PathBuf]) -> Loader {
    for path in paths {
        let none = || io::Error::other("it is a directory without a .yaml or .yml file");
        let found = files_at(path);
        match found.and_then(|files| if files.is_empty() { Err(none()) } else { Ok(files) }) {
            Ok(files) => loader = add_texts(loader, files.iter().map(|file| Text::of(file))),
            Err(error) => loader = loader.add_unreadable(path.display().to_string(), error),
        }
    }
    loader
}

fn add_texts(loader: Loader, texts: impl IntoIterator<Item = Text>) -> Loader {
    texts.into_iter().fold(loader, |loader, Text { name, content }| match content {
        Ok(content) => loader.add_file(name, content),
        Err(error) => loader.add_unreadable(name, error),
    })
}

/// The rule files that `rules_files` names. As with Falco it may name what is not there (rules of
/// one's own, a directory for some), but not only that.
fn configured_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        match files_at(path) {
            Ok(files) => found.extend(files),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("k8srd: rules_files: {} is not there, passed over", path.display());
            }
            // Reading it says why.
            Err(_) => found.push(path.clone()),
        }
    }
    if found.is_empty() {
        bail!("rules_files names no rule file that is there");
    }
    Ok(found)
}

/// The rule files that these paths name, in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let found = files_at(path).with_context(|| no_rules(path))?;
        if found.is_empty() {
            bail!("directory {} holds no .yaml or .yml file", path.display());
        }
        files.extend(found);
    }
    Ok(files)
}

/// The file, or the rule files of the directory, in the order of their names.
fn files_at(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let yaml = path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
        // A mounted ConfigMap shows each file as a symbolic link: links count as what they lead to.
        if yaml && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn no_rules(path: &Path) -> String {
    format!("rules {} cannot be read; name a rule file or a directory with -r", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_load_without_a_word() {
        let (rules, problems) =
            Loader::new(&Schema::falco()).add_file(SHIPPED_NAME, SHIPPED).load();
        assert!(problems.is_empty(), "{}", problems.render());
        assert!(rules.rules().len() >= 7);
        for rule in rules.rules() {
            let info = rule.info();
            assert!(!info.description.is_empty(), "{} has no description", info.name);
            assert!(
                info.tags.iter().any(|tag| tag.starts_with("mitre_")),
                "{} names no MITRE tactic",
                info.name
            );
        }
    }

    #[test]
    fn directories_give_their_rule_files_by_name() {
        let directory = std::env::temp_dir().join(format!("k8srd-rules-{}", std::process::id()));
        fs::create_dir_all(directory.join("sub.yaml")).unwrap();
        for name in ["b.yml", "a.yaml", "notes.txt"] {
            fs::write(directory.join(name), "").unwrap();
        }
        let found = files(std::slice::from_ref(&directory)).unwrap();
        assert_eq!(found, [directory.join("a.yaml"), directory.join("b.yml")]);

        fs::remove_file(directory.join("a.yaml")).unwrap();
        fs::remove_file(directory.join("b.yml")).unwrap();
        let error = files(std::slice::from_ref(&directory)).unwrap_err().to_string();
        assert!(error.ends_with("holds no .yaml or .yml file"), "{error}");
        fs::remove_dir_all(directory).unwrap();
    }
}

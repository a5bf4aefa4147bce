//! Files one after the other, as Falco loads them (`falco_engine::load_rules` of
//! falcosecurity/falco): each file's items are put to what is there, and then all of it is
//! compiled. So a file cannot name what only a later one defines, and a problem that an earlier
//! file still has comes up again with each.
//!
//! Falco stops at the first error of a file. What it then says of each file and all that can be
//! found are two answers; where there is no error they are the same, and are found only once.

use std::collections::HashSet;
use std::fmt::Display;

use super::collect::Collection;
use super::compile::{self, Unused};
use super::diagnostic::{
    Code, Diagnostic, FileId, FileResult, Item, ItemKind, Severity, Sources, Span,
};
use super::items::Read;
use super::kept::Kept;
use super::load::Rule;
use super::problems::{Extent, Problems};
use super::reader::Reader;
use super::yaml::{self, Node};
use crate::schema::Schema;

/// How large a file may be, in bytes: a hundred times what ten thousand rules need.
const MAX_FILE: usize = 32 << 20;

/// A file, as far as YAML goes.
#[derive(Clone, Debug)]
pub(super) struct File {
    id: FileId,
    documents: Vec<Node>,
    /// Why not all of it could be read.
    error: Option<Diagnostic>,
}

impl File {
    pub(super) fn new(name: String, content: Vec<u8>, sources: &mut Sources) -> Self {
        if content.len() > MAX_FILE {
            let length = content.len();
            drop(content);
            let message = format!("the file has {length} bytes, more than {MAX_FILE} are not read");
            return Self::without_text(name, Code::FileRead, message, sources);
        }
        let text = match String::from_utf8(content) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let id = sources.add(name, text);
                let item = Item::new(ItemKind::ValueFor, "");
                let error = Diagnostic::new(Code::YamlParse, item, "this is not UTF-8 text")
                    .at(Span { file: id, range: at..at });
                return Self { id, documents: Vec::new(), error: Some(error) };
            }
        };
        let (documents, error) = yaml::documents(&text);
        let id = sources.add(name, text);
        let error = error.map(|yaml::YamlError { range, message }| {
            let item = Item::new(ItemKind::ValueFor, "");
            Diagnostic::new(Code::YamlParse, item, message).at(Span { file: id, range })
        });
        Self { id, documents, error }
    }

    pub(super) fn unreadable(name: String, error: &dyn Display, sources: &mut Sources) -> Self {
        let message = format!("the file cannot be read: {error}");
        Self::without_text(name, Code::FileRead, message, sources)
    }

    fn without_text(name: String, code: Code, message: String, sources: &mut Sources) -> Self {
        let id = sources.add(name, String::new());
        let error = Diagnostic::new(code, Item::new(ItemKind::RulesContent, ""), message)
            .at(Span { file: id, range: 0..0 });
        Self { id, documents: Vec::new(), error: Some(error) }
    }
}

/// What all files give.
pub(super) struct Loaded {
    pub(super) rules: Vec<Rule>,
    pub(super) collection: Collection,
    pub(super) unused: Unused,
    /// All problems, each once.
    pub(super) found: Vec<Diagnostic>,
    /// What Falco says of each file.
    pub(super) results: Vec<FileResult>,
}

/// Loads files in order.
pub(super) fn load(
    schema: &Schema,
    sources: &Sources,
    files: &[File],
    strict_falco: bool,
) -> Loaded {
    let run = |extent| Run { schema, sources, strict_falco, extent }.files(files);
    let Outcome { rules, unused, collection, by_file } = run(Extent::Everything);
    let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
    let results = match by_file.iter().flatten().find(is_error) {
        Some(_) => run(Extent::FirstError).by_file,
        None => by_file.clone(),
    };
    let results = files.iter().zip(results).map(|(file, mut found)| {
        found.retain(|diagnostic| diagnostic.code.is_falcos());
        FileResult { file: file.id, found }
    });
    Loaded { rules, collection, unused, results: results.collect(), found: merge(by_file) }
}

/// All problems of all files, without what repeats or follows from something else.
fn merge(mut by_file: Vec<Vec<Diagnostic>>) -> Vec<Diagnostic> {
    // What one file leaves unused a later one may use: the last one knows.
    let is_unused = |d: &Diagnostic| matches!(d.code, Code::UnusedMacro | Code::UnusedList);
    if let Some((_, earlier)) = by_file.split_last_mut() {
        earlier.iter_mut().for_each(|found| found.retain(|d| !is_unused(d)));
    }
    let mut found: Vec<_> = by_file.into_iter().flatten().collect();
    // In a file with errors something may only seem to be unused.
    let has_errors: HashSet<_> = found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .filter_map(|d| d.span.as_ref().map(|span| span.file))
        .collect();
    // A problem of a macro is found again by each rule that names it, and one of a file with each
    // file behind it.
    let mut seen = HashSet::new();
    found.retain(|d| {
        let Some(span) = &d.span else { return true };
        !(is_unused(d) && has_errors.contains(&span.file))
            && seen.insert((d.code, span.clone(), d.message.clone()))
    });
    found
}

/// One way through all files.
struct Run<'a> {
    schema: &'a Schema,
    sources: &'a Sources,
    strict_falco: bool,
    extent: Extent,
}

struct Outcome {
    rules: Vec<Rule>,
    unused: Unused,
    collection: Collection,
    by_file: Vec<Vec<Diagnostic>>,
}

impl Run<'_> {
    fn files(&self, files: &[File]) -> Outcome {
        let mut collection = Collection::default();
        let mut broken = HashSet::new();
        let (mut rules, mut unused) = (Vec::new(), Unused::default());
        let mut by_file = Vec::new();
        let mut kept = Kept::default();
        for (at, file) in (1..).zip(files) {
            let mut problems = Problems::new(self.extent);
            self.collect(file, &mut collection, &mut problems);
            if self.extent == Extent::Everything {
                note_broken(&problems, &mut collection, &mut broken);
            }
            if !problems.is_over() {
                kept.is_wanted = at < files.len();
                let compiled =
                    compile::compile(self.schema, &collection, &broken, &mut kept, &mut problems);
                (rules, unused) = (compiled.rules, compiled.unused);
            }
            by_file.push(problems.into_found());
        }
        Outcome { rules, unused, collection, by_file }
    }

    /// Puts a file's items to what is there.
    fn collect(&self, file: &File, collection: &mut Collection, problems: &mut Problems) {
        // Falco reads all of a file before it looks at an item.
        if self.extent == Extent::FirstError {
            problems.extend(file.error.clone());
        }
        for document in &file.documents {
            let mut found = Vec::new();
            let mut reader = Reader {
                file: file.id,
                source: self.sources.text(file.id),
                strict_falco: self.strict_falco,
                found: &mut found,
            };
            let items = match reader.items(document) {
                Ok(items) => items,
                Err(error) => {
                    problems.push(*error);
                    continue;
                }
            };
            for node in items.iter().filter(|node| !node.is_null()) {
                if problems.is_over() {
                    return;
                }
                let read = reader.item(node);
                problems.extend(reader.found.drain(..));
                let added = read.and_then(|read| match read {
                    Some(Read { entry, then }) => {
                        collection.add(entry, self.schema, problems).map(|()| then)
                    }
                    None => Ok(Vec::new()),
                });
                match added {
                    Ok(then) => problems.extend(then),
                    Err(error) => problems.push(*error),
                }
            }
        }
        if self.extent == Extent::Everything {
            problems.extend(file.error.clone());
        }
    }
}

/// What is defined with an error is there all the same, so that what names it has no error for
/// that.
fn note_broken(problems: &Problems, collection: &mut Collection, broken: &mut HashSet<String>) {
    for error in problems.iter().filter(|d| d.severity == Severity::Error) {
        match (error.item.kind, &error.span) {
            (ItemKind::Macro, _) => {
                broken.insert(error.item.name.clone());
            }
            (ItemKind::List, Some(span)) => {
                collection.stand_in_list(&error.item.name, span.clone());
            }
            _ => {}
        }
    }
}

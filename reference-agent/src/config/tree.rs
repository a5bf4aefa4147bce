//! A configuration as it was written: YAML as a tree in which each value knows where it stands.
//!
//! Scalars stay text until a type asks for them, so that `version: 1.10` is the text `1.10` where
//! text is wanted. That, and that a value of the command line can be put over one of the file with
//! both places kept, is why this is not read by a serde YAML crate: those decide a scalar's type
//! first, and stop at the first problem.

use std::fmt;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// How deep collections may nest; the configuration needs six levels.
const MAX_DEPTH: usize = 32;

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file, with line and column, both from 1.
    File { name: Arc<str>, line: usize, column: usize },
    /// On the command line.
    CommandLine,
}

impl fmt::Display for Place {
    /// What a message begins with, in the form that editors jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}: "),
            Self::CommandLine => f.write_str("-o "),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// `plain`: without quotes, so that `true` is no text and `null` is nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// A value of which a problem was told: it is passed over from then on.
    Struck,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the whole configuration to a value, as it is typed after `-o`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    for c in key.chars() {
                        if matches!(c, '.' | '[' | '\\' | '=') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{c}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `None` where it concerns the whole, and no file.
    pub(crate) place: Option<Place>,
    /// The key or value that it is about; empty for the whole.
    pub(crate) path: Path,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}")?;
        }
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl Node {
    /// A tree with nothing in it.
    pub(crate) fn empty(place: Place) -> Self {
        Self { place, data: Data::Map(Vec::new()) }
    }

    /// Reads one YAML document. What can be read in spite of a problem is in the tree.
    ///
    /// # Errors
    ///
    /// The text is no YAML, or more than one document, or nests too deep, or has aliases.
    pub(crate) fn read(
        text: &str,
        place: &dyn Fn(usize, usize) -> Place,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, Problem> {
        let mut builder = Builder { place, problems, root: None, open: Vec::new() };
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            match next {
                Ok((Event::StreamEnd, _)) => break,
                Ok((event, span)) => builder.add(event, span)?,
                Err(error) => {
                    let mark = error.marker();
                    let place = Some(place(mark.line(), mark.col() + 1));
                    let message = format!("this is not YAML: {}", error.info());
                    return Err(Problem { place, path: Path::default(), message });
                }
            }
        }
        Ok(builder.root.unwrap_or_else(|| Self::empty(place(1, 1))))
    }

    /// Whether this is YAML's null, or nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        match &self.data {
            Data::Scalar { text, plain: true } => {
                matches!(&**text, "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The value at the end of a way.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match (&node.data, step) {
            (Data::List(items), Step::Index(index)) => items.get(*index),
            (Data::Map(entries), Step::Key(key)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.value)
            }
            _ => None,
        })
    }

    /// Passes over a value from now on. Whether there was one.
    pub(crate) fn strike(&mut self, path: &[Step]) -> bool {
        let mut node = self;
        for step in path {
            let next = match (&mut node.data, step) {
                (Data::List(items), Step::Index(index)) => items.get_mut(*index),
                (Data::Map(entries), Step::Key(key)) => {
                    entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.value)
                }
                _ => None,
            };
            let Some(next) = next else { return false };
            node = next;
        }
        !matches!(std::mem::replace(&mut node.data, Data::Struck), Data::Struck)
    }

    /// Whether something directly inside was passed over.
    pub(crate) fn lacks_a_part(&self) -> bool {
        let is_struck = |node: &Self| matches!(node.data, Data::Struck);
        match &self.data {
            Data::List(items) => items.iter().any(is_struck),
            Data::Map(entries) => entries.iter().any(|entry| is_struck(&entry.value)),
            Data::Scalar { .. } | Data::Struck => false,
        }
    }

    /// What this is, for a message that says what it should be.
    pub(crate) fn describe(&self) -> String {
        match &self.data {
            _ if self.is_null() => "nothing".to_owned(),
            Data::Scalar { text, plain: true } => text.clone(),
            Data::Scalar { text, plain: false } => format!("the text {text:?}"),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
            Data::Struck => "a value with a problem".to_owned(),
        }
    }
}

struct Builder<'a> {
    place: &'a dyn Fn(usize, usize) -> Place,
    problems: &'a mut Vec<Problem>,
    root: Option<Node>,
    /// The collections that are not closed yet.
    open: Vec<Open>,
}

struct Open {
    node: Node,
    /// In a mapping, the key whose value comes next.
    key: Option<(String, Place)>,
}

impl Builder<'_> {
    fn add(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let place = (self.place)(span.start.line(), span.start.col() + 1);
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                self.finish(Node { place, data: Data::Scalar { text: text.into_owned(), plain } })
            }
            Event::SequenceStart(..) => self.open(Node { place, data: Data::List(Vec::new()) }),
            Event::MappingStart(..) => self.open(Node { place, data: Data::Map(Vec::new()) }),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, .. }) => self.finish(node),
                None => Ok(()),
            },
            Event::Alias(_) => {
                Err(problem(place, "aliases (*name) are not read; write the value out"))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, node: Node) -> Result<(), Problem> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("values nest more than {MAX_DEPTH} levels deep");
            return Err(problem(node.place, message));
        }
        self.open.push(Open { node, key: None });
        Ok(())
    }

    /// Puts a whole value where it belongs.
    fn finish(&mut self, node: Node) -> Result<(), Problem> {
        let Some(Open { node: around, key }) = self.open.last_mut() else {
            if self.root.is_some() {
                let message = "a second document begins here; a configuration is one";
                return Err(problem(node.place, message));
            }
            self.root = Some(node);
            return Ok(());
        };
        match &mut around.data {
            Data::List(items) => items.push(node),
            Data::Map(entries) => match key.take() {
                Some((key, place)) => match entries.iter().find(|entry| entry.key == key) {
                    None => entries.push(Entry { key, place, value: node }),
                    Some(first) => {
                        let first = match &first.place {
                            Place::File { line, .. } => format!(", first in line {line}"),
                            Place::CommandLine => String::new(),
                        };
                        self.problems.push(Problem {
                            place: Some(place),
                            path: Path(vec![Step::Key(key)]),
                            message: format!("this key is given twice{first}; keep one"),
                        });
                    }
                },
                None => match node.data {
                    Data::Scalar { text, .. } => *key = Some((text, node.place)),
                    _ => return Err(problem(node.place, "a key is text, no list or mapping")),
                },
            },
            Data::Scalar { .. } | Data::Struck => {}
        }
        Ok(())
    }
}

fn problem(place: Place, message: impl Into<String>) -> Problem {
    Problem { place: Some(place), path: Path::default(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Result<Node, String>, Vec<String>) {
        let place = |line, column| Place::File { name: "f".into(), line, column };
        let mut problems = Vec::new();
        let node = Node::read(text, &place, &mut problems).map_err(|problem| problem.to_string());
        (node, problems.iter().map(ToString::to_string).collect())
    }

    fn path(text: &str) -> Vec<Step> {
        text.split('.')
            .map(|step| step.parse().map_or_else(|_| Step::Key(step.into()), Step::Index))
            .collect()
    }

    #[test]
    fn values_know_where_they_stand() {
        let node = read("a: 1\nb:\n  - x\n  - {c: 'true'}\n").0.unwrap();
        let at = |way: &str| {
            let node = node.at(&path(way)).unwrap();
            format!("{}{}", node.place, node.describe())
        };
        assert_eq!(at("a"), "f:1:4: 1");
        assert_eq!(at("b.0"), "f:3:5: x");
        assert_eq!(at("b.1.c"), "f:4:9: the text \"true\"");
        assert!(node.at(&path("b.2")).is_none());
        assert!(node.at(&path("a.c")).is_none());
    }

    #[test]
    fn what_is_struck_is_struck_once() {
        let mut node = read("a: {b: 1}").0.unwrap();
        assert!(node.strike(&path("a.b")));
        assert!(!node.strike(&path("a.b")));
        assert!(!node.strike(&path("a.c")));
    }

    #[test]
    fn what_is_no_single_tree_is_refused() {
        for (text, message) in [
            ("a: [", "this is not YAML"),
            ("a: &x 1\nb: *x", "f:2:4: aliases (*name) are not read"),
            ("a: 1\n---\nb: 2", "f:3:1: a second document"),
            ("[a]: 1", "f:1:1: a key is text"),
            (&"[".repeat(40), "f:1:33: values nest more than 32 levels"),
            (&"[".repeat(100_000), "this is not YAML"),
        ] {
            let error = read(text).0.unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(
            read("a: 1\nb: 2\na: 3").1,
            ["f:3:1: a: this key is given twice, first in line 1; keep one"]
        );
    }

    #[test]
    fn nothing_is_a_configuration() {
        for text in ["", "# only words\n", "---\n"] {
            assert!(read(text).0.is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_way_is_written_as_it_is_typed() {
        let way = Path(vec![Step::Key("a".into()), Step::Index(0), Step::Key("k8s.io/x".into())]);
        assert_eq!(way.to_string(), r"a[0].k8s\.io/x");
    }
}

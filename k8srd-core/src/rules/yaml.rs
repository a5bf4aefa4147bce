//! YAML as a tree with spans, in bounded memory: no aliases, little nesting.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// How deep collections may nest; rules need five levels.
const MAX_DEPTH: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Scalar { text: String, style: ScalarStyle },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// What keeps a text from being read further.
#[derive(Clone, Debug)]
pub(super) struct YamlError {
    pub(super) range: Range<usize>,
    pub(super) message: String,
}

/// Reads all documents up to the first error.
pub(super) fn documents(text: &str) -> (Vec<Node>, Option<YamlError>) {
    let offsets = Offsets::new(text);
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let result = match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                let range = offsets.byte(span.start.index())..offsets.byte(span.end.index());
                builder.add(event, range)
            }
            Err(error) => Err(offsets.error(&error)),
        };
        if let Err(error) = result {
            return (builder.documents, Some(error));
        }
    }
    (builder.documents, None)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    /// The collections that are not closed yet.
    open: Vec<Open>,
}

struct Open {
    node: Node,
    /// In a mapping, the key whose value comes next.
    key: Option<Node>,
}

impl Builder {
    fn add(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, ..) => {
                let data = Data::Scalar { text: text.into_owned(), style };
                self.finish(Node { range, data });
            }
            Event::SequenceStart(..) => self.open(range, Data::Sequence(Vec::new()))?,
            Event::MappingStart(..) => self.open(range, Data::Mapping(Vec::new()))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, .. }) = self.open.pop() {
                    node.range.end = node.range.end.max(range.start);
                    self.finish(node);
                }
            }
            Event::Alias(_) => {
                let message = "aliases (*name) are not read; write the value out".to_owned();
                return Err(YamlError { range, message });
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, range: Range<usize>, data: Data) -> Result<(), YamlError> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("values nest more than {MAX_DEPTH} levels deep");
            return Err(YamlError { range, message });
        }
        self.open.push(Open { node: Node { range, data }, key: None });
        Ok(())
    }

    /// Puts a whole value where it belongs.
    fn finish(&mut self, node: Node) {
        let Some(Open { node: around, key }) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        match &mut around.data {
            Data::Sequence(nodes) => nodes.push(node),
            Data::Mapping(entries) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(node),
            },
            Data::Scalar { .. } => {}
        }
    }
}

impl Node {
    /// The text of a scalar.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_sequence(&self) -> Option<&[Node]> {
        match &self.data {
            Data::Sequence(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// Whether this is YAML's null, or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        match &self.data {
            Data::Scalar { text, style: ScalarStyle::Plain } => {
                matches!(&**text, "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }
}

/// The byte offset of each character, for texts where that is not its number.
struct Offsets {
    length: usize,
    bytes: Option<Vec<usize>>,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { length: text.len(), bytes }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.length),
            None => character.min(self.length),
        }
    }

    fn error(&self, error: &ScanError) -> YamlError {
        let at = self.byte(error.marker().index());
        YamlError { range: at..at, message: format!("this is not YAML: {}", error.info()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        match &node.data {
            Data::Scalar { text, .. } => text.clone(),
            Data::Sequence(nodes) => {
                format!("[{}]", nodes.iter().map(show).collect::<Vec<_>>().join(","))
            }
            Data::Mapping(entries) => {
                let entries = entries.iter().map(|(key, value)| show(key) + ":" + &show(value));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn builds_the_tree_with_spans_in_bytes() {
        let text = "- é: [a, 'b']\n  c: x\n---\n- d\n";
        let (documents, error) = documents(text);
        assert!(error.is_none());
        assert_eq!(documents.iter().map(show).collect::<Vec<_>>(), ["[{é:[a,b],c:x}]", "[d]"]);
        let [Node { data: Data::Mapping(entries), .. }] = documents[0].as_sequence().unwrap()
        else {
            panic!("no mapping")
        };
        assert_eq!(&text[entries[1].1.range.clone()], "x");
        assert_eq!(&text[entries[0].0.range.clone()], "é");
    }

    #[test]
    fn null_is_told_from_text() {
        let (documents, _) = documents("[~, null, '', 'null', x]");
        let nulls: Vec<_> = documents[0].as_sequence().unwrap().iter().map(Node::is_null).collect();
        assert_eq!(nulls, [true, true, false, false, false]);
    }

    #[test]
    fn bombs_are_refused() {
        let laughs = "a: &a [x, x]\nb: [*a, *a]\n";
        assert!(documents(laughs).1.unwrap().message.contains("aliases"));
        for open in ["[", "{a: ", "- ", "? "] {
            let (_, error) = documents(&open.repeat(100_000));
            assert!(error.is_some(), "{open}");
        }
    }

    #[test]
    fn errors_have_a_place() {
        let text = "- é: x\n- b: c: d\n";
        let error = documents(text).1.unwrap();
        assert!(text[..error.range.start].contains("- b"), "{error:?}");
    }
}

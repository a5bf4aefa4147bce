//! YAML as a tree with spans, in bounded memory: little nesting, and few values that aliases copy.
//!
//! The scanner's time grows with the text and no faster. Measured (2026-11-25, two shared cores):
//! rules, lists, scalars of each style, comments, flow maps, anchors, many documents, each at
//! 0.2 to 6 MB in four steps: 5 to 20 MB/s for small tokens, whatever the size, 100 MB/s and more
//! within long scalars. So a file is limited in its size only, and is not cut into pieces.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// How deep collections may nest; rules need five levels.
const MAX_DEPTH: usize = 64;
/// How many values aliases may copy in a file. What an anchor names is kept, so it counts too.
const MAX_COPIED: usize = 1_000_000;
/// How many bytes of text that may be.
const MAX_COPIED_TEXT: usize = 32 << 20;

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
    /// What anchors name in this document.
    anchors: HashMap<usize, Node>,
    copied: usize,
    copied_text: usize,
}

struct Open {
    node: Node,
    /// Its anchor; 0 where it has none.
    anchor: usize,
    /// In a mapping, the key whose value comes next.
    key: Option<Node>,
}

impl Builder {
    fn add(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, _) => {
                let data = Data::Scalar { text: text.into_owned(), style };
                self.end(Node { range, data }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => {
                self.open(range, Data::Sequence(Vec::new()), anchor)?;
            }
            Event::MappingStart(anchor, _) => {
                self.open(range, Data::Mapping(Vec::new()), anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, anchor, .. }) = self.open.pop() {
                    node.range.end = node.range.end.max(range.start);
                    self.end(node, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.remove(&anchor) else {
                    let message = "an alias cannot stand within what it names".to_owned();
                    return Err(YamlError { range, message });
                };
                let copy = self.copy(&node, &range)?;
                self.anchors.insert(anchor, node);
                self.finish(copy);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, range: Range<usize>, data: Data, anchor: usize) -> Result<(), YamlError> {
        self.check_depth(1, &range)?;
        self.open.push(Open { node: Node { range, data }, anchor, key: None });
        Ok(())
    }

    /// That as many levels fit below those that are open.
    fn check_depth(&self, levels: usize, range: &Range<usize>) -> Result<(), YamlError> {
        if self.open.len() + levels <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("values nest more than {MAX_DEPTH} levels deep");
        Err(YamlError { range: range.clone(), message })
    }

    /// Ends a value, and keeps it if an anchor names it.
    fn end(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor > 0 {
            let kept = self.copy(&node, &node.range)?;
            self.anchors.insert(anchor, kept);
        }
        self.finish(node);
        Ok(())
    }

    /// A copy of a value, if there is room for it. It stands where the value does.
    fn copy(&mut self, node: &Node, range: &Range<usize>) -> Result<Node, YamlError> {
        let Extent { depth, nodes, text } = node.extent();
        self.check_depth(depth, range)?;
        self.copied += nodes;
        self.copied_text += text;
        if self.copied > MAX_COPIED || self.copied_text > MAX_COPIED_TEXT {
            let message = format!(
                "anchors and aliases make more than {MAX_COPIED} values or {MAX_COPIED_TEXT} bytes"
            );
            return Err(YamlError { range: range.clone(), message });
        }
        Ok(node.clone())
    }

    /// Puts a whole value where it belongs.
    fn finish(&mut self, node: Node) {
        let Some(Open { node: around, key, .. }) = self.open.last_mut() else {
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

/// How large a value is.
#[derive(Default)]
struct Extent {
    /// The levels of collections.
    depth: usize,
    nodes: usize,
    text: usize,
}

impl Node {
    fn extent(&self) -> Extent {
        let join = |nodes: &mut dyn Iterator<Item = &Self>| {
            let inner = nodes.map(Self::extent).fold(Extent::default(), |all, one| Extent {
                depth: all.depth.max(one.depth),
                nodes: all.nodes + one.nodes,
                text: all.text + one.text,
            });
            Extent { depth: inner.depth + 1, nodes: inner.nodes + 1, ..inner }
        };
        match &self.data {
            Data::Scalar { text, .. } => Extent { depth: 0, nodes: 1, text: text.len() },
            Data::Sequence(nodes) => join(&mut nodes.iter()),
            Data::Mapping(entries) => {
                join(&mut entries.iter().flat_map(|(key, value)| [key, value]))
            }
        }
    }

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

    pub(super) fn as_mapping(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry with this key in a mapping; the first, where it is there twice.
    pub(super) fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.as_mapping()?.iter().find(|(own, _)| own.as_text() == Some(key))
    }

    /// The value of a key in a mapping; of the first, where it is there twice.
    pub(super) fn value(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
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
    fn aliases_stand_for_what_they_name() {
        let text = "- &a [x, &b y]\n- *a\n- {k: *b}\n--- [&a z, *a]\n";
        let (documents, error) = documents(text);
        assert!(error.is_none(), "{error:?}");
        let shown: Vec<_> = documents.iter().map(show).collect();
        assert_eq!(shown, ["[[x,y],[x,y],{k:y}]", "[z,z]"]);
        for text in ["- *a\n", "- &a [*a]\n", "- &a x\n--- *a\n"] {
            assert!(super::documents(text).1.is_some(), "{text}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        use std::fmt::Write as _;

        let mut laughs = "- &a0 [x, x]\n".to_owned();
        for i in 1..64 {
            writeln!(laughs, "- &a{i} [*a{0}, *a{0}]", i - 1).unwrap();
        }
        assert!(documents(&laughs).1.unwrap().message.contains("aliases"));
        let deep = "[".repeat(40) + "&a " + &"[".repeat(20) + &"]".repeat(60) + "\n";
        let deeper = format!("- {deep}- [[[[[{}*a]]]]]{}\n", "[".repeat(40), "]".repeat(40));
        assert!(documents(&deeper).1.unwrap().message.contains("deep"));
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

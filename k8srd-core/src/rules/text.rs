//! Text that knows where each of its bytes was written.
//!
//! A condition is put together from YAML scalars, appended ones and lists, and only then parsed;
//! a problem is still shown where the author wrote it.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::diagnostic::{Code, Diagnostic, FileId, Item, ItemKind, Span};
use super::yaml::{Data, Node};

/// A run of bytes and where they were written.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where it begins in the text.
    at: u32,
    file: FileId,
    /// Where it was written.
    start: u32,
    /// 0 where each byte stands for one that was written; else all bytes stand for this many.
    length: u32,
}

impl Run {
    /// Where the byte at `at`, which is in this run, was written, and how many bytes it stands
    /// for.
    fn origin(&self, at: u32) -> (u32, u32) {
        match self.length {
            0 => (self.start.saturating_add(at.saturating_sub(self.at)), 1),
            length => (self.start, length),
        }
    }

    /// The rest of it from `at` on, as part of a text that begins there.
    fn from(self, at: u32) -> Self {
        let (start, _) = self.origin(self.at.max(at));
        Self { at: self.at.saturating_sub(at), start, ..self }
    }

    /// Whether `next` only goes on with it.
    fn goes_on_in(&self, next: &Self) -> bool {
        self.file == next.file
            && self.length == next.length
            && match self.length {
                0 => self.origin(next.at).0 == next.start,
                _ => self.start == next.start,
            }
    }
}

/// A text with the origin of each byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    text: String,
    /// In the order of the text; the first begins at 0 unless the text is empty.
    runs: Vec<Run>,
}

impl Text {
    /// The text of a scalar, without blanks at its ends; `None` for other nodes.
    pub(super) fn of_scalar(node: &Node, file: FileId, source: &str) -> Option<Self> {
        let Data::Scalar { text, style } = &node.data else { return None };
        let mut reader = Reader { rest: source.get(node.range.clone())?, style: *style };
        reader.skip_indicator();
        let mut this = Self::default();
        let end = node.range.end;
        for c in text.chars() {
            let start = end - reader.skip_to(c).min(end);
            let written = reader.take(c);
            let length = if written == c.len_utf8() { 0 } else { small(written) };
            this.add(Run { at: small(this.text.len()), file, start: small(start), length });
            this.text.push(c);
        }
        let trimmed = text.trim_matches(is_blank);
        let leading = text.len() - text.trim_start_matches(is_blank).len();
        Some(this.part(leading..leading + trimmed.len()))
    }

    /// Text that stands for what is written at `span`.
    pub(super) fn standing_for(text: &str, span: &Span) -> Self {
        let Span { file, range } = span;
        let length = small(range.len()).max(1);
        let mut this = Self::default();
        if !text.is_empty() {
            this.add(Run { at: 0, file: *file, start: small(range.start), length });
        }
        text.clone_into(&mut this.text);
        this
    }

    fn add(&mut self, run: Run) {
        if !self.runs.last().is_some_and(|last| last.goes_on_in(&run)) {
            self.runs.push(run);
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The part at `range`; empty if there is none.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let Some(text) = self.text.get(range.clone()).filter(|text| !text.is_empty()) else {
            return Self::default();
        };
        let (start, end) = (small(range.start), small(range.end));
        let from = self.runs.partition_point(|run| run.at <= start).saturating_sub(1);
        let runs = self.runs.get(from..).unwrap_or(&[]).iter();
        let runs = runs.take_while(|run| run.at < end).map(|run| run.from(start));
        Self { text: text.to_owned(), runs: runs.collect() }
    }

    /// Adds `other` at the end.
    pub(super) fn push(&mut self, other: &Self) {
        let at = small(self.text.len());
        for run in &other.runs {
            self.add(Run { at: run.at.saturating_add(at), ..*run });
        }
        self.text.push_str(&other.text);
    }

    /// Adds what was not written anywhere: blanks and parentheses.
    pub(super) fn push_str(&mut self, glue: &str, near: &Span) {
        self.push(&Self::standing_for(glue, near));
    }

    /// Adds `other` behind a blank.
    pub(super) fn append(&mut self, other: &Self) {
        let first = other.origin(0).or_else(|| self.origin(self.text.len().checked_sub(1)?));
        let Some((file, start, length)) = first else { return };
        let range = start as usize..(start + length) as usize;
        self.push_str(" ", &Span { file, range });
        self.push(other);
    }

    /// The file, place and length of what the byte at `at` stands for.
    fn origin(&self, at: usize) -> Option<(FileId, u32, u32)> {
        if at >= self.text.len() {
            return None;
        }
        let at = small(at);
        let behind = self.runs.partition_point(|run| run.at <= at);
        let run = self.runs.get(behind.checked_sub(1)?)?;
        let (start, length) = run.origin(at);
        Some((run.file, start, length))
    }

    /// A problem of the part at `range` of a condition.
    pub(super) fn error(
        &self,
        code: Code,
        message: impl Into<String>,
        range: &Range<usize>,
    ) -> Diagnostic {
        let item = Item::new(ItemKind::ConditionExpression, "");
        let error = Diagnostic::new(code, item, message);
        match self.span(range) {
            Some(span) => error.at(span),
            None => error,
        }
    }

    /// Where the part at `range` was written; for an empty range, where it would be.
    pub(super) fn span(&self, range: &Range<usize>) -> Option<Span> {
        let Some((file, start, length)) = self.origin(range.start) else {
            let (file, start, length) = self.origin(self.text.len().checked_sub(1)?)?;
            let end = (start + length) as usize;
            return Some(Span { file, range: end..end });
        };
        let last = range.end.checked_sub(1).and_then(|last| self.origin(last));
        let end = match last {
            Some((of, last, length)) if of == file && last >= start => last + length,
            _ => start + length,
        };
        Some(Span { file, range: start as usize..end as usize })
    }
}

/// Follows a scalar's text through its source, which has line breaks, indentation and escapes
/// that the text has not.
struct Reader<'s> {
    rest: &'s str,
    style: ScalarStyle,
}

impl Reader<'_> {
    /// Passes the quote, or the line with `|` or `>`.
    fn skip_indicator(&mut self) {
        let skipped = match self.style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                usize::from(self.rest.starts_with(['"', '\'']))
            }
            ScalarStyle::Literal | ScalarStyle::Folded if self.rest.starts_with(['|', '>']) => {
                self.rest.find('\n').map_or(self.rest.len(), |newline| newline + 1)
            }
            _ => 0,
        };
        self.skip(skipped);
    }

    /// Passes what does not count before `c`; says how many bytes are left.
    fn skip_to(&mut self, c: char) -> usize {
        if !is_blank(c) {
            let trimmed = self.rest.trim_start_matches(is_blank);
            if trimmed.starts_with(c) || self.style == ScalarStyle::DoubleQuoted {
                self.rest = trimmed;
            }
        }
        self.rest.len()
    }

    /// Passes `c` as it is written; says how many bytes that takes.
    fn take(&mut self, c: char) -> usize {
        let length = match self.style {
            ScalarStyle::DoubleQuoted if self.rest.starts_with('\\') => {
                match self.rest.as_bytes().get(1) {
                    Some(b'x') => 4,
                    Some(b'u') => 6,
                    Some(b'U') => 10,
                    _ => 2,
                }
            }
            ScalarStyle::SingleQuoted if self.rest.starts_with("''") => 2,
            _ if self.rest.starts_with(c) => c.len_utf8(),
            _ => return 1,
        };
        self.skip(length);
        length
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }
}

/// Offsets beyond 4 GiB point to the end; no such file is read.
fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::super::yaml::documents;
    use super::*;

    /// Each word of the first scalar's text must be found where the source has `written` of it.
    #[track_caller]
    fn check(source: &str, expected: &str, words: &[(&str, &str)]) {
        let (nodes, _) = documents(source);
        let Data::Mapping(entries) = &nodes[0].data else { panic!("{source}") };
        let text = Text::of_scalar(&entries[0].1, FileId(0), source).unwrap();
        assert_eq!(text.as_str(), expected);
        for (word, written) in words {
            let at = text.as_str().find(word).expect(word);
            let span = text.span(&(at..at + word.len())).unwrap();
            assert_eq!(&source[span.range], *written, "{word} of {source:?}");
        }
    }

    #[test]
    fn every_style_of_scalar_leads_back_to_its_source() {
        check("c: a and b", "a and b", &[("a", "a"), ("and", "and"), ("b", "b")]);
        check("c: a\n   or b", "a or b", &[("or", "or"), ("b", "b")]);
        check("c: >\n  a and\n  bé or\n\n  d\n", "a and bé or\nd", &[("bé", "bé"), ("d", "d")]);
        check("c: |-\n  a\n    x\n  y\n", "a\n  x\ny", &[("x", "x"), ("y", "y")]);
        check(r#"c: "a \"q\" \x41 z""#, r#"a "q" A z"#, &[("q", "q"), ("A", r"\x41"), ("z", "z")]);
        check("c: 'it''s z'", "it's z", &[("'", "''"), ("z", "z")]);
        check("c: >\n\n   a z \n", "a z", &[("a", "a"), ("z", "z")]);
    }

    #[test]
    fn what_is_appended_or_stands_for_something_leads_there() {
        let source = "c: a or ";
        let (nodes, _) = documents(source);
        let Data::Mapping(entries) = &nodes[0].data else { panic!("no mapping") };
        let mut text = Text::of_scalar(&entries[0].1, FileId(0), source).unwrap();
        let list = Span { file: FileId(1), range: 10..14 };
        text.append(&Text::standing_for("x, y", &list));
        assert_eq!(text.as_str(), "a or x, y");
        assert_eq!(text.span(&(8..9)), Some(list.clone()));
        assert_eq!(text.span(&(0..9)), Some(Span { file: FileId(0), range: 3..4 }));
        assert_eq!(text.span(&(9..9)), Some(Span { file: FileId(1), range: 14..14 }));
        assert_eq!(Text::default().span(&(0..0)), None);
    }
}

//! Lists are put into conditions as text, before anything is parsed: Falco's contract
//! (`userspace/engine/rule_loader_compiler.cpp` of falcosecurity/falco), quoted strings included.

use super::text::Text;

/// How long a condition may get, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;

const BLANKS: &[u8] = b" \t\n\r";
const DELIMITERS: &[u8] = b" \t\n\r(),=";

/// A list to put into conditions: items that are names of lists are resolved.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) name: String,
    /// The items joined, those with blanks in quotes.
    text: String,
}

/// A condition is longer than [`MAX_TEXT`] with its lists put in.
#[derive(Debug)]
pub(super) struct TooLong;

/// The parts of a text that may be names of lists.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_delimiter).filter(|word| !word.is_empty())
}

/// Whether conditions can hold this name of a list as one word.
pub(super) fn is_word(name: &str) -> bool {
    !name.contains(is_delimiter)
}

fn is_delimiter(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| DELIMITERS.contains(&byte))
}

impl List {
    /// What stands for the list in conditions.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn new(name: &str, items: &[&str]) -> Self {
        let quoted: Vec<_> = items.iter().map(|item| quote(item)).collect();
        Self { name: name.to_owned(), text: quoted.join(", ") }
    }

    /// Puts the list wherever its name stands between delimiters; `None` if it does nowhere.
    ///
    /// An empty list takes a comma beside it away.
    pub(super) fn put_into(&self, condition: &Text) -> Result<Option<Text>, TooLong> {
        let text = condition.as_str();
        let bytes = text.as_bytes();
        let byte_in = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|byte| set.contains(byte));
        let mut out: Option<Text> = None;
        let mut copied = 0;
        for at in memchr::memmem::find_iter(bytes, self.name.as_bytes()) {
            let (mut start, mut end) = (at, at + self.name.len());
            let whole = (start == 0 || byte_in(start - 1, DELIMITERS))
                && (end == bytes.len() || byte_in(end, DELIMITERS));
            if self.name.is_empty() || start < copied || !whole {
                continue;
            }
            let Some(span) = condition.span(&(start..end)) else { continue };
            let out = out.get_or_insert_default();
            while start > copied && byte_in(start - 1, BLANKS) {
                start -= 1;
            }
            while byte_in(end, BLANKS) {
                end += 1;
            }
            if self.text.is_empty() {
                if start > copied && byte_in(start - 1, b",") {
                    start -= 1;
                } else if byte_in(end, b",") {
                    end += 1;
                }
            }
            out.push(&condition.part(copied..start));
            if start > 0 {
                out.push_str(" ", &span);
            }
            out.push_str(&self.text, &span);
            out.push_str(" ", &span);
            copied = end;
            if out.as_str().len() > MAX_TEXT {
                return Err(TooLong);
            }
        }
        if let Some(out) = &mut out {
            out.push(&condition.part(copied..bytes.len()));
        }
        Ok(out)
    }
}

/// An item as it stands in a condition.
pub(super) fn quote(item: &str) -> String {
    if item.contains(' ') && !item.starts_with(['"', '\'']) {
        format!("\"{item}\"")
    } else {
        item.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::{FileId, Span};
    use super::*;

    #[track_caller]
    fn check(items: &[&str], condition: &str, expected: Option<&str>) {
        let span = Span { file: FileId(0), range: 0..condition.len() };
        let text = Text::standing_for(condition, &span);
        let put = List::new("names", items).put_into(&text).unwrap();
        assert_eq!(put.as_ref().map(Text::as_str), expected, "{condition}");
    }

    #[test]
    fn names_between_delimiters_are_replaced() {
        check(&["a", "b c"], "x in (names)", Some("x in ( a, \"b c\" )"));
        check(&["a"], "x in (names, d, names)", Some("x in ( a , d, a )"));
        check(&["a"], "x=names", Some("x= a "));
        check(&["'a b'"], "x in (  names\n)", Some("x in ( 'a b' )"));
        check(&["a"], "x in (mynames, names2, names-x) or names.y exists", None);
        check(&["names"], "x in (names)", Some("x in ( names )"));
        check(&["a"], "x = \"the names are\"", Some("x = \"the a are\""));
    }

    #[test]
    fn an_empty_list_takes_its_comma_away() {
        check(&[], "x in (names)", Some("x in (  )"));
        check(&[], "x in (a, names)", Some("x in (a  )"));
        check(&[], "x in (names, a)", Some("x in (   a)"));
    }

    #[test]
    fn growth_is_bounded() {
        let span = Span { file: FileId(0), range: 0..1 };
        let text = Text::standing_for(&"names ".repeat(2000), &span);
        let long = vec!["x"; 1000];
        assert!(List::new("names", &long).put_into(&text).is_err());
    }
}

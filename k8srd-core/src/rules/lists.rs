//! Lists are put into conditions as text, before anything is parsed: Falco's contract
//! (`userspace/engine/rule_loader_compiler.cpp` of falcosecurity/falco), quoted strings included.

use std::collections::{BTreeSet, HashMap};

use super::collect::{List as ListData, Row, Table};
use super::diagnostic::{Code, Diagnostic, Item, ItemKind};
use super::problems::Problems;
use super::text::Text;

/// How long a condition may get, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// How large all conditions together may get with their lists put in, in bytes.
pub(super) const MAX_TOTAL_TEXT: usize = 64 << 20;

const BLANKS: &[u8] = b" \t\n\r";
const DELIMITERS: &[u8] = b" \t\n\r(),=";

/// The lists of a collection, ready to be put into conditions.
pub(super) struct Lists {
    lists: Vec<List>,
    /// The places of lists by their names.
    places: HashMap<String, usize>,
    /// The places of lists whose name is more than one word: these are looked for everywhere.
    odd: BTreeSet<usize>,
    used: Vec<bool>,
    /// How much text may still be made.
    budget: usize,
}

impl Lists {
    pub(super) fn new(table: &Table<ListData>) -> Self {
        let mut used = vec![false; table.iter().len()];
        let mut budget = MAX_TOTAL_TEXT;
        let lists = table.iter().map(|row| {
            for inner in row.data.items.iter().filter_map(|item| Self::sees(table, row, item)) {
                if let Some(used) = table.place(&inner.name).and_then(|at| used.get_mut(at)) {
                    *used = true;
                }
            }
            List::new(&row.name, &Self::items_of(table, row, &mut budget))
        });
        let lists: Vec<List> = lists.collect();
        let places = lists.iter().enumerate().map(|(at, list)| (list.name.clone(), at)).collect();
        let is_odd = |(at, list): (usize, &List)| (!is_word(&list.name)).then_some(at);
        let odd = lists.iter().enumerate().filter_map(is_odd).collect();
        Self { lists, places, odd, used, budget }
    }

    /// The list that an item of another one names: a list sees those that were there before it,
    /// as they were written.
    pub(super) fn sees<'t>(
        table: &'t Table<ListData>,
        row: &Row<ListData>,
        item: &str,
    ) -> Option<&'t Row<ListData>> {
        table.get(item).filter(|inner| inner.index < row.visibility)
    }

    /// The items of a list, those that are lists resolved as far as `budget` goes.
    pub(super) fn items_of<'t>(
        table: &'t Table<ListData>,
        row: &'t Row<ListData>,
        budget: &mut usize,
    ) -> Vec<&'t str> {
        let mut items = Vec::new();
        for item in &row.data.items {
            match Self::sees(table, row, item) {
                Some(inner) if *budget >= inner.data.items.len() => {
                    *budget -= inner.data.items.len();
                    items.extend(inner.data.items.iter().map(String::as_str));
                }
                _ => items.push(item.as_str()),
            }
        }
        items
    }

    fn named_in(&self, text: &str) -> impl Iterator<Item = usize> {
        words(text).filter_map(|word| self.places.get(word).copied())
    }

    /// Puts lists into a condition; says which.
    ///
    /// # Errors
    ///
    /// Where it gets too long.
    pub(super) fn put_into(
        &mut self,
        condition: &Text,
    ) -> Result<(Text, Vec<usize>), Box<Diagnostic>> {
        let mut text = condition.clone();
        let mut put_in = Vec::new();
        // One after the other in the order of definition, so that a list may bring in the names
        // of later ones; only those whose name is there are looked for.
        let mut named = self.odd.clone();
        named.extend(self.named_in(condition.as_str()));
        while let Some(at) = named.pop_first() {
            let Some(list) = self.lists.get(at) else { continue };
            match list.put_into(&text) {
                Ok(None) => {}
                Ok(Some(put)) if put.as_str().len() <= self.budget => {
                    text = put;
                    named.extend(self.named_in(list.text()).filter(|&later| later > at));
                    put_in.push(at);
                }
                _ => {
                    let message = format!(
                        "with list {} put in, conditions get longer than {MAX_TEXT} bytes each or \
                         {MAX_TOTAL_TEXT} in all",
                        list.name
                    );
                    return Err(Box::new(text.error(Code::Validate, message, &(0..0))));
                }
            }
        }
        self.budget = self.budget.saturating_sub(text.as_str().len());
        self.mark_used(&put_in);
        Ok((text, put_in))
    }

    /// Notes that lists at these places are used.
    pub(super) fn mark_used(&mut self, places: &[usize]) {
        for &at in places {
            if let Some(used) = self.used.get_mut(at) {
                *used = true;
            }
        }
    }

    pub(super) fn warn_unused(&self, table: &Table<ListData>, problems: &mut Problems) {
        for (row, _) in table.iter().zip(&self.used).filter(|(_, used)| !**used) {
            let item = Item::new(ItemKind::List, &row.name);
            let message = format!("nothing uses list {}", row.name);
            problems.push(Diagnostic::new(Code::UnusedList, item, message).at(row.span.clone()));
        }
    }

    /// Each list's name, and whether anything uses it, in the order of definition.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.lists.iter().zip(&self.used).map(|(list, used)| (&*list.name, *used))
    }
}

/// A list to put into conditions: items that are names of lists are resolved.
#[derive(Clone, Debug)]
struct List {
    name: String,
    /// The items joined, those with blanks in quotes.
    text: String,
}

/// A condition is longer than [`MAX_TEXT`] with its lists put in.
#[derive(Debug)]
struct TooLong;

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
    fn text(&self) -> &str {
        &self.text
    }

    fn new(name: &str, items: &[&str]) -> Self {
        let quoted: Vec<_> = items.iter().map(|item| quote(item)).collect();
        Self { name: name.to_owned(), text: quoted.join(", ") }
    }

    /// Puts the list wherever its name stands between delimiters; `None` if it does nowhere.
    ///
    /// An empty list takes a comma beside it away.
    fn put_into(&self, condition: &Text) -> Result<Option<Text>, TooLong> {
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

//! The effective configuration as a file that gives the same again.

use std::fmt::Write as _;

use serde_json::Value;

use super::tree::{Node, Place, Step};
use super::{Config, Settings};

/// YAML with every key; what somebody set says where.
pub(crate) fn yaml(settings: &Settings) -> String {
    let Settings { config, written, file } = settings;
    let mut page = String::from("# The configuration in effect");
    match file {
        Some(file) => {
            let _ = write!(page, ", from {} and the command line", file.display());
        }
        None => page.push_str(", from the command line; no file was read"),
    }
    page.push_str(".\n# A value without a remark is the default.\n");
    let mut page = Page { text: page, written, path: Vec::new() };
    page.value(&config.to_value(), 0, Lead::Line);
    page.text
}

impl Config {
    /// As JSON, its keys in the order of their names.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("plain data with text for keys has a JSON form")
    }
}

struct Page<'a> {
    text: String,
    written: &'a Node,
    path: Vec<Step>,
}

/// What stands before a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Nothing: the value begins the line.
    Line,
    /// A key and its colon.
    Key,
    /// The dash of an item.
    Dash,
}

impl Page<'_> {
    fn value(&mut self, value: &Value, depth: usize, lead: Lead) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                if lead == Lead::Key {
                    self.text.push('\n');
                }
                for (at, (key, value)) in members.iter().enumerate() {
                    // The first key of an item stands behind its dash.
                    if at > 0 || lead != Lead::Dash {
                        self.indent(depth);
                    }
                    let _ = write!(self.text, "{}:", scalar(key));
                    self.inside(Step::Key(key.clone()), value, depth + 1, Lead::Key);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                if lead == Lead::Key {
                    self.text.push('\n');
                }
                for (at, item) in items.iter().enumerate() {
                    if at > 0 || lead != Lead::Dash {
                        self.indent(depth);
                    }
                    self.text.push_str("- ");
                    self.inside(Step::Index(at), item, depth + 1, Lead::Dash);
                }
            }
            _ => {
                if lead == Lead::Key {
                    self.text.push(' ');
                }
                let shown = match value {
                    Value::String(text) => scalar(text),
                    other => other.to_string(),
                };
                self.text.push_str(&shown);
                match self.written.at(&self.path).map(|node| &node.place) {
                    Some(Place::File { line, .. }) => {
                        let _ = write!(self.text, "  # line {line}");
                    }
                    Some(Place::CommandLine) => self.text.push_str("  # -o"),
                    None => {}
                }
                self.text.push('\n');
            }
        }
    }

    fn inside(&mut self, step: Step, value: &Value, depth: usize, lead: Lead) {
        self.path.push(step);
        self.value(value, depth, lead);
        self.path.pop();
    }

    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Text as it is where no reader of YAML could take it for something else, or else in quotes.
/// JSON's quoted form is YAML, too.
fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    // What YAML 1.1 or 1.2 takes for a truth value, nothing or a number.
    let odd = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    if begins && text.chars().all(is_word) && !odd.contains(&&*text.to_ascii_lowercase()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    #[test]
    fn nested_values_read_back() {
        let value = serde_json::json!({
            "list": [{"a": "x: y", "b": ["1", "# no"]}, ["p", ["q"]], {}],
            "map": {"k8s.io/name": "true", "quote\"\n": "é"},
            "none": [],
        });
        let empty = Node::empty(Place::CommandLine);
        let mut page = Page { text: String::new(), written: &empty, path: Vec::new() };
        page.value(&value, 0, Lead::Line);
        let place = |line, column| Place::File { name: "f".into(), line, column };
        let mut problems = Vec::new();
        let read = Node::read(&page.text, &place, &mut problems).unwrap();
        assert_eq!(to_value(&read), value, "{}", page.text);
    }

    fn to_value(node: &Node) -> Value {
        match &node.data {
            tree::Data::Scalar { text, .. } => Value::from(&**text),
            tree::Data::List(items) => items.iter().map(to_value).collect(),
            tree::Data::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), to_value(&entry.value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            tree::Data::Struck => Value::Null,
        }
    }
}

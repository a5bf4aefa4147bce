//! Values of keys, each with the checks and the words that Falco has for it.

use super::{Checked, Map, Reader};
use crate::alert::Priority;
use crate::rules::diagnostic::{Code, Diagnostic, Item, ItemKind, Span};
use crate::rules::suggest::nearest;
use crate::rules::text::Text;
use crate::rules::yaml::Node;

/// The largest `weight`.
const MAX_WEIGHT: u16 = 1000;

impl Reader<'_> {
    /// The item's name, which from here on is part of its problems.
    pub(super) fn name(&self, map: &mut Map<'_>, kind: ItemKind, key: &str) -> Checked<String> {
        map.item.kind = kind;
        let name = self.text(map, key)?;
        map.item.name.clone_from(&name);
        Ok(name)
    }

    /// A value that may be left out, but is not empty.
    pub(super) fn optional<T>(
        &self,
        map: &Map<'_>,
        key: &str,
        read: impl FnOnce(&Self, &Map<'_>, &str) -> Checked<T>,
    ) -> Checked<Option<T>> {
        if map.value(key).is_none() { Ok(None) } else { read(self, map, key).map(Some) }
    }

    /// A text that may be left out or empty.
    pub(super) fn optional_or_empty(&self, map: &Map<'_>, key: &str) -> Checked<Option<String>> {
        match map.value(key) {
            None => Ok(None),
            Some(node) if node.is_null() || node.as_text() == Some("") => Ok(None),
            Some(_) => self.text(map, key).map(Some),
        }
    }

    /// Text that is put together and parsed later.
    pub(super) fn prose(&self, map: &Map<'_>, key: &str) -> Checked<Text> {
        self.scalar(map, key)?;
        let node = self.required(map, key)?;
        Ok(Text::of_scalar(node, self.file, self.source).unwrap_or_default())
    }

    pub(super) fn text(&self, map: &Map<'_>, key: &str) -> Checked<String> {
        self.scalar(map, key).map(str::to_owned)
    }

    /// A scalar's text, which is not empty.
    pub(super) fn scalar<'n>(&self, map: &Map<'n>, key: &str) -> Checked<&'n str> {
        let node = self.required(map, key)?;
        if node.is_null() {
            let message = format!("{key} is empty");
            return Err(self.error(Code::YamlValidate, &map.item, node, message));
        }
        match node.as_text() {
            Some("") => Err(self.wrong(key, node, format!("{key} is empty"))),
            Some(text) => Ok(text),
            None => Err(self.wrong(key, node, format!("{key} must be text"))),
        }
    }

    /// True or false, in the words of YAML 1.1.
    pub(super) fn truth(&self, map: &Map<'_>, key: &str) -> Checked<bool> {
        let text = self.scalar(map, key)?;
        let is_one_case = text == text.to_ascii_lowercase()
            || text == text.to_ascii_uppercase()
            || text.get(1..).is_some_and(|rest| rest == rest.to_ascii_lowercase());
        match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" | "y" if is_one_case => Ok(true),
            "false" | "no" | "off" | "n" if is_one_case => Ok(false),
            _ => {
                let node = self.required(map, key)?;
                Err(self.wrong(key, node, format!("{key} is true or false, not {text:?}")))
            }
        }
    }

    pub(super) fn milliseconds(&self, map: &Map<'_>, key: &str) -> Checked<u32> {
        let text = self.scalar(map, key)?;
        number(text).ok_or_else(|| {
            let node = map.value(key).unwrap_or(map.node);
            self.wrong(key, node, format!("{key} is a number of milliseconds, not {text:?}"))
        })
    }

    pub(super) fn priority(&self, map: &Map<'_>, key: &str) -> Checked<Priority> {
        let text = self.scalar(map, key)?;
        text.parse().map_err(|error| {
            let item = Item::new(ItemKind::RulePriority, "");
            let node = map.value(key).unwrap_or(map.node);
            let message = format!("{text:?} is {error}");
            let help = nearest(text, Priority::ALL.map(Priority::name));
            let help = help.map(|near| format!("did you mean {near}?"));
            Box::new(self.error(Code::YamlValidate, &item, node, message).help(help))
        })
    }

    /// `weight`, which Falco does not know: what is wrong with it is only warned of, since Falco
    /// would load the rule.
    pub(super) fn weight(&mut self, map: &Map<'_>) -> Checked<Option<u16>> {
        let Some(node) = map.value("weight") else { return Ok(None) };
        let weight = node.as_text().and_then(|text| text.parse().ok());
        let weight = weight.filter(|weight| *weight <= MAX_WEIGHT);
        if weight.is_none() {
            let item = Item::new(ItemKind::ValueFor, "weight");
            let message =
                format!("weight is a number from 0 to {MAX_WEIGHT}; that of the priority counts");
            let warning = self.error(Code::WrongWeight, &item, node, message);
            self.found.push(*warning);
        }
        Ok(weight)
    }

    pub(super) fn tags(&self, map: &Map<'_>, key: &str) -> Checked<Vec<String>> {
        self.texts(map, key, self.required(map, key)?)
    }

    pub(super) fn texts(&self, map: &Map<'_>, key: &str, node: &Node) -> Checked<Vec<String>> {
        let value = Item::new(ItemKind::ValueFor, key);
        let nodes = self.sequence(&value, key, node)?;
        let texts = nodes.iter().map(|node| match node.as_text() {
            Some(text) if !node.is_null() => Ok(text.to_owned()),
            _ => {
                let item = Item::new(ItemKind::ListItem, "");
                let message =
                    format!("each of {key} must be text, {} has something else", map.item);
                Err(self.error(Code::YamlValidate, &item, node, message))
            }
        });
        texts.collect()
    }

    pub(super) fn sequence<'n>(
        &self,
        item: &Item,
        key: &str,
        node: &'n Node,
    ) -> Checked<&'n [Node]> {
        node.as_sequence().ok_or_else(|| {
            let message = format!("{key} must be a sequence, such as [a, b]");
            self.error(Code::YamlValidate, item, node, message)
        })
    }

    pub(super) fn mapping<'n>(&self, item: Item, node: &'n Node) -> Checked<Map<'n>> {
        let Some(entries) = node.as_mapping() else {
            let message = "this must be a mapping of keys to values, such as `rule: name`";
            return Err(self.error(Code::YamlValidate, &item, node, message));
        };
        Ok(Map { item, node, entries })
    }

    pub(super) fn required<'n>(&self, map: &Map<'n>, key: &str) -> Checked<&'n Node> {
        map.value(key).ok_or_else(|| {
            let error =
                self.error(Code::YamlValidate, &map.item, map.node, format!("{key} is missing"));
            let keys = map.entries.iter().filter_map(|(key, _)| key.as_text());
            let help =
                nearest(key, keys).map(|near| format!("{near} is there, did you mean {key}?"));
            Box::new(error.help(help))
        })
    }

    /// That a value is there, but not one that its key can have.
    pub(super) fn wrong(&self, key: &str, node: &Node, message: String) -> Box<Diagnostic> {
        self.error(Code::YamlValidate, &Item::new(ItemKind::ValueFor, key), node, message)
    }

    pub(super) fn error(
        &self,
        code: Code,
        item: &Item,
        node: &Node,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(code, item.clone(), message).at(self.span(node)))
    }

    /// Where a node is; of a mapping, its first value, which names it.
    pub(super) fn span(&self, node: &Node) -> Span {
        let first = node.as_mapping().and_then(<[_]>::first);
        let shown = first.map_or(node, |(_, value)| value);
        Span { file: self.file, range: shown.range.clone() }
    }
}

/// A whole number as YAML 1.1 has them: `10`, `0xa`, `012`.
pub(super) fn number(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hex, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let is_digit = |c: char| c.is_digit(radix);
    digits.chars().all(is_digit).then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_yaml() {
        for (text, expected) in [
            ("0", Some(0)),
            ("57", Some(57)),
            ("0x1F", Some(31)),
            ("017", Some(15)),
            ("08", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("", None),
            ("4294967296", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}

//! The exceptions of a rule, as written.

use std::collections::HashSet;

use super::{Checked, Map, Reader};
use crate::rules::diagnostic::{Code, Item, ItemKind};
use crate::rules::items::{Exception, Value, ValueData};
use crate::rules::suggest::nearest;
use crate::rules::yaml::{Data, Node};

impl Reader<'_> {
    /// The exceptions of an item; `appends` where they are added to those that a rule has.
    pub(super) fn exceptions(
        &mut self,
        map: &Map<'_>,
        appends: bool,
    ) -> Checked<Option<Vec<Exception>>> {
        let Some(value) = map.value("exceptions") else { return Ok(None) };
        if value.is_null() {
            return Ok(Some(Vec::new()));
        }
        let mut exceptions = Vec::new();
        let mut names = HashSet::new();
        let all = Item::new(ItemKind::Exceptions, "");
        for node in self.sequence(&all, "exceptions", value)? {
            exceptions.push(self.exception(node, &mut names, appends)?);
        }
        Ok(Some(exceptions))
    }

    /// One exception; `names` are those of the earlier ones.
    fn exception(
        &mut self,
        node: &Node,
        names: &mut HashSet<String>,
        appends: bool,
    ) -> Checked<Exception> {
        let mut map = self.mapping(Item::new(ItemKind::Exception, ""), node)?;
        let name = self.name(&mut map, ItemKind::Exception, "name")?;
        if !names.insert(name.clone()) {
            let message = "an exception of this name is there already; both count";
            let warning = self.error(Code::ExceptionNameNotUnique, &map.item, node, message);
            self.found.push(*warning);
        }
        if !appends {
            self.required(&map, "fields")?;
        }
        let value = |key| map.value(key).map(|node| self.value(key, node)).transpose();
        let (fields, operators) = (value("fields")?, value("comps")?);
        let values = match map.value("values") {
            Some(values) => {
                let item = Item::new(ItemKind::ExceptionValues, "");
                let nodes = self.sequence(&item, "values", values)?;
                nodes.iter().map(|node| self.value("", node)).collect::<Checked<_>>()?
            }
            None => Vec::new(),
        };
        if appends && map.value("values").is_none() {
            let message = "an exception is appended without values";
            let warning = self.error(Code::AppendNoValues, &map.item, node, message);
            let keys = map.entries.iter().filter_map(|(key, _)| key.as_text());
            let help = nearest("values", keys)
                .map(|near| format!("{near} is there, did you mean values?"));
            self.found.push(warning.help(help));
        }
        Ok(Exception {
            name,
            span: self.span(node),
            fields: fields.filter(is_something),
            operators: operators.filter(is_something),
            values,
        })
    }

    /// A text or a list of values; `key` is empty within a list.
    fn value(&self, key: &str, node: &Node) -> Checked<Value> {
        let data = match &node.data {
            _ if node.is_null() => ValueData::Text(String::new()),
            Data::Scalar { text, .. } if text.is_empty() => {
                return Err(self.wrong(key, node, "a value is empty".to_owned()));
            }
            Data::Scalar { text, .. } => ValueData::Text(text.clone()),
            Data::Sequence(nodes) => {
                let values = nodes.iter().map(|node| self.value("", node));
                ValueData::List(values.collect::<Checked<_>>()?)
            }
            Data::Mapping(_) => {
                let message = "a value must be text or a sequence".to_owned();
                return Err(self.wrong(key, node, message));
            }
        };
        Ok(Value { span: self.span(node), data })
    }
}

/// Whether a value says anything: `fields:` without one is as if it were not there.
fn is_something(value: &Value) -> bool {
    match &value.data {
        ValueData::Text(text) => !text.is_empty(),
        ValueData::List(values) => !values.is_empty(),
    }
}

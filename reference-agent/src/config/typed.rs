//! From a tree to a type, by serde, with the place of each problem; and with all of them: a value
//! with a problem is struck out and the rest is read again.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer as _,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

use super::suggest;
use super::tree::{Data, Entry, Node, Path, Place, Problem, Step};

/// After so many problems the rest is not looked for: each needs one more reading.
const MAX_PROBLEMS: usize = 100;

/// Reads a type from a tree; what has a problem keeps its default, and the problem is told.
pub(crate) fn read<T: DeserializeOwned + Default>(
    mut tree: Node,
    problems: &mut Vec<Problem>,
) -> T {
    for _ in 0..MAX_PROBLEMS {
        match T::deserialize(&tree) {
            Ok(value) => return value,
            Err(fault) => {
                let Fault { message, place, mut path } = fault;
                path.reverse();
                // Without the part that was struck out something may be missing: that follows.
                if !tree.at(&path).is_some_and(Node::lacks_a_part) {
                    problems.push(Problem { place, path: Path(path.clone()), message });
                }
                if !tree.strike(&path) {
                    break;
                }
            }
        }
    }
    T::default()
}

/// Why a value cannot be read. The way to it is put together on the way out, innermost step first.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    place: Option<Place>,
    path: Vec<Step>,
}

impl Fault {
    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn inside(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), place: None, path: Vec::new() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("{expected} is expected, not {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(name: &str, expected: &'static [&'static str]) -> Self {
        let hint = suggest::nearest(name, expected.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        Self::custom(format_args!("{} is expected, not {name:?}{hint}", one_of(expected)))
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(suggest::no_such_key(name, expected))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::custom(format_args!("{name} is missing"))
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

impl Node {
    fn is_no(&self, expected: &str) -> Fault {
        Fault::custom(format_args!("{expected} is expected, not {}", self.describe()))
            .at(&self.place)
    }

    fn entries(&self) -> Result<&[Entry], Fault> {
        match &self.data {
            Data::Map(entries) => Ok(entries),
            Data::Struck => Ok(&[]),
            // A key whose lines are commented out.
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.is_no("a mapping of keys to values")),
        }
    }

    fn scalar(&self, expected: &str) -> Result<&str, Fault> {
        match &self.data {
            Data::Scalar { text, .. } if !self.is_null() => Ok(text),
            _ => Err(self.is_no(expected)),
        }
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    /// For types that take more than one form: text of any kind, a list or a mapping.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.data {
            Data::List(_) => self.deserialize_seq(visitor),
            Data::Map(_) => self.deserialize_map(visitor),
            _ if self.is_null() => visitor.visit_unit(),
            _ => self.deserialize_str(visitor),
        }
        .map_err(|fault| fault.at(&self.place))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.data {
            Data::Scalar { text, plain: true } => match &**text {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                _ => Err(self.is_no("true or false")),
            },
            _ => Err(self.is_no("true or false")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.scalar("text")?;
        visitor.visit_borrowed_str(text).map_err(|fault: Fault| fault.at(&self.place))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items = match &self.data {
            Data::List(items) => &items[..],
            _ if self.is_null() => &[],
            _ => return Err(self.is_no("a list")),
        };
        visitor.visit_seq(Items { items, next: 0 }).map_err(|fault| fault.at(&self.place))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = self.entries()?.iter();
        visitor.visit_map(Entries { entries, value: None }).map_err(|fault| fault.at(&self.place))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    /// One of some words, or a mapping with one key.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let variant = match &self.data {
            Data::Scalar { text, .. } if !self.is_null() => Variant { name: text, content: None },
            Data::Map(entries) => {
                let mut whole = entries.iter().filter(|entry| !entry.is_struck());
                match (whole.next(), whole.next()) {
                    (Some(entry), None) => Variant { name: &entry.key, content: Some(entry) },
                    _ => {
                        let expected = format!("a mapping with one key, {},", one_of(variants));
                        return Err(self.is_no(&expected));
                    }
                }
            }
            _ => return Err(self.is_no(&one_of(variants))),
        };
        visitor.visit_enum(variant).map_err(|fault| fault.at(&self.place))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier
    }
}

impl Entry {
    fn is_struck(&self) -> bool {
        matches!(self.value.data, Data::Struck)
    }

    fn step(&self) -> Step {
        Step::Key(self.key.clone())
    }
}

struct Items<'de> {
    items: &'de [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        while let Some(item) = self.items.get(self.next) {
            let step = Step::Index(self.next);
            self.next += 1;
            if !matches!(item.data, Data::Struck) {
                let value = seed.deserialize(item);
                return value.map(Some).map_err(|fault| fault.at(&item.place).inside(step));
            }
        }
        Ok(None)
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    /// The entry whose key was given out.
    value: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.by_ref().find(|entry| !entry.is_struck()) else {
            return Ok(None);
        };
        self.value = Some(entry);
        let key: StringDeserializer<Fault> = entry.key.clone().into_deserializer();
        let key = seed.deserialize(key);
        key.map(Some).map_err(|fault| fault.at(&entry.place).inside(entry.step()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.value.take() else {
            return Err(Fault::custom("a value was asked for before its key"));
        };
        let value = seed.deserialize(&entry.value);
        value.map_err(|fault| fault.at(&entry.value.place).inside(entry.step()))
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Entry>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: StringDeserializer<Fault> = self.name.to_owned().into_deserializer();
        let value = seed.deserialize(name).map_err(|fault| match self.content {
            Some(entry) => fault.at(&entry.place).inside(entry.step()),
            None => fault,
        })?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Fault::custom(format_args!("{} stands alone, no mapping", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let Some(entry) = self.content else {
            return Err(Fault::custom(format_args!("{}: needs a value", self.name)));
        };
        let value = seed.deserialize(&entry.value);
        value.map_err(|fault| fault.at(&entry.value.place).inside(entry.step()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.newtype_variant_seed(Through(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.newtype_variant_seed(Through(visitor))
    }
}

/// A visitor where serde asks for a seed.
struct Through<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Through<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        from.deserialize_any(self.0)
    }
}

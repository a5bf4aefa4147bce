//! `in` and `intersects`: equal to one of several.

use std::collections::HashSet;

use super::equal::Constant;
use super::{Test, c_string, integer};
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// From how many texts on a hash is quicker than comparing each.
const HASHED: usize = 9;

/// Whether a value equals one of the operands.
pub(super) fn one_of(ty: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    let constants: Vec<_> = operands.iter().map(|one| Constant::new(ty, Some(one))).collect();
    if let Some(mut numbers) = constants.iter().map(Constant::as_int).collect::<Option<Vec<_>>>() {
        numbers.sort_unstable();
        return Box::new(Numbers(numbers));
    }
    match constants.iter().map(Constant::as_text).collect::<Option<HashSet<_>>>() {
        Some(texts) if texts.len() >= HASHED => Box::new(Texts::new(texts)),
        _ => Box::new(Few(constants)),
    }
}

/// Sorted.
#[derive(Debug)]
struct Numbers(Vec<i128>);

impl Test for Numbers {
    fn test(&self, value: &Value<'_>) -> bool {
        integer(value).is_some_and(|n| self.0.binary_search(&n).is_ok())
    }
}

#[derive(Debug)]
struct Few(Vec<Constant>);

impl Test for Few {
    fn test(&self, value: &Value<'_>) -> bool {
        self.0.iter().any(|constant| constant.equals(value) == Some(true))
    }
}

/// Many texts. Most values are none of them and are told apart by their length and first byte,
/// before anything is hashed.
#[derive(Debug)]
struct Texts {
    texts: HashSet<Box<[u8]>>,
    /// For each first byte, one bit for each length; the last bit is every greater length.
    lengths: Box<[u64; 256]>,
    empty: bool,
}

impl Texts {
    fn new(texts: HashSet<&[u8]>) -> Self {
        let mut lengths = Box::new([0; 256]);
        for text in &texts {
            if let Some(bits) = text.first().and_then(|&first| lengths.get_mut(usize::from(first)))
            {
                *bits |= length_bit(text);
            }
        }
        let empty = texts.contains(&b""[..]);
        Self { texts: texts.into_iter().map(Box::from).collect(), lengths, empty }
    }
}

impl Test for Texts {
    fn test(&self, value: &Value<'_>) -> bool {
        let text = match *value {
            Value::Str(text) => c_string(text),
            Value::Bytes(bytes) => bytes,
            _ => return false,
        };
        let Some(&first) = text.first() else { return self.empty };
        let lengths = self.lengths.get(usize::from(first)).copied().unwrap_or(0);
        lengths & length_bit(text) != 0 && self.texts.contains(text)
    }
}

fn length_bit(text: &[u8]) -> u64 {
    1 << text.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator::In;

    #[test]
    fn few_and_many_texts_answer_alike() {
        let names: Vec<String> = (0..40).map(|i| "x".repeat(i % 5) + &"y".repeat(i * 3)).collect();
        for count in [1, HASHED - 1, HASHED, names.len()] {
            let chosen = &names[..count];
            let operands: Vec<_> = chosen.iter().map(|name| OwnedValue::from(&**name)).collect();
            for name in names.iter().map(String::as_str).chain(["x", "z", "xyy\0z"]) {
                let cut = name.split('\0').next().unwrap();
                assert_eq!(
                    judge(In, FieldType::Str, &operands, name.into()),
                    chosen.iter().any(|one| one == cut),
                    "{name:?} in {count}"
                );
            }
        }
    }

    #[test]
    fn numbers_and_addresses() {
        let ports = [OwnedValue::U64(443), OwnedValue::U64(80)];
        assert!(judge(In, FieldType::Port, &ports, Value::U64(80)));
        assert!(judge(In, FieldType::Port, &ports, Value::I64(443)));
        assert!(!judge(In, FieldType::Port, &ports, Value::U64(81)));
        let nets = ["10.0.0.0/8", "fd00::/8"].map(|net| OwnedValue::Net(net.parse().unwrap()));
        assert!(judge(In, FieldType::Net, &nets, Value::Ip("fd01::1".parse().unwrap())));
        assert!(!judge(In, FieldType::Net, &nets, Value::Ip("11.0.0.1".parse().unwrap())));
    }

    #[test]
    fn nothing_is_in_an_empty_list() {
        assert!(!judge(In, FieldType::Str, &[], "".into()));
        assert!(!judge(In, FieldType::Int, &[], Value::I64(0)));
    }
}

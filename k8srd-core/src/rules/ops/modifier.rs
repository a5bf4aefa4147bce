//! `oneof`, `anyof` and `allof`: how many of several constants have to pass.

use super::{Build, Test};
use crate::field::FieldType;
use crate::rules::ast::Modifier;
use crate::value::{OwnedValue, Value};

/// A test that counts which of the constants pass that of `build`.
pub(super) fn count(
    modifier: Modifier,
    build: Build,
    ty: FieldType,
    constants: &[OwnedValue],
) -> Box<dyn Test> {
    let tests = constants.iter().map(|one| build(ty, std::slice::from_ref(one))).collect();
    Box::new(Count { modifier, tests })
}

#[derive(Debug)]
struct Count {
    modifier: Modifier,
    tests: Box<[Box<dyn Test>]>,
}

impl Test for Count {
    fn test(&self, value: &Value<'_>) -> bool {
        let mut passed = self.tests.iter().map(|test| test.test(value));
        match self.modifier {
            Modifier::OneOf => passed.by_ref().any(|one| one) && !passed.any(|one| one),
            Modifier::AnyOf => passed.any(|one| one),
            Modifier::AllOf => !self.tests.is_empty() && passed.all(|one| one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn constants_are_counted_as_often_as_they_are_named() {
        let check = |modifier, parts: &[&str], expected: bool| {
            let constants: Vec<_> = parts.iter().copied().map(OwnedValue::from).collect();
            let test = count(modifier, text::contains, FieldType::Str, &constants);
            assert_eq!(test.test(&"abc".into()), expected, "{modifier:?} {parts:?}");
        };
        check(Modifier::OneOf, &["a", "x"], true);
        check(Modifier::OneOf, &["a", "b"], false);
        check(Modifier::OneOf, &["a", "a"], false);
        check(Modifier::AnyOf, &["x", "b"], true);
        check(Modifier::AnyOf, &["x", "y"], false);
        check(Modifier::AllOf, &["a", "bc"], true);
        check(Modifier::AllOf, &["a", "x"], false);
        for modifier in [Modifier::OneOf, Modifier::AnyOf, Modifier::AllOf] {
            check(modifier, &[], false);
        }
    }
}

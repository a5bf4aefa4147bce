//! Conditions after loading: lists and macros resolved, fields known, constants typed.
//!
//! This is what both evaluators share: the one in this crate and the plain one in
//! k8srd-testkit that checks it.

use crate::field::{FieldType, Key, Multiplicity};
use crate::value::OwnedValue;

/// A rule's condition.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "closed: evaluators must decide each case")]
pub enum Condition {
    /// True or false whatever the event.
    Const(bool),
    /// All hold (`and`). Never empty.
    All(Vec<Condition>),
    /// At least one holds (`or`). Never empty.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Check(Check),
}

/// A comparison of a field with constants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// The field.
    pub key: Key,
    /// The type of its values, and of the operands.
    pub ty: FieldType,
    /// How many values the field has here: an ancestor field with an index has one.
    pub multiplicity: Multiplicity,
    /// How they are compared.
    pub operator: Operator,
    /// What they are compared with: none for `exists`, one for most, any number for set
    /// operators.
    pub operands: Vec<OwnedValue>,
}

impl Check {
    /// A comparison; the loader has made sure that operator, type and operands fit.
    pub fn new(
        key: Key,
        ty: FieldType,
        multiplicity: Multiplicity,
        operator: Operator,
        operands: Vec<OwnedValue>,
    ) -> Self {
        Self { key, ty, multiplicity, operator, operands }
    }
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operator {
    /// `=`, `==`: equal.
    Eq,
    /// `!=`: not equal.
    Ne,
    /// `<`: less; text byte by byte.
    Lt,
    /// `<=`: less or equal.
    Le,
    /// `>`: greater.
    Gt,
    /// `>=`: greater or equal.
    Ge,
    /// `in`: equal to one of several; of a list, every value is.
    In,
    /// `intersects`: equal to one of several; of a list, some value is.
    Intersects,
    /// `pmatch`: one of several paths, or below one; their components may be globs.
    PMatch,
    /// `contains`: holds this text.
    Contains,
    /// `icontains`: holds this text in upper or lower case (ASCII).
    IContains,
    /// `glob`: matches this pattern of `*`, `?` and `[…]`.
    Glob,
    /// `iglob`: as `glob`, in upper or lower case (ASCII).
    IGlob,
    /// `startswith`: begins with this text.
    StartsWith,
    /// `endswith`: ends with this text.
    EndsWith,
    /// `exists`: has a value.
    Exists,
}

//! Conditions after loading: lists and macros resolved, fields known, constants typed.
//!
//! This is what both evaluators share: the one in this crate and the plain one in
//! k8srd-testkit that checks it. `Display` writes a condition so that it reads back as the same
//! one.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

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

impl Condition {
    /// Whether it may hold for some event if these fields never have a value: where it may not,
    /// its rule is mute for want of them.
    ///
    /// Comparisons of other fields are taken to go either way, so `true` is no promise.
    ///
    /// ```
    /// use k8srd_core::rules::parse_condition;
    /// use k8srd_core::schema::Schema;
    ///
    /// let schema = Schema::falco();
    /// let can_hold = |text| {
    ///     let condition = parse_condition(&schema, text).0.unwrap();
    ///     condition.can_hold_without(&|field| field.name == "user.name")
    /// };
    /// assert!(can_hold("proc.name = sh or user.name = root"));
    /// assert!(can_hold("proc.name = sh and not user.name = root"));
    /// assert!(!can_hold("proc.name = sh and user.name != root"));
    /// ```
    pub fn can_hold_without(&self, absent: &dyn Fn(&Field) -> bool) -> bool {
        self.outcomes_without(absent).holds
    }

    fn outcomes_without(&self, absent: &dyn Fn(&Field) -> bool) -> Outcomes {
        let of_all = |all: &[Self]| -> Vec<Outcomes> {
            all.iter().map(|one| one.outcomes_without(absent)).collect()
        };
        match self {
            Self::Const(holds) => Outcomes { holds: *holds, fails: !*holds },
            Self::Not(inner) => {
                let Outcomes { holds, fails } = inner.outcomes_without(absent);
                Outcomes { holds: fails, fails: holds }
            }
            Self::All(all) => {
                let all = of_all(all);
                Outcomes { holds: all.iter().all(|o| o.holds), fails: all.iter().any(|o| o.fails) }
            }
            Self::Any(all) => {
                let all = of_all(all);
                Outcomes { holds: all.iter().any(|o| o.holds), fails: all.iter().all(|o| o.fails) }
            }
            Self::Check(check) => {
                let mut lacks = false;
                check.fields(&mut |field| lacks |= absent(field));
                // No comparison holds for a value that is not there.
                Outcomes { holds: !lacks, fails: true }
            }
        }
    }
}

/// What may become of a condition.
#[derive(Clone, Copy)]
struct Outcomes {
    holds: bool,
    fails: bool,
}

/// A comparison of a field, or of what is made of fields, with constants or with another field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// What is compared.
    pub left: Operand,
    /// How.
    pub operator: Operator,
    /// How many of several constants have to pass.
    pub modifier: Option<Modifier>,
    /// What it is compared with.
    pub right: Right,
}

impl Check {
    /// A comparison; the loader has made sure that its parts fit.
    pub fn new(left: Operand, operator: Operator, right: Right) -> Self {
        Self { left, operator, modifier: None, right }
    }

    /// The field, if it is one that is compared as it is.
    pub fn field(&self) -> Option<&Field> {
        match &self.left {
            Operand::Field(field) => Some(field),
            _ => None,
        }
    }

    /// The constants that it is compared with.
    pub fn constants(&self) -> &[OwnedValue] {
        match &self.right {
            Right::Constants(constants) => constants,
            Right::Nothing | Right::Operand(_) => &[],
        }
    }

    /// Calls `each` with every field that is read, on either side.
    pub fn fields<'c>(&'c self, each: &mut dyn FnMut(&'c Field)) {
        self.left.fields(each);
        if let Right::Operand(operand) = &self.right {
            operand.fields(each);
        }
    }
}

/// What stands on the right-hand side of an operator.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "closed: evaluators must decide each case")]
pub enum Right {
    /// Nothing: `exists`.
    Nothing,
    /// Constants: one for most operators, any number for set operators and behind a modifier.
    /// They are of the left-hand side's type, but text where that is
    /// [dynamic](FieldType::Dynamic).
    Constants(Vec<OwnedValue>),
    /// Another field, as `val(field)`, or a transformed one. It has the left-hand side's type.
    Operand(Operand),
}

/// Something that an event has a value of, or several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed: evaluators must decide each case")]
pub enum Operand {
    /// A field.
    Field(Field),
    /// A transformer's result.
    Call(Call),
    /// A text; only ever an argument of a transformer.
    Text(Box<[u8]>),
    /// Several operands as one list of texts; only ever an argument of a transformer.
    List(Vec<Operand>),
}

impl Operand {
    /// The type of its values.
    pub fn ty(&self) -> FieldType {
        match self {
            Self::Field(field) => field.ty,
            Self::Call(call) => call.ty,
            Self::Text(_) | Self::List(_) => FieldType::Str,
        }
    }

    /// How many values it has.
    pub fn multiplicity(&self) -> Multiplicity {
        match self {
            Self::Field(field) => field.multiplicity,
            Self::Call(call) => call.multiplicity,
            Self::Text(_) => Multiplicity::One,
            Self::List(_) => Multiplicity::List,
        }
    }

    /// Calls `each` with every field that is read.
    pub fn fields<'c>(&'c self, each: &mut dyn FnMut(&'c Field)) {
        match self {
            Self::Field(field) => each(field),
            Self::Call(call) => call.args.iter().for_each(|arg| arg.fields(each)),
            Self::Text(_) => {}
            Self::List(all) => all.iter().for_each(|one| one.fields(each)),
        }
    }
}

/// A field with its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The field.
    pub key: Key,
    /// How it is written, with its argument.
    pub name: Cow<'static, str>,
    /// The type of its values.
    pub ty: FieldType,
    /// How many values it has here: an ancestor field with an index has one.
    pub multiplicity: Multiplicity,
}

impl Field {
    /// A field; `name` is how it is written, and type and number of values are those of its row in
    /// the catalogue.
    pub fn new(
        key: Key,
        name: impl Into<Cow<'static, str>>,
        ty: FieldType,
        multiplicity: Multiplicity,
    ) -> Self {
        Self { key, name: name.into(), ty, multiplicity }
    }
}

impl Hash for Field {
    /// The rest follows from the key.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// A transformer and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The transformer.
    pub transformer: Transformer,
    /// Its arguments; the loader has made sure that they fit.
    pub args: Vec<Operand>,
    /// The type of its results.
    pub ty: FieldType,
    /// How many results it has.
    pub multiplicity: Multiplicity,
}

impl Call {
    /// A call of a transformer that fits its arguments and gives results of this type and number.
    pub fn new(
        transformer: Transformer,
        args: Vec<Operand>,
        ty: FieldType,
        multiplicity: Multiplicity,
    ) -> Self {
        Self { transformer, args, ty, multiplicity }
    }
}

impl Hash for Call {
    /// The rest follows from transformer and arguments.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.transformer.hash(state);
        self.args.hash(state);
    }
}

/// Makes a value of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transformer {
    /// `tolower(x)`: text in lower case (ASCII).
    ToLower,
    /// `toupper(x)`: text in upper case (ASCII).
    ToUpper,
    /// `b64(x)`: what base64 text stands for; no value where it is none.
    B64,
    /// `basename(x)`: what follows the last slash.
    Basename,
    /// `len(x)`: the length of a text or buffer in bytes, or of a list.
    Len,
    /// `join(separator, list)`: the texts of a list as one.
    Join,
    /// `concat(a, b, …)`: texts as one.
    Concat,
    /// `getopt(args, optstring)`: the short options among arguments and their values, as
    /// getopt(3) reads them. With an option in brackets behind it, the last value of that option.
    GetOpt(Option<u8>),
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
    /// `bcontains`: holds these bytes, which are written as hexadecimal digits.
    BContains,
    /// `glob`: matches this pattern of `*`, `?` and `[…]`.
    Glob,
    /// `iglob`: as `glob`, in upper or lower case (ASCII).
    IGlob,
    /// `startswith`: begins with this text.
    StartsWith,
    /// `bstartswith`: begins with these bytes, which are written as hexadecimal digits.
    BStartsWith,
    /// `endswith`: ends with this text.
    EndsWith,
    /// `regex`: matches this regular expression from its beginning to its end.
    Regex,
    /// `exists`: has a value.
    Exists,
}

/// How many of several constants have to pass. Of no constants none of these holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed: evaluators must decide each case")]
pub enum Modifier {
    /// `oneof`: exactly one. A constant that is named twice counts twice.
    OneOf,
    /// `anyof`: one or more.
    AnyOf,
    /// `allof`: each.
    AllOf,
}

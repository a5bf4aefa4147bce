//! The parse tree of a condition: what was written, with a span on everything.

use std::ops::Range;

/// A place in a condition's text, in bytes.
pub(super) type TextRange = Range<usize>;

/// A condition as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// Two or more, joined by `and`.
    And(Vec<Expr>),
    /// Two or more, joined by `or`.
    Or(Vec<Expr>),
    /// `not`.
    Not(Box<Expr>),
    /// A comparison.
    Check(Check),
    /// A macro's name.
    Macro(Name),
}

/// A macro's name and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) span: TextRange,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    pub(super) left: Operand,
    pub(super) operator: &'static Spelling,
    pub(super) operator_span: TextRange,
    /// `oneof`, `anyof` or `allof` behind the operator.
    pub(super) modifier: Option<Name>,
    pub(super) right: Right,
}

/// A field, or a value computed from fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Field(Field),
    Transformer(Transformer),
}

/// A field's name and argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) arg: Option<String>,
    pub(super) span: TextRange,
}

/// A transformer and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transformer {
    pub(super) name: String,
    pub(super) args: Vec<Argument>,
    /// What stands in brackets behind it: `getopt(…)[c]`.
    pub(super) selector: Option<String>,
    pub(super) span: TextRange,
}

/// One argument of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    Operand(Operand),
    Value(Literal),
    /// In parentheses; none of them is a list itself.
    List(Vec<Argument>),
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Right {
    /// Nothing: `exists`.
    Nothing,
    /// One value.
    Value(Literal),
    /// Values in parentheses.
    List(Vec<Literal>),
    /// Another field: `val(field)`, or transformed.
    Operand(Operand),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literal {
    /// Its text, quotes and escapes resolved.
    pub(super) bytes: Vec<u8>,
    pub(super) span: TextRange,
}

/// How an operator is written and what follows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    pub(super) text: &'static str,
    pub(super) form: Form,
}

/// What follows an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Unary,
    /// A number.
    Order,
    /// One value, or a modifier and a list.
    Text,
    /// A list.
    Set,
}

/// Every operator of the grammar, known to the operator table or not. Where one begins another,
/// the longer comes first.
pub(super) static SPELLINGS: &[Spelling] = &[
    spelling("exists", Form::Unary),
    spelling("<=", Form::Order),
    spelling("<", Form::Order),
    spelling(">=", Form::Order),
    spelling(">", Form::Order),
    spelling("==", Form::Text),
    spelling("=", Form::Text),
    spelling("!=", Form::Text),
    spelling("glob", Form::Text),
    spelling("iglob", Form::Text),
    spelling("contains", Form::Text),
    spelling("icontains", Form::Text),
    spelling("bcontains", Form::Text),
    spelling("startswith", Form::Text),
    spelling("bstartswith", Form::Text),
    spelling("endswith", Form::Text),
    spelling("regex", Form::Text),
    spelling("intersects", Form::Set),
    spelling("in", Form::Set),
    spelling("pmatch", Form::Set),
];

/// What may stand between an operator of [`Form::Text`] and a list.
pub(super) const MODIFIERS: &[&str] = &["oneof", "anyof", "allof"];

/// The transformers of the grammar.
pub(super) const TRANSFORMERS: &[&str] =
    &["tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"];

/// What makes a field a right-hand side; it stands nowhere else.
pub(super) const VAL: &str = "val";

/// Words that no macro can be named: they would be read as part of the language.
pub(super) const RESERVED: &[&str] = &["and", "or", "not"];

const fn spelling(text: &'static str, form: Form) -> Spelling {
    Spelling { text, form }
}

impl Spelling {
    /// Whether it is written with letters.
    pub(super) fn is_word(&self) -> bool {
        self.text.bytes().all(|b| b.is_ascii_alphabetic())
    }
}

impl Operand {
    /// Where it stands.
    pub(super) fn span(&self) -> &TextRange {
        match self {
            Self::Field(field) => &field.span,
            Self::Transformer(transformer) => &transformer.span,
        }
    }

    /// What people call it: the field, or the transformer with what it is applied to left out.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Field(field) => field.name.clone(),
            Self::Transformer(Transformer { name, args, .. }) if name == VAL => {
                match args.first() {
                    Some(Argument::Operand(inner)) => inner.shown(),
                    _ => name.clone(),
                }
            }
            Self::Transformer(transformer) => format!("{}(…)", transformer.name),
        }
    }
}

impl Operand {
    /// Calls `each` with every field that is named, in the order of writing.
    pub(super) fn fields(&self, each: &mut dyn FnMut(&Field)) {
        match self {
            Self::Field(field) => each(field),
            Self::Transformer(call) => call.args.iter().for_each(|arg| arg.fields(each)),
        }
    }
}

impl Argument {
    fn fields(&self, each: &mut dyn FnMut(&Field)) {
        match self {
            Self::Operand(operand) => operand.fields(each),
            Self::Value(_) => {}
            Self::List(all) => all.iter().for_each(|one| one.fields(each)),
        }
    }
}

impl Expr {
    /// Calls `each` with every macro that is named, in the order of writing.
    pub(super) fn macros<'e>(&'e self, each: &mut dyn FnMut(&'e Name)) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|expr| expr.macros(each)),
            Self::Not(inner) => inner.macros(each),
            Self::Check(_) => {}
            Self::Macro(name) => each(name),
        }
    }
}

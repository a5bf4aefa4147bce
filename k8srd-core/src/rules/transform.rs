//! Transformers: one row each, what they take and what they make of it.
//!
//! To add one: a variant in [`Transformer`], a row here, and its name in `syntax.rs`.

mod call;
mod getopt;
mod text;

pub(super) use call::Computed;

use super::ast::{Operand, Transformer};
use crate::field::{FieldType, Multiplicity};

/// Whether a transformer fits its arguments, and what it gives.
pub(super) type Signature = fn(&[Operand]) -> Result<(FieldType, Multiplicity), String>;

/// A transformer.
pub(super) struct Row {
    pub(super) transformer: Transformer,
    /// How it is written.
    pub(super) name: &'static str,
    /// Type and number of the results, or what is wrong with the arguments.
    pub(super) signature: Signature,
}

/// All transformers. `getopt` with an option is made of its row.
pub(super) static TRANSFORMERS: &[Row] = &[
    row(Transformer::ToLower, "tolower", |args| each(args, is_text, "text")),
    row(Transformer::ToUpper, "toupper", |args| each(args, is_text, "text")),
    row(Transformer::B64, "b64", |args| each(args, is_text_or_bytes, "text or bytes")),
    row(Transformer::Basename, "basename", |args| each(args, is_text, "text")),
    row(Transformer::Len, "len", len),
    row(Transformer::Join, "join", join),
    row(Transformer::Concat, "concat", concat),
    row(Transformer::GetOpt(None), "getopt", getopt),
];

/// The row of a transformer as it is written.
pub(super) fn named(name: &str) -> Option<&'static Row> {
    TRANSFORMERS.iter().find(|row| row.name == name)
}

/// How a transformer is written.
pub(super) fn name(transformer: Transformer) -> &'static str {
    let own = std::mem::discriminant(&transformer);
    let row = TRANSFORMERS.iter().find(|row| std::mem::discriminant(&row.transformer) == own);
    row.map_or("", |row| row.name)
}

const fn row(transformer: Transformer, name: &'static str, signature: Signature) -> Row {
    Row { transformer, name, signature }
}

fn is_text(ty: FieldType) -> bool {
    matches!(ty, FieldType::Str | FieldType::Path)
}

fn is_text_or_bytes(ty: FieldType) -> bool {
    is_text(ty) || ty == FieldType::Bytes
}

fn is_list(operand: &Operand) -> bool {
    operand.multiplicity() == Multiplicity::List
}

/// One argument, whose values are changed one by one.
fn each(
    args: &[Operand],
    fits: fn(FieldType) -> bool,
    wanted: &str,
) -> Result<(FieldType, Multiplicity), String> {
    match args {
        [arg] if fits(arg.ty()) => Ok((arg.ty(), arg.multiplicity())),
        [arg] => Err(format!("takes {wanted}, and this is of type {}", arg.ty().name())),
        _ => Err(format!("takes one argument, and these are {}", args.len())),
    }
}

fn len(args: &[Operand]) -> Result<(FieldType, Multiplicity), String> {
    match args {
        [arg] if is_list(arg) || is_text_or_bytes(arg.ty()) => {
            Ok((FieldType::Uint, Multiplicity::One))
        }
        _ => each(args, is_text_or_bytes, "text, bytes or a list"),
    }
}

fn join(args: &[Operand]) -> Result<(FieldType, Multiplicity), String> {
    match args {
        [separator, _] if is_list(separator) || !is_text(separator.ty()) => {
            Err("takes a text as separator".to_owned())
        }
        [_, list] if !is_list(list) || !is_text(list.ty()) => {
            Err("takes a list of texts behind the separator".to_owned())
        }
        [_, _] => Ok((FieldType::Str, Multiplicity::One)),
        _ => Err("takes a separator and a list".to_owned()),
    }
}

fn concat(args: &[Operand]) -> Result<(FieldType, Multiplicity), String> {
    if args.len() < 2 {
        return Err("takes two texts or more".to_owned());
    }
    match args.iter().all(|arg| is_text(arg.ty()) && !is_list(arg)) {
        true => Ok((FieldType::Str, Multiplicity::One)),
        false => Err("takes texts, neither lists nor numbers".to_owned()),
    }
}

fn getopt(args: &[Operand]) -> Result<(FieldType, Multiplicity), String> {
    match args {
        [list, _] if !is_list(list) || !is_text(list.ty()) => {
            Err("takes a list of texts, such as (proc.args[1], proc.args[2])".to_owned())
        }
        [_, options] if is_list(options) || !is_text(options.ty()) => {
            Err("takes the known options as one text, such as \"ab:\"".to_owned())
        }
        [_, _] => Ok((FieldType::Str, Multiplicity::List)),
        _ => Err("takes a list of arguments and the known options".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::syntax;

    #[test]
    fn every_row_can_be_written_and_every_name_has_a_row() {
        let names: Vec<_> = TRANSFORMERS.iter().map(|row| row.name).collect();
        assert_eq!(names, syntax::TRANSFORMERS);
        for row in TRANSFORMERS {
            assert_eq!(name(row.transformer), row.name);
        }
        assert_eq!(name(Transformer::GetOpt(Some(b'x'))), "getopt");
    }
}

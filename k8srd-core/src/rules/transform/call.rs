//! Operands, compiled: fields and what transformers make of them.

use super::getopt::{self, Options};
use super::text;
use crate::arena::Arena;
use crate::event::Event;
use crate::field::Key;
use crate::rules::ast::{Call, Operand, Transformer};
use crate::rules::evaluate::Answers;
use crate::rules::ops::c_string;
use crate::value::{Lookup, Value};

/// An operand, compiled. Its values lie in the arena.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Computed {
    /// Where its value is kept while an event is judged.
    place: usize,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Field(Key),
    Text(Box<[u8]>),
    List(Box<[Computed]>),
    Call(Transformer, Box<[Computed]>),
}

impl Computed {
    /// Compiles an operand. `place` gives a field or transformed value its place among those that
    /// are kept; whatever is [beyond](Answers::new) is computed each time.
    pub(in crate::rules) fn new(
        operand: &Operand,
        place: &mut dyn FnMut(&Operand) -> usize,
    ) -> Self {
        let source = match operand {
            Operand::Field(field) => Source::Field(field.key.clone()),
            Operand::Text(text) => Source::Text(text.clone()),
            Operand::List(all) => {
                Source::List(all.iter().map(|one| Self::new(one, place)).collect())
            }
            Operand::Call(Call { transformer, args, .. }) => {
                let args = args.iter().map(|arg| Self::new(arg, place)).collect();
                Source::Call(*transformer, args)
            }
        };
        let place = match operand {
            Operand::Field(_) | Operand::Call(_) => place(operand),
            Operand::Text(_) | Operand::List(_) => usize::MAX,
        };
        Self { place, source }
    }

    /// The value for one event; for one that is asked about once.
    pub(in crate::rules) fn value<'e>(
        &self,
        event: &'e dyn Event,
        arena: &'e Arena,
    ) -> Lookup<Value<'e>> {
        self.get(&Answers::new(event, arena, 0))
    }

    /// The value, computed once an event at most.
    pub(in crate::rules) fn get<'e>(&self, answers: &Answers<'e>) -> Lookup<Value<'e>> {
        answers.kept(self.place, || self.compute(answers))
    }

    /// Calls `each` with every key that is read.
    pub(in crate::rules) fn keys(&self, each: &mut dyn FnMut(&Key)) {
        match &self.source {
            Source::Field(key) => each(key),
            Source::Text(_) => {}
            Source::List(all) | Source::Call(_, all) => all.iter().for_each(|one| one.keys(each)),
        }
    }

    fn compute<'e>(&self, answers: &Answers<'e>) -> Lookup<Value<'e>> {
        let arena = answers.arena();
        match &self.source {
            Source::Field(key) => answers.ask(key),
            Source::Text(text) => Lookup::Known(Value::Str(arena.bytes(text))),
            Source::List(all) => gather(all, answers).map(|values| {
                // A list within gives all it has; what is no text is written as one.
                let count = values.iter().map(values_of).map(<[_]>::len).sum();
                let mut texts = arena.texts(count);
                for value in values.iter().flat_map(values_of) {
                    texts.push(match *value {
                        Value::Str(text) => c_string(text),
                        ref other => arena.format(format_args!("{other}")),
                    });
                }
                Value::List(texts.into_values())
            }),
            Source::Call(transformer, args) => {
                gather(args, answers).and_then(|args| apply(*transformer, args, arena).into())
            }
        }
    }
}

/// The values of all operands: absent where one is, pending where one is and none is absent.
fn gather<'e>(all: &[Computed], answers: &Answers<'e>) -> Lookup<&'e [Value<'e>]> {
    let mut pending = false;
    let values = answers.arena().places::<Value<'e>>(all.len());
    for (one, place) in all.iter().zip(values) {
        match one.get(answers) {
            Lookup::Known(value) => place.set(Some(value)),
            Lookup::Absent => return Lookup::Absent,
            Lookup::Pending => pending = true,
        }
    }
    match pending {
        true => Lookup::Pending,
        false => {
            let values = values.iter().filter_map(std::cell::Cell::get);
            Lookup::Known(answers.arena().list(values))
        }
    }
}

/// What a transformer makes of the values of its arguments; `None` where that is nothing.
fn apply<'e>(
    transformer: Transformer,
    args: &'e [Value<'e>],
    arena: &'e Arena,
) -> Option<Value<'e>> {
    let first = args.first()?;
    match transformer {
        Transformer::ToLower => each(first, arena, text::to_lower),
        Transformer::ToUpper => each(first, arena, text::to_upper),
        Transformer::B64 => each(first, arena, text::b64),
        Transformer::Basename => each(first, arena, text::basename),
        Transformer::Len => Some(Value::U64(match *first {
            Value::List(values) => values.len() as u64,
            Value::Str(text) => c_string(text).len() as u64,
            Value::Bytes(bytes) => bytes.len() as u64,
            _ => return None,
        })),
        Transformer::Join => {
            let separator = first.as_bytes().map(c_string)?;
            let texts = texts(args.get(1)?, arena)?;
            Some(Value::Str(arena.join(texts, separator)))
        }
        Transformer::Concat => {
            let texts = texts(&Value::List(args), arena)?;
            Some(Value::Str(arena.concat(texts)))
        }
        Transformer::GetOpt(selected) => {
            let args_and_values = texts(first, arena)?;
            let options = Options::new(args.get(1)?.as_bytes().map(c_string)?);
            match selected {
                None => Some(getopt::all(args_and_values, options, arena)),
                Some(option) => getopt::last(args_and_values, options, option).map(Value::Str),
            }
        }
    }
}

/// Changes a value, or each of a list; nothing comes of a list where nothing comes of one of it.
fn each<'e>(
    value: &Value<'e>,
    arena: &'e Arena,
    change: fn(&'e [u8], &'e Arena) -> Option<&'e [u8]>,
) -> Option<Value<'e>> {
    let Value::List(values) = *value else { return text::map(value, arena, change) };
    let changed = arena.places::<Value<'e>>(values.len());
    for (value, place) in values.iter().zip(changed) {
        place.set(Some(text::map(value, arena, change)?));
    }
    Some(Value::List(arena.list(changed.iter().filter_map(std::cell::Cell::get))))
}

fn values_of<'v, 'e>(value: &'v Value<'e>) -> &'v [Value<'e>] {
    match value {
        Value::List(values) => values,
        one => std::slice::from_ref(one),
    }
}

/// The texts of a list, each up to its first NUL byte.
fn texts<'e>(list: &Value<'e>, arena: &'e Arena) -> Option<&'e [&'e [u8]]> {
    let Value::List(values) = *list else { return None };
    let texts = values.iter().map(|value| value.as_bytes().map_or(&[][..], c_string));
    Some(arena.slices(texts))
}

//! The evaluator: walks a condition compiled for speed, in three-valued logic.

use std::cell::Cell;
use std::sync::Arc;

use super::ast::{Check, Condition, Operand, Operator, Right};
use super::ops::{self, Quantifier, Test, pair};
use super::transform::Computed;
use crate::arena::Arena;
use crate::event::Event;
use crate::field::Key;
use crate::value::{Lookup, Value};

/// Whether `condition` holds for `event`; `None` while that depends on a value that is
/// [pending](Lookup::Pending).
///
/// Compiles the condition first: for one event, a test or a trial. For a stream of events compile
/// once, in a [`Plan`](super::Plan).
pub fn evaluate(condition: &Condition, event: &dyn Event, arena: &Arena) -> Option<bool> {
    let place = &mut |_: &Operand| usize::MAX;
    let node = Node::build(condition, &mut |check| Node::Check(Arc::new(Atom::new(check, place))));
    node.judge(&Answers::new(event, arena, 0))
}

/// An event under one of its names. Each field is asked for, and each transformed value computed,
/// once at most, however many comparisons read it.
pub(super) struct Answers<'e> {
    event: &'e dyn Event,
    arena: &'e Arena,
    /// By place. What has none is computed each time.
    known: &'e [Cell<Option<Lookup<Value<'e>>>>],
}

impl<'e> Answers<'e> {
    /// Nothing is known yet; what is kept has the places below `places`.
    pub(super) fn new(event: &'e dyn Event, arena: &'e Arena, places: usize) -> Self {
        Self { event, arena, known: arena.places(places) }
    }

    /// What is kept at `place`, computed if it is not there yet.
    pub(super) fn kept(
        &self,
        place: usize,
        compute: impl FnOnce() -> Lookup<Value<'e>>,
    ) -> Lookup<Value<'e>> {
        let Some(known) = self.known.get(place) else { return compute() };
        if let Some(value) = known.get() {
            return value;
        }
        let value = compute();
        known.set(Some(value));
        value
    }

    /// Asks the event.
    pub(super) fn ask(&self, key: &Key) -> Lookup<Value<'e>> {
        self.event.get(key, self.arena)
    }

    /// Where computed values lie.
    pub(super) fn arena(&self) -> &'e Arena {
        self.arena
    }
}

/// A condition, compiled. Its depth is bounded by that of the condition.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Const(bool),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Check(Arc<Atom>),
}

/// A comparison, compiled.
#[derive(Debug)]
pub(super) struct Atom {
    left: Computed,
    quantifier: Quantifier,
    right: Compared,
}

/// What a value is compared with.
#[derive(Debug)]
enum Compared {
    /// Constants. `None` for an operator that this evaluator does not have: true of nothing.
    With(Option<Box<dyn Test>>),
    /// Another value of the event.
    To(Operator, Computed),
}

impl Node {
    /// Compiles a condition. `atom` is asked for each comparison in the order of writing, decided
    /// or not, and what it decides is folded.
    pub(super) fn build(condition: &Condition, atom: &mut dyn FnMut(&Check) -> Self) -> Self {
        match condition {
            Condition::Const(value) => Self::Const(*value),
            Condition::Check(check) => atom(check),
            Condition::Not(inner) => match Self::build(inner, atom) {
                Self::Const(value) => Self::Const(!value),
                Self::Not(inner) => *inner,
                node => Self::Not(Box::new(node)),
            },
            Condition::All(all) => Self::join(all, atom, true, Self::All),
            Condition::Any(all) => Self::join(all, atom, false, Self::Any),
        }
    }

    /// `neutral` changes nothing, its opposite decides everything.
    fn join(
        all: &[Condition],
        atom: &mut dyn FnMut(&Check) -> Self,
        neutral: bool,
        join: fn(Box<[Self]>) -> Self,
    ) -> Self {
        let mut decided = false;
        let mut nodes = Vec::new();
        for condition in all {
            match Self::build(condition, atom) {
                Self::Const(value) => decided |= value != neutral,
                node => nodes.push(node),
            }
        }
        if decided {
            return Self::Const(!neutral);
        }
        match nodes.len() {
            0 => Self::Const(neutral),
            1 => nodes.swap_remove(0),
            _ => join(nodes.into()),
        }
    }

    /// True, false or (`None`) unknown. Allocates nothing.
    pub(super) fn judge(&self, answers: &Answers<'_>) -> Option<bool> {
        match self {
            Self::Const(value) => Some(*value),
            Self::Check(atom) => atom.judge(answers),
            Self::Not(inner) => inner.judge(answers).map(|value| !value),
            Self::All(all) => judge_all(all, answers, false),
            Self::Any(all) => judge_all(all, answers, true),
        }
    }

    /// Calls `each` with every key that is read.
    pub(super) fn keys(&self, each: &mut dyn FnMut(&Key)) {
        match self {
            Self::Const(_) => {}
            Self::Check(atom) => atom.keys(each),
            Self::Not(inner) => inner.keys(each),
            Self::All(all) | Self::Any(all) => all.iter().for_each(|node| node.keys(each)),
        }
    }
}

/// `decisive` if one of the nodes is, else unknown if one is, else its opposite.
fn judge_all(nodes: &[Node], answers: &Answers<'_>, decisive: bool) -> Option<bool> {
    let mut verdict = Some(!decisive);
    for node in nodes {
        match node.judge(answers) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => verdict = None,
        }
    }
    verdict
}

impl Atom {
    /// Compiles a comparison; `place` gives what it reads a place, as in [`Computed::new`].
    pub(super) fn new(check: &Check, place: &mut dyn FnMut(&Operand) -> usize) -> Self {
        let left = Computed::new(&check.left, place);
        let right = match &check.right {
            Right::Operand(operand) => Compared::To(check.operator, Computed::new(operand, place)),
            Right::Constants(_) | Right::Nothing => Compared::With(ops::build(check)),
        };
        let quantifier = ops::quantifier(check.operator, check.left.multiplicity());
        Self { left, quantifier, right }
    }

    /// True, false or (`None`) unknown.
    pub(super) fn judge(&self, answers: &Answers<'_>) -> Option<bool> {
        match (self.left.get(answers), &self.right) {
            (Lookup::Absent, _) => Some(false),
            (Lookup::Pending, Compared::With(_)) => None,
            (Lookup::Known(value), Compared::With(test)) => {
                Some(test.as_deref().is_some_and(|test| self.holds(test, &value)))
            }
            (left, Compared::To(operator, right)) => match (left, right.get(answers)) {
                (_, Lookup::Absent) => Some(false),
                (Lookup::Known(left), Lookup::Known(right)) => {
                    Some(pair::compare(*operator, self.quantifier, &left, &right, answers.arena()))
                }
                _ => None,
            },
        }
    }

    fn holds(&self, test: &dyn Test, value: &Value<'_>) -> bool {
        match (value, self.quantifier) {
            (Value::List(values), Quantifier::Some) => values.iter().any(|value| test.test(value)),
            (Value::List(values), Quantifier::Every) => {
                !values.is_empty() && values.iter().all(|value| test.test(value))
            }
            (value, _) => test.test(value),
        }
    }

    fn keys(&self, each: &mut dyn FnMut(&Key)) {
        self.left.keys(each);
        if let Compared::To(_, right) = &self.right {
            right.keys(each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Fields, Timestamp};
    use crate::kind::EventKind;
    use crate::rules::parse_condition;
    use crate::schema::Schema;

    /// Answers by a table; what is not in it is absent.
    struct Known(Schema, Vec<(&'static str, Lookup<Value<'static>>)>);

    impl Fields for Known {
        fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
            let Some(info) = self.0.field_info(key.field()) else { return Lookup::Absent };
            let named = self.1.iter().find(|(name, _)| *name == info.name);
            named.map_or(Lookup::Absent, |(_, value)| *value)
        }
    }

    impl Event for Known {
        fn kind(&self) -> EventKind {
            EventKind::OPENAT
        }

        fn time(&self) -> Timestamp {
            Timestamp::default()
        }
    }

    #[track_caller]
    fn judge(text: &str) -> Option<bool> {
        const ENDS: &[Value<'static>] = &[Value::U64(40_000), Value::U64(443)];
        const ANCESTORS: &[Value<'static>] = &[Value::Str(b"sh"), Value::Str(b"sshd")];
        let event = Known(
            Schema::falco(),
            vec![
                ("proc.name", Lookup::Known(Value::Str(b"cat"))),
                ("evt.rawres", Lookup::Known(Value::I64(-2))),
                ("fd.port", Lookup::Known(Value::List(ENDS))),
                ("proc.aname", Lookup::Known(Value::List(ANCESTORS))),
                ("user.name", Lookup::Pending),
            ],
        );
        let (condition, diagnostics) = parse_condition(&event.0, text);
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
        evaluate(&condition.expect(text), &event, &Arena::default())
    }

    #[test]
    fn no_value_is_never_equal_nor_unequal() {
        assert_eq!(judge("fd.name = x"), Some(false));
        assert_eq!(judge("fd.name != x"), Some(false));
        assert_eq!(judge("not fd.name = x"), Some(true));
        assert_eq!(judge("fd.name exists"), Some(false));
        assert_eq!(judge("proc.name exists"), Some(true));
    }

    #[test]
    fn pending_decides_nothing_unless_the_rest_does() {
        assert_eq!(judge("user.name = root"), None);
        assert_eq!(judge("not user.name exists"), None);
        assert_eq!(judge("user.name = root and proc.name = cat"), None);
        assert_eq!(judge("user.name = root and proc.name = dog"), Some(false));
        assert_eq!(judge("user.name = root or proc.name = cat"), Some(true));
        assert_eq!(judge("user.name = root or proc.name = dog"), None);
    }

    #[test]
    fn either_end_and_any_ancestor() {
        assert_eq!(judge("fd.port = 443"), Some(true));
        assert_eq!(judge("fd.port in (1, 40000)"), Some(true));
        assert_eq!(judge("fd.port != 443"), Some(false));
        assert_eq!(judge("fd.port != 80"), Some(true));
        assert_eq!(judge("proc.aname != sh"), Some(true));
        assert_eq!(judge("proc.aname startswith ssh"), Some(true));
        assert_eq!(judge("proc.aname = bash"), Some(false));
    }

    #[test]
    fn numbers_compare_with_their_sign() {
        assert_eq!(judge("evt.rawres < 0 and evt.rawres >= -2"), Some(true));
        assert_eq!(judge("evt.rawres in (0, -2)"), Some(true));
    }
}

//! `regex`: a regular expression that matches a text from its beginning to its end.
//!
//! The syntax is that of RE2's POSIX option set, which Falco uses (`posix.rs`). What it is compiled
//! to looks at each byte once: a table where that is small, else the same table made row by row as
//! texts need it. Nothing backtracks, whatever the pattern.

mod posix;

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::hybrid::dfa as lazy;
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use super::{Test, needle, searched};
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// How much memory the parts of an expression may take. One of 255 bytes that repeats any
/// character 1000 times takes a tenth of it.
const MAX_EXPRESSION: usize = 4 << 20;
/// How large a table may get; what would be larger is made row by row.
const MAX_TABLE: usize = 256 << 10;
/// How much making a table may take.
const MAX_EFFORT: usize = 1 << 20;
/// How much of a table that is made row by row is kept by a thread.
const MAX_KEPT: usize = 256 << 10;

/// `regex`. An expression that is none matches nothing; the loader lets none through.
pub(in crate::rules) fn matches(_: FieldType, constants: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Regex(compile(needle(constants.first())).ok().and_then(|nfa| Machine::new(&nfa))))
}

/// Looks whether a pattern can be compiled; says how much memory its expression takes.
///
/// # Errors
///
/// What is wrong with it, for a person, and what to write instead.
pub(in crate::rules) fn check(pattern: &[u8]) -> Result<usize, (String, Option<String>)> {
    compile(pattern).map(|nfa| nfa.memory_usage())
}

fn compile(pattern: &[u8]) -> Result<NFA, (String, Option<String>)> {
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| ("a regular expression is UTF-8 text".to_owned(), None))?;
    let expression = posix::parse(pattern).map_err(|error| (error.message, error.help))?;
    let config = thompson::Config::new()
        .nfa_size_limit(Some(MAX_EXPRESSION))
        .which_captures(WhichCaptures::None);
    thompson::Compiler::new().configure(config).build_from_hir(&expression).map_err(|error| {
        match error.size_limit() {
            Some(limit) => {
                let message =
                    format!("regex too large: compiled it would take more than {limit} bytes");
                (message, Some("repeat less, or write several comparisons".to_owned()))
            }
            None => (format!("the regular expression cannot be compiled: {error}"), None),
        }
    })
}

#[derive(Debug)]
struct Regex(Option<Machine>);

impl Test for Regex {
    fn test(&self, value: &Value<'_>) -> bool {
        match (&self.0, searched(value)) {
            (Some(machine), Some(text)) => machine.matches(text),
            _ => false,
        }
    }
}

enum Machine {
    Table(dense::DFA<Vec<u32>>),
    Lazy { table: lazy::DFA, kept: Pool<lazy::Cache, MakeCache> },
}

type MakeCache = Box<dyn Fn() -> lazy::Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

impl Machine {
    /// `None` only where the table of an expression without look-around cannot be made, which
    /// there is no reason for.
    fn new(nfa: &NFA) -> Option<Self> {
        // All matches, so that one that ends early hides none that goes on to the end of the text.
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .accelerate(false)
            .dfa_size_limit(Some(MAX_TABLE))
            .determinize_size_limit(Some(MAX_EFFORT));
        if let Ok(table) = dense::Builder::new().configure(config).build_from_nfa(nfa) {
            return Some(Self::Table(table));
        }
        let config = lazy::Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(MAX_KEPT)
            .skip_cache_capacity_check(true);
        let table = lazy::Builder::new().configure(config).build_from_nfa(nfa.clone()).ok()?;
        let fresh = table.clone();
        let kept = Pool::new(Box::new(move || fresh.create_cache()) as MakeCache);
        Some(Self::Lazy { table, kept })
    }

    fn matches(&self, text: &[u8]) -> bool {
        let start = start::Config::new().anchored(Anchored::Yes);
        match self {
            Self::Table(table) => {
                let Ok(mut state) = table.start_state(&start) else { return false };
                let goes_on = sanitized(text, &mut |byte| {
                    state = table.next_state(state, byte);
                    !table.is_dead_state(state)
                });
                goes_on && table.is_match_state(table.next_eoi_state(state))
            }
            Self::Lazy { table, kept } => {
                let cache = &mut *kept.get();
                let Ok(mut state) = table.start_state(cache, &start) else { return false };
                let goes_on = sanitized(text, &mut |byte| {
                    // Fails only where a limit is set on how often rows are forgotten.
                    let Ok(next) = table.next_state(cache, state, byte) else { return false };
                    state = next;
                    !state.is_dead()
                });
                goes_on && table.next_eoi_state(cache, state).is_ok_and(|state| state.is_match())
            }
        }
    }
}

/// Calls `each` with every byte of a text, U+FFFD in place of what is not UTF-8, until it says
/// `false`; says what it said last.
fn sanitized(text: &[u8], each: &mut dyn FnMut(u8) -> bool) -> bool {
    text.utf8_chunks().all(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{FFFD}" };
        chunk.valid().bytes().chain(replacement.bytes()).all(&mut *each)
    })
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Table(_) => "Table",
            Self::Lazy { .. } => "Lazy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator;

    fn machine(pattern: &str) -> Machine {
        Machine::new(&compile(pattern.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn the_whole_text_has_to_match() {
        let is = |pattern: &str, text: &str| {
            judge(Operator::Regex, FieldType::Str, &[pattern.into()], text.into())
        };
        assert!(is("a.*", "abc") && !is("b", "abc") && !is("ab", "abc") && is("a|abc", "abc"));
        assert!(is("^abc$", "abc") && is("", "") && !is("", "a"));
        assert!(is("[[:digit:]]+", "123") && !is("[[:digit:]]+", "12a"));
        assert!(!is("a.c", "a\nc") && is("a[^b]c", "a\nc"));
        assert!(is("a$\n^b", "a\nb"), "lines begin and end within the text");
        assert!(is("abc", "abc\0d"), "text ends at its first NUL byte");
        assert!(
            !is("1", "") && !judge(Operator::Regex, FieldType::Str, &["1".into()], Value::U64(1))
        );
    }

    #[test]
    fn characters_are_those_of_utf_8_and_what_is_none_is_one() {
        let is = |pattern: &str, text: &[u8]| machine(pattern).matches(text);
        assert!(is("..", "éß".as_bytes()) && !is(".", "éß".as_bytes()));
        assert!(is("a.b", b"a\xffb") && is("a\\x{fffd}b", b"a\xffb") && is("a..b", b"a\xff\xfeb"));
        // The first two bytes of a character of three are one piece.
        assert!(is("a.b", b"a\xe2\x82b") && !is("a..b", b"a\xe2\x82b"));
    }

    #[test]
    fn both_tables_answer_alike() {
        // The tenth byte from the end: a table of some thousand rows.
        let (small, large) = (machine("(a|b)*a(a|b){3}"), machine("(a|b)*a(a|b){12}"));
        assert!(matches!(small, Machine::Table(_)) && matches!(large, Machine::Lazy { .. }));
        for n in 0..1u32 << 14 {
            let text: Vec<u8> =
                (0..14).map(|i| if n >> i & 1 == 1 { b'a' } else { b'b' }).collect();
            assert_eq!(small.matches(&text), text[10] == b'a');
            assert_eq!(large.matches(&text), text[1] == b'a');
        }
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        assert!(check(b".{1000}").unwrap() < MAX_EXPRESSION / 4);
        let wide = [b"[^a]{999}".as_slice(); 28].concat();
        let (message, help) = check(&wide).unwrap_err();
        assert!(message.contains("too large"), "{message}");
        assert!(help.is_some());
    }
}

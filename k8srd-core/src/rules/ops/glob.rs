//! `glob` and `iglob`: `fnmatch(3)` without flags, on bytes. `*` crosses slashes.

use super::{Test, needle, searched};
use crate::arena::Arena;
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// `glob`
pub(super) fn glob(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Pattern::new(needle(operands.first()), Case::Matters))
}

/// `iglob`
pub(super) fn glob_in_any_case(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    Box::new(Pattern::new(needle(operands.first()), Case::Ignored))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

impl Test for Pattern {
    fn test(&self, value: &Value<'_>) -> bool {
        searched(value).is_some_and(|text| self.matches(text))
    }
}

impl Pattern {
    pub(super) fn new(pattern: &[u8], case: Case) -> Self {
        Self(Tokens { rest: pattern, case }.collect())
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        matches(&self.0, text)
    }
}

/// Whether `text` matches a pattern that only the event tells; compiled into the arena.
pub(super) fn matches_once(pattern: &[u8], text: &[u8], case: Case, arena: &Arena) -> bool {
    matches(arena.collect(Tokens { rest: pattern, case }), text)
}

/// Matches in at most pattern × text steps: after a mismatch only the last star is tried longer,
/// since an earlier one could not do better.
fn matches(pattern: &[Token], text: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star = None;
    while let Some(&byte) = text.get(at) {
        match pattern.get(token) {
            Some(Token::Star) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            Some(one) if one.matches(byte) => {
                token += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        let Some((star_token, star_end)) = star else { return false };
        star = Some((star_token, star_end + 1));
        token = star_token + 1;
        at = star_end + 1;
    }
    pattern.iter().skip(token).all(|token| matches!(token, Token::Star))
}

#[derive(Clone, Copy, Debug)]
enum Token {
    Star,
    Any,
    /// One of the bytes whose bit is set.
    OneOf(ByteSet),
    Byte(u8),
    /// A backslash at the end of the pattern: nothing matches it.
    Never,
}

type ByteSet = [u64; 4];

impl Token {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Star | Self::Never => false,
            Self::Any => true,
            Self::OneOf(set) => contains(set, byte),
            Self::Byte(own) => *own == byte,
        }
    }
}

/// Reads a pattern token by token.
struct Tokens<'p> {
    rest: &'p [u8],
    case: Case,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let (&byte, behind) = self.rest.split_first()?;
        self.rest = behind;
        Some(match byte {
            b'*' => {
                let stars = behind.iter().take_while(|&&byte| byte == b'*').count();
                self.rest = behind.get(stars..).unwrap_or(&[]);
                Token::Star
            }
            b'?' => Token::Any,
            b'[' => match bracket(behind, self.case) {
                Some((set, behind, negated)) => {
                    self.rest = behind;
                    Token::OneOf(if negated { set.map(|word| !word) } else { set })
                }
                None => literal(byte, self.case),
            },
            b'\\' => match behind.split_first() {
                Some((&escaped, behind)) => {
                    self.rest = behind;
                    literal(escaped, self.case)
                }
                None => Token::Never,
            },
            byte => literal(byte, self.case),
        })
    }
}

fn literal(byte: u8, case: Case) -> Token {
    if case == Case::Matters || !byte.is_ascii_alphabetic() {
        return Token::Byte(byte);
    }
    let mut set = ByteSet::default();
    insert(&mut set, byte.to_ascii_lowercase());
    insert(&mut set, byte.to_ascii_uppercase());
    Token::OneOf(set)
}

/// What stands behind `[`: the bytes, what follows the closing bracket, and whether the bytes are
/// those that do not match. `None` if there is no closing bracket.
///
/// Where case is ignored, both ends of a range and what is compared with them are in lower case,
/// so that `[a-C]` is a range; a class is what it is (glibc's `posix/fnmatch_loop.c`).
fn bracket(inside: &[u8], case: Case) -> Option<(ByteSet, &[u8], bool)> {
    let fold = |byte: u8| if case == Case::Ignored { byte.to_ascii_lowercase() } else { byte };
    let negated = matches!(inside.first(), Some(b'!' | b'^'));
    let mut rest = if negated { inside.get(1..)? } else { inside };
    let mut set = ByteSet::default();
    let mut first = true;
    loop {
        let (&byte, behind) = rest.split_first()?;
        if byte == b']' && !first {
            return Some((set, behind, negated));
        }
        first = false;
        if let Some((class, behind)) = class(rest) {
            (0..=u8::MAX).filter(class).for_each(|byte| insert(&mut set, byte));
            rest = behind;
            continue;
        }
        let (low, behind) = bracket_byte(rest)?;
        rest = behind;
        let high = match rest {
            [b'-', end, ..] if *end != b']' => {
                let (high, behind) = bracket_byte(rest.get(1..)?)?;
                rest = behind;
                high
            }
            _ => low,
        };
        let range = fold(low)..=fold(high);
        let within = (0..=u8::MAX).filter(|byte| range.contains(&fold(*byte)));
        within.for_each(|byte| insert(&mut set, byte));
    }
}

fn bracket_byte(rest: &[u8]) -> Option<(u8, &[u8])> {
    match rest {
        [b'\\', byte, behind @ ..] | [byte, behind @ ..] => Some((*byte, behind)),
        [] => None,
    }
}

/// Whether a byte belongs to a class.
type IsMember = fn(&u8) -> bool;

/// `[:name:]`
fn class(rest: &[u8]) -> Option<(IsMember, &[u8])> {
    const CLASSES: &[(&[u8], IsMember)] = &[
        (b"alnum", u8::is_ascii_alphanumeric),
        (b"alpha", u8::is_ascii_alphabetic),
        (b"blank", |byte| matches!(byte, b' ' | b'\t')),
        (b"cntrl", u8::is_ascii_control),
        (b"digit", u8::is_ascii_digit),
        (b"graph", u8::is_ascii_graphic),
        (b"lower", u8::is_ascii_lowercase),
        (b"print", |byte| byte.is_ascii_graphic() || *byte == b' '),
        (b"punct", u8::is_ascii_punctuation),
        (b"space", |byte| matches!(byte, b' ' | b'\t'..=b'\r')),
        (b"upper", u8::is_ascii_uppercase),
        (b"xdigit", u8::is_ascii_hexdigit),
    ];
    let name = rest.strip_prefix(b"[:")?;
    CLASSES
        .iter()
        .find_map(|(known, class)| Some((*class, name.strip_prefix(*known)?.strip_prefix(b":]")?)))
}

fn contains(set: &ByteSet, byte: u8) -> bool {
    set.get(usize::from(byte >> 6)).is_some_and(|word| word & (1 << (byte & 63)) != 0)
}

fn insert(set: &mut ByteSet, byte: u8) {
    if let Some(word) = set.get_mut(usize::from(byte >> 6)) {
        *word |= 1 << (byte & 63);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_fnmatch_does() {
        for (pattern, matching, other) in [
            ("", &[""][..], &["a"][..]),
            ("a", &["a"], &["", "ab", "A"]),
            ("*", &["", "a", "/a/b"], &[]),
            ("/etc/*", &["/etc/", "/etc/a/b"], &["/etc", "x/etc/a"]),
            ("a*b*c", &["abc", "aXbbXc", "abcbc"], &["ab", "acb", "abcd"]),
            ("a?c", &["abc", "a/c"], &["ac", "abbc"]),
            ("[ab]", &["a", "b"], &["c", "ab", ""]),
            ("[a-c]x", &["ax", "cx"], &["dx"]),
            ("[!a-c]", &["d", "/"], &["a", ""]),
            ("[^a]", &["b"], &["a"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[[:digit:]_]", &["7", "_"], &["x", ":"]),
            ("[\\]]", &["]"], &["\\"]),
            ("[a", &["[a"], &["a"]),
            ("\\*", &["*"], &["a", "\\*"]),
            ("a\\", &[], &["a", "a\\"]),
            ("**a**", &["a", "xax"], &["b"]),
        ] {
            let compiled = Pattern::new(pattern.as_bytes(), Case::Matters);
            for text in matching {
                assert!(compiled.matches(text.as_bytes()), "{pattern} on {text}");
            }
            for text in other {
                assert!(!compiled.matches(text.as_bytes()), "{pattern} on {text}");
            }
        }
    }

    #[test]
    fn case_can_be_ignored() {
        let matches = |pattern: &str, text: &str| {
            Pattern::new(pattern.as_bytes(), Case::Ignored).matches(text.as_bytes())
        };
        assert!(matches("*.SH", "a.sh") && matches("[a-c]", "B") && matches("[A-C]", "b"));
        assert!(!matches("[!a]", "A") && matches("[!a]", "B"));
        assert!(matches("[a-C]", "B") && matches("[@-C]", "_") && !matches("[Z-_]", "^"));
        assert!(matches("[[:upper:]]", "A") && !matches("[[:upper:]]", "a"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = Pattern::new("*a".repeat(60).as_bytes(), Case::Matters);
        assert!(!pattern.matches("a".repeat(2000).replace("aa", "ab").as_bytes()));
        assert!(pattern.matches("a".repeat(2000).as_bytes()));
    }
}

//! Regular expressions in RE2's POSIX syntax, by sets of places.
//!
//! Each part of an expression leads from places in the text to further places. Slow, and plain.

use std::collections::BTreeSet;

/// Whether all of `text` matches. What is not UTF-8 in it is U+FFFD.
///
/// # Panics
///
/// Where `pattern` is no expression: the loader lets none through.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let pattern: Vec<char> =
        std::str::from_utf8(pattern).expect("a pattern is UTF-8").chars().collect();
    let text: Vec<char> = String::from_utf8_lossy(text).chars().collect();
    let mut at = 0;
    let expression = alternatives(&pattern, &mut at);
    assert_eq!(at, pattern.len(), "{pattern:?} goes on behind its end");
    expression.leads(&text, &BTreeSet::from([0])).contains(&text.len())
}

type Places = BTreeSet<usize>;

enum Node {
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeated(Box<Node>, usize, Option<usize>),
    One(Box<dyn Fn(char) -> bool>),
    LineStart,
    LineEnd,
}

impl Node {
    fn leads(&self, text: &[char], from: &Places) -> Places {
        match self {
            Self::Sequence(parts) => {
                parts.iter().fold(from.clone(), |places, part| part.leads(text, &places))
            }
            Self::Either(parts) => parts.iter().flat_map(|part| part.leads(text, from)).collect(),
            Self::Repeated(part, min, max) => {
                let mut places = from.clone();
                for _ in 0..*min {
                    places = part.leads(text, &places);
                }
                let mut all = places.clone();
                let mut left = max.map(|max| max - min);
                while left != Some(0) && !places.is_empty() {
                    places = part.leads(text, &places).difference(&all).copied().collect();
                    all.extend(&places);
                    left = left.map(|left| left - 1);
                }
                all
            }
            Self::One(holds) => from
                .iter()
                .filter(|&&place| text.get(place).is_some_and(|&c| holds(c)))
                .map(|place| place + 1)
                .collect(),
            Self::LineStart => {
                from.iter().copied().filter(|&at| at == 0 || text[at - 1] == '\n').collect()
            }
            Self::LineEnd => {
                from.iter().copied().filter(|&at| at == text.len() || text[at] == '\n').collect()
            }
        }
    }
}

fn alternatives(pattern: &[char], at: &mut usize) -> Node {
    let mut all = Vec::new();
    loop {
        let mut parts = Vec::new();
        while *at < pattern.len() && !matches!(pattern[*at], '|' | ')') {
            if let Some((min, max, behind)) = repetition(pattern, *at) {
                let last = parts.pop().expect("something is repeated");
                parts.push(Node::Repeated(Box::new(last), min, max));
                *at = behind;
            } else {
                parts.push(single(pattern, at));
            }
        }
        all.push(Node::Sequence(parts));
        if pattern.get(*at) != Some(&'|') {
            return Node::Either(all);
        }
        *at += 1;
    }
}

/// A repetition that stands at `at`: its bounds and what follows it.
fn repetition(pattern: &[char], at: usize) -> Option<(usize, Option<usize>, usize)> {
    match pattern[at] {
        '*' => Some((0, None, at + 1)),
        '+' => Some((1, None, at + 1)),
        '?' => Some((0, Some(1), at + 1)),
        '{' => {
            let end = at + pattern[at..].iter().position(|&c| c == '}')?;
            let inside: String = pattern[at + 1..end].iter().collect();
            let number = |text: &str| {
                let plain = !text.is_empty()
                    && text.chars().all(|c| c.is_ascii_digit())
                    && (text == "0" || !text.starts_with('0'));
                if plain { text.parse::<usize>().ok() } else { None }
            };
            match inside.split_once(',') {
                None => Some((number(&inside)?, Some(number(&inside)?), end + 1)),
                Some((min, "")) => Some((number(min)?, None, end + 1)),
                Some((min, max)) => Some((number(min)?, Some(number(max)?), end + 1)),
            }
        }
        _ => None,
    }
}

fn single(pattern: &[char], at: &mut usize) -> Node {
    let c = pattern[*at];
    *at += 1;
    match c {
        '(' => {
            let inside = alternatives(pattern, at);
            assert_eq!(pattern.get(*at), Some(&')'), "a group is closed");
            *at += 1;
            inside
        }
        '.' => Node::One(Box::new(|c| c != '\n')),
        '^' => Node::LineStart,
        '$' => Node::LineEnd,
        '[' => set(pattern, at),
        '\\' => {
            let escaped = escape(pattern, at);
            Node::One(Box::new(move |c| c == escaped))
        }
        literal => Node::One(Box::new(move |c| c == literal)),
    }
}

fn set(pattern: &[char], at: &mut usize) -> Node {
    let negated = pattern[*at] == '^';
    *at += usize::from(negated);
    let mut tests: Vec<Box<dyn Fn(char) -> bool>> = Vec::new();
    let first = *at;
    while *at == first || pattern[*at] != ']' {
        if pattern[*at..].starts_with(&['[', ':']) {
            let inside: String = pattern[*at + 2..].iter().collect();
            if let Some((name, _)) = inside.split_once(":]") {
                tests.push(class(name));
                *at += 4 + name.chars().count();
                continue;
            }
        }
        let low = set_char(pattern, at);
        let high = if pattern[*at] == '-' && pattern[*at + 1] != ']' {
            *at += 1;
            set_char(pattern, at)
        } else {
            low
        };
        tests.push(Box::new(move |c| (low..=high).contains(&c)));
    }
    *at += 1;
    Node::One(Box::new(move |c| tests.iter().any(|test| test(c)) != negated))
}

fn set_char(pattern: &[char], at: &mut usize) -> char {
    let c = pattern[*at];
    *at += 1;
    if c == '\\' { escape(pattern, at) } else { c }
}

fn class(name: &str) -> Box<dyn Fn(char) -> bool> {
    let (negated, name) = match name.strip_prefix('^') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let holds: fn(char) -> bool = match name {
        "alnum" => |c| c.is_ascii_alphanumeric(),
        "alpha" => |c| c.is_ascii_alphabetic(),
        "ascii" => |c| c.is_ascii(),
        "blank" => |c| c == ' ' || c == '\t',
        "cntrl" => |c| c.is_ascii_control(),
        "digit" => |c| c.is_ascii_digit(),
        "graph" => |c| c.is_ascii_graphic(),
        "lower" => |c| c.is_ascii_lowercase(),
        "print" => |c| c == ' ' || c.is_ascii_graphic(),
        "punct" => |c| c.is_ascii_punctuation(),
        // Rust's has no vertical tab.
        "space" => |c| c.is_ascii_whitespace() || c == '\x0B',
        "upper" => |c| c.is_ascii_uppercase(),
        "word" => |c| c.is_ascii_alphanumeric() || c == '_',
        "xdigit" => |c| c.is_ascii_hexdigit(),
        other => panic!("no class {other}"),
    };
    Box::new(move |c| holds(c) != negated)
}

fn escape(pattern: &[char], at: &mut usize) -> char {
    let c = pattern[*at];
    *at += 1;
    let code = match c {
        'a' => 7,
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        'x' if pattern[*at] == '{' => {
            let end = *at + pattern[*at..].iter().position(|&c| c == '}').expect("a closing brace");
            let digits: String = pattern[*at + 1..end].iter().collect();
            *at = end + 1;
            u32::from_str_radix(&digits, 16).expect("hexadecimal digits")
        }
        'x' => {
            let digits: String = pattern[*at..*at + 2].iter().collect();
            *at += 2;
            u32::from_str_radix(&digits, 16).expect("hexadecimal digits")
        }
        '0'..='7' => {
            let mut code = c.to_digit(8).expect("an octal digit");
            for _ in 0..2 {
                let Some(digit) = pattern.get(*at).and_then(|c| c.to_digit(8)) else { break };
                code = code * 8 + digit;
                *at += 1;
            }
            code
        }
        other => other.into(),
    };
    char::from_u32(code).expect("a character")
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_lead_to_the_end() {
        let is = |pattern: &str, text: &str| super::matches(pattern.as_bytes(), text.as_bytes());
        assert!(is("a*b{2,3}(c|d)?", "aabbd") && !is("a*b{2,3}(c|d)?", "abd"));
        assert!(is("[^[:digit:]_-]+", "abc") && !is("[^[:digit:]_-]+", "a-c"));
        assert!(is("(a|ab)(c|bcd)(d*)", "abcd") && is("()*", "") && is("a{,2}", "a{,2}"));
        assert!(is("a$\n^b", "a\nb") && !is("a.b", "a\nb") && is("\\x41\\101\\-", "AA-"));
    }
}

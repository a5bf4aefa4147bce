//! Regular expressions as RE2 reads them with its POSIX option set.
//!
//! Facts: `re2/parse.cc` and `re2/re2.cc` of google/re2. Against Rust's syntax: there are no
//! `(?…)`, lazy repetitions, `\d \w \s \b \A \z \p`, nor set operations in brackets; `a**` is
//! `(a*)*`; a brace that begins no repetition is itself; `^` and `$` are those of lines; only
//! punctuation may be escaped besides `\a \f \n \r \t \v`, `\x` and octal digits.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition};

/// How often something may be repeated, nested repetitions multiplied.
const MAX_REPEAT: u32 = 1000;

/// A text that is no regular expression.
#[derive(Debug)]
pub(super) struct PatternError {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

type Parsed<T> = Result<T, PatternError>;

/// Reads a regular expression. Nesting is bounded by the length of a constant.
pub(super) fn parse(pattern: &str) -> Parsed<Hir> {
    let mut reader = Reader { rest: pattern };
    let (expression, _) = reader.alternatives()?;
    match reader.rest.chars().next() {
        None => Ok(expression),
        // Only a parenthesis ends alternatives early.
        Some(_) => Err(wrong("a parenthesis is closed that was not opened")),
    }
}

fn wrong(message: impl Into<String>) -> PatternError {
    PatternError { message: format!("invalid regex: {}", message.into()), help: None }
}

struct Reader<'p> {
    rest: &'p str,
}

impl<'p> Reader<'p> {
    /// Reads up to a closing parenthesis or the end; says also how often something within is
    /// repeated at most.
    fn alternatives(&mut self) -> Parsed<(Hir, u32)> {
        let mut all = Vec::new();
        let mut times = 1;
        loop {
            let mut sequence: Vec<(Hir, u32)> = Vec::new();
            while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
                self.element(&mut sequence)?;
            }
            times = sequence.iter().map(|(_, own)| *own).fold(times, u32::max);
            all.push(Hir::concat(sequence.into_iter().map(|(expression, _)| expression).collect()));
            if !self.eat('|') {
                return Ok((Hir::alternation(all), times));
            }
        }
    }

    /// Reads one more element, or a repetition of the last.
    fn element(&mut self, sequence: &mut Vec<(Hir, u32)>) -> Parsed<()> {
        let before = self.rest;
        let c = self.next().ok_or_else(|| wrong("it ends too early"))?;
        let bounds = match c {
            '*' => Some((0, None)),
            '+' => Some((1, None)),
            '?' => Some((0, Some(1))),
            '{' => self.bounds(),
            _ => None,
        };
        if let Some((min, max)) = bounds {
            let written = before.strip_suffix(self.rest).unwrap_or(before);
            let Some((sub, own)) = sequence.pop() else {
                let mut error = wrong(format!("nothing stands before {written}"));
                if c == '?' {
                    error.help = Some("groups are written as (…), there is no (?…)".to_owned());
                }
                return Err(error);
            };
            let times = match (c, max.unwrap_or(min)) {
                ('{', count) => own.saturating_mul(count.max(1)),
                _ => own,
            };
            if times > MAX_REPEAT || max.is_some_and(|max| max < min) {
                return Err(wrong(format!("{written} repeats too often, or less than it has to")));
            }
            let repetition = Repetition { min, max, greedy: true, sub: Box::new(sub) };
            sequence.push((Hir::repetition(repetition), times));
            return Ok(());
        }
        let expression = match c {
            '(' => {
                let group = self.alternatives()?;
                if !self.eat(')') {
                    return Err(wrong("a parenthesis is not closed"));
                }
                sequence.push(group);
                return Ok(());
            }
            '[' => self.class()?,
            '.' => Hir::dot(Dot::AnyCharExceptLF),
            '^' => Hir::look(Look::StartLF),
            '$' => Hir::look(Look::EndLF),
            '\\' => literal(self.escape()?),
            c => literal(c),
        };
        sequence.push((expression, 1));
        Ok(())
    }

    /// What follows a `{` that begins a repetition: `2}`, `2,}`, `2,3}`. Any other is an ordinary
    /// character.
    fn bounds(&mut self) -> Option<(u32, Option<u32>)> {
        let (inside, behind) = self.rest.split_once('}')?;
        let bounds = match inside.split_once(',') {
            None => {
                let count = count(inside)?;
                (count, Some(count))
            }
            Some((min, "")) => (count(min)?, None),
            Some((min, max)) => (count(min)?, Some(count(max)?)),
        };
        self.rest = behind;
        Some(bounds)
    }

    /// What follows a `[`.
    fn class(&mut self) -> Parsed<Hir> {
        let negated = self.eat('^');
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            if !first && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                return Err(wrong("a minus sign stands first or last in brackets, or as \\-"));
            }
            first = false;
            if let Some(named) = self.named_class()? {
                class.union(&named);
                continue;
            }
            let low = self.class_char()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            let high = if is_range && self.rest.len() > 1 {
                self.next();
                self.class_char()?
            } else {
                low
            };
            if high < low {
                return Err(wrong(format!("the range {low}-{high} ends before it begins")));
            }
            class.push(ClassUnicodeRange::new(low, high));
        }
        self.next();
        if negated {
            class.negate();
        }
        Ok(Hir::class(Class::Unicode(class)))
    }

    /// `[:alpha:]` and its like, `[:^alpha:]` for all others.
    fn named_class(&mut self) -> Parsed<Option<ClassUnicode>> {
        let Some((name, behind)) =
            self.rest.strip_prefix("[:").and_then(|inside| inside.split_once(":]"))
        else {
            return Ok(None);
        };
        let (negated, plain) = match name.strip_prefix('^') {
            Some(plain) => (true, plain),
            None => (false, name),
        };
        let ranges = NAMED.iter().find(|(known, _)| *known == plain);
        let (_, ranges) = ranges.ok_or_else(|| wrong(format!("no class is named [:{name}:]")))?;
        let mut class =
            ClassUnicode::new(ranges.iter().map(|&(low, high)| ClassUnicodeRange::new(low, high)));
        if negated {
            class.negate();
        }
        self.rest = behind;
        Ok(Some(class))
    }

    fn class_char(&mut self) -> Parsed<char> {
        match self.next() {
            Some('\\') => self.escape(),
            Some(c) => Ok(c),
            None => Err(wrong("a bracket is not closed")),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Parsed<char> {
        let Some(c) = self.next() else { return Err(wrong("it ends in a backslash")) };
        let code = match c {
            'a' => 0x07,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            'x' => self.hex().ok_or_else(|| wrong("\\x takes two hexadecimal digits, or {…}"))?,
            // A single digit other than 0 would refer back to a group.
            '0'..='7' if c == '0' || self.rest.starts_with(|c| matches!(c, '0'..='7')) => {
                let digits: String =
                    self.rest.chars().take_while(|c| matches!(c, '0'..='7')).take(2).collect();
                self.rest = self.rest.get(digits.len()..).unwrap_or("");
                u32::from_str_radix(&format!("{c}{digits}"), 8).unwrap_or(0)
            }
            c if c.is_ascii_punctuation() && c != '_' || c == ' ' || c.is_ascii_control() => {
                c.into()
            }
            c => {
                let instead = match c {
                    'd' => "[0-9]",
                    'D' => "[^0-9]",
                    'w' => "[[:word:]]",
                    'W' => "[^[:word:]]",
                    's' => "[[:space:]]",
                    'S' => "[^[:space:]]",
                    _ => "",
                };
                let mut error = wrong(format!("there is no escape \\{c}"));
                error.help = (!instead.is_empty()).then(|| format!("write {instead}"));
                return Err(error);
            }
        };
        char::from_u32(code).ok_or_else(|| wrong(format!("{code:#x} is no character")))
    }

    /// `41` or `{1f600}`.
    fn hex(&mut self) -> Option<u32> {
        let (digits, behind) = match self.rest.strip_prefix('{') {
            Some(inside) => inside.split_once('}')?,
            None => self.rest.split_at_checked(2)?,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = behind;
        u32::from_str_radix(digits, 16).ok()
    }

    fn eat(&mut self, c: char) -> bool {
        let behind = self.rest.strip_prefix(c);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..)?;
        Some(c)
    }
}

/// A count within braces: RE2 takes one with a zero before it, or of very many digits, for text.
fn count(digits: &str) -> Option<u32> {
    let is_count = !digits.is_empty()
        && digits.len() <= 8
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| is_count)
}

fn literal(c: char) -> Hir {
    Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes())
}

type Ranges = &'static [(char, char)];

/// The classes that have names: POSIX's, and `word`. They hold ASCII only.
const NAMED: &[(&str, Ranges)] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7F')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1F'), ('\x7F', '\x7F')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The expression in Rust's syntax.
    fn read(pattern: &str) -> String {
        parse(pattern).map_or_else(|error| error.message, |hir| hir.to_string())
    }

    #[track_caller]
    fn same(pattern: &str, rust: &str) {
        let expected = regex_syntax::parse(rust).unwrap().to_string();
        assert_eq!(read(pattern), expected, "{pattern} {rust}");
    }

    #[track_caller]
    fn refused(pattern: &str, message: &str) {
        let error = parse(pattern).expect_err(pattern);
        assert!(error.message.contains(message), "{pattern}: {}", error.message);
    }

    #[test]
    fn what_both_syntaxes_mean_alike() {
        for pattern in ["", "a|bc|", "a*b+c?d{2}e{2,}f{2,3}", "[a-c]", "[^a-c]", "x(a|b)*y", "a.b"]
        {
            same(pattern, &pattern.replace('(', "(?:"));
        }
    }

    #[test]
    fn what_is_read_otherwise() {
        same("a**", "(?:a*)*");
        same("a*?", "(?:a*)?");
        same("{", "\\{");
        same("a{,2}", "a\\{,2\\}");
        same("a{02}", "a\\{02\\}");
        same("^a$", "(?m:^)a(?m:$)");
        same("[]a]", "[\\]a]");
        same("[a-]", "[a\\-]");
        same("[-a]", "[\\-a]");
        same("[a&&b]", "[a\\&b]");
        same("[[a]", "[\\[a]");
        same("[[:alpha:]_[:^digit:]]", "[^0-9]");
        same("\\/\\-\\ \\.", "/- \\.");
        same("\\x41\\x{42}\\103\\0", "ABC\\x00");
        same("[\\n\\]]", "[\\n\\]]");
    }

    #[test]
    fn what_is_no_expression() {
        refused("(a", "not closed");
        refused("a)", "not opened");
        refused("[a", "bracket is not closed");
        refused("[b-a]", "ends before it begins");
        refused("[a-c-e]", "minus sign");
        refused("[[:foo:]]", "[:foo:]");
        refused("*a", "nothing stands before *");
        refused("(|+)", "nothing stands before +");
        refused("(?:a)", "nothing stands before ?");
        refused("{2}", "nothing stands before {2}");
        refused("a{2,1}", "{2,1}");
        refused("a{1001}", "{1001}");
        refused("(a{100}){11}", "too often");
        refused("a\\", "backslash");
        refused("\\1", "\\1");
        refused("\\_", "\\_");
        refused("\\bx", "\\b");
        refused("\\x4", "\\x");
        refused("\\x{110000}", "no character");
        let digit = parse("\\d+").unwrap_err();
        assert_eq!(digit.help.as_deref(), Some("write [0-9]"));
    }
}

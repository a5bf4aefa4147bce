//! The words of the condition grammar: names, numbers, quoted and bare texts.

use super::syntax::{Literal, TextRange};

/// A text that is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) span: TextRange,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// A text and how far it is read. `at` is always a character boundary.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// A list in parentheses, or its name, which is one value.
    pub(super) fn list_or_name(&mut self) -> Parsed<Vec<Literal>> {
        if self.eat("(") {
            return self.list(|cursor| cursor.value("a value"));
        }
        Ok(vec![self.value("a list in parentheses, or a list's name")?])
    }

    /// What stands behind the opening parenthesis of a list.
    pub(super) fn list<T>(&mut self, one: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = Vec::new();
        self.skip_blanks();
        if self.eat(")") {
            return Ok(all);
        }
        loop {
            self.skip_blanks();
            all.push(one(self)?);
            self.skip_blanks();
            if self.eat(")") {
                return Ok(all);
            }
            if !self.eat(",") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
    }

    pub(super) fn value(&mut self, expected: &'static str) -> Parsed<Literal> {
        if self.rest().starts_with(['"', '\'']) {
            return self.quoted();
        }
        let start = self.at;
        let bare =
            self.eat_while(|c| !matches!(c, '(' | ')' | '"' | '\'' | '=' | ',') && !is_blank(c));
        if bare.is_empty() {
            return Err(self.unexpected(expected));
        }
        Ok(Literal { bytes: bare.as_bytes().to_vec(), span: start..self.at })
    }

    /// `[+-]?[0-9]+[.]?[0-9]*([eE][+-][0-9]+)?` or `0[xX][0-9a-fA-F]+`.
    pub(super) fn number(&mut self) -> Parsed<Literal> {
        let start = self.at;
        let digits = |cursor: &mut Self| !cursor.eat_while(|c| c.is_ascii_digit()).is_empty();
        let is_number = if self.eat("0x") || self.eat("0X") {
            !self.eat_while(|c| c.is_ascii_hexdigit()).is_empty()
        } else {
            let _ = self.eat("+") || self.eat("-");
            digits(self) && {
                if self.eat(".") {
                    digits(self);
                }
                let mantissa_end = self.at;
                let exponent = (self.eat("e") || self.eat("E"))
                    && (self.eat("+") || self.eat("-"))
                    && digits(self);
                if !exponent {
                    self.at = mantissa_end;
                }
                true
            }
        };
        if !is_number {
            self.at = start;
            return Err(self.unexpected("a number, or a field as `val(field)`"));
        }
        Ok(Literal { bytes: self.slice(start).as_bytes().to_vec(), span: start..self.at })
    }

    /// A string in quotes, with its escapes resolved.
    pub(super) fn quoted(&mut self) -> Parsed<Literal> {
        let start = self.at;
        let Some(quote) = self.next() else { return Err(self.unexpected("a quoted string")) };
        let mut bytes = Vec::new();
        loop {
            let here = self.at;
            match self.next() {
                None => {
                    let message = "this string is not closed".to_owned();
                    let span = start..start + quote.len_utf8();
                    return Err(SyntaxError { span, message, help: None });
                }
                Some(c) if c == quote => break,
                Some('\0') => return Err(self.error(here, "NUL cannot be compared".to_owned())),
                Some('\\') => bytes.push(self.escape(here, quote)?),
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Ok(Literal { bytes, span: start..self.at })
    }

    /// What stands behind a backslash.
    fn escape(&mut self, start: usize, quote: char) -> Parsed<u8> {
        Ok(match self.next() {
            Some('b') => 0x08,
            Some('f') => 0x0C,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('\\') => b'\\',
            Some('/') => b'/',
            // Falco takes the blank away with it, for the sake of rules from before there were
            // escapes.
            Some(' ') => b'\\',
            Some('x') => {
                let digits = self.rest().get(..2).unwrap_or("");
                match u8::from_str_radix(digits, 16) {
                    Ok(0) => return Err(self.error(start, "NUL cannot be compared".to_owned())),
                    Ok(byte) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                        self.at += 2;
                        byte
                    }
                    _ => {
                        let message = "`\\x` takes two hexadecimal digits".to_owned();
                        return Err(self.error(start, message));
                    }
                }
            }
            Some(c) if c == quote => quote as u8,
            _ => {
                let message = format!(
                    "unknown escape; known are `\\b \\f \\n \\r \\t \\\\ \\/ \\xHH` and `\\{quote}`"
                );
                return Err(self.error(start, message));
            }
        })
    }

    /// `and`, `or` or `not`, with a blank or a parenthesis behind.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = self
            .rest()
            .strip_prefix(keyword)
            .is_some_and(|behind| behind.starts_with(|c| c == '(' || is_blank(c)));
        if found {
            self.at += keyword.len();
        }
        found
    }

    pub(super) fn word(&mut self) -> Option<&'t str> {
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        Some(self.eat_while(is_word_char))
    }

    pub(super) fn skip_blanks(&mut self) {
        self.eat_while(is_blank);
    }

    pub(super) fn eat_while(&mut self, holds: impl Fn(char) -> bool) -> &'t str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|c| !holds(c)).unwrap_or(rest.len());
        self.slice(start)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    pub(super) fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(&format!("`{text}`"))) }
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn slice(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or("")
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn error(&self, start: usize, message: String) -> SyntaxError {
        SyntaxError { span: start..self.at.max(start), message, help: None }
    }

    /// The token here is not what could stand here.
    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let rest = self.rest();
        let token = match rest.find(|c: char| !is_word_char(c) && !matches!(c, '.' | '/' | '-')) {
            Some(0) => rest.get(..rest.chars().next().map_or(0, char::len_utf8)).unwrap_or(""),
            Some(end) => rest.get(..end).unwrap_or(""),
            None => rest,
        };
        let message = if token.is_empty() {
            format!("the condition ends where {expected} should follow")
        } else {
            format!("unexpected `{}`, expected {expected}", token.escape_debug())
        };
        SyntaxError { span: self.at..self.at + token.len(), message, help: None }
    }
}

pub(super) fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0B' | '\x0C')
}

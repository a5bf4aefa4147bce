//! The condition grammar, read by hand: Falco's
//! (`userspace/libsinsp/filter/parser.h` of falcosecurity/libs).
//!
//! ```text
//! or      = and { "or" and }            and  = not { "and" not }
//! not     = { "not" } ( "(" or ")" | check | macro )
//! check   = left "exists" | left order ( number | right )
//!         | left text ( value | right | modifier list ) | left set ( list | value | right )
//! left    = field | call                right = "val(" field ")" | call
//! call    = name "(" arg { "," arg } ")" [ "[" option "]" ]
//! arg     = field | call | quoted | number | "(" [ arg { "," arg } ] ")"
//! ```
//!
//! Total for any text: groups are kept on a stack of our own, so nesting costs no machine stack.

use std::mem;

use super::cursor::{Cursor, Parsed, SyntaxError, is_blank, is_word_char};
use super::suggest::did_you_mean;
use super::syntax::{
    Argument, Check, Expr, Field, Form, MODIFIERS, Name, Operand, RESERVED, Right, SPELLINGS,
    Spelling, TRANSFORMERS, Transformer, VAL,
};

/// How deep groups, and what is built of them, may nest.
pub(super) const MAX_DEPTH: usize = 1000;
const TOO_DEEP: &str = "the condition nests more than 1000 levels deep";
/// How deep transformers may nest.
const MAX_TRANSFORMER_DEPTH: usize = 32;

/// Reads a whole condition.
pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let mut cursor = Cursor::new(text);
    let mut outer = Vec::new();
    let mut group = Group::default();
    loop {
        cursor.skip_blanks();
        while cursor.eat_keyword("not") {
            group.negated = !group.negated;
            cursor.skip_blanks();
        }
        let start = cursor.at;
        if cursor.eat("(") {
            if outer.len() == MAX_DEPTH {
                return Err(cursor.error(start, TOO_DEEP.to_owned()));
            }
            outer.push(mem::replace(&mut group, Group { start, ..Group::default() }));
            continue;
        }
        let mut operand = cursor.check()?;
        let mut depth = 1;
        loop {
            group.push(operand, depth);
            if group.depth() > MAX_DEPTH {
                return Err(cursor.error(start, TOO_DEEP.to_owned()));
            }
            cursor.skip_blanks();
            if cursor.eat_keyword("and") {
                break;
            }
            if cursor.eat_keyword("or") {
                group.end_alternative();
                break;
            }
            match outer.pop() {
                Some(around) if cursor.eat(")") => {
                    depth = group.depth();
                    operand = mem::replace(&mut group, around).into_expr();
                }
                Some(_) if cursor.at_end() => {
                    let message = "this parenthesis is not closed".to_owned();
                    let span = group.start..group.start + 1;
                    return Err(SyntaxError { span, message, help: None });
                }
                Some(_) => return Err(cursor.unexpected("`and`, `or` or `)`")),
                None if cursor.at_end() => return Ok(group.into_expr()),
                None => return Err(cursor.unexpected("`and` or `or`")),
            }
        }
    }
}

/// Reads a field with its argument, and nothing else.
pub(super) fn parse_field(text: &str) -> Parsed<Field> {
    let mut cursor = Cursor::new(text);
    let field = cursor.field()?.ok_or_else(|| cursor.unexpected("a field such as `proc.name`"))?;
    if cursor.at_end() { Ok(field) } else { Err(cursor.unexpected("the end of the field")) }
}

/// Reads a transformer or a field that `text` begins with; says where it ends. `None` where it
/// begins with neither.
pub(super) fn parse_operand(text: &str) -> Parsed<Option<(Operand, usize)>> {
    let mut cursor = Cursor::new(text);
    let operand = cursor.operand(0)?;
    Ok(operand.map(|operand| (operand, cursor.at)))
}

/// What stands between a parenthesis, or the start, and where the parser is.
#[derive(Default)]
struct Group {
    start: usize,
    alternatives: Vec<Expr>,
    conjuncts: Vec<Expr>,
    /// Whether an odd number of `not` stands before the operand that is read next.
    negated: bool,
    /// The depth of the deepest operand.
    deepest: usize,
}

impl Group {
    fn push(&mut self, operand: Expr, depth: usize) {
        self.deepest = self.deepest.max(depth + usize::from(self.negated));
        self.conjuncts.push(match mem::take(&mut self.negated) {
            true => Expr::Not(Box::new(operand)),
            false => operand,
        });
    }

    /// How deep the group is, if it ends here.
    fn depth(&self) -> usize {
        let joins =
            usize::from(self.conjuncts.len() > 1) + usize::from(!self.alternatives.is_empty());
        self.deepest + joins
    }

    fn end_alternative(&mut self) {
        self.alternatives.push(one_or(Expr::And, mem::take(&mut self.conjuncts)));
    }

    fn into_expr(mut self) -> Expr {
        self.end_alternative();
        one_or(Expr::Or, self.alternatives)
    }
}

fn one_or(join: impl FnOnce(Vec<Expr>) -> Expr, mut all: Vec<Expr>) -> Expr {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            join(all)
        }
    }
}

impl Cursor<'_> {
    fn check(&mut self) -> Parsed<Expr> {
        let start = self.at;
        if let Some(operand) = self.operand(0)? {
            return Ok(Expr::Check(self.comparison(operand)?));
        }
        match self.word() {
            Some(name) if !RESERVED.contains(&name) => {
                Ok(Expr::Macro(Name { name: name.to_owned(), span: start..self.at }))
            }
            _ => {
                self.at = start;
                Err(self.unexpected("a field such as `proc.name`, a macro's name, `not` or `(`"))
            }
        }
    }

    /// What follows the left-hand side.
    fn comparison(&mut self, left: Operand) -> Parsed<Check> {
        self.skip_blanks();
        let start = self.at;
        let Some(operator) = self.operator() else {
            let mut error =
                self.unexpected("an operator such as `=`, `in`, `startswith` or `exists`");
            let written = self.text.get(error.span.clone()).unwrap_or("");
            error.help = did_you_mean(written, SPELLINGS.iter().map(|spelling| spelling.text));
            return Err(error);
        };
        let operator_span = start..self.at;
        let mut modifier = None;
        if !matches!(operator.form, Form::Text) {
            self.skip_blanks();
        }
        let right = match operator.form {
            Form::Unary => Right::Nothing,
            Form::Order => match self.right_operand()? {
                Some(operand) => Right::Operand(operand),
                None => Right::Value(self.number()?),
            },
            Form::Text => {
                modifier = self.modifier(operator);
                self.skip_blanks();
                if modifier.is_some() {
                    Right::List(self.list_or_name()?)
                } else if let Some(operand) = self.right_operand()? {
                    Right::Operand(operand)
                } else {
                    Right::Value(self.value("a value")?)
                }
            }
            Form::Set => match self.right_operand()? {
                Some(operand) => Right::Operand(operand),
                None => Right::List(self.list_or_name()?),
            },
        };
        Ok(Check { left, operator, operator_span, modifier, right })
    }

    fn operator(&mut self) -> Option<&'static Spelling> {
        SPELLINGS.iter().find(|spelling| {
            let Some(behind) = self.rest().strip_prefix(spelling.text) else { return false };
            if spelling.is_word() {
                // A word that compares one value is no operator without a blank behind it.
                let ends = match spelling.form {
                    Form::Text => behind.starts_with(is_blank),
                    _ => !behind.starts_with(is_word_char),
                };
                if !ends {
                    return false;
                }
            }
            self.at += spelling.text.len();
            true
        })
    }

    /// `oneof` and its like, with blanks around and a list or the name of one behind; anything else
    /// that looks so is a value.
    fn modifier(&mut self, operator: &Spelling) -> Option<Name> {
        let before = self.at;
        self.skip_blanks();
        let (start, had_blank) = (self.at, self.at > before || operator.is_word());
        let word = self.word().filter(|word| had_blank && MODIFIERS.contains(word));
        let span = start..self.at;
        self.skip_blanks();
        let (rest, behind) = (self.rest(), self.at);
        let is_keyword = |keyword: &&str| {
            let behind = rest.strip_prefix(*keyword);
            behind.is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        let list_follows = rest.starts_with('(')
            || (rest.starts_with(|c: char| c.is_ascii_alphabetic())
                && !RESERVED.iter().any(is_keyword));
        match word {
            Some(word) if behind > span.end && list_follows => {
                Some(Name { name: word.to_owned(), span })
            }
            _ => {
                self.at = start;
                None
            }
        }
    }

    /// `val(field)` or a transformer.
    fn right_operand(&mut self) -> Parsed<Option<Operand>> {
        let start = self.at;
        let inside = match self.word() {
            Some(VAL) if self.eat("(") => true,
            _ => {
                self.at = start;
                false
            }
        };
        if !inside {
            return Ok(self.transformer(0)?.map(Operand::Transformer));
        }
        self.skip_blanks();
        let field = self.field()?.ok_or_else(|| self.unexpected("a field such as `proc.name`"))?;
        self.skip_blanks();
        self.expect(")")?;
        if self.rest().starts_with('[') {
            let mut error = self.unexpected("the end of `val(…)`");
            error.help = Some("the argument of a field stands behind its name".to_owned());
            return Err(error);
        }
        let args = vec![Argument::Operand(Operand::Field(field))];
        let val = Transformer { name: VAL.to_owned(), args, selector: None, span: start..self.at };
        Ok(Some(Operand::Transformer(val)))
    }

    fn operand(&mut self, depth: usize) -> Parsed<Option<Operand>> {
        match self.transformer(depth)? {
            Some(transformer) => Ok(Some(Operand::Transformer(transformer))),
            None => Ok(self.field()?.map(Operand::Field)),
        }
    }

    fn transformer(&mut self, depth: usize) -> Parsed<Option<Transformer>> {
        let start = self.at;
        let name = match self.word() {
            Some(name) if TRANSFORMERS.contains(&name) && self.eat("(") => name.to_owned(),
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        if depth == MAX_TRANSFORMER_DEPTH {
            let message = format!("transformers nest at most {MAX_TRANSFORMER_DEPTH} deep");
            return Err(self.error(start, message));
        }
        let mut args = Vec::new();
        loop {
            self.skip_blanks();
            args.push(self.argument(depth)?);
            self.skip_blanks();
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        let selector = self.bracketed()?;
        Ok(Some(Transformer { name, args, selector, span: start..self.at }))
    }

    /// One argument of a transformer. Texts stand in quotes here: without, they would be fields.
    fn argument(&mut self, depth: usize) -> Parsed<Argument> {
        if self.eat("(") {
            return self.list(|cursor| cursor.list_element(depth)).map(Argument::List);
        }
        self.list_element(depth)
    }

    fn list_element(&mut self, depth: usize) -> Parsed<Argument> {
        if self.rest().starts_with(['"', '\'']) {
            return Ok(Argument::Value(self.quoted()?));
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
            return Ok(Argument::Value(self.number()?));
        }
        if let Some(operand) = self.operand(depth + 1)? {
            return Ok(Argument::Operand(operand));
        }
        Err(self.unexpected("a field, a transformer, a text in quotes or a number"))
    }

    /// A name with at least one dot, and an argument.
    fn field(&mut self) -> Parsed<Option<Field>> {
        let start = self.at;
        if self.word().is_none() {
            return Ok(None);
        }
        let mut parts = 1;
        loop {
            let before = self.at;
            if !(self.eat(".") && self.word().is_some()) {
                self.at = before;
                break;
            }
            parts += 1;
        }
        if parts == 1 {
            self.at = start;
            return Ok(None);
        }
        let name = self.slice(start).to_owned();
        let arg = self.bracketed()?;
        Ok(Some(Field { name, arg, span: start..self.at }))
    }

    fn bracketed(&mut self) -> Parsed<Option<String>> {
        if !self.eat("[") {
            return Ok(None);
        }
        let start = self.at;
        let arg = if self.rest().starts_with(['"', '\'']) {
            let literal = self.quoted()?;
            String::from_utf8(literal.bytes)
                .map_err(|_| self.error(start, "an argument is UTF-8 text".to_owned()))?
        } else {
            self.eat_while(|c| !matches!(c, '[' | ']' | '"' | '\'') && !is_blank(c)).to_owned()
        };
        if arg.is_empty() {
            return Err(self.unexpected("an argument"));
        }
        self.expect("]")?;
        Ok(Some(arg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::syntax::Literal;

    /// The tree as text: `(and a (or b c))`.
    fn show(expr: &Expr) -> String {
        let join = |word: &str, all: &[Expr]| {
            format!("({word} {})", all.iter().map(show).collect::<Vec<_>>().join(" "))
        };
        match expr {
            Expr::And(all) => join("and", all),
            Expr::Or(all) => join("or", all),
            Expr::Not(inner) => format!("(not {})", show(inner)),
            Expr::Macro(name) => name.name.clone(),
            Expr::Check(check) => {
                let modifier =
                    check.modifier.as_ref().map_or(String::new(), |name| format!("{} ", name.name));
                format!(
                    "[{} {} {modifier}{}]",
                    show_operand(&check.left),
                    check.operator.text,
                    show_right(&check.right)
                )
            }
        }
    }

    fn show_operand(operand: &Operand) -> String {
        match operand {
            Operand::Field(Field { name, arg, .. }) => match arg {
                Some(arg) => format!("{name}<{arg}>"),
                None => name.clone(),
            },
            Operand::Transformer(t) => {
                let args: Vec<_> = t.args.iter().map(show_argument).collect();
                let selector = t.selector.as_ref().map_or(String::new(), |s| format!("<{s}>"));
                format!("{}({}){selector}", t.name, args.join(","))
            }
        }
    }

    fn show_argument(arg: &Argument) -> String {
        match arg {
            Argument::Operand(operand) => show_operand(operand),
            Argument::Value(literal) => show_literal(literal),
            Argument::List(all) => {
                format!("({})", all.iter().map(show_argument).collect::<Vec<_>>().join(","))
            }
        }
    }

    fn show_right(right: &Right) -> String {
        match right {
            Right::Nothing => String::new(),
            Right::Value(literal) => show_literal(literal),
            Right::List(list) => show_list(list),
            Right::Operand(operand) => show_operand(operand),
        }
    }

    fn show_list(list: &[Literal]) -> String {
        format!("({})", list.iter().map(show_literal).collect::<Vec<_>>().join(","))
    }

    fn show_literal(literal: &Literal) -> String {
        format!("{:?}", String::from_utf8_lossy(&literal.bytes))
    }

    #[track_caller]
    fn check(text: &str, tree: &str) {
        match parse(text) {
            Ok(expr) => assert_eq!(show(&expr), tree, "{text}"),
            Err(error) => panic!("{text}: {error:?}"),
        }
    }

    #[track_caller]
    fn check_error(text: &str, at: &str, message: &str) {
        let error = parse(text).expect_err(text);
        assert_eq!(&text[error.span.clone()], at, "{text}: {error:?}");
        assert!(error.message.contains(message), "{text}: {error:?}");
    }

    #[test]
    fn and_binds_tighter_than_or() {
        check("a or b and not c", "(or a (and b (not c)))");
        check("(a or b) and c", "(and (or a b) c)");
        check("a and (b and c) and d", "(and a (and b c) d)");
        check("a or (b or c)", "(or a (or b c))");
        check("not (a and b)", "(not (and a b))");
        check("not not a", "a");
        check("not(not not(a))", "(not a)");
        check("\n a\n\tand(b)\r\n", "(and a b)");
        check("(((a)))", "a");
        check("nothing or android", "(or nothing android)");
    }

    #[test]
    fn every_operator_and_what_follows_it() {
        check("fd.name exists", "[fd.name exists ]");
        check("evt.num<=0x1F", r#"[evt.num <= "0x1F"]"#);
        check("evt.num < -1.5e+3", r#"[evt.num < "-1.5e+3"]"#);
        check("evt.num>=1 and evt.num>2", r#"(and [evt.num >= "1"] [evt.num > "2"])"#);
        for operator in ["==", "=", "!=", "glob", "iglob", "contains", "icontains", "bcontains"]
            .into_iter()
            .chain(["startswith", "bstartswith", "endswith", "regex"])
        {
            check(&format!("a.b {operator} x/y"), &format!(r#"[a.b {operator} "x/y"]"#));
            check(
                &format!("a.b {operator} oneof (x)"),
                &format!(r#"[a.b {operator} oneof ("x")]"#),
            );
        }
        for operator in ["in", "intersects", "pmatch"] {
            check(&format!("a.b {operator}(x,y)"), &format!(r#"[a.b {operator} ("x","y")]"#));
            check(&format!("a.b {operator} names"), &format!(r#"[a.b {operator} ("names")]"#));
        }
        check("a.b in ()", "[a.b in ()]");
        check("a.b = oneof", r#"[a.b = "oneof"]"#);
        check("a.b = oneof and c", r#"(and [a.b = "oneof"] c)"#);
        check("a.b = anyof names", r#"[a.b = anyof ("names")]"#);
        check("a.b=oneof", r#"[a.b = "oneof"]"#);
    }

    #[test]
    fn values_keep_their_odd_characters() {
        check("a.b=runc:[0:PARENT]", r#"[a.b = "runc:[0:PARENT]"]"#);
        check(
            "a.b in (10.0.0.0/8, ::1, -5, \"<NA>\")",
            r#"[a.b in ("10.0.0.0/8","::1","-5","<NA>")]"#,
        );
        check(r#"a.b = "x\"\x41\\\n""#, r#"[a.b = "x\"A\\\n"]"#);
        check(r#"a.b = 'it\'s'"#, r#"[a.b = "it's"]"#);
        check(r#"a.b = "c\ d""#, r#"[a.b = "c\\d"]"#);
        check(r#"a.b = """#, r#"[a.b = ""]"#);
        let Ok(Expr::Check(bytes)) = parse(r#"a.b = "\xff""#) else { panic!("no check") };
        assert!(matches!(bytes.right, Right::Value(Literal { bytes, .. }) if bytes == [0xFF]));
    }

    #[test]
    fn fields_have_arguments_and_transformers_nest() {
        check("proc.aname[2]=x", r#"[proc.aname<2> = "x"]"#);
        check(r#"container.mount.dest["/a b"] exists"#, "[container.mount.dest</a b> exists ]");
        check("evt.arg.flags contains x", r#"[evt.arg.flags contains "x"]"#);
        check("tolower(basename(proc.exe)) = x", r#"[tolower(basename(proc.exe)) = "x"]"#);
        check(
            r#"concat(join("-", ("a", 12, a.b)), proc.name) = x"#,
            r#"[concat(join("-",("a","12",a.b)),proc.name) = "x"]"#,
        );
        check(r#"getopt(proc.args, "c:")[c] exists"#, r#"[getopt(proc.args,"c:")<c> exists ]"#);
        check("proc.name = val(proc.pname)", "[proc.name = val(proc.pname)]");
        check("proc.name = tolower(proc.pname)", "[proc.name = tolower(proc.pname)]");
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        check_error("", "", "ends where a field");
        check_error("a and", "and", "unexpected `and`, expected `and` or `or`");
        check_error("a and ", "", "ends where a field");
        check_error("a b", "b", "unexpected `b`, expected `and` or `or`");
        check_error("(a b", "b", "`and`, `or` or `)`");
        check_error("(a", "(", "not closed");
        check_error("a)", ")", "unexpected `)`");
        check_error("proc.name", "", "an operator");
        check_error("proc.name ~ x", "~", "an operator");
        check_error("proc.name insider", "insider", "an operator");
        check_error("proc.name < x", "x", "a number");
        check_error("proc.name < \"5\"", "\"", "a number");
        check_error("proc.name contains\"x\"", "contains", "an operator");
        check_error("proc.name = oneof(x)", "(", "`and`");
        check_error("tolower(x) = a", "x", "a text in quotes");
        check_error("join(\"-\", (a)) = a", "a", "a text in quotes");
        check_error("a.b = val(tolower(a.b))", "tolower", "a field");
        check_error("a.b = val(a.b)[c]", "[", "the end of `val(");
        check_error("val(a.b) = x", "(", "`and`");
        check_error("proc.name =", "", "a value");
        check_error("proc.name in (a b)", "b", "`,` or `)`");
        check_error("proc.name in (a,)", ")", "a value");
        check_error("proc.name = \"a", "\"", "not closed");
        check_error(r#"proc.name = "\q""#, r"\q", "unknown escape");
        check_error(r#"proc.name = "\x4""#, r"\x", "two hexadecimal digits");
        check_error(r#"proc.name = "\x00""#, r"\x", "NUL");
        check_error("proc.aname[ = x", " ", "an argument");
        check_error("é = x", "é", "a field");
        let misspelt = parse("proc.name startwith x").unwrap_err();
        assert_eq!(misspelt.help.as_deref(), Some("did you mean startswith?"));
    }

    #[test]
    fn nesting_is_bounded_and_costs_no_stack() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        check(&nested(MAX_DEPTH), "a");
        check_error(&nested(MAX_DEPTH + 1), "(", "1000 levels");
        let both = |depth| format!("{}a{}", "not(a and ".repeat(depth), ")".repeat(depth));
        assert!(parse(&both(499)).is_ok());
        assert!(parse(&both(501)).is_err());
        assert!(parse(&nested(100_000)).is_err());
        assert!(parse(&"not(".repeat(100_000)).is_err());
        assert!(parse(&"tolower(".repeat(100_000)).is_err());
        check(&format!("{}a", "not ".repeat(100_001)), "(not a)");
    }

    #[test]
    fn where_one_operator_begins_another_the_longer_comes_first() {
        for (i, spelling) in SPELLINGS.iter().enumerate() {
            let shadowed = SPELLINGS[..i].iter().find(|earlier| {
                spelling.text.starts_with(earlier.text)
                    && !earlier.text.bytes().all(|b| b.is_ascii_alphabetic())
            });
            assert_eq!(shadowed, None, "{}", spelling.text);
        }
    }
}

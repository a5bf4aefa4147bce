//! Conditions written back as text.
//!
//! The form is Falco's (`string_visitor` in `userspace/libsinsp/filter/ast.cpp` of
//! falcosecurity/libs): each `and` and `or` in parentheses, texts in quotes where they have to
//! be. Where Falco's form would not read back as the same condition (a text that is empty or
//! holds a parenthesis or comma, texts among arguments), ours is in quotes too.

use std::fmt::{self, Display, Formatter, Write as _};

use super::ast::{self, Condition, Modifier, Operator};
use super::syntax::{self, VAL};
use super::{ops, transform};
use crate::value::OwnedValue;

impl Display for syntax::Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.arg.as_ref().map_or(Ok(()), |arg| bracketed(f, arg))
    }
}

impl Display for Condition {
    /// Reads back as the same condition, but for [`Condition::Const`], which no text stands for
    /// and which is written as `true` or `false`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(truth) => write!(f, "{truth}"),
            Self::All(all) => group(f, "and", all),
            Self::Any(all) => group(f, "or", all),
            Self::Not(inner) if matches!(**inner, Self::Not(_)) => write!(f, "not ({inner})"),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Check(check) => write!(f, "{check}"),
        }
    }
}

impl Display for ast::Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { left, operator, modifier, right } = self;
        write!(f, "{left} {operator}")?;
        if let Some(modifier) = modifier {
            write!(f, " {modifier}")?;
        }
        let is_list = modifier.is_some()
            || matches!(operator, Operator::In | Operator::Intersects | Operator::PMatch);
        let as_bytes = matches!(operator, Operator::BContains | Operator::BStartsWith);
        let constant = |f: &mut Formatter<'_>, value: &OwnedValue| match value {
            OwnedValue::Bytes(bytes) if as_bytes => {
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                // Nothing is written in quotes.
                if bytes.is_empty() { f.write_str("\"\"") } else { Ok(()) }
            }
            value => write!(f, "{}", Constant(value)),
        };
        match right {
            ast::Right::Nothing => Ok(()),
            ast::Right::Operand(operand @ ast::Operand::Field(_)) => write!(f, " {VAL}({operand})"),
            ast::Right::Operand(operand) => write!(f, " {operand}"),
            ast::Right::Constants(all) if is_list => {
                f.write_str(" ")?;
                list(f, ", ", all, constant)
            }
            ast::Right::Constants(all) => all.iter().try_for_each(|value| {
                f.write_str(" ")?;
                constant(f, value)
            }),
        }
    }
}

impl Display for ast::Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(&field.name),
            Self::Call(call) => {
                f.write_str(transform::name(call.transformer))?;
                list(f, ",", &call.args, |f, arg| write!(f, "{arg}"))?;
                match call.transformer {
                    ast::Transformer::GetOpt(Some(option)) => {
                        bracketed(f, char::from(option).encode_utf8(&mut [0; 4]))
                    }
                    _ => Ok(()),
                }
            }
            Self::Text(text) => quoted(f, text),
            Self::List(all) => list(f, ",", all, |f, one| write!(f, "{one}")),
        }
    }
}

impl Display for Operator {
    /// The first of its spellings.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(ops::spelling(*self))
    }
}

impl Display for Modifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneOf => "oneof",
            Self::AnyOf => "anyof",
            Self::AllOf => "allof",
        })
    }
}

fn group<T: Display>(f: &mut Formatter<'_>, word: &str, all: &[T]) -> fmt::Result {
    f.write_str("(")?;
    for (i, one) in all.iter().enumerate() {
        if i > 0 {
            write!(f, " {word} ")?;
        }
        write!(f, "{one}")?;
    }
    f.write_str(")")
}

fn list<T>(
    f: &mut Formatter<'_>,
    separator: &str,
    all: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str("(")?;
    for (i, one) in all.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        write(f, one)?;
    }
    f.write_str(")")
}

/// A field's argument.
fn bracketed(f: &mut Formatter<'_>, arg: &str) -> fmt::Result {
    f.write_str("[")?;
    match is_plain(arg.as_bytes()) && !arg.contains(['[', ']']) {
        true => f.write_str(arg)?,
        false => quoted(f, arg.as_bytes())?,
    }
    f.write_str("]")
}

/// A constant of any type.
struct Constant<'v>(&'v OwnedValue);

impl Display for Constant<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            OwnedValue::Bool(b) => write!(f, "{b}"),
            OwnedValue::I64(n) => write!(f, "{n}"),
            OwnedValue::U64(n) => write!(f, "{n}"),
            OwnedValue::F64(n) => write!(f, "{n}"),
            OwnedValue::Str(text) | OwnedValue::Bytes(text) => write!(f, "{}", Text(text)),
            OwnedValue::Ip(ip) => write!(f, "{ip}"),
            OwnedValue::Net(net) => write!(f, "{net}"),
            OwnedValue::List(all) => list(f, ", ", all, |f, one| write!(f, "{}", Constant(one))),
        }
    }
}

/// A text, in quotes only where it has to be.
struct Text<'t>(&'t [u8]);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self.0) {
            Ok(text) if is_plain(self.0) => f.write_str(text),
            _ => quoted(f, self.0),
        }
    }
}

/// Whether a text reads back as itself without quotes. A backslash would, but Falco writes it in
/// quotes.
fn is_plain(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| {
            !byte.is_ascii_control()
                && !matches!(byte, b' ' | b'(' | b')' | b'"' | b'\'' | b'=' | b',' | b'\\')
        })
}

fn quoted(f: &mut Formatter<'_>, text: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\u{8}' => f.write_str("\\b")?,
                '\u{C}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' | '"' => write!(f, "\\{c}")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::rules::ast::Condition;
    use crate::rules::parse_condition;
    use crate::schema::Schema;

    fn parse(text: &str) -> Condition {
        let (typed, problems) = parse_condition(&Schema::falco(), text);
        typed.unwrap_or_else(|| panic!("{text}\n{}", problems.render()))
    }

    #[track_caller]
    fn check(text: &str, written: &str) {
        let typed = parse(text);
        assert_eq!(typed.to_string(), written, "{text}");
        assert_eq!(parse(written), typed);
    }

    #[test]
    fn as_falco_writes_it() {
        check(
            "proc.name exists or proc.exe exists and not fd.name exists",
            "(proc.name exists or (proc.exe exists and not fd.name exists))",
        );
        let nested = "(proc.name exists and (proc.exe exists and fd.name exists))";
        check(nested, nested);
        check("not (proc.name=a or proc.name=b)", "not (proc.name = a or proc.name = b)");
        check("not (not proc.name=a)", "not (not proc.name = a)");
        check("proc.name == \"a b\"", "proc.name = \"a b\"");
        check("fd.num>=0x10", "fd.num >= 16");
        check("evt.type in (open,openat)", "evt.type in (open, openat)");
        check("proc.aname[2] exists", "proc.aname[2] exists");
        check("proc.name contains oneof ( a,b )", "proc.name contains oneof (a, b)");
        check("proc.name = tolower( proc.exe )", "proc.name = tolower(proc.exe)");
        check("proc.name = val( proc.exe )", "proc.name = val(proc.exe)");
        check("proc.name in ()", "proc.name in ()");
    }

    #[test]
    fn what_would_not_read_back_is_in_quotes() {
        check("proc.name = \"\"", "proc.name = \"\"");
        check("proc.name in (\"a,b\", \"(\")", "proc.name in (\"a,b\", \"(\")");
        check("proc.name = 'it\\'s \"x\"'", "proc.name = \"it's \\\"x\\\"\"");
        check("proc.name = \"\\x01\\xff\\n\\\\\"", "proc.name = \"\\x01\\xff\\n\\\\\"");
        check("proc.env[\"x]y\"] exists", "proc.env[\"x]y\"] exists");
        check(
            "join('-', ('a', 12, proc.name, len(proc.name))) = 1",
            "join(\"-\",(\"a\",\"12\",proc.name,len(proc.name))) = 1",
        );
    }

    /// Conditions of every form that typing lets through.
    fn condition() -> impl Strategy<Value = String> {
        let text = proptest::collection::vec(any::<u8>().prop_filter("NUL", |b| *b != 0), 0..6)
            .prop_map(|bytes| {
                let hex: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
                format!("\"{hex}\"")
            });
        let operand = prop_oneof![
            Just("proc.name".to_owned()),
            Just("proc.env[\"a b\"]".to_owned()),
            Just("proc.args[3]".to_owned()),
            text.clone().prop_map(|text| format!("concat(tolower(proc.exe),{text})")),
            text.clone().prop_map(|text| format!("join({text},(proc.name,fd.num,\"x\"))")),
            Just("getopt((proc.name,\"-a\"),\"a:\")[a]".to_owned()),
        ];
        let right = prop_oneof![
            Just("val(proc.pname)".to_owned()),
            Just("basename(proc.exe)".to_owned()),
            text.clone(),
        ];
        let check = prop_oneof![
            (operand.clone(), right).prop_map(|(left, right)| format!("{left} != {right}")),
            (operand.clone(), text.clone(), text.clone())
                .prop_map(|(operand, a, b)| format!("{operand} in ({a}, {b})")),
            (operand.clone(), text).prop_map(|(o, a)| format!("{o} contains allof ({a}, a)")),
            operand.prop_map(|operand| format!("{operand} exists")),
            any::<i64>().prop_map(|n| format!("fd.num >= {n}")),
            any::<u16>().prop_map(|n| format!("fd.port in ({n}, https)")),
            Just("fd.snet = fd00::/8 and fd.sip != ::1".to_owned()),
            Just("evt.is_open_read = true".to_owned()),
            Just("evt.buffer bcontains 7F00 or evt.buffer contains \"\\x7f\"".to_owned()),
            Just("evt.arg.flags regex \"O_.*\"".to_owned()),
            Just("evt.rawarg.fd < 5".to_owned()),
            Just("len(fd.types) = 2".to_owned()),
        ];
        check.prop_recursive(4, 12, 3, |inner| {
            let all = || proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                all().prop_map(|all| format!("({})", all.join(" and "))),
                all().prop_map(|all| format!("({})", all.join(" or "))),
                inner.prop_map(|inner| format!("not ({inner})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_written_reads_back_as_the_same(text in condition()) {
            let schema = Schema::falco();
            let (typed, problems) = parse_condition(&schema, &text);
            let typed = typed.ok_or_else(|| TestCaseError::fail(problems.render().to_string()))?;
            let written = typed.to_string();
            let (again, problems) = parse_condition(&schema, &written);
            prop_assert!(again.is_some(), "{}\n{}", written, problems.render());
            prop_assert_eq!(again.unwrap(), typed, "{}", written);
        }
    }
}

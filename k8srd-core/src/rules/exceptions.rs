//! Exceptions: checked, and written out as the text that Falco writes for them
//! (`userspace/engine/rule_loader_compiler.cpp` of falcosecurity/falco).

use super::diagnostic::{Code, Diagnostic, Item, ItemKind, Span};
use super::items::{Exception, Value, ValueData};
use super::lists::quote;
use super::syntax::{Form, SPELLINGS};
use super::text::Text;
use super::{fields, parser};
use crate::schema::Schema;

type Checked<T> = Result<T, Box<Diagnostic>>;

/// Checks an exception by itself; `schema` is `None` where the rule's source is not there.
pub(super) fn validate(exception: &Exception, schema: Option<&Schema>) -> Checked<()> {
    let wrong = |span: &Span, message: String| Err(error(exception, span, message));
    let Some(fields) = &exception.fields else {
        return wrong(&exception.span, "a rule's exception must have fields".to_owned());
    };
    let field_names = match (&fields.data, exception.operators.as_ref()) {
        (ValueData::Text(field), operators) => {
            if let Some(operators) = operators
                && form(operators) != Some(Form::Set)
            {
                let message = "with a single field, comps is in, pmatch or intersects".to_owned();
                return wrong(&operators.span, message);
            }
            vec![(field.as_str(), &fields.span)]
        }
        (ValueData::List(fields), operators) => {
            if let Some(operators) = operators {
                let ValueData::List(list) = &operators.data else {
                    let message = "fields is a list, so comps must be one".to_owned();
                    return wrong(&operators.span, message);
                };
                if list.len() != fields.len() {
                    let message = "fields and comps must be equally long".to_owned();
                    return wrong(&operators.span, message);
                }
                for operator in list {
                    if form(operator).is_none() {
                        let message = format!("{:?} is no operator", text(operator));
                        return wrong(&operator.span, message);
                    }
                }
            }
            fields.iter().map(|field| (text(field), &field.span)).collect()
        }
    };
    let Some(schema) = schema else { return Ok(()) };
    for (name, span) in field_names {
        let known = parser::parse_field(name)
            .is_ok_and(|field| fields::resolve(schema, &field.name, field.arg.as_deref()).is_ok());
        if !known {
            return wrong(span, format!("{name:?} is no field that conditions know"));
        }
    }
    Ok(())
}

/// Adds an exception's values to the one of its name, or the exception if it is new.
pub(super) fn append(
    exceptions: &mut Vec<Exception>,
    added: Exception,
    schema: Option<&Schema>,
) -> Checked<()> {
    let Some(earlier) = exceptions.iter_mut().find(|earlier| earlier.name == added.name) else {
        validate(&added, schema)?;
        if added.values.is_empty() {
            let message = "a new exception that is appended must have values".to_owned();
            return Err(error(&added, &added.span, message));
        }
        exceptions.push(added);
        return Ok(());
    };
    if let Some(extra) = added.fields.as_ref().or(added.operators.as_ref()) {
        let message = "to an exception that is there only values can be appended".to_owned();
        return Err(error(&added, &extra.span, message));
    }
    earlier.values.extend(added.values);
    Ok(())
}

/// The condition with all exceptions behind it.
pub(super) fn write_out(condition: &Text, exceptions: &[Exception]) -> Checked<Text> {
    let (Some(first), Some(span)) = (exceptions.first(), condition.span(&(0..0))) else {
        return Ok(condition.clone());
    };
    let mut out = Text::default();
    out.push_str("(", &span);
    out.push(condition);
    out.push_str(")", &first.span);
    for exception in exceptions.iter().filter(|exception| !exception.values.is_empty()) {
        out.push_str(" and not ", &exception.span);
        match exception.fields.as_ref().map(|fields| &fields.data) {
            Some(ValueData::Text(field)) => write_set(&mut out, exception, field)?,
            Some(ValueData::List(fields)) => write_tuples(&mut out, exception, fields)?,
            None => {}
        }
    }
    Ok(out)
}

/// `(field in (a, b))`
fn write_set(out: &mut Text, exception: &Exception, field: &str) -> Checked<()> {
    let operator = exception.operators.as_ref().and_then(text_of).map_or("in", String::as_str);
    out.push_str(&format!("({field} {operator} ("), &exception.span);
    for (i, value) in exception.values.iter().enumerate() {
        let Some(text) = text_of(value) else {
            let message = "with a single field, values is a list of texts".to_owned();
            return Err(error(exception, &value.span, message));
        };
        let separator = if i == 0 { "" } else { ", " };
        out.push_str(&format!("{separator}{}", quote(text)), &value.span);
    }
    out.push_str("))", &exception.span);
    Ok(())
}

/// `((f1 = a and f2 = b) or (f1 = c and f2 = d))`
fn write_tuples(out: &mut Text, exception: &Exception, fields: &[Value]) -> Checked<()> {
    let operators = match exception.operators.as_ref().map(|operators| &operators.data) {
        Some(ValueData::List(operators)) => &operators[..],
        _ => &[],
    };
    for (i, tuple) in exception.values.iter().enumerate() {
        let values = match &tuple.data {
            ValueData::List(values) if values.len() == fields.len() => values,
            _ => {
                let message = "fields and each of values must be equally long".to_owned();
                return Err(error(exception, &tuple.span, message));
            }
        };
        out.push_str(if i == 0 { "((" } else { " or (" }, &tuple.span);
        for (i, (field, value)) in fields.iter().zip(values).enumerate() {
            let operator = operators.get(i).map_or("=", |operator| text(operator));
            let separator = if i == 0 { "" } else { " and " };
            let start = format!("{separator}{} {operator} ", text(field));
            out.push_str(&start, &tuple.span);
            let takes_list = operators.get(i).and_then(form) == Some(Form::Set);
            out.push_str(&constant(exception, value, takes_list)?, &value.span);
        }
        out.push_str(")", &tuple.span);
    }
    out.push_str(")", &exception.span);
    Ok(())
}

fn constant(exception: &Exception, value: &Value, takes_list: bool) -> Checked<String> {
    match &value.data {
        ValueData::List(values) => {
            let texts = values.iter().map(|value| {
                text_of(value).map(|text| quote(text)).ok_or_else(|| {
                    let message = "values nest one list at most".to_owned();
                    error(exception, &value.span, message)
                })
            });
            Ok(format!("({})", texts.collect::<Checked<Vec<_>>>()?.join(", ")))
        }
        ValueData::Text(text) if takes_list && !text.starts_with('(') => Ok(format!("({text})")),
        ValueData::Text(text) if takes_list => Ok(text.clone()),
        ValueData::Text(text) => Ok(quote(text)),
    }
}

fn text(value: &Value) -> &str {
    text_of(value).map_or("", String::as_str)
}

fn text_of(value: &Value) -> Option<&String> {
    match &value.data {
        ValueData::Text(text) => Some(text),
        ValueData::List(_) => None,
    }
}

/// What the operator that `value` names takes.
fn form(value: &Value) -> Option<Form> {
    SPELLINGS.iter().find(|spelling| spelling.text == text(value)).map(|spelling| spelling.form)
}

fn error(exception: &Exception, span: &Span, message: String) -> Box<Diagnostic> {
    let item = Item::new(ItemKind::Exception, &exception.name);
    Box::new(Diagnostic::new(Code::Validate, item, message).at(span.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::FileId;
    use super::super::items::Entry;
    use super::super::reader;
    use super::*;

    fn exceptions(yaml: &str) -> Vec<Exception> {
        let source = format!(
            "- rule: r\n  desc: d\n  output: o\n  priority: debug\n  condition: evt.num=0\n  \
             exceptions:\n{yaml}"
        );
        let mut found = Vec::new();
        match reader::read(FileId(0), &source, &mut found).pop() {
            Some(Entry::Rule(rule)) => rule.keys.exceptions.expect("exceptions"),
            other => panic!("{other:?} {found:?}"),
        }
    }

    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let exceptions = exceptions(yaml);
        for exception in &exceptions {
            validate(exception, Some(&Schema::falco())).unwrap();
        }
        let span = Span { file: FileId(0), range: 0..1 };
        let out = write_out(&Text::standing_for("a or b", &span), &exceptions).unwrap();
        assert_eq!(out.as_str(), expected);
    }

    #[test]
    fn each_form_is_written_as_falco_writes_it() {
        check(
            "  - {name: a, fields: [proc.name, fd.name], values: [[x, y z], [\"'q r'\", w]]}\n",
            "(a or b) and not ((proc.name = x and fd.name = \"y z\") or (proc.name = 'q r' and \
             fd.name = w))",
        );
        check(
            "  - {name: a, fields: [proc.name, fd.name], comps: [in, pmatch], \
             values: [[names, [/a, /b c]]]}\n",
            "(a or b) and not ((proc.name in (names) and fd.name pmatch (/a, \"/b c\")))",
        );
        check(
            "  - {name: a, fields: proc.name, values: [x, y z]}\n  \
             - {name: b, fields: fd.name, comps: pmatch, values: [/a]}\n",
            "(a or b) and not (proc.name in (x, \"y z\")) and not (fd.name pmatch (/a))",
        );
        check("  - {name: a, fields: proc.name}\n", "(a or b)");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (yaml, message) in [
            ("  - {name: a, fields: [proc.name], comps: [is]}\n", "\"is\" is no operator"),
            ("  - {name: a, fields: [proc.name], comps: [=, =]}\n", "equally long"),
            ("  - {name: a, fields: [proc.name], comps: in}\n", "must be one"),
            ("  - {name: a, fields: proc.name, comps: =}\n", "in, pmatch or intersects"),
            ("  - {name: a, fields: [proc.nme]}\n", "no field"),
        ] {
            let exceptions = exceptions(yaml);
            let error = validate(&exceptions[0], Some(&Schema::falco())).unwrap_err();
            assert!(error.message.contains(message), "{yaml}: {error:?}");
        }
        let unequal = exceptions("  - {name: a, fields: [proc.name], values: [[x, y]]}\n");
        let span = Span { file: FileId(0), range: 0..1 };
        let error = write_out(&Text::standing_for("a", &span), &unequal).unwrap_err();
        assert!(error.message.contains("equally long"));
    }

    #[test]
    fn values_are_appended_to_the_exception_of_the_name() {
        let mut there = exceptions("  - {name: a, fields: proc.name, values: [x]}\n");
        let more = exceptions("  - {name: a, fields: proc.name, values: [y]}\n").remove(0);
        let values_only = Exception { fields: None, ..more.clone() };
        append(&mut there, values_only, None).unwrap();
        assert_eq!(there[0].values.len(), 2);
        assert!(append(&mut there, more, None).unwrap_err().message.contains("only values"));
    }
}

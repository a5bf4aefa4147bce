//! Exceptions: checked, and written out as the text that Falco writes for them
//! (`userspace/engine/rule_loader_compiler.cpp` of falcosecurity/falco).

use std::collections::HashMap;

use super::diagnostic::{Code, Diagnostic, Item, ItemKind, Span};
use super::items::{Exception, Value, ValueData};
use super::lists::quote;
use super::suggest::did_you_mean;
use super::syntax::{Form, MODIFIERS, Name, SPELLINGS};
use super::text::Text;
use super::{fields, parser, typing};
use crate::schema::Schema;

type Checked<T> = Result<T, Box<Diagnostic>>;

/// The exceptions of a rule, in order.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    all: Vec<Exception>,
    /// The place of each name; of the first exception, where several have it.
    places: HashMap<String, usize>,
}

impl Exceptions {
    pub(super) fn new(all: Vec<Exception>) -> Self {
        let mut places = HashMap::new();
        for (place, exception) in all.iter().enumerate() {
            places.entry(exception.name.clone()).or_insert(place);
        }
        Self { all, places }
    }

    pub(super) fn all(&self) -> &[Exception] {
        &self.all
    }

    /// Adds an exception's values to the one of its name, or the exception if it is new.
    pub(super) fn append(&mut self, mut added: Exception, schema: Option<&Schema>) -> Checked<()> {
        let earlier = self.places.get(&added.name).and_then(|&place| self.all.get_mut(place));
        let Some(earlier) = earlier else {
            if added.fields.is_some() && added.values.is_empty() {
                let message = "a new exception that is appended must have values".to_owned();
                return Err(error(&added, &added.span, message));
            }
            validate(&mut added, schema)?;
            self.places.insert(added.name.clone(), self.all.len());
            self.all.push(added);
            return Ok(());
        };
        if let Some(extra) = added.fields.as_ref().or(added.operators.as_ref()) {
            let message = "to an exception that is there only values can be appended".to_owned();
            return Err(error(&added, &extra.span, message));
        }
        earlier.values.extend(added.values);
        Ok(())
    }
}

/// Checks an exception by itself; `schema` is `None` where the rule's source is not there, or its
/// fields are not looked at before the condition is compiled.
pub(super) fn validate(exception: &mut Exception, schema: Option<&Schema>) -> Checked<()> {
    if let Some(operators) = &mut exception.operators {
        trim(operators);
    }
    let exception = &*exception;
    let wrong = |span: &Span, message: String| Err(error(exception, span, message));
    let Some(fields) = &exception.fields else {
        return wrong(&exception.span, "a rule's exception must have fields".to_owned());
    };
    let field_names = match (&fields.data, exception.operators.as_ref()) {
        (ValueData::Text(field), operators) => {
            if let Some(operators) = operators
                && !takes_list(operators)
            {
                let message = "with a single field, comps is in, pmatch, intersects or one such \
                               as `startswith oneof`";
                return wrong(&operators.span, message.to_owned());
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
                if let Some(operator) = list.iter().find(|&operator| !is_operator(operator)) {
                    let (span, written) = (&operator.span, text(operator));
                    let help =
                        did_you_mean(written, SPELLINGS.iter().map(|spelling| spelling.text));
                    let error = error(exception, span, format!("{written:?} is no operator"));
                    return Err(Box::new(error.help(help)));
                }
            }
            fields.iter().map(|field| (text(field), &field.span)).collect()
        }
    };
    let Some(schema) = schema else { return Ok(()) };
    for (name, span) in field_names {
        if !is_field(schema, name) {
            let error =
                error(exception, span, format!("{name:?} is no field that conditions know"));
            let known = schema.fields().iter().map(|info| &*info.name);
            return Err(Box::new(error.help(did_you_mean(name, known))));
        }
    }
    Ok(())
}

/// Whether a condition can compare this: a field, or a value computed from fields.
fn is_field(schema: &Schema, name: &str) -> bool {
    if !name.contains('(') {
        return parser::parse_field(name)
            .is_ok_and(|field| fields::resolve(schema, &field.name, field.arg.as_deref()).is_ok());
    }
    let no_macros = |_: &Name| typing::Macro::Broken;
    parser::parse(&format!("{name} exists"))
        .is_ok_and(|expr| typing::check(schema, &no_macros, &expr).0.is_some())
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
            let takes_list = operators.get(i).is_some_and(takes_list);
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

/// Operators are compared without the blanks round them.
fn trim(operators: &mut Value) {
    match &mut operators.data {
        ValueData::Text(text) => {
            *text = text.trim_matches([' ', '\t', '\r', '\n']).to_owned();
        }
        ValueData::List(operators) => operators.iter_mut().for_each(trim),
    }
}

fn is_operator(value: &Value) -> bool {
    form(text(value)).is_some() || has_modifier(text(value))
}

/// Whether a list stands on the right of the operator that `value` names.
fn takes_list(value: &Value) -> bool {
    form(text(value)) == Some(Form::Set) || has_modifier(text(value))
}

/// Whether this is an operator such as `startswith oneof`.
fn has_modifier(operator: &str) -> bool {
    operator.split_once(' ').is_some_and(|(operator, modifier)| {
        form(operator) == Some(Form::Text) && MODIFIERS.contains(&modifier)
    })
}

/// What the operator of this name takes.
fn form(operator: &str) -> Option<Form> {
    SPELLINGS.iter().find(|spelling| spelling.text == operator).map(|spelling| spelling.form)
}

fn error(exception: &Exception, span: &Span, message: String) -> Box<Diagnostic> {
    let item = Item::new(ItemKind::Exception, &exception.name);
    Box::new(Diagnostic::new(Code::Validate, item, message).at(span.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::FileId;
    use super::super::items::{Entry, Read};
    use super::super::reader::Reader;
    use super::super::yaml;
    use super::*;

    fn exceptions(yaml: &str) -> Vec<Exception> {
        let source = format!(
            "- rule: r\n  desc: d\n  output: o\n  priority: debug\n  condition: evt.num=0\n  \
             exceptions:\n{yaml}"
        );
        let mut found = Vec::new();
        let (documents, _) = yaml::documents(&source);
        let mut reader =
            Reader { file: FileId(0), source: &source, strict_falco: false, found: &mut found };
        let items = reader.items(&documents[0]).unwrap();
        match reader.item(&items[0]) {
            Ok(Some(Read { entry: Entry::Rule(rule), .. })) => {
                rule.keys.exceptions.expect("exceptions")
            }
            other => panic!("{other:?} {found:?}"),
        }
    }

    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let mut exceptions = exceptions(yaml);
        for exception in &mut exceptions {
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
        check(
            "  - {name: a, fields: [proc.name, fd.name], comps: [' startswith oneof ', =], \
             values: [[[x, y], z], [w, v]]}\n",
            "(a or b) and not ((proc.name startswith oneof (x, y) and fd.name = z) or (proc.name \
             startswith oneof (w) and fd.name = v))",
        );
        check(
            "  - {name: a, fields: fd.name, comps: glob anyof, values: [/a*]}\n",
            "(a or b) and not (fd.name glob anyof (/a*))",
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (yaml, message) in [
            ("  - {name: a, fields: [proc.name], comps: [is]}\n", "\"is\" is no operator"),
            ("  - {name: a, fields: [proc.name], comps: [=, =]}\n", "equally long"),
            ("  - {name: a, fields: [proc.name], comps: in}\n", "must be one"),
            ("  - {name: a, fields: proc.name, comps: =}\n", "in, pmatch, intersects"),
            ("  - {name: a, fields: [proc.name], comps: [in oneof]}\n", "is no operator"),
            ("  - {name: a, fields: [fd.num], comps: [>= oneof]}\n", "is no operator"),
            ("  - {name: a, fields: [proc.name], comps: [oneof]}\n", "is no operator"),
            ("  - {name: a, fields: [tolower(proc.nme)]}\n", "no field"),
            ("  - {name: a, fields: [], comps: []}\n", "must have fields"),
            ("  - {name: a, fields: [proc.nme]}\n", "no field"),
        ] {
            let mut exceptions = exceptions(yaml);
            let error = validate(&mut exceptions[0], Some(&Schema::falco())).unwrap_err();
            assert!(error.message.contains(message), "{yaml}: {error:?}");
        }
        let unequal = exceptions("  - {name: a, fields: [proc.name], values: [[x, y]]}\n");
        let span = Span { file: FileId(0), range: 0..1 };
        let error = write_out(&Text::standing_for("a", &span), &unequal).unwrap_err();
        assert!(error.message.contains("equally long"));
    }

    #[test]
    fn values_are_appended_to_the_exception_of_the_name() {
        let there = exceptions("  - {name: a, fields: proc.name, values: [x]}\n");
        let mut there = Exceptions::new(there);
        let more = exceptions("  - {name: a, fields: proc.name, values: [y]}\n").remove(0);
        let values_only = Exception { fields: None, ..more.clone() };
        there.append(values_only, None).unwrap();
        assert_eq!(there.all()[0].values.len(), 2);
        assert!(there.append(more, None).unwrap_err().message.contains("only values"));
    }
}

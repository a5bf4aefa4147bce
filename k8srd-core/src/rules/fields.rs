//! From a field as written to a key.

use super::suggest::did_you_mean;
use crate::field::{Arg, ArgRule, FieldInfo, FieldType, Key, Multiplicity};
use crate::schema::Schema;

/// A field that the schema knows.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'s> {
    pub(super) key: Key,
    pub(super) info: &'s FieldInfo,
    /// How many values it has with this argument.
    pub(super) multiplicity: Multiplicity,
}

/// What is wrong with a field.
#[derive(Clone, Debug)]
pub(super) struct FieldProblem {
    /// Whether the schema does not know the field, rather than that it is used wrongly.
    pub(super) unknown: bool,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Finds a field by its name and what stands in brackets behind it.
///
/// A field that must have an argument also takes it behind a dot: `evt.arg.flags` is
/// `evt.arg[flags]`.
pub(super) fn resolve<'s>(
    schema: &'s Schema,
    name: &str,
    arg: Option<&str>,
) -> Result<Resolved<'s>, FieldProblem> {
    if let Some(info) = schema.field_named(name) {
        return with_arg(info, arg.map(Arg::parse));
    }
    if arg.is_none()
        && let Some((info, arg)) = dotted(schema, name)
    {
        return with_arg(info, Some(Arg::Name(arg.into())));
    }
    Err(FieldProblem {
        unknown: true,
        message: format!("unknown field {name}"),
        help: did_you_mean(name, schema.fields().iter().map(|info| &*info.name)),
    })
}

/// The field of `prefix.argument` that must have an argument.
fn dotted<'s, 'n>(schema: &'s Schema, name: &'n str) -> Option<(&'s FieldInfo, &'n str)> {
    name.rmatch_indices('.').find_map(|(dot, _)| {
        let (field, arg) = name.split_at_checked(dot)?;
        let info = schema.field_named(field).filter(|info| info.arg == ArgRule::Required)?;
        Some((info, arg.strip_prefix('.')?))
    })
}

fn with_arg(info: &FieldInfo, arg: Option<Arg>) -> Result<Resolved<'_>, FieldProblem> {
    let wrong = |message: String| Err(FieldProblem { unknown: false, message, help: None });
    match (info.arg, &arg) {
        (ArgRule::None, Some(arg)) => {
            return wrong(format!("{} takes no argument, remove {arg}", info.name));
        }
        (ArgRule::Required, None) => {
            return wrong(format!("{0} needs an argument, such as {0}[name]", info.name));
        }
        _ => {}
    }
    if info.multiplicity == Multiplicity::Any && matches!(arg, Some(Arg::Name(_))) {
        return wrong(format!("{0} counts ancestors: {0}[1] is of the parent", info.name));
    }
    let multiplicity = match (info.multiplicity, &arg) {
        (Multiplicity::Any, Some(_)) => Multiplicity::One,
        (multiplicity, _) => multiplicity,
    };
    let key = match arg {
        Some(arg) => Key::with_arg(info.id, arg),
        None => Key::of(info.id),
    };
    Ok(Resolved { key, info, multiplicity })
}

impl Resolved<'_> {
    pub(super) fn ty(&self) -> FieldType {
        self.info.ty
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn arguments_stand_in_brackets_or_behind_a_dot() {
        let schema = Schema::falco();
        let key = |name, arg| resolve(&schema, name, arg).map(|found| found.key).unwrap();
        let flags = Key::with_arg(catalogue::EVT_ARG, Arg::Name("flags".into()));
        assert_eq!(key("evt.arg.flags", None), flags);
        assert_eq!(key("evt.arg", Some("flags")), flags);
        assert_eq!(key("evt.arg", Some("0")), Key::with_arg(catalogue::EVT_ARG, Arg::Index(0)));
        assert_eq!(key("proc.name", None), Key::of(catalogue::PROC_NAME));
    }

    #[test]
    fn an_ancestor_with_a_number_is_one() {
        let schema = Schema::falco();
        let many = |arg| resolve(&schema, "proc.aname", arg).map(|found| found.multiplicity);
        assert_eq!(many(None).unwrap(), Multiplicity::Any);
        assert_eq!(many(Some("2")).unwrap(), Multiplicity::One);
        assert!(many(Some("x")).unwrap_err().message.contains("proc.aname[1]"));
    }

    #[test]
    fn wrong_arguments_and_names_are_told_apart() {
        let schema = Schema::falco();
        let problem = |name, arg| resolve(&schema, name, arg).unwrap_err();
        assert!(problem("proc.name", Some("1")).message.contains("takes no argument"));
        assert!(problem("evt.arg", None).message.contains("needs an argument"));
        let unknown = problem("proc.nmae", None);
        assert!(unknown.unknown);
        assert_eq!(unknown.help.as_deref(), Some("did you mean proc.name?"));
    }
}

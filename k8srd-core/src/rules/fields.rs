//! From a field as written to a key.

use super::suggest::did_you_mean;
use crate::field::{Arg, ArgForm, ArgRule, FieldInfo, Key, Multiplicity};
use crate::schema::Schema;

/// The most bytes of a field's name in front of its argument; names in use have 30.
pub(super) const LONGEST: usize = 255;

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

impl FieldProblem {
    fn new(message: String) -> Self {
        Self { unknown: false, message, help: None }
    }

    fn help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

/// Finds a field by its name and what stands in brackets behind it. Some fields have their
/// argument behind a dot: `evt.arg.flags`.
pub(super) fn resolve<'s>(
    schema: &'s Schema,
    name: &str,
    arg: Option<&str>,
) -> Result<Resolved<'s>, FieldProblem> {
    if let Some(info) = schema.field_named(name) {
        let arg = arg.map(|text| bracketed(info, text)).transpose()?;
        if arg.is_none() && info.arg == ArgRule::Required {
            let message = format!("{} needs an argument, such as {}", info.name, example(info));
            return Err(FieldProblem::new(message));
        }
        return Ok(resolved(info, arg));
    }
    if let Some((info, text)) = dotted(schema, name) {
        if let Some(arg) = arg {
            let message = format!("{name} takes no further argument, remove [{arg}]");
            return Err(FieldProblem::new(message));
        }
        let arg = behind_dot(schema, info, text)?;
        return Ok(resolved(info, Some(arg)));
    }
    Err(FieldProblem {
        unknown: true,
        message: format!("unknown field {name}"),
        help: did_you_mean(name, schema.fields().iter().map(|info| &*info.name)),
    })
}

/// Whether a text could stand for a field. Cheap where it does not, unlike [`resolve`], which then
/// looks for a name that is near.
pub(super) fn is_field(schema: &Schema, name: &str, arg: Option<&str>) -> bool {
    is_known(schema, name) && resolve(schema, name, arg).is_ok()
}

/// Whether a name is that of a field, which may be used wrongly.
pub(super) fn is_known(schema: &Schema, name: &str) -> bool {
    schema.field_named(name).is_some() || dotted(schema, name).is_some()
}

/// The longest field that takes an argument and stands before a dot of `name`, and what follows.
fn dotted<'s, 'n>(schema: &'s Schema, name: &'n str) -> Option<(&'s FieldInfo, &'n str)> {
    // Each dot costs as much as what stands before it.
    let head = name.get(..name.floor_char_boundary(LONGEST)).unwrap_or(name);
    head.rmatch_indices('.').find_map(|(dot, _)| {
        let (field, arg) = name.split_at_checked(dot)?;
        let info = schema.field_named(field).filter(|info| info.arg != ArgRule::None)?;
        Some((info, arg.strip_prefix('.')?))
    })
}

/// The argument that stands in brackets.
fn bracketed(info: &FieldInfo, text: &str) -> Result<Arg, FieldProblem> {
    let name = &info.name;
    info.arg_form.bracketed(text).ok_or_else(|| {
        let wants = match info.arg_form {
            ArgForm::None => {
                return FieldProblem::new(format!("{name} takes no argument, remove [{text}]"));
            }
            ArgForm::Index | ArgForm::Time => "a number stands in its brackets",
            _ => "its argument stands behind a dot",
        };
        FieldProblem::new(format!("{name}[{text}]: {wants}, as in {}", example(info)))
    })
}

/// The argument that stands behind a dot.
fn behind_dot(schema: &Schema, info: &FieldInfo, text: &str) -> Result<Arg, FieldProblem> {
    let name = &info.name;
    let word = || Ok(Arg::Name(text.into()));
    match info.arg_form {
        ArgForm::Param | ArgForm::ParamName => {
            let params = || schema.kinds().iter().flat_map(|kind| kind.params.iter());
            if params().any(|param| param.name == text) {
                return word();
            }
            let problem = FieldProblem::new(format!("no event has a param {text}"));
            Err(problem.help(did_you_mean(text, params().map(|param| param.name))))
        }
        ArgForm::Kind => {
            if schema.kind_named(text).is_some() {
                return word();
            }
            let names = schema.kinds().iter().map(|kind| &*kind.name);
            let problem = FieldProblem::new(format!("unknown event type {text}"));
            Err(problem.help(did_you_mean(text, names)))
        }
        ArgForm::Word if text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') => word(),
        ArgForm::Word => Err(FieldProblem::new(format!(
            "{name}.{text}: its argument is letters and underscores, as in {}",
            example(info)
        ))),
        ArgForm::End if matches!(text, "src" | "dst") => word(),
        ArgForm::End => {
            Err(FieldProblem::new(format!("{name}.{text}: only src and dst may follow")))
        }
        _ => {
            let message = format!("{name} takes its argument in brackets: {name}[{text}]");
            Err(FieldProblem::new(message))
        }
    }
}

fn example(info: &FieldInfo) -> String {
    format!("{}{}", info.name, info.arg_form.example())
}

fn resolved(info: &FieldInfo, arg: Option<Arg>) -> Resolved<'_> {
    let multiplicity = match (info.multiplicity, &arg) {
        (Multiplicity::Any, Some(_)) => Multiplicity::One,
        (multiplicity, _) => multiplicity,
    };
    let key = match arg {
        Some(arg) => Key::with_arg(info.id, arg),
        None => Key::of(info.id),
    };
    Resolved { key, info, multiplicity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    /// The argument of the field, or what is wrong with it.
    fn arg(text: &str) -> String {
        let (name, arg) = match text.split_once('[') {
            Some((name, arg)) => (name, arg.strip_suffix(']')),
            None => (text, None),
        };
        match resolve(&Schema::falco(), name, arg) {
            Ok(found) => format!("{:?}", found.key.arg()),
            Err(problem) => problem.message,
        }
    }

    #[test]
    fn arguments_stand_where_the_field_has_them() {
        for (field, expected) in [
            ("proc.name", "None"),
            ("proc.aname[2]", "Index(2)"),
            (
                "proc.aname[x]",
                "proc.aname[x]: a number stands in its brackets, as in proc.aname[1]",
            ),
            ("proc.aname.2", "proc.aname takes its argument in brackets: proc.aname[2]"),
            ("proc.args[0]", "Index(0)"),
            ("proc.env[HOME]", r#"Name("HOME")"#),
            ("proc.aenv[2]", "Index(2)"),
            ("evt.arg.flags", r#"Name("flags")"#),
            ("evt.arg[0]", "Index(0)"),
            (
                "evt.arg[flags]",
                "evt.arg[flags]: its argument stands behind a dot, as in evt.arg.flags",
            ),
            ("evt.arg.flag", "no event has a param flag"),
            ("evt.arg", "evt.arg needs an argument, such as evt.arg.flags"),
            ("evt.rawarg.mode", r#"Name("mode")"#),
            (
                "evt.rawarg[0]",
                "evt.rawarg[0]: its argument stands behind a dot, as in evt.rawarg.flags",
            ),
            ("evt.rawarg.mode[0]", "evt.rawarg.mode takes no further argument, remove [0]"),
            ("evt.type.is.openat", r#"Name("openat")"#),
            ("evt.type.is.opena", "unknown event type opena"),
            ("evt.abspath", "None"),
            ("evt.abspath.src", r#"Name("src")"#),
            ("evt.abspath.x", "evt.abspath.x: only src and dst may follow"),
            ("evt.around[1404996934793590564]", r#"Name("1404996934793590564")"#),
            (
                "evt.around[x]",
                "evt.around[x]: a number stands in its brackets, as in \
                 evt.around[1404996934793590564]",
            ),
            ("thread.cgroup.net_cls", r#"Name("net_cls")"#),
            (
                "thread.cgroup.v2",
                "thread.cgroup.v2: its argument is letters and underscores, as in \
                 thread.cgroup.memory",
            ),
            ("container.mount.dest[/etc]", r#"Name("/etc")"#),
            ("container.mount.dest[0]", "Index(0)"),
            ("container.mount[01]", r#"Name("01")"#),
            ("container.label[0]", r#"Name("0")"#),
            (
                "k8s.pod.label.app",
                "k8s.pod.label takes its argument in brackets: k8s.pod.label[app]",
            ),
            ("proc.name[1]", "proc.name takes no argument, remove [1]"),
        ] {
            assert_eq!(arg(field), expected, "{field}");
        }
    }

    #[test]
    fn an_ancestor_with_a_number_is_one() {
        let schema = Schema::falco();
        let many = |arg| resolve(&schema, "proc.aname", arg).map(|found| found.multiplicity);
        assert_eq!(many(None).unwrap(), Multiplicity::Any);
        assert_eq!(many(Some("2")).unwrap(), Multiplicity::One);
    }

    #[test]
    fn an_unknown_name_is_told_apart_from_a_wrong_argument() {
        let schema = Schema::falco();
        let unknown = resolve(&schema, "proc.nmae", None).unwrap_err();
        assert!(unknown.unknown);
        assert_eq!(unknown.help.as_deref(), Some("did you mean proc.name?"));
        let param = resolve(&schema, "evt.arg.flag", None).unwrap_err();
        assert!(!param.unknown);
        assert_eq!(param.help.as_deref(), Some("did you mean flags?"));
        let key = resolve(&schema, "proc.name", None).unwrap().key;
        assert_eq!(key, Key::of(catalogue::PROC_NAME));
    }

    #[test]
    fn a_name_of_any_length_is_looked_up_in_linear_time() {
        let schema = Schema::falco();
        assert!(resolve(&schema, &"a.".repeat(1 << 20), None).is_err());
        assert!(resolve(&schema, &format!("evt.arg.{}", "a.".repeat(1 << 20)), None).is_err());
        assert!(schema.fields().iter().all(|info| info.name.len() < LONGEST));
    }
}

use super::*;
use crate::field::{ArgForm, ArgRule, FieldType, Multiplicity, Part, Usage};
use crate::rules::parse_condition;
use crate::schema::Schema;

#[test]
fn ids_are_places_and_names_are_unique() {
    let mut names = std::collections::HashSet::new();
    for (place, info) in FIELDS.iter().enumerate() {
        assert_eq!(usize::from(info.id.0), place + usize::from(FieldId::PARAMS));
        assert!(names.insert(&info.name), "{} twice", info.name);
        assert!(!info.doc.is_empty() && !info.doc.ends_with('.'), "{}", info.name);
    }
    for (place, info) in FIELDS.iter().enumerate() {
        assert_eq!(place < COMMON, info.answered_by == Part::Pipeline, "{}", info.name);
    }
}

#[test]
fn a_value_that_outlives_its_event_names_what_ends_it() {
    for info in FIELDS.iter() {
        match info.scope {
            Scope::Event => assert!(info.ended_by.is_empty(), "{}", info.name),
            // A container's record is found anew for each event and never changes.
            Scope::Container => assert!(info.ended_by.is_empty(), "{}", info.name),
            _ => assert!(!info.ended_by.is_empty(), "{}", info.name),
        }
        let lasting = info.scope != Scope::Event;
        let changing = matches!(info.ty, FieldType::AbsTime | FieldType::RelTime)
            || ["evt.", "fd.", "fs."].iter().any(|class| info.name.starts_with(class));
        assert!(!(lasting && changing), "{} cannot outlive its event", info.name);
    }
}

#[test]
fn arguments_have_a_form_and_several_values_no_single_operand() {
    for info in FIELDS.iter() {
        let name = &info.name;
        assert_eq!(info.arg == ArgRule::None, info.arg_form == ArgForm::None, "{name}");
        if matches!(info.multiplicity, Multiplicity::Either | Multiplicity::Any) {
            assert!(!info.operand && !info.transformable, "{name}");
        }
        if info.multiplicity == Multiplicity::Either || info.ty == FieldType::Net {
            assert_eq!(info.usage, Usage::FilterOnly, "{name}");
        }
        if info.usage == Usage::TableOnly {
            assert!(matches!(info.answered_by, Part::Nobody(_)), "{name}");
        }
    }
}

/// As many as Falco and its plugins have, and ours.
#[test]
fn the_catalogue_is_whole() {
    let count = |prefixes: &[&str]| {
        let ours = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        FIELDS.iter().filter(|info| ours(&info.name)).count()
    };
    assert_eq!(count(&["evt.", "syscall."]), 18 + 58);
    assert_eq!(count(&["proc.is_container_"]), 3);
    assert_eq!(count(&["proc.", "thread."]), 90 + 3);
    assert_eq!(count(&["user.", "group."]), 8);
    assert_eq!(count(&["fd."]), 46 + 1);
    assert_eq!(count(&["fs.path.", "fdlist.", "util."]), 6 + 6 + 1);
    assert_eq!(count(&["container.", "k8s."]) + 3, 61);
    assert_eq!(count(&["k8smeta."]), 25);
    let rules = |info: &&FieldInfo| info.usage.in_conditions() && !info.name.starts_with("ctx.");
    // Falco's 214 conditions may ask for, those of both plugins, and `fd.realpath`.
    assert_eq!(FIELDS.iter().filter(rules).count(), 214 + 61 + 25 + 1);
}

#[test]
fn a_condition_may_ask_for_any_field_that_is_for_conditions() {
    let schema = Schema::falco();
    for info in FIELDS.iter().filter(|info| info.usage.in_conditions()) {
        let value = match info.ty {
            FieldType::Bool => "true",
            FieldType::Ip => "10.0.0.1",
            FieldType::Net => "10.0.0.0/8",
            _ if ["evt.type", "syscall.type"].contains(&&*info.name) => "openat",
            FieldType::Str | FieldType::Path | FieldType::Bytes => "x",
            _ => "1",
        };
        let argument = info.arg_form.example();
        for asked in [
            (info.arg != ArgRule::Required).then(|| info.name.to_string()),
            (info.arg != ArgRule::None).then(|| format!("{}{argument}", info.name)),
        ]
        .into_iter()
        .flatten()
        {
            let condition = match info.multiplicity {
                // Falco compares with either end, and has no other question about them.
                Multiplicity::Either => format!("{asked} = {value}"),
                Multiplicity::List => format!("{asked} exists and {asked} intersects ({value})"),
                _ => format!("{asked} exists and {asked} in ({value})"),
            };
            let (typed, problems) = parse_condition(&schema, &condition);
            assert!(typed.is_some(), "{condition}: {}", problems.render());
        }
    }
}

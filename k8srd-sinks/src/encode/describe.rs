//! What rules, macros and lists are made of, as Falco's JSON.
//!
//! Facts on the form: `describe_rule` in `userspace/engine/falco_engine.cpp` of
//! falcosecurity/falco. There the names in a list come in any order; here they are sorted.

use k8srd_core::rules::describe::{
    ConditionDetails, Description, ListDescription, MacroDescription, RequiredPlugin,
    RuleDescription,
};
use serde_json::{Value, json};

/// Everything, as `falco -L` prints it with `json_output`: one object on one line. A rule's
/// `weight` is there too, which Falco does not know.
pub fn describe(description: &Description) -> String {
    whole(description).to_string()
}

/// Some rules only, in an object `{"rules": […]}`, as `falco -l` prints it.
pub fn describe_rules(rules: &[RuleDescription]) -> String {
    json!({ "rules": all(rules, rule) }).to_string()
}

/// Some macros only, in an object `{"macros": […]}`.
pub fn describe_macros(macros: &[MacroDescription]) -> String {
    json!({ "macros": all(macros, macro_item) }).to_string()
}

/// Some lists only, in an object `{"lists": […]}`.
pub fn describe_lists(lists: &[ListDescription]) -> String {
    json!({ "lists": all(lists, list) }).to_string()
}

pub(super) fn whole(description: &Description) -> Value {
    json!({
        "required_engine_version": description.required_engine_version,
        "required_plugin_versions": all(&description.required_plugin_versions, plugin),
        "rules": all(&description.rules, rule),
        "macros": all(&description.macros, macro_item),
        "lists": all(&description.lists, list),
    })
}

fn all<T>(items: &[T], each: fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(each).collect()
}

fn plugin(plugin: &RequiredPlugin) -> Value {
    let alternatives = plugin.alternatives.iter();
    let alternatives: Vec<_> =
        alternatives.map(|(name, version)| json!({ "name": name, "version": version })).collect();
    json!({ "name": plugin.name, "version": plugin.version, "alternatives": alternatives })
}

fn rule(rule: &RuleDescription) -> Value {
    let info = &*rule.info;
    let mut details = condition(&rule.details);
    details["output_fields"] = json!(rule.output_fields);
    details["exception_names"] = json!(rule.exception_names);
    details["exception_fields"] = json!(rule.exception_fields);
    details["exception_operators"] = json!(rule.exception_operators);
    details["output_compiled"] = json!(rule.output);
    details["plugins"] = json!(rule.plugins);
    json!({
        "info": {
            "name": info.name,
            "condition": rule.condition,
            "priority": info.priority.name(),
            "output": rule.output,
            "description": info.description,
            "enabled": rule.enabled,
            "source": info.source,
            "capture": info.capture,
            "capture_duration": info.capture_duration,
            "tags": info.tags,
            "weight": info.weight,
        },
        "details": details,
    })
}

fn macro_item(item: &MacroDescription) -> Value {
    let mut details = condition(&item.details);
    details["used"] = json!(item.used);
    // As in Falco: which plugin answers follows from the source of a rule only.
    details["plugins"] = json!([]);
    json!({ "info": { "name": item.name, "condition": item.condition }, "details": details })
}

fn list(list: &ListDescription) -> Value {
    json!({
        "info": { "name": list.name, "items": list.items },
        "details": {
            "used": list.used,
            "lists": list.lists,
            "items_compiled": list.items_compiled,
            "plugins": [],
        },
    })
}

fn condition(details: &ConditionDetails) -> Value {
    json!({
        "macros": details.macros,
        "lists": details.lists,
        "condition_operators": details.condition_operators,
        "condition_fields": details.condition_fields,
        "events": details.events,
        "condition_compiled": details.condition_compiled,
    })
}

#[cfg(test)]
mod tests {
    use k8srd_core::rules::Loader;
    use k8srd_core::schema::Schema;

    use super::*;

    const TEXT: &str = "\
- required_engine_version: 0.50.0
- required_plugin_versions:
  - {name: json, version: 0.1.0, alternatives: [{name: container, version: 0.4.0}]}
- list: shells
  items: [sh, bash]
- list: programs
  items: [shells, curl]
- macro: started
  condition: evt.type = execve
- macro: idle
  condition: evt.num = 1
- rule: Shell
  desc: a shell was started
  condition: started and proc.name in (shells) and container.id != host
  output: a shell (command=%proc.cmdline)
  priority: info
  tags: [b, a]
  exceptions:
  - {name: known, fields: [proc.pname], values: [[cron]]}
";

    fn description() -> Description {
        let (rules, found) = Loader::new(&Schema::falco()).add_file("a.yaml", TEXT).load();
        assert!(!found.has_errors(), "{}", found.render());
        rules.describe()
    }

    fn parse(text: &str) -> Value {
        assert!(!text.contains('\n'), "one line: {text}");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_whole_is_falcos_object() {
        let object = parse(&describe(&description()));
        assert_eq!(object["required_engine_version"], "0.50.0");
        assert_eq!(
            object["required_plugin_versions"],
            json!([{
                "name": "json",
                "version": "0.1.0",
                "alternatives": [{ "name": "container", "version": "0.4.0" }],
            }])
        );
        let names = |key: &str| -> Vec<_> {
            let items = object[key].as_array().unwrap().iter();
            items.map(|item| item["info"]["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("rules"), ["Shell"]);
        assert_eq!(names("macros"), ["started", "idle"]);
        assert_eq!(names("lists"), ["shells", "programs"]);
    }

    #[test]
    fn a_rule_says_what_it_is_made_of() {
        let object = parse(&describe_rules(&description().rules));
        let rule = &object["rules"][0];
        let info = &rule["info"];
        assert_eq!(info["priority"], "Informational");
        assert_eq!(info["tags"], json!(["a", "b"]));
        assert_eq!((&info["enabled"], &info["capture"]), (&json!(true), &json!(false)));
        let details = &rule["details"];
        for (key, value) in [
            ("macros", json!(["started"])),
            ("lists", json!(["shells"])),
            ("condition_fields", json!(["container.id", "evt.type", "proc.name", "proc.pname"])),
            ("condition_operators", json!(["!=", "=", "in"])),
            ("output_fields", json!(["proc.cmdline"])),
            ("exception_names", json!(["known"])),
            ("exception_fields", json!(["proc.pname"])),
            ("exception_operators", json!(["="])),
            ("events", json!(["execve"])),
            ("plugins", json!(["container"])),
        ] {
            assert_eq!(details[key], value, "{key}");
        }
        let compiled = details["condition_compiled"].as_str().unwrap();
        assert!(compiled.contains("bash") && compiled.contains("cron"), "{compiled}");
    }

    #[test]
    fn macros_and_lists_say_whether_they_are_used() {
        let description = description();
        let macros = parse(&describe_macros(&description.macros));
        assert_eq!(macros["macros"][0]["details"]["used"], true);
        assert_eq!(macros["macros"][1]["details"]["used"], false);
        assert_eq!(macros["macros"][0]["info"]["condition"], "evt.type = execve");
        let lists = parse(&describe_lists(&description.lists));
        assert_eq!(
            lists["lists"][1],
            json!({
                "info": { "name": "programs", "items": ["curl"] },
                "details": {
                    "used": false,
                    "lists": ["shells"],
                    "items_compiled": ["sh", "bash", "curl"],
                    "plugins": [],
                },
            })
        );
    }
}

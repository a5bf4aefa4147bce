//! The keys with what they take and mean, for people and programs, all from the types and their
//! comments.

use std::fmt::Write as _;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{Config, DEFAULT_FILE};

/// A key that holds a value of its own.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is typed after `-o`; `[]` stands for an item, `<name>` for a name of one's choice.
    pub(crate) path: String,
    /// What it may be set to.
    takes: String,
    /// Its value if nobody sets it, as it is typed after `-o`; empty inside of items.
    default: String,
    meaning: String,
}

/// All keys in the order of their names.
pub(crate) fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let mut keys = Vec::new();
        members("", &schema(), &mut keys);
        keys
    });
    &KEYS
}

/// The JSON Schema of the configuration file.
pub(crate) fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    schema.insert("title".to_owned(), "k8srd configuration".into());
    schema.to_value()
}

/// The keys for `--help`.
pub(crate) static HELP: LazyLock<String> = LazyLock::new(|| {
    let mut help = String::from(
        "Set a configuration key, over what the file says; may be repeated, the last one wins. \
         [0] is an item of a list, [] a new one at its end; a value in [], {} or quotes is YAML. \
         The keys:",
    );
    for Key { path, takes, meaning, .. } in keys() {
        let first = meaning.split_inclusive(". ").next().unwrap_or_default().trim_end();
        let _ = write!(help, "\n- {path} ({takes}): {}", first.trim_end_matches('.'));
    }
    help
});

/// docs/configuration.md.
pub(crate) fn markdown() -> String {
    let mut page = format!("{HEAD}\n");
    for Key { path, takes, default, meaning } in keys() {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let cells = [&format!("`{path}`"), takes, &default, meaning];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page.replace("{DEFAULT_FILE}", DEFAULT_FILE) + FOOT
}

const HEAD: &str = include_str!("reference/head.md");
const FOOT: &str = include_str!("reference/foot.md");

/// Adds the keys of an object.
fn members(prefix: &str, schema: &Value, keys: &mut Vec<Key>) {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    for (name, schema) in properties {
        add(format!("{prefix}{name}"), schema, keys);
    }
}

fn add(path: String, schema: &Value, keys: &mut Vec<Key>) {
    if schema["properties"].is_object() {
        members(&format!("{path}."), schema, keys);
        return;
    }
    let default = match &schema["default"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let description = schema["description"].as_str().unwrap_or_default();
    let meaning = description.split_whitespace().collect::<Vec<_>>().join(" ");
    keys.push(Key { path: path.clone(), takes: takes(schema), default, meaning });
    let item = &schema["items"];
    for variant in item["oneOf"].as_array().into_iter().flatten() {
        members(&format!("{path}[]."), variant, keys);
    }
    members(&format!("{path}[]."), item, keys);
}

/// What a value may be, in words.
fn takes(schema: &Value) -> String {
    if let Some(title) = schema["title"].as_str() {
        return title.to_owned();
    }
    let variants = schema["oneOf"].as_array();
    let constants = variants.into_iter().flatten().map(|variant| &variant["const"]);
    let words: Vec<_> = schema["enum"].as_array().into_iter().flatten().chain(constants).collect();
    if !words.is_empty() {
        let words: Vec<_> = words.iter().map(|word| word.as_str().unwrap_or_default()).collect();
        return match &words[..] {
            [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            words => words.concat(),
        };
    }
    // An optional value is one that may be null, too.
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().find(|name| *name != "null").unwrap_or(&Value::Null),
        one => one,
    };
    match types.as_str() {
        Some("boolean") => "true or false".to_owned(),
        Some("array") => match (&schema["items"]["title"], schema["items"]["type"].as_str()) {
            (Value::String(title), _) => format!("list, each {title}"),
            (_, Some("string")) => "list of text".to_owned(),
            _ => "list of mappings".to_owned(),
        },
        Some("object") => "mapping of names to text".to_owned(),
        Some("integer") => "number".to_owned(),
        _ => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;

    use super::*;

    #[test]
    fn every_key_says_what_it_takes_and_means() {
        for Key { path, takes, meaning, .. } in keys() {
            assert!(!takes.is_empty(), "{path}");
            assert!(meaning.ends_with('.'), "{path}: {meaning:?}");
        }
    }

    #[test]
    fn the_page_is_the_committed_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let page = markdown();
        if env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
            fs::write(file, &page).unwrap();
        }
        let committed = fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == page,
            "docs/configuration.md is not what the types say: K8SRD_BLESS=1 cargo test -p k8srd"
        );
    }
}

//! Configuration: keys that mean the same as in falco.yaml have the same name.

use std::error::Error;
use std::fmt;
use std::sync::LazyLock;

use k8srd_core::pipeline::PathMatching;
use k8srd_core::rules::RuleMatching;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) rule_matching: RuleMatching,
    pub(crate) path_matching: PathMatching,
    pub(crate) json_output: bool,
    pub(crate) json_include_message_property: bool,
    pub(crate) json_include_output_property: bool,
    pub(crate) json_include_output_fields_property: bool,
    pub(crate) json_include_tags_property: bool,
    pub(crate) time_format_iso_8601: bool,
    /// Bytes of all ring buffers of the node.
    pub(crate) ring_memory: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rule_matching: RuleMatching::default(),
            path_matching: PathMatching::default(),
            json_output: false,
            json_include_message_property: false,
            json_include_output_property: true,
            json_include_output_fields_property: true,
            json_include_tags_property: true,
            time_format_iso_8601: false,
            ring_memory: 64 << 20,
        }
    }
}

/// A key: its name, what it takes, what it means, and how it is set.
struct Row {
    key: &'static str,
    takes: &'static str,
    help: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
}

/// All keys. To add one, add a row and a member of [`Config`].
static ROWS: &[Row] = &[
    Row {
        key: "rule_matching",
        takes: "first or all",
        help: "which of several rules that match an event raise an alert",
        set: |config, value| {
            config.rule_matching = match value {
                "first" => RuleMatching::First,
                "all" => RuleMatching::All,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        key: "path_matching",
        takes: "either or given",
        help: "whether rules see a file under its resolved name too, or as the program named it",
        set: |config, value| {
            config.path_matching = match value {
                "either" => PathMatching::Either,
                "given" => PathMatching::Given,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        key: "json_output",
        takes: "true or false",
        help: "print alerts as JSON objects",
        set: |config, value| set_bool(&mut config.json_output, value),
    },
    Row {
        key: "json_include_message_property",
        takes: "true or false",
        help: "whether JSON has the message without time and priority",
        set: |config, value| set_bool(&mut config.json_include_message_property, value),
    },
    Row {
        key: "json_include_output_property",
        takes: "true or false",
        help: "whether JSON has the whole text line",
        set: |config, value| set_bool(&mut config.json_include_output_property, value),
    },
    Row {
        key: "json_include_output_fields_property",
        takes: "true or false",
        help: "whether JSON has the values of the output's fields",
        set: |config, value| set_bool(&mut config.json_include_output_fields_property, value),
    },
    Row {
        key: "json_include_tags_property",
        takes: "true or false",
        help: "whether JSON has the rule's tags",
        set: |config, value| set_bool(&mut config.json_include_tags_property, value),
    },
    Row {
        key: "time_format_iso_8601",
        takes: "true or false",
        help: "date and time in UTC at the start of a line, instead of local time of day",
        set: |config, value| set_bool(&mut config.time_format_iso_8601, value),
    },
    Row {
        key: "sensor.ring_memory",
        takes: "bytes, or a number with K, M or G",
        help: "memory for all ring buffers of the node",
        set: |config, value| {
            config.ring_memory = parse_size(value)?;
            Some(())
        },
    },
];

/// The keys for `--help`.
pub(crate) static HELP: LazyLock<String> = LazyLock::new(|| {
    let mut help = String::from("Set a configuration key; may be repeated, the last one wins:");
    for row in ROWS {
        help.push_str(&format!("\n- {} ({}): {}", row.key, row.takes, row.help));
    }
    help
});

impl Config {
    /// Sets what `key=value` says.
    ///
    /// # Errors
    ///
    /// Where there is no such key, or it does not take the value.
    pub(crate) fn set(&mut self, option: &str) -> Result<(), WrongCall> {
        let Some((key, value)) = option.split_once('=') else {
            return Err(WrongCall(format!("-o {option}: not of the form key=value")));
        };
        let (key, value) = (key.trim(), value.trim());
        let row = ROWS.iter().find(|row| row.key == key).ok_or_else(|| unknown(key))?;
        (row.set)(self, value).ok_or_else(|| {
            WrongCall(format!("-o {key}: {value:?} is not a value of it, which is {}", row.takes))
        })
    }
}

fn set_bool(place: &mut bool, value: &str) -> Option<()> {
    *place = value.parse().ok()?;
    Some(())
}

/// A number of bytes: `1048576`, `1024K`, `1M`, `1MiB`.
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().trim_end_matches("ib") {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn unknown(key: &str) -> WrongCall {
    let keys = || ROWS.iter().map(|row| row.key);
    let near = keys().min_by_key(|name| distance(key, name));
    let hint = match near {
        Some(name) if distance(key, name) <= 1 + key.len() / 3 => format!("did you mean {name}?"),
        _ => format!("the keys are {}", keys().collect::<Vec<_>>().join(", ")),
    };
    WrongCall(format!("-o {key}: no such key; {hint}"))
}

/// How many characters have to be changed, added or taken away to make one text the other
/// (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The program was called in a way that it does not know.
#[derive(Debug)]
pub(crate) struct WrongCall(pub(crate) String);

impl fmt::Display for WrongCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WrongCall {}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(option: &str) -> Result<Config, String> {
        let mut config = Config::default();
        config.set(option).map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn each_key_changes_something() {
        for (row, value) in ROWS
            .iter()
            .zip(["first", "given", "true", "true", "false", "false", "false", "true", "1M"])
        {
            let config = set(&format!("{}={value}", row.key)).unwrap();
            assert_ne!(config, Config::default(), "{}", row.key);
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("4096"), Some(4096));
        assert_eq!(parse_size("64K"), Some(64 << 10));
        assert_eq!(parse_size("16 MiB"), Some(16 << 20));
        assert_eq!(parse_size("1g"), Some(1 << 30));
        for text in ["", "K", "1x", "-1", "1.5M", "18446744073709551615K"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn errors_say_what_to_type() {
        assert_eq!(
            set("rule_maching=all").unwrap_err(),
            "-o rule_maching: no such key; did you mean rule_matching?"
        );
        assert!(set("zzz=1").unwrap_err().contains("the keys are rule_matching, "));
        assert_eq!(
            set("rule_matching=some").unwrap_err(),
            "-o rule_matching: \"some\" is not a value of it, which is first or all"
        );
        assert_eq!(set("json_output").unwrap_err(), "-o json_output: not of the form key=value");
    }
}

//! The configuration as it is written: one type, one YAML file, `-o key=value` for any key.
//!
//! Keys that mean the same as in falco.yaml have the same name. To add a key, add a member to
//! [`Config`] with its default and read it in `wire.rs` or `rules.rs`; the schema, the reference
//! in docs/configuration.md, `--help`, suggestions and the checks follow from the type and its
//! comment.

mod append;
mod falco;
mod loss;
mod option;
mod policy;
pub(crate) mod reference;
mod show;
mod size;
mod snap;
pub(crate) mod span;
mod suggest;
mod switch;
mod tree;
mod typed;
pub(crate) mod verb;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use k8srd_bpf::load::SensorOptions;
use k8srd_core::alert::Priority;
use k8srd_core::pipeline;
use k8srd_core::rules;
use k8srd_core::schema::{Schema, StaticFieldError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::append::AppendOutput;
use self::loss::{BlindIntervals, Class};
use self::policy::Policy;
pub(crate) use self::size::Size;
use self::snap::SnapLength;
pub(crate) use self::switch::Switch;
use self::tree::{Node, Place, Problem};
use crate::cli::SettingsArgs;

/// Where the configuration is if `-c` does not say.
pub(crate) const DEFAULT_FILE: &str = "/etc/k8srd/k8srd.yaml";
/// Where what outlives the program is kept.
const DEFAULT_STATE_DIR: &str = "/var/lib/k8srd";
/// A configuration is smaller than this; what is larger is some other file.
const MAX_FILE: u64 = 1 << 20;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Rule files, and directories whose .yaml and .yml files are read in the order of their
    /// names; later files may change what earlier ones define. One that is not there is passed
    /// over with a word on standard error. Where `-r` is given, these are not read; where neither
    /// names any, the shipped rules are.
    pub(crate) rules_files: Vec<PathBuf>,
    /// Whether `k8srd run` looks for changes of the configuration file and the rule files, and loads
    /// the rules anew. Other changes take effect at the next start. SIGHUP asks for it in any case.
    pub(crate) watch_config_files: bool,
    /// Which rules are judged, besides what the files say: each entry enables or disables the
    /// rules that it selects, in order, after all files are loaded. To have only some, disable
    /// `*` first.
    pub(crate) rules: Vec<Switch>,
    /// Rules that are less urgent than this are checked, and then left out.
    pub(crate) priority: Floor,
    /// Which of several rules that match one event raise an alert. Falco's default is `first`.
    pub(crate) rule_matching: RuleMatching,
    /// Under which names rules see a file: the one that the program gave, made absolute, or also
    /// the one that the kernel found behind it, so that a symbolic link hides nothing.
    pub(crate) path_matching: PathMatching,
    /// What is added to the alerts of all rules or some, one entry after the other.
    pub(crate) append_output: Vec<AppendOutput>,
    /// Fields whose value is the same for every event: `name: value` gives the field
    /// `static.name`, to be used in conditions and outputs.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) static_fields: BTreeMap<FieldName, String>,
    /// Whether alerts are printed as Falco's JSON objects, instead of as its text lines.
    pub(crate) json_output: bool,
    /// Whether the JSON has `message`: the text without time and priority.
    pub(crate) json_include_message_property: bool,
    /// Whether the JSON has `output`: the whole text line.
    pub(crate) json_include_output_property: bool,
    /// Whether the JSON has `output_fields`: the values of all fields that the output names.
    pub(crate) json_include_output_fields_property: bool,
    /// Whether the JSON has `tags`, those of the rule.
    pub(crate) json_include_tags_property: bool,
    /// Whether a text line begins with date and time in UTC, instead of the local time of day.
    pub(crate) time_format_iso_8601: bool,
    /// Whether buffers are shown in Base64, instead of as text with a dot for each byte that is
    /// not printable.
    pub(crate) buffer_format_base64: bool,
    /// The kernel sensor.
    pub(crate) sensor: Sensor,
    /// Alerts on stretches of time in which events were lost.
    pub(crate) blind_intervals: BlindIntervals,
    /// The directory in which `k8srd run` keeps up to when it has watched, so that the next start
    /// can tell for how long nobody did. It is made if it is not there; `""`: nothing is kept.
    pub(crate) state_dir: PathBuf,
    /// What `k8srd validate` looks for, beyond errors.
    pub(crate) validate: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules_files: Vec::new(),
            watch_config_files: true,
            rules: Vec::new(),
            priority: Floor(Priority::Debug),
            rule_matching: RuleMatching::default(),
            path_matching: PathMatching::default(),
            append_output: Vec::new(),
            static_fields: BTreeMap::new(),
            json_output: false,
            json_include_message_property: false,
            json_include_output_property: true,
            json_include_output_fields_property: true,
            json_include_tags_property: true,
            time_format_iso_8601: false,
            buffer_format_base64: false,
            sensor: Sensor::default(),
            blind_intervals: BlindIntervals::default(),
            state_dir: DEFAULT_STATE_DIR.into(),
            validate: Policy::default(),
        }
    }
}

/// The kernel sensor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sensor {
    /// Memory for all ring buffers of the node together. More holds longer bursts of events;
    /// what does not fit is counted as lost.
    pub(crate) ring_memory: Size,
    /// What is dropped on purpose when a ring buffer fills, so that the rest still fits: the first
    /// of these classes that is watched when the buffer is half full, the next ones as it fills on.
    /// The most important class that is watched is never dropped so, and neither is what tells of
    /// processes, users and the system itself. Empty: nothing is dropped before the buffer is full.
    pub(crate) shed: Vec<Class>,
    /// How much of what a call reads, writes, sends or receives is told, as `evt.buffer` and the
    /// data of the event. A rule that looks for text further behind does not find it.
    pub(crate) snap_length: SnapLength,
    /// Whether all calls of `mmap` and `mprotect` are told, not only those that make memory
    /// executable (of `mmap`, unless it is a file as it is). Every program makes such calls all
    /// the time.
    pub(crate) all_memory_calls: bool,
}

impl Default for Sensor {
    fn default() -> Self {
        let SensorOptions { ring_memory, snap_length, all_memory_calls, shed, rung: _ } =
            SensorOptions::default();
        Self {
            ring_memory: Size(ring_memory),
            shed: shed.into_iter().map(Class).collect(),
            snap_length: SnapLength(snap_length),
            all_memory_calls,
        }
    }
}

/// Which rules that match raise an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuleMatching {
    First,
    #[default]
    All,
}

impl From<RuleMatching> for rules::RuleMatching {
    fn from(written: RuleMatching) -> Self {
        match written {
            RuleMatching::First => Self::First,
            RuleMatching::All => Self::All,
        }
    }
}

/// Under which names a file is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PathMatching {
    #[default]
    Either,
    Given,
}

impl From<PathMatching> for pipeline::PathMatching {
    fn from(written: PathMatching) -> Self {
        match written {
            PathMatching::Either => Self::Either,
            PathMatching::Given => Self::Given,
        }
    }
}

/// The name of a static field, refused where it stands if none can have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct FieldName(pub(crate) String);

impl TryFrom<String> for FieldName {
    type Error = StaticFieldError;

    fn try_from(name: String) -> Result<Self, StaticFieldError> {
        Schema::new().static_field(&name, "").map(|_| Self(name))
    }
}

/// A priority, as Falco writes them: in any case, `info` for `informational`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Floor(pub(crate) Priority);

impl TryFrom<String> for Floor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("{text} is {error}"))
    }
}

impl From<Floor> for String {
    fn from(Floor(priority): Floor) -> Self {
        priority.name().to_ascii_lowercase()
    }
}

impl JsonSchema for Floor {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Priority".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = Priority::ALL.map(|priority| String::from(Self(priority)));
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A configuration, and where each value of it was written.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    written: Node,
    /// The file that was read, if there was one.
    file: Option<PathBuf>,
}

/// The configuration that the command line says and names. `flags` are options, too: those that
/// other flags of a verb stand for.
///
/// # Errors
///
/// [`WrongCall`] with all problems, each with its place.
pub(crate) fn load(args: &SettingsArgs, flags: &[String]) -> Result<Config, WrongCall> {
    let (settings, problems) = read(args, flags, Path::new(DEFAULT_FILE));
    whole(&problems)?;
    Ok(settings.config)
}

/// That there is no problem.
fn whole(problems: &[Problem]) -> Result<(), WrongCall> {
    let message = match problems {
        [] => return Ok(()),
        [only] => only.to_string(),
        all => {
            let lines: Vec<_> = all.iter().map(|problem| format!("\n{problem}")).collect();
            format!("the configuration has {} problems:{}", all.len(), lines.concat())
        }
    };
    Err(WrongCall(message))
}

/// What can be read, and every problem of the rest.
fn read(args: &SettingsArgs, flags: &[String], default: &Path) -> (Settings, Vec<Problem>) {
    let SettingsArgs { config, options } = args;
    let mut problems = Vec::new();
    let file = match config {
        Some(file) => Some(file.clone()),
        // One that may not be looked at is there: reading it says why.
        None => default.try_exists().unwrap_or(true).then(|| default.to_owned()),
    };
    let mut written = Node::empty(Place::CommandLine);
    if let Some(file) = &file {
        match read_file(file, &mut problems) {
            Ok(tree) => written = tree,
            Err(problem) => problems.push(problem),
        }
    }
    for option in options.iter().chain(flags) {
        if let Err(problem) = option::set(&mut written, option) {
            problems.push(problem);
        }
    }
    let config = typed::read(written.clone(), &mut problems);
    (Settings { config, written, file }, problems)
}

fn read_file(file: &Path, problems: &mut Vec<Problem>) -> Result<Node, Problem> {
    let name: Arc<str> = file.display().to_string().into();
    let place = |line, column| Place::File { name: name.clone(), line, column };
    let whole = |message| Problem { place: None, path: tree::Path::default(), message };
    let text = read_text(file)
        .map_err(|error| whole(format!("configuration {name} cannot be read: {error}")))?;
    Node::read(&text, &place, problems)
}

fn read_text(file: &Path) -> io::Result<String> {
    let size = fs::metadata(file)?.len();
    if size > MAX_FILE {
        let message = format!("it has {size} bytes, and no configuration has more than {MAX_FILE}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    fs::read_to_string(file)
}

/// The program was called in a way that it does not know, or configured so.
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
    use k8srd_core::rules::Selector;

    use super::*;

    fn read_texts(file: Option<&str>, options: &[&str]) -> (Config, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let default = folder.path().join("k8srd.yaml");
        if let Some(text) = file {
            fs::write(&default, text).unwrap();
        }
        let args = SettingsArgs {
            config: None,
            options: options.iter().map(ToString::to_string).collect(),
        };
        let (settings, problems) = read(&args, &[], &default);
        let folder = folder.path().display().to_string() + "/";
        (settings.config, problems.iter().map(|p| p.to_string().replace(&folder, "")).collect())
    }

    #[test]
    fn a_default_file_that_cannot_be_looked_at_is_not_taken_for_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // A file in the place of its folder, since nothing is closed to root.
        let args = SettingsArgs { config: None, options: Vec::new() };
        let (_, problems) = read(&args, &[], &file.path().join("k8srd.yaml"));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("k8srd.yaml"), "{}", problems[0]);
    }

    #[test]
    fn without_a_file_everything_has_its_default() {
        assert_eq!(read_texts(None, &[]), (Config::default(), vec![]));
        assert_eq!(read_texts(Some(""), &[]), (Config::default(), vec![]));
        assert_eq!(read_texts(Some("rules_files:\nsensor:\n"), &[]), (Config::default(), vec![]));
    }

    #[test]
    fn an_option_wins_over_the_file_and_a_later_one_over_an_earlier() {
        let (config, problems) = read_texts(
            Some("json_output: true\nrule_matching: first\nrules_files: [a]\n"),
            &[
                "json_output=false",
                "rules_files[]=b",
                "sensor.ring_memory=1M",
                "sensor.ring_memory=2M",
            ],
        );
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            config,
            Config {
                rule_matching: RuleMatching::First,
                rules_files: vec!["a".into(), "b".into()],
                sensor: Sensor { ring_memory: Size(2 << 20), ..Sensor::default() },
                ..Config::default()
            }
        );
    }

    #[test]
    fn every_problem_is_told_with_its_place_and_the_rest_is_read() {
        let (config, problems) = read_texts(
            Some(
                "rule_maching: all\n\
                 json_output: yes\n\
                 priority: loud\n\
                 sensor: {ring_memory: lots, rings: 2}\n\
                 engine: {kind: kmod}\n\
                 rule_matching: frist\n\
                 rules_files: rules.yaml\n\
                 path_matching: given\n\
                 ring_memory: 1M\n\
                 zzz: 1\n",
            ),
            &["path_matching=[]", "json_outptu=1"],
        );
        assert_eq!(
            problems[..9],
            [
                "k8srd.yaml:1:1: rule_maching: no such key; did you mean rule_matching?",
                "k8srd.yaml:2:14: json_output: true or false is expected, not yes",
                "k8srd.yaml:3:11: priority: loud is not a priority: emergency, alert, critical, error, \
             warning, notice, informational (info) or debug",
                "k8srd.yaml:4:23: sensor.ring_memory: a number of bytes, or one with K, M or G is \
             expected, not lots",
                "k8srd.yaml:4:29: sensor.rings: no such key; the keys here are ring_memory, shed, \
             snap_length, all_memory_calls",
                "k8srd.yaml:5:1: engine: Falco's key engine has no meaning here: there is one sensor, \
             and it needs no choice of a driver; its memory is sensor.ring_memory",
                "k8srd.yaml:6:16: rule_matching: first or all is expected, not \"frist\"; did you mean \
             first?",
                "k8srd.yaml:7:14: rules_files: a list is expected, not rules.yaml",
                "-o path_matching: either or given is expected, not a list",
            ]
        );
        assert_eq!(
            problems[9],
            "k8srd.yaml:9:1: ring_memory: no such key; did you mean sensor.ring_memory?"
        );
        assert!(
            problems[10]
                .starts_with("k8srd.yaml:10:1: zzz: no such key; the keys here are rules_files,"),
            "{}",
            problems[10]
        );
        assert_eq!(problems[11], "-o json_outptu: no such key; did you mean json_output?");
        assert_eq!(problems.len(), 12);
        assert_eq!(config, Config::default());
    }

    #[test]
    fn rules_are_switched_by_name_or_tag() {
        let (config, problems) = read_texts(
            Some("rules:\n  - disable: {rule: '*'}\n  - enable: {tag: 1.0}\n"),
            &["rules[].disable.rule=Read *", "rules[2].disable.tag=noisy"],
        );
        assert_eq!(problems, [""; 0]);
        let selectors: Vec<_> = config.rules.iter().flat_map(Switch::selectors).collect();
        assert_eq!(
            selectors,
            [
                Selector::disable_rule("*"),
                Selector::enable_tag("1.0"),
                Selector::disable_rule("Read *"),
                Selector::disable_tag("noisy"),
            ]
        );

        let (config, problems) = read_texts(
            Some(
                "rules:\n\
                 - disable:\n\
                 - enabled: {rule: a}\n\
                 - {enable: {tag: a}, disable: {tag: b}}\n\
                 - enable: {rules: a}\n\
                 - disable\n\
                 - disable: {tag: [a]}\n\
                 - disable: {tag: right}\n",
            ),
            &[],
        );
        assert_eq!(
            problems,
            [
                "k8srd.yaml:2:10: rules[0].disable: rule or tag is missing",
                "k8srd.yaml:3:3: rules[1].enabled: enable or disable is expected, not \"enabled\"; did \
             you mean enable?",
                "k8srd.yaml:4:3: rules[2]: a mapping with one key, enable or disable, is expected, not a \
             mapping",
                "k8srd.yaml:5:12: rules[3].enable.rules: no such key; did you mean rule?",
                "k8srd.yaml:6:3: rules[4]: disable: needs a value",
                "k8srd.yaml:7:18: rules[5].disable.tag: text is expected, not a list",
            ]
        );
        assert_eq!(config.rules.len(), 1, "{:?}", config.rules);
    }

    #[test]
    fn outputs_are_added_to_as_in_falco() {
        let (config, problems) = read_texts(
            Some(
                "append_output:\n\
                 - match: {source: syscall, tags: [a]}\n  \
                   extra_output: 'on %evt.cpu'\n  \
                   extra_fields: [evt.hostname, {home: 'x: %evt.num'}]\n\
                 - suggested_output: true\n",
            ),
            &["append_output[1].match.rule=Shell: a"],
        );
        assert_eq!(problems, [""; 0]);
        let entries: Vec<_> = config.append_output.iter().map(rules::AppendOutput::from).collect();
        let mut first = rules::AppendOutput::default();
        first.source = Some("syscall".to_owned());
        first.tags = vec!["a".to_owned()];
        first.extra_output = Some("on %evt.cpu".to_owned());
        let (key, format) = ("home".to_owned(), "x: %evt.num".to_owned());
        first.extra_fields = vec![
            rules::ExtraField::Raw("evt.hostname".to_owned()),
            rules::ExtraField::Formatted { key, format },
        ];
        let mut second = rules::AppendOutput::default();
        second.rule = Some("Shell: a".to_owned());
        second.suggested_output = true;
        assert_eq!(entries, [first, second]);

        let (_, problems) = read_texts(
            Some(
                "append_output:\n\
                 - extra_fields: [[a], {a: b, c: d}, {}, {a: [b]}]\n\
                 - match: {tag: a}\n",
            ),
            &[],
        );
        let form = "a field, or a mapping of one name to a text with fields is expected";
        assert_eq!(
            problems,
            [
                format!("k8srd.yaml:2:18: append_output[0].extra_fields[0]: {form}, not sequence"),
                format!("k8srd.yaml:2:23: append_output[0].extra_fields[1]: {form}"),
                format!("k8srd.yaml:2:37: append_output[0].extra_fields[2]: {form}"),
                "k8srd.yaml:2:45: append_output[0].extra_fields[3].a: text is expected, not a list"
                    .to_owned(),
                "k8srd.yaml:3:11: append_output[1].match.tag: no such key; did you mean tags?"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_where_it_stands() {
        let (_, problems) = read_texts(
            Some(
                "validate:\n  forbidden:\n\
                 \x20 - {in: name, pattern: 'a('}\n\
                 \x20 - {in: names, pattern: a}\n\
                 \x20 - {pattern: a}\n",
            ),
            &[],
        );
        assert!(
            problems[0].starts_with("k8srd.yaml:3:25: validate.forbidden[0].pattern: "),
            "{problems:?}"
        );
        assert_eq!(
            problems[1..],
            [
                "k8srd.yaml:4:10: validate.forbidden[1].in: name, tag or output is expected, not \
             \"names\"; did you mean name?",
                "k8srd.yaml:5:5: validate.forbidden[2]: in is missing",
            ]
        );
    }

    #[test]
    fn static_fields_have_names_that_conditions_can_hold() {
        let (config, problems) = read_texts(
            Some("static_fields:\n  cluster: 007\n  my cluster: a\n  zone: [a]\n"),
            &["static_fields.rack=b: c"],
        );
        assert_eq!(
            problems,
            [
                "k8srd.yaml:3:3: static_fields.my cluster: \"my cluster\" cannot name a static field: a \
             name begins with a letter, goes on with letters, digits and _, and is there once",
                "k8srd.yaml:4:9: static_fields.zone: text is expected, not a list",
            ]
        );
        let fields: Vec<_> = config
            .static_fields
            .iter()
            .map(|(FieldName(name), value)| (&**name, &**value))
            .collect();
        assert_eq!(fields, [("cluster", "007"), ("rack", "b: c")]);
    }

    #[test]
    fn text_stays_as_it_was_written() {
        let (config, problems) = read_texts(Some("rules_files: [1.10, true, 'x: y']"), &[]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.rules_files, ["1.10", "true", "x: y"].map(PathBuf::from));
    }

    #[test]
    fn a_file_that_is_no_configuration_is_refused() {
        let (_, problems) = read_texts(Some("- a\n"), &[]);
        assert_eq!(
            problems,
            ["k8srd.yaml:1:1: a mapping of keys to values is expected, not a list"]
        );
        let (_, problems) = read_texts(Some(&"#".repeat(2 << 20)), &[]);
        assert!(
            problems[0]
                .ends_with("it has 2097152 bytes, and no configuration has more than 1048576")
        );
    }
}

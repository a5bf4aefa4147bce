//! What a team demands of its rules, as it is written.

use k8srd_core::rules::{self, LintOptions, PatternError};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// What `k8srd validate` looks for, beyond errors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Policy {
    /// Whether `k8srd validate` warns of conditions that can never hold, of parts that change
    /// nothing, and of exceptions that hide their whole rule.
    conditions: bool,
    /// What no rule may have in its name, tags or output.
    forbidden: Vec<Forbidden>,
    /// Whether each rule must have a tag.
    require_tags: bool,
    /// Whether each rule must have the tag of a MITRE ATT&CK technique, such as `T1059`.
    require_technique: bool,
    /// Fields that each rule's output must name.
    require_output_fields: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            conditions: true,
            forbidden: Vec::new(),
            require_tags: false,
            require_technique: false,
            require_output_fields: Vec::new(),
        }
    }
}

impl Policy {
    /// The same for the rule loader.
    ///
    /// # Errors
    ///
    /// Where a pattern is no regular expression; none such is read.
    pub(crate) fn lints(&self) -> Result<LintOptions, PatternError> {
        let Self { conditions, forbidden, require_tags, require_technique, require_output_fields } =
            self;
        let options = LintOptions::default()
            .conditions(*conditions)
            .require_tags(*require_tags)
            .require_technique(*require_technique)
            .require_output_fields(require_output_fields);
        let forbid = |options: LintOptions, Forbidden { place, pattern }: &Forbidden| {
            options.forbid((*place).into(), pattern)
        };
        forbidden.iter().try_fold(options, forbid)
    }
}

/// A text that is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forbidden {
    /// Where it is looked for.
    #[serde(rename = "in")]
    place: Place,
    /// A regular expression that is looked for anywhere in the text, in the syntax of the operator
    /// `regex`.
    #[serde(deserialize_with = "pattern")]
    pattern: String,
}

/// A part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    Name,
    Tag,
    Output,
}

impl From<Place> for rules::Place {
    fn from(written: Place) -> Self {
        match written {
            Place::Name => Self::Name,
            Place::Tag => Self::Tag,
            Place::Output => Self::Output,
        }
    }
}

/// A regular expression, refused where it stands if it is none.
fn pattern<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let pattern = String::deserialize(from)?;
    match LintOptions::default().forbid(rules::Place::Name, &pattern) {
        Ok(_) => Ok(pattern),
        Err(error) => Err(D::Error::custom(error)),
    }
}

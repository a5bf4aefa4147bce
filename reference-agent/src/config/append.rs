//! `append_output` as it is written.

use std::borrow::Cow;
use std::fmt;

use k8srd_core::rules;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is added to the alerts of some rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AppendOutput {
    /// Which rules are meant; all, if nothing is said.
    #[serde(rename = "match")]
    which: Match,
    /// Text that goes behind the output of a rule, after a blank, with fields as in an output.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_output: Option<String>,
    /// Fields that go into `output_fields` only: the name of a field, or a mapping of a name of
    /// one's choice to a text with fields in it.
    extra_fields: Vec<ExtraField>,
    /// Whether the fields that say where something happened (container, image, pod, namespace) go
    /// behind the output as `name=value`.
    suggested_output: bool,
}

/// Rules to which all of this applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Match {
    /// Only the rule of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// Only rules for events of this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Only rules that have all of these tags.
    tags: Vec<String>,
}

impl From<&AppendOutput> for rules::AppendOutput {
    fn from(written: &AppendOutput) -> Self {
        let AppendOutput { which, extra_output, extra_fields, suggested_output } = written.clone();
        let mut entry = Self::default();
        entry.source = which.source;
        entry.rule = which.rule;
        entry.tags = which.tags;
        entry.extra_output = extra_output;
        entry.extra_fields = extra_fields.into_iter().map(|ExtraField(field)| field).collect();
        entry.suggested_output = suggested_output;
        entry
    }
}

/// `evt.hostname`, or `name: "text with %fields"`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ExtraField(rules::ExtraField);

const FORM: &str = "a field, or a mapping of one name to a text with fields";

impl<'de> Deserialize<'de> for ExtraField {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ExtraField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORM)
            }

            fn visit_str<E>(self, name: &str) -> Result<ExtraField, E> {
                Ok(ExtraField(rules::ExtraField::Raw(name.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExtraField, A::Error> {
                let one = map.next_entry()?;
                let other = map.next_key::<String>()?;
                match (one, other) {
                    (Some((key, format)), None) => {
                        Ok(ExtraField(rules::ExtraField::Formatted { key, format }))
                    }
                    _ => Err(A::Error::custom(format_args!("{FORM} is expected"))),
                }
            }
        }

        from.deserialize_any(Either)
    }
}

impl Serialize for ExtraField {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            rules::ExtraField::Raw(name) => to.serialize_str(name),
            rules::ExtraField::Formatted { key, format } => to.collect_map([(key, format)]),
        }
    }
}

impl JsonSchema for ExtraField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ExtraField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": FORM,
            "type": ["string", "object"],
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": { "type": "string" },
        })
    }
}

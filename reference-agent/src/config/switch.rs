//! `rules` as it is written: what is enabled and disabled.

use k8srd_core::rules::Selector;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Rules enabled or disabled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    Enable(#[serde(deserialize_with = "some_selection")] Selection),
    Disable(#[serde(deserialize_with = "some_selection")] Selection),
}

/// Rules by name or tag; those of either, where both are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Selection {
    /// The name of a rule, in which `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// A tag that the rules have.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

fn some_selection<'de, D: Deserializer<'de>>(from: D) -> Result<Selection, D::Error> {
    let selection = Selection::deserialize(from)?;
    match selection {
        Selection { rule: None, tag: None } => Err(D::Error::custom("rule or tag is missing")),
        _ => Ok(selection),
    }
}

impl Switch {
    /// By name first, as Falco does.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = Selector> {
        let (Selection { rule, tag }, enables) = match self {
            Self::Enable(selection) => (selection, true),
            Self::Disable(selection) => (selection, false),
        };
        let by_rule = if enables { Selector::enable_rule } else { Selector::disable_rule };
        let by_tag = if enables { Selector::enable_tag } else { Selector::disable_tag };
        rule.clone().map(by_rule).into_iter().chain(tag.clone().map(by_tag))
    }
}

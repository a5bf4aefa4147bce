//! What is done where not everything can be seen.

use std::borrow::Cow;

use k8srd_core::alert::Priority;
use k8srd_core::blind::BlindOptions;
use k8srd_core::kind::KindClass;
use k8srd_core::loss::LossReason;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Floor;
use super::span::Span;

/// Alerts on stretches of time in which events were lost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BlindIntervals {
    /// How urgent these alerts are.
    pub(crate) priority: Floor,
    /// Losses that are no longer apart than this are one interval, which is told once it is over.
    pub(crate) quiet: Span,
    /// An interval that lasts is told each time that this has passed, with what was lost so far.
    pub(crate) repeat: Span,
    /// Whether alerts that are raised during an interval that concerns them say so, in
    /// `output_fields` under `k8srd.blind`.
    pub(crate) mark_alerts: bool,
    /// Reasons of losses of which no alert is raised, as `compat` on a node with 32-bit programs.
    /// They are counted all the same.
    pub(crate) untold: Vec<Reason>,
}

impl Default for BlindIntervals {
    fn default() -> Self {
        let BlindOptions { quiet, repeat, priority, mark_alerts, untold } = BlindOptions::default();
        Self {
            priority: Floor(priority),
            quiet: Span(quiet),
            repeat: Span(repeat),
            mark_alerts,
            untold: untold.into_iter().map(Reason).collect(),
        }
    }
}

impl BlindIntervals {
    pub(crate) fn options(&self) -> BlindOptions {
        let Self { priority: Floor(priority), quiet, repeat, mark_alerts, untold } = self;
        let priority: Priority = *priority;
        BlindOptions {
            quiet: quiet.0,
            repeat: repeat.0,
            priority,
            mark_alerts: *mark_alerts,
            untold: untold.iter().map(|Reason(reason)| *reason).collect(),
        }
    }
}

/// Values of a table of the core, written by their names.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident($of:ident) $title:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub(crate) struct $name(pub(crate) $of);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let names = || $of::ALL.map(|one| one.name()).join(", ");
                text.parse().map(Self).map_err(|error| format!("{text} is {error}: {}", names()))
            }
        }

        impl From<$name> for String {
            fn from($name(value): $name) -> Self {
                value.name().to_owned()
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names = $of::ALL.map(|one| one.name());
                json_schema!({ "type": "string", "title": $title, "enum": names })
            }
        }
    )*};
}

named! {
    /// Why something was lost.
    Reason(LossReason) "a reason of a loss";
    /// Kinds of events that may be dropped on purpose.
    Class(KindClass) "io, routine, network or file";
}

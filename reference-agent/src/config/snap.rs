//! How much of a buffer is told.

use std::borrow::Cow;

use k8srd_bpf::abi::SNAP_MAX;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Size;

/// A number of bytes that the sensor can give: `80`, `4K`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Size", into = "Size")]
pub(crate) struct SnapLength(pub(crate) u32);

impl TryFrom<Size> for SnapLength {
    type Error = String;

    fn try_from(size: Size) -> Result<Self, String> {
        let fits = |bytes: &u32| usize::try_from(*bytes).is_ok_and(|bytes| bytes <= SNAP_MAX);
        u32::try_from(size.0).ok().filter(fits).map(Self).ok_or_else(|| {
            format!(
                "{} bytes are more than the sensor takes of a buffer; at most {SNAP_MAX}",
                size.0
            )
        })
    }
}

impl From<SnapLength> for Size {
    fn from(SnapLength(bytes): SnapLength) -> Self {
        Self(bytes.into())
    }
}

impl JsonSchema for SnapLength {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SnapLength".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "title": format!("a number of bytes up to {SNAP_MAX}"),
            "minimum": 0,
            "maximum": SNAP_MAX,
            "pattern": "^[0-9]+ *([bB]|[kK]([iI][bB])?)?$",
        })
    }
}

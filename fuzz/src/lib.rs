//! What the fuzz targets share: events to judge, and texts to start from.
//!
//! See `README.md` for what there is and how to run it.
#![forbid(unsafe_code)]

pub mod blocks;
pub mod events;
pub mod seeds;

use std::sync::{Arc, LazyLock};

use k8srd_core::schema::Schema;

/// Falco's schema: made once, as each input is read against it.
pub static FALCO: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(Schema::falco()));

/// The input as text. Bytes that are no UTF-8 are replaced and not refused, so that a change of
/// one byte is a change of one character.
pub fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// A text as a double-quoted YAML scalar: whatever it holds, the loader gets just that.
pub fn yaml_scalar(text: &str) -> String {
    let mut scalar = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => scalar.extend(['\\', c]),
            ' '..='~' => scalar.push(c),
            _ => scalar.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    scalar.push('"');
    scalar
}

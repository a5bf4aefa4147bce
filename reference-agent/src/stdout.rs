//! What a verb prints.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

/// Writes all of it. That the reader has seen enough, as in `k8srd describe | head`, is no error.
///
/// # Errors
///
/// Where standard output cannot be written.
pub(crate) fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

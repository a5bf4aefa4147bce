//! What a verb prints. That the reader has seen enough, as in `k8srd describe | head`, is no error.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

/// Writes all of it.
///
/// # Errors
///
/// Where standard output cannot be written.
pub(crate) fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    is_read(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(drop)
}

/// What became of writing to standard output: whether somebody still reads it.
///
/// # Errors
///
/// Where it cannot be written for another reason.
pub(crate) fn is_read(written: io::Result<()>) -> Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.context("standard output cannot be written").map(|()| true),
    }
}

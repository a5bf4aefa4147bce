//! What verbs that read recordings have in common.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use k8srd_capture::Capture;

/// Reads captures one after the other until `read` says that nobody wants more. What is wrong with
/// one is told, and says nothing about the next.
pub(crate) fn each(
    files: &[PathBuf],
    mut read: impl FnMut(&Path, Capture) -> Result<bool>,
) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match open(file).and_then(|capture| read(file, capture)) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                eprintln!("k8srd: {}: {error:#}", file.display());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn open(file: &Path) -> Result<Capture> {
    Ok(Capture::new(File::open(file)?)?)
}

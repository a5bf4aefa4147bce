//! What verbs that read recordings have in common.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use k8srd_capture::{Capture, CaptureReport};

/// Reads captures one after the other until `read` says that nobody wants more. What is wrong with
/// one is told, and says nothing about the next.
pub(crate) fn each(
    files: &[PathBuf],
    mut read: impl FnMut(&Path, Capture) -> Result<bool>,
) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let read = open(file).and_then(|capture| {
            let report = capture.report();
            let is_wanted = read(file, capture);
            tell_newer(file, &report);
            is_wanted
        });
        match read {
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

fn tell_newer(file: &Path, report: &CaptureReport) {
    let newer = report.newer_contexts();
    if newer > 0 {
        eprintln!(
            "k8srd: {}: a newer k8srd recorded {newer} events and processes in more detail than this one \
             can read: of these is known what Falco's format tells; read it with that version",
            file.display()
        );
    }
}

fn open(file: &Path) -> Result<Capture> {
    Ok(Capture::new(File::open(file)?)?)
}

//! What verbs that read recordings have in common.

use std::collections::BTreeMap;
use std::fs::File;
use std::mem::{self, Discriminant};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use k8srd_capture::{Capture, CaptureReport, Omissions, PacketOptions, PacketReport, Recording};
use k8srd_core::source::Source;

/// What is said on the command line of recordings.
#[derive(Args, Debug)]
pub(crate) struct CapturesArgs {
    /// Captures, in this order: .scap, .pcap or .pcapng, told apart by their content
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Of packet captures: how many bytes of each packet's data evt.buffer and evt.arg.data tell
    #[arg(long, value_name = "BYTES", default_value_t = PacketOptions::default().snap_length)]
    snaplen: usize,
}

/// A capture that was opened.
pub(crate) struct Opened {
    pub(crate) source: Box<dyn Source>,
    pub(crate) report: Report,
}

impl From<Box<Capture>> for Opened {
    fn from(capture: Box<Capture>) -> Self {
        let report = Report::Events(capture.report());
        Self { source: capture, report }
    }
}

/// What a capture tells besides its events.
#[derive(Clone)]
pub(crate) enum Report {
    /// Of events.
    Events(CaptureReport),
    /// Of packets.
    Packets(PacketReport),
}

impl Report {
    /// The name of the host that was recorded, if the capture tells it.
    pub(crate) fn hostname(&self) -> Option<String> {
        match self {
            Self::Events(report) => report.hostname(),
            Self::Packets(_) => None,
        }
    }

    /// Events so far.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Events(report) => report.events(),
            Self::Packets(report) => report.events(),
        }
    }

    /// Bytes so far.
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Self::Events(report) => report.offset(),
            Self::Packets(report) => report.offset(),
        }
    }

    /// Events that were passed over, by name.
    pub(crate) fn skipped(&self) -> BTreeMap<&'static str, u64> {
        match self {
            Self::Events(report) => report.skipped(),
            Self::Packets(_) => BTreeMap::new(),
        }
    }

    /// What its recorder left out on purpose, as far as it was read.
    pub(crate) fn omissions(&self) -> Omissions {
        match self {
            Self::Events(report) => report.omissions(),
            Self::Packets(_) => Omissions::default(),
        }
    }

    /// Of packets.
    pub(crate) fn packets(&self) -> Option<&PacketReport> {
        match self {
            Self::Events(_) => None,
            Self::Packets(report) => Some(report),
        }
    }
}

/// Which forms of captures were met: what a pipeline finds is the same for all of one form.
#[derive(Default)]
pub(crate) struct Forms(Vec<Discriminant<Report>>);

impl Forms {
    /// Whether this is the first one of its form.
    pub(crate) fn is_first(&mut self, report: &Report) -> bool {
        let form = mem::discriminant(report);
        let is_first = !self.0.contains(&form);
        self.0.extend(is_first.then_some(form));
        is_first
    }
}

/// Reads captures one after the other until `read` says that nobody wants more. What is wrong with
/// one is told, and says nothing about the next.
pub(crate) fn each(
    args: &CapturesArgs,
    mut read: impl FnMut(&Path, Opened) -> Result<bool>,
) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let read = open(file, args.snaplen).and_then(|opened| {
            let report = opened.report.clone();
            let is_wanted = read(file, opened);
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

fn tell_newer(file: &Path, report: &Report) {
    let Report::Events(report) = report else { return };
    let newer = report.newer_contexts();
    if newer > 0 {
        eprintln!(
            "k8srd: {}: a newer k8srd recorded {newer} events and processes in more detail than this one \
             can read: of these is known what Falco's format tells; read it with that version",
            file.display()
        );
    }
    let omissions = report.omissions();
    let mut names: Vec<_> = omissions.unknown().map(str::to_owned).collect();
    if omissions.unnamed() > 0 {
        names.push("something that this one cannot name".to_owned());
    }
    if !names.is_empty() {
        eprintln!(
            "k8srd: {}: a newer k8srd recorded it without {}: which rules read that, this one does not \
             know; read it with that version",
            file.display(),
            names.join(", ")
        );
    }
}

fn open(file: &Path, snap_length: usize) -> Result<Opened> {
    let options = PacketOptions { snap_length, ..PacketOptions::default() };
    Ok(match Recording::open(File::open(file)?, options)? {
        Recording::Events(capture) => Opened::from(capture),
        Recording::Packets(capture) => {
            let report = Report::Packets(capture.report());
            Opened { source: capture, report }
        }
    })
}

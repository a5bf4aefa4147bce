//! What is found while rules are loaded, in the order in which Falco finds it.

use super::diagnostic::{Diagnostic, Severity};

/// How much is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All there is.
    Everything,
    /// Up to the first error, as Falco does it.
    FirstError,
}

/// The problems of one file.
#[derive(Debug)]
pub(super) struct Problems {
    extent: Extent,
    found: Vec<Diagnostic>,
    has_errors: bool,
}

impl Problems {
    pub(super) fn new(extent: Extent) -> Self {
        Self { extent, found: Vec::new(), has_errors: false }
    }

    /// Adds a problem, unless there is one already behind which nothing is looked for.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if !self.is_over() {
            self.has_errors |= diagnostic.severity == Severity::Error;
            self.found.push(diagnostic);
        }
    }

    pub(super) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Whether nothing more is looked for.
    pub(super) fn is_over(&self) -> bool {
        self.has_errors && self.extent == Extent::FirstError
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    pub(super) fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}

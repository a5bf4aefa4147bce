//! The live source as far as a pipeline's wiring goes.

use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_core::event::Event;
use k8srd_core::interest::Interest;
use k8srd_core::loss::Losses;
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::{Flow, Source, SourceError};

use crate::record;
use crate::source::BpfSource;

/// Answers and produces what a [`BpfSource`] does, and gives no event: nothing is loaded, no
/// privilege is needed.
///
/// A pipeline that is built with it tells which rules lack something
/// ([`Pipeline::findings`](k8srd_core::pipeline::Pipeline::findings)), wherever rules are checked.
///
/// ```
/// use k8srd_bpf::unattached::Unattached;
/// use k8srd_core::pipeline::Pipeline;
///
/// let pipeline = Pipeline::builder(Unattached::default()).build()?;
/// assert!(pipeline.findings().is_empty());
/// # Ok::<(), k8srd_core::pipeline::PipelineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Unattached {
    provides: FieldSet,
    produces: KindSet,
}

impl Default for Unattached {
    fn default() -> Self {
        Self { provides: record::provided_fields(), produces: BpfSource::kinds() }
    }
}

impl Source for Unattached {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn produces(&self) -> Option<&KindSet> {
        Some(&self.produces)
    }

    fn subscribe(&mut self, _: &Interest) -> Result<(), SourceError> {
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        _: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        Ok(Flow::End)
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}

//! SIGINT and SIGTERM: a wish to stop, not a death. SIGHUP: a wish to read the rules again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether someone asked the program to stop.
#[derive(Clone, Debug)]
pub(crate) struct StopWish(Arc<AtomicBool>);

impl StopWish {
    /// From now on SIGINT and SIGTERM are noted here. The second one ends the program at once, for
    /// whoever does not want to wait for the first to be honoured.
    pub(crate) fn watch() -> Result<Self> {
        let wish = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, wish.clone())
                .and_then(|_| flag::register(signal, wish.clone()))
                .context("SIGINT and SIGTERM cannot be caught")?;
        }
        Ok(Self(wish))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// From now on SIGHUP sets this.
pub(crate) fn hangups() -> Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    flag::register(SIGHUP, asked.clone()).context("SIGHUP cannot be caught")?;
    Ok(asked)
}

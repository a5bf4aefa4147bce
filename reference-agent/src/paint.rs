//! Colours of what a person reads.

use k8srd_core::alert::Priority;

/// Colour on a terminal, none in a pipe or where `NO_COLOR` is set (no-color.org).
pub(crate) struct Paint {
    colour: bool,
}

impl Paint {
    pub(crate) fn choose(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: terminal && !refused }
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn success(&self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn caution(&self, text: &str) -> String {
        self.with("1;33", text)
    }

    pub(crate) fn failure(&self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn priority(&self, priority: Priority, text: &str) -> String {
        let code = match priority {
            Priority::Emergency | Priority::Alert | Priority::Critical | Priority::Error => "1;31",
            Priority::Warning => "1;33",
            Priority::Notice | Priority::Informational | Priority::Debug => "1;36",
        };
        self.with(code, text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

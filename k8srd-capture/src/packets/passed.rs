//! Why packets give no event.

use std::collections::BTreeMap;

/// Why a packet, or what it carries, was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Passed {
    /// ARP, LLDP and the like.
    NotIp,
    /// ICMP, SCTP and the like.
    OtherTransport,
    /// It does not say whose it is; the first one does.
    LaterFragment,
    /// The capture ends within its headers.
    Cut,
    /// Retransmitted, or captured more than once.
    Repeated,
    /// Its headers contradict themselves: what, as text.
    Malformed(&'static str),
}

impl Passed {
    /// What a report says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not IP",
            Self::OtherTransport => "neither TCP nor UDP",
            Self::LaterFragment => "fragment after the first",
            Self::Cut => "cut within its headers",
            Self::Repeated => "data that came before",
            Self::Malformed(what) => what,
        }
    }
}

/// How many of each.
#[derive(Clone, Debug, Default)]
pub(super) struct PassedOver(BTreeMap<Passed, u64>);

impl PassedOver {
    pub(super) fn add(&mut self, passed: Passed) {
        *self.0.entry(passed).or_default() += 1;
    }

    pub(super) fn by_name(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().map(|(passed, &count)| (passed.name(), count)).collect()
    }

    pub(super) fn malformed(&self) -> u64 {
        let malformed = |passed: &Passed| matches!(passed, Passed::Malformed(_));
        self.0.iter().filter(|(passed, _)| malformed(passed)).map(|(_, count)| count).sum()
    }
}

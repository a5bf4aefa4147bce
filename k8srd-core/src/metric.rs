//! The metric table: every number that k8srd publishes, its name and unit said once.

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One row of the metric table.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table: plain data")]
pub struct Metric {
    /// The name, with its unit at the end as Prometheus has it.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($id:ident $name:literal $kind:ident [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub const $id: Metric = Metric {
            name: $name, kind: MetricKind::$kind, labels: &[$($label),*], help: $help,
        };)*

        /// All rows.
        pub static METRICS: &[Metric] = &[$($id),*];
    };
}

metrics! {
    EVENTS "k8srd_events_total" Counter [] "events processed";
    ALERTS "k8srd_alerts_total" Counter ["priority"] "alerts raised";
    PRODUCED "k8srd_produced_total" Counter ["stream"] "events produced by the source";
    LOST "k8srd_lost_total" Counter ["stream", "reason"] "events or alerts lost";
    SHED "k8srd_shed_total" Counter ["class"] "events dropped on purpose, to keep room for more important ones";
    BLIND_INTERVALS "k8srd_blind_intervals_total" Counter ["reason"] "stretches of time in which events were lost";
    FLAWED "k8srd_flawed_total" Counter ["stream", "flaw"] "events processed with a flaw";
    UNDECIDED "k8srd_undecided_total" Counter [] "rule verdicts given while a value was pending";
    THREADS "k8srd_threads" Gauge [] "threads in the thread table";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_kind_and_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for metric in METRICS {
            assert!(metric.name.starts_with("k8srd_"), "{}", metric.name);
            let counts = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            assert!(seen.insert(metric.name), "{} twice", metric.name);
        }
    }
}

//! What the demo prints in the end.

use std::io::{self, Write};
use std::time::Duration;

use k8srd_core::alert::Priority;

use crate::paint::Paint;

/// What became of one expectation.
pub(super) enum Outcome {
    /// A rule fired that should.
    Found { scenario: &'static str, rule: String, priority: Priority, latency: Option<Duration> },
    /// A rule did not fire that should.
    Missed { scenario: &'static str, rule: String },
    /// A rule fired that should not.
    Unexpected { scenario: &'static str, rule: String },
    /// Nothing fired, as it should be.
    Quiet { scenario: &'static str },
}

impl Outcome {
    pub(super) fn is_right(&self) -> bool {
        matches!(self, Self::Found { .. } | Self::Quiet { .. })
    }

    fn cells(&self) -> [String; 4] {
        let cells = |scenario: &str, rule: &str, priority: &str, latency: String| {
            [scenario.into(), rule.into(), priority.into(), latency]
        };
        match self {
            Self::Found { scenario, rule, priority, latency } => {
                let latency = latency.map_or_else(
                    || "recorded".into(),
                    |latency| format!("{:.1} ms", latency.as_secs_f64() * 1e3),
                );
                cells(scenario, rule, priority.name(), latency)
            }
            Self::Missed { scenario, rule } => cells(scenario, rule, "–", "MISSED".into()),
            Self::Unexpected { scenario, rule } => cells(scenario, rule, "–", "UNEXPECTED".into()),
            Self::Quiet { scenario } => {
                cells(scenario, "(none, as it should be)", "–", "quiet".into())
            }
        }
    }
}

pub(super) fn print_table(
    outcomes: &[Outcome],
    paint: &Paint,
    out: &mut impl Write,
) -> io::Result<()> {
    let head = ["scenario", "rule", "priority", "act to alert"].map(String::from);
    let rows: Vec<_> = outcomes.iter().map(Outcome::cells).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(&rows);
        cells.map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", paint.bold(&line(&head)))?;
    writeln!(out, "{}", widths.map(|width| "─".repeat(width)).join("  "))?;
    for (outcome, row) in outcomes.iter().zip(&rows) {
        let line = line(row);
        let line = if outcome.is_right() { line } else { paint.failure(&line) };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_failures_stand_out() {
        let outcomes = [
            Outcome::Found {
                scenario: "shell",
                rule: "Shell spawned".into(),
                priority: Priority::Notice,
                latency: Some(Duration::from_micros(2340)),
            },
            Outcome::Missed { scenario: "a long scenario", rule: "R".into() },
        ];
        let mut out = Vec::new();
        print_table(&outcomes, &Paint::choose(false), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "scenario         rule           priority  act to alert\n\
             ───────────────  ─────────────  ────────  ────────────\n\
             shell            Shell spawned  Notice    2.3 ms\n\
             a long scenario  R              –         MISSED\n"
        );
    }
}

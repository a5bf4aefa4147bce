//! What a guest says on its console, line by line.

use std::time::Instant;

use serde_json::Value;

/// What lines for us begin with. A console may show something of the kernel in front of it.
const MARK: &str = "k8srd-guest ";

pub(super) const HEAD: [&str; 7] =
    ["kernel", "package", "boot", "rung", "passed", "failed", "in all"];

/// What a guest has said so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Seconds from the kernel's start to the first program.
    pub(super) booted: Option<String>,
    /// How `k8srd doctor` says that the sensor is attached.
    pub(super) rung: Option<String>,
    /// Each test that began, and its exit code if it ended.
    pub(super) tests: Vec<(String, Option<i32>)>,
    /// The exit code of the whole.
    pub(super) verdict: Option<i32>,
    /// Why there is no verdict.
    pub(super) broken: Option<String>,
    /// From power on to power off.
    pub(super) seconds: f32,
    /// When the test that runs began.
    began: Option<Instant>,
}

impl Report {
    /// Takes in a line; what a person may want to read of it.
    pub(super) fn read(&mut self, line: &str) -> Option<String> {
        let (_, said) = line.split_once(MARK)?;
        let (word, rest) = said.split_once(' ')?;
        match word {
            "booted" => {
                self.booted = Some(rest.to_owned());
                Some(format!("booted in {rest} s"))
            }
            "doctor" => {
                self.rung = rung(rest);
                Some(format!("sensor: {}", self.rung.as_deref().unwrap_or("does not load")))
            }
            "test" => {
                self.tests.push((rest.to_owned(), None));
                self.began = Some(Instant::now());
                None
            }
            "ended" => {
                let code = rest.parse().ok()?;
                let (name, ended) = self.tests.last_mut()?;
                *ended = Some(code);
                let seconds = self.began.map_or(0.0, |began| began.elapsed().as_secs_f32());
                Some(match code {
                    0 => format!("ok {name} ({seconds:.1} s)"),
                    code => format!("FAILED {name} ({seconds:.1} s, exit code {code})"),
                })
            }
            "VERDICT" => {
                self.verdict = rest.strip_prefix("rc=").and_then(|code| code.parse().ok());
                Some(format!("VERDICT {rest}"))
            }
            _ => None,
        }
    }

    /// Names of the tests that did not pass, with the one that never ended.
    pub(super) fn failed(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(|(_, code)| *code != Some(0)).map(|(name, _)| name.as_str())
    }

    /// Whether tests ran, all passed, and the guest says so too.
    pub(super) fn is_good(&self) -> bool {
        self.verdict == Some(0)
            && self.broken.is_none()
            && !self.tests.is_empty()
            && self.failed().next().is_none()
    }

    /// What it comes to; with the rung that was asked for.
    pub(super) fn row(&self, name: &str, package: &str, rung: Option<&str>) -> [String; 7] {
        let unknown = || "–".to_owned();
        let failed = self.failed().count();
        let seconds = |text: &String| format!("{text} s");
        let end = self.broken.clone().unwrap_or_else(|| format!("{:.0} s", self.seconds));
        [
            name.to_owned(),
            package.to_owned(),
            self.booted.as_ref().map_or_else(unknown, seconds),
            rung.or(self.rung.as_deref()).map_or_else(unknown, str::to_owned),
            (self.tests.len() - failed).to_string(),
            failed.to_string(),
            end,
        ]
    }
}

/// Which way of attaching `k8srd doctor --json` names, if the sensor is attached.
fn rung(report: &str) -> Option<String> {
    let report: Value = serde_json::from_str(report).ok()?;
    if report["live_detection"] != true {
        return None;
    }
    let findings = report["sections"]["sensor"].as_array()?;
    let attached = findings.iter().filter(|finding| finding["state"] == "ok");
    let mut names = attached.filter_map(|finding| finding["what"].as_str());
    names.find_map(|name| name.strip_suffix(" programs")).map(str::to_owned)
}

/// Rows under one another, the first one a head.
pub(super) fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 7] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
        if at == 0 {
            let lines = widths.map(|width| "─".repeat(width));
            text.push_str(&lines.join("  "));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(console: &str) -> Report {
        let mut report = Report::default();
        for line in console.lines() {
            report.read(line);
        }
        report
    }

    const GOOD: &str = "\
SeaBIOS (version 1.16.2)
k8srd-guest booted 3.25
k8srd-guest doctor {\"live_detection\":true,\"sections\":{\"sensor\":[{\"what\":\"tp_btf programs\",\"state\":\"ok\"}]}}
k8srd-guest test live open::by every call and every kind of name
running 1 test
[    9.1] something of the kernel k8srd-guest ended 0
k8srd-guest VERDICT rc=0
[   10.2] reboot: Power down
";

    #[test]
    fn a_console_is_read_to_a_row() {
        let report = report(GOOD);
        assert!(report.is_good());
        let mut row = report.row("6.1", "linux-image-6.1", None);
        row[6] = String::new();
        assert_eq!(row, ["6.1", "linux-image-6.1", "3.25 s", "tp_btf", "1", "0", ""]);
        assert_eq!(report.tests[0].0, "live open::by every call and every kind of name");
    }

    #[test]
    fn what_failed_hung_or_never_ran_is_not_good() {
        let failed = report(&GOOD.replace("ended 0", "ended 101"));
        assert!(!failed.is_good());
        assert_eq!(failed.failed().count(), 1);
        let hung = report(GOOD.split("[    9.1]").next().unwrap());
        assert!(!hung.is_good());
        assert_eq!(hung.failed().count(), 1);
        assert!(!report("k8srd-guest VERDICT rc=0\n").is_good(), "no test ran");
        assert!(!report(&GOOD.replace("rc=0", "rc=1")).is_good());
        assert!(!report("").is_good());
    }

    #[test]
    fn a_sensor_that_does_not_load_has_no_rung() {
        assert_eq!(report(&GOOD.replace(":true", ":false")).rung, None);
        assert_eq!(report(&GOOD.replace("\"sections\"", "")).rung, None);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = report(GOOD).row("newest", "linux", None);
        let text = table(&[HEAD.map(str::to_owned), row]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("kernel  package  boot    rung"), "{text}");
        assert!(lines[2].starts_with("newest  linux    3.25 s  tp_btf"), "{text}");
    }
}

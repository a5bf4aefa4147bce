//! `k8srd demo`: acts out attacks in a container of its own and shows what is found.

pub(crate) mod act;
mod image;
mod recorded;
mod server;
mod stage;
mod table;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use k8srd_core::alert::Alert;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::schema::Schema;
use k8srd_core::value::OwnedValue;

use crate::cli::DemoArgs;
use crate::config::Config;
use crate::paint::Paint;
use crate::signals::StopWish;
use crate::{rules, wire};
use stage::{Stage, command_line, real_program};
use table::{Outcome, print_table};

/// How long one command of a scenario may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(20);
/// How long an alert may take after the act.
const ALERT_LIMIT: Duration = Duration::from_secs(3);
/// How long nothing has to be heard of an act that must stay quiet.
const QUIET: Duration = Duration::from_millis(300);
/// How long one look at the sensor waits.
const STEP: Duration = Duration::from_millis(5);

/// One scenario: what is done, and the rules that have to fire. None: it must stay quiet.
struct Scenario {
    name: &'static str,
    rules: &'static [&'static str],
    act: fn(&Stage) -> Act,
}

/// The commands of a scenario, run one after another.
#[derive(Default)]
struct Act {
    /// What is done, for people.
    story: String,
    commands: Vec<Vec<OsString>>,
}

static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a web server spawns a shell",
        rules: &["Unexpected shell in container"],
        act: |_| Act::default().then("sh", &["-c", "exit 0"]),
    },
    Scenario {
        name: "password hashes are read",
        rules: &["Sensitive file read by untrusted program"],
        act: |_| Act::default().then("cat", &["/etc/shadow"]),
    },
    Scenario {
        name: "the user database is read",
        rules: &["User database read in container"],
        act: |_| Act::default().then("cat", &["/etc/passwd"]),
    },
    Scenario {
        name: "a name is looked up",
        rules: &[],
        act: |_| Act::default().then("id", &["root"]),
    },
    Scenario {
        name: "a program is downloaded and run",
        rules: &["Download tool run in container", "Dropped program executed in container"],
        act: |stage| {
            let (file, url) = ("/tmp/updater", stage.url());
            let has = |name| real_program(name).is_some();
            let download = match has("wget") && !has("curl") {
                true => Act::default().then("wget", &["-q", "-O", file, &url]),
                false => Act::default().then("curl", &["-s", "-o", file, &url]),
            };
            download.then("chmod", &["+x", file]).then_file(file)
        },
    },
];

impl Act {
    /// Runs this program, or a stand-in, which the story says.
    fn then(mut self, program: &str, args: &[&str]) -> Self {
        let mut line = [&[program], args].concat().join(" ");
        if real_program(program).is_none() {
            line += &format!(" (this machine has no {program}: k8srd acts under that name)");
        }
        self.add_line(&line);
        self.commands.push(command_line(program, args));
        self
    }

    /// Runs a file of the container.
    fn then_file(mut self, file: &str) -> Self {
        self.add_line(file);
        self.commands.push(vec![file.into()]);
        self
    }

    fn add_line(&mut self, line: &str) {
        if !self.story.is_empty() {
            self.story += "\n  $ ";
        }
        self.story += line;
    }
}

/// Plays all scenarios against a pipeline that watches this machine with the shipped rules.
///
/// The exit code is 1 where an alert is missing, or one came that should not. Where this machine
/// cannot be watched, the scenarios are shown as they were recorded elsewhere, and it is 1, too.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode> {
    let schema = Arc::new(Schema::falco());
    let config = Config::default();
    let plan = wire::plan(&config, rules::load(&config, &schema, &[])?);
    if args.recorded {
        return recorded::show(&config, &schema, plan);
    }
    let stop = StopWish::watch()?;
    match wire::sensor(&config) {
        Ok(sensor) => play_all(wire::live_pipeline(sensor, &config, &schema, plan)?, &stop),
        Err(error) => {
            recorded::show(&config, &schema, plan)?;
            Err(error.context(
                "the demo cannot watch this machine, so it has shown a recording; k8srd doctor says \
                 what is missing",
            ))
        }
    }
}

fn play_all(mut pipeline: Pipeline, stop: &StopWish) -> Result<ExitCode> {
    let paint = Paint::choose(io::stdout().is_terminal());
    let mut out = io::stdout().lock();
    let mut stage = Stage::build().context("the demo's container cannot be set up")?;
    writeln!(
        out,
        "Playing attacks in a container made for it: id {}, process 1 is k8srd's own actor, named \
         webserver.\nCgroup {}\nFiles: this machine's, under a layer in memory that takes all \
         writes; /etc/shadow and /etc/passwd are made up.\n",
        stage.short_id(),
        stage.cgroup().display(),
    )?;

    let mut watch =
        Watch { pipeline: &mut pipeline, stop, container_id: stage.short_id().to_owned() };
    let mut outcomes = Vec::new();
    for scenario in SCENARIOS {
        let act = (scenario.act)(&stage);
        writeln!(out, "{}", paint.bold(&format!("▶ {}", scenario.name)))?;
        writeln!(out, "  $ {}", act.story)?;
        out.flush()?;
        let seen = play(scenario, act, &mut stage, &mut watch, &paint, &mut out)?;
        outcomes.extend(judge(scenario, &seen));
        writeln!(out)?;
    }
    let cgroup = stage.cgroup().to_owned();
    drop(stage);
    match cgroup.exists() {
        false => writeln!(out, "The container and its cgroup are gone again.\n")?,
        true => writeln!(out, "The cgroup {} could not be removed.\n", cgroup.display())?,
    }

    print_table(&outcomes, &paint, &mut out)?;
    let lost = watch.pipeline.losses().total_lost();
    let counts = watch.pipeline.counts();
    writeln!(out, "\n{} events judged, {lost} lost.", counts.events)?;
    conclude(&outcomes, &mut out)
}

/// Says whether all is as it was to be.
fn conclude(outcomes: &[Outcome], out: &mut impl Write) -> Result<ExitCode> {
    let failed = outcomes.iter().filter(|outcome| !outcome.is_right()).count();
    if failed == 0 {
        writeln!(out, "Everything that should be found was found, and nothing else.")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{failed} of {} expectations failed.", outcomes.len())?;
    Ok(ExitCode::FAILURE)
}

/// An alert, and how long after the act it was in hand, if that is known.
struct Seen {
    alert: Alert,
    latency: Option<Duration>,
}

fn show_alert(alert: &Alert, paint: &Paint, out: &mut impl Write) -> io::Result<()> {
    let Alert { rule, message, .. } = alert;
    let priority = paint.priority(rule.priority, rule.priority.name());
    writeln!(out, "  {priority} {}\n    {message}", paint.bold(&rule.name))
}

fn play(
    scenario: &Scenario,
    act: Act,
    stage: &mut Stage,
    watch: &mut Watch<'_>,
    paint: &Paint,
    out: &mut impl Write,
) -> Result<Vec<Seen>> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut show = |new: Vec<Seen>, seen: &mut Vec<Seen>| -> io::Result<()> {
        for one in new {
            show_alert(&one.alert, paint, out)?;
            seen.push(one);
        }
        out.flush()
    };
    for command in act.commands {
        stage.command(&command)?;
        let limit = Instant::now() + COMMAND_LIMIT;
        let answer = loop {
            show(watch.step()?, &mut seen)?;
            if let Some(answer) = stage.answer(Duration::ZERO)? {
                break answer;
            }
            if Instant::now() > limit {
                bail!("{} did not end within {} s", command[0].display(), COMMAND_LIMIT.as_secs());
            }
        };
        if !answer.starts_with("exit status: 0") {
            bail!("{}: {answer}", command[0].display());
        }
    }
    let wait = if scenario.rules.is_empty() { QUIET } else { ALERT_LIMIT };
    let limit = Instant::now() + wait;
    let has = |seen: &[Seen], rule: &str| seen.iter().any(|one| one.alert.rule.name == rule);
    while Instant::now() < limit
        && (scenario.rules.is_empty() || !scenario.rules.iter().all(|rule| has(&seen, rule)))
    {
        show(watch.step()?, &mut seen)?;
    }
    Ok(seen)
}

/// What a scenario was to show against what was seen.
fn judge(scenario: &Scenario, seen: &[Seen]) -> Vec<Outcome> {
    let of = |rule: &str| seen.iter().find(|one| one.alert.rule.name == rule);
    let expected = scenario.rules.iter().map(|rule| match of(rule) {
        Some(Seen { alert, latency }) => Outcome::Found {
            scenario: scenario.name,
            rule: (*rule).into(),
            priority: alert.rule.priority,
            latency: *latency,
        },
        None => Outcome::Missed { scenario: scenario.name, rule: (*rule).into() },
    });
    let stray = |one: &&Seen| !scenario.rules.contains(&&*one.alert.rule.name);
    let strays = seen.iter().filter(stray).map(|one| Outcome::Unexpected {
        scenario: scenario.name,
        rule: one.alert.rule.name.clone(),
    });
    let quiet = (scenario.rules.is_empty() && seen.is_empty())
        .then_some(Outcome::Quiet { scenario: scenario.name });
    expected.chain(strays).chain(quiet).collect()
}

/// The pipeline, looked at for alerts of one container.
struct Watch<'a> {
    pipeline: &'a mut Pipeline,
    stop: &'a StopWish,
    container_id: String,
}

impl Watch<'_> {
    fn step(&mut self) -> Result<Vec<Seen>> {
        if self.stop.is_there() {
            bail!("stopped by a signal; the demo's container is removed");
        }
        let mut alerts = Vec::new();
        self.pipeline.step(STEP, &mut alerts)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mine = |alert: &Alert| {
            alert.fields.iter().any(|(name, value)| {
                let id = self.container_id.as_str();
                &**name == "container.id" && *value == Some(OwnedValue::from(id))
            })
        };
        let latency =
            |alert: &Alert| now.saturating_sub(Duration::from_nanos(alert.time.as_nanos()));
        Ok(alerts
            .into_iter()
            .filter(mine)
            .map(|alert| Seen { latency: Some(latency(&alert)), alert })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8srd_core::alert::{Priority, RuleInfo};
    use k8srd_core::event::Timestamp;

    use super::*;

    fn seen(rule: &str) -> Seen {
        let rule = Arc::new(RuleInfo::new(rule, Priority::Notice));
        Seen {
            alert: Alert::new(rule, Timestamp::from_nanos(0), ""),
            latency: Some(Duration::from_millis(2)),
        }
    }

    #[test]
    fn missing_and_stray_alerts_are_failures() {
        let shell = &SCENARIOS[0];
        let right = |seen: &[Seen]| judge(shell, seen).iter().all(Outcome::is_right);
        assert!(right(&[seen("Unexpected shell in container")]));
        assert!(!right(&[]));
        assert!(!right(&[
            seen("Unexpected shell in container"),
            seen("Sensitive file read by untrusted program")
        ]));
    }

    #[test]
    fn silence_is_right_where_it_is_wanted() {
        let lookup = SCENARIOS.iter().find(|scenario| scenario.rules.is_empty()).unwrap();
        assert!(judge(lookup, &[]).iter().all(Outcome::is_right));
        assert!(
            !judge(lookup, &[seen("Sensitive file read by untrusted program")])
                .iter()
                .all(Outcome::is_right)
        );
    }
}

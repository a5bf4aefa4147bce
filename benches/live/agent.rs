//! The agent beside a workload: the program `k8srd run`, what it used, and what it says at its end.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A running agent.
pub(crate) struct Agent {
    child: Child,
    errors: BufReader<ChildStderr>,
    cgroup: Option<Cgroup>,
    cpu: Duration,
}

/// What an agent used and did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// Since it watched.
    pub(crate) cpu: Duration,
    pub(crate) rss_anon: u64,
    /// The most that its cgroup had, with the kernel's maps and rings; where that can be measured.
    pub(crate) cgroup: Option<u64>,
    /// Records that the kernel made.
    pub(crate) produced: u64,
    /// Events that rules were asked about.
    pub(crate) judged: u64,
    pub(crate) lost: u64,
}

impl Agent {
    /// Starts it with these rules and waits until it watches.
    pub(crate) fn start(rules: &Path) -> anyhow::Result<Self> {
        let cgroup = Cgroup::make();
        // The shell puts itself where the agent is to be, so that all its memory is counted there.
        let procs =
            cgroup.as_ref().map_or_else(|| "/dev/null".into(), |it| it.0.join("cgroup.procs"));
        let mut child = Command::new("sh")
            .args(["-c", r#"echo $$ > "$1"; exec "$2" run -r "$3" --json -o 'state_dir=""'"#, "sh"])
            .args([&procs, &program()?, rules])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a shell")?;
        let mut errors = BufReader::new(child.stderr.take().context("a pipe")?);
        let mut said = String::new();
        while !said.contains("watching ") {
            ensure!(errors.read_line(&mut said)? > 0, "the agent ended before it watched: {said}");
        }
        let cpu = cpu_of(child.id())?;
        Ok(Self { child, errors, cgroup, cpu })
    }

    /// Its alerts, a line each.
    pub(crate) fn alerts(&mut self) -> anyhow::Result<BufReader<ChildStdout>> {
        Ok(BufReader::new(self.child.stdout.take().context("its alerts are being read")?))
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> anyhow::Result<Account> {
        let cpu = cpu_of(self.child.id())?.saturating_sub(self.cpu);
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes = rss.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        let cgroup = self.cgroup.as_ref().and_then(Cgroup::most);
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).context("cannot end the agent")?;
        let mut said = String::new();
        self.errors.read_to_string(&mut said)?;
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the agent failed, {ended}: {said}");
        Ok(Account {
            cpu,
            rss_anon: kilobytes.context("no RssAnon in its status")? * 1024,
            cgroup,
            produced: of_streams(&said, " produced"),
            judged: number_before(&said, " judged").context("no events in its account")?,
            lost: said
                .lines()
                .find_map(|line| line.strip_prefix("lost: ")?.parse().ok())
                .unwrap_or(0),
        })
    }
}

/// The program beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?.with_file_name("k8srd");
    if !program.is_file() {
        bail!("{} is not there: cargo build --release -p k8srd makes it", program.display());
    }
    Ok(program)
}

/// The sum over the streams of records, without the alerts'.
fn of_streams(said: &str, what: &str) -> u64 {
    let streams = said.lines().filter(|line| line.starts_with("  stream "));
    let records = streams.filter(|line| !line.starts_with("  stream alerts"));
    records.filter_map(|line| number_before(line, what)).sum()
}

fn number_before(text: &str, what: &str) -> Option<u64> {
    let before = text.get(..text.find(what)?)?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// CPU time that a process has used, user and system.
pub(crate) fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    ticks(&format!("/proc/{pid}/stat"), 11..13)
}

/// CPU time of this process and of its children that have ended.
pub(crate) fn cpu_with_children() -> anyhow::Result<Duration> {
    ticks("/proc/self/stat", 11..15)
}

/// Fields of a `stat` file, counted from the state.
fn ticks(file: &str, fields: std::ops::Range<usize>) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let (_, behind) = stat.rsplit_once(')').context("a process has a name")?;
    let numbers = behind.split_whitespace().skip(fields.start).take(fields.len());
    let ticks: u64 = numbers.map(|text| text.parse::<u64>().unwrap_or_default()).sum();
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// A cgroup that counts memory, below this process' own; removed when dropped.
struct Cgroup(PathBuf);

impl Cgroup {
    /// `None`: this machine or this user has none.
    fn make() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let name = format!("k8srd-bench-{}", std::process::id());
        let path = |root: &str, of: &dyn Fn(&str) -> bool| -> Option<PathBuf> {
            let line = own.lines().find(|line| line.split(':').nth(1).is_some_and(of))?;
            let path = line.splitn(3, ':').nth(2)?.trim_start_matches('/');
            Some(Path::new(root).join(path).join(&name))
        };
        let old = path("/sys/fs/cgroup/memory", &|it| it.split(',').any(|it| it == "memory"));
        let new = path("/sys/fs/cgroup", &str::is_empty);
        let made = [old, new].into_iter().flatten().find(|path| fs::create_dir(path).is_ok());
        made.map(Self)
    }

    fn most(&self) -> Option<u64> {
        let files = ["memory.max_usage_in_bytes", "memory.peak", "memory.current"];
        let read = |name: &str| fs::read_to_string(self.0.join(name)).ok()?.trim().parse().ok();
        files.into_iter().find_map(read)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Empty by then; if not, it is seen by its name.
        let _ = fs::remove_dir(&self.0);
    }
}

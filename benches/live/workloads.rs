//! What real programs pay for being watched: each workload alone, beside the agent with the shipped rules, and beside
//! the agent with rules that look at all of it and never hold.
//!
//! The states take turns, so that other load on the machine meets all of them; the best round of each counts.

use std::env;
use std::fmt;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::fs::{CWD, Mode, OFlags};

use crate::agent::{Account, Agent, cpu_with_children};

/// A file that every machine has.
const FILE: &str = "/etc/passwd";
/// About what the compilation takes alone, in seconds of CPU time.
const COMPILATION: f64 = 26.0;
/// How many alerts are timed.
const ALERTS: usize = 300;

struct Workload {
    name: &'static str,
    rounds: usize,
    /// Work in a folder that is its own and was prepared.
    work: fn(&Path) -> anyhow::Result<()>,
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "getpid", rounds: 3, work: |_| getpid(10_000_000) },
    Workload { name: "open, close", rounds: 3, work: |_| open_close(1_000_000) },
    Workload { name: "open, fstat, read, close, getpid", rounds: 3, work: |_| read_file(400_000) },
    Workload { name: "two at once: open, close", rounds: 3, work: |_| two_at_once() },
    Workload { name: "vfork, exec of true", rounds: 3, work: |_| spawn(2_000) },
    Workload { name: "find over /usr and /etc", rounds: 3, work: |_| find() },
    Workload { name: "HTTP over loopback", rounds: 3, work: |_| http(15_000) },
    Workload { name: "compilation of C", rounds: 1, work: compile },
];

/// Who watches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Nobody,
    ShippedRules,
    NeverMatching,
}

impl State {
    const ALL: [Self; 3] = [Self::Nobody, Self::ShippedRules, Self::NeverMatching];
}

/// The time of one round.
#[derive(Clone, Copy)]
struct Time {
    cpu: f64,
    wall: f64,
}

/// The best round of one workload in one state, and the agent's account of it.
struct Measured {
    time: Time,
    account: Option<Account>,
}

/// Everything that was measured.
pub(crate) struct Report {
    rows: Vec<(&'static str, Vec<Measured>)>,
    latency: [(&'static str, Vec<Duration>); 2],
}

/// Measures all workloads, or those whose name has this in it.
pub(crate) fn measure(only: Option<&str>) -> anyhow::Result<Report> {
    let folder = Folder::make()?;
    let shipped = folder.0.join("shipped.yaml");
    fs::write(&shipped, include_str!("../../rules/k8srd_rules.yaml"))?;
    let never = folder.0.join("never.yaml");
    fs::write(&never, never_matching())?;
    prepare_compilation(&folder.0)?;
    // What is on the disk is read before anything is measured.
    find()?;

    let chosen = WORKLOADS.iter().filter(|it| only.is_none_or(|only| it.name.contains(only)));
    let mut rows = Vec::new();
    for workload in chosen {
        let mut best: Vec<Option<Measured>> = State::ALL.iter().map(|_| None).collect();
        for _ in 0..workload.rounds {
            for (state, best) in State::ALL.into_iter().zip(&mut best) {
                let agent = match state {
                    State::Nobody => None,
                    State::ShippedRules => Some(Agent::start(&shipped)?),
                    State::NeverMatching => Some(Agent::start(&never)?),
                };
                let time = in_child(workload.name, &folder.0)?;
                let account = agent.map(Agent::stop).transpose()?;
                if best.as_ref().is_none_or(|best| time.cpu < best.time.cpu) {
                    *best = Some(Measured { time, account });
                }
            }
        }
        eprintln!("measured: {}", workload.name);
        rows.push((workload.name, best.into_iter().flatten().collect()));
    }
    let idle = latency(&folder.0, false)?;
    let busy = latency(&folder.0, true)?;
    let latency = [("else idle", idle), ("beside a loop of open, close", busy)];
    Ok(Report { rows, latency })
}

/// In a child: the work of one name; prints its CPU and wall time in seconds.
pub(crate) fn run(name: &str, folder: &str) -> anyhow::Result<()> {
    let found = WORKLOADS.iter().find(|workload| workload.name == name);
    let workload = found.with_context(|| format!("no workload {name}"))?;
    let start = Instant::now();
    (workload.work)(Path::new(folder))?;
    println!("{} {}", cpu_with_children()?.as_secs_f64(), start.elapsed().as_secs_f64());
    Ok(())
}

fn in_child(name: &str, folder: &Path) -> anyhow::Result<Time> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["workload", name]).arg(folder).stdin(Stdio::null());
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{name} failed: {}", output.status);
    let printed = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = printed.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let [cpu, wall] = numbers[..] else { bail!("{name} printed {printed:?}") };
    Ok(Time { cpu, wall })
}

/// Rules over all that the workloads do; none holds.
fn never_matching() -> String {
    let rule = |number: usize, condition: &str| {
        format!(
            "- rule: Never {number}\n  desc: A benchmark\n  condition: {condition}\n  \
             output: \"%proc.name %fd.name\"\n  priority: WARNING\n"
        )
    };
    let conditions = [
        "evt.type in (open, openat, openat2, creat) and fd.name startswith /no/such/folder/",
        "evt.type in (open, openat, openat2) and proc.name = nobody and fd.name endswith .key",
        "evt.type in (execve, execveat) and proc.cmdline contains no-such-program",
        "evt.type in (execve, execveat) and proc.pname in (nobody, nothing)",
        "evt.type in (connect, accept, accept4) and fd.sport = 1 and proc.name = nobody",
        "evt.type in (clone, clone3, fork, vfork) and proc.name = nobody",
        "evt.type in (rename, unlink, unlinkat, chmod) and fs.path.name = /no/such/file",
    ];
    let rules = (0..).zip(conditions);
    rules.map(|(number, condition)| rule(number, condition)).collect::<Vec<_>>().join("\n")
}

fn getpid(times: u32) -> anyhow::Result<()> {
    for _ in 0..times {
        black_box(rustix::process::getpid());
    }
    Ok(())
}

fn open_close(times: u32) -> anyhow::Result<()> {
    for _ in 0..times {
        drop(rustix::fs::openat(CWD, FILE, OFlags::RDONLY, Mode::empty())?);
    }
    Ok(())
}

fn read_file(times: u32) -> anyhow::Result<()> {
    let mut buffer = [0; 512];
    for _ in 0..times {
        let file = rustix::fs::openat(CWD, FILE, OFlags::RDONLY, Mode::empty())?;
        black_box(rustix::fs::fstat(&file)?);
        black_box(fs::File::from(file).read(&mut buffer)?);
        black_box(rustix::process::getpid());
    }
    Ok(())
}

fn two_at_once() -> anyhow::Result<()> {
    thread::scope(|scope| {
        let both = [scope.spawn(|| open_close(500_000)), scope.spawn(|| open_close(500_000))];
        let joined = both.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("a panic")));
        joined.flatten().collect()
    })
}

fn spawn(times: u32) -> anyhow::Result<()> {
    for _ in 0..times {
        ensure!(Command::new("/bin/true").status()?.success(), "true is false");
    }
    Ok(())
}

fn find() -> anyhow::Result<()> {
    let mut command = Command::new("find");
    command.args(["/usr", "/etc", "-xdev", "-type", "f"]).stdout(Stdio::null());
    let status = command.stderr(Stdio::null()).status().context("cannot run find")?;
    ensure!(status.code().is_some_and(|code| code < 2), "find: {status}");
    Ok(())
}

/// A request a connection, as from many clients.
fn http(requests: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> std::io::Result<()> {
        let mut request = [0; 1024];
        for connection in listener.incoming().take(requests) {
            let mut connection = connection?;
            let _ = connection.read(&mut request)?;
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
        }
        Ok(())
    });
    let mut answer = Vec::new();
    for _ in 0..requests {
        let mut connection = TcpStream::connect(address)?;
        connection.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")?;
        answer.clear();
        connection.read_to_end(&mut answer)?;
        ensure!(answer.ends_with(b"hello"), "the server says something else");
    }
    server.join().map_err(|_| anyhow::anyhow!("the server panicked"))??;
    Ok(())
}

/// Sources enough for [`COMPILATION`], by how long one of them takes here.
fn prepare_compilation(folder: &Path) -> anyhow::Result<()> {
    let sources = folder.join("sources");
    fs::create_dir(&sources)?;
    fs::write(
        sources.join("common.h"),
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n",
    )?;
    let write = |number: usize| fs::write(sources.join(format!("part{number}.c")), source(number));
    write(0)?;
    compile(folder)?;
    let before = cpu_with_children()?;
    compile(folder)?;
    let one = (cpu_with_children()? - before).as_secs_f64().max(0.01);
    let files = (COMPILATION / one).ceil().min(2_000.0) as usize;
    (1..files).try_for_each(write)?;
    Ok(())
}

/// A translation unit with some work for the optimizer.
fn source(file: usize) -> String {
    let mut text = String::from("#include \"common.h\"\n");
    for number in 0..60 {
        text += &format!(
            "int work_{file}_{number}(const char *text, int n)\n{{\n\tint sum = {number};\n\t\
             char buffer[256];\n\tfor (int i = 0; i < n; i++) {{\n\t\t\
             snprintf(buffer, sizeof(buffer), \"%s-%d\", text, i);\n\t\t\
             sum += (int)strlen(buffer) * (i % {});\n\t\tif (sum > {})\n\t\t\tsum = abs(sum / 3);\n\t}}\n\t\
             return sum;\n}}\n",
            number + 2,
            1000 + number,
        );
    }
    text
}

/// A compiler a source, as make would run them.
fn compile(folder: &Path) -> anyhow::Result<()> {
    let sources = folder.join("sources");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&sources)? {
        let path = entry?.path();
        files.extend(path.extension().is_some_and(|it| it == "c").then_some(path));
    }
    for file in files {
        let mut command = Command::new("cc");
        command.arg("-O2").arg("-c").arg(&file).arg("-o").arg(file.with_extension("o"));
        ensure!(command.status().context("cannot run cc")?.success(), "cc fails");
    }
    Ok(())
}

/// From the return of an open to the line on the agent's standard output that tells of it.
fn latency(folder: &Path, busy: bool) -> anyhow::Result<Vec<Duration>> {
    let secret = folder.join("secret");
    fs::write(&secret, "x")?;
    let rules = folder.join("latency.yaml");
    let rule = format!(
        "- rule: Secret opened\n  desc: A benchmark\n  condition: >\n    evt.type in (open, openat) and \
         fd.name = {}\n  output: \"opened\"\n  priority: WARNING\n",
        secret.display()
    );
    fs::write(&rules, rule)?;
    let mut agent = Agent::start(&rules)?;
    let lines = agent.alerts()?.lines();
    let (send, receive) = mpsc::channel();
    let reader = thread::spawn(move || {
        for _ in lines.map_while(Result::ok) {
            if send.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let mut load = match busy {
        true => Some(
            Command::new(env::current_exe()?)
                .args(["flood", "120"])
                .stdout(Stdio::null())
                .spawn()?,
        ),
        false => None,
    };
    let measure = || -> anyhow::Result<Vec<Duration>> {
        (0..ALERTS)
            .map(|_| {
                drop(rustix::fs::openat(CWD, &secret, OFlags::RDONLY, Mode::empty())?);
                let acted = Instant::now();
                let told = receive.recv_timeout(Duration::from_secs(10)).context("no alert")?;
                // Not in step with the agent's own pauses.
                thread::sleep(Duration::from_micros(3_700));
                Ok(told.saturating_duration_since(acted))
            })
            .collect()
    };
    let measured = measure();
    if let Some(load) = &mut load {
        load.kill()?;
        load.wait()?;
    }
    agent.stop()?;
    reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
    let mut latencies = measured?;
    latencies.sort_unstable();
    Ok(latencies)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| workload | alone, s | shipped rules, CPU, wall | never matching, CPU, wall |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: |")?;
        for (name, states) in &self.rows {
            let [alone, shipped, never] = &states[..] else { continue };
            let ratio = |it: &Measured| {
                let (cpu, wall) = (it.time.cpu / alone.time.cpu, it.time.wall / alone.time.wall);
                format!("×{cpu:.3}, ×{wall:.3}")
            };
            let (cpu, wall) = (alone.time.cpu, alone.time.wall);
            let (shipped, never) = (ratio(shipped), ratio(never));
            writeln!(f, "| {name} | {cpu:.2} CPU, {wall:.2} wall | {shipped} | {never} |")?;
        }
        writeln!(
            f,
            "\n| agent beside it | rules | CPU, s | CPU, % of one | produced | judged | lost | RssAnon, MB | \
             cgroup, MB |"
        )?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (name, states) in &self.rows {
            for (measured, rules) in states.iter().zip(["", "shipped", "never matching"]) {
                let Some(account) = measured.account else { continue };
                let cpu = account.cpu.as_secs_f64();
                let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
                writeln!(
                    f,
                    "| {name} | {rules} | {cpu:.2} | {:.0} | {} | {} | {} | {} | {} |",
                    100.0 * cpu / measured.time.wall,
                    account.produced,
                    account.judged,
                    account.lost,
                    megabytes(account.rss_anon),
                    account.cgroup.map_or_else(|| "not measured".into(), megabytes),
                )?;
            }
        }
        writeln!(f, "\n| act to line on standard output, ms | p50 | p99 | most |")?;
        writeln!(f, "| --- | ---: | ---: | ---: |")?;
        for (name, latencies) in &self.latency {
            let at = |share: usize| latencies.get((latencies.len() - 1) * share / 100);
            let shown = |it: Option<&Duration>| it.map_or(f64::NAN, |it| it.as_secs_f64() * 1e3);
            let [p50, p99, most] = [50, 99, 100].map(|share| shown(at(share)));
            writeln!(
                f,
                "| {name}, {} alerts | {p50:.2} | {p99:.2} | {most:.2} |",
                latencies.len()
            )?;
        }
        Ok(())
    }
}

/// A folder for sources and rules, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path =
            env::temp_dir().canonicalize()?.join(format!("k8srd-bench-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

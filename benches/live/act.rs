//! What the acting programs do, and how they are started.

use std::env;
use std::ffi::CStr;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};

const FILE: &CStr = c"/dev/null";
const BATCHES: u32 = 30;

/// One thing to do over and over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// The cheapest call: shows what any call pays.
    Getpid,
    /// A file opened and closed.
    OpenClose,
}

impl Act {
    pub(crate) const ALL: [Self; 2] = [Self::Getpid, Self::OpenClose];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Getpid => "getpid",
            Self::OpenClose => "open+close",
        }
    }

    /// Times a batch.
    const fn repeats(self) -> u32 {
        match self {
            Self::Getpid => 50_000,
            Self::OpenClose => 10_000,
        }
    }

    fn once(self) -> anyhow::Result<()> {
        match self {
            Self::Getpid => {
                black_box(rustix::process::getpid());
            }
            Self::OpenClose => drop(rustix::fs::openat(CWD, FILE, OFlags::RDONLY, Mode::empty())?),
        }
        Ok(())
    }
}

/// In a child: does `name` in batches, prints the best batch's nanoseconds of thread CPU time for
/// one.
pub(crate) fn run(name: &str) -> anyhow::Result<()> {
    let act = Act::ALL.into_iter().find(|act| act.name() == name);
    let act = act.with_context(|| format!("no act {name}"))?;
    let mut best = Duration::MAX;
    for _ in 0..BATCHES {
        let start = thread_time();
        for _ in 0..act.repeats() {
            act.once()?;
        }
        best = best.min(thread_time() - start);
    }
    println!("{}", best.as_nanos() as f64 / f64::from(act.repeats()));
    Ok(())
}

/// In a child: opens and closes a file for so long, prints how often.
pub(crate) fn flood(seconds: u64) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut opens = 0_u64;
    while Instant::now() < end {
        for _ in 0..1000 {
            Act::OpenClose.once()?;
        }
        opens += 1000;
    }
    println!("{opens}");
    Ok(())
}

/// Runs this program with `args` as a child, `copies` at the same time; the numbers that they print.
pub(crate) fn children(args: &[&str], copies: usize) -> anyhow::Result<Vec<f64>> {
    let program = env::current_exe().context("cannot find this program")?;
    let start = |_| Command::new(&program).args(args).stdout(Stdio::piped()).spawn();
    let started: Vec<_> = (0..copies).map(start).collect::<Result<_, _>>()?;
    let mut numbers = Vec::new();
    for child in started {
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{args:?} failed: {}", output.status);
        let printed = String::from_utf8(output.stdout)?;
        let Ok(number) = printed.trim().parse() else { bail!("{args:?} printed {printed:?}") };
        numbers.push(number);
    }
    Ok(numbers)
}

/// CPU time that this thread has used.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is negative: the clock counts up from zero.
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

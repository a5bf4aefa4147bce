//! `cargo xtask fuzz`: builds the fuzz targets and runs them for a while, as many at once as there
//! are CPUs.
//!
//! Nothing but the pinned stable toolchain and a C++ compiler is needed: coverage comes from a
//! pass of LLVM that stable rustc knows (cargo-fuzz gives the same flags), libFuzzer from a crate.
//! AddressSanitizer, for which cargo-fuzz wants a nightly, would find nothing in code that forbids
//! unsafe code.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::cargo;

const USAGE: &str = "\
usage: cargo xtask fuzz [--seconds N] [--minimise] [TARGET…]

Runs the targets of fuzz/ (all of them if none is named) for N seconds each, 30 without --seconds,
from fuzz/corpus/, from seeds made of testdata/, and from what earlier runs on this machine found.
--minimise then writes to fuzz/corpus/ what of all this reaches code that no seed reaches.
";

const SECONDS: u64 = 30;
/// One input that takes longer than this, in seconds, is a finding.
const SECONDS_AN_INPUT: u64 = 5;
/// Growth beyond this, in MiB, is a finding; libFuzzer and its corpus need about 100 of it.
const MEMORY: u64 = 512;
/// The longest input, in bytes: whole rule files fit.
const LONGEST: u64 = 16 << 10;
/// The longest input that is committed.
const LONGEST_KEPT: u64 = 2 << 10;
/// How much of the log of a failed run is shown.
const LINES_SHOWN: usize = 40;

/// What cargo-fuzz passes for coverage.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The verb.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let mut wanted = Wanted::parse(args)?;
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        return cargo::skip("libFuzzer is built by a C++ compiler: apt-get install g++");
    }
    let fuzz = Fuzz::new(cargo::workspace_root()?)?;
    let targets = fuzz.targets()?;
    for name in &wanted.targets {
        ensure!(targets.contains(name), "no target {name:?}, there are: {}", targets.join(" "));
    }
    if wanted.targets.is_empty() {
        wanted.targets = targets;
    }
    check_lock(&fuzz.root)?;
    fuzz.build()?;

    let failed = Mutex::new(Vec::new());
    let queue = Mutex::new(wanted.targets.iter());
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let next = || queue.lock().ok()?.next();
        while let Some(target) = next() {
            let done = fuzz.fuzz(target, wanted.seconds).and_then(|said| {
                println!("{target}: {said}");
                if wanted.minimise { fuzz.minimise(target) } else { Ok(()) }
            });
            if let Err(error) = done {
                eprintln!("{target}: FAILED: {error:#}");
                failed.lock().map(|mut failed| failed.push(target.as_str())).ok();
            }
        }
    };
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap_or_default();
    ensure!(failed.is_empty(), "{} failed", failed.join(", "));
    Ok(())
}

/// Whether the lock file of the targets fits: the libraries' manifests are part of what it locks.
pub(crate) fn check_lock(root: &Path) -> anyhow::Result<()> {
    let advice = "run `cargo update --workspace --manifest-path fuzz/Cargo.toml` and commit";
    of_targets(root, &["metadata", "--locked", "--format-version=1"], &[]).context(advice)
}

/// Whether rustfmt would change nothing.
pub(crate) fn check_format(root: &Path) -> anyhow::Result<()> {
    of_targets(root, &["fmt"], &["--check"])
}

/// Runs cargo on the targets, where there are any.
fn of_targets(root: &Path, args: &[&str], more: &[&str]) -> anyhow::Result<()> {
    let manifest = root.join("fuzz/Cargo.toml");
    if !manifest.exists() {
        return Ok(());
    }
    let mut command = Command::new(cargo::program());
    command.args(args).arg("--manifest-path").arg(manifest).args(more);
    cargo::output(&mut command).map(drop)
}

/// The command line.
#[derive(Debug, PartialEq)]
struct Wanted {
    seconds: u64,
    minimise: bool,
    targets: Vec<String>,
}

impl Wanted {
    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let mut wanted = Self { seconds: SECONDS, minimise: false, targets: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--seconds" => {
                    let number = args.next().and_then(|text| text.parse().ok());
                    // For libFuzzer 0 is without end.
                    let number = number.filter(|seconds| *seconds > 0);
                    wanted.seconds = number.context("--seconds needs a number above 0")?;
                }
                "--minimise" => wanted.minimise = true,
                other if other.starts_with('-') => bail!("unknown option {other}\n\n{USAGE}"),
                target => wanted.targets.push(target.to_owned()),
            }
        }
        Ok(wanted)
    }
}

/// Where things lie.
struct Fuzz {
    /// The repository.
    root: PathBuf,
    /// The build, seeds, logs, and what runs on this machine found.
    target: PathBuf,
    /// What rustc calls this machine. Naming it keeps the flags from build scripts.
    host: String,
}

impl Fuzz {
    fn new(root: PathBuf) -> anyhow::Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = root.join(target).join("fuzz");
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let version = cargo::output(Command::new(rustc).arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say its host")?.to_owned();
        Ok(Self { root, target, host })
    }

    fn manifest(&self) -> PathBuf {
        self.root.join("fuzz/Cargo.toml")
    }

    /// The names of all targets: the binaries of the package.
    fn targets(&self) -> anyhow::Result<Vec<String>> {
        let mut metadata = Command::new(cargo::program());
        metadata.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]);
        let metadata = cargo::output(metadata.arg(self.manifest()))?;
        let metadata: Value =
            serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
        let targets = metadata["packages"][0]["targets"].as_array().into_iter().flatten();
        let binaries = targets.filter(|target| target["kind"][0] == "bin");
        Ok(binaries.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
    }

    fn build(&self) -> anyhow::Result<()> {
        let mut build = Command::new(cargo::program());
        build
            .args(["build", "--quiet", "--locked", "--release", "--bins", "--target", &self.host])
            .arg("--manifest-path")
            .arg(self.manifest())
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", COVERAGE)
            .env("CARGO_TARGET_DIR", &self.target);
        let status = build.status().context("cannot run cargo")?;
        ensure!(status.success(), "the targets do not build");
        Ok(())
    }

    fn binary(&self, target: &str) -> PathBuf {
        self.target.join(&self.host).join("release").join(target)
    }

    /// The corpus that is committed.
    fn committed(&self, target: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(target)
    }

    /// What runs of a target on this machine leave.
    fn work(&self, target: &str) -> PathBuf {
        self.target.join("runs").join(target)
    }

    /// Runs a target; says what it did.
    fn fuzz(&self, target: &str, seconds: u64) -> anyhow::Result<String> {
        let work = self.work(target);
        let [found, findings] = ["corpus", "findings"].map(|name| work.join(name));
        for folder in [&found, &findings, &self.committed(target)] {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let mut seeds = Command::new(self.binary(target));
        cargo::output(seeds.env("K8SRD_FUZZ_SEEDS", work.join("seeds")))?;

        let log = work.join("log");
        let mut run = Command::new(self.binary(target));
        run.args([&found, &self.committed(target), &work.join("seeds/corpus")])
            .arg(format!("-dict={}", work.join("seeds/words").display()))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={SECONDS_AN_INPUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-max_len={LONGEST}"))
            .arg("-print_final_stats=1");
        let status = logged(&mut run, &log)?;
        let said = read_log(&log)?;
        if !status {
            let lines: Vec<&str> = said.lines().collect();
            let from = lines.len().saturating_sub(LINES_SHOWN);
            let tail = lines.get(from..).unwrap_or_default().join("\n");
            bail!(
                "{tail}\n{target} found something: to see it again, run\n  {} FILE\nwith a file of {} (whole log: {})",
                self.binary(target).display(),
                findings.display(),
                log.display()
            );
        }
        Ok(summary(&said, seconds))
    }

    /// Makes the committed corpus anew: from all that is known, what reaches more than the seeds.
    fn minimise(&self, target: &str) -> anyhow::Result<()> {
        let work = self.work(target);
        let (seeds, merged) = (work.join("seeds/corpus"), work.join("merged"));
        if merged.exists() {
            fs::remove_dir_all(&merged)?;
        }
        fs::create_dir_all(&merged)?;
        let names = file_names(&seeds)?;
        for name in &names {
            fs::copy(seeds.join(name), merged.join(name))?;
        }
        let committed = self.committed(target);
        let mut merge = Command::new(self.binary(target));
        // Which code is reached, not how often: that would keep ten times as many.
        merge
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .arg(format!("-max_len={LONGEST_KEPT}"))
            .args([&merged, &committed, &work.join("corpus")]);
        let log = work.join("merge.log");
        ensure!(logged(&mut merge, &log)?, "cannot merge, see {}", log.display());
        for name in file_names(&committed)? {
            fs::remove_file(committed.join(name))?;
        }
        let mut kept = 0;
        for name in file_names(&merged)?.iter().filter(|name| !names.contains(name)) {
            fs::copy(merged.join(name), committed.join(name))?;
            kept += 1;
        }
        println!("{target}: fuzz/corpus/{target} holds {kept} inputs");
        Ok(())
    }
}

/// Runs a command with all that it says in a file; whether it succeeded.
fn logged(command: &mut Command, log: &Path) -> anyhow::Result<bool> {
    let file = File::create(log).with_context(|| log.display().to_string())?;
    let command = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    Ok(status.success())
}

/// A log may hold any bytes: libFuzzer prints inputs.
fn read_log(log: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(log).with_context(|| log.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn file_names(folder: &Path) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

/// What libFuzzer's log comes to.
fn summary(log: &str, seconds: u64) -> String {
    let number = |text: Option<&str>| {
        text.and_then(|text| text.split_whitespace().next()).unwrap_or("?").to_owned()
    };
    let last = |mark| number(log.rsplit_once(mark).map(|(_, behind)| behind));
    format!(
        "{seconds} s, {} executions, coverage {} ({} features), {} MiB, slowest input {} s: nothing found",
        last("stat::number_of_executed_units:"),
        last(" cov: "),
        last(" ft: "),
        last("stat::peak_rss_mb:"),
        last("stat::slowest_unit_time_sec:"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> anyhow::Result<Wanted> {
        Wanted::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_is_read() {
        let wanted = parse(&["rules", "--seconds", "7", "--minimise"]).unwrap();
        let targets = vec!["rules".to_owned()];
        assert_eq!(wanted, Wanted { seconds: 7, minimise: true, targets });
        assert_eq!(parse(&[]).unwrap().seconds, SECONDS);
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["--seconds", "0"], &["--jobs"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_log_is_summed_up_by_its_last_numbers() {
        let log = "#2 INITED cov: 10 ft: 11 corp: 1\n#9 DONE cov: 20 ft: 31 corp: 2/7b\n\
            stat::number_of_executed_units: 9\nstat::slowest_unit_time_sec:    0\n\
            stat::peak_rss_mb:              42\n";
        assert_eq!(
            summary(log, 30),
            "30 s, 9 executions, coverage 20 (31 features), 42 MiB, slowest input 0 s: nothing found"
        );
        assert!(summary("", 1).contains("? executions"));
    }
}

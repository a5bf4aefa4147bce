//! `cargo xtask kernel-matrix [KERNEL…]`: the sensor's live tests on several kernels.
//!
//! Each kernel of Debian boots in QEMU, without acceleration, from a file system in memory that
//! holds the test programs and busybox. It is judged by what its console says; QEMU's own exit code
//! says nothing.

mod guest;
mod images;
mod report;

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::cargo;
use images::{Image, Series};
use report::Report;

const USAGE: &str = "\
usage: cargo xtask kernel-matrix [--only TEXT] [KERNEL[/RUNG]…]

Boots kernels of Debian in QEMU (no KVM needed), runs the live tests of k8srd-bpf and `k8srd doctor`
inside, and shows what each kernel said. A KERNEL is a series that Debian offers, such as 5.10, 6.1
or 7.0, or `newest`. With a RUNG, tp_btf or raw_tp, the sensor is attached in that way in the tests,
else in the best that the kernel takes. Without any: 5.10 6.1 6.12 newest. --only runs the tests that
have TEXT in their name.

Needs qemu-system-x86_64 and a static busybox (scripts/install-test-deps.sh installs both), and for
the first call a network: kernels come from the Debian archive that apt is configured for, and stay
in target/kernel-matrix/kernels/. Remove that folder to have newer ones. Consoles are kept in
target/kernel-matrix/, in a .log each.

A run boots as many kernels at a time as this machine has CPUs. Exit code 1: a test failed, or a
kernel did not come to an end.
";

const KERNELS: [&str; 4] = ["5.10", "6.1", "6.12", "newest"];

/// The ways to attach that the tests know (`K8SRD_RUNG`).
const RUNGS: [&str; 2] = ["tp_btf", "raw_tp"];

/// The longest that a kernel may take from power on to its verdict: some ten times what it takes on
/// an idle machine.
const LIMIT: Duration = Duration::from_secs(900);
const MEMORY_MIB: &str = "1024";
/// Two, so that records of several rings have to be merged.
const GUEST_CPUS: &str = "2";
/// How much of a console is shown when it ends without a verdict.
const LINES_SHOWN: usize = 30;

/// The verb.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{USAGE}");
        return Ok(());
    }
    let wanted = Wanted::parse(args)?;
    let folder = folder(&cargo::workspace_root()?);
    let qemu = Path::new("qemu-system-x86_64");
    for (program, package) in [(qemu, "qemu-system-x86"), (Path::new("busybox"), "busybox-static")]
    {
        if Command::new(program).arg("--help").output().is_err() {
            let program = program.display();
            return cargo::skip(&format!(
                "there is no {program}: run scripts/install-test-deps.sh, or install {package}"
            ));
        }
    }
    let images = images::get(&folder, wanted.boots.iter().map(|boot| boot.series))?;
    let initramfs = guest::initramfs(&folder, wanted.only.as_deref())?;

    let queue = Mutex::new(wanted.boots.iter().zip(&images));
    let reports = Mutex::new(Vec::new());
    let work = || {
        let next = || queue.lock().ok()?.next();
        while let Some((boot, image)) = next() {
            let report = run_guest(qemu, boot, image, &initramfs, &folder);
            reports.lock().map(|mut reports| reports.push((boot, image, report))).ok();
        }
    };
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let mut reports = reports.into_inner().unwrap_or_default();
    reports.sort_by_key(|(boot, image, _)| (image.version(), boot.rung.clone()));
    judge(&reports, images.len())
}

/// The command line.
#[derive(Debug)]
struct Wanted {
    boots: Vec<Boot>,
    only: Option<String>,
}

impl Wanted {
    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let mut wanted = Self { boots: Vec::new(), only: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--only" => wanted.only = Some(args.next().context("--only needs a text")?.clone()),
                other if other.starts_with('-') => bail!("unknown option {other}\n\n{USAGE}"),
                kernel => wanted.boots.push(Boot::parse(kernel)?),
            }
        }
        if wanted.boots.is_empty() {
            wanted.boots =
                KERNELS.iter().map(|name| Boot::parse(name)).collect::<Result<_, _>>()?;
        }
        Ok(wanted)
    }
}

/// A kernel, and how the sensor is to be attached there, if that is asked for.
#[derive(Debug)]
struct Boot {
    series: Series,
    rung: Option<String>,
}

impl Boot {
    fn parse(name: &str) -> anyhow::Result<Self> {
        let (series, rung) = match name.split_once('/') {
            Some((series, rung)) => (series, Some(rung)),
            None => (name, None),
        };
        if let Some(rung) = rung {
            ensure!(RUNGS.contains(&rung), "no rung {rung:?}, there are: {}", RUNGS.join(" "));
        }
        Ok(Self { series: series.parse()?, rung: rung.map(str::to_owned) })
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.series)?;
        self.rung.as_ref().map_or(Ok(()), |rung| write!(f, "/{rung}"))
    }
}

/// Where kernels, consoles and the guest's file system lie.
fn folder(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root.join(target).join("kernel-matrix")
}

/// Boots a kernel and listens to its console until it powers off.
fn run_guest(
    qemu: &Path,
    boot: &Boot,
    image: &Image,
    initramfs: &Path,
    folder: &Path,
) -> anyhow::Result<Report> {
    let name = boot.to_string();
    let log = folder.join(format!("{}.log", name.replace('/', "-")));
    let mut command_line = guest::COMMAND_LINE.to_owned();
    if let Some(rung) = &boot.rung {
        // What the kernel does not know is in the environment of the first program.
        command_line.push_str(&format!(" K8SRD_RUNG={rung}"));
    }
    let start = Instant::now();
    let mut child = Command::new(qemu)
        .args(["-accel", "tcg", "-cpu", "max", "-smp", GUEST_CPUS, "-m", MEMORY_MIB])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
        .args(["-serial", "stdio", "-kernel"])
        .arg(&image.kernel)
        .arg("-initrd")
        .arg(initramfs)
        .args(["-append", &command_line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .with_context(|| format!("cannot run {}", qemu.display()))?;
    println!("{name}: boots {} (console: {})", image.package, log.display());
    let console = child.stdout.take().context("QEMU has no console")?;
    let (sender, lines) = std::sync::mpsc::channel();
    let listener = thread::spawn(move || {
        // A console may show any bytes.
        for line in BufReader::new(console).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut report = Report::default();
    let mut file = File::create(&log).with_context(|| log.display().to_string())?;
    let ended = loop {
        match lines.recv_timeout(LIMIT.saturating_sub(start.elapsed())) {
            Ok(line) => {
                writeln!(file, "{line}").with_context(|| log.display().to_string())?;
                if let Some(news) = report.read(&line) {
                    println!("{name}: {news}");
                }
            }
            Err(error) => break error,
        }
    };
    // It has powered off, or may not go on.
    child.kill().ok();
    child.wait().with_context(|| format!("{name}: QEMU does not end"))?;
    listener.join().ok();
    report.seconds = start.elapsed().as_secs_f32();
    if report.verdict.is_none() {
        let why = match ended {
            std::sync::mpsc::RecvTimeoutError::Timeout => {
                format!("no verdict within {} s", LIMIT.as_secs())
            }
            std::sync::mpsc::RecvTimeoutError::Disconnected => "ended without a verdict".to_owned(),
        };
        let said = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        let from = lines.len().saturating_sub(LINES_SHOWN);
        let tail = lines.get(from..).unwrap_or_default().join("\n");
        println!("{name}: {why}; the end of its console:\n{tail}");
        report.broken = Some(why);
    }
    Ok(report)
}

fn judge(reports: &[(&Boot, &Image, anyhow::Result<Report>)], boots: usize) -> anyhow::Result<()> {
    let mut rows = vec![report::HEAD.map(str::to_owned)];
    let mut failed = Vec::new();
    for (boot, image, report) in reports {
        let name = boot.to_string();
        match report {
            Ok(report) => {
                rows.push(report.row(&name, &image.package, boot.rung.as_deref()));
                for test in report.failed() {
                    println!("{name}: FAILED: {test}");
                }
                if !report.is_good() {
                    failed.push(name);
                }
            }
            Err(error) => {
                println!("{name}: {error:#}");
                failed.push(name);
            }
        }
    }
    print!("\n{}", report::table(&rows));
    ensure!(failed.is_empty(), "the sensor does not pass on {}", failed.join(", "));
    ensure!(reports.len() == boots, "only {} of {boots} boots were tried", reports.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> anyhow::Result<Wanted> {
        Wanted::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn kernels_are_series_and_without_any_the_usual_ones() {
        let names = |args: &[&str]| {
            let boots = parse(args).unwrap().boots;
            boots.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), KERNELS);
        assert_eq!(names(&["6.18", "--only", "fork", "6.1/raw_tp"]), ["6.18", "6.1/raw_tp"]);
        assert_eq!(parse(&["--only", "fork"]).unwrap().only.as_deref(), Some("fork"));
        for wrong in ["--fast", "--only", "6", "6.x", "6.1.2", "latest", "", "6.1/", "6.1/fast"] {
            assert!(parse(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}

//! Order and identity on the live kernel: of thousands of programs that start, move between CPUs,
//! open a file and end, each open carries the name of its own program.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a live test says what it saw, or why it is skipped")]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use k8srd_bpf::source::{BpfOptions, BpfSource};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::pipeline::Pipeline;
use k8srd_core::set::RuleBits;
use k8srd_core::source::Flow;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

/// Programs that run at the same time.
const LANES: usize = 8;
const CHAINS: usize = 10_000;

/// What was seen of one open.
#[derive(Debug)]
struct Seen {
    file: String,
    name: String,
    exepath: String,
    cmdline: String,
    ppid: String,
}

/// Tells the opens below a directory.
struct Opens {
    below: Vec<u8>,
    interest: Interest,
    seen: Sender<Seen>,
}

impl Matcher for Opens {
    fn interest(&self) -> &Interest {
        &self.interest
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        _: Option<&RuleBits>,
        arena: &Arena,
        _: &mut Verdicts,
    ) {
        let read = |field| {
            let value = event.get(&Key::of(field), arena).known();
            value.map_or_else(String::new, |value| value.to_string())
        };
        let file = read(field::FD_NAME);
        if file.as_bytes().starts_with(&self.below) {
            let seen = Seen {
                file,
                name: read(field::PROC_NAME),
                exepath: read(field::PROC_EXEPATH),
                cmdline: read(field::PROC_CMDLINE),
                ppid: read(field::PROC_PPID),
            };
            let _ = self.seen.send(seen);
        }
    }
}

#[test]
fn each_open_carries_the_name_of_its_own_program() {
    let Some(source) = live_source() else { return };
    let dir = tempfile::tempdir().unwrap();
    // `cat` under eight names, so that a mix-up of two programs shows.
    let programs: Vec<_> = (0..LANES).map(|lane| dir.path().join(format!("prog{lane}"))).collect();
    for program in &programs {
        fs::copy("/bin/cat", program).unwrap();
    }
    let opens = dir.path().join("open");
    let (seen, received) = mpsc::channel();
    let reads = [
        field::FD_NAME,
        field::PROC_NAME,
        field::PROC_EXEPATH,
        field::PROC_CMDLINE,
        field::PROC_PPID,
    ];
    let matcher = Opens {
        below: opens.as_os_str().as_bytes().to_vec(),
        interest: Interest::new(
            [EventKind::OPEN, EventKind::OPENAT].into_iter().collect(),
            reads.into_iter().collect(),
        ),
        seen,
    };
    // No /proc to repair from: the records alone have to tell.
    let mut pipeline = Pipeline::builder(source)
        .enrich(Processes::builder().build())
        .enrich(SyscallFields::default())
        .matcher(matcher)
        .build()
        .unwrap();

    // Children of the test are not of its thread group, so they are seen.
    let acting = std::thread::spawn(move || act(&programs, &opens));
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut alerts = Vec::new();
    while !acting.is_finished() {
        assert!(Instant::now() < deadline, "the programs do not end");
        pipeline.step(Duration::from_millis(5), &mut alerts).unwrap();
    }
    let parents = acting.join().unwrap();
    assert_eq!(pipeline.finish(Duration::from_secs(30), &mut alerts).unwrap(), Flow::End);
    // Opens of other programs on this machine share the data rings, so some may be lost; starts
    // and ends have a ring of their own.
    let mut losses = pipeline.losses();
    assert_eq!(losses.stream("process").total_lost(), 0, "{losses:?}");
    let lost = losses.total_lost();

    let mut times = HashMap::new();
    drop(pipeline);
    for Seen { file, name, exepath, cmdline, ppid } in received {
        // …/open/<program>.<chain>
        let file_name = file.rsplit('/').next().unwrap().to_owned();
        let (program, _) = file_name.split_once('.').unwrap();
        assert_eq!(name, program, "{file}");
        assert_eq!(Path::new(&exepath).file_name(), Some(OsStr::new(program)), "{file}");
        assert_eq!(cmdline, format!("{program} {file}"));
        assert_eq!(ppid, parents, "{file}");
        *times.entry(file_name).or_insert(0) += 1;
    }
    assert!(times.values().all(|&n| n == 1), "each once");
    let missing = (CHAINS - times.len()) as u64;
    assert!(missing <= lost, "{missing} opens are not seen, {lost} events are counted as lost");
    println!("{} of {CHAINS} opens seen, each with the name of its program", times.len());
    assert!(times.len() > CHAINS / 2, "too few to show anything");
}

/// The sensor; `None`, said and allowed only without `K8SRD_REQUIRE_LIVE`, where it may not be
/// loaded.
fn live_source() -> Option<BpfSource> {
    match BpfSource::load(&BpfOptions::default()) {
        Ok(source) => Some(source),
        Err(error) => {
            assert!(std::env::var_os("K8SRD_REQUIRE_LIVE").is_none(), "{error:?}");
            println!("skipped: {error}");
            None
        }
    }
}

/// Runs all programs, `LANES` at a time; says as whose children. Each starts on one CPU, as
/// `taskset`, and goes on under its own name on another.
fn act(programs: &[impl AsRef<Path> + Sync], opens: &Path) -> String {
    let cpus = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for (lane, program) in programs.iter().enumerate() {
            scope.spawn(move || {
                for chain in (lane..CHAINS).step_by(LANES) {
                    let file = opens.join(format!("prog{lane}.{chain}"));
                    let mut child = Command::new("taskset")
                        .args(["-c", &(chain / LANES % cpus).to_string()])
                        .arg(program.as_ref())
                        .arg(&file)
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .spawn()
                        .unwrap();
                    child.wait().unwrap();
                }
            });
        }
    });
    std::process::id().to_string()
}

//! A CPU that goes and comes back while its programs are watched.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::process::Child;
use std::time::{Duration, Instant};

use k8srd_bpf::clock::boot_now;
use k8srd_core::arena::Arena;
use k8srd_core::catalogue;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;
use k8srd_core::source::Source;
use k8srd_core::value::Value;

use crate::account::{assert_adds_up, drain};
use crate::act;
use crate::watch::Watch;

pub(crate) const TESTS: crate::Tests =
    &[("of a CPU in the middle of its events loses none silently", goes_and_comes)];

const CPU: u64 = 1;
const SWITCH: &str = "/sys/devices/system/cpu/cpu1/online";
/// How long it is away.
const AWAY: Duration = Duration::from_millis(300);
/// Within this time the scheduler gives a CPU that is there something to do.
const LIMIT: Duration = Duration::from_secs(60);

/// Switches the CPU on again, whatever happens.
struct Away;

impl Away {
    fn new() -> io::Result<Self> {
        fs::write(SWITCH, "0").map(|()| Self)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        fs::write(SWITCH, "1").expect("the CPU can be switched on again");
    }
}

/// Why it stays where it is.
fn stays() -> Option<String> {
    match fs::read_to_string(SWITCH) {
        Err(error) => return Some(format!("{SWITCH}: {error}")),
        Ok(state) if state.trim() != "1" => return Some("CPU 1 is switched off".to_owned()),
        Ok(_) => {}
    }
    // A program that may run nowhere else would be moved, and never come back.
    let bound = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let process = entry.ok()?.path();
        let status = fs::read_to_string(process.join("status")).ok()?;
        let only_here = status.lines().any(|line| line == "Cpus_allowed_list:\t1");
        (only_here && status.contains("\nVmSize:")).then_some(process)
    });
    let first = bound.into_iter().next()?;
    Some(format!("{} is bound to CPU 1", first.display()))
}

/// Not what the kernel lacks, so never a failure: many machines have one CPU, or keep those they have.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Opens of each actor.
const OPENS: u64 = 20_000;

/// Two programs that open a file all the time, one after the other.
#[derive(Default)]
struct Actors {
    running: Vec<Child>,
    pids: Vec<u32>,
}

impl Actors {
    /// Puts another in the place of each that is done.
    fn keep_on(&mut self) {
        self.running.retain_mut(|actor| match actor.try_wait().expect("wait") {
            Some(status) => {
                assert!(status.success(), "{status}");
                false
            }
            None => true,
        });
        while self.running.len() < 2 {
            let command = &mut act::command("open-often");
            let actor = command.arg(OPENS.to_string()).spawn().expect("spawn");
            self.pids.push(actor.id());
            self.running.push(actor);
        }
    }
}

/// What was seen of them.
#[derive(Default)]
struct Seen {
    /// Opens, by process.
    opens: BTreeMap<i64, u64>,
    /// When the CPU made one.
    of_cpu: Vec<u64>,
    /// All events.
    given: u64,
}

impl Seen {
    fn look(&mut self, event: &dyn Event) {
        let arena = Arena::default();
        let get = |key: Key| event.get(&key, &arena).known();
        let number = |field| get(Key::of(field)).and_then(|value| value.as_u64());
        self.given += 1;
        if event.kind() != EventKind::OPENAT || get(Key::param(2)) != Some(Value::Str(b"/dev/null"))
        {
            return;
        }
        let pid = get(Key::of(catalogue::CTX_PID)).and_then(|pid| pid.as_i64()).expect("a pid");
        *self.opens.entry(pid).or_default() += 1;
        if number(catalogue::CTX_CPU) == Some(CPU) {
            self.of_cpu.push(number(catalogue::CTX_BOOT_TIME).expect("a time"));
        }
    }
}

struct Scene {
    watch: Watch,
    actors: Actors,
    seen: Seen,
}

impl Scene {
    fn go_on(&mut self) {
        let Self { watch, actors, seen } = self;
        actors.keep_on();
        let read = watch.source.read(Duration::from_millis(5), &mut |event| {
            seen.look(event);
            ControlFlow::Continue(())
        });
        read.expect("read");
    }

    fn until_it_works(&mut self, after: u64) {
        let start = Instant::now();
        while self.seen.of_cpu.iter().all(|&time| time < after) {
            assert!(start.elapsed() < LIMIT, "CPU {CPU} has nothing to do");
            self.go_on();
        }
    }
}

fn goes_and_comes() {
    if let Some(reason) = stays() {
        skip(&reason);
        return;
    }
    let watch = Watch::new(&[EventKind::OPENAT]);
    let mut scene = Scene { watch, actors: Actors::default(), seen: Seen::default() };
    scene.until_it_works(0);
    let away = match Away::new() {
        Ok(away) => away,
        Err(error) => {
            skip(&format!("CPU {CPU} cannot be switched off: {error}"));
            return;
        }
    };
    let gone = boot_now();
    let start = Instant::now();
    while start.elapsed() < AWAY {
        scene.go_on();
    }
    let back = boot_now();
    drop(away);
    scene.until_it_works(back);
    let Scene { mut watch, mut actors, mut seen } = scene;
    for actor in &mut actors.running {
        assert!(actor.wait().expect("wait").success());
    }
    drain(&mut watch, &mut |event| seen.look(event));

    assert!(!seen.of_cpu.iter().any(|time| (gone..back).contains(time)), "it was away");
    let losses = watch.source.losses();
    assert_adds_up(&losses);
    let processed: u64 = losses.streams.values().map(|account| account.processed).sum();
    assert_eq!(processed, seen.given, "{losses:?}");
    let seen_of = |pid: &u32| seen.opens.get(&i64::from(*pid)).copied().unwrap_or_default();
    let missing: u64 = actors.pids.iter().map(|pid| OPENS - seen_of(pid)).sum();
    assert!(missing <= losses.total_lost(), "{missing} are missing: {losses:?}");
}

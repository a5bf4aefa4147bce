//! Each record that was produced is processed or counted as lost.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use k8srd_bpf::abi::counter;
use k8srd_bpf::load::SensorOptions;
use k8srd_bpf::source::{BpfOptions, COMPAT, DATA, PROCESS};
use k8srd_core::arena::Arena;
use k8srd_core::blind::BlindInterval;
use k8srd_core::catalogue;
use k8srd_core::event::Timestamp;
use k8srd_core::field::Key;
use k8srd_core::kind::{EventKind, KindClass};
use k8srd_core::loss::{LossReason, Losses};
use k8srd_core::source::{Flow, Source};
use k8srd_core::value::{Lookup, Value};

use crate::act;
use crate::watch::{Seen, Watch, skip};

pub(crate) const TESTS: crate::Tests = &[
    ("a storm of opens and execs", storm),
    ("a flood of opens is shed and no connection is lost", shed),
    ("events come in order of time", order),
    ("tasks are taken anew after a loss of lifecycles", repair),
    ("32-bit calls are decoded or counted", compat),
];

#[track_caller]
pub(crate) fn assert_adds_up(losses: &Losses) {
    for (name, account) in &losses.streams {
        assert_eq!(
            account.produced,
            account.processed + account.total_lost(),
            "stream {name}: {account:?}"
        );
    }
}

/// Reads to the end after the programs are detached.
pub(crate) fn drain(watch: &mut Watch, each: &mut dyn FnMut(&dyn k8srd_core::event::Event)) {
    watch.source.stop().expect("stop");
    let start = Instant::now();
    loop {
        let flow = watch.source.read(Duration::from_millis(10), &mut |event| {
            each(event);
            ControlFlow::Continue(())
        });
        if flow.expect("read") == Flow::End {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "the source does not end");
    }
}

/// Opens of a storm: two million, or as many as a slow machine takes (`K8SRD_STORM`).
fn opens() -> u64 {
    let told = std::env::var("K8SRD_STORM").ok();
    told.map_or(2_000_000, |told| told.parse().expect("K8SRD_STORM: a number"))
}

fn storm() {
    const ACTORS: u64 = 2;
    let opens = opens();
    let execs_made = usize::try_from(opens / 1_000).expect("a small number");
    // As little as a node of so many CPUs takes.
    let options = BpfOptions {
        sensor: SensorOptions {
            ring_memory: (1 << 20).max((256 << 10) + cpus() * (64 << 10)),
            ..SensorOptions::default()
        },
        ..BpfOptions::default()
    };
    let mut watch = Watch::with(&options, &[EventKind::OPENAT]);
    let done = AtomicBool::new(false);
    let mut execs: BTreeMap<i64, u32> = BTreeMap::new();
    let mut given = 0_u64;
    let (res, key) = (Key::param(0), Key::param(1));
    let pid = Key::of(catalogue::CTX_PID);
    let mut count = |event: &dyn k8srd_core::event::Event| {
        let arena = Arena::default();
        given += 1;
        if event.kind() == EventKind::EXECVE
            && event.get(&res, &arena) == Lookup::Known(Value::I64(0))
            && event.get(&key, &arena).known().and_then(|exe| exe.as_bytes()) == Some(b"storm")
        {
            let pid = event.get(&pid, &arena).known().and_then(|pid| pid.as_i64()).expect("a pid");
            *execs.entry(pid).or_default() += 1;
        }
    };
    std::thread::scope(|scope| {
        let actors = scope.spawn(|| {
            let often = (opens / ACTORS).to_string();
            let mut actors: Vec<_> = (0..ACTORS)
                .map(|_| act::command("open-often").arg(&often).spawn().expect("spawn"))
                .collect();
            for _ in 0..execs_made {
                use std::os::unix::process::CommandExt;
                let status = act::command("nothing").arg0("storm").status();
                assert!(status.expect("the act").success());
            }
            for actor in &mut actors {
                assert!(actor.wait().expect("wait").success());
            }
            done.store(true, Ordering::Release);
        });
        // A reader that comes late, so that there is loss where a machine reads faster than it opens.
        while lost_data(&watch) == 0 {
            assert!(!actors.is_finished(), "so many opens fit the ring");
            std::thread::sleep(Duration::from_millis(1));
        }
        while !done.load(Ordering::Acquire) {
            let flow = watch.source.read(Duration::from_millis(5), &mut |event| {
                count(event);
                ControlFlow::Continue(())
            });
            assert_eq!(flow.expect("read"), Flow::More);
            assert!(!actors.is_finished() || done.load(Ordering::Acquire), "the actors failed");
        }
    });
    drain(&mut watch, &mut count);
    let losses = watch.source.losses();
    assert_adds_up(&losses);
    let (process, data) = (&losses.streams[PROCESS], &losses.streams[DATA]);
    assert!(data.produced >= opens, "{losses:?}");
    assert!(data.lost.get(&LossReason::RingFull).is_some_and(|&lost| lost > 0), "{data:?}");
    assert_eq!(data.lost.len(), 1, "the ring was full, and nothing else: {data:?}");
    assert_eq!(data.processed + process.processed, given, "each that was processed was given");
    assert_eq!(process.total_lost(), 0, "{process:?}");
    assert_eq!(execs.len(), execs_made, "every exec is seen");
    assert!(execs.values().all(|&times| times == 1), "and once");
}

fn lost_data(watch: &Watch) -> u64 {
    let counters = watch.source.sensor().counters().expect("counters");
    counters.iter().map(|of_cpu| of_cpu.get(counter::LOST_DATA)).sum()
}

fn shed() {
    const CONNECTS: u64 = 400;
    let often = opens().to_string();
    let options = BpfOptions {
        sensor: SensorOptions {
            ring_memory: (1 << 20).max((256 << 10) + cpus() * (256 << 10)),
            shed: vec![KindClass::File],
            ..SensorOptions::default()
        },
        ..BpfOptions::default()
    };
    // An interval begins when the source looked last, which it does as it is loaded.
    let before = Timestamp::from_nanos(wall_now());
    let mut watch = Watch::with(&options, &[EventKind::OPENAT, EventKind::CONNECT]);
    let mut connecting =
        act::command("connect-often").arg(CONNECTS.to_string()).spawn().expect("spawn");
    let mut opening = act::command("open-often").arg(&often).spawn().expect("spawn");
    let (pid, whose) = (Key::of(catalogue::CTX_PID), i64::from(connecting.id()));
    let (mut connects, mut given) = (0, 0_u64);
    let mut look = |event: &dyn k8srd_core::event::Event| {
        let arena = Arena::default();
        let of = event.get(&pid, &arena).known().and_then(|pid| pid.as_i64());
        given += 1;
        connects += u64::from(event.kind() == EventKind::CONNECT && of == Some(whose));
    };
    let mut intervals: Vec<BlindInterval> = Vec::new();
    let mut seen = Vec::new();
    let mut running = true;
    while running {
        let over = |actor: &mut std::process::Child| actor.try_wait().expect("wait");
        running = over(&mut connecting).is_none() || over(&mut opening).is_none();
        let flow = watch.source.read(Duration::from_millis(5), &mut |event| {
            look(event);
            ControlFlow::Continue(())
        });
        assert_eq!(flow.expect("read"), Flow::More);
        seen.push(watch.source.blind(&mut |interval| intervals.push(interval)));
    }
    drain(&mut watch, &mut look);
    seen.push(watch.source.blind(&mut |interval| intervals.push(interval)));
    let after = Timestamp::from_nanos(wall_now());
    assert!(connecting.wait().expect("wait").success() && opening.wait().expect("wait").success());

    let losses = watch.source.losses();
    assert_adds_up(&losses);
    let data = &losses.streams[DATA];
    assert_eq!(connects, CONNECTS, "every connection is seen: {data:?}");
    assert_eq!(data.lost.keys().collect::<Vec<_>>(), [&LossReason::Shed], "{data:?}");
    assert_eq!(data.shed.keys().collect::<Vec<_>>(), [&KindClass::File], "{data:?}");
    // What else the machine does may fill its small ring, but nothing is dropped on purpose there.
    assert!(losses.streams[PROCESS].shed.is_empty(), "{losses:?}");
    assert_eq!(given, data.processed + losses.streams[PROCESS].processed);

    let shed: Vec<_> = intervals.iter().filter(|one| one.reason == LossReason::Shed).collect();
    let told: u64 = shed.iter().map(|interval| interval.lost.expect("a number")).sum();
    assert_eq!(told, data.total_lost(), "each that was lost is told once");
    for interval in shed {
        assert_eq!(interval.kinds.iter().collect::<Vec<_>>(), [EventKind::OPENAT]);
        assert!(interval.first <= interval.last && !interval.state, "{interval:?}");
        let slack = |time: Timestamp| time.as_nanos() + 1_000_000;
        assert!(before.as_nanos() <= slack(interval.first), "{before:?} {interval:?}");
        assert!(interval.last.as_nanos() <= slack(after), "{after:?} {interval:?}");
    }
    assert!(seen.iter().all(Option::is_some) && seen.is_sorted(), "time goes on");
}

fn wall_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("a time after 1970").as_nanos()).expect("a time before 2500")
}

fn order() {
    let mut watch = Watch::new(&[EventKind::OPENAT]);
    let mut actors: Vec<_> =
        (0..4).map(|_| act::command("open-often").arg("20000").spawn().expect("spawn")).collect();
    let (boot_time, late) = (Key::of(catalogue::CTX_BOOT_TIME), Key::of(catalogue::CTX_LATE));
    let (mut newest, mut seen, mut were_late) = (0, 0_u64, 0_u64);
    let mut look = |event: &dyn k8srd_core::event::Event| {
        let arena = Arena::default();
        let time = event.get(&boot_time, &arena).known().and_then(|time| time.as_u64());
        let late = event.get(&late, &arena).known().and_then(|late| late.as_bool());
        let time = time.expect("a time");
        seen += 1;
        if late.expect("a flag") {
            were_late += 1;
        } else {
            assert!(time >= newest, "{time} after {newest}");
            newest = time;
        }
    };
    while actors.iter_mut().any(|actor| actor.try_wait().expect("wait").is_none()) {
        watch
            .source
            .read(Duration::from_millis(5), &mut |event| {
                look(event);
                ControlFlow::Continue(())
            })
            .expect("read");
    }
    drain(&mut watch, &mut look);
    assert!(seen >= 80_000, "{seen}");
    let losses = watch.source.losses();
    assert_adds_up(&losses);
    let counted: u64 = losses
        .streams
        .values()
        .filter_map(|account| account.flawed.get(&k8srd_core::loss::Flaw::Late))
        .sum();
    assert_eq!(counted, were_late);
    assert_eq!(losses.total_lost(), losses.streams[COMPAT].total_lost(), "{losses:?}");
}

fn repair() {
    let options = BpfOptions {
        sensor: SensorOptions {
            ring_memory: (1 << 20).max((256 << 10) + cpus() * (64 << 10)),
            ..SensorOptions::default()
        },
        ..BpfOptions::default()
    };
    let mut watch = Watch::with(&options, &[EventKind::TASK]);
    let (pid, ours) = (Key::of(catalogue::CTX_PID), i64::from(std::process::id()));
    let read_until_row = |watch: &mut Watch, limit: Duration| {
        let (start, mut found) = (Instant::now(), false);
        while !found && start.elapsed() < limit {
            let flow = watch.source.read(Duration::from_millis(5), &mut |event| {
                let arena = Arena::default();
                let of = event.get(&pid, &arena).known().and_then(|pid| pid.as_i64());
                found |= event.kind() == EventKind::TASK && of == Some(ours);
                ControlFlow::Continue(())
            });
            assert_eq!(flow.expect("read"), Flow::More);
        }
        found
    };
    assert!(read_until_row(&mut watch, Duration::from_secs(5)), "the first pass");
    // What else the machine does may fill the small ring, too.
    let is_quiet = (0..5).any(|_| !read_until_row(&mut watch, Duration::from_millis(1500)));
    assert!(is_quiet, "there is a pass without a loss");
    // Nobody reads while more is written than the ring holds.
    for _ in 0..300 {
        assert!(Command::new("true").status().expect("true").success());
    }
    assert!(read_until_row(&mut watch, Duration::from_secs(5)), "the pass after the loss");
    drain(&mut watch, &mut |_| {});
    let losses = watch.source.losses();
    assert_adds_up(&losses);
    assert!(losses.streams[PROCESS].lost[&LossReason::RingFull] > 0, "{losses:?}");
}

fn cpus() -> u64 {
    std::thread::available_parallelism().map_or(1, usize::from) as u64
}

fn compat() {
    #[cfg(target_arch = "x86_64")]
    {
        let mut watch = Watch::new(&[EventKind::OPEN, EventKind::CONNECT]);
        let before = watch.source.losses().streams[COMPAT].total_lost();
        let mut command = act::command("open-32");
        let run = watch.run(command.env(act::MAY_FAIL, ""));
        let died = run.one(EventKind::PROCEXIT, |seen| seen.int("ctx.tid") == run.pid).int("sig");
        if died != 0 {
            skip(&format!("this kernel has no 32-bit calls: signal {died}"));
            return;
        }
        let losses = watch.source.losses();
        // Of ten connects the arguments lie where nothing is.
        assert_eq!(losses.streams[COMPAT].lost[&LossReason::Compat] - before, 10, "{losses:?}");
        assert_eq!(run.of_kind(EventKind::CONNECT).count(), 0);
        // 5 is open to a 32-bit program and fstat to a 64-bit one.
        let refused = |seen: &&Seen| seen.int("fd") == -i64::from(libc::EFAULT);
        assert_eq!(run.of_kind(EventKind::OPEN).filter(refused).count(), 100);
    }
    #[cfg(not(target_arch = "x86_64"))]
    skip("there is no 32-bit program of this architecture");
}

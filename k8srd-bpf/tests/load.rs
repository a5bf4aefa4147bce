//! Loads the shipped object into the running kernel and looks at what it does there.
//!
//! Needs root, or CAP_BPF and CAP_PERFMON, and a kernel with BTF. Without them the tests say so and
//! pass, unless K8SRD_REQUIRE_LIVE is set.
#![expect(clippy::print_stderr, reason = "a skipped test says why")]

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::process::Command;

use k8srd_bpf::abi::{self, Context, ExecBody, Header, counter, flag, hook, kind};
use k8srd_bpf::load::{Rung, Sensor, SensorOptions};
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::set::FieldSet;
use zerocopy::FromBytes;

/// A loaded sensor, or `None` where this process may not load one.
fn sensor() -> Option<Sensor> {
    let rung = env::var("K8SRD_RUNG").ok().map(|name| Rung::named(&name).expect("a rung"));
    match Sensor::load(&SensorOptions { ring_memory: 1 << 20, rung, ..SensorOptions::default() }) {
        Ok(sensor) => Some(sensor),
        Err(error)
            if error.is_permission_denied() && env::var_os("K8SRD_REQUIRE_LIVE").is_none() =>
        {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

fn total(sensor: &Sensor, slot: u32) -> u64 {
    sensor.counters().expect("counters").iter().map(|cpu| cpu.get(slot)).sum()
}

fn opens() -> Interest {
    let kinds = [EventKind::OPEN, EventKind::OPENAT];
    Interest::new(kinds.into_iter().collect(), FieldSet::default())
}

/// Opens `path` `times` times from a child process: our own thread group is left out.
fn child_opens(path: &str, times: u32) {
    let script = format!("i=0; while [ $i -lt {times} ]; do : < {path}; i=$((i+1)); done");
    assert!(Command::new("sh").args(["-c", &script]).status().expect("sh").success());
}

#[test]
fn every_program_attaches_and_detaches() {
    let Some(mut sensor) = sensor() else { return };
    let attached: Vec<_> = sensor.attached().collect();
    for name in ["sched_process_exec", "sched_process_fork", "sched_process_exit"] {
        assert!(attached.contains(&name), "{name} is not in {attached:?}");
    }
    // Which of the two programs for it depends on the kernel.
    assert_eq!(attached.iter().filter(|name| name.ends_with("sys_exit")).count(), 1);
    assert_eq!(sensor.skipped().expect("fdinfo"), 0);

    let before = total(&sensor, counter::PRODUCED_LIFECYCLE);
    assert!(Command::new("true").status().expect("true").success());
    // Its fork, exec and exit.
    let after = total(&sensor, counter::PRODUCED_LIFECYCLE);
    assert!(after >= before + 3, "{before} then {after}");

    sensor.detach();
    assert_eq!(sensor.attached().count(), 0);
    let before = total(&sensor, counter::PRODUCED_LIFECYCLE);
    assert!(Command::new("true").status().expect("true").success());
    assert_eq!(total(&sensor, counter::PRODUCED_LIFECYCLE), before);
}

/// What the largest record takes in a ring.
const LARGEST_RESERVATION: u64 = abi::RECORD_MAX as u64 + 8;

#[test]
fn the_filter_lets_through_what_is_subscribed() {
    let Some(mut sensor) = sensor() else { return };
    child_opens("/dev/null", 50);
    let quiet = total(&sensor, counter::PRODUCED_DATA);
    sensor.subscribe(&opens()).expect("subscribe");
    child_opens("/dev/null", 50);
    let asked = total(&sensor, counter::PRODUCED_DATA);
    assert!(asked >= quiet + 50, "{quiet} then {asked}");

    // Nobody else's opens are left to be counted either, once they are not asked for; only threads
    // of other processes that come and go may be.
    sensor.subscribe(&Interest::default()).expect("unsubscribe");
    let before = total(&sensor, counter::PRODUCED_DATA);
    child_opens("/dev/null", 500);
    let after = total(&sensor, counter::PRODUCED_DATA);
    assert!(after < before + 500, "{before} then {after}");
}

#[test]
fn our_own_calls_make_no_records() {
    let Some(mut sensor) = sensor() else { return };
    sensor.subscribe(&opens()).expect("subscribe");
    let before = total(&sensor, counter::OWN);
    for _ in 0..100 {
        File::open("/dev/null").expect("/dev/null");
    }
    std::thread::spawn(|| File::open("/dev/null").map(drop)).join().unwrap().expect("/dev/null");
    let after = total(&sensor, counter::OWN);
    assert!(after >= before + 101, "{before} then {after}");
}

#[test]
fn what_does_not_fit_the_ring_is_counted() {
    let Some(mut sensor) = sensor() else { return };
    sensor.subscribe(&opens()).expect("subscribe");
    // Nobody reads: the rings of 128 to 256 KiB hold some hundreds of records.
    child_opens("/dev/null", 5000);
    sensor.subscribe(&Interest::default()).expect("unsubscribe");
    let produced = total(&sensor, counter::PRODUCED_DATA);
    let lost = total(&sensor, counter::LOST_DATA);
    let held: usize = sensor.data().iter().map(k8srd_bpf::load::RingMap::bytes).sum();
    assert!(produced >= 5000 && lost > 0, "{produced} produced, {lost} lost");
    assert!(produced - lost <= held as u64 / 256, "{produced} produced, {lost} lost");
    // A ring of their own: life cycles are lost only where so many came, from whatever else this
    // machine does, that they fill it alone.
    let lost = total(&sensor, counter::LOST_LIFECYCLE);
    let held = total(&sensor, counter::PRODUCED_LIFECYCLE) - lost;
    let ring = sensor.lifecycle().bytes() as u64;
    assert!(lost == 0 || (held + 1) * LARGEST_RESERVATION > ring, "{held} held, {lost} lost");
}

#[test]
fn task_rows_tell_the_truth_about_ourselves() {
    let Some(mut sensor) = sensor() else { return };
    let mut stream = Vec::new();
    sensor.task_rows().expect("iterator").read_to_end(&mut stream).expect("rows");

    let (mut rest, mut own, mut rows) = (&stream[..], Vec::new(), 0);
    while !rest.is_empty() {
        let (header, _) = Header::read_from_prefix(rest).expect("a header");
        let (record, next) = rest.split_at(header.size as usize);
        assert_eq!((header.abi, header.kind), (abi::ABI, kind::TASK));
        assert_eq!(header.hook(), hook::ITER);
        let (context, body) = Context::read_from_prefix(&record[size_of::<Header>()..]).unwrap();
        let (body, _) = ExecBody::read_from_prefix(body).unwrap();
        for part in [body.exepath, body.cwd, body.args, body.env, body.cgroup, body.cgroup_v1] {
            assert!(part.of(record).is_some());
        }
        if context.vpid == std::process::id() {
            own.push((context, body, record));
        }
        (rest, rows) = (next, rows + 1);
    }
    assert!(rows > 1);

    let leader = own.iter().find(|(context, ..)| context.tid == context.tgid);
    let (context, body, record) = leader.expect("our own row");
    let text = |part: abi::Part| String::from_utf8_lossy(part.of(record).unwrap()).into_owned();
    let exe = env::current_exe().expect("exe");
    assert_eq!(text(body.exepath), exe.to_str().expect("utf-8"));
    assert_eq!(text(body.cwd), env::current_dir().expect("cwd").to_str().expect("utf-8"));
    assert_eq!(context.ppid, std::os::unix::process::parent_id());
    assert_eq!(context.uid, rustix::process::getuid().as_raw());
    if sensor.rows_have_arguments() {
        let cmdline = fs::read("/proc/self/cmdline").expect("cmdline");
        assert_eq!(body.args.of(record).unwrap(), &cmdline[..cmdline.len().min(abi::ARGS_MAX)]);
    }
    assert_eq!(body.exe_flags & abi::exe::FROM_MEMFD, 0);

    // The same inodes, times and namespaces as /proc gives.
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(&exe).expect("metadata");
    assert_eq!(body.exe_ino, meta.ino());
    assert_eq!(body.exe_mtime, meta.mtime() as u64 * 1_000_000_000 + meta.mtime_nsec() as u64);
    assert_eq!(body.exe_ctime, meta.ctime() as u64 * 1_000_000_000 + meta.ctime_nsec() as u64);
    for (name, inum) in [
        ("mnt", context.ns_mnt),
        ("pid", context.ns_pid),
        ("net", context.ns_net),
        ("user", context.ns_user),
        ("uts", context.ns_uts),
        ("ipc", context.ns_ipc),
        ("cgroup", context.ns_cgroup),
    ] {
        let link = fs::read_link(format!("/proc/self/ns/{name}")).expect("namespace");
        assert_eq!(link.to_str().expect("utf-8"), format!("{name}:[{inum}]"));
    }
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let capabilities = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        u64::from_str_radix(line.trim(), 16).expect(name)
    };
    assert_eq!(context.cap_effective, capabilities("CapEff:"));
    assert_eq!(context.cap_permitted, capabilities("CapPrm:"));
    assert_eq!(context.cap_inheritable, capabilities("CapInh:"));
    let login = fs::read_to_string("/proc/self/loginuid").map(|id| id.trim().parse::<u32>());
    if let Ok(Ok(login)) = login {
        assert_eq!(context.loginuid, login);
    }
    let stat = fs::read_to_string("/proc/self/stat").expect("stat");
    let numbers: Vec<_> = stat.rsplit_once(") ").expect("comm").1.split(' ').collect();
    assert_eq!(numbers[2], context.vpgid.to_string());
    assert_eq!(numbers[3], context.vsid.to_string());
    // Field 22 is the start in ticks of 10 ms.
    assert_eq!(numbers[19], (context.start_time / 10_000_000).to_string());
    let cgroups = fs::read_to_string("/proc/self/cgroup").expect("cgroup");
    let v2 = cgroups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("");
    assert_eq!(text(body.cgroup), v2);
    let v1 =
        cgroups.lines().find_map(|line| line.split_once(":memory:")).map_or("", |(_, path)| path);
    assert_eq!(text(body.cgroup_v1), v1);
    assert_eq!(own.iter().filter(|row| row.2.len() > abi::RECORD_MAX).count(), 0);
    assert_eq!(flag::PATH_DELETED & Header::read_from_prefix(record).unwrap().0.flags, 0);
}

//! What an event has to say, found out without the sensor.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use k8srd_core::catalogue::FIELDS;
use k8srd_core::kind::KindInfo;
use k8srd_core::value::OwnedValue;

use crate::watch::{Run, Seen};

/// What a value has to be.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    Is(OwnedValue),
    /// A number from the first to the last, both included.
    Within(u64, u64),
    Absent,
}

pub(crate) fn int(n: impl Into<i64>) -> Truth {
    Truth::Is(OwnedValue::I64(n.into()))
}

pub(crate) fn uint(n: impl Into<u64>) -> Truth {
    Truth::Is(OwnedValue::U64(n.into()))
}

pub(crate) fn text(text: impl AsRef<[u8]>) -> Truth {
    Truth::Is(OwnedValue::Str(text.as_ref().into()))
}

pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Truth {
    Truth::Is(OwnedValue::Bytes(bytes.as_ref().into()))
}

/// Compares every param of the event's kind and every field that the source answers. A value that
/// is not in `truth` is a mistake of the test; of context fields the ones of other kinds are absent.
#[track_caller]
pub(crate) fn check(seen: &Seen, truth: impl IntoIterator<Item = (&'static str, Truth)>) {
    let mut truth: BTreeMap<_, _> = truth.into_iter().collect();
    let info = KindInfo::of(seen.kind).expect("a known kind");
    for name in [
        "ctx.path.base",
        "ctx.path.base2",
        "ctx.path.real",
        "ctx.file_mode",
        "ctx.sock.type",
        "ctx.old_tid",
    ] {
        truth.entry(name).or_insert(Truth::Absent);
    }
    truth.entry("ctx.sock.protocol").or_insert(Truth::Absent);
    // Of recordings alone.
    truth.entry("ctx.number").or_insert(Truth::Absent);
    truth.entry("ctx.io_uring").or_insert(Truth::Is(OwnedValue::Bool(false)));
    truth.entry("ctx.unreadable").or_insert(Truth::Is(OwnedValue::Bool(false)));
    truth.entry("ctx.truncated").or_insert(Truth::Is(OwnedValue::Bool(false)));
    let fields = FIELDS.iter().map(|info| &*info.name).filter(|name| name.starts_with("ctx."));
    for name in info.params.iter().map(|param| param.name).chain(fields) {
        let value = seen.values.get(name);
        let Some(truth) = truth.get(name) else {
            // What a descriptor is of is compared in the tests of calls.
            let elsewhere = ["ctx.child.", "ctx.fd.", "ctx.call."];
            let elsewhere = elsewhere.iter().any(|of| name.starts_with(of));
            // A lateness is the machine's doing: the order is tested elsewhere.
            assert!(elsewhere || name == "ctx.late", "the test has no truth for {name}");
            continue;
        };
        let right = match (truth, value) {
            (Truth::Absent, None) => true,
            (Truth::Is(truth), Some(value)) => truth == value,
            (Truth::Within(first, last), Some(OwnedValue::U64(n))) => (first..=last).contains(&n),
            (Truth::Within(first, last), Some(OwnedValue::I64(n))) => {
                u64::try_from(*n).is_ok_and(|n| (first..=last).contains(&&n))
            }
            _ => false,
        };
        assert!(right, "{name} of {} is {value:?}, the truth is {truth:?}", info.name);
    }
}

/// The truth about the context of an event, from what its task told of itself
/// ([`tell_context`](crate::act::tell_context)).
pub(crate) fn context(run: &Run) -> Vec<(&'static str, Truth)> {
    let status = String::from_utf8_lossy(run.told("status")).into_owned();
    let line = |name: &str| -> Vec<&str> {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .unwrap_or_else(|| panic!("no {name} in status"))
            .split_whitespace()
            .collect()
    };
    let first = |name: &str| line(name)[0].parse::<i64>().unwrap();
    let inner = |name: &str| line(name).last().unwrap().parse::<i64>().unwrap();
    let nth = |name: &str, n: usize| line(name)[n].parse::<u64>().unwrap();
    let hex = |name: &str| u64::from_str_radix(line(name)[0], 16).unwrap();
    let namespace = |name: &str| uint(run.told_number(&format!("ns.{name}")) as u64);
    let mut all = vec![
        ("ctx.tid", int(first("Pid"))),
        ("ctx.pid", int(first("Tgid"))),
        ("ctx.ppid", int(first("PPid"))),
        ("ctx.vtid", int(inner("NSpid"))),
        ("ctx.vpid", int(inner("NStgid"))),
        ("ctx.pgid", int(nth("NSpgid", 0) as i64)),
        ("ctx.vpgid", int(inner("NSpgid"))),
        ("ctx.sid", int(nth("NSsid", 0) as i64)),
        ("ctx.vsid", int(inner("NSsid"))),
        ("ctx.uid", uint(nth("Uid", 0))),
        ("ctx.euid", uint(nth("Uid", 1))),
        ("ctx.suid", uint(nth("Uid", 2))),
        ("ctx.fsuid", uint(nth("Uid", 3))),
        ("ctx.gid", uint(nth("Gid", 0))),
        ("ctx.egid", uint(nth("Gid", 1))),
        ("ctx.sgid", uint(nth("Gid", 2))),
        ("ctx.fsgid", uint(nth("Gid", 3))),
        ("ctx.cap_effective", uint(hex("CapEff"))),
        ("ctx.cap_permitted", uint(hex("CapPrm"))),
        ("ctx.cap_inheritable", uint(hex("CapInh"))),
        ("ctx.loginuid", uint(run.told_number("loginuid") as u64)),
        ("ctx.ns.mnt", namespace("mnt")),
        ("ctx.ns.pid", namespace("pid")),
        ("ctx.ns.net", namespace("net")),
        ("ctx.ns.user", namespace("user")),
        ("ctx.ns.uts", namespace("uts")),
        ("ctx.ns.ipc", namespace("ipc")),
        ("ctx.ns.cgroup", namespace("cgroup")),
        ("ctx.cgroup.id", uint(cgroup_id(run))),
        ("ctx.tty", uint(run.told_number("stat.tty") as u64)),
        // Execs that the lineage of the process has had: at least the one that made it this program.
        ("ctx.exec_id", Truth::Within(1, 1 << 32)),
        ("ctx.cpu", Truth::Within(0, 4_095)),
        ("ctx.boot_time", Truth::Within(run.told_number("before") as u64, now())),
    ];
    // /proc tells start times in ticks, rounded down.
    let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    for (field, name) in
        [("ctx.start_time", "stat.start"), ("ctx.leader_start_time", "leader.start")]
    {
        let start = run.told_number(name) as u64 * tick;
        all.push((field, Truth::Within(start, start + tick - 1)));
    }
    all
}

fn now() -> u64 {
    k8srd_bpf::clock::boot_now()
}

/// Paths of the v2 cgroup and of the controller `memory` (else `pids`) in `/proc/self/cgroup`.
fn cgroups(run: &Run) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(run.told("cgroup")).into_owned();
    let path = |controller: &str| {
        text.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            (parts.next()? == controller).then(|| parts.next().map(str::to_owned))?
        })
    };
    (path(""), path("memory").or(path("pids")))
}

fn cgroup_id(run: &Run) -> u64 {
    let (Some(path), _) = cgroups(run) else { panic!("there are no v2 cgroups here") };
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let root = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|mount| mount[2] == "cgroup2")
        .unwrap_or_else(|| panic!("no v2 hierarchy is mounted"))[1]
        .to_owned();
    std::fs::metadata(format!("{root}{path}")).unwrap().ino()
}

/// The param `cgroups`.
pub(crate) fn cgroups_param(run: &Run) -> Truth {
    bytes(match cgroups(run) {
        (Some(v2), Some(v1)) => format!("memory={v1}\0unified={v2}\0"),
        (Some(v2), None) => ["cpuset", "cpu", "cpuacct", "io", "memory"]
            .map(|name| format!("{name}={v2}\0"))
            .concat(),
        (None, v1) => format!("memory={}\0", v1.unwrap()),
    })
}

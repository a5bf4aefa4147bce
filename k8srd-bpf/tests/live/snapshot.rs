//! The tasks that ran before anyone watched.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::process::Stdio;
use std::time::Duration;

use k8srd_bpf::source::{BpfOptions, BpfSource, SNAPSHOT};
use k8srd_core::interest::Interest;
use k8srd_core::kind::EventKind;
use k8srd_core::set::FieldSet;
use k8srd_core::source::Source;

use crate::act;
use crate::truth::{self, Truth, bytes, check, text, uint};
use crate::watch::{Run, Seen};

pub(crate) const TESTS: crate::Tests = &[("every task is there, before any event", all_tasks)];

fn all_tasks() {
    let mut child = act::command("wait")
        .args(["one", "two"])
        .env_clear()
        .env(act::NAME, "wait")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawn");
    let pid = i64::from(child.id());
    // It is told once the program has told all about itself.
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut told = String::new();
    while !told.contains("leader.start=") {
        told += &lines.next().expect("a line").expect("a line");
        told.push('\n');
    }
    let run = Run { pid, told: act::told(told.as_bytes()), events: Vec::new() };

    let mut source = BpfSource::load(&BpfOptions::default()).expect("the sensor");
    let kinds = [EventKind::TASK, EventKind::EXECVE, EventKind::PROCEXIT];
    source
        .subscribe(&Interest::new(kinds.into_iter().collect(), FieldSet::default()))
        .expect("subscribe");
    let running: Vec<i64> = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    // Something happens before the first row is read.
    assert!(std::process::Command::new("true").status().expect("true").success());
    let (mut rows, mut order) = (BTreeMap::new(), Vec::new());
    for _ in 0..20 {
        source
            .read(Duration::from_millis(50), &mut |event| {
                order.push(event.kind() == EventKind::TASK);
                if event.kind() == EventKind::TASK {
                    let seen = Seen::new(event);
                    rows.insert(seen.int("ctx.tid"), seen);
                }
                ControlFlow::Continue(())
            })
            .expect("read");
    }
    assert!(order.is_sorted_by(|a, b| a >= b) && order.last() == Some(&false), "rows come first");

    let missing = running
        .iter()
        .filter(|pid| !rows.contains_key(pid))
        .filter(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists())
        .count();
    // What was started between the pass and the look into /proc is not in it.
    assert!(missing <= running.len() / 10, "{missing} of {} are missing", running.len());
    for tid in [std::os::unix::process::parent_id(), std::process::id()].map(i64::from) {
        assert!(rows.contains_key(&tid), "no row of {tid}, but of {:?}", rows.keys());
    }
    // Threads have rows too.
    assert_eq!(rows.values().filter(|row| row.int("ctx.pid") == pid).count(), 2);

    let of = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).expect(name);
    let link = |name: &str| {
        let path = std::fs::read_link(format!("/proc/{pid}/{name}")).expect(name);
        text(path.as_os_str().as_encoded_bytes())
    };
    let command_line = of("cmdline");
    let exe = command_line.split(|&byte| byte == 0).next().unwrap_or_default();
    let file = std::fs::metadata(format!("/proc/{pid}/exe")).expect("exe");
    let nanos = |seconds: i64, nanos: i64| uint((seconds * 1_000_000_000 + nanos) as u64);
    use std::os::unix::fs::MetadataExt;
    let mut truth = truth::context(&run);
    truth.extend([
        ("comm", text(of("comm").trim_ascii_end())),
        ("exe", text(exe)),
        ("args", bytes(&command_line[exe.len() + 1..])),
        ("env", bytes(of("environ"))),
        ("cwd", link("cwd")),
        ("trusted_exepath", link("exe")),
        ("cgroups", truth::cgroups_param(&run)),
        ("flags", Truth::Within(0, 1)),
        ("exe_ino", uint(file.ino())),
        ("exe_ino_ctime", nanos(file.ctime(), file.ctime_nsec())),
        ("exe_ino_mtime", nanos(file.mtime(), file.mtime_nsec())),
        ("fdlimit", Truth::Within(16, u64::MAX)),
        ("vm_size", Truth::Within(100, 1 << 30)),
        ("vm_rss", Truth::Within(0, 1 << 30)),
        ("vm_swap", Truth::Within(0, 1 << 30)),
        ("pgft_maj", Truth::Within(0, 10_000)),
        ("pgft_min", Truth::Within(1, 10_000_000)),
        ("pidns_init_start_ts", Truth::Within(0, u64::MAX)),
        ("root", Truth::Absent),
    ]);
    check(&rows[&pid], truth);

    let losses = source.losses();
    let account = &losses.streams[SNAPSHOT];
    assert_eq!((account.produced, account.total_lost()), (rows.len() as u64, 0));
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("the end");
    assert!(child.wait().expect("wait").success());
}

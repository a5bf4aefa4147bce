//! The recording of the demo that the program brings. With `K8SRD_BLESS=1`, and root, it is made
//! anew: a demo is recorded, and what is not of it is left out.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "says what was written")]

mod program;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use k8srd_capture::{Item, Machine, Reader, Writer};

use crate::program::{code, stderr, stdout};

const K8SRD: &str = env!("CARGO_BIN_EXE_k8srd");

#[test]
fn the_recording_shows_every_attack_without_root() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/recorded.scap.gz");
    if env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, record()).unwrap();
        println!("{} is written; build again to test it", path.display());
        return;
    }
    let output = Command::new(K8SRD).args(["demo", "--recorded"]).output().unwrap();
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}{}", stderr(&output));
    for part in [
        "A recording of the demo, made on another machine and judged here and now.",
        "Unexpected shell in container             Notice    recorded",
        "Sensitive file read by untrusted program  Warning   recorded",
        "User database read in container           Notice    recorded",
        "a name is looked up              (none, as it should be)",
        "Download tool run in container            Notice    recorded",
        "Dropped program executed in container     Critical  recorded",
        "parent=webserver grandparent=k8srd user=root uid=0 container=",
        "Everything that should be found was found, and nothing else.",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }

    // Nothing of the machine where it was made is in there.
    let output = Command::new(K8SRD).arg("events").arg(&path).output().unwrap();
    let programs: BTreeSet<_> = stdout(&output)
        .lines()
        .filter_map(|line| Some(line.split(' ').nth(3)?.to_owned()))
        .collect();
    let known = ["cat", "chmod", "curl", "id", "k8srd", "sh", "updater", "webserver"];
    assert!(programs.iter().all(|name| known.contains(&&**name)), "{programs:?}");
    let mut reader = Reader::new(File::open(&path).unwrap()).unwrap();
    while let Some(item) = reader.next().unwrap() {
        match item {
            Item::Machine(machine) => assert_eq!(machine.hostname, b"demo"),
            Item::User(user) => assert_eq!(user.name, b"root"),
            Item::Section | Item::Context(_) | Item::Omitted(_) | Item::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A demo, recorded.
fn record() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("all.scap");
    let filter = ["-f", "container.id != host"];
    let mut recorder = Command::new(K8SRD)
        .args(["record", "-w"])
        .arg(&capture)
        .args(filter)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Until it watches: nothing of the demo may be missed, and no harm is done by waiting long.
    thread::sleep(Duration::from_secs(2));
    // By a path, in a folder and in control groups that say nothing of this machine.
    let copy = tempfile::Builder::new().prefix("k8srd").rand_bytes(0).tempdir_in("/tmp").unwrap();
    let program = copy.path().join("k8srd");
    fs::copy(K8SRD, &program).unwrap();
    let script = "for group in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs
        do echo $$ > $group
        done
        exec $0 demo";
    let mut demo = Command::new("/bin/sh");
    let demo = demo.args(["-c", script]).arg(&program).current_dir("/");
    let demo = demo.env_clear().env("PATH", "/usr/bin:/bin");
    let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let leader = u64::from(demo.id());
    assert!(demo.wait().unwrap().success(), "the demo failed");
    let recording = nix::unistd::Pid::from_raw(i32::try_from(recorder.id()).unwrap());
    nix::sys::signal::kill(recording, nix::sys::signal::Signal::SIGINT).unwrap();
    assert!(recorder.wait().unwrap().success());
    of_the_demo(&fs::read(capture).unwrap(), leader)
}

/// What the threads of containers did, and the one that made the container.
fn of_the_demo(capture: &[u8], leader: u64) -> Vec<u8> {
    let mut tids = BTreeSet::from([leader]);
    each(capture, |item| {
        if let Item::Event(event) = item {
            tids.extend((!event.state_only).then_some(event.tid));
        }
    });
    let mut writer = Writer::gzip(Vec::new());
    each(capture, |item| {
        let item = match item {
            Item::Machine(machine) => {
                let mut anonymous = Machine::default();
                anonymous.hostname = b"demo";
                anonymous.boot_time = machine.boot_time;
                Item::Machine(anonymous)
            }
            Item::User(user) if user.name == b"root" => Item::User(user),
            Item::Omitted(omitted) => Item::Omitted(omitted),
            Item::Context(context) if tids.contains(&context.tid()) => Item::Context(context),
            Item::Event(event) if tids.contains(&event.tid) => Item::Event(event),
            _ => return,
        };
        writer.write(&item).unwrap();
    });
    writer.finish().unwrap()
}

fn each(capture: &[u8], mut see: impl FnMut(Item<'_>)) {
    let mut reader = Reader::new(Cursor::new(capture.to_vec())).unwrap();
    while let Some(item) = reader.next().unwrap() {
        see(item);
    }
}

use std::error::Error;
use std::io::Cursor;

use k8srd_capture::Reader;

use super::*;

fn reader(capture: Vec<u8>) -> Reader {
    Reader::new(Cursor::new(capture)).unwrap()
}

/// The params by name of the only event with this code, as text.
fn params(capture: Vec<u8>, code: u16) -> BTreeMap<&'static str, Vec<u8>> {
    let info = KindInfo::of(k8srd_core::kind::EventKind(code)).unwrap();
    let mut reader = reader(capture);
    let mut found = BTreeMap::new();
    while let Some(item) = reader.next().unwrap() {
        if let Item::Event(event) = item
            && event.code == code
        {
            let all = info.params.iter().enumerate();
            found = all.map(|(at, it)| (it.name, event.param(at).unwrap().to_vec())).collect();
        }
    }
    found
}

#[test]
fn tables_come_before_events_in_whatever_order_they_are_told() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let capture = CaptureBuilder::new()
        .event(7, TestEvent::falco("close").param("res", 0).param("fd", 3))
        .process(TestProcess::new(7, "cat").with("args", ["/etc/passwd"]))
        .user(0, 0, "root", "/root", "/bin/sh")
        .process(TestProcess::new(8, "dog"))
        .group(0, "root")
        .interface("eth0", ip("10.0.0.5"), ip("255.255.255.0"), ip("10.0.0.255"))
        .user(1, 1, "daemon", "/", "/bin/false")
        .descriptor(7, 3, TestDescriptor::file("/etc/passwd").ino(5))
        .machine("web", 4, 1 << 30, 5)
        .build();
    let mut reader = reader(capture);
    let mut found = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push(match item {
            Item::Machine(it) => {
                format!("machine {} {} {}", text(it.hostname), it.cpus, it.boot_time)
            }
            Item::Interface(it) => format!("interface {} {}", text(it.name), it.address),
            Item::User(it) => format!("user {} {}", it.uid, text(it.name)),
            Item::Group(it) => format!("group {}", text(it.name)),
            Item::Process(it) => {
                format!("process {} {} {}", it.tid, text(it.exepath), text(it.args))
            }
            Item::Descriptor(it) => format!("descriptor {} {} {}", it.tid, it.fd, it.ino),
            Item::Event(it) => format!("event {} {}", it.code, it.time.as_nanos()),
            _ => continue,
        });
    }
    let expected = [
        "machine web 4 5",
        "interface eth0 10.0.0.5",
        "user 0 root",
        "user 1 daemon",
        "group root",
        "process 7 /usr/bin/cat /etc/passwd\0",
        "process 8 /usr/bin/dog ",
        "descriptor 7 3 5",
        "event 5 1700000000000000000",
    ];
    assert_eq!(found, expected);
}

#[test]
fn time_goes_on_by_itself_and_the_processor_is_a_field() {
    let close = || TestEvent::falco("close").param("res", 0);
    let capture = CaptureBuilder::new()
        .at(10)
        .event(7, close())
        .event(7, close().field("ctx.cpu", 3))
        .event(8, close().at(5_000_000))
        .event(8, close())
        .build();
    let mut reader = reader(capture);
    let mut found = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        if let Item::Event(event) = item {
            found.push((event.time.as_nanos(), event.tid, event.cpu));
        }
    }
    assert_eq!(found, [(10, 7, 0), (1_000_010, 7, 3), (5_000_000, 8, 0), (6_000_000, 8, 0)]);
}

#[test]
fn what_is_executed_follows_from_who_executes_it() {
    let server = TestProcess::new(812, "nginx").with("uid", 33);
    let capture = CaptureBuilder::new()
        .process(server)
        .event(812, TestEvent::fork().param("res", 900))
        .event(900, TestEvent::fork().param("res", 0))
        .event(
            900,
            TestEvent::execve().param("filename", "/bin/a-name-that-is-long").param("args", ["-x"]),
        )
        .build();
    let fork = params(capture.clone(), 225);
    assert_eq!(fork["comm"], b"nginx\0", "of the child");
    assert_eq!(fork["pid"], 900_i64.to_le_bytes());
    assert_eq!(fork["ptid"], 812_i64.to_le_bytes());
    let exec = params(capture, 293);
    for (name, value) in [
        ("exe", &b"/bin/a-name-that-is-long\0"[..]),
        ("trusted_exepath", b"/bin/a-name-that-is-long\0"),
        ("filename", b"/bin/a-name-that-is-long\0"),
        ("comm", b"a-name-that-is-\0"),
        ("args", b"-x\0"),
        ("cwd", b""),
        ("uid", &33_u32.to_le_bytes()),
        ("loginuid", &u32::MAX.to_le_bytes()),
        ("res", &0_i64.to_le_bytes()),
        ("ptid", &812_i64.to_le_bytes()),
    ] {
        assert_eq!(exec[name], value, "{name}");
    }
}

#[test]
fn what_was_not_executed_changes_nothing() {
    let capture = CaptureBuilder::new()
        .process(TestProcess::new(7, "sh"))
        .event(7, TestEvent::execve().param("res", -2).param("filename", "/bin/nothing"))
        .event(7, TestEvent::falco("clone").param("res", 8).param("flags", "CLONE_THREAD"))
        .event(8, TestEvent::vfork().param("res", 0))
        .build();
    let failed = params(capture.clone(), 293);
    assert_eq!((&*failed["exe"], &*failed["comm"]), (&b"/bin/nothing\0"[..], &b"sh\0"[..]));
    assert_eq!(failed["trusted_exepath"], b"/usr/bin/sh\0");
    assert_eq!(params(capture.clone(), 223)["comm"], b"sh\0");
    let thread = params(capture, 227);
    assert_eq!(
        (&*thread["tid"], &*thread["pid"]),
        (&8_i64.to_le_bytes()[..], &7_i64.to_le_bytes()[..])
    );
}

#[test]
fn a_child_in_a_container_is_its_parents() {
    let shim = TestProcess::new(700, "sh").with("vtid", 1).with("vpid", 1);
    let child = TestEvent::fork().param("res", 0).param("ptid", 700);
    let capture = CaptureBuilder::new()
        .process(shim)
        .event(700, TestEvent::clone3().param("res", 7))
        .event(731, child.param("vtid", 7).param("vpid", 7))
        .event(7, TestEvent::vfork().param("res", 9))
        .build();
    let fork = params(capture.clone(), 225);
    assert_eq!((&*fork["comm"], &*fork["vpid"]), (&b"sh\0"[..], &7_i64.to_le_bytes()[..]));
    assert_eq!(fork["pid"], 731_i64.to_le_bytes());
    assert!(params(capture, 227)["comm"].is_empty(), "7 is no process outside the container");
}

#[test]
fn an_entry_is_recorded_as_such() {
    let entry = TestEvent::entry("openat").param("dirfd", -100).param("name", "/etc/passwd");
    let mut reader = reader(CaptureBuilder::new().event(7, entry).build());
    let mut codes = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        if let Item::Event(event) = item {
            codes.push((event.code, event.state_only));
        }
    }
    assert_eq!(codes, [(306, false)]);
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let refused = |result: Result<CaptureBuilder, BuildError>| {
        let error = result.unwrap_err();
        error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    };
    let with = |event: TestEvent| refused(CaptureBuilder::new().try_event(7, event));
    assert!(with(TestEvent::open().field("proc.name", "cat")).contains("the field proc.name"));
    assert!(with(TestEvent::open().field("ctx.uid", 3)).contains("the field ctx.uid"));
    assert!(with(TestEvent::open().alternate(TestEvent::open())).contains("resolved names"));
    let own = k8srd_core::schema::Schema::new().source("shop").kind("payment");
    assert!(with(TestEvent::of(own, "payment")).contains("Falco's schema"));
    let shell = || TestProcess::new(7, "sh");
    let builder = CaptureBuilder::new().process(shell());
    assert!(refused(builder.try_event(7, TestEvent::execve())).contains("says what it runs"));
    let twice = CaptureBuilder::new().process(shell()).process(shell());
    assert_eq!(twice.try_build().unwrap_err().to_string(), "two processes have the thread id 7");
    let pipe = || TestDescriptor::pipe();
    let twice = CaptureBuilder::new().descriptor(7, 1, pipe()).descriptor(7, 1, pipe());
    assert_eq!(
        twice.try_build().unwrap_err().to_string(),
        "the process 7 has the descriptor 1 twice"
    );
    assert!(shell().try_with("exepath", "/x").unwrap_err().to_string().contains("\"exepath\""));
    let wrong = shell().try_with("uid", "root").unwrap_err();
    assert!(wrong.source().unwrap().to_string().starts_with("uid is of type uid"));
}

use std::net::SocketAddr;

use k8srd_core::field::Arg;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use super::*;

fn ask(event: &TestEvent, name: &str) -> Option<String> {
    let arena = Arena::default();
    let (name, arg) = match (name.split_once('['), name.strip_prefix("evt.arg.")) {
        (Some((name, arg)), _) => (name, Arg::parse(arg.strip_suffix(']').unwrap())),
        (_, Some(arg)) => ("evt.arg", Arg::parse(arg)),
        _ => (name, Arg::None),
    };
    let info = field::FIELDS.iter().find(|info| info.name == name).unwrap();
    let fields = SyscallFields::default();
    let value = fields.get(Slot(0), event, &Key::with_arg(info.id, arg), &arena).known();
    value.map(|value| value.to_string())
}

#[track_caller]
fn check(event: &TestEvent, rows: &[(&str, Option<&str>)]) {
    for (name, want) in rows {
        assert_eq!(ask(event, name).as_deref(), *want, "{name}");
    }
}

fn opened(name: &str) -> TestEvent {
    TestEvent::openat()
        .param("fd", 3)
        .param("dirfd", -100)
        .param("name", name)
        .param("flags", 4097)
        .param("mode", 0)
        .param("dev", 0x801)
        .param("ino", 42)
        .field("proc.cwd", "/home/me/")
}

#[test]
fn numbers_are_written_as_signed_ones() {
    let none = u32::MAX;
    let chown = TestEvent::falco("chown").param("uid", none).param("gid", 1000);
    check(&chown, &[("evt.arg.uid", Some("-1")), ("evt.arg.gid", Some("1000"))]);
    check(&chown, &[("evt.rawarg[uid]", Some("4294967295"))]);
    let hexadecimal = TestEvent::falco("mkdir").param("mode", none);
    check(&hexadecimal, &[("evt.arg.mode", Some("FFFFFFFF"))]);
    let narrow = TestEvent::falco("accept").param("queuepct", 255);
    check(&narrow, &[("evt.arg.queuepct", Some("255"))]);
}

#[test]
fn a_file_that_was_opened() {
    check(
        &opened("../you/./x"),
        &[
            ("syscall.type", Some("openat")),
            ("evt.dir", Some("<")),
            ("evt.res", Some("SUCCESS")),
            ("evt.rawres", Some("3")),
            ("evt.failed", Some("false")),
            ("evt.is_open_read", Some("true")),
            ("evt.is_open_write", Some("false")),
            ("evt.is_open_exec", Some("false")),
            ("evt.is_open_create", Some("false")),
            ("fd.num", Some("3")),
            ("fd.type", Some("file")),
            ("fd.typechar", Some("f")),
            ("fd.name", Some("/home/you/x")),
            ("fd.nameraw", Some("../you/./x")),
            ("fd.directory", Some("/home/you")),
            ("fd.filename", Some("x")),
            ("fd.realpath", None),
            ("fd.dev", Some("2049")),
            ("fd.ino", Some("42")),
            ("fd.l4proto", Some("<NA>")),
            ("fd.sip", None),
            ("evt.arg.fd", Some("<f>/home/you/x")),
            ("evt.arg.dirfd", Some("AT_FDCWD")),
            ("evt.arg.name", Some("/home/you/x")),
            ("evt.arg.flags", Some("O_RDONLY|O_CLOEXEC")),
            ("evt.arg.mode", Some("0")),
            ("evt.arg.dev", Some("801")),
            ("evt.arg[6]", Some("42")),
            ("evt.arg[7]", None),
            ("evt.arg.nosuch", None),
            ("evt.rawarg[flags]", Some("4097")),
            (
                "evt.args",
                Some(
                    "fd=3(<f>/home/you/x) dirfd=-100(AT_FDCWD) name=../you/./x(/home/you/x) \
                     flags=4097(O_RDONLY|O_CLOEXEC) mode=0 dev=801 ino=42",
                ),
            ),
        ],
    );
}

#[test]
fn the_directory_that_a_name_starts_from() {
    let at = |event: TestEvent| ask(&event.param("dirfd", 5), "fd.name").unwrap();
    assert_eq!(at(opened("a/../b").field("ctx.path.base", "/srv")), "/srv/b");
    assert_eq!(at(opened("/etc//passwd").field("ctx.path.base", "/srv")), "/etc/passwd");
    assert_eq!(at(opened("b")), "<UNKNOWN>b");
    let event = opened("b").param("dirfd", 5).field("ctx.path.base", "/srv");
    assert_eq!(ask(&event, "evt.arg.dirfd").as_deref(), Some("<d>/srv"));
    let moved = opened("b").field("ctx.path.base", "/moved");
    assert_eq!(ask(&moved, "fd.name").as_deref(), Some("/moved/b"), "the kernel knows better");
    let creat = TestEvent::creat().param("fd", 4).param("name", "n").field("proc.cwd", "/x/");
    assert_eq!(ask(&creat, "fd.name").as_deref(), Some("/x/n"));
}

#[test]
fn a_file_that_was_not_opened() {
    check(
        &opened("x//y").param("fd", -13),
        &[
            ("evt.res", Some("EACCES")),
            ("evt.rawres", Some("-13")),
            ("evt.failed", Some("true")),
            ("fd.num", Some("-1")),
            ("fd.type", None),
            ("fd.typechar", Some("f")),
            ("fd.name", Some("/home/me/x/y")),
            ("fd.nameraw", Some("x/y")),
            ("fd.directory", Some("/home/me/x")),
            ("fd.filename", None),
            ("fd.ino", None),
            ("evt.arg.fd", Some("EACCES")),
        ],
    );
    let event = TestEvent::open().param("fd", -2).param("name", "/a/../b").param("flags", 1);
    check(
        &event,
        &[
            ("fd.name", Some("/a/../b")),
            ("fd.typechar", Some("o")),
            ("fd.directory", Some("/a/..")),
        ],
    );
    check(&opened("").param("fd", -2), &[("fd.name", None), ("fd.directory", None)]);
    check(
        &TestEvent::openat(),
        &[("fd.name", None), ("evt.res", None), ("evt.arg.fd", Some("<NA>"))],
    );
}

#[test]
fn directories() {
    let event = opened("sub").param("flags", 1 << 10 | 1);
    check(
        &event,
        &[
            ("fd.type", Some("directory")),
            ("fd.typechar", Some("d")),
            ("fd.directory", Some("/home/me/sub")),
            ("fd.filename", None),
            ("evt.arg.fd", Some("<d>/home/me/sub")),
        ],
    );
    check(&opened("/"), &[("fd.directory", Some("/")), ("fd.filename", Some("/"))]);
    check(&opened("/x"), &[("fd.directory", Some("/")), ("fd.filename", Some("x"))]);
}

#[test]
fn the_kernels_name() {
    let event = opened("link").field("ctx.path.real", "/etc/shadow");
    check(&event, &[("fd.name", Some("/home/me/link")), ("fd.realpath", Some("/etc/shadow"))]);
    let given = TestEvent::openat().alternate(event);
    let arena = Arena::default();
    let resolved = Event::alternate(&given).unwrap();
    let text = |name: &str| {
        let info = field::FIELDS.iter().find(|info| info.name == name).unwrap();
        let arg = if name == "evt.arg" { Arg::parse("name") } else { Arg::None };
        let fields = SyscallFields::default();
        let value = fields.get(Slot(0), resolved, &Key::with_arg(info.id, arg), &arena).known();
        value.unwrap().to_string()
    };
    assert_eq!(text("fd.name"), "/etc/shadow");
    assert_eq!(text("fd.directory"), "/etc");
    assert_eq!(text("fd.filename"), "shadow");
    assert_eq!(text("evt.arg"), "/etc/shadow");
    assert_eq!(text("fd.nameraw"), "link");
    assert!(text("evt.args").contains("name=link(/etc/shadow)"));
}

#[test]
fn ways_to_open() {
    let with = |flags: u64, mode: u64| opened("x").param("flags", flags).param("mode", mode);
    let told = |event: &TestEvent| {
        ["read", "write", "exec", "create"]
            .map(|way| ask(event, &format!("evt.is_open_{way}")).unwrap() == "true")
    };
    assert_eq!(told(&with(3, 0)), [true, true, false, false]);
    assert_eq!(told(&with(2 | 1 << 2, 0o755)), [false, true, true, false]);
    assert_eq!(told(&with(2 | 1 << 2 | 1 << 14, 0o644)), [false, true, false, true]);
    assert_eq!(told(&with(2 | 1 << 13, 0o700)), [false, true, true, true]);
    assert_eq!(told(&with(2 | 1 << 13, 0o700).param("fd", -1)), [false, true, true, false]);
    let creat = TestEvent::creat().param("fd", 3).param("mode", 0o111);
    assert_eq!(told(&creat), [false, false, true, false]);
    assert_eq!(
        told(&TestEvent::procexit()),
        [false; 4],
        "false, not absent, for every other event"
    );
    assert_eq!(ask(&with(1, 0o644), "evt.arg.mode").as_deref(), Some("0644"));
}

fn connected(from: &str, to: &str, result: i64) -> TestEvent {
    let ends: (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    TestEvent::connect()
        .param("res", result)
        .param("fd", 5)
        .param("addr", ends.1)
        .param("tuple", ends)
        .field("ctx.sock.type", 1)
        .field("ctx.sock.protocol", 6)
}

#[test]
fn connections() {
    check(
        &connected("10.0.0.1:40000", "93.184.216.34:443", 0),
        &[
            ("fd.num", Some("5")),
            ("fd.name", Some("10.0.0.1:40000->93.184.216.34:443")),
            ("fd.type", Some("ipv4")),
            ("fd.typechar", Some("4")),
            ("fd.sockfamily", Some("ip")),
            ("fd.l4proto", Some("tcp")),
            ("fd.connected", Some("true")),
            ("fd.ip", Some("(10.0.0.1,93.184.216.34)")),
            ("fd.cip", Some("10.0.0.1")),
            ("fd.snet", Some("93.184.216.34")),
            ("fd.port", Some("(40000,443)")),
            ("fd.cport", Some("40000")),
            ("fd.sport", Some("443")),
            ("fd.filename", None),
            ("fd.ino", Some("0")),
            ("fd.name_changed", Some("true")),
            ("evt.arg.fd", Some("<4t>10.0.0.1:40000->93.184.216.34:443")),
            ("evt.arg.addr", Some("93.184.216.34:443")),
            ("evt.arg.tuple", Some("10.0.0.1:40000->93.184.216.34:443")),
            ("evt.arg.res", Some("0")),
        ],
    );
    let event = connected("[::1]:1", "[2001:db8::1]:2", -115);
    check(
        &event,
        &[
            ("evt.res", Some("EINPROGRESS")),
            ("fd.name", Some("::1:1->2001:db8::1:2")),
            ("fd.type", Some("ipv6")),
            ("fd.typechar", Some("6")),
            ("fd.connected", Some("true")),
        ],
    );
    let mapped = connected("[::ffff:1.2.3.4]:1", "[::ffff:5.6.7.8]:2", 0);
    check(
        &mapped,
        &[
            ("fd.name", Some("1.2.3.4:1->5.6.7.8:2")),
            ("fd.type", Some("ipv4")),
            ("fd.sip", Some("5.6.7.8")),
        ],
    );
    let udp = connected("1.1.1.1:1", "2.2.2.2:53", 0)
        .field("ctx.sock.type", 2)
        .field("ctx.sock.protocol", 17);
    check(&udp, &[("fd.l4proto", Some("udp")), ("evt.arg.fd", Some("<4u>1.1.1.1:1->2.2.2.2:53"))]);
}

#[test]
fn a_connection_that_failed_has_a_family_and_no_ends() {
    let event = TestEvent::connect()
        .param("res", -111)
        .param("fd", 5)
        .param("addr", "10.0.0.7:80".parse::<SocketAddr>().unwrap())
        .field("ctx.sock.type", 1)
        .field("ctx.sock.protocol", 6);
    check(
        &event,
        &[
            ("evt.res", Some("ECONNREFUSED")),
            ("fd.type", Some("ipv4")),
            ("fd.name", Some("")),
            ("fd.sip", None),
            // It exists, and compares with no port.
            ("fd.port", Some("false")),
            ("fd.l4proto", Some("<NA>")),
            ("fd.connected", Some("false")),
            ("evt.arg.tuple", Some("NULL")),
            ("evt.arg.res", Some("ECONNREFUSED")),
            ("evt.arg.addr", Some("10.0.0.7:80")),
        ],
    );
}

#[test]
fn unix_sockets() {
    let event = TestEvent::connect()
        .param("res", 0)
        .param("fd", 5)
        .param("tuple", TestValue::UnixTuple(b"/run/x.sock".to_vec()));
    check(
        &event,
        &[
            ("fd.type", Some("unix")),
            ("fd.typechar", Some("u")),
            ("fd.sockfamily", Some("unix")),
            ("fd.l4proto", Some("<NA>")),
            ("fd.ip", Some("false")),
            ("fd.cip", None),
        ],
    );
    assert!(ask(&event, "fd.name").unwrap().ends_with(" /run/x.sock"));
}

#[test]
fn texts_of_other_params() {
    let exec = TestEvent::execve()
        .param("res", 0)
        .param("args", TestValue::strings(["-c", "a b"]))
        .param("pid", 70)
        .param("ptid", 60)
        .param("vpgid", 9)
        .param("flags", 3)
        .param("loginuid", u32::MAX)
        .param("uid", 1000)
        .param("gid", 5)
        .param("cap_effective", 0x1ff)
        .param("exe_ino_ctime", 1_700_000_000_000_000_007_u64)
        .param("filename", "./x")
        .field("ctx.pid", 70)
        .field("ctx.ppid", 60)
        .field("ctx.euid", 1000)
        .field("ctx.egid", 6)
        .field("proc.name", "sh")
        .field("proc.pname", "init")
        .field("proc.cwd", "/w/")
        .field("user.name", "me");
    check(
        &exec,
        &[
            ("evt.arg.args", Some("-c.a b.")),
            ("evt.arg.env", Some("NULL")),
            ("evt.arg.cwd", Some("<NA>")),
            ("evt.arg.pid", Some("sh")),
            ("evt.arg.ptid", Some("init")),
            ("evt.arg.vpgid", Some("9")),
            ("evt.arg.flags", Some("EXE_WRITABLE|EXE_UPPER_LAYER")),
            ("evt.arg.loginuid", Some("<NONE>")),
            ("evt.arg.uid", Some("me")),
            ("evt.arg.gid", Some("<NA>")),
            ("evt.arg.cap_effective", Some("1FF")),
            ("evt.arg.exe_ino_ctime", Some("2023-11-14 22:13:20.000000007 +0000")),
            ("evt.arg.filename", Some("/w/x")),
            ("fd.name", None),
            ("fd.num", None),
        ],
    );
    let exit = TestEvent::procexit().param("status", 9).param("ret", -1).param("sig", 9);
    check(
        &exit,
        &[
            ("syscall.type", None),
            ("evt.dir", Some(">")),
            ("evt.res", None),
            ("evt.rawres", None),
            ("evt.failed", None),
            ("evt.arg.sig", Some("SIGKILL")),
            ("evt.arg.ret", Some("EPERM")),
        ],
    );
    let failed = TestEvent::falco("clone").param("res", -11);
    check(&failed, &[("evt.res", Some("EAGAIN")), ("evt.failed", Some("true"))]);
}

/// What the kernel tells of a descriptor with each event of a live source.
#[test]
fn a_descriptor_that_the_kernel_tells() {
    let file = TestEvent::falco("write")
        .param("res", 5)
        .param("fd", 7)
        .field("ctx.fd.num", 7)
        .field("ctx.fd.type", 1)
        .field("ctx.fd.name", "/etc/shadow")
        .field("ctx.fd.dev", 0x801)
        .field("ctx.fd.ino", 42);
    check(
        &file,
        &[
            ("fd.num", Some("7")),
            ("fd.type", Some("file")),
            ("fd.name", Some("/etc/shadow")),
            ("fd.directory", Some("/etc")),
            ("fd.filename", Some("shadow")),
            ("fd.ino", Some("42")),
            ("evt.arg.fd", Some("<f>/etc/shadow")),
            ("evt.category", Some("file")),
            ("evt.buflen", Some("5")),
            ("fd.sip", None),
        ],
    );
    let new = TestEvent::falco("eventfd2").param("res", 9).field("ctx.fd.num", 9);
    let new = new.field("ctx.fd.type", 9).field("ctx.fd.name", "[eventfd]");
    check(&new, &[("fd.num", Some("9")), ("fd.type", Some("event")), ("fd.name", Some(""))]);
}

fn of_socket(kind: &str, ty: u64, local: (&str, u16), remote: (&str, u16)) -> TestEvent {
    TestEvent::falco(kind)
        .param("fd", 4)
        .field("ctx.fd.type", ty)
        .field("ctx.fd.lip", TestValue::Ip(local.0.parse().unwrap()))
        .field("ctx.fd.lport", u64::from(local.1))
        .field("ctx.fd.rip", TestValue::Ip(remote.0.parse().unwrap()))
        .field("ctx.fd.rport", u64::from(remote.1))
        .field("ctx.sock.type", 1)
        .field("ctx.sock.protocol", 6)
}

#[test]
fn who_accepts_is_the_server_and_else_the_lower_port() {
    let here = ("10.0.0.1", 50_000);
    let accepted = of_socket("accept4", 3, here, ("10.0.0.9", 443)).param("fd", 8);
    check(
        &accepted,
        &[
            ("fd.name", Some("10.0.0.9:443->10.0.0.1:50000")),
            ("fd.sport", Some("50000")),
            ("fd.lip", Some("10.0.0.1")),
            ("fd.rip", Some("10.0.0.9")),
            ("fd.is_server", Some("true")),
            ("fd.l4proto", Some("tcp")),
        ],
    );
    let written = of_socket("write", 3, here, ("10.0.0.9", 443));
    check(
        &written,
        &[
            ("fd.name", Some("10.0.0.1:50000->10.0.0.9:443")),
            ("fd.sip", Some("10.0.0.9")),
            ("fd.lport", Some("50000")),
            ("fd.is_server", Some("false")),
        ],
    );
    let listens = of_socket("listen", 5, ("0.0.0.0", 8080), ("0.0.0.0", 0));
    check(
        &listens,
        &[("fd.name", Some("0.0.0.0:8080")), ("fd.sport", Some("8080")), ("fd.type", Some("ipv4"))],
    );
    let mapped = of_socket("write", 4, ("::ffff:10.0.0.1", 50_000), ("::ffff:10.0.0.9", 443));
    check(&mapped, &[("fd.name", Some("10.0.0.1:50000->10.0.0.9:443"))]);
}

#[test]
fn a_datagram_tells_where_it_goes() {
    let here: SocketAddr = "10.0.0.1:50000".parse().unwrap();
    let there: SocketAddr = "10.0.0.9:53".parse().unwrap();
    let sent = of_socket("sendto", 5, ("10.0.0.1", 50_000), ("0.0.0.0", 0))
        .param("tuple", TestValue::Tuple(here, there))
        .field("ctx.sock.type", 2)
        .field("ctx.sock.protocol", 17);
    check(&sent, &[("fd.sport", Some("53")), ("fd.sip", Some("10.0.0.9"))]);
}

#[test]
fn the_kernel_tells_where_relative_paths_start() {
    let moved = TestEvent::falco("renameat2")
        .param("res", 0)
        .param("olddirfd", 5)
        .param("oldpath", "a")
        .param("newdirfd", 6)
        .param("newpath", "b")
        .field("ctx.path.base", "/from")
        .field("ctx.path.base2", "/to");
    check(
        &moved,
        &[
            ("fs.path.source", Some("/from/a")),
            ("fs.path.target", Some("/to/b")),
            ("evt.arg.newpath", Some("/to/b")),
            ("evt.arg.olddirfd", Some("<d>/from")),
            ("evt.arg.newdirfd", Some("<d>/to")),
        ],
    );
    let link = TestEvent::falco("symlinkat")
        .param("res", 0)
        .param("target", "t")
        .param("linkdirfd", 5)
        .param("linkpath", "l")
        .field("ctx.path.base", "/dir");
    check(&link, &[("fs.path.source", Some("/dir/l")), ("evt.abspath", Some("/dir/l"))]);
}

#[test]
fn descriptors_that_are_told_by_one_of_them_are_written_alike() {
    let told = |name: &str, params: &[(&str, i64)], about: i64, ty: u64| {
        let event = params
            .iter()
            .fold(TestEvent::falco(name), |event, &(name, value)| event.param(name, value));
        event.field("ctx.fd.num", about).field("ctx.fd.type", ty).field("ctx.fd.name", "/x")
    };
    let copied = told("dup2", &[("res", 9), ("oldfd", 3), ("newfd", 9)], 3, 1);
    for param in ["evt.arg.res", "evt.arg.oldfd", "evt.arg.newfd"] {
        check(&copied, &[(param, Some("<f>/x"))]);
    }
    let moved = told("splice", &[("res", 4), ("fd_in", 3), ("fd_out", 4)], 4, 1);
    check(&moved, &[("evt.arg.fd_in", Some("3")), ("evt.arg.fd_out", Some("<f>/x"))]);
    let asked = told("fcntl", &[("res", 1), ("fd", 3), ("cmd", 2)], 3, 1);
    check(&asked, &[("evt.arg.fd", Some("<f>/x")), ("evt.arg.res", Some("1"))]);
    let made = TestEvent::falco("bpf").param("fd", 5).param("cmd", 0);
    check(&made, &[("fd.type", Some("bpf")), ("evt.arg.fd", Some("<b>"))]);
    let failed = TestEvent::falco("bpf").param("fd", -1).param("cmd", 0);
    check(&failed, &[("fd.type", None)]);
}

#[test]
fn a_recording_of_a_live_source_reads_as_the_live_run() {
    let arena = Arena::default();
    let written = TestEvent::falco("write")
        .param("fd", 7)
        .field("ctx.pid", 5)
        .field("ctx.tid", 5)
        .field("ctx.start_time", 9_u64)
        .field("ctx.fd.type", 1)
        .field("ctx.fd.name", "/etc/shadow");
    let mut fields = SyscallFields::builder().descriptors().build();
    fields.observe(&written, &arena);
    let name = fields.get(Slot(0), &written, &Key::of(field::FD_NAME), &arena).known();
    assert_eq!(name, Some(Value::Str(b"/etc/shadow")));
}

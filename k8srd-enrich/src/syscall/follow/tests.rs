//! Families of calls, played one event after the other.

use std::net::SocketAddr;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue::FIELDS;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::{Arg, Key};
use k8srd_core::kind::EventKind;
use k8srd_core::value::{Lookup, Value};
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::value::TestValue;

use crate::syscall::SyscallFields;

/// A table that sees events.
struct Play {
    fields: SyscallFields,
    arena: Arena,
}

impl Play {
    fn new() -> Self {
        Self { fields: SyscallFields::builder().descriptors().build(), arena: Arena::default() }
    }

    /// Shows an event of thread 7 and asks fields of it.
    #[track_caller]
    fn see(&mut self, event: &TestEvent, rows: &[(&str, Option<&str>)]) {
        let event = event.clone().field("ctx.tid", 7).field("proc.cwd", "/home/me/");
        self.see_of(&event, rows);
    }

    #[track_caller]
    fn see_of(&mut self, event: &TestEvent, rows: &[(&str, Option<&str>)]) {
        self.fields.observe(event, &self.arena);
        for (name, want) in rows {
            assert_eq!(self.ask(event, name).as_deref(), *want, "{name}");
        }
        self.fields.settle(event, &self.arena);
    }

    fn ask(&self, event: &TestEvent, name: &str) -> Option<String> {
        let (name, arg) = match (name.split_once('['), name.strip_prefix("evt.arg.")) {
            (Some((name, arg)), _) => (name, Arg::parse(arg.strip_suffix(']').unwrap())),
            (_, Some(arg)) => ("evt.arg", Arg::parse(arg)),
            _ => match name.strip_prefix("evt.abspath.") {
                Some(end) => ("evt.abspath", Arg::parse(end)),
                None => (name, Arg::None),
            },
        };
        let info = FIELDS.iter().find(|info| info.name == name).unwrap();
        let key = Key::with_arg(info.id, arg);
        let value = self.fields.get(Slot(0), event, &key, &self.arena).known();
        value.map(|value| value.to_string())
    }
}

fn call(name: &str, result: i64) -> TestEvent {
    TestEvent::falco(name).param("res", result)
}

fn opened(fd: i64, name: &str) -> TestEvent {
    let open = TestEvent::openat().param("fd", fd).param("dirfd", -100).param("name", name);
    open.param("flags", 1).param("dev", 0x801).param("ino", 42)
}

fn read(fd: i64) -> TestEvent {
    call("read", 3).param("fd", fd).param("size", 10).param("data", &b"a\nb"[..])
}

fn ends(from: &str, to: &str) -> (SocketAddr, SocketAddr) {
    (from.parse().unwrap(), to.parse().unwrap())
}

#[test]
fn a_file_from_open_to_close() {
    let mut play = Play::new();
    play.see(
        &opened(3, "a/../b"),
        &[("fd.name", Some("/home/me/b")), ("fd.name_changed", Some("true"))],
    );
    play.see(
        &read(3),
        &[
            ("fd.num", Some("3")),
            ("fd.name", Some("/home/me/b")),
            ("fd.nameraw", Some("a/../b")),
            ("fd.directory", Some("/home/me")),
            ("fd.filename", Some("b")),
            ("fd.type", Some("file")),
            ("fd.dev", Some("2049")),
            ("fd.dev.major", Some("8")),
            ("fd.dev.minor", Some("1")),
            ("fd.ino", Some("42")),
            ("fd.uid", Some("73")),
            ("fd.containername", Some(":/home/me/b")),
            ("fd.name_changed", Some("false")),
            ("fd.sip", None),
            ("evt.category", Some("file")),
            ("evt.buflen", Some("3")),
            ("evt.buffer", Some("a\nb")),
            ("evt.arg.data", Some("a.b")),
            ("evt.arg.fd", Some("<f>/home/me/b")),
            ("evt.is_io_read", Some("true")),
            ("evt.io_dir", Some("read")),
            ("proc.fdopencount", Some("1")),
        ],
    );
    let close = call("close", 0).param("fd", 3);
    play.see(&close, &[("fd.name", Some("/home/me/b")), ("proc.fdopencount", Some("1"))]);
    play.see(
        &read(3),
        &[
            ("fd.num", Some("3")),
            ("fd.name", Some("")),
            ("fd.type", None),
            ("fd.typechar", Some("o")),
            ("evt.category", Some("unknown")),
            ("evt.buflen", None),
            ("proc.fdopencount", Some("0")),
        ],
    );
}

#[test]
fn what_was_said_when_the_call_began_counts() {
    let mut play = Play::new();
    let entry = TestEvent::openat().field("ctx.tid", 7);
    // Its first params are the descriptor of the directory, the name and the flags.
    let told = EntryParams { dirfd: -100, name: b"/etc/shadow", flags: 1 };
    play.fields.observe(&Entry(entry, told), &play.arena);
    play.see(
        &opened(3, "/etc/motd"),
        &[("fd.name", Some("/etc/shadow")), ("evt.arg.name", Some("/etc/motd"))],
    );
    play.see(&opened(4, "/etc/motd"), &[("fd.name", Some("/etc/motd"))]);
}

/// The entry of an `openat`, whose places differ from those of its return.
struct Entry(TestEvent, EntryParams);

struct EntryParams {
    dirfd: i64,
    name: &'static [u8],
    flags: u64,
}

impl Fields for Entry {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        match key.field().as_param() {
            Some(0) => Lookup::Known(Value::I64(self.1.dirfd)),
            Some(1) => Lookup::Known(Value::Str(self.1.name)),
            Some(2) => Lookup::Known(Value::U64(self.1.flags)),
            Some(_) => Lookup::Absent,
            None => self.0.get(key, arena),
        }
    }
}

impl Event for Entry {
    fn kind(&self) -> EventKind {
        EventKind::state(306)
    }

    fn time(&self) -> Timestamp {
        self.0.time()
    }
}

#[test]
fn copies_share_what_they_are_of() {
    let mut play = Play::new();
    play.see(&opened(3, "/a").param("flags", 1 | 1 << 12), &[]);
    let dup = call("dup2", 9).param("oldfd", 3).param("newfd", 9);
    play.see(
        &dup,
        &[("fd.num", Some("9")), ("fd.name", Some("/a")), ("fd.name_changed", Some("false"))],
    );
    let dupfd = call("fcntl", 5).param("fd", 3).param("cmd", 1);
    play.see(&dupfd, &[("fd.num", Some("5")), ("fd.name", Some("/a"))]);
    let cloexec = call("dup3", 6).param("oldfd", 3).param("newfd", 6).param("flags", 1 << 12);
    play.see(&cloexec, &[("proc.fdopencount", Some("4"))]);
    // 3 and 6 are marked.
    play.see(&TestEvent::execve().param("res", 0), &[("proc.fdopencount", Some("2"))]);
    play.see(&read(9), &[("fd.name", Some("/a"))]);
    play.see(&read(3), &[("fd.type", None)]);
    let range = call("close_range", 0).param("first", 4).param("last", u32::MAX).param("flags", 0);
    play.see(&range, &[("proc.fdopencount", Some("0"))]);
}

#[test]
fn descriptors_of_other_kinds() {
    let mut play = Play::new();
    let rows: [(&str, &str, &str); 10] = [
        ("eventfd2", "event", "e"),
        ("signalfd4", "signalfd", "s"),
        ("timerfd_create", "timerfd", "t"),
        ("inotify_init1", "inotify", "i"),
        ("epoll_create1", "eventpoll", "l"),
        ("userfaultfd", "userfaultfd", "u"),
        ("io_uring_setup", "io_uring", "r"),
        ("eventfd", "event", "e"),
        ("inotify_init", "inotify", "i"),
        ("epoll_create", "eventpoll", "l"),
    ];
    for (fd, (kind, ty, letter)) in (3..).zip(rows) {
        play.see(
            &call(kind, fd),
            &[
                ("fd.num", Some(&fd.to_string())),
                ("fd.type", Some(ty)),
                ("fd.typechar", Some(letter)),
                ("fd.name", Some("")),
            ],
        );
    }
    let bpf = TestEvent::falco("bpf").param("fd", 40).param("cmd", 5);
    play.see(&bpf, &[("fd.type", Some("bpf")), ("fd.typechar", Some("b"))]);
    let memfd =
        TestEvent::falco("memfd_create").param("fd", 41).param("name", "x").param("flags", 0);
    play.see(&memfd, &[("fd.type", Some("memfd")), ("fd.name", Some("x"))]);
    let pidfd = TestEvent::falco("pidfd_open").param("fd", 42).param("pid", 99).param("flags", 0);
    play.see(&pidfd, &[("fd.type", Some("pidfd")), ("fd.name", Some("/proc/99"))]);
    let pipe = call("pipe2", 0).param("fd1", 50).param("fd2", 51).param("ino", 8).param("flags", 0);
    play.see(&pipe, &[("fd.num", Some("51")), ("fd.type", Some("pipe")), ("fd.ino", Some("8"))]);
    play.see(&read(50), &[("fd.typechar", Some("p")), ("evt.category", Some("ipc"))]);
    let pair =
        call("socketpair", 0).param("fd1", 60).param("fd2", 61).param("source", 1).param("peer", 2);
    play.see(&pair, &[("fd.num", Some("61")), ("fd.type", Some("unix"))]);
}

#[test]
fn a_descriptor_of_another_process() {
    let mut play = Play::new();
    play.see_of(&opened(3, "/theirs").field("ctx.tid", 99), &[]);
    play.see(&TestEvent::falco("pidfd_open").param("fd", 4).param("pid", 99), &[]);
    let getfd =
        TestEvent::falco("pidfd_getfd").param("fd", 5).param("pid_fd", 4).param("target_fd", 3);
    play.see(&getfd, &[("fd.num", Some("5")), ("fd.name", Some("/theirs"))]);
}

fn socket(fd: i64, domain: u32, ty: u32) -> TestEvent {
    let socket = TestEvent::falco("socket").param("fd", fd).param("domain", domain);
    socket.param("type", ty).param("proto", 0).param("flags", 0)
}

#[test]
fn a_client_and_a_server_of_tcp() {
    let mut play = Play::new();
    play.see(
        &socket(3, 2, 1),
        &[
            ("fd.type", Some("ipv4")),
            ("fd.name", Some("")),
            ("fd.l4proto", Some("<NA>")),
            ("fd.ip", Some("(0.0.0.0,0.0.0.0)")),
            ("fd.connected", Some("false")),
        ],
    );
    let connect = TestEvent::connect().param("res", -115).param("fd", 3);
    play.see(
        &connect.param("tuple", ends("10.0.0.1:4000", "10.0.0.2:80")),
        &[
            ("fd.name", Some("10.0.0.1:4000->10.0.0.2:80")),
            ("fd.name_changed", Some("true")),
            ("fd.connected", Some("true")),
            ("fd.cport", Some("4000")),
            ("fd.sproto", Some("80")),
            ("evt.arg.fd", Some("<4t>10.0.0.1:4000->10.0.0.2:80")),
        ],
    );
    play.see(&read(3), &[("fd.l4proto", Some("tcp")), ("evt.category", Some("net"))]);

    play.see(&socket(4, 2, 1), &[]);
    let bind = call("bind", 0).param("fd", 4);
    play.see(
        &bind.param("addr", "0.0.0.0:80".parse::<SocketAddr>().unwrap()),
        &[
            ("fd.name", Some("0.0.0.0:80")),
            ("fd.sport", Some("80")),
            ("fd.cport", None),
            ("fd.is_server", Some("true")),
            ("fd.l4proto", Some("tcp")),
        ],
    );
    let accept = TestEvent::falco("accept4").param("fd", 5).param("flags", 0);
    play.see(
        &accept.param("tuple", ends("10.0.0.9:5000", "10.0.0.2:80")),
        &[
            ("fd.num", Some("5")),
            ("fd.name", Some("10.0.0.9:5000->10.0.0.2:80")),
            ("fd.cip", Some("10.0.0.9")),
            ("fd.sip", Some("10.0.0.2")),
            ("fd.connected", Some("true")),
            ("evt.category", Some("net")),
        ],
    );
    play.see(
        &TestEvent::falco("accept").param("fd", -11),
        &[("fd.num", Some("-1")), ("fd.name", Some("NULL")), ("fd.typechar", Some("4"))],
    );
}

#[test]
fn datagrams_change_the_peer() {
    let mut play = Play::new();
    play.see(&socket(3, 2, 2), &[]);
    let send =
        |to: &str| call("sendto", 2).param("fd", 3).param("tuple", ends("10.0.0.1:4000", to));
    play.see(
        &send("10.0.0.2:53"),
        &[
            ("fd.name", Some("10.0.0.1:4000->10.0.0.2:53")),
            ("fd.name_changed", Some("true")),
            ("fd.l4proto", Some("udp")),
            ("fd.cip", Some("10.0.0.1")),
        ],
    );
    play.see(&send("10.0.0.2:53"), &[("fd.name_changed", Some("false"))]);
    play.see(
        &send("10.0.0.3:53"),
        &[("fd.name_changed", Some("true")), ("fd.sip", Some("10.0.0.3"))],
    );
    play.see(&send("10.0.0.2:53"), &[("fd.name_changed", Some("true"))]);
    let answer = call("recvfrom", 2).param("fd", 3);
    play.see(
        &answer.clone().param("tuple", ends("10.0.0.2:53", "10.0.0.1:4000")),
        &[("fd.name_changed", Some("false")), ("fd.sip", Some("10.0.0.2"))],
    );
    // Nothing told of the socket.
    play.see(
        &call("sendto", 2).param("fd", 8).param("tuple", ends("10.0.0.1:9", "10.0.0.3:514")),
        &[("fd.l4proto", Some("udp")), ("fd.name", Some("10.0.0.1:9->10.0.0.3:514"))],
    );
    // Who begins by receiving is the server.
    play.see(&socket(4, 2, 2), &[]);
    play.see(
        &answer.param("fd", 4).param("tuple", ends("10.0.0.9:1", "10.0.0.1:514")),
        &[("fd.name", Some("10.0.0.9:1->10.0.0.1:514")), ("fd.sport", Some("514"))],
    );
}

#[test]
fn ends_are_those_of_the_connection_whatever_the_socket_was() {
    let mut play = Play::new();
    play.see(&socket(3, 2, 2), &[]);
    let bind = call("bind", 0).param("fd", 3);
    play.see(&bind.param("addr", "0.0.0.0:514".parse::<SocketAddr>().unwrap()), &[]);
    let datagram = call("recvfrom", 2).param("fd", 3);
    play.see(
        &datagram.param("tuple", ends("10.0.0.9:4000", "10.0.0.1:514")),
        &[
            ("fd.name", Some("10.0.0.9:4000->10.0.0.1:514")),
            ("fd.sip", Some("10.0.0.1")),
            ("fd.l4proto", Some("udp")),
        ],
    );
    play.see(&socket(4, 10, 1), &[("fd.type", Some("ipv6"))]);
    let connect = TestEvent::connect().param("res", 0).param("fd", 4);
    play.see(
        &connect.param("tuple", ends("[::ffff:10.0.0.1]:4000", "[::ffff:10.0.0.2]:80")),
        &[
            ("fd.name", Some("10.0.0.1:4000->10.0.0.2:80")),
            ("fd.type", Some("ipv4")),
            ("fd.l4proto", Some("tcp")),
        ],
    );
}

#[test]
fn which_end_is_here() {
    let mut play = Play::new();
    let interface = |address: &str, netmask: &str| {
        let event = TestEvent::falco("interface");
        event
            .param("address", address.parse::<std::net::IpAddr>().unwrap())
            .param("netmask", netmask.parse::<std::net::IpAddr>().unwrap())
    };
    play.see_of(&interface("10.0.0.1", "255.255.255.0"), &[]);
    play.see(&socket(3, 2, 1), &[]);
    let connect = TestEvent::connect().param("res", 0).param("fd", 3);
    let connect = connect.param("tuple", ends("10.0.0.1:4000", "10.0.0.2:80"));
    play.see(
        &connect,
        &[
            ("fd.lip", Some("10.0.0.1")),
            ("fd.rip", Some("10.0.0.2")),
            ("fd.lport", Some("4000")),
            ("fd.rproto", Some("80")),
            ("fd.is_server", Some("false")),
        ],
    );
    // In a container whose address is not known Falco takes no end for its own.
    play.see(
        &connect.field("container.id", "3ad7f0e2c1b9"),
        &[
            ("fd.lip", Some("10.0.0.2")),
            ("fd.containername", Some("3ad7f0e2c1b9:10.0.0.1:4000->10.0.0.2:80")),
        ],
    );
}

fn clone(result: i64) -> TestEvent {
    TestEvent::falco("clone").param("res", result).at(1_000_000_000)
}

#[test]
fn a_child_has_a_copy() {
    let mut play = Play::new();
    play.see(&opened(3, "/a"), &[]);
    play.see(&clone(8), &[]);
    let child = |event: TestEvent| event.field("ctx.tid", 8).field("proc.cwd", "/");
    play.see_of(
        &child(clone(0).param("pid", 8).param("ptid", 7)),
        &[("proc.fdopencount", Some("1"))],
    );
    play.see_of(&child(call("close", 0).param("fd", 3)), &[("fd.name", Some("/a"))]);
    play.see_of(&child(read(3)), &[("fd.type", None)]);
    play.see(&read(3), &[("fd.name", Some("/a"))]);
    // A thread shares them, and outlives the main thread.
    play.see(&clone(9).param("flags", 1 << 13), &[]);
    let thread = |event: TestEvent| event.field("ctx.tid", 9);
    // What it tells of its flags may be wrong.
    let born = clone(0).param("pid", 7).param("ptid", 1).param("flags", 0);
    play.see_of(&thread(born), &[("proc.fdopencount", Some("1"))]);
    play.see(&TestEvent::procexit(), &[("proc.stdin.type", None)]);
    play.see_of(&thread(read(3)), &[("fd.name", Some("/a"))]);
    play.see_of(&thread(TestEvent::procexit()), &[]);
    assert_eq!(play.fields.counts().processes, 1, "the child is left");
}

#[test]
fn a_child_in_a_namespace_tells_of_itself() {
    let mut play = Play::new();
    play.see(&opened(3, "/a"), &[]);
    play.see(&clone(2).param("flags", 1 << 29), &[]);
    play.see_of(&read(3).field("ctx.tid", 2), &[("fd.type", None)]);
    let born = clone(0).param("pid", 1234).param("ptid", 7).field("ctx.tid", 1234);
    play.see_of(&born, &[("proc.fdopencount", Some("1"))]);
}

#[test]
fn what_was_open_when_the_recording_began() {
    let mut play = Play::new();
    let row = |fd: i64, ty: u8| TestEvent::falco("descriptor").param("fd", fd).param("type", ty);
    play.see(&row(0, 16).param("name", "/dev/null").param("flags", 3), &[]);
    play.see(&row(1, 7).param("name", "pipe:[1]"), &[]);
    let server = row(3, 5).param("addr", "0.0.0.0:80".parse::<SocketAddr>().unwrap());
    play.see(&server.param("l4proto", 2), &[]);
    play.see(
        &row(4, 3).param("tuple", ends("10.0.0.1:80", "10.0.0.9:5000")).param("l4proto", 2),
        &[],
    );
    play.see(
        &row(5, 3).param("tuple", ends("10.0.0.1:4000", "10.0.0.2:443")).param("l4proto", 2),
        &[],
    );
    play.see(&row(6, 8).param("tuple", TestValue::UnixTuple(b"/run/x".to_vec())), &[]);
    play.see(&row(7, 0), &[]);
    play.see(
        &read(4),
        &[
            ("proc.stdin.type", Some("file")),
            ("proc.stdin.name", Some("/dev/null")),
            ("proc.stdout.name", Some("pipe:[1]")),
            ("proc.stderr.name", None),
            ("proc.fdopencount", Some("6")),
            ("fd.types[0]", Some("(file)")),
            ("fd.types[2]", None),
            ("fd.name", Some("10.0.0.9:5000->10.0.0.1:80")),
            ("fd.sport", Some("80")),
            ("fd.connected", Some("true")),
        ],
    );
    play.see(&read(5), &[("fd.name", Some("10.0.0.1:4000->10.0.0.2:443"))]);
    play.see(&read(3), &[("fd.name", Some("0.0.0.0:80")), ("fd.l4proto", Some("tcp"))]);
    play.see(&read(6), &[("fd.name", Some("/run/x")), ("fd.sockfamily", Some("unix"))]);
    play.see_of(&TestEvent::falco("section"), &[]);
    play.see(&read(5), &[("fd.type", None)]);
}

#[test]
fn paths_of_calls_on_a_file_system() {
    let mut play = Play::new();
    play.see(&opened(4, "/srv/d").param("flags", 1 | 1 << 10), &[("fd.type", Some("directory"))]);
    let unlink = call("unlinkat", 0).param("dirfd", 4).param("name", "x").param("flags", 0);
    play.see(
        &unlink,
        &[
            ("fs.path.name", Some("/srv/d/x")),
            ("fs.path.nameraw", Some("x")),
            ("fs.path.source", None),
            ("evt.arg.name", Some("/srv/d/x")),
            ("evt.arg.dirfd", Some("<d>/srv/d")),
            ("evt.abspath", Some("/srv/d/x")),
            ("fd.name", Some("/srv/d")),
        ],
    );
    play.see(
        &unlink.param("dirfd", -100),
        &[
            // Of the working directory Falco knows no descriptor.
            ("fs.path.name", Some("<UNKNOWN>x")),
            ("evt.arg.name", Some("/home/me/x")),
        ],
    );
    let rename = call("renameat2", 0).param("olddirfd", 4).param("oldpath", "a");
    let rename = rename.param("newdirfd", -100).param("newpath", "../b").param("flags", 0);
    play.see(
        &rename,
        &[
            ("fs.path.source", Some("/srv/d/a")),
            ("fs.path.target", Some("/home/b")),
            ("fs.path.targetraw", Some("../b")),
            ("fs.path.name", None),
            ("evt.abspath.src", Some("/srv/d/a")),
            ("evt.abspath.dst", Some("/home/b")),
        ],
    );
    play.see(
        &call("link", 0).param("oldpath", "/etc/shadow").param("newpath", "s"),
        &[("fs.path.source", Some("/home/me/s")), ("fs.path.target", Some("/etc/shadow"))],
    );
    play.see(&call("mkdir", -17).param("path", "/x"), &[("fs.path.name", None)]);
    play.see(
        &call("fchmod", 0).param("fd", 4).param("mode", 0o777),
        &[("fs.path.name", Some("/srv/d"))],
    );
}

#[test]
fn what_poll_waits_for() {
    let mut play = Play::new();
    play.see(&opened(3, "/a"), &[]);
    play.see(&socket(4, 2, 1), &[]);
    let connect = TestEvent::connect().param("res", 0).param("fd", 4);
    play.see(&connect.param("tuple", ends("10.0.0.1:4000", "10.0.0.2:80")), &[]);
    let mut list = vec![3, 0];
    for (fd, events) in [(3_i64, 1_i16), (4, 5), (9, 1)] {
        list.extend(fd.to_le_bytes());
        list.extend(events.to_le_bytes());
    }
    play.see(
        &call("poll", 1).param("fds", &list[..]).param("timeout", -1),
        &[
            ("fdlist.nums", Some("3,4,9")),
            ("fdlist.names", Some("/a,10.0.0.1:4000->10.0.0.2:80,<NA>")),
            ("fdlist.cips", Some("10.0.0.1")),
            ("fdlist.sports", Some("80")),
            ("evt.arg.fds", Some("3:f1 4:45 9:?1")),
            ("evt.is_wait", Some("true")),
        ],
    );
    play.see(&read(3), &[("fdlist.nums", None)]);
}

#[test]
fn counts_of_errors_by_what_they_are_about() {
    let mut play = Play::new();
    play.see(
        &opened(-2, "/a"),
        &[
            ("evt.count.error", Some("1")),
            ("evt.count.error.file", Some("1")),
            ("evt.count.error.net", None),
            ("evt.count.error.other", None),
            ("evt.count.exit", Some("1")),
        ],
    );
    play.see(
        &call("kill", -1).param("pid", 9).param("sig", 9),
        &[("evt.count.error.other", Some("1")), ("evt.category", Some("signal"))],
    );
    play.see(
        &TestEvent::falco("asyncevent").param("name", "drops"),
        &[
            ("evt.is_async", Some("true")),
            ("evt.asynctype", Some("drops")),
            ("evt.count.exit", None),
        ],
    );
    play.see(&opened(3, "/dev/log"), &[]);
    play.see(&call("write", 1).param("fd", 3), &[("evt.is_syslog", Some("true"))]);
}

#[test]
fn texts_of_params_by_type() {
    let mut play = Play::new();
    let nanosleep = call("nanosleep", 0).param("interval", 1_500_000_000_u64);
    play.see(&nanosleep, &[("evt.arg.interval", Some("1.5s"))]);
    let option = call("setsockopt", 0).param("fd", 3).param("level", 1).param("optname", 4);
    play.see(
        &option.clone().param("val", -111),
        &[("evt.arg.val", Some("ECONNREFUSED")), ("evt.arg.optlen", Some("<NA>"))],
    );
    play.see(&option, &[("evt.arg.val", Some("NULL"))]);
    let ppoll = call("ppoll", 0).param("sigmask", 0b11).param("timeout", u64::MAX);
    play.see(
        &ppoll,
        &[("evt.arg.sigmask", Some("SIGHUP SIGINT")), ("evt.arg.timeout", Some("none"))],
    );
    let owner = call("chown", 0).param("path", "(NULL)").param("uid", u32::MAX);
    play.see(&owner, &[("evt.arg.path", Some("<NA>")), ("evt.rawarg[path]", Some("<NA>"))]);
    play.see(&TestEvent::falco("madvise"), &[("evt.info", Some("")), ("evt.res", None)]);
}

#[test]
fn kinds_by_code_and_name() {
    let mut play = Play::new();
    let open = opened(3, "/a");
    play.see(
        &open,
        &[
            ("evt.type.is[307]", Some("1")),
            ("evt.type.is[306]", Some("0")),
            // Older forms had the name first.
            ("evt.type.is[openat]", Some("0")),
        ],
    );
    play.see(&read(3), &[("evt.type.is[read]", Some("1"))]);
}

#[test]
fn every_class_of_fields_goes_where_it_is_answered() {
    use k8srd_core::field::FieldClass;
    for info in FIELDS.iter() {
        let class = match info.class {
            FieldClass::Fd => super::super::DESCRIPTOR.contains(&info.id),
            FieldClass::FdList => super::super::POLLED.contains(&info.id),
            FieldClass::FsPath => super::super::FILE_SYSTEM.contains(&info.id),
            _ => !super::super::is_about_files(info.id) || info.name == "evt.abspath",
        };
        assert!(class, "{}", info.name);
    }
}

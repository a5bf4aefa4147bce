use k8srd_core::event::{Fields, Timestamp};
use k8srd_core::field::FieldId;
use k8srd_testkit::event::TestEvent;

use super::*;

/// As the kernel tells it.
fn event(pid: u32, start: u64, cgroup: u64, paths: &str) -> TestEvent {
    TestEvent::open()
        .field("ctx.pid", pid)
        .field("ctx.leader_start_time", start)
        .field("ctx.cgroup.id", cgroup)
        .field("thread.cgroups", paths)
}

/// As a recording tells it.
fn recorded(kind: &str, tid: u32, paths: &str) -> TestEvent {
    TestEvent::falco(kind)
        .field("ctx.tid", tid)
        .field("proc.name", "p")
        .field("thread.cgroups", paths)
}

/// An event about a container, which no thread brings.
fn announced(name: &str, json: &str) -> TestEvent {
    TestEvent::falco("asyncevent")
        .field("ctx.tid", -1_i64)
        .param("name", name)
        .param("data", json.as_bytes())
}

/// What fields say of an event, once it was observed.
fn tell(containers: &mut Containers, event: &dyn Event, names: &[&str]) -> Vec<String> {
    let arena = Arena::default();
    containers.observe(event, &arena);
    let told = names.iter().map(|name| match value(containers, event, name, &arena) {
        Lookup::Known(value) => value.to_string(),
        Lookup::Absent => "-".to_owned(),
        Lookup::Pending => "?".to_owned(),
    });
    let told = told.collect();
    containers.settle(event, &arena);
    told
}

fn value<'a>(
    containers: &'a Containers,
    event: &'a dyn Event,
    name: &str,
    arena: &'a Arena,
) -> Lookup<Value<'a>> {
    let key = key(name);
    containers.locate(event, arena).and_then(|slot| containers.get(slot, event, &key, arena))
}

fn key(text: &str) -> Key {
    let (name, arg) = text.split_once('[').unwrap_or((text, ""));
    let info = field::FIELDS.iter().find(|info| info.name == name).unwrap();
    match arg.strip_suffix(']') {
        Some(arg) => Key::with_arg(info.id, info.arg_form.bracketed(arg).unwrap()),
        None => Key::of(info.id),
    }
}

fn id_of(containers: &mut Containers, event: &TestEvent) -> String {
    tell(containers, event, &["container.id"]).remove(0)
}

const A: &str = "unified=/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const POD: &str = "unified=/kubepods/besteffort/pod11d4f4f1-9a3b-4b7f-9a61-0f3a2b1c4d5e/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

const WEB: &str = r#"{"container":{"type":0,"id":"aaaaaaaaaaaa",
"full_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","name":"web-1",
"image":"example.test/web:1.2","imageid":"cafe","imagerepo":"example.test/web","imagetag":"1.2",
"imagedigest":"sha256:d0","ip":"172.17.0.2","privileged":true,"host_network":true,
"labels":{"team":"shop","empty":"","io.kubernetes.pod.name":"web","annotation.x":"y"},
"Mounts":[{"Source":"/proc","Destination":"/host/proc","Mode":"ro","RW":false,"Propagation":"rslave"},
{"Source":"/data","Destination":"/var/lib/data","Mode":"","RW":true,"Propagation":""}]}}"#;

/// Fields, and what they say of a process in [`WEB`], in the host, in a container that nobody told of
/// (as the kernel tells, and as recorded).
const FIELDS: &[(&str, [&str; 4])] = &[
    ("container.id", ["aaaaaaaaaaaa", "host", "bbbbbbbbbbbb", "bbbbbbbbbbbb"]),
    (
        "container.full_id",
        [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "host",
            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "-",
        ],
    ),
    ("container.type", ["docker", "host", "cri", "-"]),
    ("container.name", ["web-1", "host", "-", "-"]),
    ("container.image", ["example.test/web:1.2", "", "-", "-"]),
    ("container.image.id", ["cafe", "", "-", "-"]),
    ("container.image.repository", ["example.test/web", "", "-", "-"]),
    ("container.image.tag", ["1.2", "", "-", "-"]),
    ("container.image.digest", ["sha256:d0", "", "-", "-"]),
    ("container.privileged", ["true", "false", "-", "-"]),
    ("container.host_pid", ["false", "false", "-", "-"]),
    ("container.host_network", ["true", "false", "-", "-"]),
    ("container.host_ipc", ["false", "false", "-", "-"]),
    ("container.ip", ["172.17.0.2", "", "-", "-"]),
    ("container.cni.json", ["", "", "-", "-"]),
    ("container.label[team]", ["shop", "-", "-", "-"]),
    ("container.label[empty]", ["", "-", "-", "-"]),
    ("container.label[io.kubernetes.pod.name]", ["web", "-", "-", "-"]),
    ("container.label[none]", ["-", "-", "-", "-"]),
    ("container.labels", ["empty, team:shop", "", "-", "-"]),
    (
        "container.mounts",
        ["/proc:/host/proc:ro:false:rslave,/data:/var/lib/data::true:", "", "-", "-"],
    ),
    ("container.mount[1]", ["/data:/var/lib/data::true:", "-", "-", "-"]),
    ("container.mount[2]", ["-", "-", "-", "-"]),
    ("container.mount[^/d]", ["/data:/var/lib/data::true:", "-", "-", "-"]),
    ("container.mount[/var/lib]", ["-", "-", "-", "-"]),
    ("container.mount.dest[/proc]", ["/host/proc", "-", "-", "-"]),
    ("container.mount.dest[0]", ["/host/proc", "-", "-", "-"]),
    ("container.mount.source[/host/proc]", ["/proc", "-", "-", "-"]),
    ("container.mount.source[^/proc]", ["-", "-", "-", "-"]),
    ("container.mount.mode[/proc]", ["ro", "-", "-", "-"]),
    ("container.mount.rdwr[/proc]", ["false", "-", "-", "-"]),
    ("container.mount.propagation[/proc]", ["rslave", "-", "-", "-"]),
    ("k8s.pod.name", ["web", "-", "-", "-"]),
    ("k8s.ns.name", ["-", "-", "-", "-"]),
    ("k8s.pod.uid", ["-", "-", "11d4f4f1-9a3b-4b7f-9a61-0f3a2b1c4d5e", "-"]),
    ("k8s.pod.id", ["-", "-", "11d4f4f1-9a3b-4b7f-9a61-0f3a2b1c4d5e", "-"]),
    ("k8s.pod.sandbox_id", ["", "", "-", "-"]),
    ("k8s.pod.full_sandbox_id", ["", "", "-", "-"]),
    ("k8s.pod.label[app]", ["-", "-", "-", "-"]),
    ("k8s.pod.labels", ["", "", "-", "-"]),
    ("k8s.pod.ip", ["", "", "-", "-"]),
    ("k8s.pod.cni.json", ["", "", "-", "-"]),
    ("container.start_ts", ["-", "-", "-", "-"]),
    ("container.duration", ["-", "-", "-", "-"]),
];

#[test]
fn each_field_in_a_container_the_host_and_one_that_is_unknown() {
    let mut containers = Containers::default();
    tell(&mut containers, &announced("container", WEB), &[]);
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let places = [
        event(7, 1, 5, A),
        event(8, 1, 6, "unified=/init.scope"),
        event(9, 1, 7, POD),
        recorded("open", 10, POD),
    ];
    let told = places.map(|event| tell(&mut containers, &event, &names));
    for (i, (name, want)) in FIELDS.iter().enumerate() {
        assert_eq!([0, 1, 2, 3].map(|place: usize| &*told[place][i]), *want, "{name}");
    }
    // Recorded threads of a known container and of the host read the same.
    let same = [recorded("open", 11, A), recorded("open", 12, "unified=/init.scope")];
    for (event, want) in same.iter().zip(&told) {
        assert_eq!(tell(&mut containers, event, &names), *want);
    }
    let tested: FieldSet = names.iter().map(|name| key(name).field()).collect();
    let not_tested = containers.provides().iter().filter(|&id| !tested.contains(id));
    assert_eq!(not_tested.collect::<Vec<FieldId>>(), []);
}

#[test]
fn a_pods_facts_come_from_its_sandbox() {
    let mut containers = Containers::default();
    let app = r#"{"container":{"id":"bbbbbbbbbbbb","type":7,"ip":"10.0.0.9","pod_sandbox_id":"cccccccccccccccc",
        "pod_sandbox_labels":{"own":"1"},"labels":{"io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"u"}}}"#;
    let names = [
        "k8s.ns.name",
        "k8s.pod.uid",
        "k8s.pod.sandbox_id",
        "k8s.pod.full_sandbox_id",
        "k8s.pod.ip",
        "k8s.pod.cni.json",
        "k8s.pod.labels",
        "k8s.pod.label[app]",
        "k8s.pod.label[own]",
    ];
    let process = event(7, 1, 5, POD);
    tell(&mut containers, &announced("container", app), &[]);
    let ask = |containers: &mut Containers| tell(containers, &process, &names).join(" ");
    assert_eq!(ask(&mut containers), "shop u cccccccccccc cccccccccccccccc - - own:1 - 1");
    let sandbox = r#"{"container":{"id":"cccccccccccc","ip":"10.0.0.1","cni_json":"{}","is_pod_sandbox":true,
        "pod_sandbox_labels":{"app":"web","io.kubernetes.pod.name":"w"}}}"#;
    tell(&mut containers, &announced("container", sandbox), &[]);
    let want = "shop u cccccccccccc cccccccccccccccc 10.0.0.1 {} app:web web 1";
    assert_eq!(ask(&mut containers), want);
    // A container that itself knows what the network plugin said is asked itself.
    let app = app.replace(r#""type":7"#, r#""cni_json":"[]""#);
    tell(&mut containers, &announced("container", &app), &[]);
    assert_eq!(ask(&mut containers), "shop u cccccccccccc cccccccccccccccc 10.0.0.9 [] own:1 - 1");
}

#[test]
fn the_age_is_that_of_the_pid_namespace() {
    let mut containers = Containers::default();
    let names = ["container.start_ts", "container.duration"];
    let at = |start: u64, now: u64| {
        recorded("open", 7, "unified=/").field("proc.pidns_init_start_ts", start).at(now)
    };
    assert_eq!(tell(&mut containers, &at(100, 150), &names), ["100", "50"]);
    assert_eq!(tell(&mut containers, &at(0, 150), &names), ["-", "-"]);
    assert_eq!(tell(&mut containers, &at(200, 150), &names), ["200", "-"]);
}

#[test]
fn events_about_containers_are_about_them() {
    let mut containers = Containers::default();
    let names = ["container.id", "container.name", "container.start_ts"];
    let inside = event(7, 1, 5, A);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "-", "-"]);
    let brought = announced("container", WEB).field("proc.pidns_init_start_ts", 1_u64);
    assert_eq!(tell(&mut containers, &brought, &names), ["aaaaaaaaaaaa", "web-1", "-"]);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "web-1", "-"]);
    // Falco before it had plugins.
    let renamed = WEB.replace("web-1", "web-2");
    let old = TestEvent::falco("container").param("json", &*renamed);
    assert_eq!(tell(&mut containers, &old, &names), ["aaaaaaaaaaaa", "web-2", "-"]);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "web-2", "-"]);
    // Another plugin's.
    let other = announced("container_x", WEB);
    assert_eq!(tell(&mut containers, &other, &names), ["-", "-", "-"]);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "web-2", "-"]);
    let removed = announced("container_removed", WEB);
    assert_eq!(tell(&mut containers, &removed, &names), ["aaaaaaaaaaaa", "web-1", "-"]);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "-", "-"]);
}

/// An event in the form in which it only carries state.
struct State(TestEvent);

impl Fields for State {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        self.0.get(key, arena)
    }
}

impl Event for State {
    fn kind(&self) -> EventKind {
        EventKind::state(self.0.kind().0)
    }

    fn time(&self) -> Timestamp {
        self.0.time()
    }
}

#[test]
fn what_was_known_when_a_recording_began_is_known_until_another_begins() {
    let mut containers = Containers::default();
    tell(&mut containers, &State(announced("container", WEB)), &[]);
    let inside = recorded("open", 7, A);
    let names = ["container.id", "container.name"];
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "web-1"]);
    tell(&mut containers, &TestEvent::falco("section"), &[]);
    assert_eq!(tell(&mut containers, &inside, &names), ["aaaaaaaaaaaa", "-"]);
}

#[test]
fn malformed_events_are_counted_and_change_nothing() {
    let mut containers = Containers::default();
    tell(&mut containers, &announced("container", WEB), &[]);
    for json in
        ["", "{", "\0", "null", r#"{"container":{"id":""}}"#, "{\"container\":{\"id\":\"\u{1}\"}}"]
    {
        tell(&mut containers, &announced("container", json), &[]);
        tell(&mut containers, &announced("container_removed", json), &[]);
    }
    tell(&mut containers, &TestEvent::falco("container"), &[]);
    assert_eq!(containers.counts().malformed, 13);
    assert_eq!(containers.counts().records, 1);
    // What follows the terminating NUL is no part of it.
    let removed = announced("container_removed", &format!("{WEB}\0rest"));
    tell(&mut containers, &removed, &[]);
    assert_eq!(containers.counts().records, 0);
}

#[test]
fn records_may_be_told_and_until_then_be_pending() {
    let mut containers = Containers::default();
    let process = event(7, 1, 5, A);
    let names =
        ["container.id", "container.type", "container.name", "k8s.pod.uid", "container.label[a]"];
    let ask = |containers: &mut Containers| tell(containers, &process, &names).join(" ");
    assert_eq!(ask(&mut containers), "aaaaaaaaaaaa docker - - -");
    containers.expect("aaaaaaaaaaaa");
    assert_eq!(ask(&mut containers), "aaaaaaaaaaaa docker ? ? ?");
    containers.remove("aaaaaaaaaaaa");
    assert_eq!(ask(&mut containers), "aaaaaaaaaaaa docker - - -");
    containers.expect("aaaaaaaaaaaa");
    let mut record = ContainerRecord::new(&"a".repeat(64));
    record.name = "web".into();
    containers.insert(record);
    assert_eq!(ask(&mut containers), "aaaaaaaaaaaa docker web - -");
    containers.expect("aaaaaaaaaaaa");
    assert_eq!(ask(&mut containers), "aaaaaaaaaaaa docker web - -", "it is known already");
    // Told before any of its processes was met.
    let mut early = ContainerRecord::new(&"b".repeat(64));
    early.name = "early".into();
    containers.insert(early);
    let told = tell(&mut containers, &event(8, 1, 6, POD), &["container.name"]);
    assert_eq!(told, ["early"]);
}

#[test]
fn a_stamp_ends_with_any_change() {
    let mut containers = Containers::default();
    let process = event(7, 1, 5, A);
    let mut stamp = |change: &dyn Fn(&mut Containers)| {
        change(&mut containers);
        let arena = Arena::default();
        containers.observe(&process, &arena);
        let slot = containers.locate(&process, &arena).known().unwrap();
        assert_eq!(containers.stamp(slot, Scope::Process), None);
        containers.stamp(slot, Scope::Container).unwrap()
    };
    let met = stamp(&|_| {});
    assert_eq!(stamp(&|_| {}), met);
    let inserted = stamp(&|containers| containers.insert(ContainerRecord::new(&"a".repeat(64))));
    let other = stamp(&|containers| containers.insert(ContainerRecord::new("other")));
    let removed = stamp(&|containers| containers.remove("aaaaaaaaaaaa"));
    let anew = stamp(&|containers| containers.forget_places());
    assert_eq!(inserted, other, "another container's");
    for (i, a) in [met, inserted, removed, anew].iter().enumerate() {
        assert!([met, inserted, removed, anew].iter().skip(i + 1).all(|b| a != b));
    }
}

#[test]
fn a_process_is_looked_at_again_when_it_moves_or_is_another() {
    let mut containers = Containers::default();
    assert_eq!(id_of(&mut containers, &event(7, 1, 5, "unified=/")), "host");
    // Within one cgroup the paths are not even read.
    assert_eq!(id_of(&mut containers, &event(7, 1, 5, A)), "host");
    assert_eq!(id_of(&mut containers, &event(7, 1, 6, A)), "aaaaaaaaaaaa");
    assert_eq!(id_of(&mut containers, &event(7, 2, 6, "unified=/")), "host");
}

#[test]
fn sources_without_cgroup_ids_go_by_the_paths() {
    let mut containers = Containers::default();
    let bare = |paths: &str| {
        let event = TestEvent::open().field("ctx.pid", 7).field("ctx.leader_start_time", 1_u64);
        event.field("thread.cgroups", paths)
    };
    assert_eq!(id_of(&mut containers, &bare(A)), "aaaaaaaaaaaa");
    assert_eq!(id_of(&mut containers, &bare("unified=/")), "host");
    assert_eq!(id_of(&mut containers, &TestEvent::open().field("ctx.pid", 9)), "-");
}

#[test]
fn a_recorded_thread_is_where_it_was_when_it_started() {
    let mut containers = Containers::default();
    assert_eq!(id_of(&mut containers, &recorded("open", 7, "unified=/")), "host");
    assert_eq!(id_of(&mut containers, &recorded("open", 7, A)), "host", "the paths are not read");
    for (kind, paths) in [("execve", A), ("clone", "unified=/"), ("clone3", A), ("task", POD)] {
        let want = id_of(&mut Containers::default(), &recorded("open", 1, paths));
        assert_eq!(id_of(&mut containers, &recorded(kind, 7, paths)), want, "{kind}");
    }
    // An exec that the recorder marked as state is one.
    tell(&mut containers, &State(recorded("execve", 7, A)), &[]);
    assert_eq!(id_of(&mut containers, &recorded("open", 7, "unified=/")), "aaaaaaaaaaaa");
    tell(&mut containers, &State(recorded("execve", 7, POD)), &[]);
    // The last event of a thread is its own; the next one with its id is another's.
    assert_eq!(id_of(&mut containers, &recorded("procexit", 7, A)), "bbbbbbbbbbbb");
    assert_eq!(id_of(&mut containers, &recorded("open", 7, A)), "aaaaaaaaaaaa");
    // One without cgroups is the host's, one that nobody knows is nowhere.
    let bare = TestEvent::open().field("ctx.tid", 8);
    assert_eq!(id_of(&mut containers, &bare.clone().field("proc.name", "p")), "host");
    assert_eq!(id_of(&mut Containers::default(), &bare), "-");
}

#[test]
fn recordings_are_read_as_falco_reads_them() {
    let mut containers = Containers::default();
    let names = ["container.id", "container.type", "container.full_id", "container.privileged"];
    let path = "cpu=/ memory=/user.slice/user-1000.slice/user@1000.service/app";
    assert_eq!(
        tell(&mut containers, &recorded("open", 7, path), &names),
        ["user-1000.sl", "-", "-", "-"]
    );
    assert_eq!(id_of(&mut containers, &event(7, 1, 5, path)), "host", "the kernel tells more");
    // What Falco can ask no runtime about it knows from the path.
    let lxc = recorded("open", 8, "cpu=/lxc/web/init.scope");
    assert_eq!(tell(&mut containers, &lxc, &names), ["web", "lxc", "", "false"]);
}

#[test]
fn memory_is_bounded() {
    let mut containers = Containers::default();
    for n in 0..(2 * LIMIT as u32 + 10) {
        let paths = format!("unified=/lxc/c{n}/init.scope");
        assert_eq!(id_of(&mut containers, &event(n, 1, n.into(), &paths)), format!("c{n}"));
        assert_eq!(id_of(&mut containers, &recorded("open", n, &paths)), format!("c{n}"));
    }
    assert!(containers.places.len() <= 2 * LIMIT + 1 && containers.by_process.len() <= LIMIT);
    assert!(containers.by_recorded_thread.len() <= LIMIT && containers.by_id.len() <= LIMIT);
    assert!(containers.counts().records <= 65_536 && containers.counts().evicted > 65_536);
}

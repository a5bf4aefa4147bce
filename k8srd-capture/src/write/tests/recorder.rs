//! What was recorded is replayed as what it was.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::time::Duration;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue::{self, FIELDS};
use k8srd_core::event::{Event, Fields, Task, Timestamp};
use k8srd_core::field::{FieldClass, FieldId, FieldType, Key};
use k8srd_core::kind::{Category, EventKind, KINDS, KindInfo, ParamInfo, ParamType};
use k8srd_core::source::{Flow, Source as _};
use k8srd_core::value::{Lookup, SocketAddress, SocketTuple, Value};
use proptest::prelude::*;

use super::super::{Recorder, RecorderOptions, Writer};
use super::read;
use crate::context::{self, Context};
use crate::omission::{Omission, Omissions};
use crate::reader::{Item, Machine, Reader};
use crate::record::RecordBuf;
use crate::source::Capture;
use crate::table::{Descriptor, DescriptorRow};

/// An event of values.
#[derive(Clone, Debug)]
struct Made {
    kind: EventKind,
    time: u64,
    params: Vec<Datum>,
    context: BTreeMap<FieldId, Datum>,
}

#[derive(Clone, Debug)]
enum Datum {
    Nothing,
    Flag(bool),
    Signed(i64),
    Unsigned(u64),
    Text(Vec<u8>),
    Buffer(Vec<u8>),
    Ip(IpAddr),
    Inet(SocketAddr),
    InetTuple(SocketAddr, SocketAddr),
    Unix(Vec<u8>),
    UnixTuple(u64, u64, Vec<u8>),
    Family(u8),
}

impl Datum {
    fn value(&self) -> Lookup<Value<'_>> {
        Lookup::Known(match self {
            Self::Nothing => return Lookup::Absent,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Signed(number) => Value::I64(*number),
            Self::Unsigned(number) => Value::U64(*number),
            Self::Text(text) => Value::Str(text),
            Self::Buffer(bytes) => Value::Bytes(bytes),
            Self::Ip(ip) => Value::Ip(*ip),
            Self::Inet(address) => Value::Addr(SocketAddress::Inet(*address)),
            Self::Unix(path) => Value::Addr(SocketAddress::Unix(path)),
            Self::Family(family) => Value::Addr(SocketAddress::Other((*family).into())),
            Self::InetTuple(source, destination) => {
                Value::Tuple(SocketTuple::Inet { source: *source, destination: *destination })
            }
            Self::UnixTuple(source, destination, path) => {
                Value::Tuple(SocketTuple::Unix { source: *source, destination: *destination, path })
            }
        })
    }
}

impl Fields for Made {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        let datum = match key.field().as_param() {
            Some(place) => self.params.get(usize::from(place)),
            None => self.context.get(&key.field()),
        };
        datum.map_or(Lookup::Absent, Datum::value)
    }
}

impl Event for Made {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_nanos(self.time)
    }
}

/// Values that a param may have; never what reads as another: nothing where bytes are empty.
fn datum(param: ParamInfo) -> BoxedStrategy<Datum> {
    let bits = 8 * u32::from(param.width.max(1));
    let text = || prop::collection::vec(1_u8.., 0..40);
    let ip = prop_oneof![
        any::<u32>().prop_map(|ip| IpAddr::V4(ip.into())),
        any::<u128>().prop_map(|ip| IpAddr::V6(ip.into()))
    ];
    let v4 = (any::<u32>(), any::<u16>())
        .prop_map(|(ip, port)| SocketAddr::new(IpAddr::V4(ip.into()), port));
    let v6 = (any::<u128>(), any::<u16>())
        .prop_map(|(ip, port)| SocketAddr::new(IpAddr::V6(ip.into()), port));
    let path = || prop_oneof![text(), (1_u8.., text()).prop_map(|(b, t)| [vec![0, b], t].concat())];
    let buffer = prop::collection::vec(any::<u8>(), 0..40).prop_map(Datum::Buffer);
    let signed = any::<i64>().prop_map(move |n| Datum::Signed(n >> (64 - bits)));
    let unsigned = any::<u64>().prop_map(move |n| Datum::Unsigned(n >> (64 - bits)));
    let known = match param.ty {
        ParamType::Str | ParamType::Path | ParamType::RelPath => {
            text().prop_map(Datum::Text).boxed()
        }
        ParamType::Bytes | ParamType::FdList => return buffer.boxed(),
        ParamType::StrArray => {
            return prop::collection::vec(any::<u8>(), 0..40).prop_map(Datum::Text).boxed();
        }
        ParamType::SockAddr => prop_oneof![
            v4.prop_map(Datum::Inet),
            v6.prop_map(Datum::Inet),
            path().prop_map(Datum::Unix),
            (11_u8..).prop_map(Datum::Family)
        ]
        .boxed(),
        ParamType::SockTuple => prop_oneof![
            (v4.clone(), v4).prop_map(|(a, b)| Datum::InetTuple(a, b)),
            (v6.clone(), v6).prop_map(|(a, b)| Datum::InetTuple(a, b)),
            (any::<u64>(), any::<u64>(), path()).prop_map(|(a, b, c)| Datum::UnixTuple(a, b, c))
        ]
        .boxed(),
        ParamType::Ip => ip.prop_map(Datum::Ip).boxed(),
        ParamType::Dyn => prop::sample::select(param.variants)
            .prop_filter("told by its number only", |variant| variant.ty != ParamType::RelTime)
            .prop_flat_map(datum)
            .boxed(),
        ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int => signed.boxed(),
        _ => unsigned.boxed(),
    };
    prop_oneof![9 => known, 1 => Just(Datum::Nothing)].boxed()
}

fn context() -> impl Strategy<Value = BTreeMap<FieldId, Datum>> {
    let fields = FIELDS.iter().filter(|info| info.class == FieldClass::Ctx);
    let values: Vec<_> = fields
        .filter(|info| {
            ![catalogue::CTX_TID, catalogue::CTX_CPU, catalogue::CTX_NUMBER].contains(&info.id)
        })
        .map(|info| {
            let value = match info.ty {
                FieldType::Int => any::<i64>().prop_map(Datum::Signed).boxed(),
                FieldType::Uint => any::<u64>().prop_map(Datum::Unsigned).boxed(),
                FieldType::Bool => any::<bool>().prop_map(Datum::Flag).boxed(),
                FieldType::Ip => any::<IpAddr>().prop_map(Datum::Ip).boxed(),
                _ => prop::collection::vec(any::<u8>(), 0..20).prop_map(Datum::Text).boxed(),
            };
            let small = match info.ty {
                FieldType::Int => any::<i32>().prop_map(|n| Datum::Signed(n.into())).boxed(),
                FieldType::Uint => any::<u32>().prop_map(|n| Datum::Unsigned(n.into())).boxed(),
                _ => Just(Datum::Nothing).boxed(),
            };
            (Just(info.id), prop_oneof![value, small, Just(Datum::Nothing)])
        })
        .collect();
    (values, any::<u32>(), any::<u16>()).prop_map(|(values, tid, cpu)| {
        let mut values: BTreeMap<_, _> = values.into_iter().collect();
        values.insert(catalogue::CTX_TID, Datum::Signed(tid.into()));
        values.insert(catalogue::CTX_CPU, Datum::Unsigned(cpu.into()));
        values
    })
}

/// An event of any kind that is recorded as one.
fn made() -> impl Strategy<Value = Made> {
    let kinds: Vec<&'static KindInfo> = KINDS
        .iter()
        // A section is a block; what a generic event means depends on its number.
        .filter(|info| ![EventKind::SECTION, EventKind::GENERIC].contains(&info.kind))
        // Of some there is only the name.
        .filter(|info| !(info.kind.is_state() && info.category == Category::Internal))
        .filter(|info| !["NA", "tracer"].contains(&&*info.name))
        .collect();
    (prop::sample::select(kinds), any::<u64>(), context()).prop_flat_map(|(info, time, context)| {
        let params: Vec<_> = info.params.iter().copied().map(datum).collect();
        params.prop_map(move |mut params| {
            let kind = info.kind;
            if kind.is_call() {
                params[0] = Datum::Unsigned((kind.0 - EventKind::call(0).0).into());
            }
            Made { kind, time, params, context: context.clone() }
        })
    })
}

/// Everything that an event says.
fn said(event: &dyn Event) -> Vec<String> {
    let arena = Arena::default();
    // What only carries state may be of a kind that has no row for that.
    let info = KindInfo::of(event.kind());
    let (name, params) = info.map_or(("state", 0), |info| (&*info.name, info.params.len() as u8));
    let params = (0..params).map(FieldId::param);
    let context = FIELDS.iter().filter(|info| info.class == FieldClass::Ctx).map(|info| info.id);
    // Its number is that in the recording.
    let fields = params.chain(context).filter(|&id| id != catalogue::CTX_NUMBER);
    let values = fields.map(|id| format!("{id:?} {:?}", event.get(&Key::of(id), &arena)));
    assert_eq!(*event.task(&arena), Task::read(event, &arena));
    std::iter::once(format!("{name} {:?}", event.time())).chain(values).collect()
}

proptest! {
    #[test]
    fn a_replay_says_what_was_recorded(events in prop::collection::vec(made(), 1..4)) {
        let arena = Arena::default();
        let options = RecorderOptions::ALL;
        let mut recorder = Recorder::new(Writer::new(Vec::new()), options);
        // From now on a task is an event.
        let first = Made { kind: EventKind(5), time: 0, params: vec![], context: BTreeMap::new() };
        recorder.record(&first, &arena).unwrap();
        events.iter().for_each(|event| recorder.record(event, &arena).unwrap());
        let bytes = recorder.finish().unwrap();
        let mut capture = Capture::new(Cursor::new(bytes)).unwrap();
        let mut heard = Vec::new();
        let flow = capture.read(Duration::ZERO, &mut |event| {
            heard.push(said(event));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(flow.unwrap(), Flow::End);
        let expected: Vec<_> = events.iter().map(|event| said(event)).collect();
        prop_assert_eq!(&heard[1..], &expected);
    }
}

fn param_of(kind: EventKind, name: &str) -> usize {
    let info = KindInfo::of(kind).unwrap();
    info.param(name).unwrap().0.into()
}

/// What a live source tells of a task, and of an exec in it.
fn live(kind: EventKind, params: &[(&str, Datum)]) -> Made {
    let info = KindInfo::of(kind).unwrap();
    let mut made = Made {
        kind,
        time: 9,
        params: vec![Datum::Nothing; info.params.len()],
        context: BTreeMap::new(),
    };
    for (name, value) in params {
        made.params[param_of(kind, name)] = value.clone();
    }
    for (id, value) in [
        (catalogue::CTX_TID, Datum::Signed(50)),
        (catalogue::CTX_PID, Datum::Signed(50)),
        (catalogue::CTX_PPID, Datum::Signed(1)),
        (catalogue::CTX_CPU, Datum::Unsigned(0)),
        (catalogue::CTX_START_TIME, Datum::Unsigned(1 << 40)),
        (catalogue::CTX_EUID, Datum::Unsigned(1000)),
        (catalogue::CTX_NS_PID, Datum::Unsigned(4_026_531_836)),
    ] {
        made.context.insert(id, value);
    }
    made
}

const WITHOUT_SECRETS: RecorderOptions =
    RecorderOptions { env: false, buffers: false, ..RecorderOptions::ALL };

fn recorded(options: RecorderOptions, events: &[Made]) -> Vec<u8> {
    let arena = Arena::default();
    let mut recorder = Recorder::new(Writer::new(Vec::new()), options);
    events.iter().for_each(|event| recorder.record(event, &arena).unwrap());
    recorder.finish().unwrap()
}

fn replayed(bytes: Vec<u8>) -> Vec<(EventKind, Vec<String>)> {
    let mut heard = Vec::new();
    Capture::new(Cursor::new(bytes))
        .unwrap()
        .read(Duration::ZERO, &mut |event| {
            heard.push((event.kind(), said(event)));
            ControlFlow::Continue(())
        })
        .unwrap();
    heard
}

#[test]
fn tasks_are_rows_for_other_tools_and_tell_all_to_ours() {
    let text = |text: &[u8]| Datum::Text(text.to_vec());
    let task = live(
        EventKind::TASK,
        &[
            ("comm", text(b"sh")),
            ("exe", text(b"/bin/sh")),
            ("args", text(b"-c\0exit\0")),
            ("cwd", text(b"/srv")),
            ("trusted_exepath", text(b"/usr/bin/dash")),
            ("cgroups", text(b"memory=/x\0")),
            ("flags", Datum::Unsigned(5)),
            ("exe_ino", Datum::Unsigned(77)),
        ],
    );
    let bytes = recorded(RecorderOptions::default(), std::slice::from_ref(&task));
    read(bytes.clone(), &mut |item| match item {
        Item::Process(row) => {
            assert_eq!((row.tid, row.ptid, row.uid), (50, 1, 1000));
            assert_eq!(
                (row.comm, row.args, row.exepath),
                (&b"sh"[..], &b"-c\0exit\0"[..], &b"/usr/bin/dash"[..])
            );
            assert_eq!((row.exe_writable, row.exe_from_memfd, row.exe_ino), (true, true, Some(77)));
        }
        Item::Section | Item::Context(_) | Item::Omitted(_) => {}
        other => panic!("{other:?}"),
    });
    let heard = replayed(bytes);
    assert_eq!((heard.len(), heard[0].0), (1, EventKind::TASK));
    for told in said(&task).iter().filter(|told| told.contains("Known")) {
        assert!(heard[0].1.contains(told), "{told} is not in {:?}", heard[0].1);
    }
}

#[test]
fn what_was_not_asked_for_is_followed_and_not_shown() {
    let arena = Arena::default();
    let mut recorder = Recorder::new(Writer::new(Vec::new()), RecorderOptions::default());
    recorder.record_state(&live(EventKind::EXECVE, &[]), &arena).unwrap();
    recorder.record(&live(EventKind::OPENAT, &[]), &arena).unwrap();
    let counts = recorder.counts();
    assert_eq!((counts.events, counts.states, counts.refused), (1, 1, 0));
    let kinds: Vec<_> = replayed(recorder.finish().unwrap()).into_iter().map(|it| it.0).collect();
    assert_eq!(kinds, [EventKind::state(EventKind::EXECVE.0), EventKind::OPENAT]);
}

#[test]
fn secrets_are_recorded_only_on_demand() {
    let secret = || Datum::Buffer(b"TOKEN=secret\0".to_vec());
    let task = live(EventKind::TASK, &[("env", Datum::Text(b"TOKEN=secret\0".to_vec()))]);
    let exec =
        live(EventKind::EXECVE, &[("env", secret()), ("args", Datum::Buffer(b"-l\0".to_vec()))]);
    let write = live(EventKind(9), &[("data", secret())]);
    let holds = |options, event: &Made| {
        let bytes = recorded(options, std::slice::from_ref(event));
        bytes.windows(6).any(|window| window == b"secret")
    };
    let none = WITHOUT_SECRETS;
    assert!([&task, &exec, &write].iter().all(|event| !holds(none, event)));
    for info in KINDS.iter().filter(|info| info.param("env").is_some()) {
        assert!(!holds(none, &live(info.kind, &[("env", secret())])), "{}", info.name);
    }
    let env = RecorderOptions { env: true, ..none };
    assert!(holds(env, &task) && holds(env, &exec) && !holds(env, &write));
    let buffers = RecorderOptions { buffers: true, ..none };
    assert!(!holds(buffers, &task) && !holds(buffers, &exec) && holds(buffers, &write));
    // Arguments are no buffer.
    let bytes = recorded(none, &[exec]);
    assert!(bytes.windows(3).any(|window| window == b"-l\0"));
}

#[test]
fn what_is_refused_leaves_no_context_to_the_next() {
    let arena = Arena::default();
    let event = live(EventKind(5), &[]);
    let mut context = RecordBuf::default();
    context::encode(&event, &arena, &mut context);
    let context = || Item::Context(Context::of(context.record()).unwrap());
    let too_long = super::event(5, &[&[0; 70_000]]);
    let close = super::event(5, &[&[0; 8]]);
    let mut writer = Writer::new(Vec::new());
    writer.write(&context()).unwrap();
    writer.write(&Item::Event(too_long.record())).unwrap_err();
    writer.write(&Item::Event(close.record())).unwrap();
    writer.write(&context()).unwrap();
    let late =
        DescriptorRow { tid: 1, fd: 1, ino: 0, of: Descriptor::Other { kind: 0, name: b"" } };
    writer.write(&Item::Descriptor(late)).unwrap_err();
    writer.write(&Item::Event(close.record())).unwrap();
    let mut contexts = 0;
    read(writer.finish().unwrap(), &mut |item| {
        contexts += usize::from(matches!(item, Item::Context(_)));
    });
    assert_eq!(contexts, 0);
}

#[test]
fn recording_an_event_takes_no_memory() {
    let arena = Arena::default();
    let options = RecorderOptions::default();
    let mut recorder = Recorder::new(Writer::new(std::io::sink()), options);
    let close = [("res", Datum::Signed(0)), ("fd", Datum::Signed(3))];
    let events = [live(EventKind::EXECVE, &[]), live(EventKind(5), &close)];
    let mut record = || events.iter().for_each(|event| recorder.record(event, &arena).unwrap());
    record();
    assert_eq!(allocation_counter::measure(record).count_total, 0);
}

#[test]
fn replaying_an_event_takes_no_memory() {
    let arena = Arena::default();
    let mut context = RecordBuf::default();
    context::encode(&live(EventKind(5), &[]), &arena, &mut context);
    let context = || Item::Context(Context::of(context.record()).unwrap());
    let close = super::event(5, &[&[0; 8], &[3; 8]]);
    // As an old writer tells a call: its arguments when it begins, the rest when it returns.
    let (begins, returns) =
        (super::event(6, &[&[3; 8], &[9; 4]]), super::event(7, &[&[0; 8], b"x"]));
    let mut writer = Writer::new(Vec::new());
    for _ in 0..1000 {
        for item in [context(), Item::Event(close.record())] {
            writer.write(&item).unwrap();
        }
        for event in [&begins, &returns] {
            writer.write(&Item::Event(event.record())).unwrap();
        }
    }
    let mut capture = Capture::new(Cursor::new(writer.finish().unwrap())).unwrap();
    let mut said = 0;
    let mut read = || {
        let each = &mut |event: &dyn Event| {
            let fields = [Key::of(catalogue::CTX_START_TIME), Key::param(0), Key::param(2)];
            said += fields.iter().filter(|key| event.get(key, &arena).known().is_some()).count();
            ControlFlow::Continue(())
        };
        capture.read(Duration::ZERO, each).unwrap()
    };
    read();
    assert_eq!(allocation_counter::measure(|| _ = read()).count_total, 0);
    assert!(said > 1000);
}

#[test]
fn what_one_recording_tells_of_its_machine_does_not_hold_for_the_next() {
    let close = super::event(5, &[&[0; 8]]);
    let boot_time = 2;
    let machine = Machine { hostname: b"node7", boot_time, ..Machine::default() };
    let close = || Item::Event(close.record());
    let two = super::written(&[Item::Machine(machine), close(), Item::Section, close()]);
    let mut capture = Capture::new(Cursor::new(two)).unwrap();
    let (mut after_boot, arena) = (Vec::new(), Arena::default());
    let flow = capture.read(Duration::ZERO, &mut |event| {
        if event.kind() == EventKind(5) {
            let time = event.get(&Key::of(catalogue::CTX_BOOT_TIME), &arena);
            after_boot.push(time.known().and_then(|time| time.as_u64()));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(flow.unwrap(), Flow::End);
    // The event was at 7.
    assert_eq!(after_boot, [Some(7 - boot_time), None]);
    assert_eq!(capture.report().hostname(), None);
}

#[test]
fn contexts_of_a_newer_form_are_counted_and_their_events_given() {
    let newer = super::event(context::CODE, &[b"k8srd.2", b"?"]);
    let others = super::event(context::CODE, &[b"of somebody else"]);
    let close = super::event(5, &[&[0; 8]]);
    let all = [&newer, &close, &others, &close].map(|event| Item::Event(event.record()));
    let mut capture = Capture::new(Cursor::new(super::written(&all))).unwrap();
    capture.read(Duration::ZERO, &mut |_| ControlFlow::Continue(())).unwrap();
    let report = capture.report();
    assert_eq!((report.newer_contexts(), report.events()), (1, 2));
    assert_eq!(report.skipped(), BTreeMap::from([("unknown", 1)]));
}

/// What a capture says that was left out, once it was read.
fn omissions(bytes: Vec<u8>) -> Omissions {
    let mut capture = Capture::new(Cursor::new(bytes)).unwrap();
    let flow = capture.read(Duration::ZERO, &mut |_| ControlFlow::Continue(()));
    assert_eq!(flow.unwrap(), Flow::End);
    capture.report().omissions()
}

fn known(bytes: Vec<u8>) -> Vec<Omission> {
    let omissions = omissions(bytes);
    assert_eq!((omissions.unknown().count(), omissions.unnamed()), (0, 0));
    omissions.known().collect()
}

/// A task with an environment, and a write of a word.
fn secrets() -> [Made; 2] {
    [
        live(EventKind::TASK, &[("env", Datum::Text(b"TOKEN=secret\0".to_vec()))]),
        live(EventKind(9), &[("data", Datum::Buffer(b"secret".to_vec()))]),
    ]
}

#[test]
fn a_recording_says_what_was_left_out() {
    for (env, buffers, left_out) in [
        (false, false, &[Omission::Env, Omission::Buffers][..]),
        (true, false, &[Omission::Buffers]),
        (false, true, &[Omission::Env]),
        (true, true, &[]),
    ] {
        let bytes = recorded(RecorderOptions { env, buffers, ..RecorderOptions::ALL }, &secrets());
        assert_eq!(known(bytes.clone()), left_out);
        assert_eq!(replayed(bytes).len(), 2, "it is no event of its own");
    }
}

#[test]
fn what_was_not_there_was_not_left_out() {
    let nothing = WITHOUT_SECRETS;
    let empty = || Datum::Buffer(vec![]);
    let exec = [("env", empty()), ("args", Datum::Buffer(b"-l\0".to_vec()))];
    let kept = [
        live(EventKind::TASK, &[("comm", Datum::Text(b"sh".to_vec()))]),
        live(EventKind::TASK, &[("env", Datum::Text(vec![]))]),
        live(EventKind::EXECVE, &exec),
        live(EventKind(9), &[("data", empty()), ("size", Datum::Unsigned(9))]),
        live(EventKind(5), &[]),
    ];
    assert_eq!(omissions(recorded(nothing, &kept)), Omissions::default());
    let [task, write] = secrets();
    assert_eq!(known(recorded(nothing, &[task])), [Omission::Env]);
    assert_eq!(known(recorded(nothing, &[write])), [Omission::Buffers]);
}

#[test]
fn kinds_are_left_out_as_a_whole_and_the_capture_says_so() {
    let [_, write] = secrets();
    let close = live(EventKind(5), &[]);
    let futex = live(EventKind(65), &[]);
    let events = [write, close, futex];
    let codes = |bytes| {
        let mut codes = Vec::new();
        read(bytes, &mut |item| {
            if let Item::Event(event) = item {
                codes.push(event.code);
            }
        });
        codes
    };
    let bytes = recorded(RecorderOptions::default(), &events);
    let all = [Omission::Env, Omission::Buffers, Omission::Io, Omission::Routine];
    assert_eq!(known(bytes.clone()), all[1..], "no environment was there");
    assert_eq!(codes(bytes), [5], "it changes what descriptors are");
    let io = RecorderOptions { io: true, buffers: true, ..RecorderOptions::default() };
    let bytes = recorded(io, &events);
    assert_eq!(known(bytes.clone()), [Omission::Routine]);
    assert_eq!(codes(bytes), [9, 5]);
    let bytes = recorded(RecorderOptions::ALL, &events);
    assert_eq!(known(bytes.clone()), []);
    assert_eq!(codes(bytes).len(), 3);
}

#[test]
fn it_is_said_once_and_before_everything_that_lacks_it() {
    let [task, write] = secrets();
    let close = live(EventKind(5), &[]);
    let events = [task.clone(), task, close, write.clone(), write];
    let mut order = Vec::new();
    read(recorded(WITHOUT_SECRETS, &events), &mut |item| match item {
        Item::Process(_) => order.push("process".to_owned()),
        Item::Event(event) => order.push(event.code.to_string()),
        Item::Omitted(omitted) => {
            order.extend(omitted.names().map(|name| format!("without {name}")));
        }
        Item::Section | Item::Context(_) => {}
        other => panic!("{other:?}"),
    });
    let all = ["without env", "process", "process", "5", "without buffers", "9", "9"];
    assert_eq!(order, all);
}

#[test]
fn other_tools_see_nothing_but_what_they_pass_over() {
    let mut kinds = Vec::new();
    let [task, write] = secrets();
    let close = live(EventKind(5), &[]);
    let bytes = recorded(WITHOUT_SECRETS, &[task, close, write]);
    let mut rest = bytes.as_slice();
    while let Some((header, _)) = rest.split_first_chunk::<8>() {
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        kinds.push(word(0));
        rest = &rest[word(4) as usize..];
    }
    // Ours are blocks before the row, and events from the first event on.
    let ours = 0x6B38_0001;
    assert_eq!(kinds, [0x0A0D_0D0A, ours, ours, 0x215, 0x216, 0x216, 0x216, 0x216, 0x216]);
}

fn says(names: &[&[u8]]) -> RecordBuf {
    super::event(context::CODE, &[&[&b"k8srd.omits.1"[..]], names].concat())
}

fn captured(records: &[&RecordBuf]) -> Vec<u8> {
    let items: Vec<_> = records.iter().map(|record| Item::Event(record.record())).collect();
    super::written(&items)
}

#[test]
fn nobody_else_says_what_was_left_out() {
    let close = super::event(5, &[&[0; 8]]);
    let other = super::event(context::CODE, &[b"of somebody else", b"env"]);
    let older = super::event(context::CODE, &[b"k8srd.1"]);
    for record in [&close, &other, &older] {
        assert_eq!(omissions(captured(&[record])), Omissions::default());
    }
}

#[test]
fn what_only_a_newer_version_leaves_out_is_told_too() {
    let told = |records: &[&RecordBuf]| {
        let omissions = omissions(captured(records));
        let unknown: Vec<_> = omissions.unknown().map(str::to_owned).collect();
        (omissions.known().collect::<Vec<_>>(), unknown, omissions.unnamed())
    };
    let newer = says(&[b"args", b"env", b"0-odd_name."]);
    let expected = (vec![Omission::Env], vec!["0-odd_name.".to_owned(), "args".into()], 0);
    assert_eq!(told(&[&newer, &newer]), expected);
    // In another form nothing is known of it, but that it is there; it is no context.
    let form = super::event(context::CODE, &[b"k8srd.omits.2", &[0xFF]]);
    assert_eq!(told(&[&form]), (vec![], vec![], 1));
    let mut capture = Capture::new(Cursor::new(captured(&[&form]))).unwrap();
    capture.read(Duration::ZERO, &mut |_| ControlFlow::Continue(())).unwrap();
    let report = capture.report();
    assert_eq!((report.newer_contexts(), report.events()), (0, 0));
    assert_eq!(report.skipped(), BTreeMap::new());
    // However many there are, what is kept has a bound.
    let many: Vec<_> =
        (0..40).map(|n| says(&[format!("n{n:02}").as_bytes(), b"buffers"])).collect();
    let (known, unknown, unnamed) = told(&many.iter().collect::<Vec<_>>());
    assert_eq!((known, unknown.len(), unnamed), (vec![Omission::Buffers], 16, 24));
}

#[test]
fn what_can_be_no_name_is_an_error_with_its_place() {
    let long = [b'a'; 33];
    for (name, shown) in [
        (&b""[..], "\"\""),
        (b"Env", "\"Env\""),
        (b"env\0", "\"env\\0\""),
        (b"\xFF", "\"\u{FFFD}\""),
        (&long, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
    ] {
        let bytes = captured(&[&says(&[b"env", name])]);
        let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
        assert!(matches!(reader.next(), Ok(Some(Item::Section))));
        let expected = format!(
            "block 1 at byte 28: the record of what was left out has {shown}, where names have 1 to \
             32 of a-z, 0-9, '-', '_' and '.'"
        );
        assert_eq!(reader.next().unwrap_err().to_string(), expected);
    }
    assert_eq!(omissions(captured(&[&says(&[&long[1..]])])).unknown().count(), 1);
    assert_eq!(omissions(captured(&[&says(&[])])), Omissions::default());
}

#[test]
fn a_copy_says_the_same_and_takes_no_context_away() {
    let bytes = recorded(RecorderOptions::default(), &secrets());
    let mut writer = Writer::new(Vec::new());
    read(bytes.clone(), &mut |item| writer.write(item).unwrap());
    assert!(writer.finish().unwrap() == bytes);

    let mut context = RecordBuf::default();
    context::encode(&live(EventKind(5), &[]), &Arena::default(), &mut context);
    let between = says(&[b"env"]);
    let close = super::event(5, &[&[0; 8]]);
    let mut close_of_task = close.clone();
    close_of_task.begin(Timestamp::from_nanos(9), 50, 0, 5);
    let bytes = captured(&[&close, &context, &between, &close_of_task]);
    let mut writer = Writer::new(Vec::new());
    read(bytes.clone(), &mut |item| writer.write(item).unwrap());
    for bytes in [bytes, writer.finish().unwrap()] {
        let heard = replayed(bytes);
        let start = format!("{:?}", catalogue::CTX_START_TIME);
        let told = heard[1].1.iter().find(|said| said.starts_with(&start)).unwrap();
        assert!(told.contains("Known"), "{told}");
    }
}

#[cfg(feature = "pcap")]
#[test]
fn a_recording_without_a_machine_is_one_of_events() {
    use crate::{PacketOptions, Recording};

    for event in secrets() {
        let bytes = recorded(RecorderOptions::default(), &[event]);
        let recording = Recording::open(Cursor::new(bytes), PacketOptions::default()).unwrap();
        assert!(matches!(recording, Recording::Events(_)));
    }
}

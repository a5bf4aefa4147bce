use k8srd_core::kind::{KindInfo, ParamType};

use super::*;
use crate::record::parse;
use crate::record::testing::of_call;

fn entry(name: &str) -> &'static Entry {
    ENTRIES.iter().find(|entry| entry.numbers.name == name).unwrap()
}

fn code(name: &str) -> u16 {
    entry(name).kind
}

#[test]
fn every_number_and_every_row_is_of_a_kind() {
    let named: Vec<&str> = NUMBERS.iter().map(|numbers| numbers.name).collect();
    for name in &named {
        let known = KINDS.iter().any(|info| info.name == *name && !info.kind.is_state());
        assert!(known, "{name} has a number and is no kind");
    }
    let rows: Vec<&str> =
        FAMILIES.iter().flat_map(|family| family.iter()).map(|call| call.name).collect();
    for (place, name) in rows.iter().enumerate() {
        assert!(named.contains(name), "{name} has a row and no number");
        assert!(!rows[..place].contains(name), "{name} has two rows");
    }
}

#[test]
fn every_kind_that_falco_has_an_event_for_is_told() {
    let told: Vec<u16> = kinds().collect();
    for info in KINDS.iter().filter(|info| info.origin == k8srd_core::kind::Origin::Syscall) {
        let own = !info.kind.is_state() && !info.kind.is_call() && info.kind != EventKind::GENERIC;
        assert!(!own || told.contains(&info.kind.0), "{}", info.name);
    }
}

/// The heart of the table: each param has a maker, in order, of its type.
#[test]
fn rows_have_the_params_of_their_kinds() {
    for entry in ENTRIES.iter().filter(|entry| entry.call.form == form::CALL) {
        let info = KindInfo::of(EventKind(entry.kind)).unwrap();
        assert_eq!(entry.call.params.len(), info.params.len(), "{}", info.name);
        let record = of_call(entry.kind);
        let event = parse(&record).unwrap();
        let arena = Arena::default();
        for (place, param) in (0..).zip(info.params.iter()) {
            use k8srd_core::event::Fields;
            use k8srd_core::field::Key;
            let what = format!("{}.{}", info.name, param.name);
            let value = event.get(&Key::param(place), &arena).known();
            let Some(value) = value else {
                // There only for some values of an argument, or none at all for a native caller.
                let sometimes = ["value_charbuf", "arg2_str", "quotafilepath", "nativeID"];
                assert!(sometimes.contains(&param.name), "{what} is nothing");
                continue;
            };
            let right = match param.ty {
                ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int => {
                    matches!(value, Value::I64(_))
                }
                ParamType::Str | ParamType::Path | ParamType::RelPath => {
                    matches!(value, Value::Str(_))
                }
                ParamType::Bytes | ParamType::FdList => matches!(value, Value::Bytes(_)),
                ParamType::SockAddr => matches!(value, Value::Addr(_)),
                ParamType::SockTuple => matches!(value, Value::Tuple(_)),
                ParamType::Dyn => {
                    matches!(value, Value::I64(_) | Value::U64(_) | Value::Str(_) | Value::Bytes(_))
                }
                _ => matches!(value, Value::U64(_)),
            };
            assert!(right, "{what} is {value:?}");
            if let (Value::U64(n), width @ 1..8) = (value, param.width) {
                assert!(n >> (8 * width) == 0, "{what} is {n}, wider than its {width} bytes");
            }
        }
    }
}

#[test]
fn nothing_asked_nothing_passes() {
    let nothing = Filter::new(&[EventKind::PROCEXIT.0], Depth::WHOLE);
    assert_eq!(nothing, Filter::closed());
    assert!(nothing.kinds.iter().all(|&slot| slot == 0));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn native_and_32_bit_numbers_share_slots_and_keep_apart() {
    let (open, fork) = (EventKind::OPEN.0, EventKind::FORK.0);
    let filter = Filter::new(&[open, fork], Depth::WHOLE);
    // 2 is open to a 64-bit program and fork to a 32-bit one.
    assert_eq!(filter.kinds[2], u32::from(open) | u32::from(fork) << 16);
    assert_eq!(filter.kinds[57], u32::from(fork));
    assert_eq!(filter.kinds[5], u32::from(open) << 16);
    let kind = |slot: usize| filter.plans[slot].kind;
    assert_eq!((kind(2), kind(57), kind(5)), (open, fork, 0));
    let narrow = SYSCALLS as usize;
    assert_eq!((kind(narrow + 2), kind(narrow + 57), kind(narrow + 5)), (fork, 0, open));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn i386_has_one_call_for_all_sockets() {
    let filter = Filter::new(&[code("sendto")], Depth::WHOLE);
    assert_eq!(filter.kinds[102], LOOK_FURTHER << 16);
    let first = 2 * SYSCALLS as usize;
    assert_eq!(filter.plans[first + 11].kind, code("sendto"));
    assert_eq!(filter.plans[first + 3].kind, 0, "nobody asked for connect");
    let filter = Filter::new(&[code("mmap")], Depth::WHOLE);
    assert_eq!(filter.plans[SYSCALLS as usize + 90].flags & plan::PACKED, plan::PACKED);
    assert_eq!(filter.plans[9].flags & plan::PACKED, 0);
}

#[test]
fn no_two_kinds_claim_one_number() {
    let mut native = BTreeMap::new();
    let mut narrow = BTreeMap::new();
    for numbers in NUMBERS {
        for (all, own) in [(&mut native, numbers.native), (&mut narrow, numbers.narrow)] {
            for nr in own {
                assert!(u32::from(*nr) < SYSCALLS, "{}", numbers.name);
                let other = all.insert(*nr, numbers.name);
                assert_eq!(other, None, "{nr} is {}, too", numbers.name);
            }
        }
    }
}

#[test]
fn only_what_is_read_is_asked_for() {
    let plain =
        Depth { snap: 80, descriptors: false, paths: false, bases: false, all_memory: false };
    let plan = |name: &str, depth: Depth| entry(name).plan(depth);
    let optional = plan::DESCRIPTOR | plan::PATH | plan::BASE;
    assert_eq!(plan("write", plain).flags & optional, 0);
    assert_eq!(plan("write", Depth::WHOLE).flags & optional, optional);
    // Its params tell both ends.
    assert_eq!(plan("sendto", plain).flags & optional, plan::DESCRIPTOR);
    assert_eq!(plan("close", Depth::WHOLE).flags & plan::DESCRIPTOR, 0, "it is gone by then");
    assert_eq!(plan("mmap", plain).flags & plan::EXECUTABLE, plan::EXECUTABLE);
    assert_eq!(plan("mmap", Depth::WHOLE).flags & plan::EXECUTABLE, 0);
}

#[test]
fn the_numbers_are_those_of_this_architecture() {
    for (name, number) in [
        ("openat", libc::SYS_openat),
        ("close", libc::SYS_close),
        ("sendto", libc::SYS_sendto),
        ("bpf", libc::SYS_bpf),
        ("pread", libc::SYS_pread64),
        ("umount2", libc::SYS_umount2),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("setuid", libc::SYS_setuid),
    ] {
        assert_eq!(entry(name).numbers.native, [number as u16], "{name}");
    }
}

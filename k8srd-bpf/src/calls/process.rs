//! Processes: credentials, namespaces, signals, one looking into another. What makes and ends
//! processes has bodies of its own.

use k8srd_core::value::Value;

use super::{Call, Make, call, of_form};
use crate::abi::{form, read};
use crate::record::{Called, flags};
use Make::{As, Byte, FilledData, Int, Long, Of, Result, Uint, Unsigned32Result};

pub(super) const CALLS: &[Call] = &[
    of_form("execve", form::EXEC),
    of_form("execveat", form::EXEC),
    of_form("clone", form::CLONE),
    of_form("clone3", form::CLONE),
    of_form("fork", form::CLONE),
    of_form("vfork", form::CLONE),
    call("setuid", &[Result, Uint(0)]),
    call("setgid", &[Result, Uint(0)]),
    call("setreuid", &[Result, Uint(0), Uint(1)]),
    call("setregid", &[Result, Uint(0), Uint(1)]),
    call("setresuid", &[Result, Uint(0), Uint(1), Uint(2)]),
    call("setresgid", &[Result, Uint(0), Uint(1), Uint(2)]),
    call("getuid", &[Unsigned32Result]),
    call("geteuid", &[Unsigned32Result]),
    call("getgid", &[Unsigned32Result]),
    call("getegid", &[Unsigned32Result]),
    // What the kernel has, as the initial user namespace numbers it.
    call(
        "getresuid",
        &[
            Result,
            Of(|_, who, _| Some(Value::U64(who.uid.into()))),
            Of(|_, who, _| Some(Value::U64(who.euid.into()))),
            Of(|_, who, _| Some(Value::U64(who.suid.into()))),
        ],
    ),
    call(
        "getresgid",
        &[
            Result,
            Of(|_, who, _| Some(Value::U64(who.gid.into()))),
            Of(|_, who, _| Some(Value::U64(who.egid.into()))),
            Of(|_, who, _| Some(Value::U64(who.sgid.into()))),
        ],
    ),
    call(
        "capset",
        &[
            Result,
            Of(|_, who, _| Some(Value::U64(who.cap_inheritable))),
            Of(|_, who, _| Some(Value::U64(who.cap_permitted))),
            Of(|_, who, _| Some(Value::U64(who.cap_effective))),
        ],
    ),
    call("setpgid", &[Result, Int(0), Int(1)]),
    call("setsid", &[Result]),
    call("setns", &[Result, Int(0), As(1, flags::clone_of)]).about(0),
    call("unshare", &[Result, As(0, flags::clone_of)]),
    call(
        "prctl",
        &[Result, Uint(0), Of(|it, _, _| name(it)), Of(|it, _, _| Some(Value::I64(second(it))))],
    )
    .decides(0, 0)
    .text_if(1, 1 << PR_SET_NAME | 1 << PR_GET_NAME)
    .fixed_if(1, 4, 4, 1 << PR_GET_CHILD_SUBREAPER),
    call("seccomp", &[Result, Long(0), Uint(1)]),
    call(
        "ptrace",
        &[
            Result,
            Of(|it, _, _| Some(Value::U64(if it.failed() { 0 } else { it.argument(2) }))),
            Of(|it, _, _| Some(Value::U64(traced(it)))),
            As(0, flags::ptrace),
            Int(1),
        ],
    )
    .decides(0, 0)
    // PTRACE_PEEKTEXT, _PEEKDATA, _PEEKUSR; of later requests the last bits may be the same.
    .fixed_if(3, 8, 4, 1 << 1 | 1 << 2 | 1 << 3),
    call("process_vm_readv", &[Result, Int(0), FilledData]).data(read::VECTORS_FILLED, 1, 2),
    call("process_vm_writev", &[Result, Int(0), FilledData]).data(read::VECTORS_GIVEN, 1, 2),
    call("kill", &[Result, Int(0), Byte(1)]),
    call("tkill", &[Result, Int(0), Byte(1)]),
    call("tgkill", &[Result, Int(0), Int(1), Byte(2)]),
    call(
        "getrlimit",
        &[
            Result,
            Of(|it, _, _| Some(Value::I64(it.limit_in(0, 0).unwrap_or(-1)))),
            Of(|it, _, _| Some(Value::I64(it.limit_in(0, 1).unwrap_or(-1)))),
            As(0, flags::resource),
        ],
    )
    .filled(1, 16, 8),
    call(
        "setrlimit",
        &[
            Result,
            Of(|it, _, _| Some(Value::I64(it.limit_in(0, 0).unwrap_or(0)))),
            Of(|it, _, _| Some(Value::I64(it.limit_in(0, 1).unwrap_or(0)))),
            As(0, flags::resource),
        ],
    )
    .fixed(1, 16, 8),
    // Of both widths the same struct.
    call(
        "prlimit",
        &[
            Result,
            Of(|it, _, _| Some(Value::I64(wide_limit(it, 0, 0, 0)))),
            Of(|it, _, _| Some(Value::I64(wide_limit(it, 0, 8, 0)))),
            Of(|it, _, _| Some(Value::I64(wide_limit(it, 1, 0, old(it))))),
            Of(|it, _, _| Some(Value::I64(wide_limit(it, 1, 8, old(it))))),
            Int(0),
            As(1, flags::resource),
        ],
    )
    .fixed(2, 16, 16)
    .filled(3, 16, 16),
    call(
        "nanosleep",
        &[Result, Of(|it, _, _| Some(Value::U64(it.duration_in(0).unwrap_or_default())))],
    )
    .fixed(0, 16, 8),
    call("futex", &[Result, Long(0), As(1, flags::futex), Long(2)]),
    call(
        "semop",
        &[
            Result,
            Uint(2),
            Of(|it, _, _| Some(Value::U64(operation(it, 0)))),
            Of(|it, _, _| Some(Value::I64((operation(it, 2) as i16).into()))),
            Of(|it, _, _| Some(Value::U64(flags::semaphore(operation(it, 4)).into()))),
            Of(|it, _, _| Some(Value::U64(operation(it, 6)))),
            Of(|it, _, _| Some(Value::I64((operation(it, 8) as i16).into()))),
            Of(|it, _, _| Some(Value::U64(flags::semaphore(operation(it, 10)).into()))),
            Int(0),
        ],
    )
    .filled(1, 12, 12),
    call(
        "semctl",
        &[
            Result,
            Int(0),
            Int(1),
            As(2, flags::semctl),
            Of(|it, _, _| Some(Value::I64(semaphore_value(it)))),
        ],
    ),
    call("semget", &[Result, Int(0), Int(1), As(2, flags::semget)]),
    call("keyctl", &[Result, Uint(0), KEY[0], KEY[1], KEY[2], KEY[3]])
        .decides(0, 0)
        .text_if(1, KEY_TEXTS[0])
        .text_if(2, KEY_TEXTS[1])
        .text_if(3, KEY_TEXTS[2]),
    call("add_key", super::general::PARAMS).text(0).text(1),
    call("request_key", super::general::PARAMS).text(0).text(1),
];

const PR_SET_NAME: u64 = 15;
const PR_GET_NAME: u64 = 16;
const PR_GET_CHILD_SUBREAPER: u64 = 37;

fn option(it: &Called<'_>) -> u64 {
    it.argument(0) & 0xffff_ffff
}

fn name<'a>(it: &Called<'a>) -> Option<Value<'a>> {
    matches!(option(it), PR_SET_NAME | PR_GET_NAME).then(|| it.text(0).map(Value::Str))?
}

fn second(it: &Called<'_>) -> i64 {
    match option(it) {
        PR_SET_NAME | PR_GET_NAME => 0,
        PR_GET_CHILD_SUBREAPER => it.u32_in(0, 0).unwrap_or_default().into(),
        _ => it.argument(1) as i64,
    }
}

/// What was read of the other process; what it goes on with; or what was given.
fn traced(it: &Called<'_>) -> u64 {
    match it.argument(0) {
        _ if it.failed() => 0,
        1..=3 => it.word_in(0, 0).unwrap_or_default(),
        // PTRACE_CONT, _SINGLESTEP, _DETACH, _SYSCALL: a signal.
        7 | 9 | 17 | 24 => it.argument(3) & 0xff,
        _ => it.argument(3),
    }
}

fn wide_limit(it: &Called<'_>, place: usize, at: usize, without: i64) -> i64 {
    it.u64_in(place, at).map_or(without, |limit| limit as i64)
}

/// What stands for limits that were not asked for: nothing, or a failed call.
fn old(it: &Called<'_>) -> i64 {
    if it.failed() { -1 } else { 0 }
}

/// A number of 16 bits of the first two `struct sembuf`; 0 behind the last.
fn operation(it: &Called<'_>, at: usize) -> u64 {
    let there = (at as u64) < 6 * (it.argument(2) & 0xffff_ffff);
    it.u16_in(0, at).filter(|_| there).unwrap_or_default().into()
}

/// What `SETVAL` sets.
fn semaphore_value(it: &Called<'_>) -> i64 {
    const SETVAL: u64 = 16;
    if it.argument(2) & 0xff == SETVAL { (it.argument(3) as i32).into() } else { 0 }
}

/// The arguments of `keyctl` are numbers or texts, as the operation has it.
const KEY: [Make; 4] = [
    Of(|it, _, _| key(it, 1)),
    Of(|it, _, _| key(it, 2)),
    Of(|it, _, _| key(it, 3)),
    Of(|it, _, _| key(it, 4)),
];

/// Operations whose second, third and fourth argument is a text.
const KEY_TEXTS: [u64; 3] = {
    const JOIN_SESSION_KEYRING: u64 = 1 << 1;
    const SEARCH: u64 = 1 << 10;
    const RESTRICT_KEYRING: u64 = 1 << 29;
    const PKEY_QUERY: u64 = 1 << 24;
    const PKEY_OTHERS: u64 = 1 << 25 | 1 << 26 | 1 << 27 | 1 << 28;
    [
        JOIN_SESSION_KEYRING,
        SEARCH | RESTRICT_KEYRING | PKEY_OTHERS,
        SEARCH | RESTRICT_KEYRING | PKEY_QUERY,
    ]
};

fn key<'a>(it: &Called<'a>, place: u8) -> Option<Value<'a>> {
    let texts = KEY_TEXTS.get(usize::from(place) - 1).copied().unwrap_or_default();
    let is_text = option(it) < 64 && texts >> option(it) & 1 != 0;
    if is_text {
        return it.text(place - 1).map(Value::Str);
    }
    let used = match option(it) {
        // _SESSION_TO_PARENT
        18 => 0,
        // _JOIN_SESSION_KEYRING, _REVOKE, _CLEAR, _SET_REQKEY_KEYRING, _ASSUME_AUTHORITY, _INVALIDATE
        1 | 3 | 7 | 14 | 16 | 21 => 1,
        // _GET_KEYRING_ID, _SETPERM, _LINK, _UNLINK, _SET_TIMEOUT, _GET_PERSISTENT, _CAPABILITIES
        0 | 5 | 8 | 9 | 15 | 22 | 31 => 2,
        // _UPDATE, _CHOWN, _DESCRIBE, _READ, _NEGATE, _GET_SECURITY, _WATCH_KEY, _RESTRICT_KEYRING
        2 | 4 | 6 | 11 | 13 | 17 | 24 | 29 | 32 => 3,
        // _SEARCH, _INSTANTIATE, _REJECT, _INSTANTIATE_IOV, _DH_COMPUTE, _PKEY_*, _MOVE
        10 | 12 | 19 | 20 | 23 | 25..=28 | 30 => 4,
        _ => 0,
    };
    Some(Value::I64(if place <= used { it.argument(place) as i64 } else { 0 }))
}

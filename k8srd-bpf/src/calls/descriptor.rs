//! Descriptors: making, copying, reading, writing, waiting for them.

use k8srd_core::arena::Arena;
use k8srd_core::value::Value;

use super::{Call, Make, call};
use crate::abi::{plan, read};
use crate::record::{Called, flags};
use Make::{
    As, Byte, Data, FilledData, Int, Long, Of, PairedPosition, Position, Received, Result, Text,
    Total, Uint, Zero,
};

const FIRST: Make = Of(|it, _, _| it.made(0));
const SECOND: Make = Of(|it, _, _| it.made(1));
const INO: Make = Of(|it, _, _| Some(Value::U64(it.ino())));

pub(super) const CALLS: &[Call] = &[
    // The descriptor is gone when the call returns: nothing is left to be told of it.
    call("close", &[Result, Int(0)]),
    call("close_range", &[Result, Uint(0), Uint(1), As(2, flags::close_range)]),
    call("dup", &[Result, Int(0)]).about(0),
    call("dup2", &[Result, Int(0), Int(1)]).about(0),
    call("dup3", &[Result, Int(0), Int(1), As(2, flags::cloexec)]).about(0),
    call("fcntl", &[Result, Int(0), As(1, flags::fcntl), Long(2)]).about(0),
    call("ioctl", &[Result, Int(0), Long(1), Long(2)]).about(0),
    call("read", &[Result, FilledData, Int(0), Uint(2)]).data(read::RESULT, 1, 2).about(0),
    call("write", &[Result, Data, Int(0), Uint(2)]).data(read::TAKEN, 1, 2).about(0),
    call("pread", &[Result, FilledData, Int(0), Uint(2), PairedPosition(3)])
        .data(read::RESULT, 1, 2)
        .about(0),
    call("pwrite", &[Result, Data, Int(0), Uint(2), PairedPosition(3)])
        .data(read::TAKEN, 1, 2)
        .about(0),
    call("readv", &[Result, Received, FilledData, Int(0)])
        .data(read::VECTORS_FILLED, 1, 2)
        .about(0),
    call("writev", &[Result, Data, Int(0), Total]).data(read::VECTORS_GIVEN, 1, 2).about(0),
    call("preadv", &[Result, Received, FilledData, Int(0), Position(3)])
        .data(read::VECTORS_FILLED, 1, 2)
        .about(0),
    call("pwritev", &[Result, Data, Int(0), Total, Position(3)])
        .data(read::VECTORS_GIVEN, 1, 2)
        .about(0),
    call("splice", &[Result, Int(0), Int(2), Long(4), As(5, flags::splice)]).about(2),
    call(
        "sendfile",
        &[
            Result,
            Of(|it, _, _| Some(Value::U64(it.word_in(0, 0).unwrap_or_default()))),
            Int(0),
            Int(1),
            Long(3),
        ],
    )
    .fixed(2, 8, 4)
    .about(0),
    call("pipe", &[Result, FIRST, SECOND, INO]).filled(0, 8, 8).makes_two().needs(plan::DESCRIPTOR),
    call("pipe2", &[Result, FIRST, SECOND, INO, As(1, flags::pipe)])
        .filled(0, 8, 8)
        .makes_two()
        .needs(plan::DESCRIPTOR),
    call("eventfd", &[Result, Uint(0), Zero]).makes(),
    call("eventfd2", &[Result, As(1, flags::nonblock_cloexec), Uint(0)]).makes(),
    call("signalfd", &[Result, Int(0), Zero, Zero]).makes(),
    call("signalfd4", &[Result, As(3, flags::nonblock_cloexec), Int(0), Zero]).makes(),
    call("timerfd_create", &[Result, Byte(0), As(1, flags::timerfd)]).makes(),
    call("inotify_init", &[Result, Zero]).makes(),
    call("inotify_init1", &[Result, As(0, flags::nonblock_cloexec)]).makes(),
    call("epoll_create", &[Result, Int(0)]).makes(),
    call("epoll_create1", &[Result, As(0, flags::epoll)]).makes(),
    call("epoll_wait", &[Result, Int(2)]),
    call("memfd_create", &[Result, Text(0), As(1, flags::memfd)]).text(0).makes(),
    call("pidfd_open", &[Result, Int(0), As(1, flags::pidfd)]).makes(),
    call("pidfd_getfd", &[Result, Int(0), Int(1), Uint(2)]).makes(),
    call("userfaultfd", &[Result, Uint(0)]).makes(),
    call(
        "io_uring_setup",
        &[
            Result,
            Uint(0),
            Of(|it, _, _| ring(it, 0, |n| n)),
            Of(|it, _, _| ring(it, 4, |n| n)),
            Of(|it, _, _| ring(it, 8, flags::io_uring_setup)),
            Of(|it, _, _| ring(it, 12, |n| n)),
            Of(|it, _, _| ring(it, 16, |n| n)),
            Of(|it, _, _| ring(it, 20, flags::io_uring_features)),
        ],
    )
    // The beginning of struct io_uring_params.
    .fixed(1, 24, 24)
    .makes(),
    call(
        "io_uring_enter",
        &[Result, Int(0), Uint(1), Uint(2), As(3, flags::io_uring_enter), Uint(4)],
    )
    .about(0),
    call("io_uring_register", &[Result, Int(0), As(1, flags::same), Long(2), Uint(3)]).about(0),
    call("poll", &[Result, Of(|it, _, arena| Some(polled(it, arena))), Int(2)])
        .data(read::WHOLE, 0, 1)
        .of_structs(POLLED),
    call(
        "ppoll",
        &[
            Result,
            Of(|it, _, arena| Some(polled(it, arena))),
            Of(|it, _, _| Some(Value::U64(it.duration_in(0).unwrap_or_default()))),
            Of(|it, _, _| Some(Value::U64(it.u32_in(1, 0).unwrap_or_default().into()))),
        ],
    )
    .data(read::WHOLE, 0, 1)
    .of_structs(POLLED)
    .fixed(2, 16, 8)
    .fixed(3, 8, 8),
    call("select", &[Result]),
];

fn ring<'a>(it: &Called<'a>, at: usize, told: impl Fn(u32) -> u32) -> Option<Value<'a>> {
    Some(Value::U64(told(it.u32_in(0, at).unwrap_or_default()).into()))
}

/// `struct pollfd`: descriptor, what is waited for, what came.
const POLLED: u16 = 8;

/// What came, as Falco's list: how many, then descriptor and bits each.
fn polled<'a>(it: &Called<'a>, arena: &'a Arena) -> Value<'a> {
    let rows = it.given().unwrap_or_default().chunks_exact(POLLED.into());
    let mut list = vec![0, 0];
    let mut count: u16 = 0;
    for row in rows {
        let Some((fd, bits)) = row.split_first_chunk::<4>() else { continue };
        let Some(came) = bits.last_chunk::<2>() else { continue };
        list.extend(i64::from(i32::from_ne_bytes(*fd)).to_le_bytes());
        list.extend(flags::poll(u16::from_ne_bytes(*came)).to_le_bytes());
        count = count.saturating_add(1);
    }
    if let Some(head) = list.first_chunk_mut::<2>() {
        *head = count.to_le_bytes();
    }
    Value::Bytes(arena.bytes(&list))
}

//! Sockets.

use k8srd_core::value::Value;

use super::{Call, Make, call};
use crate::abi::{plan, read};
use crate::record::{Called, flags};
use Make::{
    Address, As, Control, Data, FilledData, Int, Of, Received, Receiver, Result, Sender, Total,
    Uint,
};

const QUEUE: [Make; 3] = [
    Of(|it, _, _| Some(Value::U64(it.queue().0))),
    Of(|it, _, _| Some(Value::U64(it.queue().1))),
    Of(|it, _, _| Some(Value::U64(it.queue().2))),
];
const OPTION: Make = Of(|it, _, _| option(it));

pub(super) const CALLS: &[Call] = &[
    call(
        "socket",
        &[Result, As(0, flags::family), Uint(1), Uint(2), As(1, flags::nonblock_cloexec)],
    )
    .makes(),
    call("bind", &[Result, Address, Int(0)]).address(read::GIVEN, 1, 2).about(0),
    call("connect", &[Result, Sender, Int(0), Address])
        .address(read::GIVEN, 1, 2)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("listen", &[Result, Int(0), Int(1)]).about(0),
    call("accept", &[Result, Receiver, QUEUE[0], QUEUE[1], QUEUE[2]])
        .makes()
        .needs(plan::DESCRIPTOR | plan::QUEUE),
    call(
        "accept4",
        &[
            Result,
            Receiver,
            QUEUE[0],
            QUEUE[1],
            QUEUE[2],
            Of(|it, _, _| Some(Value::I64(flags::nonblock_cloexec(it.argument(3)).into()))),
        ],
    )
    .makes()
    .needs(plan::DESCRIPTOR | plan::QUEUE),
    call("getsockname", &[]).about(0),
    call("getpeername", &[]).about(0),
    call(
        "socketpair",
        &[
            Result,
            Of(|it, _, _| it.made(0)),
            Of(|it, _, _| it.made(1)),
            Of(|it, _, _| Some(Value::U64(it.sockets().0))),
            Of(|it, _, _| Some(Value::U64(it.sockets().1))),
            As(0, flags::family),
            Uint(1),
            Uint(2),
        ],
    )
    .filled(3, 8, 8)
    .makes_two()
    .needs(plan::DESCRIPTOR),
    call("shutdown", &[Result, Int(0), As(1, flags::shutdown)]).about(0),
    call("setsockopt", &[Result, Int(0), As(1, flags::option_level), OPTION_NAME, OPTION, Uint(4)])
        .data(read::WHOLE, 3, 4)
        .about(0),
    call("getsockopt", &[Result, Int(0), As(1, flags::option_level), OPTION_NAME, OPTION, Total])
        .data(read::POINTED, 3, 4)
        .about(0),
    call("send", &[Result, Data, Int(0), Uint(2), Sender])
        .data(read::TAKEN, 1, 2)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("sendto", &[Result, Data, Int(0), Uint(2), Sender])
        .data(read::TAKEN, 1, 2)
        .address(read::GIVEN, 4, 5)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("sendmsg", &[Result, Data, Int(0), Total, Sender])
        .data(read::MESSAGE_GIVEN, 1, 1)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("sendmmsg", &[Result, Int(0), Total, Data, Sender])
        .data(read::MESSAGES_GIVEN, 1, 2)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("recv", &[Result, FilledData, Int(0), Uint(2), Receiver])
        .data(read::RESULT, 1, 2)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("recvfrom", &[Result, FilledData, Receiver, Int(0), Uint(2)])
        .data(read::RESULT, 1, 2)
        .address(read::FILLED, 4, 5)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("recvmsg", &[Result, Received, FilledData, Receiver, Control, Int(0)])
        .data(read::MESSAGE_FILLED, 1, 1)
        .about(0)
        .needs(plan::DESCRIPTOR),
    call("recvmmsg", &[Result, Int(0), Received, FilledData, Receiver, Control])
        .data(read::MESSAGES_FILLED, 1, 2)
        .about(0)
        .needs(plan::DESCRIPTOR),
];

const OPTION_NAME: Make =
    Of(|it, _, _| Some(Value::U64(flags::option(it.argument(1), it.argument(2)).into())));

/// The option's value, as what it is.
fn option<'a>(it: &Called<'a>) -> Option<Value<'a>> {
    use flags::OptionType;

    let value = it.given();
    let word = || it.given_u32().unwrap_or_default();
    Some(match flags::option_type(it.argument(1), it.argument(2)) {
        OptionType::Bytes => Value::Bytes(value?),
        OptionType::Error => Value::I64(-i64::from(word() as i32)),
        OptionType::Number => Value::U64(word().into()),
        OptionType::Wide => Value::U64(it.given_u64().unwrap_or_default()),
        OptionType::Time => Value::U64(it.given_time().unwrap_or_default()),
    })
}

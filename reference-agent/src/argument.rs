//! Params of events as JSON: what `k8srd events --json` prints, and what acts tell.

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, Key};
use k8srd_core::kind::{ParamInfo, ParamType};
use k8srd_core::value::{Lookup, Value as FieldValue};
use serde_json::Value;

/// A number where it is one, else what `evt.arg` says; null if it was not recorded.
pub(crate) fn argument(event: &dyn Event, place: u8, param: &ParamInfo, arena: &Arena) -> Value {
    let recorded = event.get(&Key::param(place), arena);
    if recorded == Lookup::Absent {
        return Value::Null;
    }
    match param.ty {
        ParamType::Errno
        | ParamType::Fd
        | ParamType::Pid
        | ParamType::Uid
        | ParamType::Gid
        | ParamType::Int
        | ParamType::Uint
        | ParamType::Port
        | ParamType::RelTime
        | ParamType::AbsTime => as_json(recorded),
        _ => {
            let text = Key::with_arg(field::EVT_ARG, Arg::Name(param.name.into()));
            as_json(event.get(&text, arena))
        }
    }
}

/// A number where it is one, else as text.
pub(crate) fn as_json(value: Lookup<FieldValue<'_>>) -> Value {
    match value {
        Lookup::Known(FieldValue::Bool(flag)) => flag.into(),
        Lookup::Known(FieldValue::I64(number)) => number.into(),
        Lookup::Known(FieldValue::U64(number)) => number.into(),
        Lookup::Known(other) => other.to_string().into(),
        Lookup::Absent | Lookup::Pending => Value::Null,
    }
}

//! procexit.

use k8srd_core::value::Value;

use super::{RecordError, View};
use crate::abi::ExitBody;

#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    body: ExitBody,
}

impl Exit {
    pub(super) fn parse(view: &View<'_, '_>) -> Result<Self, RecordError> {
        Ok(Self { body: view.body()? })
    }

    pub(super) fn param(&self, place: u8) -> Option<Value<'static>> {
        // As in wait(2): the low 7 bits are the signal, bit 7 the core dump, the next 8 the code.
        let status = self.body.status;
        match place {
            0 => Some(Value::I64(status.into())),
            1 => Some(Value::I64((status >> 8 & 0xff).into())),
            2 => Some(Value::U64(match status & 0x7f {
                0x7f => 0,
                signal => signal.into(),
            })),
            3 => Some(Value::U64((status >> 7 & 1).into())),
            4 => Some(Value::I64(self.body.reaper_tid.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::event::Fields;
    use k8srd_core::field::Key;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::Record;
    use super::*;
    use crate::abi::kind;

    fn params(status: u32) -> Vec<Value<'static>> {
        let mut body = ExitBody::new_zeroed();
        (body.status, body.reaper_tid) = (status, 1);
        let record = Record::new(kind::PROCEXIT).body(body.as_bytes()).build();
        let event = parse(&record).unwrap();
        let arena = Arena::default();
        let param = |place| match event.get(&Key::param(place), &arena).known()? {
            Value::I64(n) => Some(Value::I64(n)),
            Value::U64(n) => Some(Value::U64(n)),
            other => panic!("{other:?}"),
        };
        (0..6).map_while(param).collect()
    }

    #[test]
    fn the_status_is_taken_apart() {
        use Value::{I64, U64};
        assert_eq!(params(0), [I64(0), I64(0), U64(0), U64(0), I64(1)]);
        assert_eq!(params(3 << 8), [I64(768), I64(3), U64(0), U64(0), I64(1)]);
        assert_eq!(params(9), [I64(9), I64(0), U64(9), U64(0), I64(1)]);
        assert_eq!(params(0x80 | 11), [I64(139), I64(0), U64(11), U64(1), I64(1)]);
    }
}

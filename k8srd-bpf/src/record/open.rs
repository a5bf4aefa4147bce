//! open, openat, openat2, creat.

use k8srd_core::value::Value;

use super::{RecordError, View, flags};
use crate::abi::{OpenBody, flag, kind, layer};

#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    pub(super) body: OpenBody,
    /// As given; `None` if the caller's memory did not give it.
    name: Option<&'a [u8]>,
    /// The directory that a relative name starts from.
    pub(super) base: &'a [u8],
    /// What was opened.
    pub(super) path: &'a [u8],
}

impl<'a> Open<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<OpenBody>()?;
        let name = view.part("name", body.name)?;
        Ok(Self {
            body,
            name: (!view.has(flag::NAME_FAULT)).then_some(name),
            base: view.part("base", body.base)?,
            path: view.part("path", body.path)?,
        })
    }

    pub(super) fn param(&self, kind: u16, place: u8) -> Option<Value<'a>> {
        match (kind, place) {
            (_, 0) => Some(Value::I64(self.body.res)),
            (kind::OPENAT | kind::OPENAT2, 1) => Some(Value::I64(self.body.dirfd.into())),
            (kind::OPEN | kind::CREAT, 1) | (kind::OPENAT | kind::OPENAT2, 2) => {
                self.name.map(Value::Str)
            }
            (kind::OPEN, 2) | (kind::OPENAT | kind::OPENAT2, 3) => Some(self.flags()),
            (kind::CREAT, 2) | (kind::OPEN, 3) | (kind::OPENAT | kind::OPENAT2, 4) => {
                Some(Value::U64(flags::mode(self.body.open_flags, self.body.mode).into()))
            }
            (kind::OPENAT2, 5) => Some(Value::U64(flags::resolve(self.body.resolve).into())),
            (kind::CREAT, 3) | (kind::OPEN, 4) | (kind::OPENAT, 5) | (kind::OPENAT2, 6) => {
                Some(Value::U64(self.body.dev.into()))
            }
            (kind::CREAT, 4) | (kind::OPEN, 5) | (kind::OPENAT, 6) | (kind::OPENAT2, 7) => {
                Some(Value::U64(self.body.ino))
            }
            (kind::CREAT, 5) => Some(self.creat_flags()),
            _ => None,
        }
    }

    fn flags(&self) -> Value<'a> {
        let mut flags = flags::open(self.body.open_flags);
        if self.body.fmode & flags::FMODE_CREATED != 0 {
            flags |= flags::CREATED;
        }
        flags |= match self.body.layer {
            layer::UPPER => flags::UPPER_LAYER,
            layer::LOWER => flags::LOWER_LAYER,
            _ => 0,
        };
        Value::U64(flags.into())
    }

    fn creat_flags(&self) -> Value<'a> {
        Value::U64(match self.body.layer {
            layer::UPPER => flags::UPPER_LAYER_CREAT.into(),
            layer::LOWER => flags::LOWER_LAYER_CREAT.into(),
            _ => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::event::{Event, Fields};
    use k8srd_core::field::Key;
    use k8srd_core::kind::KindInfo;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::Record;
    use super::*;

    fn params(kind: u16, more_flags: u32) -> Vec<(&'static str, Option<String>)> {
        let mut record = Record::new(kind).flags(more_flags);
        let mut body = OpenBody::new_zeroed();
        (body.res, body.dirfd, body.ino, body.dev, body.mode) = (9, -100, 77, 2049, 0o640);
        (body.open_flags, body.resolve) = (0o2000101, 0x08);
        (body.fmode, body.layer) = (0x10_0000, layer::UPPER);
        body.name = record.part(size_of_val(&body), b"etc/\xffpasswd");
        let record = record.body(body.as_bytes()).build();
        let event = parse(&record).unwrap();
        let arena = Arena::default();
        let info = KindInfo::of(event.kind()).unwrap();
        (0..)
            .zip(info.params.iter())
            .map(|(place, param)| {
                let value = event.get(&Key::param(place), &arena).known();
                (param.name, value.map(|value| format!("{value:?}")))
            })
            .collect()
    }

    #[test]
    fn params_stand_where_the_table_has_them() {
        let name = format!("Str({:?})", b"etc/\xffpasswd");
        // O_WRONLY | O_CREAT | O_CLOEXEC, created, upper layer.
        let flags = format!("U64({})", (1 << 1) | (1 << 2) | (1 << 12) | (1 << 14) | (1 << 15));
        let expected = |names: &[&'static str], kind| {
            let value = |name: &str| match name {
                "fd" => "I64(9)".to_owned(),
                "dirfd" => "I64(-100)".to_owned(),
                "name" => name.to_owned(),
                "flags" => flags.clone(),
                "mode" => "U64(416)".to_owned(),
                "resolve" => "U64(1)".to_owned(),
                "dev" => "U64(2049)".to_owned(),
                "ino" => "U64(77)".to_owned(),
                "creat_flags" => "U64(1)".to_owned(),
                other => panic!("{other}"),
            };
            for (param, got) in params(kind, 0) {
                let want = if param == "name" { name.clone() } else { value(param) };
                assert_eq!(got, Some(want), "{param} of {kind}");
            }
            assert_eq!(params(kind, 0).iter().map(|&(name, _)| name).collect::<Vec<_>>(), names);
        };
        expected(&["fd", "name", "flags", "mode", "dev", "ino"], kind::OPEN);
        expected(&["fd", "dirfd", "name", "flags", "mode", "dev", "ino"], kind::OPENAT);
        expected(&["fd", "dirfd", "name", "flags", "mode", "resolve", "dev", "ino"], kind::OPENAT2);
        expected(&["fd", "name", "mode", "dev", "ino", "creat_flags"], kind::CREAT);
    }

    #[test]
    fn an_unreadable_name_is_absent() {
        for kind in [kind::OPEN, kind::OPENAT, kind::OPENAT2, kind::CREAT] {
            let params = params(kind, flag::NAME_FAULT);
            let name = params.iter().find(|(name, _)| *name == "name").unwrap();
            assert_eq!(name.1, None);
        }
    }
}

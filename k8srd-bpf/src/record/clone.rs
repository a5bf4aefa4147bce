//! clone, fork, vfork, clone3: one record for each new task, told by the task that made it.

use k8srd_core::arena::Arena;
use k8srd_core::value::Value;

use super::{RecordError, View, cgroups, flags, until_nul};
use crate::abi::{CloneBody, Context};

/// Inode number of the initial pid namespace (`PROC_PID_INIT_INO` in `include/linux/proc_ns.h`).
const INITIAL_PID_NS: u32 = 0xefff_fffc;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clone<'a> {
    pub(super) body: CloneBody,
    cgroup: &'a [u8],
    cgroup_v1: &'a [u8],
}

impl<'a> Clone<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<CloneBody>()?;
        Ok(Self {
            body,
            cgroup: view.part("cgroup path", body.cgroup)?,
            cgroup_v1: view.part("v1 cgroup path", body.cgroup_v1)?,
        })
    }

    /// What the table calls exe, args and cwd is the caller's and did not change: the record does
    /// not carry it, whoever keeps a thread table has it.
    pub(super) fn param<'e>(
        &'e self,
        place: u8,
        context: &'e Context,
        arena: &'e Arena,
    ) -> Option<Value<'e>> {
        let Self { body, cgroup, cgroup_v1 } = self;
        let usage = &body.usage;
        match place {
            0 => Some(Value::I64(body.res)),
            3 => Some(Value::I64(context.tid.into())),
            4 => Some(Value::I64(context.tgid.into())),
            5 => Some(Value::I64(context.ppid.into())),
            7 => Some(Value::I64(usage.fd_limit)),
            8 => Some(Value::U64(usage.maj_faults)),
            9 => Some(Value::U64(usage.min_faults)),
            10 => Some(Value::U64(usage.vm_size.into())),
            11 => Some(Value::U64(usage.vm_rss.into())),
            12 => Some(Value::U64(usage.vm_swap.into())),
            13 => Some(Value::Str(until_nul(&context.comm))),
            14 => cgroups(cgroup, cgroup_v1, arena),
            15 => Some(Value::U64(self.flags().into())),
            16 => Some(Value::U64(context.euid.into())),
            17 => Some(Value::U64(context.egid.into())),
            18 => Some(Value::I64(context.vtid.into())),
            19 => Some(Value::I64(context.vpid.into())),
            20 => Some(Value::U64(context.pidns_start_time)),
            _ => None,
        }
    }

    fn flags(&self) -> u32 {
        let child = &self.body.child;
        let in_pidns = child.tid != 0 && child.ns_pid != INITIAL_PID_NS;
        flags::clone(self.body.clone_flags) | if in_pidns { flags::CHILD_IN_PIDNS } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::event::{Event, Fields};
    use k8srd_core::field::Key;
    use k8srd_core::kind::KindInfo;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::{Record, context};
    use super::*;
    use crate::abi::kind;

    #[test]
    fn params_stand_where_the_table_has_them() {
        let mut record = Record::new(kind::CLONE3);
        let mut body = CloneBody::new_zeroed();
        (body.res, body.clone_flags) = (4321, 0x4000 | 0x100);
        (body.child.tid, body.child.ns_pid) = (4321, INITIAL_PID_NS);
        (body.usage.fd_limit, body.usage.maj_faults, body.usage.min_faults) = (1024, 1, 2);
        (body.usage.vm_size, body.usage.vm_rss, body.usage.vm_swap) = (3, 4, 5);
        body.cgroup = record.part(size_of_val(&body), b"/v2");
        body.cgroup_v1 = record.part(size_of_val(&body), b"/v1");
        let record = record.body(body.as_bytes()).build();
        let event = parse(&record).unwrap();
        let context = context();
        let arena = Arena::default();
        let info = KindInfo::of(event.kind()).unwrap();
        for (place, param) in (0..).zip(info.params.iter()) {
            let want = match param.name {
                "res" => Some(Value::I64(4321)),
                "exe" | "args" | "cwd" => None,
                "tid" => Some(Value::I64(context.tid.into())),
                "pid" => Some(Value::I64(context.tgid.into())),
                "ptid" => Some(Value::I64(context.ppid.into())),
                "fdlimit" => Some(Value::I64(1024)),
                "pgft_maj" => Some(Value::U64(1)),
                "pgft_min" => Some(Value::U64(2)),
                "vm_size" => Some(Value::U64(3)),
                "vm_rss" => Some(Value::U64(4)),
                "vm_swap" => Some(Value::U64(5)),
                "comm" => Some(Value::Str(b"bash")),
                "cgroups" => Some(Value::Bytes(b"memory=/v1\0unified=/v2\0")),
                "flags" => Some(Value::U64((1 << 27) | (1 << 15))),
                "uid" => Some(Value::U64(context.euid.into())),
                "gid" => Some(Value::U64(context.egid.into())),
                "vtid" => Some(Value::I64(context.vtid.into())),
                "vpid" => Some(Value::I64(context.vpid.into())),
                "pidns_init_start_ts" => Some(Value::U64(context.pidns_start_time)),
                other => panic!("{other}"),
            };
            assert_eq!(event.get(&Key::param(place), &arena).known(), want, "{}", param.name);
        }
    }

    #[test]
    fn a_child_in_another_pid_namespace_is_told() {
        let mut body = CloneBody::new_zeroed();
        (body.child.tid, body.child.ns_pid) = (7, 4_026_532_000);
        let record = Record::new(kind::CLONE).body(body.as_bytes()).build();
        let (event, arena) = (parse(&record).unwrap(), Arena::default());
        assert_eq!(event.get(&Key::param(15), &arena).known(), Some(Value::U64(1 << 29)));
    }
}

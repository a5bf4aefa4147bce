//! execve, execveat, and the rows of the task iterator, which have the same body.

use k8srd_core::arena::Arena;
use k8srd_core::value::Value;

use super::{RecordError, View, cgroups, until_nul};
use crate::abi::{Context, ExecBody, flag, hook, kind};

#[derive(Clone, Copy, Debug)]
pub(super) struct Exec<'a> {
    body: ExecBody,
    /// Whether the new program runs: the record is of the hook that sees it start.
    has_run: bool,
    filename: Option<&'a [u8]>,
    pub(super) exepath: &'a [u8],
    cwd: &'a [u8],
    /// The directory that a failed execveat's relative name starts from.
    pub(super) base: &'a [u8],
    /// Name of the program and arguments, each NUL-terminated (the last one not if it is cut).
    args: Option<&'a [u8]>,
    env: Option<&'a [u8]>,
    cgroup: &'a [u8],
    cgroup_v1: &'a [u8],
}

impl<'a> Exec<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<ExecBody>()?;
        // What could be read before a fault is there; nothing at all is absent.
        let given =
            |fault, bytes: &'a [u8]| (!bytes.is_empty() || !view.has(fault)).then_some(bytes);
        Ok(Self {
            body,
            has_run: view.header.hook() == hook::EXEC,
            filename: given(flag::NAME_FAULT, view.part("filename", body.filename)?),
            exepath: view.part("exepath", body.exepath)?,
            cwd: view.part("cwd", body.cwd)?,
            base: view.part("base", body.base)?,
            args: given(flag::ARGS_FAULT, view.part("args", body.args)?),
            env: given(flag::ENV_FAULT, view.part("env", body.env)?),
            cgroup: view.part("cgroup path", body.cgroup)?,
            cgroup_v1: view.part("v1 cgroup path", body.cgroup_v1)?,
        })
    }

    pub(super) fn has_run(&self) -> bool {
        self.has_run
    }

    /// The thread's id before an exec that took place.
    pub(super) fn old_tid(&self) -> Option<u32> {
        (self.has_run && self.body.old_tid != 0).then_some(self.body.old_tid)
    }

    pub(super) fn param<'e>(
        &'e self,
        kind: u16,
        place: u8,
        context: &'e Context,
        arena: &'e Arena,
    ) -> Option<Value<'e>> {
        let usage = &self.body.usage;
        match place {
            0 => Some(Value::I64(self.body.res)),
            1 => self.exe(),
            2 => self.args(),
            3 => Some(Value::I64(context.tid.into())),
            4 => Some(Value::I64(context.tgid.into())),
            5 => Some(Value::I64(context.ppid.into())),
            6 => text(self.cwd),
            // Unlimited (-1) is the largest number, as the kernel has it.
            7 => Some(Value::U64(usage.fd_limit as u64)),
            8 => Some(Value::U64(usage.maj_faults)),
            9 => Some(Value::U64(usage.min_faults)),
            10 => Some(Value::U64(usage.vm_size.into())),
            11 => Some(Value::U64(usage.vm_rss.into())),
            12 => Some(Value::U64(usage.vm_swap.into())),
            13 => Some(Value::Str(until_nul(&context.comm))),
            14 => cgroups(self.cgroup, self.cgroup_v1, arena),
            15 => self.env.map(Value::Bytes),
            16 => Some(Value::U64(context.tty.into())),
            17 => Some(Value::I64(context.vpgid.into())),
            18 => Some(Value::U64(context.loginuid.into())),
            19 => Some(Value::U64(self.body.exe_flags.into())),
            20 => Some(Value::U64(context.cap_inheritable)),
            21 => Some(Value::U64(context.cap_permitted)),
            22 => Some(Value::U64(context.cap_effective)),
            23 => Some(Value::U64(self.body.exe_ino)),
            24 => Some(Value::U64(self.body.exe_ctime)),
            25 => Some(Value::U64(self.body.exe_mtime)),
            26 => Some(Value::U64(context.euid.into())),
            27 => text(self.exepath),
            28 => Some(Value::I64(context.pgid.into())),
            29 => Some(Value::U64(context.egid.into())),
            30 if kind == kind::EXECVE => self.filename.map(Value::Str),
            _ => None,
        }
    }

    pub(super) fn task_param<'e>(
        &'e self,
        place: u8,
        context: &'e Context,
        arena: &'e Arena,
    ) -> Option<Value<'e>> {
        let usage = &self.body.usage;
        match place {
            0 => Some(Value::Str(until_nul(&context.comm))),
            1 => self.exe(),
            2 => self.args(),
            3 => self.env.map(Value::Bytes),
            4 => text(self.cwd),
            5 => text(self.exepath),
            6 => cgroups(self.cgroup, self.cgroup_v1, arena),
            7 => Some(Value::U64(self.body.exe_flags.into())),
            8 => Some(Value::U64(self.body.exe_ino)),
            9 => Some(Value::U64(self.body.exe_ctime)),
            10 => Some(Value::U64(self.body.exe_mtime)),
            11 => Some(Value::I64(usage.fd_limit)),
            12 => Some(Value::U64(usage.vm_size.into())),
            13 => Some(Value::U64(usage.vm_rss.into())),
            14 => Some(Value::U64(usage.vm_swap.into())),
            15 => Some(Value::U64(usage.maj_faults)),
            16 => Some(Value::U64(usage.min_faults)),
            17 => Some(Value::U64(context.pidns_start_time)),
            // The root directory is in no record.
            _ => None,
        }
    }

    /// The first argument. Falco has it as a param of its own.
    fn exe(&self) -> Option<Value<'a>> {
        self.args.map(|args| Value::Str(until_nul(args)))
    }

    /// The arguments after the first.
    fn args(&self) -> Option<Value<'a>> {
        let args = self.args?;
        Some(Value::Bytes(args.get(until_nul(args).len() + 1..).unwrap_or_default()))
    }
}

fn text(text: &[u8]) -> Option<Value<'_>> {
    (!text.is_empty()).then_some(Value::Str(text))
}

#[cfg(test)]
mod tests {
    use k8srd_core::catalogue;
    use k8srd_core::event::{Event, Fields};
    use k8srd_core::field::Key;
    use k8srd_core::kind::KindInfo;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::{Record, context};
    use super::*;

    const HOOK_EXEC: u32 = hook::EXEC << 28;

    fn record(kind: u16, flags: u32, args: &[u8]) -> Vec<u8> {
        let mut record = Record::new(kind).flags(flags);
        let mut body = ExecBody::new_zeroed();
        (body.exe_flags, body.exe_ino, body.exe_ctime, body.exe_mtime) = (5, 60, 70, 80);
        (body.usage.fd_limit, body.usage.maj_faults, body.usage.min_faults) = (-1, 1, 2);
        (body.usage.vm_size, body.usage.vm_rss, body.usage.vm_swap) = (3, 4, 5);
        let size = size_of_val(&body);
        body.filename = record.part(size, b"./run");
        body.exepath = record.part(size, b"/usr/bin/run");
        body.cwd = record.part(size, b"/usr/bin");
        body.args = record.part(size, args);
        body.env = record.part(size, b"A=1\0B=2\0");
        body.cgroup_v1 = record.part(size, b"/v1");
        body.old_tid = 44;
        record.body(body.as_bytes()).build()
    }

    #[test]
    fn params_stand_where_the_table_has_them() {
        for kind in [kind::EXECVE, kind::EXECVEAT, kind::TASK] {
            let record = record(kind, HOOK_EXEC, b"run\0-x\0\0y y\0");
            let event = parse(&record).unwrap();
            let (context, arena) = (context(), Arena::default());
            let info = KindInfo::of(event.kind()).unwrap();
            for (place, param) in (0..).zip(info.params.iter()) {
                let want = match param.name {
                    "res" => Value::I64(0),
                    "exe" => Value::Str(b"run"),
                    "args" => Value::Bytes(b"-x\0\0y y\0"),
                    "tid" => Value::I64(context.tid.into()),
                    "pid" => Value::I64(context.tgid.into()),
                    "ptid" => Value::I64(context.ppid.into()),
                    "cwd" => Value::Str(b"/usr/bin"),
                    "fdlimit" if kind == kind::TASK => Value::I64(-1),
                    "fdlimit" => Value::U64(u64::MAX),
                    "pgft_maj" => Value::U64(1),
                    "pgft_min" => Value::U64(2),
                    "vm_size" => Value::U64(3),
                    "vm_rss" => Value::U64(4),
                    "vm_swap" => Value::U64(5),
                    "comm" => Value::Str(b"bash"),
                    "cgroups" => Value::Bytes(b"memory=/v1\0"),
                    "env" => Value::Bytes(b"A=1\0B=2\0"),
                    "tty" => Value::U64(context.tty.into()),
                    "vpgid" => Value::I64(context.vpgid.into()),
                    "loginuid" => Value::U64(context.loginuid.into()),
                    "flags" => Value::U64(5),
                    "cap_inheritable" => Value::U64(context.cap_inheritable),
                    "cap_permitted" => Value::U64(context.cap_permitted),
                    "cap_effective" => Value::U64(context.cap_effective),
                    "exe_ino" => Value::U64(60),
                    "exe_ino_ctime" => Value::U64(70),
                    "exe_ino_mtime" => Value::U64(80),
                    "uid" => Value::U64(context.euid.into()),
                    "trusted_exepath" => Value::Str(b"/usr/bin/run"),
                    "pgid" => Value::I64(context.pgid.into()),
                    "gid" => Value::U64(context.egid.into()),
                    "filename" => Value::Str(b"./run"),
                    "pidns_init_start_ts" => Value::U64(context.pidns_start_time),
                    "root" => continue,
                    other => panic!("{other}"),
                };
                let got = event.get(&Key::param(place), &arena).known();
                assert_eq!(got, Some(want), "{} of {kind}", param.name);
            }
            let old_tid = event.get(&Key::of(catalogue::CTX_OLD_TID), &arena).known();
            assert_eq!(old_tid, Some(Value::I64(44)));
        }
    }

    #[test]
    fn odd_argument_lists() {
        let split = |args: &[u8]| {
            let record = record(kind::EXECVE, HOOK_EXEC, args);
            let (event, arena) = (parse(&record).unwrap(), Arena::default());
            [1, 2].map(|place| {
                let value = event.get(&Key::param(place), &arena).known();
                value.and_then(|value| value.as_bytes()).unwrap().to_vec()
            })
        };
        assert_eq!(split(b""), [b"", b""]);
        assert_eq!(split(b"\0"), [b"", b""]);
        assert_eq!(split(b"a\0"), [&b"a"[..], b""]);
        assert_eq!(split(b"\0\0b\0"), [&b""[..], b"\0b\0"]);
        assert_eq!(split(b"cut in the first"), [&b"cut in the first"[..], b""]);
        assert_eq!(split(b"a\0cut in th"), [&b"a"[..], b"cut in th"]);
    }

    #[test]
    fn what_could_not_be_read_is_absent_and_what_could_is_kept() {
        let mut body = ExecBody::new_zeroed();
        body.res = -14;
        let faults = flag::NAME_FAULT | flag::ARGS_FAULT | flag::ENV_FAULT;
        let empty = Record::new(kind::EXECVE).flags(faults).body(body.as_bytes()).build();
        let (event, arena) = (parse(&empty).unwrap(), Arena::default());
        for place in [1, 2, 15, 30] {
            assert_eq!(event.get(&Key::param(place), &arena).known(), None, "param {place}");
        }
        let partial = record(kind::EXECVE, faults, b"run\0");
        let event = parse(&partial).unwrap();
        assert_eq!(event.get(&Key::param(1), &arena).known(), Some(Value::Str(b"run")));
    }

    #[test]
    fn a_failed_call_opened_no_executable() {
        let arena = Arena::default();
        let real = |flags| {
            let record = record(kind::EXECVE, flags, b"run\0");
            let event = parse(&record).unwrap();
            event.get(&Key::of(catalogue::CTX_PATH_REAL), &arena).known().is_some()
        };
        assert!(real(HOOK_EXEC));
        assert!(!real(0), "the executable is the caller's own");
    }
}

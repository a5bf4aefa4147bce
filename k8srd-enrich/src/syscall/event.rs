//! What follows from the kind of an event, its result and the type of its descriptor: `evt.*` but
//! for the texts of params. Facts: `sinsp_filtercheck_event.cpp` and `sinsp_filtercheck_gen_event.cpp`
//! in `userspace/libsinsp` of falcosecurity/libs.

use k8srd_core::catalogue as field;
use k8srd_core::field::{Arg, FieldId, Key};
use k8srd_core::kind::{Category, EventKind, KindFlags, Origin};
use k8srd_core::value::Value;

use super::Context;
use super::args::{self, polled};
use super::descriptor::{End, Ends, Type, open_flag};
use super::kinds::{self, PARAMS};
use super::names;
use super::paths::NO_TEXT;
use crate::read::{self, bytes, int, uint};

const EXECUTE_BITS: u64 = 0o111;

impl<'a> Context<'a> {
    /// The value of an `evt.*` or `syscall.*` field.
    pub(super) fn event_field(&self, key: &Key) -> Option<Value<'a>> {
        let Self { event, info, arena, .. } = *self;
        let has = |flag| info.flags.contains(flag);
        Some(match key.field() {
            field::SYSCALL_TYPE => Value::from(self.is_call().then_some(&*info.name)?),
            // The end of a process counts as an entry.
            field::EVT_DIR => Value::from(if info.is_entry() { ">" } else { "<" }),
            field::EVT_TYPE_IS => Value::U64(self.is_kind(key.arg()).into()),
            field::EVT_CATEGORY => Value::from(self.category()),
            field::EVT_CPU => Value::I64(int(event, &read::CPU, arena)?),
            field::EVT_ARGS | field::EVT_INFO => Value::Str(self.all_params()),
            field::EVT_ARG => Value::Str(self.param(args::place(info, key.arg())?).best()),
            field::EVT_RAWARG => return self.raw_param(args::place(info, key.arg())?),
            field::EVT_ABSPATH => Value::Str(self.absolute_path(key.arg())?),
            field::EVT_RES => Value::Str(self.result_text()?),
            field::EVT_RAWRES => Value::I64(self.result()?),
            field::EVT_FAILED => Value::Bool(self.result()? < 0),
            field::EVT_BUFFER => {
                let (place, _) = info.param("data")?;
                match event.get(&Key::param(place), arena).known()? {
                    Value::Bytes(buffer) => Value::Bytes(buffer),
                    _ => return None,
                }
            }
            field::EVT_BUFLEN => {
                let bytes = self.result().filter(|_| self.is_io()).filter(|&bytes| bytes >= 0)?;
                self.descriptor_type()?;
                Value::U64(bytes as u64)
            }
            field::EVT_IS_IO => {
                Value::Bool(has(KindFlags::READS_FROM_FD) || has(KindFlags::WRITES_TO_FD))
            }
            field::EVT_IS_IO_READ => Value::Bool(has(KindFlags::READS_FROM_FD)),
            field::EVT_IS_IO_WRITE => Value::Bool(has(KindFlags::WRITES_TO_FD)),
            field::EVT_IO_DIR if has(KindFlags::WRITES_TO_FD) => Value::from("write"),
            field::EVT_IO_DIR if has(KindFlags::READS_FROM_FD) => Value::from("read"),
            field::EVT_IS_WAIT => Value::Bool(has(KindFlags::WAITS)),
            field::EVT_IS_SYSLOG => Value::Bool(has(KindFlags::WRITES_TO_FD) && self.is_syslog()),
            field::EVT_IS_OPEN_READ => Value::Bool(self.open_flags() & open_flag::RDONLY != 0),
            field::EVT_IS_OPEN_WRITE => Value::Bool(self.open_flags() & open_flag::WRONLY != 0),
            field::EVT_IS_OPEN_EXEC => Value::Bool(self.is_open_exec()),
            field::EVT_IS_OPEN_CREATE => Value::Bool(self.is_open_create()),
            field::EVT_COUNT => Value::U64(1),
            field::EVT_COUNT_ERROR => self.error_count()?,
            field::EVT_COUNT_ERROR_FILE if self.subject() == Subject::File => self.error_count()?,
            field::EVT_COUNT_ERROR_NET if self.subject() == Subject::Net => self.error_count()?,
            field::EVT_COUNT_ERROR_OTHER if self.subject() == Subject::Other => {
                self.error_count()?
            }
            field::EVT_COUNT_ERROR_MEMORY if info.category == Category::Memory => {
                self.error_count()?
            }
            field::EVT_COUNT_EXIT if !info.is_entry() => Value::U64(1),
            field::EVT_IS_ASYNC => Value::Bool(info.origin == Origin::Meta),
            field::EVT_ASYNCTYPE if info.kind == kinds::ASYNCEVENT => {
                Value::Str(bytes(event, &PARAMS[1], arena)?)
            }
            field::EVT_ASYNCTYPE if info.origin == Origin::Meta => Value::from(&*info.name),
            // Falco has given up measuring calls, and says so.
            field::EVT_LATENCY
            | field::EVT_LATENCY_S
            | field::EVT_LATENCY_NS
            | field::EVT_WAIT_LATENCY => Value::U64(0),
            field::EVT_LATENCY_HUMAN => Value::from("0ns"),
            _ => return None,
        })
    }

    /// `fdlist.*`: descriptors that the call waits for.
    pub(super) fn polled_field(&self, id: FieldId) -> Option<Value<'a>> {
        let Self { event, info, arena, followed, .. } = *self;
        if !matches!(info.kind, kinds::POLL | kinds::PPOLL) {
            return None;
        }
        let mut out = Vec::new();
        for (fd, _) in polled(bytes(event, &PARAMS[1], arena)?) {
            let known = followed.and_then(|followed| followed.get(fd));
            let (client, server) = known.map_or((None, None), |it| ends(it.ends));
            let port = |end: Option<End>| Some(arena.format(format_args!("{}", end?.port)));
            let ip = |end: Option<End>| Some(arena.format(format_args!("{}", end?.ip)));
            let listens = known.is_some_and(|it| matches!(it.ends, Ends::Server(_)));
            let text = match id {
                field::FDLIST_NUMS => Some(arena.format(format_args!("{fd}"))),
                field::FDLIST_NAMES => match known {
                    Some(descriptor) if !descriptor.name.is_empty() => Some(&*descriptor.name),
                    _ => Some(NO_TEXT),
                },
                field::FDLIST_CIPS => ip(client),
                field::FDLIST_SIPS => ip(server),
                field::FDLIST_CPORTS => port(client),
                field::FDLIST_SPORTS if !listens => port(server),
                _ => None,
            };
            if let Some(text) = text {
                out.extend_from_slice(text);
                out.push(b',');
            }
        }
        out.pop();
        (!out.is_empty()).then(|| Value::Str(arena.bytes(&out)))
    }

    /// What is asked of all open descriptors: `proc.fdopencount`, `proc.stdin.name`, …
    pub(super) fn process_field(&self, id: FieldId) -> Option<Value<'a>> {
        let followed = self.followed.filter(|followed| followed.now().pid != 0)?;
        let count = || followed.table().count(followed.now().pid).unwrap_or_default();
        let ty = |fd| Some(Value::from(followed.get(fd)?.ty.name()));
        let name = |fd| Some(Value::Str(&followed.get(fd)?.name));
        match id {
            field::PROC_FDOPENCOUNT => Some(Value::U64(count() as u64)),
            field::PROC_FDUSAGE => {
                let limit = int(self.event, &read::PROC_FDLIMIT, self.arena).unwrap_or_default();
                let percent = count() as f64 * 100.0 / limit as f64;
                Some(Value::F64(if limit > 0 { percent.min(100.0) } else { 0.0 }))
            }
            field::PROC_STDIN_TYPE => ty(0),
            field::PROC_STDOUT_TYPE => ty(1),
            field::PROC_STDERR_TYPE => ty(2),
            field::PROC_STDIN_NAME => name(0),
            field::PROC_STDOUT_NAME => name(1),
            field::PROC_STDERR_NAME => name(2),
            _ => None,
        }
    }

    /// The end of a process is no system call.
    fn is_call(&self) -> bool {
        self.info.origin == Origin::Syscall && !self.info.kind.is_state()
    }

    pub(super) fn result(&self) -> Option<i64> {
        let told = int(self.event, PARAMS.get(usize::from(self.info.result()?))?, self.arena);
        // That a connection was accepted is told then, and no number.
        told.or(self.flows.then_some(0))
    }

    fn result_text(&self) -> Option<&'a [u8]> {
        let result = self.result()?;
        Some(match (result, names::error(result)) {
            (0.., _) => b"SUCCESS",
            (_, Some(name)) => name.as_bytes(),
            (_, None) => self.arena.format(format_args!("{result}")),
        })
    }

    fn error_count(&self) -> Option<Value<'a>> {
        Some(Value::U64((self.result()? < 0).into()))
    }

    fn unsigned(&self, name: &str) -> u64 {
        let place = self.info.param(name).map(|(place, _)| Key::param(place));
        place.and_then(|key| uint(self.event, &key, self.arena)).unwrap_or_default()
    }

    /// Of calls that open a file for reading or writing; `creat` says nothing of that.
    fn open_flags(&self) -> u64 {
        match self.info.kind {
            EventKind::OPEN | EventKind::OPENAT | EventKind::OPENAT2 | kinds::OPEN_BY_HANDLE_AT => {
                self.unsigned("flags")
            }
            _ => 0,
        }
    }

    /// By the mode that was asked for: the file may be there already.
    fn is_open_exec(&self) -> bool {
        let makes = self.open_flags() & (open_flag::CREAT | open_flag::TMPFILE) != 0;
        let executable = || self.unsigned("mode") & EXECUTE_BITS != 0;
        (makes || self.info.kind == EventKind::CREAT) && executable()
    }

    fn is_open_create(&self) -> bool {
        let flags = self.open_flags();
        let nameless = flags & open_flag::TMPFILE != 0;
        let made_nameless = || nameless && self.result().is_some_and(|fd| fd >= 0);
        flags & open_flag::F_CREATED != 0 || made_nameless()
    }

    /// By code, or by name: Falco takes the first code of that name and the next, so a name whose
    /// events had older forms stands for those.
    fn is_kind(&self, arg: &Arg) -> bool {
        const ENTRY_AND_RETURN: u16 = 2;
        match arg {
            Arg::Index(code) => self.info.kind.falco_code().map(u32::from) == Some(*code),
            Arg::Name(name) => {
                self.info.name == **name
                    && self.info.codes <= ENTRY_AND_RETURN
                    && !self.info.kind.is_call()
            }
            Arg::None => false,
        }
    }

    fn is_io(&self) -> bool {
        matches!(self.info.category, Category::IoRead | Category::IoWrite | Category::IoOther)
    }

    fn descriptor_type(&self) -> Option<Type> {
        self.descriptor()?.ty()
    }

    /// What the kind is about; of input and output, what the descriptor is.
    fn category(&self) -> &'static str {
        if let Some(name) = self.info.category.name() {
            return name;
        }
        match self.descriptor_type() {
            Some(Type::File | Type::Directory) => "file",
            Some(ty) if ty.is_ip() => "net",
            Some(
                Type::Pipe
                | Type::Unix
                | Type::Event
                | Type::Signalfd
                | Type::Inotify
                | Type::Userfaultfd,
            ) => "ipc",
            _ => "unknown",
        }
    }

    fn is_syslog(&self) -> bool {
        let name = self.descriptor().and_then(|descriptor| descriptor.known_name());
        name.is_some_and(|name| name.windows(8).any(|part| part == b"/dev/log"))
    }

    /// What an error of the call is about.
    fn subject(&self) -> Subject {
        let kind = self.info.kind;
        match self.descriptor_type() {
            Some(Type::File | Type::Directory) => Subject::File,
            Some(ty) if ty.is_ip() || ty == Type::Unix => Subject::Net,
            Some(_) => Subject::Other,
            None if kinds::opens_by_name(kind) || kind == kinds::OPEN_BY_HANDLE_AT => Subject::File,
            None if matches!(kind, kinds::ACCEPT | kinds::ACCEPT4 | EventKind::CONNECT) => {
                Subject::Net
            }
            None if self.info.category == Category::Memory => Subject::Memory,
            None => Subject::Other,
        }
    }
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    File,
    Net,
    Memory,
    Other,
}

/// Client and server of a socket, whoever the process is.
fn ends(ends: Ends) -> (Option<End>, Option<End>) {
    match ends {
        Ends::Two { source, destination } => (Some(source), Some(destination)),
        Ends::Server(end) => (None, Some(end)),
        _ => (None, None),
    }
}

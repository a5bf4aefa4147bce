//! Where each param is read, found out by experiment: one thing that a record is made of is changed,
//! and what changes with it came from there. `docs/reading.md` has the table.
//!
//! Which part of a record the kernel's side fills from where is said once for each body, below, with
//! the file of `bpf/` that does it; for calls it follows from their plans.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use k8srd_core::catalogue;
use k8srd_core::event::Fields;
use k8srd_core::field::Key;
use k8srd_core::kind::KindInfo;
use k8srd_core::value::OwnedValue;
use zerocopy::{FromBytes, IntoBytes};

use super::*;
use crate::abi::{
    self, CallBody, CloneBody, Descriptor, ExecBody, ExitBody, OpenBody, Part, Usage, hook, kind,
    layer,
};
use crate::record::testing::Record;
use crate::record::{parse, provided_fields};

/// A call: what its registers hold and what it returned.
#[derive(Clone, Copy)]
struct Done {
    args: [u64; 6],
    res: i64,
}

/// What else there was, as a number that everything in it follows from.
#[derive(Clone, Copy)]
struct There {
    memory: Option<u8>,
    kernel: Option<u8>,
}

const CONTENTS: [u8; 4] = [0, 1, 2, 3];
const NOTHING: Part = Part { offset: 0, len: 0 };
const EFAULT: i64 = -14;

/// A record in the making.
struct Making {
    record: Record,
    body: usize,
    there: There,
}

impl Making {
    fn new(kind: u16, body: usize, there: There) -> Self {
        Self { record: Record::new(kind), body, there }
    }

    /// Something in the memory of the program.
    fn text(&mut self, what: &str) -> Part {
        match self.there.memory {
            Some(n) => self.record.part(self.body, format!("{what} {n}").as_bytes()),
            None => NOTHING,
        }
    }

    /// Texts there, each with its terminator.
    fn texts(&mut self) -> Part {
        match self.there.memory {
            Some(n) => self.record.part(self.body, format!("first {n}\0second {n}\0").as_bytes()),
            None => NOTHING,
        }
    }

    /// Numbers there.
    fn numbers(&mut self) -> Part {
        let Some(n) = self.there.memory else { return NOTHING };
        let word = [[0xff; 4], [0; 4], [1; 4], [2, 0, 0, 0]][usize::from(n)];
        self.record.part(self.body, &word.repeat(18))
    }

    /// A `struct sockaddr` there.
    fn address(&mut self) -> Part {
        let Some(n) = self.there.memory else { return NOTHING };
        let inet = [2, 0, 0, 80 + n, 10, 0, 0, n];
        let unix = [1, 0, b'/', b'a' + n, 0];
        self.record.part(self.body, if n % 2 == 0 { &inet } else { &unix })
    }

    /// A path that the kernel has.
    fn path(&mut self, what: &str) -> Part {
        match self.there.kernel {
            Some(n) => self.record.part(self.body, format!("/{what} {n}").as_bytes()),
            None => NOTHING,
        }
    }

    /// Another number of the kernel's for each place.
    fn number(&self, place: u32) -> u32 {
        self.there.kernel.map_or(0, |n| 10 * place + u32::from(n))
    }

    /// All sockets, of each family, with another end and without.
    fn about(&mut self) -> Part {
        let Some(n) = self.there.kernel else { return NOTHING };
        let connected = n % 2 == 0;
        let (inet, port) = (n < 2, 8000 + u16::from(n));
        let about = Descriptor {
            ino: self.number(1).into(),
            sock: self.number(2).into(),
            peer: if connected { self.number(3).into() } else { 0 },
            dev: self.number(4),
            mode: 0o140_000 | self.number(5),
            fmode: if connected { u32::MAX } else { 0 },
            layer: layer_of(n),
            queue_len: self.number(6),
            queue_max: self.number(7),
            family: if inet { 2 } else { 1 },
            socket_type: n.into(),
            protocol: n.into(),
            state: n.into(),
            local_port: port,
            remote_port: if connected { port } else { 0 },
            what: 0,
            local_addr: [n + 1; 16],
            remote_addr: [n + 2; 16],
            path: self.path("path"),
            local_path: self.path("local"),
            remote_path: self.path("remote"),
            magic: self.number(8),
        };
        self.record.part(self.body, about.as_bytes())
    }

    fn usage(&self) -> Usage {
        Usage {
            fd_limit: self.number(1).into(),
            maj_faults: self.number(2).into(),
            min_faults: self.number(3).into(),
            vm_size: self.number(4),
            vm_rss: self.number(5),
            vm_swap: self.number(6),
            reserved: 0,
        }
    }

    fn context(&self) -> Context {
        let byte = self.there.kernel.map_or(0, |n| n + 1);
        Context::read_from_bytes(&[byte; size_of::<Context>()]).unwrap()
    }

    fn finish(self, flags: u32, body: &[u8]) -> Vec<u8> {
        let context = self.context();
        let mut record = self.record.flags(flags).body(body).build();
        let at = size_of::<abi::Header>();
        record[at..at + size_of::<Context>()].copy_from_slice(context.as_bytes());
        record
    }
}

fn layer_of(n: u8) -> u32 {
    [layer::NONE, layer::UPPER, layer::LOWER, layer::NONE][usize::from(n)]
}

/// What the kernel's side would write for it.
fn record(code: u16, done: Done, there: There) -> Vec<u8> {
    match code {
        kind::OPEN | kind::OPENAT | kind::OPENAT2 | kind::CREAT => open(code, done, there),
        kind::EXECVE | kind::EXECVEAT => exec(code, done, there),
        kind::CLONE | kind::CLONE3 | kind::FORK | kind::VFORK => clone(code, done, there),
        kind::PROCEXIT => exit(there),
        _ => call(code, done, there),
    }
}

/// `bpf/open.h`. Only openat2 has more than a name in memory.
fn open(code: u16, Done { args, res }: Done, there: There) -> Vec<u8> {
    let mut making = Making::new(code, size_of::<OpenBody>(), there);
    let how = there.memory.map_or(0, |n| 0o100 << n | 1 << n);
    let (dirfd, open_flags, mode, resolve) = match code {
        kind::OPEN => (0, args[1], args[2], 0),
        kind::OPENAT => (args[0], args[2], args[3], 0),
        kind::OPENAT2 => (args[0], how | 0o100, how, how),
        _ => (0, 0o100, args[1], 0),
    };
    let opened = res >= 0 && there.kernel.is_some();
    let number = |making: &Making, place| if opened { making.number(place) } else { 0 };
    let body = OpenBody {
        res,
        open_flags,
        resolve,
        ino: number(&making, 1).into(),
        mode: mode as u32 & 0o7777,
        dirfd: dirfd as i32,
        dev: number(&making, 2),
        file_mode: number(&making, 3),
        fmode: if number(&making, 0) % 2 == 1 { u32::MAX } else { 0 },
        layer: if opened { layer_of(number(&making, 0) as u8) } else { 0 },
        name: making.text("name"),
        base: making.path("base"),
        path: if opened { making.path("path") } else { NOTHING },
        reserved: 0,
    };
    making.finish(0, body.as_bytes())
}

/// `bpf/exec.h`: arguments and environment are in memory, be it the old program's or the new one's;
/// the name of a file that was executed is the kernel's copy.
fn exec(code: u16, Done { args, res }: Done, there: There) -> Vec<u8> {
    let mut making = Making::new(code, size_of::<ExecBody>(), there);
    let failed = res < 0;
    let given = |arg: usize| if failed && code == kind::EXECVEAT { args[arg] as u32 } else { 0 };
    let body = ExecBody {
        res: if failed { res } else { 0 },
        exe_ino: making.number(1).into(),
        exe_ctime: making.number(2).into(),
        exe_mtime: making.number(3).into(),
        exe_dev: making.number(4),
        exe_flags: making.number(0),
        old_tid: making.number(5),
        dirfd: given(0) as i32,
        at_flags: given(4),
        args_size: 0,
        env_size: 0,
        reserved: 0,
        usage: making.usage(),
        filename: if failed { making.text("name") } else { making.path("name") },
        exepath: making.path("exe"),
        cwd: making.path("cwd"),
        base: making.path("base"),
        args: making.texts(),
        env: making.texts(),
        cgroup: making.path("cgroup"),
        cgroup_v1: making.path("v1"),
    };
    making.finish(if failed { 0 } else { hook::EXEC << hook::SHIFT }, body.as_bytes())
}

/// Inode number of the initial pid namespace.
const INITIAL_PID_NS: u32 = 0xefff_fffc;

/// `bpf/clone.h`: clone3 has its flags in memory, clone in a register.
fn clone(code: u16, Done { args, res }: Done, there: There) -> Vec<u8> {
    let mut making = Making::new(code, size_of::<CloneBody>(), there);
    let made = res >= 0;
    let clone_flags = match code {
        kind::CLONE => args[0] & 0xffff_ffff,
        kind::CLONE3 => there.memory.map_or(0, |n| 0x100 << n),
        _ => 0,
    };
    let mut child = if made { making.context() } else { Context::new_zeroed() };
    if there.kernel == Some(0) {
        child.ns_pid = INITIAL_PID_NS;
    }
    let body = CloneBody {
        res: if made { making.number(1).into() } else { res },
        clone_flags,
        exit_signal: 0,
        reserved: 0,
        usage: making.usage(),
        child,
        cgroup: making.path("cgroup"),
        cgroup_v1: making.path("v1"),
    };
    making.finish(0, body.as_bytes())
}

/// `bpf/procexit.h`.
fn exit(there: There) -> Vec<u8> {
    let making = Making::new(kind::PROCEXIT, size_of::<ExitBody>(), there);
    let status = there.kernel.map_or(0, |n| u32::from(n) << 8 | u32::from(n) << 7 | u32::from(n));
    let body = ExitBody { status, reaper_tid: making.number(1), threads_left: 0, reserved: 0 };
    making.finish(0, body.as_bytes())
}

/// `bpf/call.h`.
fn call(code: u16, done: Done, there: There) -> Vec<u8> {
    let mut making = Making::new(code, size_of::<CallBody>(), there);
    let plan = plan_of(code).expect("the kind of a call");
    let decides = plan.when_arg.checked_sub(1).map_or(0, |n| done.args[usize::from(n)]);
    let which = 1 << (decides >> plan.when_shift & 63);
    let is_read = |read: &Read| read.arg != 0 && read.when & which != 0;
    // What a call fills in is there only if it succeeded.
    let failed = done.res < 0;
    let struct_there = |read: &Read| is_read(read) && !(failed && read.how == read::STRUCT_FILLED);
    let fixed = plan.fixed.map(|read| if struct_there(&read) { making.numbers() } else { NOTHING });
    let text = plan.text.map(|read| if is_read(&read) { making.text("text") } else { NOTHING });
    let base = plan.text.map(|read| match is_read(&read) && read.directory != 0 {
        true => making.path("base"),
        false => NOTHING,
    });
    let how = plan.data.how;
    let messages = matches!(how, read::MESSAGES_GIVEN | read::MESSAGES_FILLED);
    let received = matches!(how, read::MESSAGE_FILLED | read::MESSAGES_FILLED);
    let message = messages || received || how == read::MESSAGE_GIVEN;
    let filled = received || matches!(how, read::RESULT | read::POINTED | read::VECTORS_FILLED);
    let data = is_read(&plan.data) && !(failed && filled);
    let vectors = message || matches!(how, read::VECTORS_GIVEN | read::VECTORS_FILLED);
    let address = match plan.addr.arg {
        0 => message && data,
        _ => !(failed && plan.addr.how == read::FILLED),
    };
    let length = there.memory.map_or(0, |n| 100 + u64::from(n));
    let found = match plan.descriptor {
        plan::DESCRIPTOR_RESULT | plan::DESCRIPTOR_FIXED => !failed,
        _ => true,
    };
    let about = found && plan.flags & plan::DESCRIPTOR != 0;
    let usage = plan.flags & plan::USAGE != 0 && there.kernel.is_some();
    let body = CallBody {
        // Of one of several messages: how long it is, behind it in memory.
        res: if messages && !failed { length as i64 } else { done.res },
        args: done.args,
        total: if vectors || how == read::POINTED { length } else { 0 },
        descriptor: match plan.descriptor {
            plan::DESCRIPTOR_RESULT => done.res as i32,
            plan::DESCRIPTOR_FIXED => there.memory.map_or(-1, i32::from),
            0 => -1,
            n => done.args[usize::from(n - 1)] as i32,
        },
        text,
        base,
        addr: if address { making.address() } else { NOTHING },
        data: if data { making.numbers() } else { NOTHING },
        control: if received && data { making.text("control") } else { NOTHING },
        fixed,
        about: if about { making.about() } else { NOTHING },
        usage: match usage {
            true => {
                let usage = making.usage();
                making.record.part(making.body, usage.as_bytes())
            }
            false => NOTHING,
        },
    };
    making.finish(0, body.as_bytes())
}

fn plan_of(code: u16) -> Option<Plan> {
    ENTRIES.iter().find(|entry| entry.kind == code).map(|entry| entry.plan(Depth::WHOLE))
}

/// Where a value was found to come from.
#[derive(Clone, Copy, Default)]
struct Found {
    memory: bool,
    kernel: bool,
    registers: bool,
}

fn values(record: &[u8], keys: &[Key]) -> Vec<Option<OwnedValue>> {
    let event = parse(record).unwrap();
    let arena = Arena::default();
    keys.iter().map(|key| event.get(key, &arena).known().map(|value| value.to_owned())).collect()
}

/// Changes one thing after the other, and looks at what these keys give: the contents of memory and
/// of the kernel's objects for `choices`, then the registers through `registers`.
fn explore(code: u16, keys: &[Key], choices: &[Done], registers: &[Done]) -> Vec<Found> {
    let mut found = vec![Found::default(); keys.len()];
    for &done in choices {
        let with = |memory, kernel| {
            let there = There { memory: Some(memory), kernel: Some(kernel) };
            values(&record(code, done, there), keys)
        };
        let all = CONTENTS.map(|memory| CONTENTS.map(|kernel| with(memory, kernel)));
        for (place, found) in found.iter_mut().enumerate() {
            for (memory, kernel) in pairs(1..all.len(), 0..all.len()) {
                found.memory |= all[memory][kernel][place] != all[memory - 1][kernel][place];
                found.kernel |= all[kernel][memory][place] != all[kernel][memory - 1][place];
            }
        }
    }
    // What still changes when nothing could be read. 0, -1 and nothing stand for what is not there.
    let nothing = There { memory: None, kernel: None };
    let mut seen: Vec<Vec<OwnedValue>> = vec![Vec::new(); keys.len()];
    for &done in registers {
        for (seen, value) in seen.iter_mut().zip(values(&record(code, done, nothing), keys)) {
            seen.extend(value.filter(|value| !seen.contains(value)));
        }
    }
    for (found, seen) in found.iter_mut().zip(seen) {
        found.registers = seen.len() > 1 && seen.iter().any(says_something);
    }
    found
}

fn says_something(value: &OwnedValue) -> bool {
    match value {
        OwnedValue::I64(n) => !matches!(n, 0 | -1),
        OwnedValue::U64(n) => *n != 0,
        OwnedValue::Bool(is) => *is,
        OwnedValue::Str(bytes) | OwnedValue::Bytes(bytes) => !bytes.is_empty(),
        _ => true,
    }
}

fn pairs<A: Copy, B>(
    first: impl IntoIterator<Item = A>,
    second: impl IntoIterator<Item = B> + Clone,
) -> impl Iterator<Item = (A, B)> {
    first.into_iter().flat_map(move |a| second.clone().into_iter().map(move |b| (a, b)))
}

/// Successful and failed.
fn plain() -> Vec<Done> {
    [5, EFAULT].map(|res| Done { args: [1; 6], res }).to_vec()
}

/// Also with every command, option and level that an argument may have.
fn deciding() -> Vec<Done> {
    let numbers: Vec<u64> = (0..64).chain(quota_commands()).collect();
    let with = |(arg, number)| {
        let mut args = [1; 6];
        args[arg] = number;
        Done { args, res: 5 }
    };
    plain().into_iter().chain(pairs(0..3, numbers).map(with)).collect()
}

/// Also with every bit of an argument set alone, and alone not set.
fn every_choice() -> Vec<Done> {
    let results = [7, 0].map(|res| Done { args: [1; 6], res });
    let bits = pairs(0..6, 0..64).flat_map(|(arg, bit)| {
        [1, u64::MAX].map(|all| {
            let mut args = [all; 6];
            args[arg] ^= 1 << bit;
            Done { args, res: 5 }
        })
    });
    deciding().into_iter().chain(results).chain(bits).collect()
}

/// `Q_*` and `Q_X*`, where `quotactl` has them.
fn quota_commands() -> impl Iterator<Item = u64> {
    (0x80_0001..=0x80_0008).chain(0x5801..=0x5807).map(|command| command << 8)
}

const HEAD: &str = "| kind | user memory | kernel objects | registers and result |\n\
                    | --- | --- | --- | --- |\n";

/// A row of the table: names, by where they come from. A star is on those of kernel objects that were
/// found by a number in memory.
fn row_of<'a>(
    name: &str,
    by_memory: bool,
    found: impl IntoIterator<Item = (&'a str, Found)>,
) -> String {
    let found: Vec<_> = found.into_iter().collect();
    let column = |is: fn(&Found) -> bool, mark: &str| {
        let names = found.iter().filter(|(_, found)| is(found));
        names.map(|(name, _)| format!("{name}{mark}")).collect::<Vec<_>>().join(", ")
    };
    let memory = column(|found| found.memory, "");
    let kernel = column(|found| found.kernel, if by_memory { "\\*" } else { "" });
    format!("| {name} | {memory} | {kernel} | {} |\n", column(|found| found.registers, ""))
}

/// The params of each kind that has some of its own.
fn params() -> String {
    let (plain, deciding, every) = (plain(), deciding(), every_choice());
    let mut rows = BTreeMap::new();
    for code in kinds().chain([kind::PROCEXIT]).filter(|&code| !EventKind(code).is_call()) {
        let info = KindInfo::of(EventKind(code)).unwrap();
        let keys: Vec<Key> = (0..).take(info.params.len()).map(Key::param).collect();
        // Only what has a closure of its own may look at one argument to tell what another is.
        let chooses = |call: &Call| call.params.iter().any(|make| matches!(make, Make::Of(_)));
        let choices = if row(code).is_some_and(chooses) { &deciding } else { &plain };
        let found = explore(code, &keys, choices, &every);
        let names = info.params.iter().map(|param| param.name);
        let by_memory = plan_of(code).is_some_and(|it| it.descriptor == plan::DESCRIPTOR_FIXED);
        if !keys.is_empty() {
            rows.insert(
                &*info.name,
                row_of(&format!("`{}`", info.name), by_memory, names.zip(found)),
            );
        }
    }
    rows.into_values().collect()
}

/// The fields of all kinds together. All that are left out have nothing but the kernel's objects.
fn fields() -> String {
    let fields: Vec<_> = provided_fields().iter().collect();
    let keys: Vec<Key> = fields.iter().map(|&field| Key::of(field)).collect();
    let mut all = vec![Found::default(); keys.len()];
    let every: Vec<Done> = plain()
        .into_iter()
        .chain((0..6).map(|arg| {
            let mut args = [1; 6];
            args[arg] = 9;
            Done { args, res: 7 }
        }))
        .collect();
    for code in kinds().chain([kind::PROCEXIT]) {
        for (all, found) in all.iter_mut().zip(explore(code, &keys, &plain(), &every)) {
            all.memory |= found.memory;
            all.kernel |= found.kernel;
            all.registers |= found.registers;
        }
    }
    let name = |field| &*catalogue::FIELDS.iter().find(|info| info.id == field).unwrap().name;
    let others = |found: &Found| found.memory || found.registers;
    for (&field, found) in fields.iter().zip(&all).filter(|(_, found)| !others(found)) {
        let of_the_record = [
            catalogue::CTX_BOOT_TIME,
            catalogue::CTX_CPU,
            catalogue::CTX_TRUNCATED,
            catalogue::CTX_UNREADABLE,
            catalogue::CTX_IO_URING,
            catalogue::CTX_LATE,
        ];
        assert_ne!(found.kernel, of_the_record.contains(&field), "{}", name(field));
    }
    let found = fields.iter().map(|&field| name(field)).zip(all).filter(|(_, it)| others(it));
    row_of("`ctx.*`", false, found)
}

#[test]
fn the_page_says_where_each_param_is_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reading.md");
    let page = fs::read_to_string(&file).expect("docs/reading.md");
    let (before, _) = page.split_once(HEAD).expect("the page has the table's head");
    let made = format!("{before}{HEAD}{}{}", params(), fields());
    if env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, made).expect("the page can be written");
        return;
    }
    let line = page.lines().zip(made.lines()).position(|(page, made)| page != made);
    assert!(
        page == made,
        "docs/reading.md is not what the records say (first in line {:?}); \
         K8SRD_BLESS=1 cargo test -p k8srd-bpf --lib writes it",
        line.map(|line| line + 1)
    );
}

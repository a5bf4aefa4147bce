//! From what a source tells of a task to a row of the process list.

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::kind::{EventKind, KindInfo};

use crate::format::exe_flag;
use crate::table::ProcessRow;

/// Falco's flag of a thread that has not the id of its process (`PPM_CL_IS_MAIN_THREAD` is set for
/// the others).
const MAIN_THREAD: u32 = 1 << 30;

/// The row of a task, `with_env` or without its environment.
pub(super) fn row<'a>(event: &'a dyn Event, arena: &'a Arena, with_env: bool) -> ProcessRow<'a> {
    let param = |name: &str| {
        let (place, _) = KindInfo::of(EventKind::TASK)?.param(name)?;
        event.get(&Key::param(place), arena).known()
    };
    let text = |name| param(name).and_then(|value| value.as_bytes()).unwrap_or_default();
    let number = |name| param(name).and_then(|value| value.as_u64());
    let narrow = |name| number(name).and_then(|number| u32::try_from(number).ok());
    let context = |id: FieldId| event.get(&Key::of(id), arena).known();
    let id = |id| context(id).and_then(|value| value.as_i64());
    let wide = |id| context(id).and_then(|value| value.as_u64());
    let uint = |id| wide(id).and_then(|number| u32::try_from(number).ok());
    let exe_flags = number("flags").unwrap_or_default();
    let tid = id(field::CTX_TID).unwrap_or(-1);
    let pid = id(field::CTX_PID).unwrap_or(tid);
    let mut row = ProcessRow {
        tid,
        pid,
        ptid: id(field::CTX_PPID).unwrap_or_default(),
        comm: text("comm"),
        exe: text("exe"),
        exepath: text("trusted_exepath"),
        args: text("args"),
        cwd: text("cwd"),
        env: if with_env { text("env") } else { b"" },
        cgroups: text("cgroups"),
        root: text("root"),
        fdlimit: param("fdlimit").and_then(|value| value.as_i64()).unwrap_or_default() as u64,
        flags: if tid == pid { MAIN_THREAD } else { 0 },
        uid: uint(field::CTX_EUID).unwrap_or(u32::MAX),
        gid: uint(field::CTX_EGID).unwrap_or(u32::MAX),
        vmsize_kb: narrow("vm_size"),
        vmrss_kb: narrow("vm_rss"),
        vmswap_kb: narrow("vm_swap"),
        pfmajor: number("pgft_maj"),
        pfminor: number("pgft_min"),
        sid: id(field::CTX_SID),
        // The newest form is what readers know best: an id that is not told is the outermost one.
        vpgid: Some(id(field::CTX_VPGID).or(id(field::CTX_PGID)).unwrap_or_default()),
        pgid: id(field::CTX_PGID),
        vtid: Some(id(field::CTX_VTID).unwrap_or(tid)),
        vpid: Some(id(field::CTX_VPID).unwrap_or(pid)),
        pidns_init_start_ts: number("pidns_init_start_ts"),
        tty: uint(field::CTX_TTY),
        loginuid: uint(field::CTX_LOGINUID),
        cap_inheritable: wide(field::CTX_CAP_INHERITABLE),
        cap_permitted: wide(field::CTX_CAP_PERMITTED),
        cap_effective: wide(field::CTX_CAP_EFFECTIVE),
        exe_ino: number("exe_ino"),
        exe_ino_ctime: number("exe_ino_ctime"),
        exe_ino_mtime: number("exe_ino_mtime"),
        ..ProcessRow::default()
    };
    row.exe_writable = exe_flags & exe_flag::WRITABLE != 0;
    row.exe_upper_layer = exe_flags & exe_flag::UPPER_LAYER != 0;
    row.exe_from_memfd = exe_flags & exe_flag::FROM_MEMFD != 0;
    row.exe_lower_layer = exe_flags & exe_flag::LOWER_LAYER != 0;
    if row.root.is_empty() {
        row.root = b"/";
    }
    row
}

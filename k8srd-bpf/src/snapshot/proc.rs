//! Task rows from `/proc`.
//!
//! A task may end while it is being read: then its row is left out. Ids are those of the pid
//! namespace that `/proc` was mounted in.

use std::ffi::OsStr;
use std::fs::{self, File, ReadDir};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::row::Row;
use crate::abi::{ARGS_MAX, CGROUP_MAX, Context, PATH_MAX, exe, flag};
use crate::clock::boot_now;

/// Most bytes that are read of a file in `/proc` that is not an argument list.
const FILE_MAX: u64 = 64 << 10;

/// The rows of all tasks, back to back, as the iterator gives them.
pub(super) struct ProcRows {
    processes: Option<ReadDir>,
    ready: Vec<u8>,
    at: usize,
    seq: u64,
}

impl ProcRows {
    pub(super) fn new() -> Self {
        Self { processes: fs::read_dir("/proc").ok(), ready: Vec::new(), at: 0, seq: 0 }
    }

    /// Makes the rows of the next process ready; false if there is none.
    fn next_process(&mut self) -> bool {
        let Some(Ok(entry)) = self.processes.as_mut().and_then(Iterator::next) else {
            return false;
        };
        let tgid = number(&entry.file_name());
        let Some(tasks) = tgid.and_then(|_| fs::read_dir(entry.path().join("task")).ok()) else {
            return true;
        };
        for task in tasks.flatten() {
            if let Some(mut row) = read_task(&entry.path(), &task.path()) {
                row.header.seq = self.seq;
                self.seq += 1;
                row.write(&mut self.ready);
            }
        }
        true
    }
}

impl Read for ProcRows {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            if !self.next_process() {
                return Ok(0);
            }
        }
        let some = out.len().min(self.ready.len() - self.at);
        out[..some].copy_from_slice(&self.ready[self.at..self.at + some]);
        self.at += some;
        Ok(some)
    }
}

/// Adds arguments and environment, which are in the memory of the row's task.
pub(super) fn add_memory(row: &mut Row) {
    let process = format!("/proc/{}", row.context.tgid);
    let process = Path::new(&process);
    (row.body.args_size, row.body.args) =
        memory(row, &process.join("cmdline"), flag::ARGS_TRUNCATED);
    (row.body.env_size, row.body.env) = memory(row, &process.join("environ"), flag::ENV_TRUNCATED);
}

/// One list of texts; its size is that of what is kept, for the true one is not told here.
fn memory(row: &mut Row, path: &Path, truncated: u32) -> (u32, crate::abi::Part) {
    let mut text = read(path, ARGS_MAX as u64 + 1).unwrap_or_default();
    if text.len() > ARGS_MAX {
        text.truncate(ARGS_MAX);
        row.header.flags |= truncated;
    }
    (text.len() as u32, row.part(&text))
}

fn read_task(process: &Path, task: &Path) -> Option<Row> {
    let mut row = Row::new();
    row.header.time = boot_now();
    let context = &mut row.context;
    context.tid = number(task.file_name()?)?;
    stat(&read(&task.join("stat"), FILE_MAX)?, context)?;
    status(&read(&task.join("status"), FILE_MAX)?, context)?;
    let mut leader = *context;
    stat(&read(&process.join("stat"), FILE_MAX)?, &mut leader)?;
    context.leader_start_time = leader.start_time;
    context.loginuid = read(&task.join("loginuid"), FILE_MAX)
        .and_then(|text| parse(&text, 10))
        .unwrap_or(u64::from(u32::MAX)) as u32;
    for (name, inode) in [
        ("mnt", &mut context.ns_mnt),
        ("pid", &mut context.ns_pid),
        ("net", &mut context.ns_net),
        ("user", &mut context.ns_user),
        ("uts", &mut context.ns_uts),
        ("ipc", &mut context.ns_ipc),
        ("cgroup", &mut context.ns_cgroup),
    ] {
        let link = task.join("ns").join(name);
        *inode = fs::metadata(link).map_or(0, |namespace| namespace.ino() as u32);
    }
    add_memory(&mut row);
    if let Ok(path) = fs::read_link(task.join("exe")) {
        executable(&mut row, path.as_os_str().as_bytes(), &task.join("exe"));
    }
    if let Ok(cwd) = fs::read_link(task.join("cwd")) {
        row.body.cwd = row.part(clip(cwd.as_os_str().as_bytes(), PATH_MAX));
    }
    let cgroups = read(&task.join("cgroup"), FILE_MAX).unwrap_or_default();
    let (v2, v1) = cgroup_paths(&cgroups);
    row.body.cgroup = row.part(clip(v2, CGROUP_MAX));
    row.body.cgroup_v1 = row.part(clip(v1, CGROUP_MAX));
    Some(row)
}

fn executable(row: &mut Row, path: &[u8], link: &Path) {
    let path = match path.strip_suffix(b" (deleted)") {
        Some(path) => {
            row.header.flags |= flag::PATH_DELETED;
            path
        }
        None => path,
    };
    if path.starts_with(b"/memfd:") {
        row.body.exe_flags = exe::FROM_MEMFD;
    }
    row.body.exepath = row.part(clip(path, PATH_MAX));
    if let Ok(file) = fs::metadata(link) {
        row.body.exe_ino = file.ino();
        row.body.exe_ctime = nanos(file.ctime(), file.ctime_nsec());
        row.body.exe_mtime = nanos(file.mtime(), file.mtime_nsec());
    }
}

/// `/proc/PID/stat`: what is not in `status`.
fn stat(text: &[u8], context: &mut Context) -> Option<()> {
    // The name is in parentheses and may have parentheses and blanks in it.
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let name = text.get(open + 1..close)?;
    let name = clip(name, context.comm.len() - 1);
    context.comm = [0; 16];
    context.comm[..name.len()].copy_from_slice(name);
    let mut fields = text.get(close + 1..)?.split(|&byte| byte == b' ').skip(2);
    let mut next = || parse(fields.next()?, 10);
    context.ppid = next()? as u32;
    context.pgid = next()? as u32;
    context.sid = next()? as u32;
    context.tty = next()? as u32;
    let _foreground_group = fields.next()?;
    context.task_flags = parse(fields.next()?, 10)? as u32;
    let ticks = parse(fields.nth(12)?, 10)?;
    context.start_time =
        ticks.checked_mul(1_000_000_000 / rustix::param::clock_ticks_per_second())?;
    Some(())
}

/// `/proc/PID/status`: ids, and those of the task's own namespaces.
fn status(text: &[u8], context: &mut Context) -> Option<()> {
    for line in text.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, values) = (&line[..colon], &line[colon + 1..]);
        let mut values =
            values.split(|&byte| byte == b'\t' || byte == b' ').filter(|value| !value.is_empty());
        match name {
            b"Tgid" => context.tgid = parse(values.next()?, 10)? as u32,
            b"Uid" => {
                for id in
                    [&mut context.uid, &mut context.euid, &mut context.suid, &mut context.fsuid]
                {
                    *id = parse(values.next()?, 10)? as u32;
                }
            }
            b"Gid" => {
                for id in
                    [&mut context.gid, &mut context.egid, &mut context.sgid, &mut context.fsgid]
                {
                    *id = parse(values.next()?, 10)? as u32;
                }
            }
            // From the outermost namespace to the task's own.
            b"NStgid" => context.vpid = parse(values.next_back()?, 10)? as u32,
            b"NSpid" => context.vtid = parse(values.next_back()?, 10)? as u32,
            b"NSpgid" => context.vpgid = parse(values.next_back()?, 10)? as u32,
            b"NSsid" => context.vsid = parse(values.next_back()?, 10)? as u32,
            b"CapInh" => context.cap_inheritable = parse(values.next()?, 16)?,
            b"CapPrm" => context.cap_permitted = parse(values.next()?, 16)?,
            b"CapEff" => context.cap_effective = parse(values.next()?, 16)?,
            _ => {}
        }
    }
    (context.tgid != 0).then_some(())
}

/// The v2 path and that of a v1 controller: memory, else pids, as the kernel programs choose.
fn cgroup_paths(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut v2, mut memory, mut pids) = (&[][..], None, None);
    for line in text.split(|&byte| byte == b'\n') {
        let mut parts = line.splitn(3, |&byte| byte == b':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        if controllers.is_empty() {
            v2 = path;
        }
        for controller in controllers.split(|&byte| byte == b',') {
            match controller {
                b"memory" => memory = Some(path),
                b"pids" => pids = Some(path),
                _ => {}
            }
        }
    }
    (v2, memory.or(pids).unwrap_or_default())
}

fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

fn parse(digits: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?.trim_end(), radix).ok()
}

fn clip(bytes: &[u8], limit: usize) -> &[u8] {
    &bytes[..bytes.len().min(limit)]
}

fn nanos(seconds: i64, nanos: i64) -> u64 {
    u64::try_from(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::event::Fields;
    use k8srd_core::field::Key;
    use k8srd_core::value::Lookup;
    use zerocopy::FromZeros;

    use super::*;
    use crate::record;

    #[test]
    fn our_own_row_is_the_truth() {
        let tid = rustix::thread::gettid().as_raw_pid();
        let process = Path::new("/proc/self");
        let row = read_task(process, &process.join(format!("task/{tid}"))).unwrap();
        let context = row.context;
        assert_eq!(context.tid as i32, tid);
        assert_eq!(context.tgid, std::process::id());
        assert_eq!(context.ppid, std::os::unix::process::parent_id());
        assert_eq!(context.euid, rustix::process::geteuid().as_raw());
        assert!(context.start_time >= context.leader_start_time);
        assert!(context.leader_start_time <= boot_now());
        assert_ne!(context.ns_pid, 0);
        let mut bytes = Vec::new();
        row.write(&mut bytes);
        let (event, arena) = (record::parse(&bytes).unwrap(), Arena::default());
        let path = |place| match event.get(&Key::param(place), &arena) {
            Lookup::Known(value) => value.as_bytes().unwrap().to_vec(),
            other => panic!("param {place} is {other:?}"),
        };
        let exe = std::env::current_exe().unwrap();
        assert_eq!(path(5), exe.as_os_str().as_bytes());
        assert_eq!(path(4), std::env::current_dir().unwrap().as_os_str().as_bytes());
        assert!(!path(6).is_empty(), "cgroups");
    }

    #[test]
    fn odd_names_do_not_confuse_the_stat_line() {
        let mut context = Context::new_zeroed();
        let line = b"42 (a) b (c) S 1 2 3 1025 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 700 8192 1";
        stat(line, &mut context).unwrap();
        assert_eq!(&context.comm[..8], b"a) b (c\0");
        assert_eq!((context.ppid, context.pgid, context.sid), (1, 2, 3));
        assert_eq!((context.tty, context.task_flags), (1025, 4_194_560));
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        assert_eq!(context.start_time, 700 * tick);
        for broken in [&b""[..], b"42", b"42 (x", b"42 (x)", b"42 (x) S 1 2", b") ("] {
            assert_eq!(stat(broken, &mut context), None);
        }
    }

    #[test]
    fn namespaced_ids_are_the_innermost() {
        let mut context = Context::new_zeroed();
        let text =
            b"Name:\tx: y\nTgid:\t50\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNStgid:\t50\t9\t1\n\
            NSpid:\t51\t10\t2\nNSpgid:\t50\t0\t0\nNSsid:\t50\t0\t0\nCapEff:\t000001ffffffffff\n";
        status(text, &mut context).unwrap();
        assert_eq!((context.tgid, context.vpid, context.vtid), (50, 1, 2));
        assert_eq!((context.uid, context.euid, context.suid, context.fsuid), (1, 2, 3, 4));
        assert_eq!((context.gid, context.egid, context.sgid, context.fsgid), (5, 6, 7, 8));
        assert_eq!(context.cap_effective, (1 << 41) - 1);
        assert_eq!(status(b"Name:\tx\n", &mut Context::new_zeroed()), None);
    }

    #[test]
    fn cgroup_files_of_all_forms() {
        assert_eq!(cgroup_paths(b"0::/a\n"), (&b"/a"[..], &b""[..]));
        let hybrid = b"8:pids:/p\n4:memory:/m:with:colons\n1:cpu,cpuacct:/c\n0::/u\n";
        assert_eq!(cgroup_paths(hybrid), (&b"/u"[..], &b"/m:with:colons"[..]));
        assert_eq!(cgroup_paths(b"8:pids:/p\n"), (&b""[..], &b"/p"[..]));
        assert_eq!(cgroup_paths(b"garbage\n\n::"), (&b""[..], &b""[..]));
    }
}

//! Facts of a running process from /proc, for when the record that told them was lost.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use k8srd_core::event::Timestamp;

use super::facts::exe_flag;
use super::start::{StartTime, TICK};

/// Reads /proc, but no more often than its budget allows.
#[derive(Debug)]
pub(crate) struct Repair {
    /// The proc file system of the host; none where events are not of this machine now.
    proc_root: Option<PathBuf>,
    budget: u32,
    filled: Timestamp,
}

/// What /proc says of a process.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) comm: Vec<u8>,
    pub(crate) exe: Vec<u8>,
    pub(crate) exepath: Vec<u8>,
    /// Behind the first, each ended by a NUL byte.
    pub(crate) args: Vec<u8>,
    pub(crate) env: Vec<u8>,
    pub(crate) cwd: Vec<u8>,
    pub(crate) cgroups: Vec<u8>,
    pub(crate) exe_flags: u32,
}

/// Reads a second at most, and at once: each costs about 0.1 ms.
const PER_SECOND: u32 = 100;
/// As much as records carry of arguments and environment.
const LONGEST: u64 = 4_096;
/// Cgroup files are longer where version 1 has many hierarchies.
const LONGEST_CGROUPS: u64 = 65_536;

impl Repair {
    pub(crate) fn new(proc_root: Option<PathBuf>) -> Self {
        Self { proc_root, budget: PER_SECOND, filled: Timestamp::default() }
    }

    /// The facts of the process, if it is still the one that started then.
    pub(crate) fn process(&mut self, pid: u32, start: StartTime, now: Timestamp) -> Option<Found> {
        let folder = self.spend(now)?.join(pid.to_string());
        let found = read_process(&folder, start);
        if let Err(error) = &found {
            tracing::debug!(pid, %error, "a process is not found in /proc");
        }
        found.ok()
    }

    /// The cgroup paths of the process, `subsystem=path` separated by NUL bytes.
    pub(crate) fn cgroups(
        &mut self,
        pid: u32,
        start: StartTime,
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let folder = self.spend(now)?.join(pid.to_string());
        let cgroups = read_cgroups(&folder).ok()?;
        // Last, so that a process that took the id meanwhile is not taken for it.
        is_same(&folder, start).ok().map(|()| cgroups)
    }

    fn spend(&mut self, now: Timestamp) -> Option<PathBuf> {
        let root = self.proc_root.clone()?;
        let passed = now.as_nanos().abs_diff(self.filled.as_nanos()) / 1_000_000;
        let earned = passed * u64::from(PER_SECOND) / 1_000;
        if earned > 0 {
            self.filled = now;
            let budget = u64::from(self.budget).saturating_add(earned);
            self.budget = u32::try_from(budget).unwrap_or(PER_SECOND).min(PER_SECOND);
        }
        self.budget = self.budget.checked_sub(1)?;
        Some(root)
    }
}

fn read_process(folder: &Path, start: StartTime) -> io::Result<Found> {
    let comm = read_up_to(&folder.join("comm"), 64)?;
    let cmdline = read_up_to(&folder.join("cmdline"), LONGEST)?;
    // The first argument ends at its NUL byte; what follows are the others.
    let split = cmdline.iter().position(|&byte| byte == 0);
    let (exe, args) = match split {
        Some(end) => (cmdline.get(..end), cmdline.get(end + 1..)),
        None => (Some(&*cmdline), None),
    };
    let exepath = read_link(&folder.join("exe"));
    let memfd = exepath.starts_with(b"/memfd:");
    let found = Found {
        comm: comm.strip_suffix(b"\n").unwrap_or(&comm).to_vec(),
        exe: exe.unwrap_or_default().to_vec(),
        args: args.unwrap_or_default().to_vec(),
        exepath: exepath.strip_suffix(b" (deleted)").unwrap_or(&exepath).to_vec(),
        // A process without permission to be looked into still has a name.
        env: read_up_to(&folder.join("environ"), LONGEST).unwrap_or_default(),
        cwd: read_link(&folder.join("cwd")),
        cgroups: read_cgroups(folder).unwrap_or_default(),
        exe_flags: if memfd { exe_flag::FROM_MEMFD } else { 0 },
    };
    // Last, so that a process that took the id meanwhile is not taken for it.
    is_same(folder, start)?;
    Ok(found)
}

fn is_same(folder: &Path, start: StartTime) -> io::Result<()> {
    let stat = read_up_to(&folder.join("stat"), LONGEST)?;
    let ticks = start_ticks(&stat).ok_or(io::ErrorKind::InvalidData)?;
    let found = StartTime(Some(ticks.saturating_mul(TICK)));
    if found.may_be(start) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The 22nd value of `/proc/<pid>/stat`. The second is the name in parentheses, which may hold
/// anything.
fn start_ticks(stat: &[u8]) -> Option<u64> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// `id:controllers:path` lines as `controllers=path`; version 2 has no controllers there.
fn read_cgroups(folder: &Path) -> io::Result<Vec<u8>> {
    Ok(cgroups(&read_up_to(&folder.join("cgroup"), LONGEST_CGROUPS)?))
}

fn cgroups(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in file.split(|&byte| byte == b'\n') {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !out.is_empty() {
            out.push(0);
        }
        out.extend_from_slice(if controllers.is_empty() { b"unified" } else { controllers });
        out.push(b'=');
        out.extend_from_slice(path);
    }
    out
}

fn read_up_to(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(longest).read_to_end(&mut content)?;
    Ok(content)
}

/// Kernel threads have no such link.
fn read_link(path: &Path) -> Vec<u8> {
    fs::read_link(path).map(|path| path.into_os_string().into_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn own_start() -> StartTime {
        let stat = fs::read("/proc/self/stat").unwrap();
        StartTime(start_ticks(&stat).map(|ticks| ticks * TICK))
    }

    #[test]
    fn the_own_process_is_found_if_it_is_the_one() {
        let mut repair = Repair::new(Some("/proc".into()));
        let pid = std::process::id();
        let found = repair.process(pid, own_start(), at(1)).unwrap();
        let args: Vec<_> = std::env::args_os().map(OsStringExt::into_vec).collect();
        assert_eq!(found.exe, args[0]);
        let joined: Vec<u8> = args[1..].iter().flat_map(|arg| [arg, &b"\0"[..]].concat()).collect();
        assert_eq!(found.args, joined);
        let exe = std::env::current_exe().unwrap().into_os_string().into_vec();
        assert_eq!(found.exepath, exe);
        assert_eq!(found.cwd, std::env::current_dir().unwrap().into_os_string().into_vec());
        assert!(found.cgroups.contains(&b'='));
        let other = StartTime(own_start().0.map(|start| start + 5 * TICK));
        assert_eq!(repair.process(pid, other, at(1)), None);
        assert_eq!(repair.cgroups(pid, own_start(), at(1)), Some(found.cgroups));
        assert_eq!(repair.cgroups(pid, other, at(1)), None);
    }

    #[test]
    fn a_budget_bounds_the_reads() {
        let mut repair = Repair::new(Some("/nonexistent".into()));
        let spent =
            |repair: &mut Repair, time| (0..1_000).filter(|_| repair.spend(time).is_some()).count();
        assert_eq!(spent(&mut repair, at(100)), 100);
        assert_eq!(spent(&mut repair, at(100)), 0);
        assert_eq!(spent(&mut repair, Timestamp::from_nanos(100_100_000_000)), 10);
        assert_eq!(spent(&mut repair, at(10_000)), 100);
        assert_eq!(Repair::new(None).process(1, StartTime(None), at(1)), None);
    }

    #[test]
    fn files_of_any_content() {
        assert_eq!(
            start_ticks(b"7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 1234 0"),
            Some(1234)
        );
        for bad in [&b""[..], b"7 (a", b"7 (a) S", b"\xff)\xff"] {
            assert_eq!(start_ticks(bad), None);
        }
        let file = b"2:cpu,cpuacct:/a:b\n1:name=systemd:/x\n0::/y z\nbroken\n";
        assert_eq!(cgroups(file), b"cpu,cpuacct=/a:b\0name=systemd=/x\0unified=/y z");
    }
}

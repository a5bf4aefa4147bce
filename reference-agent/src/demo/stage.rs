//! Where the scenarios are played: a process tree that is a container to the kernel.
//!
//! The tree has mount and pid namespaces, a file tree and a cgroup of its own, at the path that a
//! kubelet gives to a pod's container, under a made-up pod uid and container id. That cgroup is all
//! that the rest of the machine can see of it, and it is removed in the end.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::image;
use super::server::Server;
use crate::act;

/// How long the container may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// All cgroups of demos are below this one, where no kubelet looks for pods to remove.
const CGROUP: &str = "k8srd-demo";

/// The stage, with its container running and waiting for a scenario.
pub(super) struct Stage {
    container_id: String,
    server: Server,
    // In the order in which they are taken down.
    container: Container,
    cgroup: Cgroup,
}

impl Stage {
    pub(super) fn build() -> Result<Self> {
        let server = Server::start(act::ending_program()?).context("cannot listen on 127.0.0.1")?;
        let container_id = random_hex(64);
        let cgroup = Cgroup::make(&container_id)?;
        let container = Container::start(&cgroup.path)?;
        Ok(Self { container_id, server, container, cgroup })
    }

    /// The container id as alerts show it.
    pub(super) fn short_id(&self) -> &str {
        &self.container_id[..12]
    }

    pub(super) fn cgroup(&self) -> &Path {
        &self.cgroup.path
    }

    /// The address of the file that waits to be downloaded.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Has the container run a command; it answers through [`Stage::answer`].
    pub(super) fn command(&mut self, command: &[OsString]) -> Result<()> {
        self.container.send(command)
    }

    /// Whether the container ran its command, within `wait`; `None`: not yet.
    pub(super) fn answer(&self, wait: Duration) -> Result<Option<String>> {
        self.container.receive(wait)
    }
}

/// The machine's own program of this name, where it has one that the container sees, too.
pub(super) fn real_program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    folders.into_iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// The command line of `name`: the machine's own program, or this one's imitation of it.
pub(super) fn command_line(name: &str, args: &[&str]) -> Vec<OsString> {
    let program = match real_program(name) {
        Some(path) => vec![path.into_os_string()],
        None => vec![Path::new(image::PROGRAMS).join(name).into(), "play".into(), name.into()],
    };
    program.into_iter().chain(args.iter().map(Into::into)).collect()
}

/// The container's cgroup; removed when dropped.
struct Cgroup {
    path: PathBuf,
    /// The folders that were made for it, the innermost last.
    made: Vec<PathBuf>,
}

impl Cgroup {
    fn make(container_id: &str) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")
            .context("cannot read /proc/self/mountinfo")?;
        let Some(root) = cgroup_root(&mounts) else {
            bail!("no writable cgroup file system is mounted; mount cgroup2 on /sys/fs/cgroup");
        };
        let uid = random_hex(32);
        let uid = [&uid[..8], &uid[8..12], &uid[12..16], &uid[16..20], &uid[20..]].join("-");
        remove_empty(&root.join(CGROUP), 5);
        let mut cgroup = Self { path: root, made: Vec::new() };
        for part in [CGROUP, "kubepods", "besteffort", &format!("pod{uid}"), container_id] {
            cgroup.path.push(part);
            match fs::create_dir(&cgroup.path) {
                Ok(()) => cgroup.made.push(cgroup.path.clone()),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!(
                            "cannot make the cgroup {}; the demo needs root and a writable cgroup \
                             file system",
                            cgroup.path.display()
                        )
                    });
                }
            }
        }
        Ok(cgroup)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A cgroup can be removed once its last process is gone, which takes the kernel a moment.
        let limit = Instant::now() + Duration::from_secs(2);
        for path in self.made.iter().rev() {
            while fs::remove_dir(path).is_err() && Instant::now() < limit {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Removes what a demo left behind that was killed. The kernel removes no cgroup that has a process.
fn remove_empty(cgroup: &Path, depth: usize) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if depth > 1 && entry.file_type().is_ok_and(|ty| ty.is_dir()) {
            remove_empty(&entry.path(), depth - 1);
        }
    }
    // Where it does not work, making the new one says why.
    let _ = fs::remove_dir(cgroup);
}

/// The mount point of cgroup v2, or of a v1 hierarchy that any process may be moved in.
fn cgroup_root(mountinfo: &str) -> Option<PathBuf> {
    let mounts = || {
        mountinfo.lines().filter_map(|line| {
            // id parent dev root mountpoint options… - type source superoptions (proc(5))
            let (mount, file_system) = line.split_once(" - ")?;
            let mut mount = mount.split(' ').skip(3);
            let (root, point) = (mount.next()?, mount.next()?);
            let writable = mount.next()?.split(',').any(|option| option == "rw");
            let mut file_system = file_system.split(' ');
            let (ty, options) = (file_system.next()?, file_system.nth(1)?);
            (writable && root == "/").then_some((ty, options, point))
        })
    };
    let v2 = mounts().find(|&(ty, _, _)| ty == "cgroup2");
    let has = |options: &str, name| options.split(',').any(|option| option == name);
    let v1 = ["pids", "memory"]
        .into_iter()
        .find_map(|name| mounts().find(|&(ty, options, _)| ty == "cgroup" && has(options, name)));
    v2.or(v1).map(|(_, _, point)| PathBuf::from(point))
}

/// The running container: a process that enters the namespaces, and in them a process 1 that
/// takes commands.
struct Container {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl Container {
    fn start(cgroup: &Path) -> Result<Self> {
        let me = std::env::current_exe().context("cannot find the running program's file")?;
        let mut child = Command::new(me)
            .args(["play", "container"])
            .arg(cgroup)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start another process of this program")?;
        let (Some(commands), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the container has no pipes");
        };
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let container = Self { child, commands, answers };
        match container.receive(START_LIMIT)? {
            Some(line) if line == "ready" => Ok(container),
            Some(line) => bail!("the container cannot start: {line}"),
            None => bail!("the container did not start within {} s", START_LIMIT.as_secs()),
        }
    }

    /// One line: the arguments, hexadecimal, separated by blanks.
    fn send(&mut self, command: &[OsString]) -> Result<()> {
        let words: Vec<_> = command.iter().map(|word| super::act::encode(word)).collect();
        writeln!(self.commands, "{}", words.join(" ")).context("the container is gone")
    }

    fn receive(&self, wait: Duration) -> Result<Option<String>> {
        match self.answers.recv_timeout(wait) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the container has ended"),
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Its process 1 dies with it, and with process 1 the whole pid namespace.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `digits` random hexadecimal digits: unique, not secret.
fn random_hex(digits: usize) -> String {
    let mut text = String::new();
    while text.len() < digits {
        text += &format!("{:016x}", RandomState::new().build_hasher().finish());
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_cgroup_file_system_of_each_layout() {
        let v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let pids = "31 23 0:27 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids\n";
        let read_only = "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n";
        let inside = "30 23 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let root = |text: &str| cgroup_root(text).map(|path| path.display().to_string());
        assert_eq!(root(&format!("{pids}{v2}")).as_deref(), Some("/sys/fs/cgroup"));
        assert_eq!(root(pids).as_deref(), Some("/sys/fs/cgroup/pids"));
        assert_eq!(root(&format!("{read_only}{inside}")), None);
        assert_eq!(root("garbage\n - \n1 2 3 / - cgroup2"), None);
    }

    #[test]
    fn ids_are_random_and_long_enough() {
        assert_eq!(random_hex(64).len(), 64);
        assert_ne!(random_hex(64), random_hex(64));
    }
}

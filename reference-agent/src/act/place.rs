//! Where acts happen: a folder of their own, and what is known of the process that acts.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{XattrFlags, setxattr};

/// The file system whose files Falco marks with their layer.
const OVERLAY: i64 = 0x794c_7630;

/// A folder for one act, removed when dropped.
#[derive(Debug)]
pub(super) struct Place {
    root: PathBuf,
    /// Whether what is made here is in the upper layer of an overlay.
    pub(super) is_overlay: bool,
}

impl Place {
    pub(super) fn make() -> Result<Self> {
        let parent =
            std::env::temp_dir().canonicalize().context("no folder for temporary files")?;
        let root = parent.join(format!("k8srd-act-{}", std::process::id()));
        // Nobody else's: a folder that is there already is an error.
        let make = || DirBuilder::new().mode(0o755).create(&root);
        make().with_context(|| format!("cannot make the folder {}", root.display()))?;
        let mut place = Self { root, is_overlay: false };
        fs::create_dir(place.work())?;
        let kind = rustix::fs::statfs(place.work())?.f_type;
        place.is_overlay = kind == OVERLAY;
        Ok(place)
    }

    /// Whether files in it keep attributes of their users.
    pub(super) fn keeps_attributes(&self) -> bool {
        setxattr(self.work(), "user.k8srd", b"1", XattrFlags::empty()).is_ok()
    }

    /// The working directory of what acts.
    pub(super) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The program that acts.
    pub(super) fn actor(&self) -> PathBuf {
        self.root.join("actor")
    }

    /// A path as the actor would name it, made absolute as Falco does.
    pub(super) fn absolute(&self, path: &str) -> String {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.work().join(path).to_string_lossy().into_owned()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.work().join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    pub(super) fn write_program(&self, file: &Path, program: &[u8]) -> Result<()> {
        fs::write(file, program).with_context(|| format!("cannot write {}", file.display()))?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is in a folder for temporary files, and says whose it was.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What the actor has from this process.
#[derive(Debug)]
pub(super) struct Inherited {
    status: String,
    cgroups: String,
    loginuid: String,
    stat: String,
}

impl Inherited {
    pub(super) fn read() -> Result<Self> {
        let read = |name: &str| {
            let file = format!("/proc/self/{name}");
            fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))
        };
        Ok(Self {
            status: read("status")?,
            cgroups: read("cgroup")?,
            // A kernel without audit has none.
            loginuid: read("loginuid").unwrap_or_else(|_| "4294967295".into()),
            stat: read("stat")?,
        })
    }

    /// The words of a line of `/proc/self/status`.
    fn status(&self, name: &str) -> Vec<&str> {
        let line = self.status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|line| line.split_whitespace().collect()).unwrap_or_default()
    }

    pub(super) fn capabilities(&self, set: &str) -> u64 {
        let digits = self.status(set).first().copied().unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or_default()
    }

    pub(super) fn effective_uid(&self) -> u64 {
        self.number_of_status("Uid", 1)
    }

    pub(super) fn effective_gid(&self) -> u64 {
        self.number_of_status("Gid", 1)
    }

    fn number_of_status(&self, name: &str, place: usize) -> u64 {
        let number = self.status(name).get(place).and_then(|text| text.parse().ok());
        number.unwrap_or_default()
    }

    pub(super) fn loginuid(&self) -> u32 {
        self.loginuid.trim().parse().unwrap_or(u32::MAX)
    }

    /// A number of `/proc/self/stat`, counted from the state.
    fn number_of_stat(&self, place: usize) -> i64 {
        let behind = self.stat.rsplit_once(')').map(|(_, behind)| behind).unwrap_or_default();
        let number = behind.split_whitespace().nth(place).and_then(|text| text.parse().ok());
        number.unwrap_or_default()
    }

    pub(super) fn pgid(&self) -> i64 {
        self.number_of_stat(2)
    }

    pub(super) fn tty(&self) -> i64 {
        self.number_of_stat(4)
    }

    pub(super) fn pgid_inside(&self) -> i64 {
        self.status("NSpgid").last().and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The hierarchies that the sensor tells of, `name=path` each.
    pub(super) fn cgroups(&self) -> Vec<String> {
        let path = |wanted: &str| {
            self.cgroups.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                (parts.next()? == wanted).then(|| parts.next().map(str::to_owned))?
            })
        };
        let (unified, memory) = (path(""), path("memory").or_else(|| path("pids")));
        match (unified, memory) {
            (unified, Some(memory)) => {
                let unified = unified.map(|path| format!("unified={path}"));
                [format!("memory={memory}")].into_iter().chain(unified).collect()
            }
            (Some(path), None) => ["cpuset", "cpu", "cpuacct", "io", "memory"]
                .map(|name| format!("{name}={path}"))
                .to_vec(),
            (None, None) => Vec::new(),
        }
    }
}

//! Names of users and groups, from the host's `/etc/passwd` and `/etc/group`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use k8srd_core::event::Timestamp;

/// Names by id. Without a host root there are none but root's.
#[derive(Debug, Default)]
pub(crate) struct Users {
    passwd: Names,
    group: Names,
    checked: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Names {
    path: Option<PathBuf>,
    /// Modification time and size of what was read.
    version: Option<(SystemTime, u64)>,
    by_id: HashMap<u32, Box<[u8]>>,
}

/// How often the files are looked at, in event time: two `stat` calls.
const INTERVAL: u64 = 1_000_000_000;
/// No such file is longer; what lies beyond is not read.
const LONGEST: u64 = 16 << 20;

impl Users {
    pub(crate) fn of_root(root: &Path) -> Self {
        let mut users = Self {
            passwd: Names { path: Some(root.join("etc/passwd")), ..Names::default() },
            group: Names { path: Some(root.join("etc/group")), ..Names::default() },
            checked: None,
        };
        users.passwd.reload();
        users.group.reload();
        users
    }

    /// Reads again what changed, at most once a second.
    pub(crate) fn refresh(&mut self, now: Timestamp) {
        let due = |last: Timestamp| now.as_nanos().abs_diff(last.as_nanos()) >= INTERVAL;
        if self.checked.is_none_or(due) {
            self.checked = Some(now);
            self.passwd.reload();
            self.group.reload();
        }
    }

    /// As Falco says it: the name, `root` for 0, else `<NA>`.
    pub(crate) fn user(&self, uid: u32) -> &[u8] {
        self.passwd.name(uid)
    }

    /// As for users.
    pub(crate) fn group(&self, gid: u32) -> &[u8] {
        self.group.name(gid)
    }
}

impl Names {
    fn name(&self, id: u32) -> &[u8] {
        let fallback: &[u8] = if id == 0 { b"root" } else { b"<NA>" };
        self.by_id.get(&id).map_or(fallback, |name| name)
    }

    /// A file that cannot be read leaves the names as they were: it may be in the middle of being
    /// replaced.
    fn reload(&mut self) {
        let Some(path) = &self.path else { return };
        let Ok(metadata) = fs::metadata(path) else { return };
        let version = metadata.modified().ok().map(|time| (time, metadata.len()));
        if version.is_some() && version == self.version {
            return;
        }
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        match read {
            Ok(_) => {
                self.by_id = parse(&text);
                self.version = version;
            }
            Err(error) => tracing::debug!(path = %path.display(), %error, "names are not read"),
        }
    }
}

/// `name:password:id:…` lines; of several names for one id the first counts, as for `getpwuid`.
fn parse(text: &[u8]) -> HashMap<u32, Box<[u8]>> {
    let mut by_id = HashMap::new();
    for line in text.split(|&byte| byte == b'\n') {
        let mut parts = line.split(|&byte| byte == b':');
        let (Some(name), Some(_), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        if let Some(id) = id.filter(|_| !name.is_empty() && !name.starts_with(b"#")) {
            by_id.entry(id).or_insert_with(|| name.into());
        }
    }
    by_id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_others_skipped() {
        let names = parse(
            b"root:x:0:0:root:/root:/bin/sh\n#no:x:9\n\nbad\nalso:x:y\ntoor:x:0:\n:x:5\nme:x:1000",
        );
        assert_eq!(names.len(), 2);
        assert_eq!((&*names[&0], &*names[&1000]), (&b"root"[..], &b"me"[..]));
    }

    #[test]
    fn files_are_read_again_when_they_change() {
        let root = std::env::temp_dir().join(format!("k8srd-users-{}", std::process::id()));
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/passwd"), "me:x:1000:\n").unwrap();
        let mut users = Users::of_root(&root);
        assert_eq!(
            (users.user(1000), users.user(0), users.user(7)),
            (&b"me"[..], &b"root"[..], &b"<NA>"[..])
        );
        assert_eq!((users.group(0), users.group(7)), (&b"root"[..], &b"<NA>"[..]));
        fs::write(root.join("etc/passwd"), "other:x:1000:\n").unwrap();
        fs::write(root.join("etc/group"), "wheel:x:0:\n").unwrap();
        users.refresh(Timestamp::from_nanos(5));
        assert_eq!((users.user(1000), users.group(0)), (&b"other"[..], &b"wheel"[..]));
        fs::write(root.join("etc/passwd"), "third-name:x:1000:\n").unwrap();
        users.refresh(Timestamp::from_nanos(6));
        assert_eq!(users.user(1000), b"other", "not yet due");
        users.refresh(Timestamp::from_nanos(5 + INTERVAL));
        assert_eq!(users.user(1000), b"third-name");
        fs::remove_dir_all(root).unwrap();
    }
}

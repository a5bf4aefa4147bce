//! Users and groups: the host's from `/etc/passwd` and `/etc/group`, or as recordings tell them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use k8srd_core::event::Timestamp;

use super::accounts::Accounts;
use crate::hash::IntMap;

/// Users and groups by id, of the host and of each container that told its own. Without a host root
/// or a recording there are none but root.
#[derive(Debug, Default)]
pub(crate) struct Users {
    passwd: Watched<User>,
    group: Watched<Group>,
    checked: Option<Timestamp>,
    told: Accounts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: Box<[u8]>,
    pub(super) home: Box<[u8]>,
    pub(super) shell: Box<[u8]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: Box<[u8]>,
}

/// What a file told of ids.
#[derive(Debug)]
struct Watched<T> {
    path: Option<PathBuf>,
    /// Modification time and size of what was read.
    version: Option<(SystemTime, u64)>,
    by_id: IntMap<u32, T>,
}

/// How often the files are looked at, in event time: two `stat` calls.
const INTERVAL: u64 = 1_000_000_000;
/// No such file is longer; what lies beyond is not read.
const LONGEST: u64 = 16 << 20;
/// What Falco says of those that it does not know.
const UNKNOWN: &[u8] = b"<NA>";

impl Users {
    pub(crate) fn of_root(root: &Path) -> Self {
        let mut users = Self {
            passwd: Watched { path: Some(root.join("etc/passwd")), ..Watched::default() },
            group: Watched { path: Some(root.join("etc/group")), ..Watched::default() },
            ..Self::default()
        };
        users.reload();
        users
    }

    /// Reads again what changed, at most once a second.
    pub(crate) fn refresh(&mut self, now: Timestamp) {
        let due = |last: Timestamp| now.as_nanos().abs_diff(last.as_nanos()) >= INTERVAL;
        if self.checked.is_none_or(due) {
            self.checked = Some(now);
            self.reload();
        }
    }

    fn reload(&mut self) {
        self.passwd.reload(|line| {
            let [name, _, id, _, _, home, shell] = columns(line)?;
            let [name, home, shell] = [name, home, shell].map(Box::from);
            Some((number(id)?, User { name, home, shell }))
        });
        self.group.reload(|line| {
            let [name, _, id] = columns(line)?;
            Some((number(id)?, Group { name: name.into() }))
        });
    }

    /// As Falco says it: the name, `root` for 0, else `<NA>`.
    pub(crate) fn name(&self, container: Option<&str>, uid: u32) -> &[u8] {
        let fallback = if uid == 0 { b"root" } else { UNKNOWN };
        self.user(container, uid).map_or(fallback, |user| &user.name)
    }

    /// As Falco says it: the home directory, `/root` for 0, else `<NA>`.
    pub(crate) fn home(&self, container: Option<&str>, uid: u32) -> &[u8] {
        let fallback = if uid == 0 { b"/root" } else { UNKNOWN };
        self.user(container, uid).map_or(fallback, |user| &user.home)
    }

    /// As Falco says it: the login shell, or `<NA>`.
    pub(crate) fn shell(&self, container: Option<&str>, uid: u32) -> &[u8] {
        self.user(container, uid).map_or(UNKNOWN, |user| &user.shell)
    }

    /// As for users.
    pub(crate) fn group(&self, container: Option<&str>, gid: u32) -> &[u8] {
        let told = self.told.group(container, gid);
        let read = || self.group.by_id.get(&gid).filter(|_| container.is_none());
        let fallback = if gid == 0 { b"root" } else { UNKNOWN };
        told.or_else(read).map_or(fallback, |group| &group.name)
    }

    /// A container's users are its own: an id means another one on the host.
    fn user(&self, container: Option<&str>, uid: u32) -> Option<&User> {
        let told = self.told.user(container, uid);
        told.or_else(|| self.passwd.by_id.get(&uid).filter(|_| container.is_none()))
    }

    pub(crate) fn add_user(
        &mut self,
        container: &[u8],
        uid: u32,
        name: &[u8],
        home: &[u8],
        shell: &[u8],
    ) {
        let [name, home, shell] = [name, home, shell].map(Box::from);
        self.told.add_user(container, uid, User { name, home, shell });
    }

    pub(crate) fn remove_user(&mut self, container: &[u8], uid: u32) {
        self.told.remove_user(container, uid);
    }

    pub(crate) fn add_group(&mut self, container: &[u8], gid: u32, name: &[u8]) {
        self.told.add_group(container, gid, Group { name: name.into() });
    }

    pub(crate) fn remove_group(&mut self, container: &[u8], gid: u32) {
        self.told.remove_group(container, gid);
    }

    /// Accounts that events told and for which there was no room.
    pub(crate) fn refused(&self) -> u64 {
        self.told.refused()
    }

    /// Events no longer hold.
    pub(crate) fn forget_told(&mut self) {
        self.told.forget();
    }
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { path: None, version: None, by_id: IntMap::default() }
    }
}

impl<T> Watched<T> {
    /// A file that cannot be read leaves what is known as it was: it may be in the middle of being
    /// replaced.
    fn reload(&mut self, row: impl Fn(&[u8]) -> Option<(u32, T)>) {
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
                self.by_id = parse(&text, row);
                self.version = version;
            }
            Err(error) => tracing::debug!(path = %path.display(), %error, "names are not read"),
        }
    }
}

/// Lines of columns; of several with one id the first counts, as for `getpwuid`.
fn parse<T>(text: &[u8], row: impl Fn(&[u8]) -> Option<(u32, T)>) -> IntMap<u32, T> {
    let mut by_id = IntMap::default();
    for line in text.split(|&byte| byte == b'\n') {
        if !line.starts_with(b"#")
            && !line.starts_with(b":")
            && let Some((id, found)) = row(line)
        {
            by_id.entry(id).or_insert(found);
        }
    }
    by_id
}

/// The first columns of a line. Those at its end may be missing.
fn columns<const N: usize>(line: &[u8]) -> Option<[&[u8]; N]> {
    /// Name, password and id.
    const NEEDED: usize = 3;
    let mut columns = [&b""[..]; N];
    let mut count = 0;
    for (column, text) in columns.iter_mut().zip(line.split(|&byte| byte == b':')) {
        *column = text;
        count += 1;
    }
    (count >= NEEDED).then_some(columns)
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Option<&str> = None;

    #[test]
    fn lines_are_read_and_others_skipped() {
        let row = |line: &[u8]| {
            let [name, _, id] = columns(line)?;
            Some((number(id)?, name.to_vec()))
        };
        let text =
            b"root:x:0:0:root:/root:/bin/sh\n#no:x:9\n\nbad\nalso:x:y\ntoor:x:0:\n:x:5\nme:x:1000";
        let names = parse(text, row);
        assert_eq!(names.len(), 2);
        assert_eq!((&*names[&0], &*names[&1000]), (&b"root"[..], &b"me"[..]));
    }

    #[test]
    fn files_are_read_again_when_they_change() {
        let root = std::env::temp_dir().join(format!("k8srd-users-{}", std::process::id()));
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/passwd"), "me:x:1000:1000:Me:/home/me:/bin/sh\n").unwrap();
        let mut users = Users::of_root(&root);
        let names = [1000, 0, 7].map(|uid| users.name(HOST, uid));
        assert_eq!(names, [&b"me"[..], b"root", b"<NA>"]);
        assert_eq!(
            [1000, 0, 7].map(|uid| users.home(HOST, uid)),
            [&b"/home/me"[..], b"/root", b"<NA>"]
        );
        assert_eq!([1000, 0].map(|uid| users.shell(HOST, uid)), [&b"/bin/sh"[..], b"<NA>"]);
        assert_eq!([0, 7].map(|gid| users.group(HOST, gid)), [&b"root"[..], b"<NA>"]);
        fs::write(root.join("etc/passwd"), "other:x:1000:\n").unwrap();
        fs::write(root.join("etc/group"), "wheel:x:0:\n").unwrap();
        users.refresh(Timestamp::from_nanos(5));
        assert_eq!((users.name(HOST, 1000), users.group(HOST, 0)), (&b"other"[..], &b"wheel"[..]));
        fs::write(root.join("etc/passwd"), "third-name:x:1000:\n").unwrap();
        users.refresh(Timestamp::from_nanos(6));
        assert_eq!(users.name(HOST, 1000), b"other", "not yet due");
        users.refresh(Timestamp::from_nanos(5 + INTERVAL));
        assert_eq!(users.name(HOST, 1000), b"third-name");
        assert_eq!(users.name(Some("c1"), 1000), b"<NA>", "a container's users are its own");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn events_tell_users_of_host_and_containers() {
        let mut users = Users::default();
        users.add_user(b"", 1000, b"me", b"/home/me", b"/bin/sh");
        users.add_user(b"c1", 1000, b"app", b"/app", b"/bin/false");
        users.add_user(b"", 5, b"+nis", b"", b"");
        users.add_group(b"c1", 0, b"wheel");
        let c1 = Some("c1");
        assert_eq!((users.name(HOST, 1000), users.name(c1, 1000)), (&b"me"[..], &b"app"[..]));
        assert_eq!(
            (users.home(c1, 1000), users.shell(c1, 1000)),
            (&b"/app"[..], &b"/bin/false"[..])
        );
        assert_eq!((users.group(HOST, 0), users.group(c1, 0)), (&b"root"[..], &b"wheel"[..]));
        assert_eq!(users.name(HOST, 5), b"<NA>", "names from elsewhere are passed over");
        assert_eq!(users.name(Some("c2"), 1000), b"<NA>");
        users.remove_user(b"", 1000);
        users.remove_group(b"c1", 0);
        users.remove_user(b"c9", 1);
        assert_eq!((users.name(HOST, 1000), users.group(c1, 0)), (&b"<NA>"[..], &b"root"[..]));
    }
}

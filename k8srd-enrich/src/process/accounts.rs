//! Users and groups as recordings tell them.

use std::collections::HashMap;

use super::users::{Group, User};
use crate::hash::IntMap;

/// Users and groups by container; those of the host have no id. Bounded: whoever writes a recording
/// may tell any number of them.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_container: HashMap<Box<[u8]>, Own>,
    bytes: usize,
    refused: u64,
}

#[derive(Debug, Default)]
struct Own {
    users: IntMap<u32, User>,
    groups: IntMap<u32, Group>,
}

/// Most bytes that they take, about.
const MOST: usize = 64 << 20;
/// What one takes besides its texts.
const ROW: usize = 128;

impl Accounts {
    pub(super) fn user(&self, container: Option<&str>, uid: u32) -> Option<&User> {
        self.own(container)?.users.get(&uid)
    }

    pub(super) fn group(&self, container: Option<&str>, gid: u32) -> Option<&Group> {
        self.own(container)?.groups.get(&gid)
    }

    fn own(&self, container: Option<&str>) -> Option<&Own> {
        if self.by_container.is_empty() {
            return None;
        }
        self.by_container.get(container.unwrap_or_default().as_bytes())
    }

    pub(super) fn add_user(&mut self, container: &[u8], uid: u32, user: User) {
        let size = user.size();
        if let Some(own) = self.room(container, &user.name, size) {
            let old = own.users.insert(uid, user).map_or(0, |old| old.size());
            self.bytes = self.bytes.saturating_sub(old);
        }
    }

    pub(super) fn add_group(&mut self, container: &[u8], gid: u32, group: Group) {
        let size = group.size();
        if let Some(own) = self.room(container, &group.name, size) {
            let old = own.groups.insert(gid, group).map_or(0, |old| old.size());
            self.bytes = self.bytes.saturating_sub(old);
        }
    }

    pub(super) fn remove_user(&mut self, container: &[u8], uid: u32) {
        self.remove(container, |own| own.users.remove(&uid).map(|old| old.size()));
    }

    pub(super) fn remove_group(&mut self, container: &[u8], gid: u32) {
        self.remove(container, |own| own.groups.remove(&gid).map(|old| old.size()));
    }

    /// How many were not taken in, because there was no room.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Events no longer hold.
    pub(super) fn forget(&mut self) {
        *self = Self { refused: self.refused, ..Self::default() };
    }

    /// Where to keep an account, if there is room. Names that begin with a sign include others from
    /// elsewhere (NSS): Falco passes them over.
    fn room(&mut self, container: &[u8], name: &[u8], size: usize) -> Option<&mut Own> {
        let Self { by_container, bytes, refused } = self;
        if matches!(name.first(), Some(b'+' | b'-')) {
            return None;
        }
        if *bytes + size + of_container(container) > MOST {
            *refused += 1;
            return None;
        }
        if !by_container.contains_key(container) {
            *bytes += of_container(container);
        }
        *bytes += size;
        Some(by_container.entry(container.into()).or_default())
    }

    /// A container without accounts is forgotten.
    fn remove(&mut self, container: &[u8], one: impl FnOnce(&mut Own) -> Option<usize>) {
        let Some(own) = self.by_container.get_mut(container) else { return };
        let mut freed = one(own).unwrap_or_default();
        if own.users.is_empty() && own.groups.is_empty() {
            self.by_container.remove(container);
            freed += of_container(container);
        }
        self.bytes = self.bytes.saturating_sub(freed);
    }
}

fn of_container(container: &[u8]) -> usize {
    container.len() + ROW
}

impl User {
    fn size(&self) -> usize {
        ROW + self.name.len() + self.home.len() + self.shell.len()
    }
}

impl Group {
    fn size(&self) -> usize {
        ROW + self.name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: Vec<u8>) -> Group {
        Group { name: name.into() }
    }

    #[test]
    fn they_are_bounded_and_give_all_back() {
        let mut accounts = Accounts::default();
        for gid in 0..2_000 {
            accounts.add_group(b"", gid, group(vec![b'x'; 60_000]));
        }
        assert!(accounts.bytes <= MOST && accounts.refused() > 500);
        (0..2_000).for_each(|gid| accounts.remove_group(b"", gid));
        for n in 0..100_u32 {
            let container = n.to_le_bytes();
            accounts.add_group(&container, 5, group(b"one".to_vec()));
            accounts.add_group(&container, 5, group(b"another".to_vec()));
            accounts.remove_group(&container, 5);
        }
        assert_eq!((accounts.bytes, accounts.by_container.len()), (0, 0));
    }
}

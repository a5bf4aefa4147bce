//! What a capture tells of the machine: size, name, addresses, users.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::thread;

use k8srd_capture::{GroupRow, InterfaceRow, Item, Machine, UserRow, WriteError, Writer};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use crate::wire;

/// Writes what is known. What cannot be read is left out.
pub(super) fn describe<W: Write>(writer: &mut Writer<W>, root: &Path) -> Result<(), WriteError> {
    let system = rustix::system::sysinfo();
    let hostname = wire::hostname(None);
    let mut machine = Machine::default();
    machine.cpus = thread::available_parallelism().map_or(0, |cpus| cpus.get() as u32);
    machine.memory = system.totalram.saturating_mul(system.mem_unit.into());
    machine.max_pid = number(&root.join("proc/sys/kernel/pid_max")).unwrap_or_default();
    machine.hostname = hostname.as_bytes();
    machine.boot_time = boot_time(&root.join("proc/stat")).unwrap_or_default();
    writer.write(&Item::Machine(machine))?;
    interfaces(writer)?;
    let text = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    for user in text.lines().filter_map(user) {
        writer.write(&Item::User(user))?;
    }
    let text = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
    for group in text.lines().filter_map(group) {
        writer.write(&Item::Group(group))?;
    }
    Ok(())
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Nanoseconds since 1970.
fn boot_time(stat: &Path) -> Option<u64> {
    let text = fs::read_to_string(stat).ok()?;
    let seconds = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    seconds.trim().parse::<u64>().ok()?.checked_mul(1_000_000_000)
}

fn interfaces<W: Write>(writer: &mut Writer<W>) -> Result<(), WriteError> {
    let Ok(all) = getifaddrs() else { return Ok(()) };
    for one in all {
        let Some(address) = one.address.and_then(ip) else { continue };
        let none = || match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let netmask = one.netmask.and_then(ip).unwrap_or_else(none);
        let broadcast = one.broadcast.and_then(ip).unwrap_or_else(none);
        let name = one.interface_name.as_bytes();
        writer.write(&Item::Interface(InterfaceRow::new(name, address, netmask, broadcast)))?;
    }
    Ok(())
}

fn ip(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// A line of `/etc/passwd`.
fn user(line: &str) -> Option<UserRow<'_>> {
    let mut fields = line.split(':');
    let mut row = UserRow::default();
    row.name = fields.next()?.as_bytes();
    let _password = fields.next()?;
    row.uid = fields.next()?.parse().ok()?;
    row.gid = fields.next()?.parse().ok()?;
    let _comment = fields.next()?;
    row.home = fields.next()?.as_bytes();
    row.shell = fields.next()?.as_bytes();
    Some(row)
}

/// A line of `/etc/group`.
fn group(line: &str) -> Option<GroupRow<'_>> {
    let mut fields = line.split(':');
    let mut row = GroupRow::default();
    row.name = fields.next()?.as_bytes();
    let _password = fields.next()?;
    row.gid = fields.next()?.parse().ok()?;
    Some(row)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use k8srd_capture::Reader;

    use super::*;

    #[test]
    fn what_is_wrong_in_a_file_of_users_is_passed_over() {
        let shown = |line| user(line).map(|row| (row.uid, row.gid, row.name, row.home, row.shell));
        assert_eq!(
            shown("web:x:7:8:Web, Server:/srv:/bin/sh"),
            Some((7, 8, &b"web"[..], &b"/srv"[..], &b"/bin/sh"[..]))
        );
        assert_eq!(shown("+nis::::::"), None);
        assert_eq!(shown("# a comment"), None);
        assert_eq!(group("web:x:8:a,b").map(|row| row.gid), Some(8));
        assert_eq!(group("web"), None);
    }

    #[test]
    fn this_machine_is_told() {
        let mut writer = Writer::new(Vec::new());
        describe(&mut writer, Path::new("/")).unwrap();
        let mut reader = Reader::new(Cursor::new(writer.finish().unwrap())).unwrap();
        let (mut machines, mut loopback) = (0, false);
        while let Some(item) = reader.next().unwrap() {
            match item {
                Item::Machine(machine) => {
                    machines += 1;
                    assert!(machine.cpus > 0 && machine.memory > 1 << 20);
                    assert!(machine.boot_time > 1_000_000_000_000_000_000);
                    assert!(!machine.hostname.is_empty());
                }
                Item::Interface(row) => loopback |= row.address.is_loopback(),
                _ => {}
            }
        }
        assert_eq!((machines, loopback), (1, true));
    }
}

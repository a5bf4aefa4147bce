//! Rows of tables as bytes.
//!
//! Falco refuses a capture with a row whose text is longer than it has room for, so texts are cut.

use std::net::{IpAddr, SocketAddr};

use crate::format::{HOSTNAME, WITHOUT_NAMESPACE, block, fd_type, interface_type, user_type};
use crate::reader::Machine;
use crate::table::{Descriptor, DescriptorRow, GroupRow, InterfaceRow, ProcessRow, UserRow};

/// Falco's limits: of names and paths, of lists, of what is told of users.
const PATH: usize = 1024;
const LIST: usize = 4096;
const CREDENTIAL: usize = 255;
/// Where the room holds a NUL byte as well.
const NAME: usize = 1023;

/// A table whose rows share a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// By version of the list.
    Processes(u8),
    /// By thread id.
    Descriptors(i64),
    Interfaces,
    Users,
}

impl Table {
    /// The type of its blocks.
    pub(super) fn kind(self) -> u32 {
        match self {
            Self::Processes(version) => block::PROCESSES[usize::from(version) - 1],
            Self::Descriptors(_) => block::DESCRIPTORS[1],
            Self::Interfaces => block::INTERFACES[1],
            Self::Users => block::USERS[1],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Processes(_) => "a process",
            Self::Descriptors(_) => "a descriptor",
            Self::Interfaces => "an interface",
            Self::Users => "a user",
        }
    }

    /// Whether readers take several blocks of it together.
    pub(super) fn may_be_split(self) -> bool {
        matches!(self, Self::Processes(_) | Self::Descriptors(_))
    }
}

pub(super) fn machine(machine: &Machine<'_>, out: &mut Vec<u8>) {
    out.extend(machine.cpus.to_le_bytes());
    out.extend(machine.memory.to_le_bytes());
    out.extend(machine.max_pid.to_le_bytes());
    let end = out.len() + HOSTNAME;
    out.extend_from_slice(cut(machine.hostname, HOSTNAME - 1));
    out.resize(end, 0);
    out.extend(machine.boot_time.to_le_bytes());
    // Flags, and what is reserved.
    out.extend([0; 24]);
}

/// The newest version of the process list that need not tell what the row does not.
pub(super) fn version(row: &ProcessRow<'_>) -> u8 {
    if row.vpgid.is_some() {
        9
    } else if row.sid.is_some() {
        7
    } else if row.vtid.is_some() {
        5
    } else if row.vmsize_kb.is_some() {
        3
    } else {
        1
    }
}

pub(super) fn process(row: &ProcessRow<'_>, out: &mut Vec<u8>) {
    match version(row) {
        9 => sized(out, 4, |out| process_of(row, 9, out)),
        version => process_of(row, version, out),
    }
}

fn process_of(row: &ProcessRow<'_>, version: u8, out: &mut Vec<u8>) {
    out.extend(row.tid.to_le_bytes());
    out.extend(row.pid.to_le_bytes());
    out.extend(row.ptid.to_le_bytes());
    if version >= 6 {
        out.extend(row.sid.unwrap_or_default().to_le_bytes());
    }
    if version >= 8 {
        out.extend(row.vpgid.unwrap_or_default().to_le_bytes());
    }
    text(row.comm, PATH, out);
    text(row.exe, PATH, out);
    if version >= 7 {
        text(row.exepath, PATH, out);
    }
    text(row.args, LIST, out);
    text(row.cwd, PATH, out);
    out.extend(row.fdlimit.to_le_bytes());
    out.extend(row.flags.to_le_bytes());
    out.extend(row.uid.to_le_bytes());
    out.extend(row.gid.to_le_bytes());
    if version >= 2 {
        out.extend(row.vmsize_kb.unwrap_or_default().to_le_bytes());
        out.extend(row.vmrss_kb.unwrap_or_default().to_le_bytes());
        out.extend(row.vmswap_kb.unwrap_or_default().to_le_bytes());
        out.extend(row.pfmajor.unwrap_or_default().to_le_bytes());
        out.extend(row.pfminor.unwrap_or_default().to_le_bytes());
    }
    if version >= 3 {
        text(row.env, LIST, out);
    }
    if version >= 4 {
        out.extend(row.vtid.unwrap_or_default().to_le_bytes());
        out.extend(row.vpid.unwrap_or_default().to_le_bytes());
        text(row.cgroups, LIST, out);
    }
    if version >= 5 {
        text(row.root, PATH, out);
    }
    if version >= 9 {
        later(row, out);
    }
}

/// What was added to the row without a new version, up to the last thing that is known.
fn later(row: &ProcessRow<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut end = start;
    let mut add = |known: bool, bytes: &[u8]| {
        out.extend_from_slice(bytes);
        if known {
            end = out.len();
        }
    };
    let flag = |flag: bool| [u8::from(flag)];
    let wide = |number: Option<u64>| number.unwrap_or_default().to_le_bytes();
    let with_namespace = row.pidns_init_start_ts.is_some() || row.tty.is_some();
    add(with_namespace, &wide(row.pidns_init_start_ts));
    add(with_namespace, &row.tty.unwrap_or_default().to_le_bytes());
    add(row.loginuid.is_some(), &row.loginuid.unwrap_or(u32::MAX).to_le_bytes());
    add(row.exe_writable, &flag(row.exe_writable));
    add(row.cap_inheritable.is_some(), &wide(row.cap_inheritable));
    add(row.cap_permitted.is_some(), &wide(row.cap_permitted));
    add(row.cap_effective.is_some(), &wide(row.cap_effective));
    let old = out.len();
    let mut add = |known: bool, bytes: &[u8]| {
        out.extend_from_slice(bytes);
        if known {
            end = out.len();
        }
    };
    add(row.exe_upper_layer, &flag(row.exe_upper_layer));
    add(row.exe_ino.is_some(), &wide(row.exe_ino));
    add(row.exe_ino_ctime.is_some(), &wide(row.exe_ino_ctime));
    add(row.exe_ino_mtime.is_some(), &wide(row.exe_ino_mtime));
    add(row.exe_from_memfd, &flag(row.exe_from_memfd));
    add(row.exe_lower_layer, &flag(row.exe_lower_layer));
    add(row.pgid.is_some(), &row.pgid.unwrap_or_default().to_le_bytes());
    if !with_namespace && end <= old {
        // As writers before libs 0.10: without the first two.
        out.truncate(end);
        if end > start {
            out.drain(start..start + 12);
        }
        return;
    }
    // Shorter, it would be read as one without the first two.
    out.truncate(end.max(start + WITHOUT_NAMESPACE + 4));
}

pub(super) fn descriptor(row: &DescriptorRow<'_>, out: &mut Vec<u8>) {
    sized(out, 4, |out| {
        out.extend(row.fd.to_le_bytes());
        out.extend(row.ino.to_le_bytes());
        out.push(row.of.type_id());
        match row.of {
            Descriptor::Socket { source, destination, l4proto } => {
                let v4 = source.is_ipv4() && destination.is_ipv4();
                address(source, v4, out);
                address(destination, v4, out);
                out.extend(source.port().to_le_bytes());
                out.extend(destination.port().to_le_bytes());
                out.push(l4proto);
            }
            Descriptor::Server { address: server, l4proto } => {
                address(server, server.is_ipv4(), out);
                out.extend(server.port().to_le_bytes());
                out.push(l4proto);
            }
            Descriptor::Unix { source, destination, path } => {
                out.extend(source.to_le_bytes());
                out.extend(destination.to_le_bytes());
                text(path, NAME, out);
            }
            Descriptor::File { open_flags, path, dev } => {
                out.extend(open_flags.to_le_bytes());
                text(path, NAME, out);
                dev.iter().for_each(|dev| out.extend(dev.to_le_bytes()));
            }
            // Falco writes no name for it.
            Descriptor::Other { kind: fd_type::UNKNOWN, .. } => {}
            Descriptor::Other { name, .. } => text(name, NAME, out),
        }
    });
}

pub(super) fn interface(row: &InterfaceRow<'_>, out: &mut Vec<u8>) {
    // Unlike other rows' lengths, this one does not count itself.
    sized(out, 0, |out| {
        let v4 = [row.address, row.netmask, row.broadcast].iter().all(IpAddr::is_ipv4);
        let form = match (v4, row.linkspeed) {
            (true, Some(_)) => interface_type::IPV4,
            (false, Some(_)) => interface_type::IPV6,
            (true, None) => interface_type::IPV4_NOLINKSPEED,
            (false, None) => interface_type::IPV6_NOLINKSPEED,
        };
        let name = cut(row.name, NAME);
        out.extend(form.to_le_bytes());
        out.extend((name.len() as u16).to_le_bytes());
        for ip in [row.address, row.netmask, row.broadcast] {
            address(SocketAddr::new(ip, 0), v4, out);
        }
        row.linkspeed.iter().for_each(|speed| out.extend(speed.to_le_bytes()));
        out.extend_from_slice(name);
    });
}

pub(super) fn user(row: &UserRow<'_>, out: &mut Vec<u8>) {
    sized(out, 4, |out| {
        out.push(user_type::USER);
        out.extend(row.uid.to_le_bytes());
        out.extend(row.gid.to_le_bytes());
        [row.name, row.home, row.shell].iter().for_each(|it| text(it, CREDENTIAL, out));
    });
}

pub(super) fn group(row: &GroupRow<'_>, out: &mut Vec<u8>) {
    sized(out, 4, |out| {
        out.push(user_type::GROUP);
        out.extend(row.gid.to_le_bytes());
        text(row.name, CREDENTIAL, out);
    });
}

/// A row behind its length, which counts `counted` bytes before it.
fn sized(out: &mut Vec<u8>, counted: usize, row: impl FnOnce(&mut Vec<u8>)) {
    let place = out.len();
    out.extend([0; 4]);
    let start = out.len();
    row(out);
    let length = ((out.len() - start + counted) as u32).to_le_bytes();
    if let Some(place) = out.get_mut(place..start) {
        place.copy_from_slice(&length);
    }
}

/// Bytes behind their number.
fn text(text: &[u8], most: usize, out: &mut Vec<u8>) {
    let text = cut(text, most);
    out.extend((text.len() as u16).to_le_bytes());
    out.extend_from_slice(text);
}

fn cut(text: &[u8], most: usize) -> &[u8] {
    text.get(..most).unwrap_or(text)
}

/// An address without its port, in network order. A mixed pair is told as IPv6.
fn address(of: SocketAddr, v4: bool, out: &mut Vec<u8>) {
    match of.ip() {
        IpAddr::V4(ip) if v4 => out.extend(ip.octets()),
        IpAddr::V4(ip) => out.extend(ip.to_ipv6_mapped().octets()),
        IpAddr::V6(ip) => out.extend(ip.octets()),
    }
}

//! The numbers of the format: what is read and what is written have them from here.
//!
//! Facts: `userspace/libscap/scap_savefile.h`, `userspace/libscap/scap.h` and
//! `driver/ppm_events_public.h` of falcosecurity/libs.

/// Bytes of a block before and behind its body.
pub(crate) const BLOCK_HEADER: u32 = 8;
pub(crate) const BLOCK_TRAILER: u32 = 4;
/// Most bytes of an ordinary event's block, as in Falco.
pub(crate) const ORDINARY_BLOCK: u32 = 64 << 10;
/// Most bytes of a large event's block. Falco takes any; nothing that large was ever recorded.
pub(crate) const LARGE_BLOCK: u32 = 64 << 20;

/// How the body of a section's block begins: a magic number, and the version of the format.
pub(crate) const SECTION_MAGIC: u32 = 0x1A2B_3C4D;
pub(crate) const SECTION_MAJOR: u16 = 1;
pub(crate) const SECTION_MINOR: u16 = 2;

/// Bytes of the machine's name.
pub(crate) const HOSTNAME: usize = 128;

/// Bytes of an event's header, which its length counts; four less where it says no number of params.
pub(crate) const EVENT_HEADER: usize = 26;
/// Most params of an event, whoever wrote it: the table of kinds counts them in a byte.
pub(crate) const MOST_PARAMS: usize = u8::MAX as usize;
/// Falco's dump flag for what readers should not show.
pub(crate) const STATE_ONLY: u32 = 1;

/// Before this many bytes of a process's row are left, libs older than 0.10 wrote neither the start
/// of the pid namespace nor the terminal.
pub(crate) const WITHOUT_NAMESPACE: usize = 29;

/// Types of blocks.
pub(crate) mod block {
    pub(crate) const SECTION: u32 = 0x0A0D_0D0A;
    pub(crate) const MACHINE: u32 = 0x201;
    /// Tables, by version of the list from 1.
    pub(crate) const PROCESSES: [u32; 9] =
        [0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214, 0x215];
    pub(crate) const DESCRIPTORS: [u32; 2] = [0x203, 0x218];
    pub(crate) const INTERFACES: [u32; 2] = [0x205, 0x219];
    pub(crate) const USERS: [u32; 2] = [0x206, 0x220];
    /// Events that say how many params they have; flagged: dump flags stand before them.
    pub(crate) const EVENT: u32 = 0x216;
    pub(crate) const FLAGGED_EVENT: u32 = 0x217;
    pub(crate) const LARGE_EVENT: u32 = 0x221;
    pub(crate) const LARGE_FLAGGED_EVENT: u32 = 0x222;
    /// Events that do not say it.
    pub(crate) const OLD_EVENT: u32 = 0x204;
    pub(crate) const OLD_FLAGGED_EVENT: u32 = 0x208;
    /// A record of our own among rows: the context of the next, or what was left out.
    pub(crate) const CONTEXT: u32 = 0x6B38_0001;

    /// The type as it is written today: the first writers had other numbers.
    pub(crate) const fn today(kind: u32) -> u32 {
        match kind {
            0x8000_ABCD => PROCESSES[0],
            0x8001_ABCD => DESCRIPTORS[0],
            0x8002_ABCD => MACHINE,
            0x8010_ABCD => OLD_EVENT,
            0x8011_ABCD => INTERFACES[0],
            0x8012_ABCD => USERS[0],
            0x8013_ABCD => PROCESSES[1],
            0x8014_ABCD => PROCESSES[2],
            // Written by nobody that is known, and read by Falco.
            0x8016_ABCD => OLD_FLAGGED_EVENT,
            _ => kind,
        }
    }
}

/// Types of descriptors (`SCAP_FD_*`) that have a form of their own.
pub(crate) mod fd_type {
    pub(crate) const UNKNOWN: u8 = 0;
    pub(crate) const IPV4_SOCK: u8 = 3;
    pub(crate) const IPV6_SOCK: u8 = 4;
    pub(crate) const IPV4_SERVSOCK: u8 = 5;
    pub(crate) const IPV6_SERVSOCK: u8 = 6;
    pub(crate) const UNIX_SOCK: u8 = 8;
    pub(crate) const FILE_V2: u8 = 16;
    /// The newest that is known here; a newer one may have any payload.
    pub(crate) const PIDFD: u8 = 21;
}

/// Types of interfaces (`SCAP_II_*`); the last two do not tell how fast they are.
pub(crate) mod interface_type {
    pub(crate) const IPV4: u16 = 1;
    pub(crate) const IPV6: u16 = 2;
    pub(crate) const IPV4_NOLINKSPEED: u16 = 3;
    pub(crate) const IPV6_NOLINKSPEED: u16 = 4;
}

/// What a row of the list of users is of (`USERBLOCK_TYPE_*`).
pub(crate) mod user_type {
    pub(crate) const USER: u8 = 0;
    pub(crate) const GROUP: u8 = 1;
}

/// Families of sockets, whatever machine they come from.
pub(crate) mod family {
    pub(crate) const UNIX: u8 = 1;
    pub(crate) const INET: u8 = 2;
    pub(crate) const INET6: u8 = 10;
}

/// Flags of executables (`PPM_EXE_*`).
pub(crate) mod exe_flag {
    pub(crate) const WRITABLE: u64 = 1 << 0;
    pub(crate) const UPPER_LAYER: u64 = 1 << 1;
    pub(crate) const FROM_MEMFD: u64 = 1 << 2;
    pub(crate) const LOWER_LAYER: u64 = 1 << 3;
}

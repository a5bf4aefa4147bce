//! Memory: executable, kept, given back.

use nix::libc;

use super::processes::CHANGES;
use super::script::{Call, Script, n, named, of, raw};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "mmap",
        kinds: &["mmap"],
        what: "maps memory that can be written and executed, a file likewise, and nothing",
        untold: &[("vm_size", CHANGES), ("vm_rss", CHANGES), ("vm_swap", CHANGES)],
        play: |s| {
            let file = super::descriptors::file(s, libc::O_RDONLY);
            let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            let all = || named("prot", all, "PROT_READ|PROT_WRITE|PROT_EXEC");
            let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let anonymous = || named("flags", anonymous, "MAP_PRIVATE|MAP_ANONYMOUS");
            for length in [8192, 0] {
                let (addr, length) = (n("addr", 0), n("length", length));
                s.did("mmap", [addr, length, all(), anonymous(), n("fd", -1), n("offset", 0)]);
            }
            let private = named("flags", libc::MAP_PRIVATE, "MAP_PRIVATE");
            let length = n("length", 4096);
            s.did("mmap", [n("addr", 0), length, all(), private, of("fd", file), n("offset", 0)]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
        },
        ..Act::PLAIN
    },
    Act {
        name: "mprotect",
        kinds: &["mprotect"],
        what: "makes memory executable, and where there is none",
        play: |s| {
            let made = mapped(s);
            let prot = libc::PROT_READ | libc::PROT_EXEC;
            let prot = || named("prot", prot, "PROT_READ|PROT_EXEC");
            s.did("mprotect", [of("addr", made), n("length", 4096), prot()]);
            s.did("mprotect", [n("addr", 0x1000), n("length", 4096), prot()]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "munmap",
        kinds: &["munmap"],
        what: "gives memory back, and what begins within a page",
        untold: &[("vm_size", CHANGES), ("vm_rss", CHANGES), ("vm_swap", CHANGES)],
        play: |s| {
            let memory = mapped(s);
            s.did("munmap", [of("addr", memory), n("length", 4096)]);
            s.did("munmap", [n("addr", 0x1001), n("length", 4096)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "mlock",
        kinds: &["mlock", "mlock2", "munlock"],
        what: "keeps memory from being swapped out, and where there is none",
        play: |s| {
            let memory = mapped(s);
            for addr in [of("addr", memory), n("addr", 0x1000)] {
                s.did("mlock", [addr, n("len", 4096)]);
            }
            let on_fault = || named("flags", 1, "MLOCK_ONFAULT");
            for addr in [of("addr", memory), n("addr", 0x1000)] {
                s.did("mlock2", [addr, n("len", 4096), on_fault()]);
            }
            for addr in [of("addr", memory), n("addr", 0x1000)] {
                s.did("munlock", [addr, n("len", 4096)]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "mlockall",
        kinds: &["mlockall", "munlockall"],
        what: "keeps what it will have from being swapped out, and nothing",
        needs: &[Need::Root],
        play: |s| {
            s.did("mlockall", [named("flags", libc::MCL_FUTURE, "MCL_FUTURE")]);
            s.did("munlockall", []);
            s.did("mlockall", [named("flags", 0, "")]);
        },
        ..Act::PLAIN
    },
];

/// A page that can be read.
fn mapped(s: &mut Script<'_>) -> Call {
    let (prot, flags) = (libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    s.call("mmap", [raw(0), raw(4096), raw(prot), raw(flags), raw(-1), raw(0)])
}

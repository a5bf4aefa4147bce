//! Calls that would change the machine, so that they fail; and what looks into the kernel.

use nix::libc;

use super::script::{Script, n, named, of, path, pointer, raw, text};
use super::{Act, Need, Ways};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "init_module",
        kinds: &["init_module"],
        what: "offers the kernel a module that is none",
        needs: &[Need::Root],
        ways: Ways::Fails,
        play: |s| {
            let image = s.text(b"not a module");
            s.did("init_module", [pointer(image), n("length", 12), text("uargs", "debug=1")]);
            s.and("img", "not a module");
        },
        ..Act::PLAIN
    },
    Act {
        name: "finit_module",
        kinds: &["finit_module"],
        what: "offers the kernel a file that is no module",
        needs: &[Need::Root],
        ways: Ways::Fails,
        play: |s| {
            let file = super::descriptors::file(s, libc::O_RDONLY);
            let flags = named("flags", 1, "MODULE_INIT_IGNORE_MODVERSIONS");
            s.did("finit_module", [of("fd", file), text("uargs", "debug=1"), flags]);
            s.descriptor("file", Some(s.place.absolute("file").into()));
        },
        ..Act::PLAIN
    },
    Act {
        name: "delete_module",
        kinds: &["delete_module"],
        what: "takes away a module that is not there",
        needs: &[Need::Root],
        ways: Ways::Fails,
        play: |s| {
            let flags = named("flags", libc::O_NONBLOCK, "O_NONBLOCK");
            s.did("delete_module", [text("name", "k8srd_no_such_module"), flags]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "bpf",
        kinds: &["bpf"],
        what: "makes a map, and loads no program",
        needs: &[Need::Root],
        play: |s| {
            // An array of one number: type, sizes of key and value, entries.
            let map = [2_u32, 4, 4, 1].map(u32::to_le_bytes).concat();
            let map = s.bytes(&map);
            let create = named("cmd", 0, "BPF_MAP_CREATE");
            s.did("bpf", [create, pointer(map), raw(16)]);
            s.descriptor("bpf", None);
            let empty = s.space(128);
            s.did("bpf", [named("cmd", 5, "BPF_PROG_LOAD"), pointer(empty), raw(128)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "perf_event_open",
        kinds: &["perf_event_open"],
        what: "counts its own time, and that of everybody without saying where",
        needs: &[Need::Root],
        play: |s| {
            // A counter of software, in the oldest size of the structure.
            let mut attributes = [1_u32, 64].map(u32::to_le_bytes).concat();
            attributes.resize(64, 0);
            let attributes = s.bytes(&attributes);
            for pid in [0, -1] {
                let (cpu, group, flags) = (raw(-1), raw(-1), raw(0));
                s.did("perf_event_open", [pointer(attributes), raw(pid), cpu, group, flags]);
            }
        },
        ..Act::PLAIN
    },
    Act {
        name: "keyctl",
        kinds: &["keyctl"],
        what: "begins a session of keys of its own, and reads a key that there is not",
        play: |s| {
            let join = named("operation", 1, "KEYCTL_JOIN_SESSION_KEYRING");
            s.did("keyctl", [join, text("arg2", "k8srd-act")]);
            none(s, &["arg3", "arg4", "arg5"]);
            let get = named("operation", 0, "KEYCTL_GET_KEYRING_ID");
            s.did("keyctl", [get, n("arg2", -3).told("-3"), n("arg3", 0).told("0")]);
            none(s, &["arg4", "arg5"]);
            let read = named("operation", 11, "KEYCTL_READ");
            let key = n("arg2", 0x7fff_fff0).told("2147483632");
            s.did("keyctl", [read, key, n("arg3", 0).told("0"), n("arg4", 0).told("0")]);
            none(s, &["arg5"]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "reboot",
        kinds: &["reboot"],
        what: "asks for a reboot without the words that make one",
        ways: Ways::Fails,
        play: |s| {
            // Neither magic numbers nor command are any that there are.
            s.did("reboot", [raw(0x1234), raw(0x1234), raw(0x1234), raw(0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "swapon",
        kinds: &["swapon"],
        what: "swaps to a file that is not there",
        ways: Ways::Fails,
        play: |s| {
            s.did("swapon", [path("", "missing"), raw(0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "kexec_load",
        kinds: &["kexec_load"],
        what: "offers a kernel in more parts than one may have, with flags that there are not",
        ways: Ways::Fails,
        play: |s| {
            s.did("kexec_load", [raw(0), raw(17), raw(0), raw(0xfff0)]);
        },
        ..Act::PLAIN
    },
];

/// Falco has a zero for what an operation does not take.
fn none(s: &mut Script<'_>, params: &[&'static str]) {
    for param in params {
        s.and(param, "0");
    }
}

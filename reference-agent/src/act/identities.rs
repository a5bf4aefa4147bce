//! Users and groups.

use super::script::{Script, n, raw};
use super::{Act, Need};

pub(super) const ACTS: &[Act] = &[
    Act {
        name: "setuid",
        kinds: &["setuid"],
        what: "becomes somebody, and may not become root again",
        needs: &[Need::Root],
        play: |s| {
            s.did("setuid", [n("uid", 1001)]);
            s.did("setuid", [n("uid", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setgid",
        kinds: &["setgid"],
        what: "becomes a member of a group, and may not go back",
        needs: &[Need::Root],
        play: |s| {
            s.did("setgid", [n("gid", 1001)]);
            give_up(s);
            s.did("setgid", [n("gid", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setresuid",
        kinds: &["setresuid"],
        what: "becomes three users, and may not become root again",
        needs: &[Need::Root],
        play: |s| {
            s.did("setresuid", [n("ruid", 1001), n("euid", 1002), n("suid", 1003)]);
            s.did("setresuid", [n("ruid", 0), n("euid", 0), n("suid", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setresgid",
        kinds: &["setresgid"],
        what: "becomes a member of three groups, and may not go back",
        needs: &[Need::Root],
        play: |s| {
            s.did("setresgid", [n("rgid", 1001), n("egid", 1002), n("sgid", 1003)]);
            give_up(s);
            s.did("setresgid", [n("rgid", 0), n("egid", 0), n("sgid", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setreuid",
        kinds: &["setreuid"],
        what: "becomes two users, and may not become root again",
        needs: &[Need::Root],
        play: |s| {
            s.did("setreuid", [n("ruid", 1001), n("euid", 1002)]);
            s.did("setreuid", [n("ruid", 0), n("euid", 0)]);
        },
        ..Act::PLAIN
    },
    Act {
        name: "setregid",
        kinds: &["setregid"],
        what: "becomes a member of two groups, and may not go back",
        needs: &[Need::Root],
        play: |s| {
            s.did("setregid", [n("rgid", 1001), n("egid", 1002)]);
            give_up(s);
            s.did("setregid", [n("rgid", 0), n("egid", 0)]);
        },
        ..Act::PLAIN
    },
];

/// From here on it is nobody in particular.
fn give_up(s: &mut Script<'_>) {
    s.call("setuid", [raw(1001)]);
}

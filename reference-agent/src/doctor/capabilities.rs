//! The process's privileges.

use rustix::thread::{CapabilitySet, capabilities};

use super::Finding;

/// What is needed, and for what. CAP_SYS_ADMIN contains the first two.
const NEEDED: &[(CapabilitySet, &str, &str)] = &[
    (CapabilitySet::BPF, "CAP_BPF", "loads eBPF programs and maps"),
    (CapabilitySet::PERFMON, "CAP_PERFMON", "attaches them to tracepoints and reads kernel memory"),
];
/// What is good to have, and what is lost without it.
const USEFUL: &[(CapabilitySet, &str, &str)] = &[
    (
        CapabilitySet::SYS_PTRACE,
        "CAP_SYS_PTRACE",
        "reads /proc of processes of other users, to repair what was lost about them",
    ),
    (
        CapabilitySet::DAC_READ_SEARCH,
        "CAP_DAC_READ_SEARCH",
        "reads files of other users, such as their containers' user databases",
    ),
    (CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN", "makes the namespaces of k8srd demo"),
];

pub(super) fn examine() -> Vec<Finding> {
    match capabilities(None) {
        Ok(sets) => judge(sets.effective),
        Err(error) => vec![Finding::note("effective", format!("cannot be read: {error}"))],
    }
}

fn judge(effective: CapabilitySet) -> Vec<Finding> {
    let all = effective.contains(CapabilitySet::SYS_ADMIN);
    let needed = NEEDED.iter().map(|&(capability, name, purpose)| {
        if effective.contains(capability) {
            Finding::ok(name, purpose)
        } else if all {
            Finding::ok(name, format!("{purpose} (by CAP_SYS_ADMIN)"))
        } else {
            Finding::missing(name, format!("not there; it {purpose}")).fix(format!(
                "run as root (sudo k8srd …), or grant it: setcap, systemd's AmbientCapabilities=, \
                 or the pod's securityContext.capabilities.add: [{}]",
                name.trim_start_matches("CAP_")
            ))
        }
    });
    let useful = USEFUL.iter().map(|&(capability, name, purpose)| {
        if effective.contains(capability) {
            Finding::ok(name, purpose)
        } else {
            Finding::note(name, format!("not there; it {purpose}"))
        }
    });
    needed.chain(useful).collect()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn states(effective: CapabilitySet) -> Vec<State> {
        judge(effective).iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn bpf_and_perfmon_are_needed_and_sys_admin_contains_them() {
        use State::{Missing, Note, Ok};
        assert_eq!(states(CapabilitySet::empty()), [Missing, Missing, Note, Note, Note]);
        assert_eq!(states(CapabilitySet::BPF), [Ok, Missing, Note, Note, Note]);
        assert_eq!(states(CapabilitySet::SYS_ADMIN), [Ok, Ok, Note, Note, Ok]);
        assert_eq!(
            judge(CapabilitySet::empty())[1].fix.as_deref().map(|fix| fix.ends_with("[PERFMON]")),
            Some(true)
        );
    }
}

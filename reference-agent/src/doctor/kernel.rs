//! The kernel: version, type information, lockdown, security modules.

use std::fs;

use super::Finding;

const BTF: &str = "/sys/kernel/btf/vmlinux";
/// The oldest that the sensor is tested on.
const OLDEST: (u32, u32) = (5, 10);

pub(super) fn examine() -> Vec<Finding> {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let machine = name.machine().to_string_lossy();
    let lockdown = fs::read_to_string("/sys/kernel/security/lockdown").ok();
    let modules = fs::read_to_string("/sys/kernel/security/lsm").ok();
    vec![
        version(&release, &machine),
        architecture(&machine),
        btf(fs::metadata(BTF).map(|meta| meta.len()).ok()),
        lock(lockdown.as_deref()),
        security_modules(modules.as_deref()),
    ]
}

fn version(release: &str, machine: &str) -> Finding {
    let found = format!("{release}, {machine}");
    let (major, minor) = OLDEST;
    match major_minor(release) {
        Some(version) if version >= OLDEST => Finding::ok("version", found),
        Some(_) => Finding::missing("version", found).fix(format!(
            "run Linux {major}.{minor} or later, such as Debian 11 or Ubuntu 22.04 has"
        )),
        None => Finding::note("version", found)
            .fix(format!("this version is not understood; {major}.{minor} or later is needed")),
    }
}

fn architecture(machine: &str) -> Finding {
    match machine {
        "x86_64" => Finding::ok("architecture", machine),
        _ => Finding::note(
            "architecture",
            format!("{machine}: programs are built for it, and were never run on such a machine"),
        ),
    }
}

fn major_minor(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn btf(size: Option<u64>) -> Finding {
    match size {
        Some(size) => Finding::ok("type information (BTF)", format!("{BTF}, {} KiB", size / 1024)),
        None => Finding::missing("type information (BTF)", format!("{BTF} is not there"))
            .fix("mount sysfs on /sys, or run a kernel built with CONFIG_DEBUG_INFO_BTF=y"),
    }
}

/// The file reads `none [integrity] confidentiality`, the state in brackets.
fn lock(lockdown: Option<&str>) -> Finding {
    let what = "lockdown";
    let Some(text) = lockdown else {
        return Finding::note(what, "the state cannot be read")
            .fix("mount securityfs on /sys/kernel/security to see it");
    };
    let state = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    match state.map(|(state, _)| state) {
        Some("confidentiality") => Finding::missing(what, "confidentiality").fix(
            "eBPF may not read kernel memory in this state: boot with lockdown=integrity or without",
        ),
        Some(state) => Finding::ok(what, state),
        None => Finding::note(what, format!("{:?} is not understood", text.trim())),
    }
}

fn security_modules(modules: Option<&str>) -> Finding {
    let what = "security modules";
    match modules.map(str::trim) {
        Some(list) if list.split(',').any(|name| name == "bpf") => Finding::ok(what, list),
        Some(list) => Finding::note(what, format!("{list}: without bpf"))
            .fix("only needed for blocking in the kernel: add bpf to the boot parameter lsm="),
        None => Finding::note(what, "the list cannot be read")
            .fix("mount securityfs on /sys/kernel/security to see it"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let state = |release| version(release, "x86_64").state;
        assert_eq!(state("6.1.0-50-cloud-amd64"), State::Ok);
        assert_eq!(state("5.10.0-32-cloud-amd64"), State::Ok);
        assert_eq!(state("5.9.16"), State::Missing);
        assert_eq!(state("4.18.0-553.el8"), State::Missing);
        assert_eq!(state("rolling"), State::Note);
    }

    #[test]
    fn what_is_untested_is_said() {
        assert_eq!(architecture("x86_64").state, State::Ok);
        assert_eq!(architecture("aarch64").state, State::Note);
    }

    #[test]
    fn only_confidentiality_locks_detection_out() {
        assert_eq!(lock(Some("none integrity [confidentiality]\n")).state, State::Missing);
        assert_eq!(lock(Some("none [integrity] confidentiality\n")).found, "integrity");
        assert_eq!(lock(Some("[none] integrity confidentiality\n")).state, State::Ok);
        assert_eq!(lock(None).state, State::Note);
    }

    #[test]
    fn no_btf_is_missing_and_says_what_to_do() {
        assert_eq!(btf(Some(4096)).state, State::Ok);
        assert!(btf(None).fix.unwrap().contains("CONFIG_DEBUG_INFO_BTF"));
    }
}

//! Keys of falco.yaml that are no keys here: a person who brings one is told why.
//!
//! Names by `userspace/falco/config_json_schema.h` of falcosecurity/falco.

/// Why a key of Falco means nothing here; `None` where Falco has no such key.
pub(crate) fn without_meaning(key: &str) -> Option<&'static str> {
    ROWS.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, reason)| *reason)
}

/// Keys, and the reason that follows "has no meaning here: ".
const ROWS: &[(&[&str], &str)] = &[
    (&["rules_file"], "write rules_files"),
    (&["config_files"], "there is one file; give others with -c, single keys with -o"),
    (
        &["engine", "syscall_buf_size_preset", "syscall_drop_failed_exit", "modern_bpf"],
        "there is one sensor, and it needs no choice of a driver; its memory is sensor.ring_memory",
    ),
    (&["base_syscalls"], "which system calls are watched follows from the rules"),
    (
        &["falco_libs"],
        "the sizes of tables are not configurable; its snaplen is sensor.snap_length",
    ),
    (
        &["load_plugins", "plugins", "plugins_hostinfo"],
        "there are no plugins: containers and pods are built in",
    ),
    (&["capture"], "recordings are made by k8srd record"),
    (
        &["buffered_outputs", "outputs_queue", "output_timeout", "outputs"],
        "alerts are written in batches from a bounded queue, and what a slow receiver loses is \
         counted",
    ),
    (
        &["stdout_output", "file_output", "syslog_output", "http_output", "program_output"],
        "alerts go to standard output, and to no other place yet",
    ),
    (&["grpc", "grpc_output"], "there is no gRPC output; Falco has taken it out, too"),
    (&["webserver"], "there is no web server yet"),
    (
        &["metrics"],
        "the account of events, alerts and losses is printed at the end; nothing else yet",
    ),
    (
        &["syscall_event_drops", "syscall_event_timeouts"],
        "what was lost is always counted by stream and reason, and raises alerts: see \
         blind_intervals",
    ),
    (
        &["log_stderr", "log_syslog", "log_level", "libs_logger"],
        "messages go to standard error, and there are few",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reference;

    #[test]
    fn no_key_is_both() {
        for key in ROWS.iter().flat_map(|(keys, _)| *keys) {
            let inside = format!("{key}.");
            let ours = reference::keys();
            assert!(!ours.iter().any(|our| our.path == *key || our.path.starts_with(&inside)));
        }
    }
}

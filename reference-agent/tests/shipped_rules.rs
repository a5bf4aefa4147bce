//! For each shipped rule: what must fire, and what must not.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::matcher::{Matcher as _, Verdicts};
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher, RuleMatching};
use k8srd_core::schema::Schema;
use k8srd_testkit::event::TestEvent;

const RULES: &str = include_str!("../../rules/k8srd_rules.yaml");

const TERMINAL: &str = "Terminal shell in container";
const SHELL: &str = "Unexpected shell in container";
const SENSITIVE: &str = "Sensitive file read by untrusted program";
const USERS: &str = "User database read in container";
const DOWNLOAD: &str = "Download tool run in container";
const DROPPED: &str = "Dropped program executed in container";
const MEMORY: &str = "Program executed from memory";

/// A program that was started in a container, from its image.
fn exec(name: &str, parent: &str) -> TestEvent {
    TestEvent::falco("execve")
        .field("evt.failed", false)
        .field("container.id", "3ad7b26ded6d")
        .field("proc.name", name)
        .field("proc.cmdline", name)
        .field("proc.exepath", format!("/usr/bin/{name}").as_str())
        .field("proc.pname", parent)
        .field("proc.tty", 0_u64)
        .field("proc.is_exe_upper_layer", false)
        .field("proc.is_exe_from_memfd", false)
}

/// A file that was opened for reading by a program of the image.
fn read(file: &str, name: &str, flags: &str) -> TestEvent {
    TestEvent::falco("openat")
        .field("evt.is_open_read", true)
        .field("fd.num", 3_i64)
        .field("fd.name", file)
        .field("evt.arg.flags", flags)
        .field("container.id", "3ad7b26ded6d")
        .field("proc.name", name)
        .field("proc.exepath", format!("/usr/bin/{name}").as_str())
        .field("proc.is_exe_upper_layer", false)
        .field("proc.is_exe_from_memfd", false)
}

const PLAIN: &str = "O_RDONLY";
const LOOKUP: &str = "O_RDONLY|O_CLOEXEC";

/// The rule, the event, and why it fires.
fn firing() -> Vec<(&'static str, TestEvent, &'static str)> {
    vec![
        (TERMINAL, exec("bash", "runc").field("proc.tty", 34816_u64), "kubectl exec -it"),
        (TERMINAL, exec("sh", "nc").field("proc.tty", 34816_u64), "a shell handed out"),
        (SHELL, exec("sh", "nginx"), "a web server runs commands"),
        (SHELL, exec("bash", "java"), "so does an application"),
        (SHELL, exec("dash", "python3"), "and a script that was taken over"),
        (SENSITIVE, read("/etc/shadow", "cat", PLAIN), "password hashes"),
        (SENSITIVE, read("/etc/shadow", "python3", LOOKUP), "whatever the flags"),
        (SENSITIVE, read("/etc/sudoers.d/admins", "grep", PLAIN), "who may become whom"),
        (SENSITIVE, read("/etc/pam.d/su", "vi", PLAIN), "how people log in"),
        (SENSITIVE, read("/etc/shadow", "cat", PLAIN).field("container.id", "host"), "on the host"),
        (
            SENSITIVE,
            read("/etc/shadow", "sshd", PLAIN).field("proc.exepath", "/tmp/sshd"),
            "a trusted name is worth nothing in /tmp",
        ),
        (USERS, read("/etc/passwd", "cat", PLAIN), "read for its content"),
        (USERS, read("/etc/passwd", "cat", LOOKUP), "by a cat that is written in Rust, too"),
        (USERS, read("/etc/passwd", "curl", PLAIN), "about to be sent"),
        (USERS, read("/etc/passwd", "nginx", PLAIN), "a path traversal"),
        (
            USERS,
            read("/etc/passwd", "x", LOOKUP).field("proc.exepath", "/dev/shm/x"),
            "from scratch space any read counts",
        ),
        (
            USERS,
            read("/etc/passwd", "x", LOOKUP).field("proc.is_exe_upper_layer", true),
            "and by what the image did not have",
        ),
        (DOWNLOAD, exec("curl", "sh"), "fetches a tool"),
        (DOWNLOAD, exec("wget", "python3"), "so does wget"),
        (DROPPED, exec("miner", "sh").field("proc.exepath", "/tmp/miner"), "from scratch space"),
        (DROPPED, exec("miner", "sh").field("proc.is_exe_upper_layer", true), "written since"),
        (DROPPED, exec("3", "python3").field("proc.is_exe_from_memfd", true), "from memory"),
        (
            MEMORY,
            exec("3", "python3")
                .field("proc.is_exe_from_memfd", true)
                .field("container.id", "host"),
            "on the host",
        ),
        (
            MEMORY,
            exec("x", "sh").field("proc.exepath", "/dev/shm/x").field("container.id", "host"),
            "shared memory",
        ),
    ]
}

/// The rule, an event that is nearly one for it, and why it stays quiet.
fn quiet() -> Vec<(&'static str, TestEvent, &'static str)> {
    let busybox = |name, file| read(file, name, PLAIN).field("proc.exepath", "/bin/busybox");
    vec![
        (TERMINAL, exec("bash", "bash").field("proc.tty", 34816_u64), "a shell of a shell"),
        (TERMINAL, exec("bash", "runc"), "no terminal"),
        (
            TERMINAL,
            exec("bash", "sshd").field("proc.tty", 34816_u64).field("container.id", "host"),
            "people work on hosts",
        ),
        (SHELL, exec("sh", "runc:[2:INIT]"), "the container's first program"),
        (SHELL, exec("sh", "containerd-shim"), "kubectl exec without a terminal"),
        (SHELL, exec("sh", "bash"), "a script"),
        (SHELL, exec("sh", "make"), "a build"),
        (SHELL, exec("sh", "nginx").field("container.id", "host"), "not in a container"),
        (SHELL, exec("sh", "nginx").field("evt.failed", true), "it did not start"),
        (SENSITIVE, read("/etc/shadow", "sshd", PLAIN), "its work"),
        (SENSITIVE, read("/etc/shadow", "unix_chkpwd", PLAIN), "its work"),
        (SENSITIVE, read("/etc/hosts", "cat", PLAIN), "no secret"),
        (SENSITIVE, read("/etc/shadow", "cat", PLAIN).field("fd.num", -13_i64), "refused"),
        (USERS, read("/etc/passwd", "id", LOOKUP), "looks a name up"),
        (USERS, read("/etc/passwd", "ls", LOOKUP), "looks names up"),
        (USERS, read("/etc/passwd", "python3", LOOKUP), "looks a name up"),
        (USERS, read("/etc/passwd", "ssh", LOOKUP), "looks a name up"),
        (USERS, read("/etc/passwd", "useradd", PLAIN), "keeps the file"),
        (USERS, busybox("ls", "/etc/passwd"), "busybox looks names up without the flag"),
        (USERS, read("/etc/passwd", "cat", PLAIN).field("container.id", "host"), "on the host"),
        (DOWNLOAD, exec("curl", "apt"), "a package tool's"),
        (DOWNLOAD, exec("curl", "sh").field("container.id", "host"), "on the host"),
        (DOWNLOAD, exec("curlew", "sh"), "another program"),
        (DROPPED, exec("ls", "sh"), "of the image"),
        (
            DROPPED,
            exec("postinst", "dpkg").field("proc.is_exe_upper_layer", true),
            "a package that is installed",
        ),
        (
            DROPPED,
            exec("a.out", "make").field("proc.exepath", "/tmp/a.out").field("container.id", "host"),
            "on the host",
        ),
        (MEMORY, exec("ls", "sh").field("container.id", "host"), "from a file"),
        (
            MEMORY,
            exec("runc", "runc")
                .field("proc.is_exe_from_memfd", true)
                .field("container.id", "host"),
            "runc protects itself so",
        ),
    ]
}

#[test]
fn each_rule_fires_where_it_must_and_only_there() {
    let schema = Arc::new(Schema::falco());
    let (rules, problems) = Loader::new(&schema).add_file("k8srd_rules.yaml", RULES).load();
    assert!(problems.is_empty(), "{}", problems.render());
    let names: BTreeSet<String> =
        rules.rules().iter().map(|rule| rule.info().name.clone()).collect();
    let options = PlanOptions::default().rule_matching(RuleMatching::All);
    let mut matcher = RuleMatcher::new(Plan::compile(rules, options));

    let mut arena = Arena::default();
    let mut raised = |event: &TestEvent| -> Vec<String> {
        arena.reset();
        let mut verdicts = Verdicts::default();
        matcher.evaluate(event, None, &arena, &mut verdicts);
        assert!(verdicts.waiting.is_empty());
        verdicts.alerts.iter().map(|alert| alert.rule.name.clone()).collect()
    };
    let (firing, quiet) = (firing(), quiet());
    for (rule, event, why) in &firing {
        let raised = raised(event);
        assert!(raised.iter().any(|name| name == rule), "{rule} is quiet: {why}; {raised:?}");
    }
    for (rule, event, why) in &quiet {
        let raised = raised(event);
        assert!(raised.iter().all(|name| name != rule), "{rule} fires: {why}");
    }
    let tested = |rows: &[(&str, TestEvent, &str)]| -> BTreeSet<String> {
        rows.iter().map(|(rule, _, _)| (*rule).to_owned()).collect()
    };
    assert_eq!(tested(&firing), names, "a rule has no event that it must fire for");
    assert_eq!(tested(&quiet), names, "a rule has no event that it must be quiet for");
}

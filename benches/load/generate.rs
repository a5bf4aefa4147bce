//! Rule files of any length that look like those that people write.
//!
//! Nothing is random: rule `n` is the same in each file that holds it. Ten rules share a list and a
//! macro of their own, as a team's rules do; a handful of macros is shared by all. No two rules
//! have the same condition.

use std::fmt::Write;

/// How many rules share a list and a macro.
const IN_A_GROUP: usize = 10;
/// How many items such a list has.
const IN_A_LIST: usize = 20;

const SHARED: &str = "
- list: shells
  items: [sh, bash, dash, zsh, ksh, ash, csh, tcsh, fish, busybox, rbash]
- macro: opened
  condition: (evt.type in (open, openat, openat2) and fd.num >= 0)
- macro: spawned
  condition: (evt.type in (execve, execveat))
- macro: connected
  condition: (evt.type = connect and evt.rawres >= 0)
- macro: container
  condition: (container.id != host)
";

/// A file of `rules` rules.
pub(crate) fn rule_file(rules: usize) -> String {
    let mut file = SHARED.to_owned();
    for n in 0..rules {
        if n % IN_A_GROUP == 0 {
            group(&mut file, n / IN_A_GROUP);
        }
        rule(&mut file, n);
    }
    file
}

/// What the rules of a group share.
fn group(file: &mut String, group: usize) {
    let programs: Vec<_> = (0..IN_A_LIST).map(|n| format!("tool-{group}-{n}")).collect();
    push(
        file,
        format_args!(
            "- list: programs_{group}\n  items: [{}]\n\
             - macro: expected_{group}\n  condition: (proc.name in (programs_{group}) or \
             proc.pname in (programs_{group}, shells) or proc.exepath startswith /opt/team-{group}/)\n",
            programs.join(", ")
        ),
    );
}

fn rule(file: &mut String, n: usize) {
    let group = n / IN_A_GROUP;
    let (act, output) = match n % 5 {
        0 => (
            format!("opened and fd.name startswith /srv/data-{n}/ and fd.name endswith .key"),
            "Key read (file=%fd.name",
        ),
        1 => (
            format!("spawned and proc.name = miner-{n} and proc.cmdline contains \"--pool {n}\""),
            "Miner started (cmdline=%proc.cmdline parent=%proc.pname",
        ),
        2 => (
            format!(
                "connected and fd.sip in (10.0.{}.{}) and fd.sport = 22",
                n / 256 % 256,
                n % 256
            ),
            "Connection (to=%fd.name",
        ),
        3 => (
            format!(
                "opened and (fd.directory = /etc/app-{n} or fd.name pmatch (/var/app-{n}, /usr/share/app-{n}))"
            ),
            "Configuration read (file=%fd.name flags=%evt.arg.flags",
        ),
        _ => (
            format!(
                "spawned and container and not proc.aname in (shells) and proc.exepath glob \"/tmp/*-{n}\""
            ),
            "Program from a temporary folder (exe=%proc.exepath",
        ),
    };
    push(
        file,
        format_args!(
            "- rule: Rule {n} of team {group}\n  desc: What team {group} does not expect, number {n}\n  \
             condition: >\n    {act}\n    and not expected_{group}\n  \
             output: {output} user=%user.name container=%container.id)\n  \
             priority: WARNING\n  tags: [team_{group}, generated]\n"
        ),
    );
    if n % IN_A_GROUP == 7 {
        push(
            file,
            format_args!(
                "  exceptions:\n    - name: known\n      fields: [proc.name, user.name]\n      \
                 comps: [=, in]\n      values:\n        - [tool-{n}, [root, team-{group}]]\n"
            ),
        );
    }
}

fn push(file: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = file.write_fmt(text);
}

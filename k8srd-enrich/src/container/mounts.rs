//! Which mount a field's argument means.
//!
//! `container.mount.dest[X]` looks for `X` in the sources, `container.mount.source[X]` in the
//! destinations: one names what one knows and asks for the other. `X` is a regular expression that
//! is searched for, as in Falco, whatever its documentation says of globs. Facts:
//! `src/container_info.cpp` and `src/caps/extract/extract.cpp` of the container plugin.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use regex_automata::dfa::{dense, regex};
use regex_automata::util::syntax;

use super::record::{ContainerRecord, Mount};

/// How many expressions are kept; rules do not have as many.
const MOST: usize = 1024;
/// How large the tables of one may get.
const LARGEST: usize = 1 << 20;

/// Expressions that rules have as arguments, compiled when they are first met: an enricher sees no
/// rule before.
#[derive(Debug, Default)]
pub(super) struct Patterns(RefCell<HashMap<Box<str>, Option<regex::Regex>>>);

impl Patterns {
    /// The first mount in which `side` has a part that the expression matches.
    pub(super) fn find<'r>(
        &self,
        record: &'r ContainerRecord,
        pattern: &str,
        side: fn(&Mount) -> &str,
    ) -> Option<&'r Mount> {
        // Most containers have none of what is asked for, but none has no mounts.
        if record.mounts.is_empty() {
            return None;
        }
        let mut compiled = self.0.borrow_mut();
        if !compiled.contains_key(pattern) {
            if compiled.len() >= MOST {
                compiled.clear();
            }
            compiled.insert(pattern.into(), compile(pattern));
        }
        let pattern = compiled.get(pattern)?.as_ref()?;
        // A match of nothing is none.
        let matches = |text: &str| pattern.find_iter(text).any(|found| !found.is_empty());
        record.mounts.iter().find(|mount| matches(side(mount)))
    }
}

/// `None` where it is no expression: then no mount is meant.
fn compile(pattern: &str) -> Option<regex::Regex> {
    let dense = dense::Config::new()
        .dfa_size_limit(Some(LARGEST))
        .determinize_size_limit(Some(4 * LARGEST));
    // RE/flex knows bytes only.
    let syntax = syntax::Config::new().multi_line(true).unicode(false).utf8(false);
    let compiled = regex::Builder::new().dense(dense).syntax(syntax).build(pattern);
    compiled
        .inspect_err(|error| {
            tracing::warn!(pattern, %error, "the argument of container.mount is no expression: no mount is meant");
        })
        .ok()
}

/// Falco's way to write one.
impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, mode, writable, propagation } = self;
        write!(f, "{source}:{destination}:{mode}:{writable}:{propagation}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(source: &str, destination: &str) -> Mount {
        Mount { source: source.into(), destination: destination.into(), ..Mount::default() }
    }

    /// The source of the mount whose source the pattern matches.
    fn found(pattern: &str) -> Option<String> {
        let mut record = ContainerRecord::new("a");
        record.mounts = vec![
            mount("", "/none"),
            mount("/proc", "/host/proc"),
            mount("/var/run/docker.sock", "/sock"),
            mount("/a\n/b", "/lines"),
        ];
        let found = Patterns::default().find(&record, pattern, |mount| &mount.source).cloned();
        found.map(|mount| mount.source.into())
    }

    #[test]
    fn an_expression_is_searched_for() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found("/proc"), some("/proc"));
        assert_eq!(found("^/proc$"), some("/proc"));
        assert_eq!(found("docker"), some("/var/run/docker.sock"), "anywhere in it");
        assert_eq!(found("/var/run/docker.sock"), some("/var/run/docker.sock"));
        assert_eq!(found("/var/*"), some("/var/run/docker.sock"), "no glob, but it fits");
        assert_eq!(found("/proc*"), some("/proc"), "the c may be missing");
        assert_eq!(found("^/b"), some("/a\n/b"), "of a line");
        assert_eq!(found("[[:upper:]]"), None);
        assert_eq!(found("x*"), None, "nothing is no match");
    }

    #[test]
    fn what_is_no_expression_means_no_mount() {
        assert_eq!(found("*"), None);
        assert_eq!(found("(/proc"), None);
        assert_eq!(found(&format!("(/proc|{}){{1000}}", "a?".repeat(500))), None, "too large");
    }

    #[test]
    fn a_mount_is_written_as_in_falco() {
        let mut mount = mount("/s", "/d");
        (mount.mode, mount.propagation) = ("z".into(), "rprivate".into());
        assert_eq!(mount.to_string(), "/s:/d:z:false:rprivate");
        mount.writable = true;
        assert_eq!(mount.to_string(), "/s:/d:z:true:rprivate");
    }
}

//! What source files hold, and what they must not.

use super::Finding;
use super::tree::Tree;

const SOURCES: &[&str] = &[".rs", ".c", ".h", ".sh", ".py"];

/// No source file is longer than this: a longer one hides two.
const LINES: usize = 800;

/// The one crate that may have unsafe code: it maps rings and calls bpf(2).
const UNSAFE: &str = "k8srd-bpf";

/// Words that say nothing about what a file or type is for.
const EMPTY_WORDS: &[&str] = &["engine", "handler", "helper", "manager", "util", "utils"];

/// What only an unfinished program has; split, so that this table does not find itself.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it, or say it in the changelog"),
    (concat!("FIX", "ME"), "do it, or say it in the changelog"),
    (concat!("to", "do!("), "write it"),
    (concat!("unimple", "mented!("), "write it"),
    (concat!("#[ig", "nore"), "a test that cannot run here prints 'skipped: <reason>' and returns"),
];

/// Calls that fetch something or wait. `std::net`'s addresses are plain values and fine.
const IO: &[&str] = &[
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixStream",
];

/// Where the core may do it nevertheless, and why that harms nobody.
const IO_ARGUED: &[(&str, &str)] = &[
    // The time limit of `Pipeline::finish`, asked for once a batch.
    ("k8srd-core/src/pipeline.rs", "Instant::now"),
];

/// Every crate root but those of the one crate forbids unsafe code, tests too.
pub(super) fn forbids_unsafe(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.members().filter(|package| package["name"] != UNSAFE) {
        for target in package["targets"].as_array().into_iter().flatten() {
            let root = tree.relative(target["src_path"].as_str().unwrap_or_default());
            let source = tree.text(root).unwrap_or_default();
            if !source.contains("#![forbid(unsafe_code)]") {
                findings.push(Finding::new(root, "say #![forbid(unsafe_code)]"));
            }
        }
    }
    findings
}

/// The core's library neither reads nor waits nor asks the time.
pub(super) fn core_is_pure(tree: &Tree) -> Vec<Finding> {
    let core = tree.texts(&[".rs"]).filter(|(name, _)| name.starts_with("k8srd-core/src/"));
    let mut findings = Vec::new();
    for (name, source) in core {
        for (place, line) in code(name, without_tests(source)) {
            if let Some(call) = IO.iter().find(|call| line.contains(*call))
                && !IO_ARGUED.contains(&(name, call))
            {
                findings.push(Finding::new(place, format!("{call} belongs into another crate")));
            }
        }
    }
    findings
}

/// No source file is too long to read.
pub(super) fn sizes(tree: &Tree) -> Vec<Finding> {
    tree.texts(SOURCES)
        .map(|(name, source)| (name, source.lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(name, lines)| Finding::new(name, format!("{lines} lines: split it ({LINES})")))
        .collect()
}

/// Files and types have names that say what they are for.
pub(super) fn words(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let advice = |word| format!("{word:?} says nothing: name what it is for");
    for (name, source) in tree.texts(SOURCES) {
        for part in name.split(['/', '.', '_', '-']) {
            if EMPTY_WORDS.contains(&part) {
                findings.push(Finding::new(name, advice(part)));
            }
        }
        for (place, line) in code(name, source) {
            let Some(declared) = declared_type(line) else { continue };
            for part in camel_words(declared) {
                if EMPTY_WORDS.contains(&part.to_lowercase().as_str()) {
                    findings.push(Finding::new(place.clone(), advice(declared)));
                }
            }
        }
    }
    findings
}

/// Nothing is left for later without being said, and no test is switched off.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, source) in tree.texts(SOURCES) {
        for (number, line) in source.lines().enumerate() {
            for (mark, advice) in UNFINISHED.iter().filter(|(mark, _)| line.contains(mark)) {
                findings.push(Finding::new(at(name, number), format!("{mark}: {advice}")));
            }
        }
    }
    findings
}

/// Code that runs in the kernel can be used under either licence that kernel people want.
pub(super) fn kernel_licences(tree: &Tree) -> Vec<Finding> {
    let programs = tree.texts(&[".c", ".h"]).filter(|(name, _)| name.starts_with("k8srd-bpf/bpf/"));
    let licence = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause";
    programs
        .filter(|(_, source)| !source.lines().take(2).any(|line| line.contains(licence)))
        .map(|(name, _)| Finding::new(name, format!("begin with '/* {licence} */'")))
        .collect()
}

fn at(name: &str, line: usize) -> String {
    format!("{name}:{}", line + 1)
}

/// The lines that are not comments, with their places.
fn code<'a>(name: &'a str, source: &'a str) -> impl Iterator<Item = (String, &'a str)> {
    let lines = source.lines().map(str::trim).enumerate();
    let code = lines.filter(|(_, line)| !line.starts_with("//") && !line.starts_with('#'));
    code.map(move |(number, line)| (at(name, number), line))
}

/// The part before the unit tests, which stand last.
fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests").next().unwrap_or(source)
}

/// The name of the type or folder of code that the line begins.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    if !["struct", "enum", "trait", "type", "mod"].contains(&words.next()?) {
        return None;
    }
    words.next()?.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The words of a name in CamelCase or snake_case.
fn camel_words(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (place, c) in name.char_indices().skip(1) {
        if c.is_uppercase() || c == '_' {
            words.push(&name[start..place]);
            start = place + usize::from(c == '_');
        }
    }
    words.push(&name[start..]);
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.place.as_str()).collect()
    }

    /// A package `name` with one target of `kind` whose root has `source`.
    fn target(name: &str, kind: &str, source: &str) -> Tree {
        let mut tree = Tree::of(&[("it/src/lib.rs", source)]);
        let targets = json!([{"kind": [kind], "src_path": "it/src/lib.rs"}]);
        tree.metadata = json!({
            "workspace_members": ["it"],
            "packages": [{"id": "it", "name": name, "targets": targets}],
        });
        tree
    }

    #[test]
    fn a_crate_that_allows_unsafe_code_is_found() {
        let found = forbids_unsafe(&target("k8srd-core", "lib", "//! Text.\n"));
        assert_eq!(places(&found), ["it/src/lib.rs"]);
        let forbids = "//! Text.\n#![forbid(unsafe_code)]\n";
        assert_eq!(forbids_unsafe(&target("k8srd-core", "lib", forbids)), []);
        assert_eq!(forbids_unsafe(&target(UNSAFE, "lib", "")), []);
    }

    #[test]
    fn nobody_may_argue_for_unsafe_code() {
        let argues = "#![expect(unsafe_code, reason = \"an allocator that counts\")]\n";
        assert_eq!(forbids_unsafe(&target("k8srd-testkit", "test", argues)).len(), 1);
        assert_eq!(forbids_unsafe(&target("k8srd-testkit", "lib", argues)).len(), 1);
    }

    #[test]
    fn io_in_the_core_is_found() {
        let source =
            "use std::fs;\n// not std::fs\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        let tree = Tree::of(&[("k8srd-core/src/a.rs", source), ("k8srd-bpf/src/a.rs", source)]);
        assert_eq!(places(&core_is_pure(&tree)), ["k8srd-core/src/a.rs:1"]);
    }

    #[test]
    fn a_long_file_is_found() {
        let (long, fits) = ("x\n".repeat(LINES + 1), "x\n".repeat(LINES));
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &fits), ("c.lock", &long)]);
        assert_eq!(places(&sizes(&tree)), ["a.rs"]);
    }

    #[test]
    fn empty_words_are_found_in_files_and_types() {
        let tree = Tree::of(&[
            ("a/string_utils.rs", ""),
            (
                "a/b.rs",
                "// struct AHandler\npub(crate) struct EventHandler<'a> {\nstruct Handled;\n",
            ),
            ("a/c.rs", "mod helper;\nenum Manager {}\nlet x = handler;\n"),
            ("a/utility.rs", "struct Futile;\n"),
        ]);
        let found = words(&tree);
        assert_eq!(places(&found), ["a/b.rs:2", "a/c.rs:1", "a/c.rs:2", "a/string_utils.rs"]);
    }

    #[test]
    fn unfinished_work_is_found() {
        for (mark, _) in UNFINISHED {
            let source = format!("fn a() {{}}\n    {mark}\n");
            let tree = Tree::of(&[("a.rs", &source)]);
            assert_eq!(places(&unfinished(&tree)), ["a.rs:2"], "{mark}");
        }
    }

    #[test]
    fn a_kernel_program_without_its_licence_is_found() {
        let licensed = "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n";
        let tree = Tree::of(&[
            ("k8srd-bpf/bpf/a.h", "#include <x.h>\n"),
            ("k8srd-bpf/bpf/b.h", licensed),
            ("elsewhere/c.h", ""),
        ]);
        assert_eq!(places(&kernel_licences(&tree)), ["k8srd-bpf/bpf/a.h"]);
    }
}

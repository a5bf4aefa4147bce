//! Each step of `cargo xtask ci` fails when its subject is broken: a small workspace passes, and
//! with one thing changed the step for that thing says no, and why.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use tempfile::TempDir;

/// Files of a workspace that passes.
const SOUND: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        r#"[workspace]
resolver = "3"
members = ["examples", "k8srd-core"]

[workspace.lints.clippy]
incompatible_msrv = "warn"
"#,
    ),
    (
        "k8srd-core/Cargo.toml",
        r#"[package]
name = "k8srd-core"
description = "Small."
version = "0.1.0"
edition = "2024"
rust-version = "1.85"
license = "Apache-2.0"
repository = "https://github.com/k8srd/k8srd"
keywords = ["small"]
categories = ["parser-implementations"]

[package.metadata.docs.rs]
all-features = true

[features]
# One item more.
extra = []
# Another one.
other = []

[lints]
workspace = true

[dependencies]
"#,
    ),
    (
        "k8srd-core/src/lib.rs",
        r#"//! Small. It is for tests, and not for anything else.
//!
//! ```
//! assert!(k8srd_core::line().starts_with("Warning"));
//! ```
//!
//! # Features
//!
//! - `extra`: an item more
//! - `other`: another one
#![forbid(unsafe_code)]

/// What the stranger prints.
pub fn line() -> &'static str {
    "Warning: Paid 4000 to mallory"
}
"#,
    ),
    (
        "examples/Cargo.toml",
        r#"[package]
name = "k8srd-examples"
version = "0.1.0"
edition = "2024"
license = "Apache-2.0"
publish = false

[lints]
workspace = true

[[bin]]
name = "match_your_own_struct"
path = "match_your_own_struct.rs"

[dependencies]
k8srd-core = { path = "../k8srd-core", version = "0.1.0" }
"#,
    ),
    (
        "examples/match_your_own_struct.rs",
        r#"//! A stranger's program.
#![forbid(unsafe_code)]

fn main() {
    println!("{}", k8srd_core::line());
}
"#,
    ),
    ("ARCHITECTURE.md", "# Map\n\n- `examples/`, `k8srd-core/`\n"),
    ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n"),
    ("deny.toml", include_str!("../../deny.toml")),
    ("rustfmt.toml", include_str!("../../rustfmt.toml")),
    (".gitignore", "/target\n"),
];

/// A workspace in a folder of its own, with a target directory of its own.
struct Workspace(TempDir);

impl Workspace {
    /// The sound one, with the lock file and the generated files that belong to it.
    fn sound() -> Self {
        let workspace = Self(TempDir::new().unwrap());
        for (name, text) in SOUND {
            workspace.write(name, text);
        }
        workspace.run(Command::new("git").args(["init", "--quiet"]));
        workspace.lock();
        workspace
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces what is there, once.
    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root().join(name)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {name}");
        self.write(name, &text.replace(from, to));
    }

    fn append(&self, name: &str, more: &str) {
        let text = fs::read_to_string(self.root().join(name)).unwrap();
        self.write(name, &(text + more));
    }

    fn lock(&self) {
        self.run(Command::new(env!("CARGO")).args(["generate-lockfile", "--offline", "--quiet"]));
    }

    fn run(&self, command: &mut Command) {
        let output = command.current_dir(self.root()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", said(&output));
    }

    fn xtask(&self, args: &[&str]) -> Output {
        self.xtask_with(args, "PATH", &env::var("PATH").unwrap())
    }

    fn xtask_with(&self, args: &[&str], name: &str, value: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).current_dir(self.root());
        command.env("CARGO_TARGET_DIR", self.root().join("target")).env(name, value);
        command.output().unwrap()
    }

    /// The steps pass.
    fn passes(&self, steps: &[&str]) {
        let output = self.xtask(&[&["ci"], steps].concat());
        assert!(output.status.success(), "{}", said(&output));
    }

    /// The step fails and says these words.
    fn fails(&self, step: &str, words: &[&str]) {
        failed(&self.xtask(&["ci", step]), step, words);
    }
}

fn failed(output: &Output, step: &str, words: &[&str]) {
    let said = said(output);
    assert!(said.contains(&format!("    {step}: FAILED")), "{said}");
    assert!(!output.status.success(), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The steps that need nothing but the workspace; `objects` needs kernel programs.
const STEPS: &[&str] = &[
    "lock",
    "format",
    "tidy",
    "budgets",
    "deny",
    "lints",
    "features",
    "generated",
    "stranger",
    "docs",
];

#[test]
fn a_sound_workspace_passes_once_it_is_blessed() {
    let workspace = Workspace::sound();
    let blessed = workspace.xtask(&["bless"]);
    assert!(blessed.status.success(), "{}", said(&blessed));
    workspace.passes(STEPS);
}

#[test]
fn every_step_is_here() {
    let said = said(&Workspace::sound().xtask(&["ci", "no-such-step"]));
    let (_, names) = said.split_once("there are: ").unwrap_or_else(|| panic!("{said}"));
    let tested = STEPS.iter().chain(&["msrv", "objects"]);
    let (mut names, mut tested): (Vec<&str>, Vec<&str>) =
        (names.split_whitespace().collect(), tested.copied().collect());
    names.sort_unstable();
    tested.sort_unstable();
    assert_eq!(names, tested, "write a test for a new step");
}

#[test]
fn lock_finds_a_lock_file_of_other_manifests() {
    let workspace = Workspace::sound();
    workspace.replace("examples/Cargo.toml", "\nversion = \"0.1.0\"", "\nversion = \"0.1.1\"");
    workspace.fails("lock", &["--locked"]);
}

#[test]
fn format_finds_what_rustfmt_would_change() {
    let workspace = Workspace::sound();
    workspace.replace("k8srd-core/src/lib.rs", "line() ->", "line()  ->");
    workspace.fails("format", &["Diff in"]);
}

#[test]
fn tidy_finds_what_its_unit_tests_find() {
    let workspace = Workspace::sound();
    workspace.write("CHANGELOG.md", "# Changelog\n");
    workspace.fails("tidy", &["CHANGELOG.md: has no heading '## [Unreleased]'"]);
}

#[test]
fn budgets_finds_a_runtime() {
    let workspace = Workspace::sound();
    let manifest = "[package]\nname = \"tokio\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
    workspace.write("tokio/Cargo.toml", manifest);
    workspace.write("tokio/src/lib.rs", "");
    workspace.append("k8srd-core/Cargo.toml", "tokio = { path = \"../tokio\", version = \"1\" }\n");
    workspace.lock();
    workspace.fails("budgets", &["k8srd-core brings in tokio by default"]);
}

#[test]
fn lints_finds_what_the_declared_compiler_lacks() {
    let workspace = Workspace::sound();
    let newer = "\n/// Newer.\npub fn newer(list: &mut Vec<u8>) -> Option<u8> {\n    \
                 list.pop_if(|last| *last == 0)\n}\n";
    workspace.append("k8srd-core/src/lib.rs", newer);
    workspace.fails("lints", &["current MSRV", "1.85"]);
}

#[test]
fn features_finds_one_that_does_not_build_alone() {
    let workspace = Workspace::sound();
    let needs = "\n#[cfg(all(feature = \"extra\", not(feature = \"other\")))]\n\
                 compile_error!(\"extra without other\");\n";
    workspace.append("k8srd-core/src/lib.rs", needs);
    workspace.fails("features", &["extra without other", "--features extra"]);
}

#[test]
fn msrv_builds_with_the_declared_compiler_where_it_is() {
    let workspace = Workspace::sound();
    // A rustup that has the declared toolchain, with which nothing builds.
    let script = "#!/bin/sh\ncase \"$1 $2\" in\n\
                  'toolchain list') echo 1.85.1-made-up ;;\n\
                  'run 1.85.1-made-up') echo \"no such method, said $3 $4\" >&2; exit 101 ;;\n\
                  esac\n";
    workspace.write("bin/rustup", script);
    let rustup = workspace.root().join("bin/rustup");
    fs::set_permissions(rustup, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", workspace.root().join("bin").display(), env::var("PATH").unwrap());
    let output = workspace.xtask_with(&["ci", "msrv"], "PATH", &path);
    let words = ["building with 1.85.1-made-up", "no such method, said cargo check"];
    failed(&output, "msrv", &words);
}

#[test]
fn what_cannot_be_checked_is_told_or_fails_where_nothing_may_be_skipped() {
    let workspace = Workspace::sound();
    workspace.replace("k8srd-core/Cargo.toml", "\"1.85\"", "\"1.85.7\"");
    workspace.lock();
    let output = workspace.xtask_with(&["ci", "msrv"], "K8SRD_REQUIRE_LIVE", "1");
    failed(&output, "msrv", &["no toolchain 1.85.7", "K8SRD_REQUIRE_LIVE is set"]);
}

#[test]
fn generated_finds_and_shows_another_api() {
    let workspace = Workspace::sound();
    workspace.fails("generated", &["docs/api/k8srd-core.txt", "+pub fn k8srd_core::line() -> "]);
    let blessed = workspace.xtask(&["bless"]);
    assert!(blessed.status.success(), "{}", said(&blessed));
    workspace.passes(&["generated"]);

    workspace.replace("k8srd-core/src/lib.rs", "line() ->", "line(_: u8) ->");
    let words =
        ["-pub fn k8srd_core::line() -> ", "+pub fn k8srd_core::line(u8) -> ", "xtask bless"];
    workspace.fails("generated", &words);
    workspace.append("k8srd-core/src/lib.rs", "\n/// Local.\npub struct Local(std::rc::Rc<u8>);\n");
    workspace.fails("generated", &["+impl !core::marker::Send for k8srd_core::Local"]);
    workspace.write("docs/api/gone.txt", "of a crate that is gone\n");
    workspace.fails("generated", &["docs/api/gone.txt", "-of a crate that is gone"]);
}

#[test]
fn stranger_finds_a_file_that_is_not_packed() {
    let workspace = Workspace::sound();
    let reads =
        "\n/// What is new.\npub const NEWS: &str = include_str!(\"../../CHANGELOG.md\");\n";
    workspace.append("k8srd-core/src/lib.rs", reads);
    workspace.fails("stranger", &["a crate that depends on ours does not build", "CHANGELOG.md"]);
}

#[test]
fn docs_finds_a_link_to_nothing() {
    let workspace = Workspace::sound();
    workspace.replace("k8srd-core/src/lib.rs", "/// What", "/// [`Nothing`]: what");
    workspace.fails("docs", &["unresolved link"]);
}

#[test]
fn deny_finds_a_licence_that_is_not_allowed() {
    let workspace = Workspace::sound();
    if Command::new("cargo-deny").arg("--version").output().is_err() {
        eprintln!("skipped: no cargo-deny");
        return;
    }
    workspace.replace("k8srd-core/Cargo.toml", "Apache-2.0", "AGPL-3.0-only");
    workspace.fails("deny", &["AGPL-3.0"]);
}

#[test]
fn objects_finds_sources_that_were_not_compiled() {
    let workspace = Workspace::sound();
    for folder in ["bpf", "objects"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8srd-bpf").join(folder);
        fs::create_dir_all(workspace.root().join("k8srd-bpf").join(folder)).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = workspace.root().join("k8srd-bpf").join(folder).join(entry.file_name());
            fs::copy(entry.path(), to).unwrap();
        }
    }
    let clang = env::var("BPF_CLANG").unwrap_or_else(|_| "clang-19".into());
    if Command::new(&clang).arg("--version").output().is_err() {
        assert!(env::var_os("K8SRD_REQUIRE_LIVE").is_none(), "no {clang}");
        eprintln!("skipped: no {clang}");
        return;
    }
    workspace.passes(&["objects"]);
    workspace.append("k8srd-bpf/bpf/layout.h", "VALUE(ONE_MORE, 1)\n");
    workspace.fails("objects", &["differ from what the sources give", "cargo xtask bpf"]);
}

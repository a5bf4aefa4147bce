//! What a guest boots into: the test programs, linked statically, busybox, and a script that runs
//! each test by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::cargo;

/// Tests one by one take less than this on a slow machine, but for a hang, in seconds.
const SECONDS_A_TEST: u32 = 240;

/// What the kernel is told. `quiet` keeps its own messages, but for the grave ones, off the console.
pub(super) const COMMAND_LINE: &str =
    "console=ttyS0 quiet panic=-1 mitigations=off nokaslr lsm=landlock,bpf";

/// The first program, a script. What it prints is read by `report`.
const INIT: &str = include_str!("guest/init.sh");

/// A program of ours: its package, what cargo is to build, its name in the guest. Under the profile
/// `test` a program would become its own unit tests.
const PROGRAMS: [(&str, [&str; 4], &str); 4] = [
    ("k8srd-bpf", ["--profile", "test", "--test", "load"], "load"),
    ("k8srd-bpf", ["--profile", "test", "--test", "live"], "live"),
    ("k8srd", ["--profile", "test", "--test", "acts"], "acts"),
    ("k8srd", ["--profile", "dev", "--bin", "k8srd"], "k8srd"),
];
/// Those of them that are tests, and the text in the names of what is to run of each: of acts, all that
/// needs a sensor.
const TESTS: [(&str, &str); 3] = [("load", ""), ("live", ""), ("acts", "the_sensor")];

/// Builds the programs and packs them; the file.
pub(super) fn initramfs(folder: &Path, only: Option<&str>) -> anyhow::Result<PathBuf> {
    println!("guest: builds the test programs");
    let mut archive = Archive::default();
    for name in ["bin", "dev", "proc", "sys", "tmp"] {
        archive.folder(name);
    }
    let mut init = INIT.replace("SECONDS_A_TEST", &SECONDS_A_TEST.to_string());
    let mut tests = String::new();
    for (package, what, name) in PROGRAMS {
        let program = build(package, what)?;
        archive.program(&format!("bin/{name}"), &program)?;
        if name == "k8srd" {
            init = init.replace("BUILT_K8SRD", &program.to_string_lossy());
        }
        for (_, some) in TESTS.iter().filter(|(test, _)| *test == name) {
            tests.push_str(&list(name, &program, &[some, only.unwrap_or_default()])?);
        }
    }
    ensure!(!tests.is_empty(), "no test has {:?} in its name", only.unwrap_or_default());
    archive.program("bin/busybox", &busybox()?)?;
    archive.file("tests", 0o644, tests.as_bytes());
    archive.file("init", 0o755, init.as_bytes());
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let file = folder.join("initramfs.cpio");
    fs::write(&file, archive.end()).with_context(|| file.display().to_string())?;
    Ok(file)
}

/// Builds a program that needs no libraries. Only the program itself is built differently from what
/// cargo builds else: all crates that it uses are shared.
fn build(package: &str, what: [&str; 4]) -> anyhow::Result<PathBuf> {
    let mut command = Command::new(cargo::program());
    command.args(["rustc", "--quiet", "--locked", "--package", package]);
    command.args(what).args(["--message-format", "json-render-diagnostics", "--"]);
    command.args(["-Ctarget-feature=+crt-static", "-Cstrip=symbols"]);
    let said = cargo::output(&mut command)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // Of a test the programs that it calls are built, too.
    let [.., name] = what;
    let mut built = messages.filter(|said| said["target"]["name"] == name);
    let program = built.find_map(|said| said["executable"].as_str().map(PathBuf::from));
    program.with_context(|| format!("cargo built no program {what:?} of {package}"))
}

/// The tests of a program, one `PROGRAM NAME` a line; those with all these texts in their name.
fn list(name: &str, program: &Path, texts: &[&str]) -> anyhow::Result<String> {
    let said = cargo::output(Command::new(program).args(["--list", "--format", "terse"]))?;
    let tests: Vec<&str> = said.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    ensure!(!tests.is_empty(), "{} has no tests", program.display());
    let wanted = |test: &&&str| texts.iter().all(|text| test.contains(text));
    Ok(tests.iter().filter(wanted).map(|test| format!("{name} {test}\n")).collect())
}

/// The machine's busybox, which has to be a static one.
fn busybox() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
    let busybox = found.find(|path| path.exists()).context("there is no busybox on PATH")?;
    let bytes = fs::read(&busybox).with_context(|| busybox.display().to_string())?;
    let file = object::File::parse(&*bytes).with_context(|| busybox.display().to_string())?;
    ensure!(
        object::Object::section_by_name(&file, ".interp").is_none(),
        "{} needs libraries: install busybox-static",
        busybox.display()
    );
    Ok(busybox)
}

/// An archive in the form that the kernel unpacks (Documentation/driver-api/early-userspace/
/// buffer-format.rst): for each file a header of thirteen numbers, the name, the bytes.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    files: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    fn file(&mut self, name: &str, mode: u32, bytes: &[u8]) {
        self.entry(name, 0o100_000 | mode, bytes);
    }

    fn program(&mut self, name: &str, path: &Path) -> anyhow::Result<()> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        self.file(name, 0o755, &bytes);
        Ok(())
    }

    fn end(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, bytes: &[u8]) {
        self.files += 1;
        let numbers = [
            self.files, // inode
            mode,
            0, // owner
            0, // group
            1, // links
            0, // time
            bytes.len() as u32,
            0, // device
            0,
            0, // device that it stands for
            0,
            name.len() as u32 + 1,
            0, // checksum
        ];
        self.bytes.extend_from_slice(b"070701");
        for number in numbers {
            self.bytes.extend_from_slice(format!("{number:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(bytes);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_aligned_and_has_the_bytes_at_the_place_that_its_header_says() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/odd", 0o755, b"abcde");
        let bytes = archive.end();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        let headers: Vec<_> = text.match_indices("070701").map(|(at, _)| at).collect();
        assert_eq!(headers.len(), 3);
        assert!(headers.iter().all(|at| at % 4 == 0));
        let at = headers[1];
        assert_eq!(&text[at + 6 + 8..at + 6 + 16], "000081ed");
        assert_eq!(&text[at + 6 + 48..at + 6 + 56], "00000005");
        assert_eq!(&text[at + 110..at + 118], "bin/odd\0");
        assert_eq!(&text[at + 120..at + 125], "abcde");
    }
}

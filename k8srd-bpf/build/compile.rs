// How the kernel programs are compiled: for build.rs (feature `build-bpf`) and for `cargo xtask bpf`,
// so that the shipped objects and those built from source come from the same flags.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The compiler that makes the shipped objects; another one makes other bytes.
pub(crate) const CLANG: &str = "clang-19";

/// The objects, by name, and what sets their programs apart (`bpf/rung.h`).
pub(crate) const OBJECTS: [(&str, &[&str]); 2] =
    [("sensor", &[]), ("sensor_raw", &["-DK8SRD_RAW"])];

/// The clang to use: `BPF_CLANG`, else the pinned one.
pub(crate) fn clang() -> OsString {
    env::var_os("BPF_CLANG").unwrap_or_else(|| CLANG.into())
}

/// The matching llvm-strip: `BPF_STRIP`, else the one with clang's suffix.
fn strip(clang: &OsString) -> OsString {
    env::var_os("BPF_STRIP").unwrap_or_else(|| {
        let clang = clang.to_string_lossy();
        match clang.rsplit_once("clang") {
            Some((folder, version)) => format!("{folder}llvm-strip{version}").into(),
            None => "llvm-strip".into(),
        }
    })
}

/// Compiles `folder`/sensor.bpf.c with `flags` for `arch` (Rust's name of it) into `object`.
///
/// The result depends on sources, headers of libbpf and compiler only: no path gets into it.
pub(crate) fn compile(
    folder: &Path,
    flags: &[&str],
    arch: &str,
    object: &Path,
) -> Result<(), String> {
    let target = match arch {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        _ => return Err(format!("no kernel programs for {arch}: x86_64 and aarch64 have them")),
    };
    let layout = folder.join("layout.h");
    let layout = fs::read(&layout).map_err(|error| format!("{}: {error}", layout.display()))?;
    let clang = clang();

    let mut command = Command::new(&clang);
    command
        .current_dir(folder)
        .args(["-g", "-O2", "-target", "bpf", "-mcpu=v3", "-std=gnu11"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-sign-compare"])
        .args(["-fno-stack-protector", "-fdebug-compilation-dir=.", "-I."])
        .args(flags)
        .arg(format!("-D__TARGET_ARCH_{target}"))
        .arg(format!("-DK8SRD_LAYOUT=\"{:016x}\"", fnv1a(&layout)));
    // asm/types.h, where the distribution keeps headers by architecture; any of them serves.
    for host in ["x86_64-linux-gnu", "aarch64-linux-gnu"] {
        command.args(["-idirafter", &format!("/usr/include/{host}")]);
    }
    run(command.args(["-c", "sensor.bpf.c", "-o"]).arg(object), "clang-19 and libbpf-dev")?;
    run(Command::new(strip(&clang)).arg("-g").arg(object), "llvm-19")
}

fn run(command: &mut Command, packages: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        format!(
            "{program} cannot be run: {error}; install {packages}, or set BPF_CLANG and BPF_STRIP"
        )
    })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed:\n{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The same fingerprint as `abi::LAYOUT`.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

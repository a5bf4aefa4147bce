//! Nothing by default: the kernel programs are shipped compiled. With feature `build-bpf` they are
//! compiled from `bpf/` (needs clang and libbpf's headers; environment `BPF_CLANG`, `BPF_STRIP`).

use std::env;

#[cfg(feature = "build-bpf")]
#[path = "build/compile.rs"]
mod compile;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_BUILD_BPF").is_some() {
        build_programs();
    }
}

#[cfg(not(feature = "build-bpf"))]
fn build_programs() {}

#[cfg(feature = "build-bpf")]
fn build_programs() {
    use std::path::PathBuf;

    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    for path in ["bpf", "build/compile.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in ["BPF_CLANG", "BPF_STRIP"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("bpf");
    let arch = variable("CARGO_CFG_TARGET_ARCH");
    for (name, flags) in compile::OBJECTS {
        let object = PathBuf::from(variable("OUT_DIR")).join(format!("{name}.bpf.o"));
        if let Err(error) = compile::compile(&folder, flags, &arch, &object) {
            println!("cargo::error={}", error.replace('\n', "\ncargo::error="));
        }
    }
}

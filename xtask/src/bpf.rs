//! `cargo xtask bpf [--check]`: the kernel objects that k8srd-bpf ships.
//!
//! Without arguments all are compiled into `k8srd-bpf/objects/`. With `--check` nothing is written:
//! the shipped objects must be what the sources give. With the pinned compiler, byte by byte; the
//! version of it is in the object (section `k8srd`). With another compiler the code may differ, so
//! only programs, maps and BTF type names are compared, and the result says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::cargo::workspace_root;

#[path = "../../k8srd-bpf/build/compile.rs"]
mod compile;

const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let root = workspace_root()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => build(&root),
        ["--check"] => check(&root),
        _ => bail!("bpf takes nothing or --check, was given {args:?}"),
    }
}

fn build(root: &Path) -> anyhow::Result<()> {
    let package = root.join("k8srd-bpf");
    for (name, flags, arch) in objects() {
        let object = package.join("objects").join(name);
        compile_to(root, flags, arch, &object)?;
        println!("{}: {} bytes", object.display(), fs::metadata(&object)?.len());
    }
    Ok(())
}

/// File name, flags and architecture of each object.
fn objects() -> impl Iterator<Item = (String, &'static [&'static str], &'static str)> {
    compile::OBJECTS.into_iter().flat_map(|(name, flags)| {
        ARCHITECTURES.map(|arch| (format!("{name}.{arch}.bpf.o"), flags, arch))
    })
}

/// Fails if a shipped object is not what the sources give.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    let scratch = std::env::temp_dir().join(format!("k8srd-bpf-check-{}", std::process::id()));
    fs::create_dir_all(&scratch).with_context(|| scratch.display().to_string())?;
    for (name, flags, arch) in objects() {
        let fresh = scratch.join(&name);
        compile_to(root, flags, arch, &fresh)?;
        let fresh = fs::read(&fresh)?;
        let path = root.join("k8srd-bpf/objects").join(&name);
        let shipped = fs::read(&path).with_context(|| path.display().to_string())?;
        let (ours, theirs) = (Summary::of(&fresh)?, Summary::of(&shipped)?);
        let same = if ours.build == theirs.build {
            fresh == shipped
        } else {
            println!(
                "{name}: shipped as `{}`, checked with `{}`: comparing programs, maps and BTF only",
                theirs.build, ours.build
            );
            ours.alike(&theirs)
        };
        if same {
            println!("{name}: is what the sources give");
        } else {
            stale.push(name);
        }
    }
    fs::remove_dir_all(&scratch).with_context(|| scratch.display().to_string())?;
    ensure!(
        stale.is_empty(),
        "{} differ from what the sources give: run `cargo xtask bpf` and commit",
        stale.join(" and "),
    );
    Ok(())
}

fn compile_to(root: &Path, flags: &[&str], arch: &str, object: &Path) -> anyhow::Result<()> {
    compile::compile(&root.join("k8srd-bpf/bpf"), flags, arch, object)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("compiling the kernel programs for {arch}"))
}

/// What any compiler has to agree on.
#[derive(Debug)]
struct Summary {
    /// The `k8srd` section: record layout and compiler.
    build: String,
    /// Section and name of each program.
    programs: BTreeSet<(String, String)>,
    /// Name, offset and size of each map definition.
    maps: BTreeSet<(String, u64, u64)>,
    /// Names in BTF that belong to our own types.
    types: BTreeSet<String>,
}

impl Summary {
    fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        let file = object::File::parse(bytes).context("not an object file")?;
        let section = |name: &str| -> anyhow::Result<&[u8]> {
            let section =
                file.section_by_name(name).with_context(|| format!("no section {name}"))?;
            Ok(section.data()?)
        };
        let build = String::from_utf8_lossy(section("k8srd")?).trim_end_matches('\0').to_owned();
        let types = section(".BTF")?
            .split(|&byte| byte == 0)
            .filter(|name| name.starts_with(b"k8srd_"))
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();

        let (mut programs, mut maps) = (BTreeSet::new(), BTreeSet::new());
        for symbol in file.symbols() {
            let Some(index) = symbol.section_index() else { continue };
            let section = file.section_by_index(index)?;
            let (at, name) = (section.name()?.to_owned(), symbol.name()?.to_owned());
            if at == ".maps" && symbol.kind() == SymbolKind::Data {
                maps.insert((name, symbol.address(), symbol.size()));
            } else if section.kind() == SectionKind::Text && symbol.is_global() {
                programs.insert((at, name));
            }
        }
        Ok(Self { build, programs, maps, types })
    }

    /// Whether everything but the compiler and what it made of the code is the same.
    fn alike(&self, other: &Self) -> bool {
        let Self { build, programs, maps, types } = self;
        let layout = |build: &str| build.split(" clang=").next().map(str::to_owned);
        layout(build) == layout(&other.build)
            && *programs == other.programs
            && *maps == other.maps
            && *types == other.types
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> Vec<u8> {
        fs::read(workspace_root().unwrap().join("k8srd-bpf/objects").join(name)).unwrap()
    }

    #[test]
    fn the_shipped_objects_name_compiler_layout_programs_and_maps() {
        for (name, flags, _) in objects() {
            let summary = Summary::of(&shipped(&name)).unwrap();
            let kind = if flags.is_empty() { "tp_btf" } else { "raw_tp" };
            assert!(summary.build.starts_with("k8srd layout="), "{summary:?}");
            assert!(summary.build.contains(" clang=19."), "{summary:?}");
            let program = (format!("{kind}/sys_exit"), "sys_exit".to_owned());
            assert!(summary.programs.contains(&program), "{summary:?}");
            assert!(summary.maps.iter().any(|(name, ..)| name == "lifecycle"), "{summary:?}");
            assert!(summary.types.contains("k8srd_header"), "{summary:?}");
        }
    }

    #[test]
    fn another_compiler_is_no_difference_but_another_map_is() {
        let of = |arch| Summary::of(&shipped(&format!("sensor.{arch}.bpf.o"))).unwrap();
        let [x86, arm] = ARCHITECTURES.map(of);
        assert!(x86.alike(&arm));
        let mut other = of("x86_64");
        other.build = other.build.replace("clang=19", "clang=20");
        assert!(x86.alike(&other));
        other.maps.pop_last();
        assert!(!x86.alike(&other));
    }
}

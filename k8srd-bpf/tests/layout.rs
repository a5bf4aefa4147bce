//! A field that differs between `bpf/layout.h` and a struct is a compile error, in C and in Rust:
//! copies of the sources with one thing changed are compiled.
#![expect(clippy::print_stderr, reason = "a skipped test says why")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use self::Side::{C, Rust};

#[path = "../build/compile.rs"]
mod compile;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    C,
    Rust,
}

/// What is changed in which file, and what the compilers say that see that file.
struct Change {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    says: &'static [(Side, &'static str)],
}

const CHANGES: &[Change] = &[
    // The table moves and the structs stay.
    Change {
        file: "layout.h",
        from: "FIELD(header, seq, 16, 8)",
        to: "FIELD(header, seq, 20, 8)",
        says: &[
            (C, "header.seq is not where layout.h says"),
            (Rust, "offset differs from bpf/layout.h"),
        ],
    },
    Change {
        file: "layout.h",
        from: "FIELD(procexit, status, 0, 4)",
        to: "FIELD(procexit, status, 0, 8)",
        says: &[
            (C, "procexit.status is not where layout.h says"),
            (Rust, "field size differs from bpf/layout.h"),
        ],
    },
    Change {
        file: "layout.h",
        from: "SIZE(part, 4)",
        to: "SIZE(part, 8)",
        says: &[(C, "size of part is not layout.h's"), (Rust, "size differs from bpf/layout.h")],
    },
    Change {
        file: "layout.h",
        from: "FIELD(exec, cwd, 112, 4)",
        to: "FIELD(exec, folder, 112, 4)",
        says: &[(C, "no member named 'folder'"), (Rust, "bpf/layout.h has no such row")],
    },
    Change {
        file: "layout.h",
        from: "FIELD(open, reserved, 68, 4)\n",
        to: "",
        says: &[(C, "layout.h has a hole"), (Rust, "bpf/layout.h has no such row")],
    },
    Change {
        file: "layout.h",
        from: "FIELD(open, reserved, 68, 4)\n",
        to: "FIELD(open, reserved, 68, 4)\nFIELD(open, more, 72, 4)\n",
        says: &[(C, "no member named 'more'"), (Rust, "bpf/layout.h has other fields")],
    },
    // A struct moves and the table stays.
    Change {
        file: "abi.h",
        from: "\t__u64 time;\n\t__u64 seq;\n",
        to: "\t__u64 seq;\n\t__u64 time;\n",
        says: &[(C, "header.time is not where layout.h says")],
    },
    Change {
        file: "abi.rs",
        from: "        /// First byte, counted from the start of the record.\n        offset: u16,\n",
        to: "        /// First byte, counted from the start of the record.\n        offset: u32,\n",
        says: &[(Rust, "size differs from bpf/layout.h")],
    },
    Change {
        file: "abi.rs",
        from: "        /// One of [`layer`].\n        layer: u32,\n        /// The name as given.\n",
        to: "        /// The name as given.\n",
        says: &[(Rust, "offset differs from bpf/layout.h")],
    },
];

#[test]
fn c_does_not_compile_with_another_layout() {
    let clang = compile::clang();
    if let Err(error) = Command::new(&clang).arg("--version").output() {
        assert!(env::var_os("K8SRD_REQUIRE_LIVE").is_none(), "{}: {error}", clang.display());
        eprintln!("skipped: {}: {error}", clang.display());
        return;
    }
    each_change(C, |folder| {
        let (name, flags) = compile::OBJECTS[0];
        compile::compile(&folder.join("bpf"), flags, "x86_64", &folder.join(name))
    });
}

/// The module alone, by the compiler alone: without the derives, which are not what is asked, it
/// needs no other crate.
#[test]
fn rust_does_not_compile_with_another_layout() {
    const DERIVES: &str = "FromBytes, Immutable, IntoBytes, KnownLayout";
    each_change(Rust, |folder| {
        let path = folder.join("src/abi.rs");
        let source = fs::read_to_string(&path).expect("the copy");
        let import = format!("use zerocopy::{{{DERIVES}}};\n");
        assert_eq!(source.matches(DERIVES).count(), 2, "the import and the derive");
        let source = source.replace(&import, "").replace(&format!(", {DERIVES}"), "");
        fs::write(&path, source).expect("the copy");
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--out-dir"]);
        let output = rustc.arg(folder).arg(&path).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    });
}

/// Compiles an unchanged copy, which must work, and one for each change that this side sees.
fn each_change(side: Side, compile: impl Fn(&Path) -> Result<(), String>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layout-{side:?}"));
    copy_to(&folder);
    compile(&folder).unwrap_or_else(|said| panic!("unchanged: {said}"));
    for Change { file, from, to, says } in CHANGES {
        let Some((_, words)) = says.iter().find(|(of, _)| *of == side) else { continue };
        copy_to(&folder);
        let path = folder.join(if file.ends_with(".rs") { "src" } else { "bpf" }).join(file);
        let text = fs::read_to_string(&path).expect("the copy");
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        fs::write(&path, text.replace(from, to)).expect("the copy");
        match compile(&folder) {
            Ok(()) => panic!("{side:?} compiles with {to:?} for {from:?} in {file}"),
            Err(said) => assert!(said.contains(words), "{to:?}: {words:?} is not in: {said}"),
        }
    }
}

/// `bpf/`, `src/abi.rs` and what it is made of, as they are.
fn copy_to(folder: &Path) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["bpf", "src"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    for entry in fs::read_dir(package.join("bpf")).expect("bpf/") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, folder.join("bpf").join(path.file_name().expect("a name")))
            .expect("a copy");
    }
    fs::copy(package.join("src/abi.rs"), folder.join("src/abi.rs")).expect("a copy");
    // The module is the root of a crate there, so its own modules lie beside it.
    fs::copy(package.join("src/abi/table.rs"), folder.join("src/table.rs")).expect("a copy");
}

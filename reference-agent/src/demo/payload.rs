//! The program that is downloaded: a whole ELF file that only ends with exit code 0.
//!
//! Written byte by byte, so that the demo serves nothing but what is seen here, and that it runs on
//! any machine, whatever libraries it has.

/// Where the kernel puts the file in memory.
const ADDRESS: u64 = 0x40_0000;
const HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;

/// `exit(0)`, and the machine's number in ELF.
#[cfg(target_arch = "x86_64")]
const CODE: (&[u8], u16) = (
    &[
        0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, 60
        0x31, 0xff, // xor edi, edi
        0x0f, 0x05, // syscall
    ],
    62,
);
#[cfg(target_arch = "aarch64")]
const CODE: (&[u8], u16) = (
    &[
        0xa8, 0x0b, 0x80, 0xd2, // mov x8, #93
        0x00, 0x00, 0x80, 0xd2, // mov x0, #0
        0x01, 0x00, 0x00, 0xd4, // svc #0
    ],
    183,
);

/// The bytes of the program (elf(5): the header, one program header, the code).
pub(super) fn program() -> Vec<u8> {
    let (code, machine) = CODE;
    let start = u64::from(HEADER + PROGRAM_HEADER);
    let size = start + code.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, n: u16| file.extend(n.to_le_bytes());
    let word = |file: &mut Vec<u8>, n: u32| file.extend(n.to_le_bytes());
    let long = |file: &mut Vec<u8>, n: u64| file.extend(n.to_le_bytes());

    half(&mut file, 2); // executable
    half(&mut file, machine);
    word(&mut file, 1); // version
    long(&mut file, ADDRESS + start); // entry
    long(&mut file, u64::from(HEADER)); // program headers
    long(&mut file, 0); // section headers
    word(&mut file, 0); // flags
    for n in [HEADER, PROGRAM_HEADER, 1, 0, 0, 0] {
        half(&mut file, n); // sizes and counts of headers
    }

    word(&mut file, 1); // to be loaded
    word(&mut file, 5); // readable and executable
    for n in [0, ADDRESS, ADDRESS, size, size, 0x1000] {
        long(&mut file, n); // offset, addresses, sizes, alignment
    }
    file.extend(code);
    file
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn it_runs_and_ends_well() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("payload");
        fs::write(&file, program()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new(&file).status().unwrap().success());
    }
}

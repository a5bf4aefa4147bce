//! Programs made here: nothing but system calls, in machine code, as a whole ELF file.
//!
//! Such a program makes exactly the calls that it was given, one after the other: no library stands between, which would
//! choose other calls or add some. It is data to us, run as a process of its own, so that no unsafe code is
//! needed here.

use anyhow::{Context as _, Result, ensure};

/// Where the kernel puts code and data. Both fit in 32 bits, which keeps instructions simple.
const CODE: u64 = 0x40_0000;
pub(super) const DATA: u64 = 0x60_0000;
/// The largest page of the machines that we run on.
const PAGE: u64 = 0x1_0000;
const HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;

/// An argument of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Number(u64),
    /// What is in memory, 8 bytes.
    At(u64),
    /// The same of 4 bytes.
    HalfAt(u64),
}

/// What the program does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A system call; what it returns is kept at an address. A zero is not: memory begins with zeros, and of
    /// two tasks that share it the new one, which gets the zero, must not hide what the other got.
    Call { number: u32, arguments: Vec<Operand>, result: u64 },
    /// If the last call returned 0, as it does in a new process, this and then the end. It must end by
    /// itself.
    IfZero(Vec<Step>),
    /// Puts 4 bytes where the 8 bytes at `base` lead, and further by the offset and, if there is a distance, by the
    /// 4 bytes there.
    Put { base: u64, distance: Option<u64>, offset: u16, number: u32 },
}

/// The file of a program that does these steps with this memory, which it may write.
pub(super) fn program(steps: &[Step], memory: &[u8]) -> Result<Vec<u8>> {
    let mut code = Vec::new();
    for step in steps {
        machine::encode(step, &mut code)?;
    }
    let headers = u64::from(HEADER) + 2 * u64::from(PROGRAM_HEADER);
    let end_of_code = headers + code.len() as u64;
    ensure!(end_of_code < DATA - CODE, "a program of {} bytes is too long", code.len());
    let start_of_data = end_of_code.next_multiple_of(PAGE);

    // elf(5)
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, n: u16| file.extend(n.to_le_bytes());
    let word = |file: &mut Vec<u8>, n: u32| file.extend(n.to_le_bytes());
    let long = |file: &mut Vec<u8>, n: u64| file.extend(n.to_le_bytes());
    half(&mut file, 2); // executable
    half(&mut file, machine::ELF);
    word(&mut file, 1); // version
    long(&mut file, CODE + headers); // entry
    long(&mut file, u64::from(HEADER)); // program headers
    long(&mut file, 0); // section headers
    word(&mut file, 0); // flags
    for n in [HEADER, PROGRAM_HEADER, 2, 0, 0, 0] {
        half(&mut file, n); // sizes and counts of headers
    }
    let data = memory.len() as u64;
    for (access, offset, address, size) in
        [(5, 0, CODE, end_of_code), (6, start_of_data, DATA, data)]
    {
        word(&mut file, 1); // to be loaded
        word(&mut file, access); // 4 read, 2 write, 1 execute
        for n in [offset, address, address, size, size, PAGE] {
            long(&mut file, n); // offset, addresses, sizes, alignment
        }
    }
    file.extend(code);
    file.resize(usize::try_from(start_of_data).context("a page fits")?, 0);
    file.extend(memory);
    Ok(file)
}

/// The instructions.
#[cfg(target_arch = "x86_64")]
mod machine {
    use anyhow::{Context as _, Result};

    use super::{Operand, Step};

    /// This machine's number in ELF.
    pub(super) const ELF: u16 = 62;

    /// The registers of arguments: rdi, rsi, rdx, r10, r8, r9. The number within its half, and whether it
    /// is in the upper one.
    const REGISTERS: [(u8, bool); 6] =
        [(7, false), (6, false), (2, false), (2, true), (0, true), (1, true)];

    pub(super) fn encode(step: &Step, code: &mut Vec<u8>) -> Result<()> {
        match step {
            Step::Call { number, arguments, result } => {
                for (argument, register) in arguments.iter().zip(REGISTERS) {
                    load(*argument, register, code)?;
                }
                code.push(0xb8); // mov eax, number
                code.extend(number.to_le_bytes());
                code.extend([0x0f, 0x05]); // syscall
                code.extend([0x48, 0x85, 0xc0]); // test rax, rax
                code.extend([0x74, 8]); // jz behind
                code.extend([0x48, 0x89, 0x04, 0x25]); // mov [result], rax
                code.extend(short(*result)?);
            }
            Step::IfZero(steps) => {
                let mut inner = Vec::new();
                for step in steps {
                    encode(step, &mut inner)?;
                }
                code.extend([0x48, 0x85, 0xc0]); // test rax, rax
                code.extend([0x0f, 0x85]); // jnz behind
                code.extend(short(inner.len() as u64)?);
                code.extend(inner);
            }
            Step::Put { base, distance, offset, number } => {
                code.extend([0x48, 0x8b, 0x0c, 0x25]); // mov rcx, [base]
                code.extend(short(*base)?);
                if let Some(distance) = distance {
                    code.extend([0x8b, 0x14, 0x25]); // mov edx, [distance]
                    code.extend(short(*distance)?);
                    code.extend([0x48, 0x01, 0xd1]); // add rcx, rdx
                }
                code.extend([0xc7, 0x81]); // mov dword [rcx + offset], number
                code.extend(u32::from(*offset).to_le_bytes());
                code.extend(number.to_le_bytes());
            }
        }
        Ok(())
    }

    fn load(operand: Operand, (register, upper): (u8, bool), code: &mut Vec<u8>) -> Result<()> {
        let upper = u8::from(upper);
        match operand {
            Operand::Number(n) => {
                code.extend([0x48 | upper, 0xb8 | register]); // mov register, n
                code.extend(n.to_le_bytes());
            }
            Operand::At(address) => {
                code.extend([0x48 | upper << 2, 0x8b, 0x04 | register << 3, 0x25]);
                code.extend(short(address)?);
            }
            Operand::HalfAt(address) => {
                code.extend([0x40 | upper << 2, 0x8b, 0x04 | register << 3, 0x25]);
                code.extend(short(address)?);
            }
        }
        Ok(())
    }

    /// An address or distance of 32 bits, which the machine takes for a signed one.
    fn short(n: u64) -> Result<[u8; 4]> {
        Ok(i32::try_from(n).context("an address beyond 2 GiB")?.to_le_bytes())
    }
}

/// The instructions.
#[cfg(target_arch = "aarch64")]
mod machine {
    use anyhow::{Context as _, Result};

    use super::{Operand, Step};

    /// This machine's number in ELF.
    pub(super) const ELF: u16 = 183;

    pub(super) fn encode(step: &Step, code: &mut Vec<u8>) -> Result<()> {
        match step {
            Step::Call { number, arguments, result } => {
                for (argument, register) in arguments.iter().zip(0..6) {
                    load(*argument, register, code);
                }
                set(8, u64::from(*number), code);
                push(0xd400_0001, code); // svc #0
                push(0xb400_0000 | 6 << 5, code); // cbz x0, behind
                set(9, *result, code);
                push(0xf900_0000 | 9 << 5, code); // str x0, [x9]
            }
            Step::IfZero(steps) => {
                let mut inner = Vec::new();
                for step in steps {
                    encode(step, &mut inner)?;
                }
                let words = u32::try_from(inner.len() / 4 + 1).context("a long way to jump")?;
                anyhow::ensure!(words < 1 << 18, "a long way to jump");
                push(0xb500_0000 | words << 5, code); // cbnz x0, behind
                code.extend(inner);
            }
            Step::Put { base, distance, offset, number } => {
                set(9, *base, code);
                push(0xf940_0000 | 9 << 5 | 9, code); // ldr x9, [x9]
                if let Some(distance) = distance {
                    set(10, *distance, code);
                    push(0xb940_0000 | 10 << 5 | 10, code); // ldr w10, [x10]
                    push(0x8b00_0000 | 10 << 16 | 9 << 5 | 9, code); // add x9, x9, x10
                }
                set(10, u64::from(*offset), code);
                push(0x8b00_0000 | 10 << 16 | 9 << 5 | 9, code); // add x9, x9, x10
                set(10, u64::from(*number), code);
                push(0xb900_0000 | 9 << 5 | 10, code); // str w10, [x9]
            }
        }
        Ok(())
    }

    fn load(operand: Operand, register: u32, code: &mut Vec<u8>) {
        match operand {
            Operand::Number(n) => set(register, n, code),
            Operand::At(address) => {
                set(9, address, code);
                push(0xf940_0000 | 9 << 5 | register, code); // ldr x, [x9]
            }
            Operand::HalfAt(address) => {
                set(9, address, code);
                push(0xb940_0000 | 9 << 5 | register, code); // ldr w, [x9]
            }
        }
    }

    /// Sixteen bits at a time: movz, then movk.
    fn set(register: u32, n: u64, code: &mut Vec<u8>) {
        for part in 0..4_u32 {
            let bits = (n >> (16 * part)) as u32 & 0xffff;
            let instruction = if part == 0 { 0xd280_0000 } else { 0xf280_0000 };
            push(instruction | part << 21 | bits << 5 | register, code);
        }
    }

    fn push(instruction: u32, code: &mut Vec<u8>) {
        code.extend(instruction.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;
    use crate::act::calls;

    /// Runs the steps; what was written, and the exit code.
    fn run(steps: &[Step], memory: &[u8]) -> (Vec<u8>, Option<i32>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        fs::write(&file, program(steps, memory).unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let output = Command::new(&file).output().unwrap();
        (output.stdout, output.status.code())
    }

    fn call(name: &str, arguments: &[Operand]) -> Step {
        let number = calls::number(name).unwrap();
        Step::Call { number, arguments: arguments.to_vec(), result: DATA }
    }

    #[test]
    fn it_calls_stores_loads_and_ends() {
        use Operand::{At, HalfAt, Number};
        let steps = [
            call("getpid", &[]),
            Step::Put { base: DATA + 24, distance: Some(DATA + 32), offset: 4, number: 0x2a },
            // The result of the call before, and what was put.
            Step::Call {
                number: calls::number("write").unwrap(),
                arguments: vec![Number(1), Number(DATA), Number(24)],
                result: DATA + 8,
            },
            call("exit_group", &[HalfAt(DATA + 16)]),
        ];
        // Twelve and four bytes behind the begin of the memory.
        let mut memory = vec![0; 24];
        memory.extend(DATA.to_le_bytes());
        memory.extend(12_u64.to_le_bytes());
        let (written, code) = run(&steps, &memory);
        assert_eq!(code, Some(42));
        assert_eq!(written.len(), 24);
        assert_ne!(written[..8], [0; 8], "a process id");
        assert_eq!(written[16..], [0x2a, 0, 0, 0, 0, 0, 0, 0]);
        let steps = [call("getppid", &[]), call("exit_group", &[At(DATA + 8)])];
        assert_eq!(run(&steps, &[[0; 8], 7_u64.to_le_bytes()].concat()).1, Some(7));
    }

    #[test]
    fn only_who_got_zero_does_what_is_inside() {
        use Operand::Number;
        let exit = |code| call("exit_group", &[Number(code)]);
        let steps = [call("getpid", &[]), Step::IfZero(vec![exit(1)]), exit(2)];
        assert_eq!(run(&steps, &[0; 8]).1, Some(2));
        let steps = [call("close", &[Number(0)]), Step::IfZero(vec![exit(1)]), exit(2)];
        assert_eq!(run(&steps, &[0; 8]).1, Some(1));
    }
}

//! System calls as they are, where libraries would choose another one.

use std::ffi::CStr;
use std::io;

/// The number that the call returned, or `-errno`.
pub(crate) fn result(returned: libc::c_long) -> i64 {
    if returned < 0 {
        -i64::from(io::Error::last_os_error().raw_os_error().expect("errno"))
    } else {
        returned
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn open(name: &CStr, flags: i32, mode: u32) -> i64 {
    // SAFETY: the name is NUL-terminated.
    result(unsafe { libc::syscall(libc::SYS_open, name.as_ptr(), flags, mode) })
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn creat(name: &CStr, mode: u32) -> i64 {
    // SAFETY: the name is NUL-terminated.
    result(unsafe { libc::syscall(libc::SYS_creat, name.as_ptr(), mode) })
}

pub(crate) fn openat(dirfd: i32, name: &CStr, flags: i32, mode: u32) -> i64 {
    // SAFETY: the name is NUL-terminated.
    result(unsafe { libc::syscall(libc::SYS_openat, dirfd, name.as_ptr(), flags, mode) })
}

/// An openat whose name is at an address that is never mapped.
pub(crate) fn openat_nowhere() -> i64 {
    // SAFETY: the kernel checks the address.
    result(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 8_usize, libc::O_RDONLY, 0) })
}

pub(crate) fn openat2(dirfd: i32, name: &CStr, flags: i32, mode: u32, resolve: u64) -> i64 {
    // struct open_how { u64 flags, mode, resolve; }
    let how = [flags as u64, u64::from(mode), resolve];
    // SAFETY: name and structure are valid for reads.
    result(unsafe {
        libc::syscall(libc::SYS_openat2, dirfd, name.as_ptr(), how.as_ptr(), size_of_val(&how))
    })
}

pub(crate) fn connect(fd: i32, address: &[u8]) -> i64 {
    // SAFETY: the address is valid for reads of its length.
    result(unsafe { libc::syscall(libc::SYS_connect, fd, address.as_ptr(), address.len()) })
}

/// A new socket.
pub(crate) fn socket(family: i32, kind: i32) -> i32 {
    // SAFETY: plain numbers.
    let fd = unsafe { libc::socket(family, kind, 0) };
    assert!(fd >= 0, "{}", io::Error::last_os_error());
    fd
}

/// The socket's own or its peer's address.
pub(crate) fn socket_name(fd: i32, of_peer: bool) -> Option<Vec<u8>> {
    let mut address = [0_u8; 128];
    let mut length = address.len() as libc::socklen_t;
    let read = if of_peer { libc::getpeername } else { libc::getsockname };
    // SAFETY: the buffer has `length` bytes.
    let done = unsafe { read(fd, address.as_mut_ptr().cast(), &mut length) };
    (done == 0).then(|| address[..length as usize].to_vec())
}

/// Makes a process by a plain call; the child ends at once with `code`.
pub(crate) fn fork_by(call: libc::c_long, arguments: [usize; 2], code: i32) -> i64 {
    // SAFETY: the child has memory of its own and only exits.
    unsafe {
        let pid = libc::syscall(call, arguments[0], arguments[1], 0, 0, 0);
        if pid == 0 {
            libc::_exit(code);
        }
        let pid = result(pid);
        if pid > 0 {
            libc::waitpid(pid as i32, std::ptr::null_mut(), 0);
        }
        pid
    }
}

/// As [`fork_by`], with vfork: the child shares our stack, so it must not return from anywhere.
#[cfg(target_arch = "x86_64")]
pub(crate) fn vfork(code: i32) -> i64 {
    let mut pid = libc::SYS_vfork;
    // SAFETY: the child makes one more system call, exit_group, and touches no memory.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, 231",
            "syscall",
            "2:",
            inout("rax") pid,
            in("edi") code,
            out("rcx") _,
            out("r11") _,
        );
        if pid > 0 {
            libc::waitpid(pid as i32, std::ptr::null_mut(), 0);
        }
    }
    pid
}

/// A failing fork: flags that contradict each other.
pub(crate) fn clone_refused() -> i64 {
    // CLONE_SIGHAND without CLONE_VM is EINVAL.
    // SAFETY: the call fails before it does anything.
    result(unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_SIGHAND, 0, 0, 0, 0) })
}

/// `open(NULL)` through the 32-bit interface: returns `-EFAULT`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn open_32() -> i32 {
    int_80(5, [0; 5])
}

/// A call through the 32-bit interface.
#[cfg(target_arch = "x86_64")]
pub(crate) fn int_80(number: i32, arguments: [u32; 5]) -> i32 {
    let [ebx, ecx, edx, esi, edi] = arguments;
    let mut result = number;
    // SAFETY: int 0x80 takes addresses of 32 bits, and callers pass only those of memory that is
    // theirs. rbx is reserved by the compiler, so it is put back.
    unsafe {
        std::arch::asm!(
            "xchg {first:r}, rbx",
            "int 0x80",
            "xchg {first:r}, rbx",
            first = inout(reg) u64::from(ebx) => _,
            inout("eax") result,
            in("ecx") ecx,
            in("edx") edx,
            in("esi") esi,
            in("edi") edi,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}

/// Memory that 32-bit addresses reach. It lives as long as the process.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Low {
    start: *mut u8,
    used: std::cell::Cell<usize>,
}

#[cfg(target_arch = "x86_64")]
impl Low {
    const BYTES: usize = 4096;

    pub(crate) fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, wherever the kernel wants it.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), Self::BYTES, access, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        Self { start: start.cast(), used: std::cell::Cell::new(0) }
    }

    /// Puts bytes there and gives their address.
    pub(crate) fn put(&self, bytes: &[u8]) -> u32 {
        let at = self.used.get();
        assert!(at + bytes.len() <= Self::BYTES);
        self.used.set((at + bytes.len()).next_multiple_of(8));
        // SAFETY: the mapping is ours, and has room behind what was put there before.
        unsafe {
            let to = self.start.add(at);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            u32::try_from(to as usize).expect("a low address")
        }
    }
}

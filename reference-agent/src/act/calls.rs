//! Numbers of system calls.

use nix::libc;

macro_rules! calls {
    ($($name:ident $sys:ident),* $(,)?; x86_64: $($old:ident $old_sys:ident),* $(,)?) => {
        /// The number of a call of this machine; some old ones are not on every machine.
        pub(super) fn number(name: &str) -> Option<u32> {
            let number = match name {
                $(stringify!($name) => libc::$sys,)*
                $(
                    #[cfg(target_arch = "x86_64")]
                    stringify!($old) => libc::$old_sys,
                )*
                _ => return None,
            };
            u32::try_from(number).ok()
        }
    };
}

calls! {
    accept SYS_accept, accept4 SYS_accept4, bind SYS_bind, bpf SYS_bpf, capget SYS_capget,
    capset SYS_capset, chdir SYS_chdir, chroot SYS_chroot, clone SYS_clone, clone3 SYS_clone3,
    close SYS_close, close_range SYS_close_range, connect SYS_connect,
    copy_file_range SYS_copy_file_range, delete_module SYS_delete_module, dup SYS_dup,
    dup3 SYS_dup3, epoll_create1 SYS_epoll_create1, eventfd2 SYS_eventfd2, execve SYS_execve,
    execveat SYS_execveat, exit SYS_exit, exit_group SYS_exit_group, fchdir SYS_fchdir,
    fchmod SYS_fchmod, fchmodat SYS_fchmodat, fchown SYS_fchown, fchownat SYS_fchownat,
    fcntl SYS_fcntl, finit_module SYS_finit_module, flock SYS_flock, fstat SYS_fstat,
    futex SYS_futex, getcwd SYS_getcwd, getdents64 SYS_getdents64, getegid SYS_getegid,
    geteuid SYS_geteuid, getgid SYS_getgid, getpeername SYS_getpeername, getpid SYS_getpid, getppid SYS_getppid,
    getsockname SYS_getsockname, getsockopt SYS_getsockopt, getuid SYS_getuid, init_module SYS_init_module,
    inotify_init1 SYS_inotify_init1, io_uring_enter SYS_io_uring_enter,
    io_uring_setup SYS_io_uring_setup, ioctl SYS_ioctl, kexec_load SYS_kexec_load,
    keyctl SYS_keyctl, kill SYS_kill, linkat SYS_linkat, listen SYS_listen, lseek SYS_lseek,
    memfd_create SYS_memfd_create, mkdirat SYS_mkdirat, mknodat SYS_mknodat, mmap SYS_mmap,
    mount SYS_mount, move_mount SYS_move_mount, mlock SYS_mlock, mlock2 SYS_mlock2, mlockall SYS_mlockall, mprotect SYS_mprotect,
    munlock SYS_munlock, munlockall SYS_munlockall, munmap SYS_munmap,
    nanosleep SYS_nanosleep, newfstatat SYS_newfstatat, name_to_handle_at SYS_name_to_handle_at, open_by_handle_at SYS_open_by_handle_at,
    open_tree SYS_open_tree, openat SYS_openat, openat2 SYS_openat2,
    perf_event_open SYS_perf_event_open, pidfd_getfd SYS_pidfd_getfd,
    pidfd_open SYS_pidfd_open, pipe2 SYS_pipe2, pivot_root SYS_pivot_root, prctl SYS_prctl,
    pread64 SYS_pread64, prlimit64 SYS_prlimit64, process_vm_readv SYS_process_vm_readv,
    process_vm_writev SYS_process_vm_writev, ptrace SYS_ptrace, pwrite64 SYS_pwrite64, read SYS_read, readv SYS_readv,
    reboot SYS_reboot, recvfrom SYS_recvfrom, recvmmsg SYS_recvmmsg, recvmsg SYS_recvmsg,
    renameat2 SYS_renameat2, rt_sigprocmask SYS_rt_sigprocmask, sendfile SYS_sendfile,
    sendmmsg SYS_sendmmsg, sendmsg SYS_sendmsg, sendto SYS_sendto, setgid SYS_setgid,
    setitimer SYS_setitimer, setns SYS_setns, setpgid SYS_setpgid, setregid SYS_setregid,
    setresgid SYS_setresgid, setresuid SYS_setresuid, setreuid SYS_setreuid,
    setsid SYS_setsid, setuid SYS_setuid, setxattr SYS_setxattr, shutdown SYS_shutdown,
    signalfd4 SYS_signalfd4, socket SYS_socket, socketpair SYS_socketpair, splice SYS_splice,
    swapon SYS_swapon, symlinkat SYS_symlinkat, tgkill SYS_tgkill,
    timerfd_create SYS_timerfd_create, tkill SYS_tkill, truncate SYS_truncate,
    umount2 SYS_umount2, unlinkat SYS_unlinkat, unshare SYS_unshare,
    userfaultfd SYS_userfaultfd, wait4 SYS_wait4, write SYS_write, writev SYS_writev;
    x86_64:
    access SYS_access, chmod SYS_chmod, chown SYS_chown, creat SYS_creat, dup2 SYS_dup2,
    epoll_create SYS_epoll_create, eventfd SYS_eventfd, fork SYS_fork,
    inotify_init SYS_inotify_init, lchown SYS_lchown, link SYS_link, lstat SYS_lstat, mkdir SYS_mkdir,
    mknod SYS_mknod, open SYS_open, pipe SYS_pipe, rename SYS_rename,
    renameat SYS_renameat, rmdir SYS_rmdir, signalfd SYS_signalfd, stat SYS_stat, symlink SYS_symlink,
    unlink SYS_unlink, vfork SYS_vfork,
}

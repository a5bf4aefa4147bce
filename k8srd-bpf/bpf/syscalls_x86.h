/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * x86-64: where a call's number and arguments are, still at its exit (arch/x86/entry/entry_64.S
 * saves them; only ax is overwritten), and the numbers that the lifecycle hooks need.
 */
#define SYSCALL_NR(regs) GET(regs, orig_ax)
#define SYSCALL_ARG0(regs) GET(regs, di)
#define SYSCALL_ARG1(regs) GET(regs, si)
#define SYSCALL_ARG2(regs) GET(regs, dx)
#define SYSCALL_ARG3(regs) GET(regs, r10)
#define SYSCALL_ARG4(regs) GET(regs, r8)
#define SYSCALL_ARG5(regs) GET(regs, r9)
/* Of a call by a 32-bit program (arch/x86/entry/entry_64_compat.S). */
#define COMPAT_ARG0(regs) GET(regs, bx)
#define COMPAT_ARG1(regs) GET(regs, cx)
#define COMPAT_ARG2(regs) GET(regs, dx)
#define COMPAT_ARG3(regs) GET(regs, si)
#define COMPAT_ARG4(regs) GET(regs, di)
#define COMPAT_ARG5(regs) GET(regs, bp)

/* One call for all of i386's sockets: its number, and a pointer to the arguments. */
#define NR_COMPAT_socketcall 102

#define NR_connect 42
#define NR_openat 257
#define NR_openat2 437
#define NR_clone 56
#define NR_fork 57
#define NR_vfork 58
#define NR_execveat 322
#define NR_clone3 435

/* x32 calls carry a bit in their number; they take 32-bit structures. */
#define X32_BIT 0x40000000
/* TS_COMPAT of arch/x86/include/asm/thread_info.h: set from entry to exit of a 32-bit call. */
#define TASK_IN_COMPAT(task) ((GET(task, thread_info.status) & 0x2) != 0)

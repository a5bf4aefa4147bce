/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arm64: x0 is the result at exit, so the first argument is only in orig_x0. There is no open,
 * creat, fork or vfork.
 */
#define SYSCALL_NR(regs) ((__u64)(__s64)GET(regs, syscallno))
#define SYSCALL_ARG0(regs) GET(regs, orig_x0)
#define SYSCALL_ARG1(regs) GET(regs, regs[1])
#define SYSCALL_ARG2(regs) GET(regs, regs[2])
#define SYSCALL_ARG3(regs) GET(regs, regs[3])
#define SYSCALL_ARG4(regs) GET(regs, regs[4])
#define SYSCALL_ARG5(regs) GET(regs, regs[5])
/* 32-bit programs use the same registers. */
#define COMPAT_ARG0 SYSCALL_ARG0
#define COMPAT_ARG1 SYSCALL_ARG1
#define COMPAT_ARG2 SYSCALL_ARG2
#define COMPAT_ARG3 SYSCALL_ARG3
#define COMPAT_ARG4 SYSCALL_ARG4
#define COMPAT_ARG5 SYSCALL_ARG5

#define NR_connect 203
#define NR_openat 56
#define NR_openat2 437
#define NR_clone 220
#define NR_execveat 281
#define NR_clone3 435

/* TIF_32BIT of arch/arm64/include/asm/thread_info.h: set for as long as the image is a 32-bit one. */
#define TASK_IN_COMPAT(task) ((GET(task, thread_info.flags) & (1UL << 22)) != 0)

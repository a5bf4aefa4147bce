/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire between the kernel programs and user space, as one table.
 *
 * abi.h expands it into C static assertions and constants; src/abi.rs reads the very same text in
 * constant evaluation. So a field that moves, grows or goes on one side is a compile error on that
 * side, and on the other one as soon as this table follows it. Change a row => raise ABI.
 *
 *   VALUE(name, number)                 a constant that both sides use
 *   SIZE(struct, bytes)                 the size of struct k8srd_<struct>
 *   FIELD(struct, field, offset, bytes) one field; rows of a struct are in order and leave no hole
 *
 * One row a line, decimal numbers: the Rust side has no C preprocessor.
 */

VALUE(ABI, 2)

/* Falco's event codes (exit events; reference: driver/ppm_events_public.h of falcosecurity/libs). */
VALUE(KIND_OPEN, 3)
VALUE(KIND_CREAT, 59)
VALUE(KIND_PROCEXIT, 186)
VALUE(KIND_CLONE, 223)
VALUE(KIND_FORK, 225)
VALUE(KIND_VFORK, 227)
VALUE(KIND_EXECVE, 293)
VALUE(KIND_OPENAT, 307)
VALUE(KIND_OPENAT2, 327)
VALUE(KIND_EXECVEAT, 331)
VALUE(KIND_CLONE3, 335)
/* Ours: one row of the task iterator; its body is that of an exec. */
VALUE(KIND_TASK, 65281)

/* Bits of header.flags. "Path" is the resolved path (of an exec: of the executable), "base" the
 * directory a relative name starts from (of an exec or a task row: the working directory too). */
VALUE(FLAG_NAME_TRUNCATED, 1)
VALUE(FLAG_ARGS_TRUNCATED, 2)
VALUE(FLAG_ENV_TRUNCATED, 4)
VALUE(FLAG_PATH_TRUNCATED, 8)
VALUE(FLAG_BASE_TRUNCATED, 16)
VALUE(FLAG_CGROUP_TRUNCATED, 32)
VALUE(FLAG_NAME_FAULT, 64)
VALUE(FLAG_ARGS_FAULT, 128)
VALUE(FLAG_ENV_FAULT, 256)
VALUE(FLAG_ADDR_FAULT, 512)
VALUE(FLAG_PATH_DELETED, 1024)
VALUE(FLAG_BASE_DELETED, 2048)
VALUE(FLAG_PATH_UNREACHABLE, 4096)
VALUE(FLAG_BASE_UNREACHABLE, 8192)
/* The task is in a 32-bit (or x32) call: the kind of a lifecycle record is the family's default. */
VALUE(FLAG_COMPAT, 16384)
/* The whole thread group is gone (procexit). */
VALUE(FLAG_GROUP_DEAD, 32768)
/* clone_flags were derived from what parent and child share: the caller's were out of reach. */
VALUE(FLAG_CLONE_DERIVED, 65536)
/* The file has no name in the file system (memfd, pipe, socket); its path is "/" and its label. */
VALUE(FLAG_PATH_PSEUDO, 131072)
/* A buffer, or what leads to it (vectors, message headers), could not be read. */
VALUE(FLAG_DATA_FAULT, 524288)
/* The call has more messages or vectors than were read. */
VALUE(FLAG_DATA_TRUNCATED, 1048576)
/* Set by user space only: the record came after the watermark had passed its time. */
VALUE(FLAG_LATE, 262144)
/* Which hook wrote the record: (flags >> HOOK_SHIFT) & HOOK_MASK. */
VALUE(HOOK_SHIFT, 28)
VALUE(HOOK_MASK, 7)
VALUE(HOOK_SYS_EXIT, 0)
VALUE(HOOK_EXEC, 1)
VALUE(HOOK_FORK, 2)
VALUE(HOOK_EXIT, 3)
VALUE(HOOK_ITER, 4)
VALUE(HOOK_RING, 5)

/* exec.exe_flags: Falco's PPM_EXE_* bits. */
VALUE(EXE_WRITABLE, 1)
VALUE(EXE_UPPER_LAYER, 2)
VALUE(EXE_FROM_MEMFD, 4)
VALUE(EXE_LOWER_LAYER, 8)

/* open.layer: where an overlay file system keeps the file. */
VALUE(LAYER_NONE, 0)
VALUE(LAYER_UPPER, 1)
VALUE(LAYER_LOWER, 2)

/* Slots of the per-CPU map `counters`, each a u64 that only grows. On each ring and CPU:
 * PRODUCED = records a reader gets + LOST (+ SHED, data rings). PRODUCED is also the next header.seq of that ring and CPU. */
VALUE(COUNTER_PRODUCED_LIFECYCLE, 0)
VALUE(COUNTER_PRODUCED_DATA, 1)
VALUE(COUNTER_LOST_LIFECYCLE, 2)
VALUE(COUNTER_LOST_DATA, 3)
/* What a record lacks; the record itself is delivered and carries the flag. */
VALUE(COUNTER_COPY_FAULT, 4)
VALUE(COUNTER_PATH_TOO_DEEP, 5)
VALUE(COUNTER_NAME_TRUNCATED, 6)
VALUE(COUNTER_ARGS_TRUNCATED, 7)
VALUE(COUNTER_ENV_TRUNCATED, 8)
/* 32-bit calls that were seen and not decoded: no record. */
VALUE(COUNTER_COMPAT, 9)
/* Calls of the agent's own thread group that were dropped on purpose: no record. */
VALUE(COUNTER_OWN, 10)
/* Calls with more messages or vectors than were read. */
VALUE(COUNTER_DATA_TRUNCATED, 11)
/* Records for a data ring that were dropped on purpose: the slot of the first class, one for each. */
VALUE(COUNTER_SHED, 12)
VALUE(COUNTERS, 20)

/* plan.form: what writes the record of the call. */
VALUE(FORM_CALL, 1)
VALUE(FORM_OPEN, 2)
VALUE(FORM_EXEC, 3)
VALUE(FORM_CLONE, 4)

/* Bits of plan.flags. */
/* Arguments are in memory, as 32-bit numbers: at the first argument. */
VALUE(PLAN_PACKED, 1)
/* Not until `prot` (the third argument) has PROT_EXEC. */
VALUE(PLAN_EXECUTABLE, 2)
/* Nor until the memory is anonymous (`flags`, the fourth argument) or writable, too. */
VALUE(PLAN_UNBACKED, 4)
/* Facts of the descriptor; of a file its path; of a listening socket its queue. */
VALUE(PLAN_DESCRIPTOR, 8)
VALUE(PLAN_PATH, 16)
VALUE(PLAN_QUEUE, 32)
/* Directories that relative names start from. */
VALUE(PLAN_BASE, 64)
/* What the process uses. */
VALUE(PLAN_USAGE, 128)

/* plan.descriptor, and read.directory: 0 is none, 1 to 6 are arguments. */
VALUE(DESCRIPTOR_RESULT, 7)
VALUE(DESCRIPTOR_FIXED, 8)
VALUE(DIRECTORY_WORKING, 7)

/* read.how. Of an address, given or (once the call succeeded) filled in, with its length or the
 * address of its length in argument `len`. */
VALUE(READ_GIVEN, 1)
VALUE(READ_FILLED, 2)
/* Of a buffer: given (what the result says was taken, else argument `len`), filled (as the result
 * says), given with the length in `len` whatever the result, filled with the length at `len`. */
VALUE(READ_TAKEN, 3)
VALUE(READ_RESULT, 4)
VALUE(READ_WHOLE, 5)
VALUE(READ_POINTED, 6)
/* Vectors, `len` of them; a message; `result` messages, a record each. Given or filled. */
VALUE(READ_VECTORS_GIVEN, 7)
VALUE(READ_VECTORS_FILLED, 8)
VALUE(READ_MESSAGE_GIVEN, 9)
VALUE(READ_MESSAGE_FILLED, 10)
VALUE(READ_MESSAGES_GIVEN, 11)
VALUE(READ_MESSAGES_FILLED, 12)
/* Of a struct: `size` bytes, or `size` bytes once the call succeeded. */
VALUE(READ_STRUCT, 13)
VALUE(READ_STRUCT_FILLED, 14)

/* Limits. */
VALUE(PLANS, 1056)
VALUE(SOCKETCALLS, 32)
VALUE(SNAP_MAX, 4096)
VALUE(CONTROL_MAX, 1024)
VALUE(FIXED_MAX, 128)
VALUE(VECTORS_MAX, 1024)
VALUE(MESSAGES_MAX, 16)
VALUE(SYSCALLS, 512)
VALUE(SHED_CLASSES, 8)
/* A row for each kind: events by their code, then calls without an event of their own. */
VALUE(KIND_CODES, 512)
VALUE(KIND_PLACES, 1024)
VALUE(KIND_FIRST_CALL, 57344)
VALUE(ARGS_MAX, 4096)
VALUE(PATH_MAX, 4096)
VALUE(CGROUP_MAX, 2048)
VALUE(SOCKADDR_MAX, 128)
VALUE(RECORD_MAX, 30720)
VALUE(BODY, 240)

SIZE(header, 32)
FIELD(header, size, 0, 4)
FIELD(header, abi, 4, 2)
FIELD(header, kind, 6, 2)
FIELD(header, time, 8, 8)
FIELD(header, seq, 16, 8)
FIELD(header, cpu, 24, 4)
FIELD(header, flags, 28, 4)

SIZE(context, 208)
FIELD(context, start_time, 0, 8)
FIELD(context, leader_start_time, 8, 8)
FIELD(context, parent_start_time, 16, 8)
FIELD(context, pidns_start_time, 24, 8)
FIELD(context, exec_id, 32, 8)
FIELD(context, cap_inheritable, 40, 8)
FIELD(context, cap_permitted, 48, 8)
FIELD(context, cap_effective, 56, 8)
FIELD(context, cgroup_id, 64, 8)
FIELD(context, cgroup_v1_id, 72, 8)
FIELD(context, tid, 80, 4)
FIELD(context, tgid, 84, 4)
FIELD(context, ppid, 88, 4)
FIELD(context, vtid, 92, 4)
FIELD(context, vpid, 96, 4)
FIELD(context, pgid, 100, 4)
FIELD(context, sid, 104, 4)
FIELD(context, vpgid, 108, 4)
FIELD(context, vsid, 112, 4)
FIELD(context, task_flags, 116, 4)
FIELD(context, uid, 120, 4)
FIELD(context, euid, 124, 4)
FIELD(context, suid, 128, 4)
FIELD(context, fsuid, 132, 4)
FIELD(context, gid, 136, 4)
FIELD(context, egid, 140, 4)
FIELD(context, sgid, 144, 4)
FIELD(context, fsgid, 148, 4)
FIELD(context, loginuid, 152, 4)
FIELD(context, tty, 156, 4)
FIELD(context, ns_mnt, 160, 4)
FIELD(context, ns_pid, 164, 4)
FIELD(context, ns_net, 168, 4)
FIELD(context, ns_user, 172, 4)
FIELD(context, ns_uts, 176, 4)
FIELD(context, ns_ipc, 180, 4)
FIELD(context, ns_cgroup, 184, 4)
FIELD(context, reserved, 188, 4)
FIELD(context, comm, 192, 16)

SIZE(part, 4)
FIELD(part, offset, 0, 2)
FIELD(part, len, 2, 2)

SIZE(usage, 40)
FIELD(usage, fd_limit, 0, 8)
FIELD(usage, maj_faults, 8, 8)
FIELD(usage, min_faults, 16, 8)
FIELD(usage, vm_size, 24, 4)
FIELD(usage, vm_rss, 28, 4)
FIELD(usage, vm_swap, 32, 4)
FIELD(usage, reserved, 36, 4)

SIZE(open, 72)
FIELD(open, res, 0, 8)
FIELD(open, open_flags, 8, 8)
FIELD(open, resolve, 16, 8)
FIELD(open, ino, 24, 8)
FIELD(open, mode, 32, 4)
FIELD(open, dirfd, 36, 4)
FIELD(open, dev, 40, 4)
FIELD(open, file_mode, 44, 4)
FIELD(open, fmode, 48, 4)
FIELD(open, layer, 52, 4)
FIELD(open, name, 56, 4)
FIELD(open, base, 60, 4)
FIELD(open, path, 64, 4)
FIELD(open, reserved, 68, 4)

SIZE(call, 120)
FIELD(call, res, 0, 8)
FIELD(call, args, 8, 48)
FIELD(call, total, 56, 8)
FIELD(call, descriptor, 64, 4)
FIELD(call, text, 68, 12)
FIELD(call, base, 80, 12)
FIELD(call, addr, 92, 4)
FIELD(call, data, 96, 4)
FIELD(call, control, 100, 4)
FIELD(call, fixed, 104, 8)
FIELD(call, about, 112, 4)
FIELD(call, usage, 116, 4)

SIZE(descriptor, 112)
FIELD(descriptor, ino, 0, 8)
FIELD(descriptor, sock, 8, 8)
FIELD(descriptor, peer, 16, 8)
FIELD(descriptor, dev, 24, 4)
FIELD(descriptor, mode, 28, 4)
FIELD(descriptor, fmode, 32, 4)
FIELD(descriptor, layer, 36, 4)
FIELD(descriptor, queue_len, 40, 4)
FIELD(descriptor, queue_max, 44, 4)
FIELD(descriptor, family, 48, 2)
FIELD(descriptor, type, 50, 2)
FIELD(descriptor, protocol, 52, 2)
FIELD(descriptor, state, 54, 2)
FIELD(descriptor, local_port, 56, 2)
FIELD(descriptor, remote_port, 58, 2)
FIELD(descriptor, what, 60, 4)
FIELD(descriptor, local_addr, 64, 16)
FIELD(descriptor, remote_addr, 80, 16)
FIELD(descriptor, path, 96, 4)
FIELD(descriptor, local_path, 100, 4)
FIELD(descriptor, remote_path, 104, 4)
FIELD(descriptor, magic, 108, 4)

/* How one argument is read: of a call whose argument `when_arg` is, shifted, one of `when`. `arg` and
 * `len` count from 1; 0 is nothing. */
SIZE(read, 16)
FIELD(read, when, 0, 8)
FIELD(read, arg, 8, 1)
FIELD(read, len, 9, 1)
FIELD(read, how, 10, 1)
FIELD(read, directory, 11, 1)
FIELD(read, size, 12, 2)
FIELD(read, compat_size, 14, 2)

/* How a call becomes a record: the value of the map `plans`. User space writes it. */
SIZE(plan, 128)
FIELD(plan, kind, 0, 2)
FIELD(plan, form, 2, 1)
FIELD(plan, descriptor, 3, 1)
FIELD(plan, flags, 4, 4)
FIELD(plan, snap, 8, 4)
FIELD(plan, when_arg, 12, 1)
FIELD(plan, when_shift, 13, 1)
FIELD(plan, reserved, 14, 2)
FIELD(plan, text, 16, 48)
FIELD(plan, addr, 64, 16)
FIELD(plan, data, 80, 16)
FIELD(plan, fixed, 96, 32)

SIZE(exec, 136)
FIELD(exec, res, 0, 8)
FIELD(exec, exe_ino, 8, 8)
FIELD(exec, exe_ctime, 16, 8)
FIELD(exec, exe_mtime, 24, 8)
FIELD(exec, exe_dev, 32, 4)
FIELD(exec, exe_flags, 36, 4)
FIELD(exec, old_tid, 40, 4)
FIELD(exec, dirfd, 44, 4)
FIELD(exec, at_flags, 48, 4)
FIELD(exec, args_size, 52, 4)
FIELD(exec, env_size, 56, 4)
FIELD(exec, reserved, 60, 4)
FIELD(exec, usage, 64, 40)
FIELD(exec, filename, 104, 4)
FIELD(exec, exepath, 108, 4)
FIELD(exec, cwd, 112, 4)
FIELD(exec, base, 116, 4)
FIELD(exec, args, 120, 4)
FIELD(exec, env, 124, 4)
FIELD(exec, cgroup, 128, 4)
FIELD(exec, cgroup_v1, 132, 4)

SIZE(clone, 280)
FIELD(clone, res, 0, 8)
FIELD(clone, clone_flags, 8, 8)
FIELD(clone, exit_signal, 16, 4)
FIELD(clone, reserved, 20, 4)
FIELD(clone, usage, 24, 40)
FIELD(clone, child, 64, 208)
FIELD(clone, cgroup, 272, 4)
FIELD(clone, cgroup_v1, 276, 4)

SIZE(procexit, 16)
FIELD(procexit, status, 0, 4)
FIELD(procexit, reaper_tid, 4, 4)
FIELD(procexit, threads_left, 8, 4)
FIELD(procexit, reserved, 12, 4)

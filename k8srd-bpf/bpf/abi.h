/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records: what the kernel programs write and user space reads.
 *
 *   header | context | body of the kind | tail
 *
 * Header and context are the same for each kind, so every body starts at K8SRD_BODY. A `part` of a
 * body names a stretch of the tail, by offset from the start of the record; length 0 means that
 * there is nothing. Little-endian; no holes; each `reserved` is zero. Ids are those of the initial
 * pid and user namespaces; v* are those of the task's own pid namespace; times are nanoseconds
 * since boot (CLOCK_BOOTTIME) unless said otherwise. Units and sources are told once, in src/abi.rs.
 */
#ifndef K8SRD_ABI_H
#define K8SRD_ABI_H

struct k8srd_header {
	__u32 size;
	__u16 abi;
	__u16 kind;
	__u64 time;
	__u64 seq;
	__u32 cpu;
	__u32 flags;
};

struct k8srd_context {
	__u64 start_time;
	__u64 leader_start_time;
	__u64 parent_start_time;
	__u64 pidns_start_time;
	__u64 exec_id;
	__u64 cap_inheritable;
	__u64 cap_permitted;
	__u64 cap_effective;
	__u64 cgroup_id;
	__u64 cgroup_v1_id;
	__u32 tid;
	__u32 tgid;
	__u32 ppid;
	__u32 vtid;
	__u32 vpid;
	__u32 pgid;
	__u32 sid;
	__u32 vpgid;
	__u32 vsid;
	__u32 task_flags;
	__u32 uid;
	__u32 euid;
	__u32 suid;
	__u32 fsuid;
	__u32 gid;
	__u32 egid;
	__u32 sgid;
	__u32 fsgid;
	__u32 loginuid;
	__u32 tty;
	__u32 ns_mnt;
	__u32 ns_pid;
	__u32 ns_net;
	__u32 ns_user;
	__u32 ns_uts;
	__u32 ns_ipc;
	__u32 ns_cgroup;
	__u32 reserved;
	char comm[16];
};

struct k8srd_part {
	__u16 offset;
	__u16 len;
};

struct k8srd_usage {
	__s64 fd_limit;
	__u64 maj_faults;
	__u64 min_faults;
	__u32 vm_size;
	__u32 vm_rss;
	__u32 vm_swap;
	__u32 reserved;
};

struct k8srd_open {
	__s64 res;
	__u64 open_flags;
	__u64 resolve;
	__u64 ino;
	__u32 mode;
	__s32 dirfd;
	__u32 dev;
	__u32 file_mode;
	__u32 fmode;
	__u32 layer;
	struct k8srd_part name;
	struct k8srd_part base;
	struct k8srd_part path;
	__u32 reserved;
};

/* Any call that no body of its own tells; `text` and `fixed` are in order, `base` belongs to `text`. */
struct k8srd_call {
	__s64 res;
	__u64 args[6];
	__u64 total;
	__s32 descriptor;
	struct k8srd_part text[3];
	struct k8srd_part base[3];
	struct k8srd_part addr;
	struct k8srd_part data;
	struct k8srd_part control;
	struct k8srd_part fixed[2];
	struct k8srd_part about;
	struct k8srd_part usage;
};

/* What a descriptor is of; in the tail of a call. */
struct k8srd_descriptor {
	__u64 ino;
	__u64 sock;
	__u64 peer;
	__u32 dev;
	__u32 mode;
	__u32 fmode;
	__u32 layer;
	__u32 queue_len;
	__u32 queue_max;
	__u16 family;
	__u16 type;
	__u16 protocol;
	__u16 state;
	__u16 local_port;
	__u16 remote_port;
	__u32 what;
	__u8 local_addr[16];
	__u8 remote_addr[16];
	struct k8srd_part path;
	struct k8srd_part local_path;
	struct k8srd_part remote_path;
	__u32 magic;
};

struct k8srd_read {
	__u64 when;
	__u8 arg;
	__u8 len;
	__u8 how;
	__u8 directory;
	__u16 size;
	__u16 compat_size;
};

struct k8srd_plan {
	__u16 kind;
	__u8 form;
	__u8 descriptor;
	__u32 flags;
	__u32 snap;
	__u8 when_arg;
	__u8 when_shift;
	__u16 reserved;
	struct k8srd_read text[3];
	struct k8srd_read addr;
	struct k8srd_read data;
	struct k8srd_read fixed[2];
};

/* Also the body of KIND_TASK. */
struct k8srd_exec {
	__s64 res;
	__u64 exe_ino;
	__u64 exe_ctime;
	__u64 exe_mtime;
	__u32 exe_dev;
	__u32 exe_flags;
	__u32 old_tid;
	__s32 dirfd;
	__u32 at_flags;
	__u32 args_size;
	__u32 env_size;
	__u32 reserved;
	struct k8srd_usage usage;
	struct k8srd_part filename;
	struct k8srd_part exepath;
	struct k8srd_part cwd;
	struct k8srd_part base;
	struct k8srd_part args;
	struct k8srd_part env;
	struct k8srd_part cgroup;
	struct k8srd_part cgroup_v1;
};

struct k8srd_clone {
	__s64 res;
	__u64 clone_flags;
	__u32 exit_signal;
	__u32 reserved;
	struct k8srd_usage usage;
	struct k8srd_context child;
	struct k8srd_part cgroup;
	struct k8srd_part cgroup_v1;
};

struct k8srd_procexit {
	__u32 status;
	__u32 reaper_tid;
	__u32 threads_left;
	__u32 reserved;
};

/* The table, as constants: K8SRD_<name>. */
enum k8srd_values {
#define VALUE(name, number) K8SRD_##name = number,
#define SIZE(type, bytes)
#define FIELD(type, field, offset, bytes)
#include "layout.h"
#undef VALUE
#undef SIZE
#undef FIELD
};

/* The table, as assertions. */
#define VALUE(name, number)
#define SIZE(type, bytes) \
	_Static_assert(sizeof(struct k8srd_##type) == bytes, "size of " #type " is not layout.h's");
#define FIELD(type, field, offset, bytes)                                                  \
	_Static_assert(__builtin_offsetof(struct k8srd_##type, field) == offset &&          \
			       sizeof(((struct k8srd_##type *)0)->field) == bytes,          \
		       #type "." #field " is not where layout.h says");
#include "layout.h"
#undef VALUE
#undef SIZE
#undef FIELD

_Static_assert(sizeof(struct k8srd_header) + sizeof(struct k8srd_context) == K8SRD_BODY,
	       "a body starts behind header and context");

/* All fields together are as long as all structs together: no row is missing, no hole is left. */
_Static_assert(0
#define VALUE(name, number)
#define SIZE(type, bytes) + bytes
#define FIELD(type, field, offset, bytes) - bytes
#include "layout.h"
#undef VALUE
#undef SIZE
#undef FIELD
		       == 0,
	       "layout.h has a hole: a field without a row, or padding");

#endif

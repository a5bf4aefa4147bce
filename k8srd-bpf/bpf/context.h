/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The task context: what task_struct says at this moment. `task` is a typed pointer, so most reads
 * are plain loads (a bad address reads as zero); the rest, in arrays that BTF cannot type, are
 * probe reads.
 */
#ifndef K8SRD_CONTEXT_H
#define K8SRD_CONTEXT_H

#if defined(__TARGET_ARCH_x86)
#include "syscalls_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "syscalls_arm64.h"
#else
#error "no system call table for this architecture"
#endif

/* Options, set before loading. */
const volatile __u32 page_kib = 4;

/* The 32-bit form of a device number that stat(2) gives: new_encode_dev of include/linux/kdev_t.h. */
ALWAYS_INLINE __u32 user_dev(__u32 major, __u32 minor)
{
	return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

ALWAYS_INLINE __u32 user_dev_of(__u32 dev)
{
	return user_dev(dev >> 20, dev & 0xfffff);
}

/* A pid as a namespace `level` deep sees it (pid_nr_ns of kernel/pid.c); 0 if it is not in there. */
ALWAYS_INLINE __u32 pid_nr(struct pid *pid, __u32 level, struct pid_namespace *ns)
{
	if (!pid || level > BPF_CORE_READ(pid, level))
		return 0;
	struct upid *number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			      level * bpf_core_type_size(struct upid);
	if (ns && BPF_CORE_READ(number, ns) != ns)
		return 0;
	return BPF_CORE_READ(number, nr);
}

ALWAYS_INLINE struct pid_namespace *pid_namespace_of(struct pid *pid, __u32 level)
{
	struct upid *number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			      level * bpf_core_type_size(struct upid);
	return BPF_CORE_READ(number, ns);
}

ALWAYS_INLINE struct cgroup *v2_cgroup(struct task_struct *task)
{
	struct css_set *set = GET(task, cgroups);
	return set ? GET(set, dfl_cgrp) : 0;
}

/* The cgroup of a controller that is on a v1 hierarchy. The index of `subsys` is the running kernel's,
 * so the address is computed; the verifier knows the constant and still types the load. */
ALWAYS_INLINE struct cgroup *v1_cgroup_of(struct css_set *set, struct cgroup_root *v2, __u32 subsys)
{
	struct cgroup_subsys_state **slot = (void *)set +
					    bpf_core_field_offset(struct css_set, subsys) +
					    subsys * sizeof(*slot);
	struct cgroup_subsys_state *css;
	COPY(&css, slot);
	if (!css)
		return 0;
	struct cgroup *cgroup = GET(css, cgroup);
	if (!cgroup)
		return 0;
	return GET(cgroup, root) != v2 ? cgroup : 0;
}

/* Memory's v1 cgroup, else that of pids. */
ALWAYS_INLINE struct cgroup *v1_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = 0;
	struct css_set *set = GET(task, cgroups);
	if (!set)
		return 0;
	struct cgroup *v2 = GET(set, dfl_cgrp);
	if (!v2)
		return 0;
	struct cgroup_root *root = GET(v2, root);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		cgroup = v1_cgroup_of(set, root, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!cgroup && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		cgroup = v1_cgroup_of(set, root, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	return cgroup;
}

/*
 * A pointer that the verifier no longer types. It allows no address of a typed one to be computed
 * with a variable (before 6.5 not even for a probe read), and forgets the type of what went through
 * memory of a map.
 */
ALWAYS_INLINE void *untyped(volatile __u64 *through, void *typed)
{
	*through = (__u64)typed;
	return (void *)*through;
}

ALWAYS_INLINE void fill_ids(struct k8srd_context *c, struct task_struct *task)
{
	struct task_struct *leader = GET(task, group_leader);
	struct task_struct *parent = GET(task, real_parent);
	struct pid *pid = GET(task, thread_pid);

	c->tid = GET(task, pid);
	c->tgid = GET(task, tgid);
	c->ppid = GET(parent, tgid);
	c->start_time = GET(task, start_boottime);
	c->leader_start_time = GET(leader, start_boottime);
	c->parent_start_time = GET(parent, group_leader, start_boottime);
	c->exec_id = GET(task, self_exec_id);
	c->task_flags = GET(task, flags);
	COPY(c->comm, &task->comm);

	struct signal_struct *signal = GET(task, signal);
	struct pid *group = GET(signal, pids[PIDTYPE_PGID]);
	struct pid *session = GET(signal, pids[PIDTYPE_SID]);
	c->pgid = group ? GET(group, numbers[0].nr) : 0;
	c->sid = session ? GET(session, numbers[0].nr) : 0;

	/* A task that was reaped has no pid any more, and no namespace to be seen from. */
	__u32 level = pid ? GET(pid, level) : 0;
	if (level == 0) {
		struct pid_namespace *ns = pid ? GET(pid, numbers[0].ns) : 0;
		c->ns_pid = ns ? GET(ns, ns.inum) : 0;
		c->pidns_start_time = ns ? GET(ns, child_reaper, start_boottime) : 0;
		c->vtid = c->tid;
		c->vpid = c->tgid;
		c->vpgid = c->pgid;
		c->vsid = c->sid;
	} else {
		volatile __u64 *through = &c->pidns_start_time;
		pid = untyped(through, pid);
		struct pid_namespace *ns = pid_namespace_of(pid, level);
		c->vtid = pid_nr(pid, level, ns);
		c->vpid = pid_nr(untyped(through, GET(leader, thread_pid)), level, ns);
		c->vpgid = pid_nr(untyped(through, group), level, ns);
		c->vsid = pid_nr(untyped(through, session), level, ns);
		c->ns_pid = BPF_CORE_READ(ns, ns.inum);
		c->pidns_start_time = BPF_CORE_READ(ns, child_reaper, start_boottime);
	}

	struct tty_struct *tty = GET(signal, tty);
	c->tty = 0;
	if (tty) {
		struct tty_driver *driver = GET(tty, driver);
		c->tty = user_dev(GET(driver, major), GET(driver, minor_start) + GET(tty, index));
	}
}

/* A capability set: one u64, or two u32 of which the low half is first. */
#define CAPABILITIES(cred, set)                                                            \
	({                                                                                 \
		const struct cred___pair *pair = (const void *)(cred);                     \
		bpf_core_field_exists((cred)->set.val) ?                                   \
			GET(cred, set.val) :                                               \
			GET(pair, set.cap[0]) | (__u64)GET(pair, set.cap[1]) << 32;        \
	})

ALWAYS_INLINE void fill_credentials(struct k8srd_context *c, struct task_struct *task)
{
	const struct cred *cred = GET(task, cred);
	c->uid = GET(cred, uid.val);
	c->euid = GET(cred, euid.val);
	c->suid = GET(cred, suid.val);
	c->fsuid = GET(cred, fsuid.val);
	c->gid = GET(cred, gid.val);
	c->egid = GET(cred, egid.val);
	c->sgid = GET(cred, sgid.val);
	c->fsgid = GET(cred, fsgid.val);
	c->cap_inheritable = CAPABILITIES(cred, cap_inheritable);
	c->cap_permitted = CAPABILITIES(cred, cap_permitted);
	c->cap_effective = CAPABILITIES(cred, cap_effective);
	c->ns_user = GET(cred, user_ns, ns.inum);
	c->loginuid = bpf_core_field_exists(task->loginuid) ? GET(task, loginuid.val) : (__u32)-1;
}

ALWAYS_INLINE void fill_places(struct k8srd_context *c, struct task_struct *task)
{
	struct nsproxy *ns = GET(task, nsproxy);
	c->ns_mnt = GET(ns, mnt_ns, ns.inum);
	c->ns_net = GET(ns, net_ns, ns.inum);
	c->ns_uts = GET(ns, uts_ns, ns.inum);
	c->ns_ipc = GET(ns, ipc_ns, ns.inum);
	c->ns_cgroup = GET(ns, cgroup_ns, ns.inum);
	struct cgroup *v2 = v2_cgroup(task);
	c->cgroup_id = v2 ? GET(v2, kn, id) : 0;
	struct cgroup *v1 = v1_cgroup(task);
	c->cgroup_v1_id = v1 ? GET(v1, kn, id) : 0;
	c->reserved = 0;
}

NOINLINE int fill_context(struct k8srd_context *c, struct task_struct *task)
{
	fill_ids(c, task);
	fill_credentials(c, task);
	fill_places(c, task);
	return 0;
}

/* Pages of one kind. `which` has to be a literal: a variable index would not be relocated. */
#define MM_PAGES(mm, which)                                                                \
	({                                                                                 \
		struct mm_struct___atomic *atomic = (void *)(mm);                          \
		__s64 pages;                                                               \
		if (bpf_core_field_exists(atomic->rss_stat.count))                         \
			pages = BPF_CORE_READ(atomic, rss_stat.count[which].counter);      \
		else                                                                       \
			pages = BPF_CORE_READ((mm), rss_stat[which].count);                \
		pages > 0 ? pages : 0;                                                     \
	})

ALWAYS_INLINE void fill_usage(struct k8srd_usage *u, struct task_struct *task)
{
	struct mm_struct *mm = GET(task, mm);
	/* RLIM_INFINITY is all ones: -1. */
	u->fd_limit = BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
	u->maj_faults = GET(task, maj_flt);
	u->min_faults = GET(task, min_flt);
	if (!mm)
		return;
	__u32 kib = page_kib;
	u->vm_size = GET(mm, total_vm) * kib;
	u->vm_rss = (MM_PAGES(mm, MM_FILEPAGES) + MM_PAGES(mm, MM_ANONPAGES) +
		     MM_PAGES(mm, MM_SHMEMPAGES)) * kib;
	u->vm_swap = MM_PAGES(mm, MM_SWAPENTS) * kib;
}

/* A call by a 32-bit program: other numbers, other structures. */
ALWAYS_INLINE bool in_compat_call(struct task_struct *task, __u64 nr)
{
#ifdef X32_BIT
	if (nr & X32_BIT)
		return true;
#endif
	return TASK_IN_COMPAT(task);
}

/* What a compat call's entry in `syscalls` says: x32 has the numbers of x86-64, i386 its own. */
ALWAYS_INLINE __u16 compat_kind(__u64 nr, __u32 kinds)
{
#ifdef X32_BIT
	if (nr & X32_BIT)
		return kinds;
#endif
	return kinds >> 16;
}

ALWAYS_INLINE bool is_kernel_thread(struct task_struct *task)
{
	return GET(task, flags) & (PF_KTHREAD | PF_IO_WORKER);
}

#endif

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
	struct css_set *set = task->cgroups;
	return set ? set->dfl_cgrp : 0;
}

/* The cgroup of a controller that is on a v1 hierarchy: memory's, else pids'. */
ALWAYS_INLINE struct cgroup *v1_cgroup_of(struct css_set *set, struct cgroup_root *v2, __u32 subsys)
{
	struct cgroup_subsys_state *css = 0;
	bpf_core_read(&css, sizeof(css), &set->subsys[subsys]);
	struct cgroup *cgroup = BPF_CORE_READ(css, cgroup);
	return cgroup && BPF_CORE_READ(cgroup, root) != v2 ? cgroup : 0;
}

ALWAYS_INLINE struct cgroup *v1_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = 0;
	struct css_set *set = task->cgroups;
	if (!set)
		return 0;
	struct cgroup_root *v2 = BPF_CORE_READ(set, dfl_cgrp, root);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		__u32 id = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
		cgroup = v1_cgroup_of(set, v2, id & 15);
	}
	if (!cgroup && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		__u32 id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
		cgroup = v1_cgroup_of(set, v2, id & 15);
	}
	return cgroup;
}

ALWAYS_INLINE void fill_ids(struct k8srd_context *c, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct task_struct *parent = task->real_parent;
	struct pid *pid = task->thread_pid;

	c->tid = task->pid;
	c->tgid = task->tgid;
	c->ppid = parent->tgid;
	c->start_time = task->start_boottime;
	c->leader_start_time = leader->start_boottime;
	c->parent_start_time = parent->group_leader->start_boottime;
	c->exec_id = task->self_exec_id;
	c->task_flags = task->flags;
	__builtin_memcpy(c->comm, task->comm, sizeof(c->comm));

	struct signal_struct *signal = task->signal;
	struct pid *group = BPF_CORE_READ(signal, pids[PIDTYPE_PGID]);
	struct pid *session = BPF_CORE_READ(signal, pids[PIDTYPE_SID]);
	c->pgid = pid_nr(group, 0, 0);
	c->sid = pid_nr(session, 0, 0);

	/* A task that was reaped has no pid any more, and no namespace to be seen from. */
	__u32 level = pid ? pid->level : 0;
	struct pid_namespace *ns = pid ? pid_namespace_of(pid, level) : 0;
	c->ns_pid = BPF_CORE_READ(ns, ns.inum);
	c->pidns_start_time = BPF_CORE_READ(ns, child_reaper, start_boottime);
	if (level == 0) {
		c->vtid = c->tid;
		c->vpid = c->tgid;
		c->vpgid = c->pgid;
		c->vsid = c->sid;
	} else {
		c->vtid = pid_nr(pid, level, ns);
		c->vpid = pid_nr(leader->thread_pid, level, ns);
		c->vpgid = pid_nr(group, level, ns);
		c->vsid = pid_nr(session, level, ns);
	}

	struct tty_struct *tty = signal->tty;
	c->tty = 0;
	if (tty) {
		struct tty_driver *driver = tty->driver;
		c->tty = user_dev(driver->major, driver->minor_start + tty->index);
	}
}

ALWAYS_INLINE __u64 capabilities(kernel_cap_t *cap)
{
	/* One u64 or two u32, low half first: the same eight bytes. */
	__u64 bits = 0;
	bpf_probe_read_kernel(&bits, sizeof(bits), cap);
	return bits;
}

ALWAYS_INLINE void fill_credentials(struct k8srd_context *c, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	c->uid = cred->uid.val;
	c->euid = cred->euid.val;
	c->suid = cred->suid.val;
	c->fsuid = cred->fsuid.val;
	c->gid = cred->gid.val;
	c->egid = cred->egid.val;
	c->sgid = cred->sgid.val;
	c->fsgid = cred->fsgid.val;
	c->cap_inheritable = capabilities((void *)&cred->cap_inheritable);
	c->cap_permitted = capabilities((void *)&cred->cap_permitted);
	c->cap_effective = capabilities((void *)&cred->cap_effective);
	c->ns_user = cred->user_ns->ns.inum;
	c->loginuid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : (__u32)-1;
}

ALWAYS_INLINE void fill_places(struct k8srd_context *c, struct task_struct *task)
{
	struct nsproxy *ns = task->nsproxy;
	c->ns_mnt = ns->mnt_ns->ns.inum;
	c->ns_net = ns->net_ns->ns.inum;
	c->ns_uts = ns->uts_ns->ns.inum;
	c->ns_ipc = ns->ipc_ns->ns.inum;
	c->ns_cgroup = ns->cgroup_ns->ns.inum;
	struct cgroup *cgroup = v2_cgroup(task);
	c->cgroup_id = BPF_CORE_READ(cgroup, kn, id);
	cgroup = v1_cgroup(task);
	c->cgroup_v1_id = BPF_CORE_READ(cgroup, kn, id);
	c->reserved = 0;
}

NOINLINE int fill_context(struct k8srd_context *c, struct task_struct *task)
{
	fill_ids(c, task);
	fill_credentials(c, task);
	fill_places(c, task);
	return 0;
}

ALWAYS_INLINE __u32 resident(struct mm_struct *mm, __u32 counter)
{
	__s64 pages;
	struct mm_struct___atomic *atomic = (void *)mm;
	if (bpf_core_field_exists(atomic->rss_stat.count))
		pages = BPF_CORE_READ(atomic, rss_stat.count[counter].counter);
	else
		pages = BPF_CORE_READ(mm, rss_stat[counter].count);
	return pages > 0 ? pages : 0;
}

ALWAYS_INLINE void fill_usage(struct k8srd_usage *u, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	/* RLIM_INFINITY is all ones: -1. */
	u->fd_limit = BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
	u->maj_faults = task->maj_flt;
	u->min_faults = task->min_flt;
	if (!mm)
		return;
	__u32 kib = page_kib;
	u->vm_size = mm->total_vm * kib;
	u->vm_rss = (resident(mm, MM_FILEPAGES) + resident(mm, MM_ANONPAGES) +
		     resident(mm, MM_SHMEMPAGES)) * kib;
	u->vm_swap = resident(mm, MM_SWAPENTS) * kib;
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
	return task->flags & (PF_KTHREAD | PF_IO_WORKER);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clone, clone3, fork and vfork: one record for a new task, from sched_process_fork, so that no way
 * to make a task is missed; and one for a call that failed, from its exit.
 */
#ifndef K8SRD_CLONE_H
#define K8SRD_CLONE_H

/* What the call said: its kind, CLONE_* and exit signal. */
ALWAYS_INLINE bool clone_call(__u16 kind, __u64 first, struct k8srd_clone *c)
{
	c->exit_signal = SIGCHLD;
	switch (kind) {
	case K8SRD_KIND_CLONE:
		c->clone_flags = first & 0xffffffff & ~CSIGNAL;
		c->exit_signal = first & CSIGNAL;
		return true;
	case K8SRD_KIND_CLONE3: {
		/* struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, … */
		__u64 args[5] = {};
		if (bpf_probe_read_user(args, sizeof(args), (void *)first)) {
			c->exit_signal = 0;
			return false;
		}
		c->clone_flags = args[0];
		c->exit_signal = args[4];
		return true;
	}
	case K8SRD_KIND_VFORK:
		c->clone_flags = CLONE_VFORK | CLONE_VM;
		return true;
	case K8SRD_KIND_FORK:
		return true;
	}
	return false;
}

/* The kind of a call that makes a task; 0 if it is none. */
ALWAYS_INLINE __u16 clone_kind(__u64 nr)
{
	switch (nr) {
	case NR_clone:
		return K8SRD_KIND_CLONE;
	case NR_clone3:
		return K8SRD_KIND_CLONE3;
#ifdef NR_fork
	case NR_fork:
		return K8SRD_KIND_FORK;
#endif
#ifdef NR_vfork
	case NR_vfork:
		return K8SRD_KIND_VFORK;
#endif
	}
	return 0;
}

/* What parent and child share or do not. */
ALWAYS_INLINE __u64 derived_flags(struct task_struct *parent, struct task_struct *child,
				  struct k8srd_context *p, struct k8srd_context *c)
{
	__u64 flags = 0;
	if (GET(child, tgid) == GET(parent, tgid))
		flags |= CLONE_THREAD;
	if (BPF_CORE_READ(child, mm) == BPF_CORE_READ(parent, mm) && BPF_CORE_READ(child, mm))
		flags |= CLONE_VM;
	if (BPF_CORE_READ(child, fs) == BPF_CORE_READ(parent, fs))
		flags |= CLONE_FS;
	if (BPF_CORE_READ(child, files) == BPF_CORE_READ(parent, files))
		flags |= CLONE_FILES;
	if (BPF_CORE_READ(child, sighand) == BPF_CORE_READ(parent, sighand))
		flags |= CLONE_SIGHAND;
	if (p->ns_mnt != c->ns_mnt)
		flags |= CLONE_NEWNS;
	if (p->ns_pid != c->ns_pid)
		flags |= CLONE_NEWPID;
	if (p->ns_net != c->ns_net)
		flags |= CLONE_NEWNET;
	if (p->ns_user != c->ns_user)
		flags |= CLONE_NEWUSER;
	if (p->ns_uts != c->ns_uts)
		flags |= CLONE_NEWUTS;
	if (p->ns_ipc != c->ns_ipc)
		flags |= CLONE_NEWIPC;
	if (p->ns_cgroup != c->ns_cgroup)
		flags |= CLONE_NEWCGROUP;
	return flags;
}

ALWAYS_INLINE void forked(struct task_struct *parent, struct task_struct *child)
{
	if (is_kernel_thread(child))
		return;
	bool thread = GET(child, tgid) == GET(parent, tgid);
	if (thread && is_own(parent)) {
		count(K8SRD_COUNTER_OWN);
		return;
	}
	struct k8srd_header *h = begin(SLOT_FORK, K8SRD_KIND_CLONE, K8SRD_HOOK_FORK,
				       sizeof(struct k8srd_clone));
	struct walk_buffer *buffer = walk_buffer_of(SLOT_FORK);
	if (!h || !buffer)
		return;
	struct k8srd_clone *c = BODY_OF(h);
	fill_context(CONTEXT_OF(h), parent);
	fill_context(&c->child, child);
	fill_usage(&c->usage, child);

	__u16 kind = 0;
	if (!is_kernel_thread(parent)) {
		struct pt_regs *regs = task_regs(parent);
		__u64 nr = regs ? SYSCALL_NR(regs) : 0;
		if (in_compat_call(parent, nr))
			h->flags |= K8SRD_FLAG_COMPAT;
		else
			kind = clone_kind(nr);
		if (kind && !clone_call(kind, SYSCALL_ARG0(regs), c))
			kind = 0;
	}
	if (kind) {
		h->kind = kind;
	} else {
		h->flags |= K8SRD_FLAG_CLONE_DERIVED;
		c->clone_flags = derived_flags(parent, child, CONTEXT_OF(h), &c->child);
	}
	struct pid *parent_pid = GET(parent, thread_pid);
	__u32 level = parent_pid ? GET(parent_pid, level) : 0;
	c->res = pid_nr(BPF_CORE_READ(child, thread_pid), level, 0);

	if (thread) {
		/* Threads of one process share a cgroup, but for threaded ones: no path. A storm of
		 * threads must not fill the ring of the processes. */
		send_data(h);
		return;
	}
	add_cgroup(h, &c->cgroup, buffer, v2_cgroup(child));
	struct cgroup *v1 = v1_cgroup(child);
	if (v1)
		add_cgroup(h, &c->cgroup_v1, buffer, v1);
	send_lifecycle(h);
}

HOOK(sched_process_fork)
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	KEEP_CPU();
	forked(parent, child);
	GIVE_CPU();
	return 0;
}

NOINLINE void clone_failed(struct task_struct *task, struct arguments *a, __u16 kind, long res)
{
	struct k8srd_header *h = begin(SLOT_SYS_EXIT, kind, K8SRD_HOOK_SYS_EXIT,
				       sizeof(struct k8srd_clone));
	if (!h)
		return;
	struct k8srd_clone *c = BODY_OF(h);
	c->res = res;
	if (a->narrow)
		h->flags |= K8SRD_FLAG_COMPAT;
	fill_context(CONTEXT_OF(h), task);
	if (!clone_call(kind, a->at[0], c))
		fault(h, K8SRD_FLAG_ADDR_FAULT);
	fill_usage(&c->usage, task);
	send_data(h);
}

#endif

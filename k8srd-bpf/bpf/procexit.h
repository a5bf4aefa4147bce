/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of a thread. */
#ifndef K8SRD_PROCEXIT_H
#define K8SRD_PROCEXIT_H

#define THREADS_SEARCHED 64
#define ANCESTORS_SEARCHED 32

struct thread_search {
	struct list_head *node, *head;
	__u32 tid;
};

static long thread_step(__u32 i, void *ctx)
{
	struct thread_search *s = ctx;
	struct list_head *node = s->node;
	node = BPF_CORE_READ(node, next);
	if (!node || node == s->head)
		return 1;
	struct task_struct *thread =
		(void *)node - bpf_core_field_offset(struct task_struct, thread_node);
	s->node = node;
	if (BPF_CORE_READ(thread, flags) & PF_EXITING)
		return 0;
	s->tid = BPF_CORE_READ(thread, pid);
	return 1;
}

/* A thread of the group that is not exiting (find_alive_thread of kernel/exit.c), or 0. */
GLOBAL __u32 alive_thread(__u64 signal)
{
	struct list_head *head =
		(void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	struct thread_search s = { .node = head, .head = head };
	LOOP(THREADS_SEARCHED, thread_step, &s);
	return s.tid;
}

/* The nearest ancestor in the same pid namespace that asked for orphans, and has a thread left. */
struct subreaper_search {
	struct task_struct *task;
	__u32 level;
	__u32 tid;
};

static long subreaper_step(__u32 i, void *ctx)
{
	struct subreaper_search *s = ctx;
	struct task_struct *task = s->task;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	if (!parent || parent == task || BPF_CORE_READ(parent, thread_pid, level) != s->level)
		return 1;
	s->task = parent;
	struct signal_struct *signal = BPF_CORE_READ(parent, signal);
	if (BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
		s->tid = alive_thread((__u64)signal);
	return s->tid != 0;
}

/* Who gets the children: find_new_reaper of kernel/exit.c. 0 if there are none. */
NOINLINE __u32 reaper_of(struct task_struct *task)
{
	__u64 children = (__u64)task + bpf_core_field_offset(struct task_struct, children);
	if ((__u64)BPF_CORE_READ(task, children.next) == children)
		return 0;
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	__u32 tid = alive_thread((__u64)signal);
	if (tid)
		return tid;

	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	if (!pid)
		return 0;
	__u32 level = BPF_CORE_READ(pid, level);
	if (BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper)) {
		struct subreaper_search s = { .task = task, .level = level };
		LOOP(ANCESTORS_SEARCHED, subreaper_step, &s);
		if (s.tid)
			return s.tid;
	}
	struct pid_namespace *ns = pid_namespace_of(pid, level);
	return BPF_CORE_READ(ns, child_reaper, pid);
}

ALWAYS_INLINE void exited(struct task_struct *task)
{
	if (is_kernel_thread(task))
		return;
	if (is_own(task)) {
		count(K8SRD_COUNTER_OWN);
		return;
	}
	struct k8srd_header *h = begin(SLOT_EXIT, K8SRD_KIND_PROCEXIT, K8SRD_HOOK_EXIT,
				       sizeof(struct k8srd_procexit));
	if (!h)
		return;
	struct k8srd_procexit *e = BODY_OF(h);
	fill_context(CONTEXT_OF(h), task);
	e->status = GET(task, exit_code);
	/* Threads that have not come here yet: do_exit counts down first. */
	struct signal_struct *signal = GET(task, signal);
	int left = GET(signal, live.counter);
	e->threads_left = left > 0 ? left : 0;
	if (left <= 0)
		h->flags |= K8SRD_FLAG_GROUP_DEAD;
	e->reaper_tid = reaper_of(task);
	/* The end of a group, and of its leader, is the table's business; that of one more thread may
	 * come in storms. */
	if (left <= 0 || GET(task, pid) == GET(task, tgid))
		send_lifecycle(h);
	else
		send_data(h);
}

HOOK(sched_process_exit)
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	KEEP_CPU();
	exited(task);
	GIVE_CPU();
	return 0;
}

#endif

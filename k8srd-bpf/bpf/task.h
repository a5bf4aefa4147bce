/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Task rows: the state of every thread at start, or after a loss, one record each, in the same
 * words as live records. One reader at a time: the memory in which a row is built is shared.
 */
#ifndef K8SRD_TASK_H
#define K8SRD_TASK_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} row SEC(".maps");

#ifndef K8SRD_RAW

/* A program that may sleep uses no memory of a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk_buffer);
} row_walk SEC(".maps");

/* Appends memory of another task; the sleepable program only. */
ALWAYS_INLINE void add_task_bytes(struct k8srd_header *h, struct k8srd_part *part,
				  struct task_struct *task, __u64 from, __u64 len, __u32 fault_flag)
{
	if (len > K8SRD_ARGS_MAX)
		len = K8SRD_ARGS_MAX;
	void *to = tail(h, K8SRD_ARGS_MAX);
	FENCE(len);
	if (!to || !len || len > K8SRD_ARGS_MAX)
		return;
	if (bpf_copy_from_user_task(to, len, (void *)from, task, 0))
		fault(h, fault_flag);
	else
		keep(h, part, len);
}

/* Threads share the memory of their leader, so its row tells it; unless the leader is gone. */
ALWAYS_INLINE void add_row_args(struct k8srd_header *h, struct task_struct *task, __u64 args, __u64 env)
{
	struct k8srd_exec *e = BODY_OF(h);
	struct mm_struct *leader_mm = task->group_leader->mm;
	if (task->pid != task->tgid && leader_mm)
		return;
	add_task_bytes(h, &e->args, task, args, e->args_size, K8SRD_FLAG_ARGS_FAULT);
	add_task_bytes(h, &e->env, task, env, e->env_size, K8SRD_FLAG_ENV_FAULT);
	flag_args(h, e->args_size, e->env_size);
}

#endif

ALWAYS_INLINE struct walk_buffer *row_walk_buffer(void)
{
#ifdef K8SRD_RAW
	return walk_buffer_of(SLOT_ROW);
#else
	__u32 zero = 0;
	return bpf_map_lookup_elem(&row_walk, &zero);
#endif
}

ALWAYS_INLINE int write_row(struct bpf_iter__task *ctx, bool sleepable)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	__u32 zero = 0;
	if (!task)
		return 0;
	struct scratch *s = bpf_map_lookup_elem(&row, &zero);
	struct walk_buffer *buffer = row_walk_buffer();
	if (!s || !buffer)
		return 0;
	struct k8srd_header *h = (void *)s->bytes;
	start(h, K8SRD_KIND_TASK, K8SRD_HOOK_ITER, sizeof(struct k8srd_exec));
	struct k8srd_exec *e = BODY_OF(h);
	e->dirfd = AT_FDCWD;
	if (TASK_IN_COMPAT(task))
		h->flags |= K8SRD_FLAG_COMPAT;
	fill_context(CONTEXT_OF(h), task);
	add_process(h, buffer, task);

	struct mm_struct *mm = GET(task, mm);
	if (mm) {
		__u64 args = GET(mm, arg_start), env = GET(mm, env_start);
		e->args_size = GET(mm, arg_end) - args;
		e->env_size = GET(mm, env_end) - env;
#ifndef K8SRD_RAW
		if (sleepable)
			add_row_args(h, task, args, env);
#endif
	}
	__u64 size = h->size;
	FENCE(size);
	if (size <= K8SRD_RECORD_MAX)
		bpf_seq_write(seq, h, size);
	return 0;
}

#ifndef K8SRD_RAW
SEC("iter.s/task")
int task_rows(struct bpf_iter__task *ctx)
{
	return write_row(ctx, true);
}
#endif

/* Where the kernel has no sleepable iterators (before 5.18): without arguments and environment. */
SEC("iter/task")
int task_rows_atomic(struct bpf_iter__task *ctx)
{
	return write_row(ctx, false);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * execve and execveat: one record for a call. A call that succeeds is told by sched_process_exec,
 * where the new image is in place; one that fails by its exit, where the arguments are still in the
 * caller's memory.
 */
#ifndef K8SRD_EXEC_H
#define K8SRD_EXEC_H

/* By the time an exec has succeeded its registers are gone, and x86 even rewrites the number of the
 * call to execve's. So sched_prepare_exec (from 6.11), which runs at the point of no return, notes
 * each execveat; before it, only one by way of a directory is told apart (bprm->fdpath). */
struct exec_note { __s32 dirfd; __u32 at_flags; };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct exec_note);
} exec_notes SEC(".maps");

ALWAYS_INLINE void exec_prepared(void)
{
	struct task_struct *current = current_task();
	struct pt_regs *regs = task_regs(current);
	__u64 nr = regs ? SYSCALL_NR(regs) : 0;
	__u64 key = (__u64)current;
	if (is_kernel_thread(current) || in_compat_call(current, nr) || nr != NR_execveat) {
		/* A note of a task that died in its exec, whose memory is this task's now. */
		bpf_map_delete_elem(&exec_notes, &key);
		return;
	}
	struct exec_note note = {
		.dirfd = SYSCALL_ARG0(regs),
		.at_flags = SYSCALL_ARG4(regs),
	};
	bpf_map_update_elem(&exec_notes, &key, &note, BPF_ANY);
}

HOOK(sched_prepare_exec)
int BPF_PROG(sched_prepare_exec, struct task_struct *task, struct linux_binprm *bprm)
{
	KEEP_CPU();
	exec_prepared();
	GIVE_CPU();
	return 0;
}

/* Appends at most ARGS_MAX bytes of the caller's memory. */
ALWAYS_INLINE void add_user_bytes(struct k8srd_header *h, struct k8srd_part *part, __u64 from,
				  __u64 len, __u32 fault_flag)
{
	if (len > K8SRD_ARGS_MAX)
		len = K8SRD_ARGS_MAX;
	void *to = tail(h, K8SRD_ARGS_MAX);
	FENCE(len);
	if (!to || !len || len > K8SRD_ARGS_MAX)
		return;
	if (bpf_probe_read_user(to, len, (void *)from)) {
		/* A page of it is not there: keep what lies before the next page. */
		fault(h, fault_flag);
		__u64 head = 4096 - (from & 4095);
		if (head >= len || bpf_probe_read_user(to, head, (void *)from))
			return;
		len = head;
	}
	keep(h, part, len);
}

ALWAYS_INLINE void flag_args(struct k8srd_header *h, __u64 args, __u64 env)
{
	if (args > K8SRD_ARGS_MAX) {
		h->flags |= K8SRD_FLAG_ARGS_TRUNCATED;
		count(K8SRD_COUNTER_ARGS_TRUNCATED);
	}
	if (env > K8SRD_ARGS_MAX) {
		h->flags |= K8SRD_FLAG_ENV_TRUNCATED;
		count(K8SRD_COUNTER_ENV_TRUNCATED);
	}
}

/* Everything of an exec that is the same for success and failure. */
ALWAYS_INLINE void add_process(struct k8srd_header *h, struct walk_buffer *buffer,
			       struct task_struct *task)
{
	struct k8srd_exec *e = BODY_OF(h);
	fill_usage(&e->usage, task);
	add_cgroup(h, &e->cgroup, buffer, v2_cgroup(task));
	struct cgroup *v1 = v1_cgroup(task);
	if (v1)
		add_cgroup(h, &e->cgroup_v1, buffer, v1);
	add_base(h, &e->cwd, buffer, task, AT_FDCWD);
	add_exe(h, buffer, task);
}

ALWAYS_INLINE void exec_happened(struct task_struct *task, int old_tid, struct linux_binprm *bprm)
{
	__u64 key = (__u64)task;
	struct exec_note *note = bpf_map_lookup_elem(&exec_notes, &key);
	bool at = note || (bpf_core_field_exists(bprm->fdpath) && BPF_CORE_READ(bprm, fdpath));
	__u16 kind = at ? K8SRD_KIND_EXECVEAT : K8SRD_KIND_EXECVE;

	struct k8srd_header *h = begin(SLOT_EXEC, kind, K8SRD_HOOK_EXEC, sizeof(struct k8srd_exec));
	struct walk_buffer *buffer = walk_buffer_of(SLOT_EXEC);
	if (!h || !buffer)
		return;
	struct k8srd_exec *e = BODY_OF(h);
	e->old_tid = old_tid;
	e->dirfd = AT_FDCWD;
	if (note) {
		e->dirfd = note->dirfd;
		e->at_flags = note->at_flags;
		bpf_map_delete_elem(&exec_notes, &key);
	}
	if (TASK_IN_COMPAT(task))
		h->flags |= K8SRD_FLAG_COMPAT;
	fill_context(CONTEXT_OF(h), task);
	add_process(h, buffer, task);
	add_kernel_name(h, &e->filename, BPF_CORE_READ(bprm, filename));

	struct mm_struct *mm = GET(task, mm);
	if (mm) {
		__u64 args = GET(mm, arg_start), env = GET(mm, env_start);
		e->args_size = GET(mm, arg_end) - args;
		e->env_size = GET(mm, env_end) - env;
		add_user_bytes(h, &e->args, args, e->args_size, K8SRD_FLAG_ARGS_FAULT);
		add_user_bytes(h, &e->env, env, e->env_size, K8SRD_FLAG_ENV_FAULT);
		flag_args(h, e->args_size, e->env_size);
	}
	send_lifecycle(h);
}

HOOK(sched_process_exec)
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_tid, struct linux_binprm *bprm)
{
	KEEP_CPU();
	exec_happened(task, old_tid, bprm);
	GIVE_CPU();
	return 0;
}

/* A vector of strings in the caller's memory: argv or envp. */
struct vector {
	__u64 next;
	__u8 *to;   /* ARGS_MAX bytes, and as many again that the last string may spill into */
	__u32 len;
	__u32 size; /* true size, as far as it was read */
	__u32 narrow; /* pointers of 32 bits */
	__u32 bad;
};

static long vector_step(__u32 i, void *ctx)
{
	struct vector *v = ctx;
	__u64 string = 0;
	__u32 half = 0;
	if (v->narrow ? bpf_probe_read_user(&half, sizeof(half), (void *)v->next) :
			bpf_probe_read_user(&string, sizeof(string), (void *)v->next)) {
		v->bad = 1;
		return 1;
	}
	v->next += v->narrow ? sizeof(half) : sizeof(string);
	if (v->narrow)
		string = half;
	if (!string)
		return 1;
	__u64 at = v->len;
	FENCE(at);
	if (at >= K8SRD_ARGS_MAX) {
		v->size++; /* at least its terminator: more than what fits */
		return 1;
	}
	long n = read_user_string(v->to + at, K8SRD_ARGS_MAX, (void *)string);
	if (n <= 0) {
		v->bad = 1;
		return 1;
	}
	v->size += n;
	v->len = at + n > K8SRD_ARGS_MAX ? K8SRD_ARGS_MAX : at + n;
	return 0;
}

/* Every string is at least its terminator, and one more tells that there is more. */
#define VECTOR_STEPS (K8SRD_ARGS_MAX + 1)

#ifdef K8SRD_RAW

#define VECTOR_STEPS_AT_ONCE 64

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vector);
} vectors SEC(".maps");

/* See walk_on of path.h. Only sys_exit reads strings. */
GLOBAL int strings_on(void)
{
	__u32 zero = 0, slot = SLOT_SYS_EXIT;
	struct vector *kept = bpf_map_lookup_elem(&vectors, &zero);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!kept || !s)
		return 1;
	struct vector v = *kept;
	v.to = tail((void *)s->bytes, 2 * K8SRD_ARGS_MAX);
	if (!v.to)
		return 1;
	int done = 0;
	for (__u32 i = 0; i < VECTOR_STEPS_AT_ONCE && !done; i++)
		done = vector_step(i, &v);
	*kept = v;
	return done;
}

ALWAYS_INLINE void read_strings(struct vector *v)
{
	__u32 zero = 0;
	struct vector *kept = bpf_map_lookup_elem(&vectors, &zero);
	if (!kept)
		return;
	*kept = *v;
	for (__u32 i = 0; i <= VECTOR_STEPS / VECTOR_STEPS_AT_ONCE; i++)
		if (strings_on())
			break;
	*v = *kept;
}

#else

ALWAYS_INLINE void read_strings(struct vector *v)
{
	bpf_loop(VECTOR_STEPS, vector_step, v, 0);
}

#endif

NOINLINE __u32 add_vector(struct k8srd_header *h, struct k8srd_part *part, __u64 from, bool narrow,
			  __u32 fault_flag)
{
	struct vector v = { .next = from, .to = tail(h, 2 * K8SRD_ARGS_MAX), .narrow = narrow };
	if (!v.to || !from)
		return 0;
	read_strings(&v);
	if (v.bad)
		fault(h, fault_flag);
	if (v.len)
		keep(h, part, v.len);
	return v.size;
}

/* The exit of execve(name, argv, envp) or execveat(dirfd, name, argv, envp, flags). */
NOINLINE void exec_failed(struct task_struct *task, struct arguments *a, __u16 kind, long res)
{
	struct k8srd_header *h = begin(SLOT_SYS_EXIT, kind, K8SRD_HOOK_SYS_EXIT,
				       sizeof(struct k8srd_exec));
	struct walk_buffer *buffer = walk_buffer_of(SLOT_SYS_EXIT);
	if (!h || !buffer)
		return;
	struct k8srd_exec *e = BODY_OF(h);
	__u64 name = a->at[0], argv = a->at[1], envp = a->at[2];
	e->res = res;
	if (a->narrow)
		h->flags |= K8SRD_FLAG_COMPAT;
	e->old_tid = GET(task, pid);
	e->dirfd = AT_FDCWD;
	if (kind == K8SRD_KIND_EXECVEAT) {
		e->dirfd = name;
		name = argv;
		argv = envp;
		envp = a->at[3];
		e->at_flags = a->at[4];
	}
	fill_context(CONTEXT_OF(h), task);
	add_process(h, buffer, task);
	char first = 0;
	bpf_probe_read_user(&first, 1, (void *)name);
	if (first != '/' && e->dirfd != AT_FDCWD)
		add_base(h, &e->base, buffer, task, e->dirfd);
	e->args_size = add_vector(h, &e->args, argv, a->narrow, K8SRD_FLAG_ARGS_FAULT);
	e->env_size = add_vector(h, &e->env, envp, a->narrow, K8SRD_FLAG_ENV_FAULT);
	flag_args(h, e->args_size, e->env_size);
	add_user_name(h, &e->filename, (void *)name);
	send_data(h);
}

#endif

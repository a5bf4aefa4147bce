/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a program has done for it through io_uring, where no system call tells: opens and connects.
 * A request is noted when the kernel has taken it, with the name as the kernel copied it; its record
 * is written when it is complete, in the kernel's own objects. One whose success is to be told to
 * nobody has no completion: its record is written at once, and says that it is in progress.
 *
 * The tracepoints have these arguments from 6.4 (the first) and 5.19 (what is read at the second).
 */
#ifndef K8SRD_URING_H
#define K8SRD_URING_H

#define IORING_OP_CONNECT 16
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28
#define REQ_F_CQE_SKIP (1 << 6)
#define EINPROGRESS 115
#define NOTE_MAX 1024

struct ring_note {
	struct open_how_args how;
	__s32 fd; /* of a socket, or the directory */
	__u32 slot;
	__u32 key; /* the number of the call that does the same */
	__u32 len;
	__u32 flags;
	__u32 reserved;
	char bytes[NOTE_MAX]; /* a name, or an address */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct ring_note);
} ring_notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_note);
} ring_scratch SEC(".maps");

/* The plan of the call, if anybody asked for it. */
ALWAYS_INLINE struct k8srd_plan *ring_plan(__u32 key)
{
	__u32 *kinds = bpf_map_lookup_elem(&syscalls, &key);
	if (!kinds || !(__u16)*kinds)
		return 0;
	return bpf_map_lookup_elem(&plans, &key);
}

/* Whose doing it is: the kernel's helpers for a ring are threads of the process. */
ALWAYS_INLINE struct task_struct *ring_task(void)
{
	struct task_struct *task = current_task();
	return GET(task, flags) & PF_IO_WORKER ? GET(task, group_leader) : task;
}

NOINLINE void ring_opened(struct task_struct *task, struct ring_note *note, struct k8srd_plan *plan,
			  long res)
{
	struct k8srd_header *h = begin(SLOT_RING, plan->kind, K8SRD_HOOK_RING,
				       sizeof(struct k8srd_open));
	struct walk_buffer *buffer = walk_buffer_of(SLOT_RING);
	if (!h || !buffer)
		return;
	struct k8srd_open *o = BODY_OF(h);
	o->res = res;
	o->dirfd = note->fd;
	o->open_flags = note->how.flags;
	o->mode = mode_of(note->how.flags, note->how.mode);
	o->resolve = note->how.resolve;
	h->flags |= note->flags;
	fill_context(CONTEXT_OF(h), task);
	long len = add_kernel_name(h, &o->name, note->bytes);
	if (len >= 0 && note->bytes[0] != '/')
		add_base(h, &o->base, buffer, task, note->fd);
	/* A file that goes into a slot of the ring has no descriptor. */
	if (res >= 0 && !note->slot)
		add_opened(h, buffer, task, res);
	send_data(h);
}

NOINLINE void ring_connected(struct task_struct *task, struct ring_note *note,
			     struct k8srd_plan *plan, long res, struct file *file)
{
	struct k8srd_header *h = begin(SLOT_RING, plan->kind, K8SRD_HOOK_RING,
				       sizeof(struct k8srd_call));
	if (!h)
		return;
	struct k8srd_call *c = BODY_OF(h);
	c->res = res;
	c->args[0] = note->fd;
	c->args[2] = note->len;
	c->descriptor = note->fd;
	h->flags |= note->flags;
	fill_context(CONTEXT_OF(h), task);
	void *to = tail(h, K8SRD_SOCKADDR_MAX);
	__u64 len = note->len;
	if (to && len) {
		FENCE(len);
		if (len <= K8SRD_SOCKADDR_MAX) {
			bpf_probe_read_kernel(to, len, note->bytes);
			keep(h, &c->addr, len);
		}
	}
	if (file)
		add_descriptor(h, &c->about, file);
	send_data(h);
}

ALWAYS_INLINE void ring_record(struct ring_note *note, long res, struct file *file)
{
	struct k8srd_plan *plan = ring_plan(note->key);
	struct task_struct *task = ring_task();
	if (!plan)
		return;
	if (plan->form == K8SRD_FORM_OPEN)
		ring_opened(task, note, plan, res);
	else
		ring_connected(task, note, plan, res, file);
}

ALWAYS_INLINE const char *name_to_open(struct io_open *open)
{
	struct io_open___delayed *delayed = (void *)open;
	struct filename *name;
	if (bpf_core_field_exists(delayed->filename.__incomplete_filename))
		name = BPF_CORE_READ(delayed, filename.__incomplete_filename);
	else
		name = BPF_CORE_READ(open, filename);
	return BPF_CORE_READ(name, name);
}

ALWAYS_INLINE void ring_submitted(struct io_kiocb *req)
{
	__u32 zero = 0, key;
	__u8 opcode = BPF_CORE_READ(req, opcode);
	switch (opcode) {
	case IORING_OP_CONNECT:
		key = NR_connect;
		break;
	case IORING_OP_OPENAT:
		key = NR_openat;
		break;
	case IORING_OP_OPENAT2:
		key = NR_openat2;
		break;
	default:
		return;
	}
	if (!ring_plan(key))
		return;
	if (is_own(current_task())) {
		count(K8SRD_COUNTER_OWN);
		return;
	}
	struct ring_note *note = bpf_map_lookup_elem(&ring_scratch, &zero);
	if (!note)
		return;
	__builtin_memset(note, 0, __builtin_offsetof(struct ring_note, bytes));
	note->key = key;
	if (opcode == IORING_OP_CONNECT) {
		struct io_connect *connect = (void *)req;
		__u64 len = (__u32)BPF_CORE_READ(connect, addr_len);
		if (len > K8SRD_SOCKADDR_MAX)
			len = K8SRD_SOCKADDR_MAX;
		note->fd = BPF_CORE_READ(req, cqe.fd);
		FENCE(len);
		if (len <= K8SRD_SOCKADDR_MAX &&
		    !bpf_probe_read_user(note->bytes, len, BPF_CORE_READ(connect, addr)))
			note->len = len;
		else
			note->flags = K8SRD_FLAG_ADDR_FAULT;
	} else {
		struct io_open *open = (void *)req;
		note->fd = BPF_CORE_READ(open, dfd);
		note->slot = BPF_CORE_READ(open, file_slot);
		note->how.flags = BPF_CORE_READ(open, how.flags);
		note->how.mode = BPF_CORE_READ(open, how.mode);
		note->how.resolve = BPF_CORE_READ(open, how.resolve);
		long n = bpf_probe_read_kernel_str(note->bytes, NOTE_MAX, name_to_open(open));
		if (n <= 0)
			note->flags = K8SRD_FLAG_NAME_FAULT;
		else if (n == NOTE_MAX)
			note->flags = K8SRD_FLAG_NAME_TRUNCATED;
	}
	if (BPF_CORE_READ(req, flags) & REQ_F_CQE_SKIP) {
		ring_record(note, -EINPROGRESS, BPF_CORE_READ(req, file));
		return;
	}
	__u64 id = (__u64)req;
	bpf_map_update_elem(&ring_notes, &id, note, BPF_ANY);
}

HOOK(io_uring_submit_req)
int BPF_PROG(io_uring_submit_req, struct io_kiocb *req)
{
	KEEP_CPU();
	ring_submitted(req);
	GIVE_CPU();
	return 0;
}

ALWAYS_INLINE void ring_completed(__u64 id)
{
	struct ring_note *note = bpf_map_lookup_elem(&ring_notes, &id);
	if (!note)
		return;
	struct io_kiocb *req = (void *)id;
	ring_record(note, BPF_CORE_READ(req, cqe.res), BPF_CORE_READ(req, file));
	bpf_map_delete_elem(&ring_notes, &id);
}

HOOK(io_uring_complete)
int io_uring_complete(__u64 *ctx)
{
	/* The second argument, of whatever type: a number that may be a request. */
	__u64 id = ctx[1];
	KEEP_CPU();
	ring_completed(id);
	GIVE_CPU();
	return 0;
}

#endif

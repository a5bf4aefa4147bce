/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any system call, read as its plan says (src/calls/ has the rows). What user memory holds is read
 * when the call returns: a thread beside it may have changed it since the kernel looked. What
 * exists as an object of the kernel is read there instead.
 */
#ifndef K8SRD_CALL_H
#define K8SRD_CALL_H

/* How calls become records: by number; from SYSCALLS on the same for 32-bit callers; from 2 * SYSCALLS
 * on by the number that i386's socketcall has for them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, K8SRD_PLANS);
	__type(key, __u32);
	__type(value, struct k8srd_plan);
} plans SEC(".maps");

/* The registers; two more, so that each index of three bits is one. */
struct arguments {
	__u64 at[8];
	bool narrow; /* a 32-bit caller: pointers and sizes in its structs have 32 bits */
};

/* The call that has returned on this CPU. In a map, for the function that writes its records takes
 * numbers only where it is a global one, and before 5.12 no place of the stack is computed. */
struct call {
	struct arguments arguments;
	long res;
	__u32 key; /* of its plan */
	__u32 records;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

ALWAYS_INLINE struct call *call_of_cpu(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&calls, &zero);
}

/* A record in the making. */
struct work {
	struct k8srd_header *h;
	struct k8srd_call *c;
	struct walk_buffer *buffer;
	struct task_struct *task;
	struct k8srd_plan *plan;
	struct arguments *a;
	__u64 which; /* the bit of `when_arg` */
	__u32 i;     /* of the call's messages */
};

/* Argument `n`, counted from 1. */
ALWAYS_INLINE __u64 argument(struct arguments *a, __u8 n)
{
	__u64 at = n - 1;
	FENCE(at);
	if (at > 5)
		return 0;
	return a->at[at];
}

ALWAYS_INLINE bool is_read(struct k8srd_read *r, __u64 which)
{
	return r->arg && (r->when & which);
}

/* Appends `len` bytes, at most `max` (a constant) of them; as many as are there. */
ALWAYS_INLINE void add_bytes(struct k8srd_header *h, struct k8srd_part *part, __u64 from, __u64 len,
			     __u64 max, __u32 fault_flag)
{
	if (len > max)
		len = max;
	void *to = tail(h, max);
	FENCE(len);
	if (!to || !from || len > max)
		return;
	if (len && bpf_probe_read_user(to, len, (void *)from)) {
		/* A page of it is not there: keep what lies before the next page. */
		fault(h, fault_flag);
		__u64 head = 4096 - (from & 4095);
		if (head >= len)
			return;
		FENCE(head);
		if (head > max || bpf_probe_read_user(to, head, (void *)from))
			return;
		len = head;
	}
	keep(h, part, len);
}

NOINLINE void add_address(struct k8srd_header *h, struct k8srd_part *part, __u64 from, __u64 len)
{
	if (len)
		add_bytes(h, part, from, len, K8SRD_SOCKADDR_MAX, K8SRD_FLAG_ADDR_FAULT);
}

NOINLINE void add_buffer(struct k8srd_header *h, struct k8srd_part *part, __u64 from, __u64 len,
			 __u32 snap)
{
	if (len > snap)
		len = snap;
	add_bytes(h, part, from, len, K8SRD_SNAP_MAX, K8SRD_FLAG_DATA_FAULT);
}

/* Vectors of the caller (struct iovec), gathered behind the record: SNAP_MAX bytes, and as many again that
 * the last vector may spill into. */
struct gather {
	__u64 next;
	__u64 total; /* what all vectors hold */
	__u32 left;  /* of the vectors, as many as are read */
	__u32 len;
	__u32 room;
	__u32 narrow;
	__u32 bad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gather);
} gathers SEC(".maps");

/* Takes one vector; done, if that was the last. Only sys_exit has vectors. */
GLOBAL long gather_step(__u32 i)
{
	__u32 zero = 0, slot = SLOT_SYS_EXIT;
	struct gather *g = bpf_map_lookup_elem(&gathers, &zero);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!g || !s || i >= g->left)
		return 1;
	__u64 vector[2] = {};
	if (g->narrow) {
		__u32 half[2] = {};
		if (bpf_probe_read_user(half, sizeof(half), (void *)g->next)) {
			g->bad = 1;
			return 1;
		}
		vector[0] = half[0];
		vector[1] = half[1];
		g->next += sizeof(half);
	} else {
		if (bpf_probe_read_user(vector, sizeof(vector), (void *)g->next)) {
			g->bad = 1;
			return 1;
		}
		g->next += sizeof(vector);
	}
	g->total += vector[1];
	__u64 at = g->len, room = g->room;
	if (at >= room)
		return 0;
	__u64 len = vector[1];
	if (len > room - at)
		len = room - at;
	__u8 *to = tail((void *)s->bytes, 2 * K8SRD_SNAP_MAX);
	if (!to || !len)
		return 0;
	FENCE(at);
	FENCE(len);
	if (at >= K8SRD_SNAP_MAX || len > K8SRD_SNAP_MAX)
		return 0;
	if (bpf_probe_read_user(to + at, len, (void *)vector[0])) {
		g->bad = 1;
		return 0;
	}
	g->len = at + len;
	return 0;
}

/* A function of its own where the verifier follows each step: it is called from several places. */
#ifdef K8SRD_RAW
GLOBAL int gather(void)
#else
ALWAYS_INLINE int gather(void)
#endif
{
	REPEAT(K8SRD_VECTORS_MAX, gather_step);
	return 0;
}

NOINLINE void add_vectors(struct work *w, __u64 from, __u64 vectors, __u64 room)
{
	struct k8srd_header *h = w->h;
	struct k8srd_call *c = w->c;
	__u32 zero = 0;
	struct gather *g = bpf_map_lookup_elem(&gathers, &zero);
	if (!g || !from)
		return;
	__builtin_memset(g, 0, sizeof(*g));
	g->next = from;
	g->left = vectors;
	g->room = room;
	g->narrow = w->a->narrow;
	if (vectors > K8SRD_VECTORS_MAX) {
		g->left = K8SRD_VECTORS_MAX;
		h->flags |= K8SRD_FLAG_DATA_TRUNCATED;
		count(K8SRD_COUNTER_DATA_TRUNCATED);
	}
	gather();
	c->total = g->total;
	if (g->bad)
		fault(h, K8SRD_FLAG_DATA_FAULT);
	keep(h, &c->data, g->len);
}

/* struct user_msghdr of include/linux/socket.h, and of 32-bit callers. */
struct message { __u64 name; __u32 name_len; __u32 hole; __u64 vectors, count, control, control_len; };
struct narrow_message { __u32 name, name_len, vectors, count, control, control_len; };
#define MESSAGE_BYTES 56
#define NARROW_MESSAGE_BYTES 28

/* A message: its address, its vectors, and (of one that was received) its control data. */
NOINLINE void add_message(struct work *w, __u64 from, __u64 room, bool filled)
{
	struct k8srd_header *h = w->h;
	struct k8srd_call *c = w->c;
	struct message m = {};
	long bad;
	if (w->a->narrow) {
		struct narrow_message half = {};
		bad = bpf_probe_read_user(&half, sizeof(half), (void *)from);
		m.name = half.name;
		m.name_len = half.name_len;
		m.vectors = half.vectors;
		m.count = half.count;
		m.control = half.control;
		m.control_len = half.control_len;
	} else {
		bad = bpf_probe_read_user(&m, sizeof(m), (void *)from);
	}
	if (bad) {
		fault(h, K8SRD_FLAG_DATA_FAULT);
		return;
	}
	if (m.name)
		add_address(h, &c->addr, m.name, m.name_len);
	add_vectors(w, m.vectors, m.count, room);
	if (filled && m.control_len)
		add_bytes(h, &c->control, m.control, m.control_len, K8SRD_CONTROL_MAX,
			  K8SRD_FLAG_DATA_FAULT);
}

/* How much of the caller's memory is looked at: no more than the call took or gave. */
ALWAYS_INLINE __u64 room_of(struct k8srd_plan *plan, long res)
{
	__u64 snap = plan->snap;
	return res > 0 && (__u64)res < snap ? (__u64)res : snap;
}

/* One of the messages of sendmmsg or recvmmsg: struct mmsghdr is a message and how long it got. */
NOINLINE void add_one_of_messages(struct work *w, __u64 from, bool filled)
{
	struct k8srd_call *c = w->c;
	bool narrow = w->a->narrow;
	__u64 bytes = narrow ? NARROW_MESSAGE_BYTES : MESSAGE_BYTES;
	from += w->i * (narrow ? bytes + 4 : bytes + 8);
	__u32 len = 0;
	/* No message was sent or received. */
	if (c->res < 0)
		return;
	if (bpf_probe_read_user(&len, sizeof(len), (void *)(from + bytes)))
		fault(w->h, K8SRD_FLAG_DATA_FAULT);
	c->res = len;
	add_message(w, from, room_of(w->plan, c->res), filled);
}

/* The address of a socket, where it is an argument of its own. */
NOINLINE void read_address(struct work *w)
{
	struct k8srd_call *c = w->c;
	struct k8srd_read *r = &w->plan->addr;
	__u64 from = argument(w->a, r->arg), len = argument(w->a, r->len);
	if (!from)
		return;
	if (r->how == K8SRD_READ_FILLED) {
		__u32 filled = 0;
		if (c->res < 0 || !len)
			return;
		if (bpf_probe_read_user(&filled, sizeof(filled), (void *)len))
			fault(w->h, K8SRD_FLAG_ADDR_FAULT);
		len = filled;
	}
	add_address(w->h, &c->addr, from, (__u32)len);
}

NOINLINE void read_data(struct work *w)
{
	struct k8srd_call *c = w->c;
	struct k8srd_plan *plan = w->plan;
	struct k8srd_read *r = &plan->data;
	__u64 from = argument(w->a, r->arg), len = argument(w->a, r->len);
	long res = c->res;
	bool filled = false;
	switch (r->how) {
	case K8SRD_READ_TAKEN:
		if (res > 0)
			len = res;
		break;
	case K8SRD_READ_RESULT:
		if (res < 0)
			return;
		len = res;
		break;
	case K8SRD_READ_WHOLE:
		/* So many structs, or bytes. */
		if (r->size)
			len *= r->size;
		break;
	case K8SRD_READ_POINTED: {
		__u32 pointed = 0;
		if (bpf_probe_read_user(&pointed, sizeof(pointed), (void *)len))
			fault(w->h, K8SRD_FLAG_DATA_FAULT);
		c->total = pointed;
		if (res < 0)
			return;
		len = pointed;
		break;
	}
	case K8SRD_READ_VECTORS_FILLED:
		filled = true;
	case K8SRD_READ_VECTORS_GIVEN:
		if (!filled || res >= 0)
			add_vectors(w, from, len, filled && !res ? 0 : room_of(plan, res));
		return;
	case K8SRD_READ_MESSAGE_FILLED:
		filled = true;
	case K8SRD_READ_MESSAGE_GIVEN:
		if (!filled || res >= 0)
			add_message(w, from, filled && !res ? 0 : room_of(plan, res), filled);
		return;
	case K8SRD_READ_MESSAGES_FILLED:
		filled = true;
	case K8SRD_READ_MESSAGES_GIVEN:
		add_one_of_messages(w, from, filled);
		return;
	default:
		return;
	}
	add_buffer(w->h, &c->data, from, len, plan->snap);
}

NOINLINE void read_fixed(struct work *w, struct k8srd_part *part, struct k8srd_read *r)
{
	if (!is_read(r, w->which) || (r->how == K8SRD_READ_STRUCT_FILLED && w->c->res < 0))
		return;
	__u64 len = w->a->narrow ? r->compat_size : r->size;
	if (len)
		add_bytes(w->h, part, argument(w->a, r->arg), len, K8SRD_FIXED_MAX,
			  K8SRD_FLAG_ADDR_FAULT);
}

/* Appends a text, and the directory that it starts from if it is a relative name. */
NOINLINE void read_text(struct work *w, struct k8srd_part *part, struct k8srd_part *base,
			struct k8srd_read *r)
{
	struct k8srd_header *h = w->h;
	if (!is_read(r, w->which))
		return;
	const char *text = (void *)argument(w->a, r->arg);
	__u8 *start = tail(h, 1);
	if (!text || !start)
		return;
	long len = add_user_name(h, part, text);
	if (len < 0 || !r->directory || !(w->plan->flags & K8SRD_PLAN_BASE) ||
	    (len && *start == '/'))
		return;
	__s32 directory = AT_FDCWD;
	if (r->directory != K8SRD_DIRECTORY_WORKING)
		directory = argument(w->a, r->directory);
	add_base(h, base, w->buffer, w->task, directory);
}

/* The descriptor that the call is about, or made; -1 if there is none. */
ALWAYS_INLINE __s32 descriptor_of(struct work *w)
{
	struct k8srd_call *c = w->c;
	__u8 where = w->plan->descriptor;
	if (where == K8SRD_DESCRIPTOR_RESULT)
		return c->res >= 0 ? c->res : -1;
	if (where == K8SRD_DESCRIPTOR_FIXED) {
		__s32 first = -1;
		__u64 at = c->fixed[0].offset;
		FENCE(at);
		if (c->res >= 0 && c->fixed[0].len >= sizeof(first) && at < K8SRD_RECORD_MAX - 4)
			bpf_probe_read_kernel(&first, sizeof(first), (__u8 *)w->h + at);
		return first;
	}
	return where ? (__s32)argument(w->a, where) : -1;
}

NOINLINE void read_descriptor(struct work *w)
{
	struct k8srd_header *h = w->h;
	struct task_struct *task = w->task;
	__u32 flags = w->plan->flags;
	__s32 fd = descriptor_of(w);
	w->c->descriptor = fd;
	struct fs_struct *fs = GET(task, fs);
	if (!(flags & K8SRD_PLAN_DESCRIPTOR) || !fs)
		return;
	struct file *file = file_of(task, fd);
	if (!file)
		return;
	struct k8srd_descriptor *d = add_descriptor(h, &w->c->about, file);
	if (!d)
		return;
	/* What has no name has a label, which says what it is and costs little. */
	if (!d->sock && ((flags & K8SRD_PLAN_PATH) || is_nameless(file)))
		d->what = add_path(h, &d->path, w->buffer, &file->f_path, fs);
	if (flags & K8SRD_PLAN_QUEUE) {
		/* How many connections wait at the socket that accepted this one, and how many may. */
		struct sock *sk = sock_of(file_of(task, (__s32)w->a->at[0]));
		if (!sk)
			return;
		d->queue_len = BPF_CORE_READ(sk, sk_ack_backlog);
		d->queue_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
	}
}

NOINLINE void read_usage(struct work *w)
{
	struct k8srd_header *h = w->h;
	struct k8srd_usage *u = tail(h, sizeof(*u));
	if (!u)
		return;
	__builtin_memset(u, 0, sizeof(*u));
	fill_usage(u, w->task);
	keep(h, &w->c->usage, sizeof(*u));
}

/* One record of the call: of most there is one. Done, if that was the last. */
GLOBAL long tell(__u32 i)
{
	struct call *call = call_of_cpu();
	if (!call)
		return 1;
	__u32 key = call->key;
	struct k8srd_plan *plan = bpf_map_lookup_elem(&plans, &key);
	struct task_struct *task = current_task();
	struct walk_buffer *buffer = walk_buffer_of(SLOT_SYS_EXIT);
	if (!plan || !buffer)
		return 1;
	struct k8srd_header *h = begin(SLOT_SYS_EXIT, plan->kind, K8SRD_HOOK_SYS_EXIT,
				       sizeof(struct k8srd_call));
	long done = i + 1 >= call->records;
	/* Each message of a call is counted, also if it is dropped on purpose. */
	if (!h)
		return done;
	struct arguments *a = &call->arguments;
	struct k8srd_call *c = BODY_OF(h);
	struct work w = {
		.h = h,
		.c = c,
		.buffer = buffer,
		.task = task,
		.plan = plan,
		.a = a,
		.which = 1ULL << ((argument(a, plan->when_arg) >> (plan->when_shift & 63)) & 63),
		.i = i,
	};
	c->res = call->res;
	c->args[0] = a->at[0];
	c->args[1] = a->at[1];
	c->args[2] = a->at[2];
	c->args[3] = a->at[3];
	c->args[4] = a->at[4];
	c->args[5] = a->at[5];
	if (a->narrow)
		h->flags |= K8SRD_FLAG_COMPAT;
	fill_context(CONTEXT_OF(h), task);

	if (plan->addr.arg)
		read_address(&w);
	if (is_read(&plan->data, w.which))
		read_data(&w);
	read_fixed(&w, &c->fixed[0], &plan->fixed[0]);
	read_fixed(&w, &c->fixed[1], &plan->fixed[1]);
	read_descriptor(&w);
	read_text(&w, &c->text[0], &c->base[0], &plan->text[0]);
	read_text(&w, &c->text[1], &c->base[1], &plan->text[1]);
	read_text(&w, &c->text[2], &c->base[2], &plan->text[2]);
	if (plan->flags & K8SRD_PLAN_USAGE)
		read_usage(&w);
	send_data(h);
	return done;
}

ALWAYS_INLINE void called(struct call *call, struct k8srd_plan *plan, __u32 key, long res)
{
	__u8 how = plan->data.how;
	call->key = key;
	call->res = res;
	call->records = 1;
	if (how == K8SRD_READ_MESSAGES_GIVEN || how == K8SRD_READ_MESSAGES_FILLED) {
		if (res > 1)
			call->records = res < K8SRD_MESSAGES_MAX ? res : K8SRD_MESSAGES_MAX;
		if (res > K8SRD_MESSAGES_MAX)
			count(K8SRD_COUNTER_DATA_TRUNCATED);
	}
	REPEAT(K8SRD_MESSAGES_MAX, tell);
}

/* Whether nobody asked for this one: memory that is not to be executed, and (if so told) the mappings of
 * files that only are. */
ALWAYS_INLINE bool is_filtered(struct k8srd_plan *plan, struct arguments *a)
{
	__u32 flags = plan->flags;
	if ((flags & K8SRD_PLAN_EXECUTABLE) && !(a->at[2] & PROT_EXEC))
		return true;
	return (flags & K8SRD_PLAN_UNBACKED) && !(a->at[3] & MAP_ANONYMOUS) &&
	       !(a->at[2] & PROT_WRITE);
}

#endif

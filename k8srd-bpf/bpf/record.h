/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps, and how a record is built and sent.
 *
 * A record is built in scratch memory, where the verifier lets us write at any bounded offset, then
 * copied into a reservation of the smallest size class that holds it (bpf_ringbuf_reserve takes
 * constants only). header.size is the end of the record while it grows.
 *
 * Each program owns one slot of scratch memory (in all 172 KiB a CPU). The kernel never runs a program twice at once on a
 * CPU, so a slot cannot be overwritten half-way, on preemptible kernels neither. A run that it
 * skips for that is in the program's recursion_misses, which the loader adds to the losses.
 */
#ifndef K8SRD_RECORD_H
#define K8SRD_RECORD_H

enum slot { SLOT_SYS_EXIT, SLOT_EXEC, SLOT_FORK, SLOT_EXIT, SLOT_RING, SLOTS };
#ifdef K8SRD_RAW
/* Walks have one more, for task rows. */
#define SLOT_ROW SLOTS
#define WALK_SLOTS (SLOTS + 1)
#else
#define WALK_SLOTS SLOTS
#endif

/* The longest component behind PATH_MAX, so that one more name always fits before it is judged. */
#define WALK_MAX (K8SRD_PATH_MAX + 256)

struct scratch { __u8 bytes[K8SRD_RECORD_MAX]; };
struct walk_buffer {
	__u8 bytes[WALK_MAX];
	__u8 name[256]; /* one component on its way */
#ifdef K8SRD_RAW
	__u32 slot; /* which one it is */
#endif
};

/* By system call number, what to do: the kind to report in the low half; in the high half the kind
 * that the same number means to a 32-bit caller. 0: not asked for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, K8SRD_SYSCALLS);
	__type(key, __u32);
	__type(value, __u32);
} syscalls SEC(".maps");

/* How full a data ring is, in bytes, when records of a kind begin and end to be dropped on purpose;
 * begin 0: never. */
struct shed_row { __u32 begin, end, class, reserved; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, K8SRD_KIND_PLACES);
	__type(key, __u32);
	__type(value, struct shed_row);
} shed SEC(".maps");

/* Whether this CPU drops records of a class now. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, K8SRD_SHED_CLASSES);
	__type(key, __u32);
	__type(value, __u32);
} shedding SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, K8SRD_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALK_SLOTS);
	__type(key, __u32);
	__type(value, struct walk_buffer);
} walk_buffers SEC(".maps");

/* Processes' exec, fork and exit: nothing else can fill it. The loader sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} lifecycle SEC(".maps");

/* All else: a ring for each CPU. The loader sets the number of slots and makes the rings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	});
} data SEC(".maps");

/* The agent's thread group leader, as the kernel's pointer: noted by mark_own. */
__u64 own_leader = 0;

ALWAYS_INLINE void count(__u32 counter)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &counter);
	if (n)
		__sync_fetch_and_add(n, 1);
}

ALWAYS_INLINE bool is_own(struct task_struct *task)
{
	return (__u64)GET(task, group_leader) == own_leader;
}

/* Starts a record: header, and a body of zeros. The tail starts behind the body. */
ALWAYS_INLINE void start(struct k8srd_header *h, __u16 kind, __u32 hook, __u32 body)
{
	h->size = K8SRD_BODY + body;
	h->abi = K8SRD_ABI;
	h->kind = kind;
	h->time = bpf_ktime_get_boot_ns();
	h->cpu = bpf_get_smp_processor_id();
	h->flags = hook << K8SRD_HOOK_SHIFT;
	__builtin_memset((__u8 *)h + K8SRD_BODY, 0, body);
}

/* Whether this CPU's ring is so full that a record of the kind is to be dropped: counts it, and costs
 * nothing more. In between, what has begun goes on: else each record read would let one in. */
NOINLINE bool is_shed(__u16 kind)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 place = kind % K8SRD_KIND_CODES;
	if (kind >= K8SRD_KIND_FIRST_CALL)
		place += K8SRD_KIND_CODES;
	struct shed_row *row = bpf_map_lookup_elem(&shed, &place);
	if (!row || !row->begin)
		return false;
	__u32 class = row->class;
	__u32 *on = bpf_map_lookup_elem(&shedding, &class);
	void *ring = bpf_map_lookup_elem(&data, &cpu);
	if (!on || !ring)
		return false;
	*on = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= (*on ? row->end : row->begin);
	if (!*on)
		return false;
	count(K8SRD_COUNTER_PRODUCED_DATA);
	count(K8SRD_COUNTER_SHED + class);
	return true;
}

/* Starts one in the program's scratch memory; none if it is to be dropped. */
ALWAYS_INLINE struct k8srd_header *begin(__u32 slot, __u16 kind, __u32 hook, __u32 body)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);
	if (!s || ((slot == SLOT_SYS_EXIT || slot == SLOT_RING) && is_shed(kind)))
		return 0;
	struct k8srd_header *h = (void *)s->bytes;
	start(h, kind, hook, body);
	return h;
}

#define CONTEXT_OF(header) ((struct k8srd_context *)((header) + 1))
#define BODY_OF(header) ((void *)((__u8 *)(header) + K8SRD_BODY))

ALWAYS_INLINE struct walk_buffer *walk_buffer_of(__u32 slot)
{
	struct walk_buffer *buffer = bpf_map_lookup_elem(&walk_buffers, &slot);
#ifdef K8SRD_RAW
	if (buffer)
		buffer->slot = slot;
#endif
	return buffer;
}

/* Gives the end of the record if `room` (a constant) more bytes fit there. */
ALWAYS_INLINE void *tail(struct k8srd_header *h, __u64 room)
{
	__u64 end = h->size;
	FENCE(end);
	if (end > K8SRD_RECORD_MAX - room)
		return 0;
	return (__u8 *)h + end;
}

/* The bytes just written at the end, `len` of them, are `part`. */
ALWAYS_INLINE void keep(struct k8srd_header *h, struct k8srd_part *part, __u32 len)
{
	part->offset = h->size;
	part->len = len;
	h->size += len;
}

ALWAYS_INLINE void fault(struct k8srd_header *h, __u32 flag)
{
	h->flags |= flag;
	count(K8SRD_COUNTER_COPY_FAULT);
}

/* Copies a string of the caller's memory: how many bytes it has with its terminator, or no positive
 * number. Kernels up to 6.12 at least say 0 of an empty one. */
ALWAYS_INLINE long read_user_string(void *to, __u32 room, const void *from)
{
	long n = bpf_probe_read_user_str(to, room, from);
	/* No branch: the verifier would follow both sides through all steps of a loop. */
	__u64 none = n - 1;
	FENCE(none);
	return n + (none >> 63);
}

/* Appends a string of the caller's memory: a file name. */
NOINLINE long add_user_name(struct k8srd_header *h, struct k8srd_part *part, const char *name)
{
	char beyond = 0;
	void *to = tail(h, K8SRD_PATH_MAX);
	if (!to)
		return -1;
	long n = read_user_string(to, K8SRD_PATH_MAX, name);
	if (n <= 0) {
		fault(h, K8SRD_FLAG_NAME_FAULT);
		return -1;
	}
	/* The kernel's limit counts the terminator: a name of PATH_MAX - 1 bytes is whole. */
	if (n == K8SRD_PATH_MAX) {
		bpf_probe_read_user(&beyond, 1, name + K8SRD_PATH_MAX - 1);
		if (beyond) {
			h->flags |= K8SRD_FLAG_NAME_TRUNCATED;
			count(K8SRD_COUNTER_NAME_TRUNCATED);
		}
	}
	keep(h, part, n - 1);
	return n - 1;
}

/* Appends a string of kernel memory. */
NOINLINE long add_kernel_name(struct k8srd_header *h, struct k8srd_part *part, const char *name)
{
	void *to = tail(h, K8SRD_PATH_MAX);
	if (!to)
		return -1;
	long n = bpf_probe_read_kernel_str(to, K8SRD_PATH_MAX, name);
	if (n <= 0)
		return -1;
	keep(h, part, n - 1);
	return n - 1;
}

#define SEND_IF_FITS(class)                                                                \
	if (size <= (class)) {                                                             \
		void *to = bpf_ringbuf_reserve(ring, (class), 0);                          \
		if (!to)                                                                   \
			return -1;                                                         \
		bpf_probe_read_kernel(to, size, h);                                        \
		bpf_ringbuf_submit(to, BPF_RB_NO_WAKEUP);                                  \
		return 0;                                                                  \
	}

ALWAYS_INLINE long send_to(void *ring, struct k8srd_header *h)
{
	__u64 size = h->size;
	FENCE(size);
	/* Most records are short: two paths of 80 bytes fit the first class. */
	SEND_IF_FITS(512)
	SEND_IF_FITS(1024)
	SEND_IF_FITS(2048)
	SEND_IF_FITS(4096)
	SEND_IF_FITS(8192)
	SEND_IF_FITS(16384)
	SEND_IF_FITS(K8SRD_RECORD_MAX)
	return -1;
}

/* Numbers the record on its ring and CPU. Atomic: hooks may interrupt one another. Before 5.12 they do
 * not, and no instruction gives what was there. */
ALWAYS_INLINE void number(struct k8srd_header *h, __u32 produced)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &produced);
	if (!n)
		return;
#ifdef K8SRD_RAW
	h->seq = *n;
	__sync_fetch_and_add(n, 1);
#else
	h->seq = __sync_fetch_and_add(n, 1);
#endif
}

ALWAYS_INLINE void send_lifecycle(struct k8srd_header *h)
{
	number(h, K8SRD_COUNTER_PRODUCED_LIFECYCLE);
	if (send_to(&lifecycle, h))
		count(K8SRD_COUNTER_LOST_LIFECYCLE);
}

ALWAYS_INLINE void send_data(struct k8srd_header *h)
{
	__u32 cpu = bpf_get_smp_processor_id();
	number(h, K8SRD_COUNTER_PRODUCED_DATA);
	void *ring = bpf_map_lookup_elem(&data, &cpu);
	if (!ring || send_to(ring, h))
		count(K8SRD_COUNTER_LOST_DATA);
}

#endif

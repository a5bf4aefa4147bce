/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths by walking dentries from the file up to the task's root, through mount points, as the
 * kernel's d_path does (fs/d_path.c, prepend_path). The helper of that name is not for tracepoints.
 * Renames are not locked out: a path that is renamed meanwhile may mix old and new names.
 */
#ifndef K8SRD_PATH_H
#define K8SRD_PATH_H

/* PATH_MAX holds at most 2048 components; mounts crossed come on top. */
#define WALK_STEPS 2200

enum walk_end { WALK_LIMIT, WALK_AT_ROOT, WALK_OUTSIDE };

/* Not under preserve_access_index: it is our own. */
struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	struct dentry *root;
	struct vfsmount *root_mnt;
	__u8 *bytes;
	__u32 start; /* the path so far is bytes[start..PATH_MAX] */
	__u32 end;   /* enum walk_end */
};

/* Writes "/" and a name of kernel memory in front of what is there. */
ALWAYS_INLINE bool prepend(struct walk *w, const unsigned char *name, __u32 len)
{
	__u64 start = w->start;
	if (len > 255)
		len = 255;
	if (start < len + 1)
		return false;
	start -= len + 1;
	FENCE(start);
	if (start >= K8SRD_PATH_MAX)
		return false;
	w->bytes[start] = '/';
	bpf_probe_read_kernel(w->bytes + start + 1, len & 255, name);
	w->start = start;
	return true;
}

static long walk_step(__u32 i, void *ctx)
{
	struct walk *w = ctx;
	/* Locals: CO-RE would relocate an access through our own struct, too. */
	struct dentry *dentry = w->dentry;
	struct vfsmount *mnt = w->mnt;
	struct dentry *mnt_root = w->mnt_root;

	if (dentry == w->root && mnt == w->root_mnt) {
		w->end = WALK_AT_ROOT;
		return 1;
	}
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == mnt_root || dentry == parent) {
		struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(m, mnt_parent);
		if (dentry != mnt_root || up == m || !up) {
			w->end = WALK_OUTSIDE;
			return 1;
		}
		mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt_root = BPF_CORE_READ(mnt, mnt_root);
		w->mnt = mnt;
		return 0;
	}
	struct qstr name = {};
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	if (!prepend(w, name.name, name.len))
		return 1;
	w->dentry = parent;
	return 0;
}

#ifdef K8SRD_RAW

/* Without bpf_loop the verifier follows each step, so there may be few in a program: the steps are in
 * a global function, and what it works on is in a map between its calls. */
#define WALK_STEPS_AT_ONCE 10

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALK_SLOTS);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* Walks on for some steps; whether it is done. */
GLOBAL int walk_on(__u32 slot)
{
	struct walk *kept = bpf_map_lookup_elem(&walks, &slot);
	struct walk_buffer *buffer = bpf_map_lookup_elem(&walk_buffers, &slot);
	if (!kept || !buffer)
		return 1;
	struct walk w = *kept;
	w.bytes = buffer->bytes;
	int done = 0;
	for (__u32 i = 0; i < WALK_STEPS_AT_ONCE && !done; i++)
		done = walk_step(i, &w);
	*kept = w;
	return done;
}

ALWAYS_INLINE void walk_up(struct walk *w, struct walk_buffer *buffer)
{
	__u32 slot = buffer->slot;
	struct walk *kept = bpf_map_lookup_elem(&walks, &slot);
	if (!kept)
		return;
	*kept = *w;
	for (__u32 i = 0; i < WALK_STEPS / WALK_STEPS_AT_ONCE; i++)
		if (walk_on(slot))
			break;
	*w = *kept;
	w->bytes = buffer->bytes;
}

#else

ALWAYS_INLINE void walk_up(struct walk *w, struct walk_buffer *buffer)
{
	bpf_loop(WALK_STEPS, walk_step, w, 0);
}

#endif

/* Copies bytes[start..PATH_MAX] of a walk to the record's end, the last `max` (a constant) of them. */
ALWAYS_INLINE bool add_walked(struct k8srd_header *h, struct k8srd_part *part, struct walk *w,
			      __u64 max)
{
	__u64 len = K8SRD_PATH_MAX - w->start;
	bool whole = len <= max;
	if (!whole)
		len = max;
	void *to = tail(h, max);
	FENCE(len);
	if (!to || len > max)
		return false;
	bpf_probe_read_kernel(to, len, w->bytes + (K8SRD_PATH_MAX - len));
	keep(h, part, len);
	return whole;
}

/* What a path turned out to be; each user maps it to its own flags. */
#define PATH_CUT 1
#define PATH_GONE 2
#define PATH_FOREIGN 4
#define PATH_LABEL 8

/* Appends the path of `at`, seen from the root in `fs`. */
NOINLINE __u32 add_path(struct k8srd_header *h, struct k8srd_part *part, struct walk_buffer *buffer,
			struct path *at, struct fs_struct *fs)
{
	__u32 what = 0;
	struct path start = {}, root = {};
	bpf_core_read(&start, sizeof(start), at);
	bpf_core_read(&root, sizeof(root), &fs->root);
	struct dentry *dentry = start.dentry;
	struct vfsmount *mnt = start.mnt;
	if (!dentry || !mnt)
		return 0;
	struct walk w = {
		.dentry = dentry,
		.mnt = mnt,
		.mnt_root = BPF_CORE_READ(mnt, mnt_root),
		.root = root.dentry,
		.root_mnt = root.mnt,
		.bytes = buffer->bytes,
		.start = K8SRD_PATH_MAX,
		.end = WALK_LIMIT,
	};
	if (BPF_CORE_READ(dentry, d_parent) == dentry) {
		if (dentry != w.mnt_root) {
			/* A file without a directory. */
			struct qstr name = {};
			bpf_core_read(&name, sizeof(name), &dentry->d_name);
			prepend(&w, name.name, name.len);
			add_walked(h, part, &w, K8SRD_PATH_MAX);
			return PATH_LABEL;
		}
	} else if (!BPF_CORE_READ(dentry, d_hash.pprev)) {
		what |= PATH_GONE;
	}
	walk_up(&w, buffer);
	if (w.end == WALK_OUTSIDE)
		what |= PATH_FOREIGN;
	if (w.start == K8SRD_PATH_MAX)
		prepend(&w, 0, 0);
	if (!add_walked(h, part, &w, K8SRD_PATH_MAX) || w.end == WALK_LIMIT) {
		what |= PATH_CUT;
		count(K8SRD_COUNTER_PATH_TOO_DEEP);
	}
	return what;
}

ALWAYS_INLINE void flag_path(struct k8srd_header *h, __u32 what)
{
	if (what & PATH_CUT)
		h->flags |= K8SRD_FLAG_PATH_TRUNCATED;
	if (what & PATH_GONE)
		h->flags |= K8SRD_FLAG_PATH_DELETED;
	if (what & PATH_FOREIGN)
		h->flags |= K8SRD_FLAG_PATH_UNREACHABLE;
	if (what & PATH_LABEL)
		h->flags |= K8SRD_FLAG_PATH_PSEUDO;
}

ALWAYS_INLINE void flag_base(struct k8srd_header *h, __u32 what)
{
	if (what & PATH_CUT)
		h->flags |= K8SRD_FLAG_BASE_TRUNCATED;
	if (what & PATH_GONE)
		h->flags |= K8SRD_FLAG_BASE_DELETED;
	if (what & PATH_FOREIGN)
		h->flags |= K8SRD_FLAG_BASE_UNREACHABLE;
}

/* The file behind a descriptor of the current task, or null. */
ALWAYS_INLINE struct file *file_of(struct task_struct *task, __s64 fd)
{
	struct file *file = 0;
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	if (fd < 0 || !table || fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	struct file **files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* Appends the directory that a relative name starts from: of `dirfd`, or the working directory. */
NOINLINE void add_base(struct k8srd_header *h, struct k8srd_part *part, struct walk_buffer *buffer,
		       struct task_struct *task, __s32 dirfd)
{
	struct fs_struct *fs = GET(task, fs);
	if (!fs)
		return;
	struct path *at = &fs->pwd;
	if (dirfd != AT_FDCWD) {
		struct file *file = file_of(task, dirfd);
		if (!file)
			return;
		at = &file->f_path;
	}
	flag_base(h, add_path(h, part, buffer, at, fs));
}

/* cgroup directories: kernfs nodes up to the hierarchy's root. */
struct cgroup_walk {
	struct kernfs_node *node;
	struct walk out;
};

ALWAYS_INLINE struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___plain *plain = (void *)node;
	if (bpf_core_field_exists(plain->parent))
		return BPF_CORE_READ(plain, parent);
	return BPF_CORE_READ(node, __parent);
}

static long cgroup_step(__u32 i, void *ctx)
{
	struct cgroup_walk *w = ctx;
	struct kernfs_node *node = w->node;
	struct kernfs_node *parent = kernfs_parent(node);
	if (!parent) {
		w->out.end = WALK_AT_ROOT;
		return 1;
	}
	/* kernfs keeps no length; a name is at most NAME_MAX bytes. */
	__u8 *name = w->out.bytes + WALK_MAX;
	long n = bpf_probe_read_kernel_str(name, 256, BPF_CORE_READ(node, name));
	if (n <= 1 || !prepend(&w->out, name, n - 1))
		return 1;
	w->node = parent;
	return 0;
}

#ifdef K8SRD_RAW

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALK_SLOTS);
	__type(key, __u32);
	__type(value, struct cgroup_walk);
} cgroup_walks SEC(".maps");

GLOBAL int walk_cgroups_on(__u32 slot)
{
	struct cgroup_walk *kept = bpf_map_lookup_elem(&cgroup_walks, &slot);
	struct walk_buffer *buffer = bpf_map_lookup_elem(&walk_buffers, &slot);
	if (!kept || !buffer)
		return 1;
	struct cgroup_walk w = *kept;
	w.out.bytes = buffer->bytes;
	int done = 0;
	for (__u32 i = 0; i < WALK_STEPS_AT_ONCE && !done; i++)
		done = cgroup_step(i, &w);
	*kept = w;
	return done;
}

ALWAYS_INLINE void walk_up_cgroups(struct cgroup_walk *w, struct walk_buffer *buffer)
{
	__u32 slot = buffer->slot;
	struct cgroup_walk *kept = bpf_map_lookup_elem(&cgroup_walks, &slot);
	if (!kept)
		return;
	*kept = *w;
	for (__u32 i = 0; i < WALK_STEPS / WALK_STEPS_AT_ONCE; i++)
		if (walk_cgroups_on(slot))
			break;
	*w = *kept;
	w->out.bytes = buffer->bytes;
}

#else

ALWAYS_INLINE void walk_up_cgroups(struct cgroup_walk *w, struct walk_buffer *buffer)
{
	bpf_loop(WALK_STEPS, cgroup_step, w, 0);
}

#endif

NOINLINE void add_cgroup(struct k8srd_header *h, struct k8srd_part *part, struct walk_buffer *buffer,
			 struct cgroup *cgroup)
{
	struct cgroup_walk w = {
		.node = BPF_CORE_READ(cgroup, kn),
		.out = { .bytes = buffer->bytes, .start = K8SRD_PATH_MAX, .end = WALK_LIMIT },
	};
	if (!w.node)
		return;
	walk_up_cgroups(&w, buffer);
	if (w.out.start == K8SRD_PATH_MAX)
		prepend(&w.out, 0, 0);
	if (!add_walked(h, part, &w.out, K8SRD_CGROUP_MAX) || w.out.end == WALK_LIMIT) {
		h->flags |= K8SRD_FLAG_CGROUP_TRUNCATED;
		count(K8SRD_COUNTER_PATH_TOO_DEEP);
	}
}

#endif

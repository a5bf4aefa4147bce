/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* open, openat, openat2, creat. */
#ifndef K8SRD_OPEN_H
#define K8SRD_OPEN_H

/* struct open_how of include/uapi/linux/openat2.h. */
struct open_how_args { __u64 flags, mode, resolve; };

/* Without one of these flags there is no mode: its register holds whatever it held. */
ALWAYS_INLINE __u32 mode_of(__u64 flags, __u64 mode)
{
	return flags & (O_CREAT | O_TMPFILE_BIT) ? mode & 07777 : 0;
}

/* The call's arguments; gives the name. */
ALWAYS_INLINE const char *open_call(struct k8srd_header *h, struct k8srd_open *o,
				    struct arguments *a)
{
	o->dirfd = AT_FDCWD;
	switch (h->kind) {
	case K8SRD_KIND_OPENAT:
		o->dirfd = a->at[0];
		o->open_flags = (__u32)a->at[2];
		o->mode = mode_of(o->open_flags, a->at[3]);
		return (void *)a->at[1];
	case K8SRD_KIND_OPENAT2: {
		struct open_how_args how = {};
		o->dirfd = a->at[0];
		if (bpf_probe_read_user(&how, sizeof(how), (void *)a->at[2]))
			fault(h, K8SRD_FLAG_ADDR_FAULT);
		o->open_flags = how.flags;
		o->mode = how.mode;
		o->resolve = how.resolve;
		return (void *)a->at[1];
	}
	case K8SRD_KIND_CREAT:
		o->open_flags = O_CREAT | O_WRONLY | O_TRUNC;
		o->mode = mode_of(o->open_flags, a->at[1]);
		return (void *)a->at[0];
	default:
		o->open_flags = (__u32)a->at[1];
		o->mode = mode_of(o->open_flags, a->at[2]);
		return (void *)a->at[0];
	}
}

/* What was opened, as the kernel has it. */
NOINLINE void add_opened(struct k8srd_header *h, struct walk_buffer *buffer, struct task_struct *task,
			 long res)
{
	struct k8srd_open *o = BODY_OF(h);
	struct file *file = file_of(task, res);
	struct fs_struct *fs = GET(task, fs);
	if (!file || !fs)
		return;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	o->ino = BPF_CORE_READ(inode, i_ino);
	o->dev = user_dev_of(BPF_CORE_READ(inode, i_sb, s_dev));
	o->file_mode = BPF_CORE_READ(inode, i_mode);
	o->fmode = BPF_CORE_READ(file, f_mode);
	o->layer = layer_of(inode);
	flag_path(h, add_path(h, &o->path, buffer, &file->f_path, fs));
}

NOINLINE void opened(struct task_struct *task, struct arguments *a, __u16 kind, long res)
{
	struct k8srd_header *h = begin(SLOT_SYS_EXIT, kind, K8SRD_HOOK_SYS_EXIT,
				       sizeof(struct k8srd_open));
	struct walk_buffer *buffer = walk_buffer_of(SLOT_SYS_EXIT);
	if (!h || !buffer)
		return;
	struct k8srd_open *o = BODY_OF(h);
	o->res = res;
	if (a->narrow)
		h->flags |= K8SRD_FLAG_COMPAT;
	fill_context(CONTEXT_OF(h), task);
	const char *name = open_call(h, o, a);
	__u8 *start = tail(h, 1);
	long len = add_user_name(h, &o->name, name);
	if (len >= 0 && start && (!len || *start != '/'))
		add_base(h, &o->base, buffer, task, o->dirfd);

	add_opened(h, buffer, task, res);
	send_data(h);
}

#endif

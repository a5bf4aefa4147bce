/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about a file: times, device, layer of an overlay, who may write it. */
#ifndef K8SRD_EXE_H
#define K8SRD_EXE_H

#define NSEC_PER_SEC 1000000000ULL
/* From 6.13 the top bit of ctime's nanoseconds says that somebody has read it (include/linux/fs.h). */
#define I_CTIME_QUERIED (1U << 31)

ALWAYS_INLINE __u64 ctime_of(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___plain *plain = (void *)inode;
	if (bpf_core_field_exists(split->i_ctime_sec))
		return BPF_CORE_READ(split, i_ctime_sec) * NSEC_PER_SEC +
		       (BPF_CORE_READ(split, i_ctime_nsec) & ~I_CTIME_QUERIED);
	if (bpf_core_field_exists(hidden->__i_ctime))
		return BPF_CORE_READ(hidden, __i_ctime.tv_sec) * NSEC_PER_SEC +
		       BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	return BPF_CORE_READ(plain, i_ctime.tv_sec) * NSEC_PER_SEC +
	       BPF_CORE_READ(plain, i_ctime.tv_nsec);
}

ALWAYS_INLINE __u64 mtime_of(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___plain *plain = (void *)inode;
	if (bpf_core_field_exists(split->i_mtime_sec))
		return BPF_CORE_READ(split, i_mtime_sec) * NSEC_PER_SEC +
		       BPF_CORE_READ(split, i_mtime_nsec);
	if (bpf_core_field_exists(hidden->__i_mtime))
		return BPF_CORE_READ(hidden, __i_mtime.tv_sec) * NSEC_PER_SEC +
		       BPF_CORE_READ(hidden, __i_mtime.tv_nsec);
	return BPF_CORE_READ(plain, i_mtime.tv_sec) * NSEC_PER_SEC +
	       BPF_CORE_READ(plain, i_mtime.tv_nsec);
}

ALWAYS_INLINE __u32 layer_of(struct inode *inode)
{
	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return K8SRD_LAYER_NONE;
	/* struct ovl_inode (fs/overlayfs/ovl_entry.h) is the VFS inode and then the dentry in the upper
	 * layer. overlay may be a module, whose BTF is out of reach; the size of the inode is not. */
	struct dentry *upper = 0;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper && BPF_CORE_READ(upper, d_inode) ? K8SRD_LAYER_UPPER : K8SRD_LAYER_LOWER;
}

#define GROUPS_SEARCHED 64

ALWAYS_INLINE bool in_group(const struct cred *cred, __u32 gid)
{
	if (BPF_CORE_READ(cred, fsgid.val) == gid)
		return true;
	struct group_info *groups = BPF_CORE_READ(cred, group_info);
	int n = BPF_CORE_READ(groups, ngroups);
	for (int i = 0; i < GROUPS_SEARCHED && i < n; i++) {
		kgid_t member = {};
		bpf_probe_read_kernel(&member, sizeof(member),
				      (void *)groups + bpf_core_field_offset(struct group_info, gid) +
					      i * sizeof(member));
		if (member.val == gid)
			return true;
	}
	return false;
}

/* Whether the task could write the file, or make it so: the mode bits, ownership, capabilities.
 * ACLs and security policies are not asked. */
ALWAYS_INLINE bool may_write(struct k8srd_context *c, struct task_struct *task, struct inode *inode)
{
	if (BPF_CORE_READ(inode, i_sb, s_flags) & SB_RDONLY || BPF_CORE_READ(inode, i_flags) & S_IMMUTABLE)
		return false;
	if (c->cap_effective & (1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER))
		return true;
	__u32 mode = BPF_CORE_READ(inode, i_mode);
	if (BPF_CORE_READ(inode, i_uid.val) == c->fsuid)
		return true;
	const struct cred *cred = GET(task, cred);
	if (in_group(cred, BPF_CORE_READ(inode, i_gid.val)))
		return mode & 020;
	return mode & 02;
}

/* The executable of the task: path and facts. */
NOINLINE void add_exe(struct k8srd_header *h, struct walk_buffer *buffer, struct task_struct *task)
{
	struct k8srd_exec *e = BODY_OF(h);
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct fs_struct *fs = GET(task, fs);
	if (!file)
		return;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	e->exe_ino = BPF_CORE_READ(inode, i_ino);
	e->exe_ctime = ctime_of(inode);
	e->exe_mtime = mtime_of(inode);
	e->exe_dev = user_dev_of(BPF_CORE_READ(inode, i_sb, s_dev));

	__u32 layer = layer_of(inode);
	if (layer == K8SRD_LAYER_UPPER)
		e->exe_flags |= K8SRD_EXE_UPPER_LAYER;
	if (layer == K8SRD_LAYER_LOWER)
		e->exe_flags |= K8SRD_EXE_LOWER_LAYER;
	if (may_write(CONTEXT_OF(h), task, inode))
		e->exe_flags |= K8SRD_EXE_WRITABLE;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	char label[7] = {};
	bpf_probe_read_kernel_str(label, sizeof(label), BPF_CORE_READ(dentry, d_name.name));
	if (BPF_CORE_READ(dentry, d_parent) == dentry && label[0] == 'm' && label[1] == 'e' &&
	    label[2] == 'm' && label[3] == 'f' && label[4] == 'd' && label[5] == ':')
		e->exe_flags |= K8SRD_EXE_FROM_MEMFD;

	if (fs)
		flag_path(h, add_path(h, &e->exepath, buffer, &file->f_path, fs));
}

#endif

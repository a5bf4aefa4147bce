/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a descriptor is of, from the kernel's own objects: no caller can change them while they are
 * read. The number leads to what it leads to when the call returns; a thread beside it that closes
 * and opens meanwhile can make that something else.
 */
#ifndef K8SRD_DESCRIPTOR_H
#define K8SRD_DESCRIPTOR_H

ALWAYS_INLINE __u16 host_order(__u16 port)
{
	return port >> 8 | port << 8;
}

/* The name that a unix socket is bound to, behind the two bytes of its family. */
NOINLINE void add_unix_name(struct k8srd_header *h, struct k8srd_part *part, struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	if (!address)
		return;
	__s32 whole = BPF_CORE_READ(address, len);
	void *to = tail(h, K8SRD_SOCKADDR_MAX);
	__u64 len = whole - 2;
	FENCE(len);
	if (!to || whole <= 2 || len > K8SRD_SOCKADDR_MAX)
		return;
	if (bpf_probe_read_kernel(to, len, (void *)address + bpf_core_field_offset(struct unix_address, name) + 2))
		return;
	/* A path ends with its terminator, an abstract name does not. */
	if (*(__u8 *)to && len > 1)
		len -= 1;
	keep(h, part, len);
}

ALWAYS_INLINE struct sock *sock_of(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	if (!inode || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

NOINLINE void add_socket(struct k8srd_header *h, struct k8srd_descriptor *d, struct sock *sk)
{
	d->sock = (__u64)sk;
	d->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	d->type = BPF_CORE_READ(sk, sk_type);
	d->protocol = BPF_CORE_READ(sk, sk_protocol);
	d->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	switch (d->family) {
	case AF_INET: {
		__u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		__u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		__builtin_memcpy(d->local_addr, &local, 4);
		__builtin_memcpy(d->remote_addr, &remote, 4);
		break;
	}
	case AF_INET6:
		if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
			bpf_core_read(d->local_addr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
			bpf_core_read(d->remote_addr, 16, &sk->__sk_common.skc_v6_daddr);
		}
		break;
	case AF_UNIX: {
		struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
		d->peer = (__u64)peer;
		add_unix_name(h, &d->local_path, sk);
		if (peer)
			add_unix_name(h, &d->remote_path, peer);
		return;
	}
	default:
		return;
	}
	d->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	d->remote_port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* Whether it is in no directory: the file is the root of nothing. */
ALWAYS_INLINE bool is_nameless(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	return dentry && BPF_CORE_READ(dentry, d_parent) == dentry &&
	       dentry != BPF_CORE_READ(file, f_path.mnt, mnt_root);
}

/* Appends the facts of a file; whose path is added by the caller, if it has one. */
ALWAYS_INLINE struct k8srd_descriptor *add_descriptor(struct k8srd_header *h,
						      struct k8srd_part *part, struct file *file)
{
	struct k8srd_descriptor *d = tail(h, sizeof(*d));
	if (!d)
		return 0;
	__builtin_memset(d, 0, sizeof(*d));
	keep(h, part, sizeof(*d));
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	d->mode = BPF_CORE_READ(inode, i_mode);
	d->ino = BPF_CORE_READ(inode, i_ino);
	d->dev = user_dev_of(BPF_CORE_READ(inode, i_sb, s_dev));
	d->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	d->fmode = BPF_CORE_READ(file, f_mode);
	d->layer = layer_of(inode);
	struct sock *sk = sock_of(file);
	if (sk)
		add_socket(h, d, sk);
	return d;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* connect(fd, address, length). */
#ifndef K8SRD_CONNECT_H
#define K8SRD_CONNECT_H

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

ALWAYS_INLINE void add_socket(struct k8srd_header *h, struct k8srd_connect *c, struct sock *sk)
{
	c->sock = (__u64)sk;
	c->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	c->type = BPF_CORE_READ(sk, sk_type);
	c->protocol = BPF_CORE_READ(sk, sk_protocol);
	c->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	switch (c->family) {
	case AF_INET: {
		__u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		__u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		__builtin_memcpy(c->local_addr, &local, 4);
		__builtin_memcpy(c->remote_addr, &remote, 4);
		break;
	}
	case AF_INET6:
		if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
			bpf_core_read(c->local_addr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
			bpf_core_read(c->remote_addr, 16, &sk->__sk_common.skc_v6_daddr);
		}
		break;
	case AF_UNIX: {
		struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
		c->peer = (__u64)peer;
		add_unix_name(h, &c->local_path, sk);
		if (peer)
			add_unix_name(h, &c->remote_path, peer);
		return;
	}
	default:
		return;
	}
	c->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	c->remote_port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

NOINLINE void connected(struct task_struct *task, struct pt_regs *regs, __u16 kind, long res)
{
	struct k8srd_header *h = begin(SLOT_SYS_EXIT, kind, K8SRD_HOOK_SYS_EXIT,
				       sizeof(struct k8srd_connect));
	if (!h)
		return;
	struct k8srd_connect *c = BODY_OF(h);
	c->res = res;
	c->fd = SYSCALL_ARG0(regs);
	fill_context(CONTEXT_OF(h), task);

	__u64 len = (__u32)SYSCALL_ARG2(regs);
	if (len > K8SRD_SOCKADDR_MAX)
		len = K8SRD_SOCKADDR_MAX;
	void *to = tail(h, K8SRD_SOCKADDR_MAX);
	FENCE(len);
	if (to && len && len <= K8SRD_SOCKADDR_MAX) {
		if (bpf_probe_read_user(to, len, (void *)SYSCALL_ARG1(regs)))
			fault(h, K8SRD_FLAG_ADDR_FAULT);
		else
			keep(h, &c->addr, len);
	}
	struct file *file = file_of(task, c->fd);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	if (inode && (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFSOCK) {
		struct socket *socket = BPF_CORE_READ(file, private_data);
		struct sock *sk = BPF_CORE_READ(socket, sk);
		if (sk)
			add_socket(h, c, sk);
	}
	send_data(h);
}

#endif

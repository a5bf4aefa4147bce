/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sensor: one object. A kind is a file here, a row in layout.h and, if it is a system call, a
 * case in sys_exit below.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "abi.h"
#include "record.h"
#include "path.h"
#include "context.h"
#include "exe.h"
#include "exec.h"
#include "clone.h"
#include "procexit.h"
#include "open.h"
#include "connect.h"
#include "task.h"

/* Both alternatives must name each file's licence; the kernel wants one that is GPL-compatible. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What this object is: read by the loader (`layout`) and by people. */
const char BUILD[] SEC("k8srd") = "k8srd layout=" K8SRD_LAYOUT " clang=" __clang_version__;

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long res)
{
	__u64 nr = SYSCALL_NR(regs);
	__u32 key = nr;
#ifdef X32_BIT
	key &= ~X32_BIT;
#endif
	__u32 *kinds = bpf_map_lookup_elem(&syscalls, &key);
	if (!kinds || !*kinds)
		return 0;

	struct task_struct *task = bpf_get_current_task_btf();
	__u16 kind = *kinds;
	bool compat = in_compat_call(task, nr);
	if (compat)
		kind = compat_kind(nr, *kinds);
	switch (kind) {
	case 0:
		return 0;
	case K8SRD_KIND_EXECVE:
	case K8SRD_KIND_EXECVEAT:
	case K8SRD_KIND_CLONE:
	case K8SRD_KIND_CLONE3:
	case K8SRD_KIND_FORK:
	case K8SRD_KIND_VFORK:
		/* Successes are told by the lifecycle hooks. */
		if (res >= 0)
			return 0;
	}
	if (is_own(task)) {
		count(K8SRD_COUNTER_OWN);
		return 0;
	}
	if (compat) {
		count(K8SRD_COUNTER_COMPAT);
		return 0;
	}
	switch (kind) {
	case K8SRD_KIND_OPEN:
	case K8SRD_KIND_OPENAT:
	case K8SRD_KIND_OPENAT2:
	case K8SRD_KIND_CREAT:
		opened(task, regs, kind, res);
		break;
	case K8SRD_KIND_CONNECT:
		connected(task, regs, kind, res);
		break;
	case K8SRD_KIND_EXECVE:
	case K8SRD_KIND_EXECVEAT:
		exec_failed(task, regs, kind, res);
		break;
	case K8SRD_KIND_CLONE:
	case K8SRD_KIND_CLONE3:
	case K8SRD_KIND_FORK:
	case K8SRD_KIND_VFORK:
		clone_failed(task, regs, kind, res);
		break;
	}
	return 0;
}

/*
 * Read once by the loader: an iterator runs as its reader, so `current` is the task to leave out. A
 * number would not do: the agent may be in a pid namespace, and numbers are reused.
 */
SEC("iter/task")
int mark_own(struct bpf_iter__task *ctx)
{
	own_leader = (__u64)bpf_get_current_task_btf()->group_leader;
	return 0;
}

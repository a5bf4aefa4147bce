/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sensor: one object. Most system calls are written by call.h as the row of each tells; what has
 * a body of its own is a file here and a form in sys_exit below.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "abi.h"
#include "rung.h"
#include "record.h"
#include "path.h"
#include "context.h"
#include "exe.h"
#include "descriptor.h"
#include "call.h"
#include "exec.h"
#include "clone.h"
#include "procexit.h"
#include "open.h"
#include "uring.h"
#include "task.h"

/* Both alternatives must name each file's licence; the kernel wants one that is GPL-compatible. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What this object is: read by the loader (`layout`) and by people. */
const char BUILD[] SEC("k8srd") = "k8srd layout=" K8SRD_LAYOUT " clang=" __clang_version__;

ALWAYS_INLINE void read_arguments(struct arguments *a, struct pt_regs *regs, bool narrow)
{
	a->narrow = narrow;
	if (narrow) {
		a->at[0] = (__u32)COMPAT_ARG0(regs);
		a->at[1] = (__u32)COMPAT_ARG1(regs);
		a->at[2] = (__u32)COMPAT_ARG2(regs);
		a->at[3] = (__u32)COMPAT_ARG3(regs);
		a->at[4] = (__u32)COMPAT_ARG4(regs);
		a->at[5] = (__u32)COMPAT_ARG5(regs);
		return;
	}
	a->at[0] = SYSCALL_ARG0(regs);
	a->at[1] = SYSCALL_ARG1(regs);
	a->at[2] = SYSCALL_ARG2(regs);
	a->at[3] = SYSCALL_ARG3(regs);
	a->at[4] = SYSCALL_ARG4(regs);
	a->at[5] = SYSCALL_ARG5(regs);
}

/* Arguments that lie in memory, where 32-bit callers may put them. */
ALWAYS_INLINE bool unpack_arguments(struct arguments *a, __u64 from)
{
	__u32 packed[6] = {};
	/* Not every call has six: what lies behind them may not be there. */
	if (bpf_probe_read_user(packed, sizeof(packed), (void *)from) &&
	    bpf_probe_read_user(packed, 3 * sizeof(packed[0]), (void *)from))
		return false;
	a->at[0] = packed[0];
	a->at[1] = packed[1];
	a->at[2] = packed[2];
	a->at[3] = packed[3];
	a->at[4] = packed[4];
	a->at[5] = packed[5];
	return true;
}

/*
 * Where the plan of a 32-bit call is. i386 has one call for all of its sockets: which one is its first
 * argument, the second leads to the others.
 */
ALWAYS_INLINE __u32 narrow_plan(struct arguments *a, __u64 nr)
{
#ifdef NR_COMPAT_socketcall
	if (nr == NR_COMPAT_socketcall) {
		__u32 call = a->at[0];
		if (call >= K8SRD_SOCKETCALLS || !unpack_arguments(a, a->at[1]))
			return K8SRD_PLANS;
		return 2 * K8SRD_SYSCALLS + call;
	}
#endif
	return K8SRD_SYSCALLS + nr;
}

/* Two typed programs have it, one raw one, whose functions need much of the stack. */
#ifdef K8SRD_RAW
#define RETURNED ALWAYS_INLINE
#else
#define RETURNED NOINLINE
#endif

/* A call that was asked for has returned. */
RETURNED void returned(struct pt_regs *regs, __u64 nr, __u32 kinds, long res)
{
	struct task_struct *task = current_task();
	bool compat = in_compat_call(task, nr);
	if (!(compat ? compat_kind(nr, kinds) : (__u16)kinds))
		return;
	if (is_own(task)) {
		count(K8SRD_COUNTER_OWN);
		return;
	}
	struct call *call = call_of_cpu();
	if (!call)
		return;
	struct arguments *a = &call->arguments;
	__u32 key = nr;
#ifdef X32_BIT
	key &= ~X32_BIT;
#endif
	/* An x32 call below 512 takes what the native one does. */
	bool narrow = compat && key == nr;
	read_arguments(a, regs, narrow);
	if (narrow)
		key = narrow_plan(a, nr);
	struct k8srd_plan *plan = bpf_map_lookup_elem(&plans, &key);
	if (!plan || !plan->kind) {
		/* A 32-bit caller whose arguments could not be read; or a socketcall that nobody asked for. */
		if (key >= K8SRD_PLANS)
			count(K8SRD_COUNTER_COMPAT);
		return;
	}
	if (plan->flags & K8SRD_PLAN_PACKED && !unpack_arguments(a, a->at[0])) {
		count(K8SRD_COUNTER_COMPAT);
		return;
	}
	/* Successes of these are told by the lifecycle hooks. */
	__u8 form = plan->form;
	if (res >= 0 && (form == K8SRD_FORM_EXEC || form == K8SRD_FORM_CLONE))
		return;
	if (is_filtered(plan, a))
		return;
	switch (form) {
	case K8SRD_FORM_CALL:
		called(call, plan, key, res);
		break;
	case K8SRD_FORM_OPEN:
		opened(task, a, plan->kind, res);
		break;
	case K8SRD_FORM_EXEC:
		exec_failed(task, a, plan->kind, res);
		break;
	case K8SRD_FORM_CLONE:
		clone_failed(task, a, plan->kind, res);
		break;
	}
}

/* What was asked for of this call, 0 if nothing. */
ALWAYS_INLINE __u32 kinds_of(__u64 nr)
{
	__u32 key = nr;
#ifdef X32_BIT
	key &= ~X32_BIT;
#endif
	__u32 *kinds = bpf_map_lookup_elem(&syscalls, &key);
	return kinds ? *kinds : 0;
}

HOOK(sys_exit)
int BPF_PROG(sys_exit, struct pt_regs *regs, long res)
{
	__u64 nr = SYSCALL_NR(regs);
	__u32 kinds = kinds_of(nr);
	if (kinds)
		returned(regs, nr, kinds, res);
	return 0;
}

#ifndef K8SRD_RAW

/* The event of raw_syscalls:sys_exit, behind its common fields. */
struct sys_exit_event { __u64 common; __s64 id, ret; };

/*
 * The same for kernels that may take the CPU from tp_btf programs (7.2): while one waits, it is skipped for
 * whatever else runs on that CPU, which lost 13 of 100 opens of a storm. Of perf's tracepoints no
 * kernel takes the CPU. They cost more, so this one is for those kernels only.
 */
SEC("tp/raw_syscalls/sys_exit")
int perf_sys_exit(struct sys_exit_event *event)
{
	__u32 kinds = kinds_of(event->id);
	if (kinds)
		returned(task_regs(current_task()), event->id, kinds, event->ret);
	return 0;
}

#endif

/*
 * Read once by the loader: an iterator runs as its reader, so `current` is the task to leave out. A
 * number would not do: the agent may be in a pid namespace, and numbers are reused.
 */
SEC("iter/task")
int mark_own(struct bpf_iter__task *ctx)
{
	own_leader = (__u64)GET(current_task(), group_leader);
	return 0;
}

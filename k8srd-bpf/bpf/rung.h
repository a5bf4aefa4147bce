/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two rungs, compiled from the same programs.
 *
 * tp_btf: pointers have types that the verifier knows, so fields of the kernel are plain loads. Needs
 * helpers that came until 5.17.
 *
 * raw_tp (K8SRD_RAW): raw tracepoints, on which pointers are numbers, so that every field is read by
 * a helper; nothing that 5.10 lacks. For old kernels, and where typed programs are refused.
 */
#ifndef K8SRD_RUNG_H
#define K8SRD_RUNG_H

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
/* Makes the compiler forget what it knows of x, so that the bound checked is on the register used. */
#define FENCE(x) asm volatile("" : "+r"(x))

#ifdef K8SRD_RAW

#define HOOK(name) SEC("raw_tp/" #name)
/* A function that the verifier sees once, however often it is called. Before 5.12 it takes numbers only,
 * and here pointers are some. */
#define GLOBAL __attribute__((noinline))
/* GET(p, a, b) is p->a->b, of pointers of the kernel. */
#define GET BPF_CORE_READ
#define COPY(to, from) bpf_core_read(to, sizeof(*(from)), from)

/* A bounded loop that the verifier follows step by step: short ones only. */
#define LOOP(times, step, state)                                                           \
	_Pragma("clang loop unroll(disable)") for (__u32 i_ = 0; i_ < (times); i_++) {     \
		if (step(i_, state))                                                       \
			break;                                                             \
	}
/* The same of a step without state: a global function. */
#define REPEAT(times, step)                                                                \
	_Pragma("clang loop unroll(disable)") for (__u32 i_ = 0; i_ < (times); i_++) {     \
		if (step(i_))                                                              \
			break;                                                             \
	}

#else

#define HOOK(name) SEC("tp_btf/" #name)
#define GLOBAL NOINLINE
#define GET_1(p, a) ((p)->a)
#define GET_2(p, a, b) ((p)->a->b)
#define GET_3(p, a, b, c) ((p)->a->b->c)
#define GET_NTH(p, a, b, c, get, ...) get
#define GET(...) GET_NTH(__VA_ARGS__, GET_3, GET_2, GET_1)(__VA_ARGS__)
#define COPY(to, from) __builtin_memcpy(to, from, sizeof(*(from)))

#define LOOP(times, step, state) bpf_loop(times, step, state, 0)
#define REPEAT(times, step) bpf_loop(times, step, 0, 0)

#endif

/*
 * Newer kernels (from 7.2) may take the CPU from a program of a tracepoint; until it gets it
 * back, they skip the program for whatever else runs there. So each program but that of sys_exit (sensor.bpf.c)
 * keeps the CPU. The functions of the kernel for that are of 6.10; their numbers, which differ
 * from kernel to kernel, are put into these instructions by the loader (load/kept.rs), or a jump to the
 * next one. Raw programs are for older kernels, and their global functions may not lie between the two.
 */
#ifdef K8SRD_RAW
#define KEEP_CPU()
#define GIVE_CPU()
#else
#define KERNEL_CALL(mark)                                                                  \
	asm volatile(".8byte " mark : : : "r0", "r1", "r2", "r3", "r4", "r5", "memory")
#define KEEP_CPU() KERNEL_CALL("0x6b38730100002085")
#define GIVE_CPU() KERNEL_CALL("0x6b38730200002085")
#endif

ALWAYS_INLINE struct task_struct *current_task(void)
{
#ifdef K8SRD_RAW
	return (void *)bpf_get_current_task();
#else
	return bpf_get_current_task_btf();
#endif
}

/*
 * The registers with which a task entered the kernel, at the upper end of its stack. The helper is of
 * 5.15 and wants a typed task. Without it the place follows from the size of a stack, which is
 * another in kernels built for debugging, and from what is kept above (16 bytes where x86 may use
 * FRED), so it has to look like registers of a program: null, if it does not.
 */
ALWAYS_INLINE struct pt_regs *task_regs(struct task_struct *task)
{
#ifndef K8SRD_RAW
	return (void *)bpf_task_pt_regs(task);
#else
	void *stack = BPF_CORE_READ(task, stack);
	void *regs = stack + 16384 - bpf_core_type_size(struct pt_regs);
#if defined(__TARGET_ARCH_x86)
	/* The selectors __USER_CS and __USER32_CS of arch/x86/include/asm/segment.h. */
	for (int above = 0; above <= 16; above += 16) {
		__u16 cs = BPF_CORE_READ((struct pt_regs___frame *)(regs - above), cs);
		if (cs == 0x33 || cs == 0x23)
			return regs - above;
	}
#elif defined(__TARGET_ARCH_arm64)
	/* The mode bits of PSTATE: EL0, and its 32-bit form. */
	__u64 mode = BPF_CORE_READ((struct pt_regs___frame *)regs, pstate) & 0xf;
	if (stack && mode == 0)
		return regs;
#endif
	return 0;
#endif
}

#endif

/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Everything that differs between x86-64 and arm64: registers, and how a 32-bit call is told from a native one. */
#ifndef TRACEBENCH_EBPF_ARCH_H
#define TRACEBENCH_EBPF_ARCH_H

#include "kernel_types.h"
#include "record.h"

#if defined(__TARGET_ARCH_x86)

#define TB_ARCH_OF_NATIVE  TB_ARCH_X86_64
#define TB_ARCH_OF_FOREIGN TB_ARCH_I386

/* The ring publishes by plain stores in order, which is what x86 promises and arm64 does not. */
#define TB_HAS_MMAP_RING 1

/* Set from an i386 entry (also `int 0x80` of a 64-bit process) until the return to user mode. */
#define TB_FOREIGN_WORD thread_info.status
#define TB_FOREIGN_BIT  1 /* TS_COMPAT */

static __always_inline __s32 regs__nr(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

static __always_inline void regs__args(const struct pt_regs *regs, _Bool foreign, tb_u64 *args)
{
	if (foreign) {
		args[0] = (__u32)regs->bx;
		args[1] = (__u32)regs->cx;
		args[2] = (__u32)regs->dx;
		args[3] = (__u32)regs->si;
		args[4] = (__u32)regs->di;
		args[5] = (__u32)regs->bp;
	} else {
		args[0] = regs->di;
		args[1] = regs->si;
		args[2] = regs->dx;
		args[3] = regs->r10;
		args[4] = regs->r8;
		args[5] = regs->r9;
	}
}

/* Of a function, by the calling convention. */
static __always_inline void function__args(const struct pt_regs *regs, tb_u64 *args)
{
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->cx;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

#elif defined(__TARGET_ARCH_arm64)

#define TB_ARCH_OF_NATIVE  TB_ARCH_AARCH64
#define TB_ARCH_OF_FOREIGN TB_ARCH_ARM

#define TB_FOREIGN_WORD thread_info.flags
#define TB_FOREIGN_BIT  22 /* TIF_32BIT */

static __always_inline __s32 regs__nr(const struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline void regs__args(const struct pt_regs *regs, _Bool foreign, tb_u64 *args)
{
	args[0] = regs->orig_x0; /* x0 holds the return value by the time of the exit */
	args[1] = regs->regs[1];
	args[2] = regs->regs[2];
	args[3] = regs->regs[3];
	args[4] = regs->regs[4];
	args[5] = regs->regs[5];
	if (foreign)
		for (int i = 0; i < 6; i++)
			args[i] = (__u32)args[i];
}

static __always_inline void function__args(const struct pt_regs *regs, tb_u64 *args)
{
	for (int i = 0; i < 6; i++)
		args[i] = regs->regs[i];
}

#endif

/* What a program is attached to, and so what it is handed; decided when the code is inlined. */
enum hook {
	RAW, /* tp_btf: the tracepoint's own arguments; registers and number, registers and return value */
	CLASSIC, /* perf's tracepoint: the raw data of the event; head, number and arguments, head, number and return value */
};

static __always_inline const struct pt_regs *hook__regs(enum hook hook, const __u64 *ctx)
{
	if (hook == CLASSIC)
		return (const void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return (const void *)ctx[0];
}

static __always_inline __s64 hook__return(enum hook hook, const __u64 *ctx)
{
	return hook == CLASSIC ? ctx[2] : ctx[1];
}

/* Who is calling. Fields that a program does not use cost it nothing: the loads are sunk or dropped. */
struct caller {
	__u32 tid;
	__u32 tgid;
	_Bool foreign;
};

/* Numbers of the initial pid namespace. */
static __always_inline struct caller caller__current(void)
{
	struct caller who;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		const struct task_struct *task = bpf_get_current_task_btf();

		who.tid = task->pid;
		who.tgid = task->tgid;
		who.foreign = task->TB_FOREIGN_WORD >> TB_FOREIGN_BIT & 1;
	} else { /* before Linux 5.11 */
		const struct task_struct *task = (const void *)bpf_get_current_task();
		__u64 both = bpf_get_current_pid_tgid();

		who.tid = both;
		who.tgid = both >> 32;
		who.foreign = BPF_CORE_READ(task, TB_FOREIGN_WORD) >> TB_FOREIGN_BIT & 1;
	}
	return who;
}

#define SIGKILL 9

/* The caller never gets back to its program. Not cheap; for what happens rarely. */
static __always_inline _Bool caller__is_killed(void)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	return BPF_CORE_READ(task, pending.signal.sig[0]) >> (SIGKILL - 1) & 1;
}

#endif

// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/*
 * The programs. All are optional ("?"): a variant loads the ones it needs (variant.cc) and no other, so that what
 * it costs is its own.
 *
 * tp_btf and not raw_tp: registers and task are read by plain loads instead of a helper call each. `tracepoint` differs
 * from `ringbuf` in the hooks of entry and exit and in nothing else.
 */
#include "calls.h"
#include "counting.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FULL(transport, name)                                                     \
	SEC("?tp_btf/sys_enter") int enter_##name(__u64 *ctx)                     \
	{                                                                         \
		return full__enter(transport, RAW, ctx);                          \
	}                                                                         \
	SEC("?tp_btf/sys_exit") int exit_##name##_paired(__u64 *ctx)              \
	{                                                                         \
		return full__exit(transport, RAW, 0, ctx);                        \
	}                                                                         \
	SEC("?tp_btf/sys_exit") int exit_##name##_lean(__u64 *ctx)                \
	{                                                                         \
		return full__exit(transport, RAW, 1, ctx);                        \
	}                                                                         \
	SEC("?tp_btf/sched_process_exit") int task_exit_##name##_lean(__u64 *ctx) \
	{                                                                         \
		return lean__task_exit(transport, ctx);                           \
	}

FULL(RING_BUFFER, ringbuf)
FULL(RING_BUFFER_STRINGS, strings)
FULL(PERF_BUFFER, perfbuf)
FULL(PRINTK, printk)

SEC("?tracepoint/raw_syscalls/sys_enter") int enter_tracepoint(__u64 *ctx)
{
	return full__enter(RING_BUFFER, CLASSIC, ctx);
}

SEC("?tracepoint/raw_syscalls/sys_exit") int exit_tracepoint_paired(__u64 *ctx)
{
	return full__exit(RING_BUFFER, CLASSIC, 0, ctx);
}

SEC("?tracepoint/raw_syscalls/sys_exit") int exit_tracepoint_lean(__u64 *ctx)
{
	return full__exit(RING_BUFFER, CLASSIC, 1, ctx);
}

#ifdef TB_HAS_MMAP_RING
FULL(MMAP_RING, mmap)

SEC("?tp_btf/sys_enter") int enter_only(__u64 *ctx)
{
	return enter__enter(MMAP_RING, ctx);
}
#endif

SEC("?tp_btf/sys_enter") int enter_count(__u64 *ctx)
{
	return count__enter(ctx);
}

SEC("?tp_btf/sys_enter") int enter_count_cgroup(__u64 *ctx)
{
	return count__enter_cgroup(ctx);
}

/* (parent, child): runs before the child does. The parent is the caller, whatever CLONE_PARENT says. */
SEC("?tp_btf/sched_process_fork") int task_fork(__u64 *ctx)
{
	const struct task_struct *parent = (const void *)ctx[0];
	const struct task_struct *child = (const void *)ctx[1];

	if (*task__state(parent->pid) >= TB_TASK_TARGET) {
		*task__state(child->pid) = config.born_state;
		COUNT_RARE(tasks);
	}
	return 0;
}

SEC("?tp_btf/sched_process_exit") int task_exit(__u64 *ctx)
{
	const struct task_struct *task = (const void *)ctx[0];

	task__gone(task->pid);
	return 0;
}

SEC("?tp_btf/sched_prepare_exec") int task_prepare_exec(__u64 *ctx)
{
	(void)ctx;
	return lean__prepare_exec(RING_BUFFER);
}

SEC("?tp_btf/sched_prepare_exec") int task_prepare_exec_strings(__u64 *ctx)
{
	(void)ctx;
	return lean__prepare_exec(RING_BUFFER_STRINGS);
}

/* (task, old_pid, bprm): inside a successful execve, in the thread that made it, after the other threads are gone. */
SEC("?tp_btf/sched_process_exec") int task_exec_full(__u64 *ctx)
{
	const struct task_struct *task = (const void *)ctx[0];
	__u32 tid = task->pid;

	if (task__renumber(ctx[1], tid) == TB_TASK_ARMED)
		*task__state(tid) = bpf_map_lookup_elem(&kept, &tid) ? TB_TASK_IN_KEPT : TB_TASK_IN_SILENT;
	return 0;
}

/* The call by which the launcher's child becomes the target, taken out of `kept`; NULL in all other cases. */
static __always_inline struct tb_kept *task__becomes_target(__u64 *ctx, __u32 tid)
{
	if (task__renumber(ctx[1], tid) != TB_TASK_ARMED)
		return NULL;
	*task__state(tid) = TB_TASK_TARGET;
	return bpf_map_lookup_elem(&kept, &tid);
}

#ifdef TB_HAS_MMAP_RING
SEC("?tp_btf/sched_process_exec") int task_exec_enter(__u64 *ctx)
{
	struct caller who = caller__current();
	const struct tb_kept *call = task__becomes_target(ctx, who.tid);

	if (call) {
		struct event e = {
			.nr = call->nr,
			.flags = TB_F_ENTER | TB_F_ENTRY_ARGS,
			.kind = TB_KIND_CALL,
			.kept = call,
		};

		emit(MMAP_RING, ctx, &who, &e);
		bpf_map_delete_elem(&kept, &who.tid);
	}
	return 0;
}
#endif

SEC("?tp_btf/sched_process_exec") int task_exec_count(__u64 *ctx)
{
	const struct task_struct *task = (const void *)ctx[0];
	__u32 tid = task->pid;
	const struct tb_kept *call = task__becomes_target(ctx, tid);

	if (call) {
		count__call(call->arch == TB_ARCH_OF_FOREIGN, call->nr);
		bpf_map_delete_elem(&kept, &tid);
	}
	return 0;
}

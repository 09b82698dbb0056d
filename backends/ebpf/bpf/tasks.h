/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Who belongs to the target and where in a call it stands; and which calls are wanted. */
#ifndef TRACEBENCH_EBPF_TASKS_H
#define TRACEBENCH_EBPF_TASKS_H

#include "arch.h"
#include "shared.h"

SEC(".rodata.config") const volatile struct tb_bpf_config config;

/*
 * Each thread writes its own byte, at its own entries and exits; fork and exit of a thread write it while the thread
 * does not run. So there are no races to order.
 */
SEC(".bss.tasks") tb_u8 tasks[TB_TASKS];

SEC(".bss.entries") volatile struct tb_entries entries;

static __always_inline tb_u8 *task__state(__u32 tid)
{
	return &tasks[TB_TASK_SLOT(tid)];
}

static __always_inline tb_u8 nr__class(_Bool foreign, __s64 nr)
{
	__u32 i = nr;

	if (i >= TB_NR_CLASSES)
		return config.class_beyond;
	i += foreign ? TB_NR_FOREIGN : 0;
	barrier_var(i); /* the compiler would drop the mask that shows the verifier the bound */
	return config.nr_class[i & (2 * TB_NR_CLASSES - 1)];
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TB_KEPT_MAX);
	__type(key, __u32); /* tid */
	__type(value, struct tb_kept);
} kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set to the possible CPUs before the load */
	__type(key, __u32);
	__type(value, struct tb_cpu);
} cpus SEC(".maps");

static __always_inline struct tb_cpu *cpu__this(__u32 *number)
{
	*number = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&cpus, number);
}

/* For what happens rarely, on any tracepoint, preemptible or not. `field` is of struct tb_cpu. */
#define COUNT_RARE(field)                                      \
	do {                                                   \
		__u32 number_;                                 \
		struct tb_cpu *cpu_ = cpu__this(&number_);     \
		if (cpu_)                                      \
			__sync_fetch_and_add(&cpu_->field, 1); \
	} while (0)

/* Keeps a call whose registers will be gone. False when there was no room, which is counted. */
static __always_inline _Bool call__keep(const struct caller *who, __s32 nr, const struct pt_regs *regs)
{
	struct tb_kept call;

	call.ts_ns = bpf_ktime_get_ns();
	call.nr = nr;
	call.arch = who->foreign ? TB_ARCH_OF_FOREIGN : TB_ARCH_OF_NATIVE;
	regs__args(regs, who->foreign, call.args);
	if (bpf_map_update_elem(&kept, &who->tid, &call, BPF_ANY) == 0)
		return 1;
	COUNT_RARE(kept_full);
	return 0;
}

/* What a thread of the target is between two calls. */
static __always_inline tb_u8 task__at_rest(void)
{
	return entries.watched ? TB_TASK_TRACKED : TB_TASK_TARGET;
}

/*
 * An exec by a thread that is not the leader gives it the leader's tid (the leader is gone by then, its byte
 * cleared). Returns the state, now at the new tid.
 */
static __always_inline tb_u8 task__renumber(__u32 old_tid, __u32 tid)
{
	tb_u8 *state = task__state(tid);
	struct tb_kept *call;
	tb_u8 *old;

	if (old_tid == tid)
		return *state;
	old = task__state(old_tid);
	if (*old == TB_TASK_NONE)
		return TB_TASK_NONE;
	*state = *old;
	*old = TB_TASK_NONE;
	call = bpf_map_lookup_elem(&kept, &old_tid);
	if (call) {
		struct tb_kept copy = *call;

		if (bpf_map_update_elem(&kept, &tid, &copy, BPF_ANY) != 0) {
			COUNT_RARE(kept_full);
			*state = TB_TASK_IN_SILENT;
		}
		bpf_map_delete_elem(&kept, &old_tid);
	}
	return *state;
}

/* In the thread that exits. */
static __always_inline void task__gone(__u32 tid)
{
	tb_u8 *state = task__state(tid);

	if (*state == TB_TASK_NONE)
		return;
	if (*state == TB_TASK_IN_CALL || *state == TB_TASK_IN_KEPT)
		COUNT_RARE(died_inside);
	if (*state == TB_TASK_IN_KEPT || *state == TB_TASK_ARMED)
		bpf_map_delete_elem(&kept, &tid);
	*state = TB_TASK_NONE;
}

#endif

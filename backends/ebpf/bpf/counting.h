/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Variant `count`: one addition per call, the least a tracer that follows a process tree can do. */
#ifndef TRACEBENCH_EBPF_COUNTING_H
#define TRACEBENCH_EBPF_COUNTING_H

#include "tasks.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs */
	__type(key, __u32);
	__type(value, struct tb_counts);
} counts SEC(".maps");

/* Plain additions: one writer per CPU, see struct tb_cpu. The exec program, on another tracepoint, adds once. */
static __always_inline void count__call(_Bool foreign, __u32 nr)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct tb_counts *c = bpf_map_lookup_elem(&counts, &cpu);

	if (!c)
		return;
	if (config.totals)
		c->total++;
	if (foreign) {
		c->foreign++;
	} else if (nr >= TB_NR_CLASSES) {
		c->beyond++;
	} else {
		barrier_var(nr); /* as in nr__class() */
		c->native[nr & (TB_NR_CLASSES - 1)]++;
	}
}

static __always_inline int count__enter(__u64 *ctx)
{
	struct caller who = caller__current();
	tb_u8 state = *task__state(who.tid);
	__s32 nr = ctx[1];

	if (state == TB_TASK_NONE)
		return 0;
	if (!(nr__class(who.foreign, nr) & TB_NR_WANTED))
		return 0;
	if (state == TB_TASK_ARMED) {
		if (nr__class(who.foreign, nr) & TB_NR_KEEP)
			call__keep(&who, nr, (const void *)ctx[0]);
		return 0;
	}
	count__call(who.foreign, nr);
	return 0;
}

/* The control group that is followed instead of a process tree. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} followed SEC(".maps");

/* Where a task is decides, call by call; its state says only whether it was seen before. */
static __always_inline int count__enter_cgroup(__u64 *ctx)
{
	struct caller who = caller__current();
	tb_u8 *state = task__state(who.tid);
	__s32 nr = ctx[1];

	if (bpf_current_task_under_cgroup(&followed, 0) != 1)
		return 0;
	if (*state == TB_TASK_NONE) {
		*state = TB_TASK_TARGET;
		COUNT_RARE(tasks);
	}
	if (nr__class(who.foreign, nr) & TB_NR_WANTED)
		count__call(who.foreign, nr);
	return 0;
}

#endif

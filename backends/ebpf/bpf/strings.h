/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * Detail `paths`: strings of path arguments, read at the exit, when the call has brought their pages in: a program here may
 * not wait for a page. Those of an execve are read before its memory goes, and kept until its exit.
 */
#ifndef TRACEBENCH_EBPF_STRINGS_H
#define TRACEBENCH_EBPF_STRINGS_H

#include "tasks.h"

/* By task and not by its number, which an execve may change. Killed inside an execve, a thread leaves its strings: the oldest go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TB_KEPT_STRINGS_MAX);
	__type(key, __u64); /* the task's address */
	__type(value, struct tb_strings);
} kept_strings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tb_strung_record);
} strung SEC(".maps");

static __always_inline tb_u8 call__paths(_Bool foreign, __s64 nr)
{
	__u32 i = nr;

	if (foreign || i >= TB_NR_CLASSES)
		return 0;
	barrier_var(i); /* as in nr__class() */
	return config.path_arguments[i & (TB_NR_CLASSES - 1)];
}

static __always_inline void strings__left_out(tb_u8 which, const tb_u64 *args)
{
#pragma unroll
	for (int i = 0; i < 6; i++)
		if ((which >> i & 1) && args[i])
			COUNT_RARE(strings_left_out);
}

/* This CPU's, taken; NULL when it is in use or not there. */
static __always_inline struct tb_strung_record *strung__take(void)
{
	__u32 zero = 0;
	struct tb_strung_record *s = bpf_map_lookup_elem(&strung, &zero);

	return s && __sync_lock_test_and_set(&s->busy, 1) == 0 ? s : NULL;
}

static __always_inline void strung__release(struct tb_strung_record *s)
{
	asm volatile("" ::: "memory");
	*(volatile tb_u32 *)&s->busy = 0;
}

/* Appends at `at`, which is below 512; returns where the next one goes. */
static __always_inline __u32 strings__read_one(struct tb_strings *strings, __u32 at, __u8 arg, __u64 address)
{
	tb_u8 status = TB_PATH_WHOLE;
	__u32 length = 0;
	long n;

	barrier_var(at);
	at &= 511;
	/* One byte more than is kept tells what fits from what does not. */
	n = bpf_probe_read_user_str(&strings->data[at + sizeof(struct tb_path)], TB_PATH_BYTES + 1,
				    (const void *)address);
	if (n <= 0) {
		status = TB_PATH_FAULT;
	} else if (n > TB_PATH_BYTES) {
		status = TB_PATH_CUT;
		length = TB_PATH_BYTES - 1;
	} else {
		length = n - 1;
	}
	strings->data[at] = arg;
	strings->data[at + 1] = status;
	strings->data[at + 2] = length;
	strings->data[at + 3] = length >> 8;
	return at + sizeof(struct tb_path) + length;
}

static __always_inline void strings__read(struct tb_strings *strings, tb_u8 which, const tb_u64 *args)
{
	__u32 at = 0;

#pragma unroll
	for (int i = 0; i < 6; i++)
		if ((which >> i & 1) && args[i])
			at = strings__read_one(strings, at, i, args[i]);
	strings->bytes = at;
}

/* The strings of a call whose registers, and whose memory, will be gone. */
static __always_inline void strings__keep(const struct caller *who, __s32 nr, const struct pt_regs *regs)
{
	tb_u8 which = call__paths(who->foreign, nr);
	__u64 task = bpf_get_current_task();
	struct tb_strung_record *s;

	if (!which)
		return;
	s = strung__take();
	if (!s) {
		bpf_map_delete_elem(&kept_strings, &task);
		return; /* counted when its record finds none */
	}
	regs__args(regs, 0, s->record.args);
	strings__read(&s->strings, which, s->record.args);
	if (bpf_map_update_elem(&kept_strings, &task, &s->strings, BPF_ANY) != 0)
		bpf_map_delete_elem(&kept_strings, &task);
	strung__release(s);
}

static __always_inline _Bool strings__take_kept(struct tb_strings *strings)
{
	__u64 task = bpf_get_current_task();
	const struct tb_strings *kept = bpf_map_lookup_elem(&kept_strings, &task);
	_Bool there = kept && bpf_probe_read_kernel(strings, sizeof(*strings), kept) == 0;

	bpf_map_delete_elem(&kept_strings, &task);
	return there;
}

#endif

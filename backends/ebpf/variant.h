/* SPDX-License-Identifier: Apache-2.0 */
/* The declared ways to run this backend: which programs each loads, and how its records travel. */
#ifndef TRACEBENCH_EBPF_VARIANT_H
#define TRACEBENCH_EBPF_VARIANT_H

#include "shared.h"

namespace tb::ebpf
{

enum class Carrier { mmap_ring, ring_buffer, perf_buffer, printk, counts };

/* What its programs hang on. */
enum class Hook {
	system_calls,
	uprobe, /* a place in a program's code, by a symbol */
	usdt,   /* the same, by the note of a USDT probe */
};

struct Variant {
	const char *name; /* "" is the default */
	Carrier carrier;
	tb_task_state born; /* what a forked task starts as */
	/* Names of programs; NULL: none. */
	const char *on_enter;
	const char *on_exec;
	const char *on_exit_paired;
	/* Where the kernel allows it, instead of the paired one: entries are watched under seccomp only. */
	const char *on_exit_lean;
	const char *task_exit_lean;
	const char *prepare_exec_lean;
	bool strings; /* detail `paths` */
	Hook hook = Hook::system_calls;
	bool cgroup =
		false; /* the target is a control group, not a process tree: nothing is followed from task to task */
};

/* NULL when there is no such variant, or none that reads strings or takes a control group. */
const Variant *find_variant(const char *name, bool strings, bool cgroup);

} // namespace tb::ebpf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "variant.h"

#include <cstring>

namespace tb::ebpf
{

#define FULL(transport)                                                                     \
	TB_TASK_NEWBORN, "enter_" transport, "task_exec_full", "exit_" transport "_paired", \
		"exit_" transport "_lean", "task_exit_" transport "_lean"
#define PREPARE_EXEC "task_prepare_exec"
#define FUNCTION     TB_TASK_NONE, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, false

static const Variant variants[] = {
	{"", Carrier::mmap_ring, FULL("mmap"), PREPARE_EXEC, false},
	{"ringbuf", Carrier::ring_buffer, FULL("ringbuf"), PREPARE_EXEC, false},
	{"ringbuf", Carrier::ring_buffer, FULL("strings"), PREPARE_EXEC "_strings", true},
	{"perfbuf", Carrier::perf_buffer, FULL("perfbuf"), PREPARE_EXEC, false},
	{"tracepoint", Carrier::ring_buffer, TB_TASK_NEWBORN, "enter_tracepoint", "task_exec_full",
	 "exit_tracepoint_paired", "exit_tracepoint_lean", "task_exit_ringbuf_lean", PREPARE_EXEC, false},
	{"printk", Carrier::printk, FULL("printk"), PREPARE_EXEC, false},
	{"enter", Carrier::mmap_ring, TB_TASK_TARGET, "enter_only", "task_exec_enter", nullptr, nullptr,
	 nullptr, nullptr, false},
	{"count", Carrier::counts, TB_TASK_TARGET, "enter_count", "task_exec_count", nullptr, nullptr,
	 nullptr, nullptr, false},
	{"count", Carrier::counts, TB_TASK_TARGET, "enter_count_cgroup", nullptr, nullptr, nullptr, nullptr,
	 nullptr, false, Hook::system_calls, true},
	{"uprobe", Carrier::ring_buffer, FUNCTION, Hook::uprobe},
	{"uprobe-stepped", Carrier::ring_buffer, FUNCTION, Hook::uprobe},
	{"usdt", Carrier::ring_buffer, FUNCTION, Hook::usdt},
};

const Variant *find_variant(const char *name, bool strings, bool cgroup)
{
	for (const Variant &v : variants)
		if (strcmp(v.name, name) == 0 && v.strings == strings && v.cgroup == cgroup)
			return &v;
	return nullptr;
}

} // namespace tb::ebpf

/* SPDX-License-Identifier: Apache-2.0 */
#include "variant.h"

#include <cstring>

namespace tb::ebpf
{

#define FULL(transport)                                                                     \
	TB_TASK_NEWBORN, "enter_" transport, "task_exec_full", "exit_" transport "_paired", \
		"exit_" transport "_lean", "task_exit_" transport "_lean"

static const Variant variants[] = {
	{"", Carrier::mmap_ring, FULL("mmap")},
	{"ringbuf", Carrier::ring_buffer, FULL("ringbuf")},
	{"perfbuf", Carrier::perf_buffer, FULL("perfbuf")},
	{"enter", Carrier::mmap_ring, TB_TASK_TARGET, "enter_only", "task_exec_enter", nullptr, nullptr,
	 nullptr},
	{"count", Carrier::counts, TB_TASK_TARGET, "enter_count", "task_exec_count", nullptr, nullptr,
	 nullptr},
};

const Variant *find_variant(const char *name)
{
	for (const Variant &v : variants)
		if (strcmp(v.name, name) == 0)
			return &v;
	return nullptr;
}

} // namespace tb::ebpf

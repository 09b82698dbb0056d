/* SPDX-License-Identifier: Apache-2.0 */
/* One event of the ring buffer, whichever way it was read: what binary pages and text lines are turned into. */
#ifndef TRACEBENCH_FTRACE_EVENT_H
#define TRACEBENCH_FTRACE_EVENT_H

#include <cstdint>

namespace tb::ftrace
{

enum class EventKind : uint8_t {
	enter,     /* raw_syscalls/sys_enter: nr, args */
	leave,     /* raw_syscalls/sys_exit: nr, ret */
	task_new,  /* task/task_newtask, made by the parent: other_tid, thread */
	exec,      /* sched/sched_process_exec: tid by now, other_tid before */
	task_gone, /* sched/sched_process_exit */
};

struct Event {
	uint64_t ts_ns; /* CLOCK_MONOTONIC */
	uint32_t tid;   /* of the thread that made it */
	uint16_t cpu;
	EventKind kind;
	bool lost_before; /* records may be missing between the CPU's last event and this one */
	int64_t nr;
	union {
		uint64_t args[6];
		int64_t ret;
		struct {
			uint32_t other_tid;
			bool thread; /* task_new: in the process of the parent */
		};
	};
};

constexpr uint64_t kCloneThread = 0x10000;

} // namespace tb::ftrace

#endif

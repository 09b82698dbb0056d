/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PERF_SYSCALL_EVENTS_H
#define TRACEBENCH_PERF_SYSCALL_EVENTS_H

#include <string>
#include <vector>

namespace tb::perf
{

struct SyscallEvent {
	int nr;
	std::string name; /* like "syscalls/sys_enter_newstat" */
};

/*
 * The entry tracepoint of each native system call. The kernel names them after its functions (newstat, umount), and nowhere
 * tells their numbers. Calls that this kernel lacks are named too.
 */
std::vector<SyscallEvent> syscall_events();

} // namespace tb::perf

#endif

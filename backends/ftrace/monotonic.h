/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the instances (trace_clock "mono"), read here. */
#ifndef TRACEBENCH_FTRACE_MONOTONIC_H
#define TRACEBENCH_FTRACE_MONOTONIC_H

#include <cstdint>
#include <ctime>

namespace tb::ftrace
{

inline uint64_t monotonic_ns()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace tb::ftrace

#endif

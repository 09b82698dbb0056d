/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of every record, read here. */
#ifndef TRACEBENCH_PERF_MONOTONIC_H
#define TRACEBENCH_PERF_MONOTONIC_H

#include <cstdint>
#include <ctime>

namespace tb::perf
{

inline uint64_t monotonic_ns()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace tb::perf

#endif

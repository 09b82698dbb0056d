/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of every record, read here. */
#ifndef TRACEBENCH_EBPF_MONOTONIC_H
#define TRACEBENCH_EBPF_MONOTONIC_H

#include <cstdint>
#include <ctime>

namespace tb::ebpf
{

inline uint64_t monotonic_ns()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

} // namespace tb::ebpf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_AUDITD_TICK_H
#define TRACEBENCH_AUDITD_TICK_H

#include <cstdint>
#include <ctime>

namespace tb::auditd
{

/* Length of the kernel's tick: the resolution of its coarse clocks is exactly that. */
inline uint64_t tick_ns()
{
	timespec resolution;

	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	return static_cast<uint64_t>(resolution.tv_sec) * 1'000'000'000 +
	       static_cast<uint64_t>(resolution.tv_nsec);
}

} // namespace tb::auditd

#endif

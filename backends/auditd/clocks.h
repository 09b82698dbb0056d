/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_AUDITD_CLOCKS_H
#define TRACEBENCH_AUDITD_CLOCKS_H

#include <cstdint>
#include <ctime>

namespace tb::auditd
{

inline uint64_t clock_ns(clockid_t clock)
{
	timespec now;

	clock_gettime(clock, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t monotonic_ns()
{
	return clock_ns(CLOCK_MONOTONIC);
}

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

/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of every record and of every deadline. A read stays in user space where the clocksource allows it (doctor). */
#ifndef TRACEBENCH_CLOCK_H
#define TRACEBENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t tb_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t tb_monotonic_ns(void)
{
	return tb_clock_ns(CLOCK_MONOTONIC);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../include/clock.h"
#include "canary.h"

#define BLOCKS 5

double tb_canary__ns_per_call(uint64_t calls_per_block)
{
	uint64_t best = UINT64_MAX;

	for (int block = 0; block < BLOCKS; block++) {
		uint64_t start = tb_monotonic_ns(), took;

		for (uint64_t i = 0; i < calls_per_block; i++)
			syscall(SYS_getppid);
		took = tb_monotonic_ns() - start;
		if (took < best)
			best = took;
	}
	return (double)best / (double)calls_per_block;
}

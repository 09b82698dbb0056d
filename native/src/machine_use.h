/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the whole machine did between two moments, beside what processes account for themselves: what a soaker got of each
 * CPU (include/soak.h), and the CPU time of kernel threads.
 */
#ifndef TRACEBENCH_MACHINE_USE_H
#define TRACEBENCH_MACHINE_USE_H

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "../include/soak.h"

namespace tracebench
{

struct SoakReading {
	uint64_t now_ns = 0;
	std::vector<tb_soak_cpu> cpus;
};

SoakReading read_soak(const tb_soak &page);
/* `cpus` of the page do not change once they soak. */
SoakReading difference(const SoakReading &later, const SoakReading &earlier);

struct KernelThread {
	pid_t pid;
	std::string name;
	uint64_t cpu_ns; /* schedstat's: exact for one that sleeps */
};

/* Those that /proc shows; none where a process namespace hides them. Some hundred files: not for use while time counts. */
std::vector<KernelThread> kernel_threads();
/* Those that ran in between, the busiest first. */
std::vector<KernelThread> difference(const std::vector<KernelThread> &later,
				     const std::vector<KernelThread> &earlier);

} // namespace tracebench

#endif

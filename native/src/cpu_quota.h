/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit of the CPU time of one thread: a control group, which somebody else made and removes (the guard, cpu_group.c),
 * with the bandwidth limit of the kernel's fair scheduler. The thread is in it from enter() to leave(), or to its end.
 */
#ifndef TRACEBENCH_CPU_QUOTA_H
#define TRACEBENCH_CPU_QUOTA_H

#include <cstdint>
#include <string>

#include "../include/source.h"

namespace tracebench
{

struct CpuLimit {
	std::string group; /* its directory; empty: no limit */
	uint32_t period_us = 0;
	uint32_t quota_us = 0; /* CPU time in each period */
};

/* What the kernel says of the group; between two looks. */
struct Throttling {
	uint64_t periods = 0; /* in which the thread wanted to run */
	uint64_t throttled_periods = 0;
	uint64_t throttled_ns = 0;
	uint64_t elapsed_ns = 0; /* between the looks */
};

class CpuQuota
{
public:
	explicit CpuQuota(CpuLimit limit) : limit_(std::move(limit)) {}

	/* Sets the limit and puts the calling thread under it. False with *err. */
	bool enter(tb_error *err);
	/* Puts the calling thread into the group above, which it came from. False with *err. */
	bool leave(Throttling *since_enter, tb_error *err);

private:
	bool set_limit(tb_error *err) const;
	bool read(Throttling *throttling, tb_error *err) const;

	CpuLimit limit_;
	Throttling at_enter_;
	uint64_t entered_ns_ = 0;
};

} // namespace tracebench

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's rings, one per online CPU. Each belongs to an event that never fires, so that it is there before the target
 * is known and stays readable when the target's events are closed; those are directed into it.
 */
#ifndef TRACEBENCH_PERF_RINGS_H
#define TRACEBENCH_PERF_RINGS_H

#include <cstdint>
#include <vector>

#include "descriptor.h"
#include "ring_merge.h"
#include "source.h"

namespace tb::perf
{

class Rings
{
public:
	Rings() = default;
	Rings(const Rings &) = delete;
	Rings &operator=(const Rings &) = delete;
	~Rings();

	/*
	 * The largest rings of equal size that fit into `budget_bytes` together, at least one page each. A wake-up comes
	 * once `watermark_bytes` more wait; perf knows no "never", so at most once a lap. 0 or -errno.
	 */
	int open(uint64_t budget_bytes, uint32_t watermark_bytes, tb_error *err);

	const std::vector<int> &cpus() const { return cpus_; }
	int owner(size_t i) const { return owners_[i].get(); }
	uint64_t ring_bytes() const { return ring_bytes_; }
	std::vector<RingMemory> memory() const { return memory_; }
	/* Sleeps until a watermark is reached in one of them, at most timeout_ns. May wake early. */
	void wait(uint64_t timeout_ns) const;

private:
	int map(int cpu, int fd, tb_error *err);

	std::vector<int> cpus_;
	std::vector<Descriptor> owners_;
	std::vector<RingMemory> memory_;
	uint64_t ring_bytes_ = 0;
};

} // namespace tb::perf

#endif

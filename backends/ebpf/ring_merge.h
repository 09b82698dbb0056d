/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading side of rings that have one writer each (bpf/transport.h, emit_mmap_ring): their records, merged by time.
 * Knows nothing of BPF; the memory may be anybody's.
 *
 * The merge is by time over all rings and not only nearly so: `cut`, our clock before we look, bounds what is
 * handed over, and a ring found not busy after it has no unpublished record older than it (the writers set `busy` by
 * a locked exchange before they read the clock). A ring found busy is waited for; it has some 50 ns to go.
 */
#ifndef TRACEBENCH_EBPF_RING_MERGE_H
#define TRACEBENCH_EBPF_RING_MERGE_H

#include <cstdint>
#include <memory>
#include <utility>

#include "shared.h"

namespace tb::ebpf
{

constexpr uint64_t kBusyPatienceNs = 200000; /* a virtual CPU may be taken away in the middle of a program */

struct Ring {
	tb_cpu *cpu;
	const tb_record *records;
	uint64_t tail;  /* next to hand over */
	uint64_t limit; /* up to which it may be, this round */
};

/* On one thread at a time. Does not own the rings' memory, which must outlive it. */
class RingMerge
{
public:
	RingMerge() = default;
	/* `rings` are `count`, of `slots` (at least 1) records each, and nothing was ever read from them. */
	RingMerge(std::unique_ptr<Ring[]> rings, uint32_t count, uint64_t slots,
		  uint64_t patience_ns = kBusyPatienceNs)
		: rings_(std::move(rings)), count_(count), slots_(slots), patience_ns_(patience_ns)
	{
	}

	/*
	 * First half of a round. `cut` is CLOCK_MONOTONIC, read directly before and never decreasing. True when
	 * records older than it wait. Waits for busy writers until `patience_ns` after the cut, all rings together.
	 */
	bool look(uint64_t cut);
	/*
	 * Second half: copies up to `capacity` of what look found, oldest first, and gives their slots back to the
	 * writers. Rings' records of one nanosecond come in any order, those of one ring in its own. How many it was.
	 */
	uint32_t take(tb_record *out, uint32_t capacity);

	/* Rings that stayed busy for longer than the patience; the round went on without proof of order. */
	uint64_t order_unproven() const { return order_unproven_; }

private:
	void settle(const tb_cpu *cpu, uint64_t cut);
	const tb_record &at(const Ring &ring, uint64_t position) const
	{
		return ring.records[position % slots_];
	}
	uint32_t copy_run(Ring &ring, uint64_t up_to, tb_record *out, uint32_t capacity);

	std::unique_ptr<Ring[]> rings_;
	uint32_t count_ = 0;
	uint64_t slots_ = 1;
	uint64_t patience_ns_ = kBusyPatienceNs;
	uint64_t order_unproven_ = 0;
};

} // namespace tb::ebpf

#endif

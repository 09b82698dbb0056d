/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_merge.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "clock.h"

namespace tb::ebpf
{

namespace
{

inline void relax()
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

} // namespace

bool RingMerge::look(uint64_t cut)
{
	bool any = false;

	std::atomic_thread_fence(std::memory_order_seq_cst); /* the clock first, then `busy` */
	for (uint32_t i = 0; i < count_; i++) {
		Ring &ring = rings_[i];

		settle(ring.cpu, cut);
		ring.limit = __atomic_load_n(&ring.cpu->head, __ATOMIC_ACQUIRE);
		while (ring.limit != ring.tail && at(ring, ring.limit - 1).ts_ns >= cut)
			ring.limit--;
		any |= ring.limit != ring.tail;
	}
	return any;
}

/* Waits for the record that is being written, if there is one. */
void RingMerge::settle(const tb_cpu *cpu, uint64_t cut)
{
	const uint64_t before = __atomic_load_n(&cpu->head, __ATOMIC_RELAXED);

	for (unsigned spins = 1; __atomic_load_n(&cpu->busy, __ATOMIC_ACQUIRE); spins++) {
		if (__atomic_load_n(&cpu->head, __ATOMIC_RELAXED) != before)
			return; /* that one is out; the one being written now began after the cut */
		if (spins % 64 == 0 && tb_monotonic_ns() - cut > patience_ns_) {
			order_unproven_++;
			return;
		}
		relax();
	}
}

/* Runs of the ring whose next record is the oldest, up to the next ring's, until all is out or `out` is full. */
uint32_t RingMerge::take(tb_record *out, uint32_t capacity)
{
	uint32_t taken = 0;

	while (taken < capacity) {
		Ring *oldest = nullptr;
		uint64_t oldest_ts = UINT64_MAX;
		uint64_t next_ts = UINT64_MAX;

		for (uint32_t i = 0; i < count_; i++) {
			Ring &ring = rings_[i];

			if (ring.tail == ring.limit)
				continue;
			const uint64_t ts = at(ring, ring.tail).ts_ns;
			if (!oldest || ts < oldest_ts) {
				next_ts = oldest_ts;
				oldest_ts = ts;
				oldest = &ring;
			} else {
				next_ts = std::min(next_ts, ts);
			}
		}
		if (!oldest)
			break;
		taken += copy_run(*oldest, next_ts, out + taken, capacity - taken);
	}
	for (uint32_t i = 0; i < count_; i++)
		__atomic_store_n(&rings_[i].cpu->tail, rings_[i].tail, __ATOMIC_RELEASE);
	return taken;
}

/* At least one record, then those not younger than `up_to`; a lone ring's in one or two block copies. */
uint32_t RingMerge::copy_run(Ring &ring, uint64_t up_to, tb_record *out, uint32_t capacity)
{
	uint32_t count = 0;

	if (up_to == UINT64_MAX) {
		while (ring.tail != ring.limit && count < capacity) {
			const uint64_t from = ring.tail % slots_;
			const uint64_t run =
				std::min({ring.limit - ring.tail, slots_ - from, uint64_t{capacity - count}});

			memcpy(out + count, ring.records + from, run * sizeof(*out));
			count += run;
			ring.tail += run;
		}
		return count;
	}
	do {
		out[count++] = at(ring, ring.tail++);
	} while (ring.tail != ring.limit && count < capacity && at(ring, ring.tail).ts_ns <= up_to);
	return count;
}

} // namespace tb::ebpf

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading side of perf's rings, one per CPU: their samples, merged by time. Knows memory only.
 *
 * Order. A round reads its clock (`cut`), then all heads, and hands over what is older than the cut. A sample
 * takes its time before it is published, so a younger one of another CPU may come first. Within a thread that cannot happen:
 * it leaves a CPU only after its record there was published, so what it makes elsewhere later is younger than that
 * moment; if that is older than the cut, the earlier record was in the ring when its head was read.
 *
 * Gaps. The kernel writes PERF_RECORD_LOST only with the next record that fits in the same ring. A ring that had no room for a
 * record when we looked may have lost some, so a gap is told at its last record already, before anything that other CPUs
 * recorded after it is handed over.
 */
#ifndef TRACEBENCH_PERF_RING_MERGE_H
#define TRACEBENCH_PERF_RING_MERGE_H

#include <cstdint>
#include <memory>
#include <vector>

#include "sample.h"

namespace tb::perf
{

/* One ring: perf's control page and the data behind it, a power of two of bytes. Memory of somebody else's. */
struct RingMemory {
	perf_event_mmap_page *control;
	const char *data;
	uint64_t bytes;
	uint16_t cpu;
};

/* What was met beside samples. */
struct RingNotes {
	uint64_t lost = 0;        /* as PERF_RECORD_LOST has it: all kinds of records, late */
	uint64_t throttled = 0;   /* PERF_RECORD_THROTTLE */
	uint64_t undecodable = 0; /* records that are no samples of ours, and damaged stretches */
	uint64_t undecodable_bytes = 0;
};

/* On one thread at a time. */
class RingMerge
{
public:
	/* `registers`: words of registers in a sample; `record_bytes_max`: of any record that the kernel writes. */
	void open(std::vector<RingMemory> rings, unsigned registers, uint32_t record_bytes_max);

	/* Begins a round: reads all heads. `cut` is CLOCK_MONOTONIC, read before; never less than before. */
	void look(uint64_t cut);
	/* The next sample of the round, the oldest; null when there is none. Valid until the next call of anything. */
	const Sample *next();
	/*
	 * Whether records may be missing before the sample that next() has just returned, or, when it returned none, before
	 * the one it will return next. Asking takes it back.
	 */
	bool take_gap();
	/* Ends the round: gives the room of what was read back to the kernel. */
	void release();

	const RingNotes &notes() const { return notes_; }

private:
	struct Ring {
		RingMemory memory;
		uint64_t head = 0; /* of this round */
		uint64_t tail = 0; /* where `sample` begins; else the next record */
		uint64_t released = 0;
		uint32_t size = 0; /* of the record of `sample`; 0: none */
		bool may_have_lost =
			false; /* the next record may have found no room; told at the ring's end */
		Sample sample;
		std::unique_ptr<char[]> straight; /* a record that goes over the ring's end, in one piece */
	};

	bool is_full(const Ring &ring, uint64_t head) const;
	void peek(Ring *ring);
	const char *record_at(Ring *ring, uint32_t size);
	void take_note(const char *record, uint32_t size);
	void give_up(Ring *ring);
	Ring *oldest(uint64_t *runner_up) const;

	std::vector<Ring> rings_;
	unsigned registers_ = 0;
	uint32_t record_bytes_max_ = 0;
	uint64_t cut_ = 0;
	Ring *current_ = nullptr; /* whose sample was handed over last */
	uint64_t up_to_ = 0;      /* the oldest time in the other rings */
	bool gap_ = false;
	RingNotes notes_;
};

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_merge.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tb::perf
{

namespace
{

constexpr uint32_t kHeaderBytes = sizeof(perf_event_header);
constexpr uint32_t kRecordAlignment = 8;
constexpr uint32_t kRecordBytesEver = UINT16_MAX; /* the header has 16 bits for it */

} // namespace

void RingMerge::open(std::vector<RingMemory> rings, unsigned registers, uint32_t record_bytes_max)
{
	rings_.clear();
	rings_.resize(rings.size());
	for (size_t i = 0; i < rings.size(); i++) {
		rings_[i].memory = rings[i];
		rings_[i].straight = std::make_unique<char[]>(kRecordBytesEver + 1);
		rings_[i].tail = rings_[i].released = rings_[i].head = rings[i].control->data_tail;
	}
	registers_ = registers;
	record_bytes_max_ = record_bytes_max;
}

void RingMerge::look(uint64_t cut)
{
	cut_ = cut;
	current_ = nullptr;
	up_to_ = 0;
	for (Ring &ring : rings_) {
		ring.head = __atomic_load_n(&ring.memory.control->data_head, __ATOMIC_ACQUIRE);
		ring.may_have_lost |= is_full(ring, ring.head);
		if (!ring.size)
			peek(&ring);
	}
}

/* Whether a record may have found no room while `head` stood there or before. */
bool RingMerge::is_full(const Ring &ring, uint64_t head) const
{
	return head - ring.released + record_bytes_max_ >= ring.memory.bytes;
}

/* The record at the tail in one piece. */
const char *RingMerge::record_at(Ring *ring, uint32_t size)
{
	const uint64_t from = ring->tail & (ring->memory.bytes - 1);
	const uint64_t before_end = ring->memory.bytes - from;

	if (size <= before_end)
		return ring->memory.data + from;
	memcpy(ring->straight.get(), ring->memory.data + from, before_end);
	memcpy(ring->straight.get() + before_end, ring->memory.data, size - before_end);
	return ring->straight.get();
}

/* What lies between the tail and the head makes no sense: it is left out, and reading goes on behind it. */
void RingMerge::give_up(Ring *ring)
{
	notes_.undecodable++;
	notes_.undecodable_bytes += ring->head - ring->tail;
	ring->tail = ring->head;
	gap_ = true;
}

void RingMerge::take_note(const char *record, uint32_t size)
{
	switch (load<uint32_t>(record)) {
	case PERF_RECORD_LOST:
		/* Its body is an id and a number. */
		if (size < kHeaderBytes + 16)
			break;
		notes_.lost += load<uint64_t>(record + kHeaderBytes + 8);
		gap_ = true;
		return;
	case PERF_RECORD_THROTTLE:
		notes_.throttled++;
		gap_ = true;
		return;
	case PERF_RECORD_UNTHROTTLE:
		return;
	}
	notes_.undecodable++;
	notes_.undecodable_bytes += size;
	gap_ = true;
}

/* Finds the ring's next sample, reading what stands before it. */
void RingMerge::peek(Ring *ring)
{
	while (ring->tail != ring->head) {
		const uint64_t waiting = ring->head - ring->tail;

		if (waiting < kHeaderBytes || waiting > ring->memory.bytes)
			return give_up(ring);
		/* Records begin at multiples of 8, so a header is never torn. */
		const char *header = ring->memory.data + (ring->tail & (ring->memory.bytes - 1));
		const uint32_t size = load<uint16_t>(header + offsetof(perf_event_header, size));
		if (size < kHeaderBytes || size % kRecordAlignment || size > waiting)
			return give_up(ring);
		const char *record = record_at(ring, size);
		if (load<uint32_t>(record) == PERF_RECORD_SAMPLE &&
		    decode_sample(record, size, registers_, &ring->sample)) {
			ring->sample.cpu = ring->memory.cpu;
			ring->size = size;
			return;
		}
		take_note(record, size);
		ring->tail += size;
	}
	if (ring->may_have_lost) {
		ring->may_have_lost = false;
		gap_ = true;
	}
}

/* The ring with the oldest sample of the round; null when there is none. */
RingMerge::Ring *RingMerge::oldest(uint64_t *runner_up) const
{
	const Ring *first = nullptr;

	*runner_up = UINT64_MAX;
	for (const Ring &ring : rings_) {
		if (!ring.size)
			continue;
		if (!first || ring.sample.ts_ns < first->sample.ts_ns) {
			if (first)
				*runner_up = std::min(*runner_up, first->sample.ts_ns);
			first = &ring;
		} else {
			*runner_up = std::min(*runner_up, ring.sample.ts_ns);
		}
	}
	return const_cast<Ring *>(first);
}

const Sample *RingMerge::next()
{
	if (current_) {
		current_->tail += current_->size;
		current_->size = 0;
		peek(current_);
	}
	if (!current_ || !current_->size || current_->sample.ts_ns > up_to_)
		current_ = oldest(&up_to_);
	if (current_ && current_->sample.ts_ns >= cut_)
		current_ = nullptr;
	return current_ ? &current_->sample : nullptr;
}

bool RingMerge::take_gap()
{
	return std::exchange(gap_, false);
}

void RingMerge::release()
{
	if (current_) { /* handed over, and not read on from */
		current_->tail += current_->size;
		current_->size = 0;
		current_ = nullptr;
	}
	for (Ring &ring : rings_) {
		if (ring.released == ring.tail)
			continue;
		/* In this order: all that found no room under the old tail stands before the head that is read here. */
		__atomic_store_n(&ring.memory.control->data_tail, ring.tail, __ATOMIC_SEQ_CST);
		ring.may_have_lost |=
			is_full(ring, __atomic_load_n(&ring.memory.control->data_head, __ATOMIC_SEQ_CST));
		ring.released = ring.tail;
	}
}

} // namespace tb::perf

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of one perf ring in ordinary memory: records that fit are published, others counted and told by a
 * PERF_RECORD_LOST before the next one that fits, as kernel/events/ring_buffer.c does.
 */
#ifndef TRACEBENCH_PERF_TEST_KERNEL_RING_H
#define TRACEBENCH_PERF_TEST_KERNEL_RING_H

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "ring_merge.h"

namespace tb::perf
{

using Words = std::vector<uint64_t>;

/* A sample as the events of this backend ask for it. `raw` is padded to fill whole words with its size. */
inline Words make_sample(uint32_t tgid, uint32_t tid, uint64_t ts_ns, const Words &raw_words, uint64_t abi,
			 const Words &registers)
{
	const uint32_t raw = static_cast<uint32_t>(raw_words.size() * 8 + 4);
	const uint32_t size = sample_bytes(raw, static_cast<unsigned>(registers.size()));
	std::vector<char> bytes(size);
	const perf_event_header header = {PERF_RECORD_SAMPLE, 1, static_cast<uint16_t>(size)};

	memcpy(bytes.data(), &header, 8);
	memcpy(bytes.data() + 8, &tgid, 4);
	memcpy(bytes.data() + 12, &tid, 4);
	memcpy(bytes.data() + 16, &ts_ns, 8);
	memcpy(bytes.data() + 24, &raw, 4);
	memcpy(bytes.data() + 28, raw_words.data(), raw_words.size() * 8);
	memcpy(bytes.data() + 28 + raw, &abi, 8);
	memcpy(bytes.data() + 36 + raw, registers.data(), registers.size() * 8);
	Words words(size / 8);
	memcpy(words.data(), bytes.data(), size);
	return words;
}

class KernelRing
{
public:
	KernelRing(uint64_t bytes, uint16_t cpu, uint64_t begin = 0)
		: control_(std::make_unique<perf_event_mmap_page>()), data_(bytes), cpu_(cpu)
	{
		control_->data_head = control_->data_tail = begin;
	}

	RingMemory memory() { return {control_.get(), data_.data(), data_.size(), cpu_}; }

	/* False when it found no room, which is counted. */
	bool write(const Words &record)
	{
		const uint64_t need = record.size() * 8 + (pending_lost_ ? 24 : 0);
		const uint64_t tail = __atomic_load_n(&control_->data_tail, __ATOMIC_ACQUIRE);

		if (data_.size() - 1 - (control_->data_head - tail) < need) {
			pending_lost_++;
			lost++;
			return false;
		}
		uint64_t at = control_->data_head;
		if (pending_lost_) {
			const perf_event_header header = {PERF_RECORD_LOST, 0, 24};
			Words words(3);

			memcpy(words.data(), &header, 8);
			words[1] = 7; /* id of some event */
			words[2] = pending_lost_;
			pending_lost_ = 0;
			at = put(at, words);
		}
		at = put(at, record);
		__atomic_store_n(&control_->data_head, at, __ATOMIC_RELEASE);
		return true;
	}

	char &byte(uint64_t position) { return data_[position % data_.size()]; }
	uint64_t head() const { return control_->data_head; }
	void set_head(uint64_t head) { control_->data_head = head; }
	uint64_t tail() const { return control_->data_tail; }
	uint64_t size() const { return data_.size(); }

	uint64_t lost = 0;

private:
	uint64_t put(uint64_t at, const Words &words)
	{
		for (const uint64_t word : words) {
			memcpy(&data_[at % data_.size()], &word, 8);
			at += 8;
		}
		return at;
	}

	std::unique_ptr<perf_event_mmap_page> control_;
	std::vector<char> data_;
	uint16_t cpu_;
	uint64_t pending_lost_ = 0;
};

} // namespace tb::perf

#endif

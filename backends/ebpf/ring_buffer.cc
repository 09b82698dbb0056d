/* SPDX-License-Identifier: Apache-2.0 */
/* BPF_MAP_TYPE_RINGBUF: one ring for all CPUs, reserved under a spinlock, read through libbpf. */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/bpf.h>
#include <new>
#include <poll.h>

#include "carrier.h"
#include "clock.h"
#include "paths.h"

namespace tb::ebpf
{

namespace
{

constexpr uint64_t kBytesPerCall = BPF_RINGBUF_HDR_SZ + sizeof(tb_record);
constexpr uint64_t kMaxBytes = 1ull << 31;
constexpr uint64_t kPatienceNs = 500000; /* for a record reserved but not yet submitted */

class RingBuffer final : public CarrierBase
{
public:
	~RingBuffer() override { ring_buffer__free(manager_); }

	int plan(const tb_source_config *config, MapSizes *sizes, tb_error *err) override
	{
		switch (config->wakeup) {
		case TB_WAKE_TIMER:
			sizes->submit = TB_SUBMIT_NO_WAKEUP;
			nap_ns_ = config->wakeup_value * 1000ull;
			break;
		case TB_WAKE_ADAPTIVE:
			sizes->submit = TB_SUBMIT_ADAPTIVE;
			break;
		case TB_WAKE_WATERMARK:
			sizes->submit = TB_SUBMIT_WATERMARK;
			sizes->submit_bytes = config->wakeup_value;
			break;
		default:
			return refuse_wakeup(err, "BPF ring buffer", "timer, adaptive, watermark");
		}
		if (config->wakeup != TB_WAKE_ADAPTIVE && config->wakeup_value == 0)
			return refuse_wakeup(err, "BPF ring buffer",
					     "timer and watermark with a value above 0, adaptive");
		bytes_ = power_of_two_pages(config->buffer_bytes);
		if (bytes_ > kMaxBytes) {
			tb_error__set(err, -E2BIG, "a BPF ring buffer holds at most 2 GiB");
			tb_error__mend(err, "ask for a smaller --buffer");
			return -E2BIG;
		}
		sizes->ringbuf_bytes = bytes_;
		strings_ = config->paths;
		return 0;
	}

	int open(const Programs &programs, tb_geometry *geometry, tb_error *err) override
	{
		programs_ = &programs;
		fd_ = programs.map_fd("ringbuf");
		manager_ = ring_buffer__new(fd_, take, this, nullptr);
		if (!manager_) {
			int code = -errno;

			return tb_error__set(err, code, "mapping the BPF ring buffer: %s", strerror(-code));
		}
		ring_ = ring_buffer__ring(manager_, 0);
		geometry->buffer_bytes = bytes_;
		geometry->reachable_bytes_per_cpu = bytes_;
		geometry->bytes_per_call = kBytesPerCall;
		geometry->calls_in_flight = bytes_ / kBytesPerCall;
		return 0;
	}

	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err) override
	{
		arena_ = round->arena;
		if (strings_)
			return collect_strung(out, capacity, round, err);
		/* Every record has the same size and none is discarded, so the positions tell their number. */
		const uint64_t committed_or_busy =
			(ring__producer_pos(ring_) - ring__consumer_pos(ring_)) / kBytesPerCall;
		const uint32_t wanted = std::min<uint64_t>(capacity, committed_or_busy);

		round->visible_ns = tb_monotonic_ns();
		out_ = out;
		count_ = 0;
		newest_ns_ = 0;
		/*
		 * libbpf stops at a record that is still being written, and behind it there may be finished ones, which the
		 * contract wants too.
		 */
		while (count_ < wanted) {
			int code = ring__consume_n(ring_, wanted - count_);
			if (code < 0)
				return tb_error__set(err, code,
						     "the BPF ring buffer holds what is not a record");
			if (code == 0 && tb_monotonic_ns() - round->visible_ns > kPatienceNs)
				break;
		}
		if (newest_ns_ > round->visible_ns) /* one that was still being written when we looked */
			round->visible_ns = tb_monotonic_ns();
		return count_;
	}

	void wait(uint64_t timeout_ns) override
	{
		if (nap_ns_)
			return nap(nap_ns_, timeout_ns);
		pollfd poll = {fd_, POLLIN, 0};
		const timespec timeout = duration(timeout_ns);

		ppoll(&poll, 1, &timeout, nullptr);
	}

	uint32_t stats(tb_counter *out, uint32_t capacity) const override
	{
		if (!strings_ || capacity < TB_PATH_COUNTERS)
			return 0;
		tb_path_counters sum = counters_;

		for (uint32_t i = 0; i < programs_->possible_cpus(); i++)
			sum.left_out +=
				__atomic_load_n(&programs_->cpus()[i].strings_left_out, __ATOMIC_RELAXED);
		tb_path_counters__write(&sum, out);
		return TB_PATH_COUNTERS;
	}

private:
	/* Records of several sizes: up to where the ring ended when this began, one at a time. */
	int collect_strung(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err)
	{
		const unsigned long end = ring__producer_pos(ring_);

		round->visible_ns = tb_monotonic_ns();
		out_ = out;
		count_ = 0;
		newest_ns_ = 0;
		while (count_<capacity &&static_cast<long>(end - ring__consumer_pos(ring_))> 0) {
			int code = ring__consume_n(ring_, 1);
			if (code < 0)
				return tb_error__set(err, code,
						     "the BPF ring buffer holds what is not a record");
			if (code == 0 && tb_monotonic_ns() - round->visible_ns > kPatienceNs)
				break;
		}
		if (newest_ns_ > round->visible_ns) /* as above */
			round->visible_ns = tb_monotonic_ns();
		return count_;
	}

	static int take(void *self, void *data, size_t size)
	{
		auto *ring = static_cast<RingBuffer *>(self);

		if (size != sizeof(tb_record) && (!ring->strings_ || size < sizeof(tb_record)))
			return -EPROTO;
		tb_record *record = ring->out_ + ring->count_++;
		memcpy(record, data, sizeof(*record));
		if (size > sizeof(*record))
			tb_paths__deliver(static_cast<const uint8_t *>(data) + sizeof(*record),
					  static_cast<uint32_t>(size - sizeof(*record)), ring->arena_, record,
					  &ring->counters_);
		ring->newest_ns_ = std::max<uint64_t>(ring->newest_ns_, record->ts_ns);
		return 0;
	}

	ring_buffer *manager_ = nullptr;
	ring *ring_ = nullptr;
	int fd_ = -1; /* the object's */
	uint64_t bytes_ = 0;
	uint64_t nap_ns_ = 0; /* 0: the kernel wakes us */
	tb_record *out_ = nullptr;
	uint32_t count_ = 0;
	uint64_t newest_ns_ = 0;
	bool strings_ = false;
	tb_arena *arena_ = nullptr; /* of the round */
	tb_path_counters counters_ = {};
	const Programs *programs_ = nullptr;
};

} // namespace

std::unique_ptr<CarrierBase> make_ring_buffer()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) RingBuffer);
}

} // namespace tb::ebpf

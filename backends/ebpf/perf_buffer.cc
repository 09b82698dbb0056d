/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: one perf ring per online CPU. Records of different CPUs come in no order; the failed
 * outputs that the programs count are the loss, PERF_RECORD_LOST is kept beside them as perf's own account of it.
 */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/perf_event.h>
#include <new>
#include <poll.h>
#include <unistd.h>

#include "clock.h"

#include "carrier.h"

namespace tb::ebpf
{

namespace
{

/* Header 8, size 4, record 96, padded to 8. */
constexpr uint64_t kBytesPerCall = 112;

struct Sample {
	perf_event_header header;
	uint32_t size;
	char data[];
};

struct Lost {
	perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

class PerfBuffer final : public CarrierBase
{
public:
	~PerfBuffer() override { perf_buffer__free(buffer_); }

	int plan(const tb_source_config *config, MapSizes *, tb_error *err) override
	{
		if ((config->wakeup != TB_WAKE_TIMER && config->wakeup != TB_WAKE_WATERMARK) ||
		    config->wakeup_value == 0)
			return refuse_wakeup(err, "perf buffer", "timer and watermark, with a value above 0");
		const long cpus = std::max(1l, sysconf(_SC_NPROCESSORS_ONLN));

		ring_bytes_ = power_of_two_pages(config->buffer_bytes / cpus);
		if (config->wakeup == TB_WAKE_TIMER)
			nap_ns_ = config->wakeup_value * 1000ull;
		/* With the timer the kernel still wakes once a lap: perf knows no "never". */
		watermark_ = nap_ns_ ? std::min<uint64_t>(ring_bytes_, UINT32_MAX) : config->wakeup_value;
		return 0;
	}

	int open(const Programs &programs, tb_geometry *geometry, tb_error *err) override
	{
		perf_event_attr attr = {};

		attr.size = sizeof(attr);
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_BPF_OUTPUT;
		attr.sample_type = PERF_SAMPLE_RAW;
		attr.sample_period = 1;
		attr.watermark = 1;
		attr.wakeup_watermark = watermark_;
		buffer_ =
			perf_buffer__new_raw(programs.map_fd("perfbuf"), ring_bytes_ / sysconf(_SC_PAGESIZE),
					     &attr, take, this, nullptr);
		if (!buffer_) {
			int code = -errno;

			tb_error__set(err, code, "opening perf rings of %llu bytes per CPU: %s",
				      static_cast<unsigned long long>(ring_bytes_), strerror(-code));
			tb_error__mend(err, "ask for a smaller --buffer");
			return code;
		}
		geometry->buffer_bytes = ring_bytes_ * perf_buffer__buffer_cnt(buffer_);
		geometry->reachable_bytes_per_cpu = ring_bytes_;
		geometry->bytes_per_call = kBytesPerCall;
		geometry->calls_in_flight = ring_bytes_ / kBytesPerCall;
		return 0;
	}

	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err) override
	{
		const size_t rings = perf_buffer__buffer_cnt(buffer_);

		out_ = out;
		capacity_ = capacity;
		count_ = 0;
		for (size_t i = 0; i < rings && count_ < capacity; i++) {
			ring_is_new_ = true;
			int code = perf_buffer__consume_buffer(buffer_, (first_ + i) % rings);
			if (code < 0)
				return tb_error__set(err, -EPROTO, "a perf ring holds what is not a record");
		}
		first_ = (first_ + 1) % rings; /* a busy CPU must not starve the others */
		round->visible_ns = count_ ? visible_ns_ : tb_monotonic_ns();
		return count_;
	}

	void wait(uint64_t timeout_ns) override
	{
		if (nap_ns_)
			return nap(nap_ns_, timeout_ns);
		pollfd poll = {perf_buffer__epoll_fd(buffer_), POLLIN, 0};
		const timespec timeout = duration(timeout_ns);

		ppoll(&poll, 1, &timeout, nullptr);
	}

	uint32_t stats(tb_counter *out, uint32_t capacity) const override
	{
		uint32_t used = 0;

		add_counter(out, capacity, &used, "perf_record_lost", TB_PLACE_HEALTH, TB_UNIT_RECORD,
			    perf_lost_);
		return used;
	}

private:
	/* libbpf acquire-loads each ring's head once, before its first record; the round keeps the last clock reading. */
	static bpf_perf_event_ret take(void *self, int, perf_event_header *event)
	{
		auto *perf = static_cast<PerfBuffer *>(self);

		if (event->type == PERF_RECORD_LOST) {
			perf->perf_lost_ += reinterpret_cast<const Lost *>(event)->lost;
			return LIBBPF_PERF_EVENT_CONT;
		}
		const auto *sample = reinterpret_cast<const Sample *>(event);
		if (event->type != PERF_RECORD_SAMPLE || sample->size < sizeof(tb_record))
			return LIBBPF_PERF_EVENT_ERROR;
		if (perf->ring_is_new_) {
			perf->visible_ns_ = tb_monotonic_ns();
			perf->ring_is_new_ = false;
		}
		memcpy(perf->out_ + perf->count_++, sample->data, sizeof(tb_record));
		return perf->count_ < perf->capacity_ ? LIBBPF_PERF_EVENT_CONT : LIBBPF_PERF_EVENT_DONE;
	}

	perf_buffer *buffer_ = nullptr;
	uint64_t ring_bytes_ = 0;
	uint64_t nap_ns_ = 0; /* 0: the kernel wakes us */
	uint32_t watermark_ = 0;
	size_t first_ = 0;
	uint64_t perf_lost_ = 0;
	tb_record *out_ = nullptr;
	uint32_t capacity_ = 0;
	uint32_t count_ = 0;
	uint64_t visible_ns_ = 0;
	bool ring_is_new_ = false;
};

} // namespace

std::unique_ptr<CarrierBase> make_perf_buffer()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) PerfBuffer);
}

} // namespace tb::ebpf

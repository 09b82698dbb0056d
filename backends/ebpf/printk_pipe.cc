/* SPDX-License-Identifier: Apache-2.0 */
/* Variant `printk`: text out of the trace_pipe of an instance of our own, one line a record. */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <unistd.h>
#include <vector>

#include "carrier.h"
#include "clock.h"
#include "printk_instance.h"
#include "printk_line.h"

namespace tb::ebpf
{

namespace
{

/* In the ring: head 8, entry 8, place of the string 4, the string with its end, rounded up to 4. */
constexpr uint64_t kEventBytes = (8 + 8 + 4 + TB_PRINTK_BYTES + 1 + 3) / 4 * 4;
constexpr size_t kChunkBytes = 16384; /* the kernel makes at most a page or two at a time */
constexpr size_t kLineMax = 8192;     /* longer than the kernel's */

/* An event does not go over the end of its page: what is left there, and the head, are shared by its events. */
uint64_t bytes_per_call()
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	const uint64_t calls = sub_buffer_event_bytes() / kEventBytes;

	return (page + calls - 1) / calls;
}

class PrintkPipe final : public CarrierBase
{
public:
	~PrintkPipe() override
	{
		if (pipe_ >= 0)
			close(pipe_); /* before its instance goes */
	}

	int plan(const tb_source_config *config, MapSizes *, tb_error *err) override
	{
		if (config->wakeup != TB_WAKE_TIMER || config->wakeup_value == 0)
			return refuse_wakeup(err, "trace_pipe", "timer, with a value above 0");
		nap_ns_ = config->wakeup_value * 1000ull;
		return instance_.create(config->buffer_bytes, err);
	}

	int open(const Programs &, tb_geometry *geometry, tb_error *err) override
	{
		int code = instance_.start(err);
		if (code == 0)
			code = pipe_ = instance_.open_pipe(err);
		if (code < 0)
			return code;
		geometry->reachable_bytes_per_cpu = instance_.pages_per_cpu() * sysconf(_SC_PAGESIZE);
		geometry->buffer_bytes = geometry->reachable_bytes_per_cpu * instance_.cpus();
		geometry->bytes_per_call = bytes_per_call();
		geometry->calls_in_flight = geometry->reachable_bytes_per_cpu / geometry->bytes_per_call;
		return 0;
	}

	/* Reads on until `out` is full or the pipe is empty; what a portion has beyond that waits for the next round. */
	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err) override
	{
		uint32_t count = unload(out, capacity);

		round->visible_ns = count ? visible_ns_ : tb_monotonic_ns();
		while (count < capacity) {
			char chunk[kChunkBytes];
			const ssize_t n = read(pipe_, chunk, sizeof(chunk));

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0 && errno != EAGAIN)
				return tb_error__set(err, -errno, "reading trace_pipe: %s", strerror(errno));
			if (n <= 0)
				break;
			round->visible_ns = visible_ns_ = tb_monotonic_ns();
			text_.append(chunk, static_cast<size_t>(n));
			take_lines();
			count += unload(out + count, capacity - count);
		}
		return static_cast<int>(count);
	}

	void wait(uint64_t timeout_ns) override { nap(nap_ns_, timeout_ns); }

	uint32_t stats(tb_counter *out, uint32_t capacity) const override
	{
		uint32_t used = 0;

		add_counter(out, capacity, &used, "events_dropped", TB_PLACE_KERNEL, TB_UNIT_RECORD,
			    instance_.dropped());
		add_counter(out, capacity, &used, "undecodable", TB_PLACE_DECODE, TB_UNIT_RECORD, damaged_);
		add_counter(out, capacity, &used, "foreign_lines", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
			    foreign_);
		return used;
	}

private:
	uint32_t unload(tb_record *out, uint32_t capacity)
	{
		const auto count = std::min<size_t>(capacity, records_.size() - given_);

		std::copy_n(records_.begin() + static_cast<ptrdiff_t>(given_), count, out);
		given_ += count;
		if (given_ == records_.size()) {
			records_.clear();
			given_ = 0;
		}
		return static_cast<uint32_t>(count);
	}

	void take_lines()
	{
		size_t from = 0;

		for (size_t end; (end = text_.find('\n', from)) != std::string::npos; from = end + 1) {
			tb_record record;

			switch (parse_printk_line(std::string_view(text_).substr(from, end - from),
						  &record)) {
			case PrintkLine::record:
				records_.push_back(record);
				break;
			case PrintkLine::foreign:
				foreign_++;
				break;
			case PrintkLine::damaged:
				damaged_++;
				break;
			}
		}
		text_.erase(0, from);
		if (text_.size() > kLineMax) {
			damaged_++;
			text_.clear();
		}
	}

	PrintkInstance instance_;
	int pipe_ = -1;
	uint64_t nap_ns_ = 0;
	uint64_t visible_ns_ = 0;
	std::string text_;               /* the beginning of a line */
	std::vector<tb_record> records_; /* from given_ on not handed over yet */
	size_t given_ = 0;
	uint64_t damaged_ = 0, foreign_ = 0;
};

} // namespace

std::unique_ptr<CarrierBase> make_printk_pipe()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) PrintkPipe);
}

} // namespace tb::ebpf

// SPDX-License-Identifier: Apache-2.0
/*
 * When a source's running total is read: at equal distances from the first reading, whatever a reading before was late by.
 * What is kept is the moment of each reading, so that a late one is a longer window and no wrong rate. Bounded: once full,
 * nothing more is due, and what comes is one window until the last reading.
 */
#ifndef TRACEBENCH_CALL_METER_H
#define TRACEBENCH_CALL_METER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tracebench
{

struct CallReading {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	uint64_t calls; /* the source's total by then */
};

class CallMeter
{
public:
	/* window_ns 0: nothing is ever due. */
	CallMeter(uint64_t window_ns, size_t readings_most)
		: window_ns_(window_ns), most_(std::max<size_t>(2, readings_most))
	{
	}

	bool wanted() const { return window_ns_ != 0; }

	/* After the first reading, and with room left for the last. */
	bool due(uint64_t now_ns) const
	{
		return wanted() && !readings_.empty() && readings_.size() + 1 < most_ && now_ns >= next_ns_;
	}

	/* µs until the next is due, at most `most_us`. */
	uint32_t within_us(uint64_t now_ns, uint32_t most_us) const
	{
		if (!wanted() || readings_.empty() || readings_.size() + 1 >= most_)
			return most_us;
		if (now_ns >= next_ns_)
			return 0;
		return static_cast<uint32_t>(std::min<uint64_t>(most_us, (next_ns_ - now_ns + 999) / 1000));
	}

	void take(CallReading reading)
	{
		if (readings_.empty())
			next_ns_ = reading.at_ns + window_ns_;
		else if (reading.at_ns >= next_ns_)
			next_ns_ += ((reading.at_ns - next_ns_) / window_ns_ + 1) * window_ns_;
		readings_.push_back(reading);
	}

	const std::vector<CallReading> &readings() const { return readings_; }

private:
	uint64_t window_ns_;
	size_t most_;
	uint64_t next_ns_ = 0;
	std::vector<CallReading> readings_;
};

} // namespace tracebench

#endif

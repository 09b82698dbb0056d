/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of events in the order of their times, read from the kernel in portions. Filled only once all of the last
 * portion was taken, so that what it holds is always older than what the kernel still has.
 */
#ifndef TRACEBENCH_FTRACE_STREAM_H
#define TRACEBENCH_FTRACE_STREAM_H

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "event.h"
#include "formats.h"
#include "sub_buffer.h"
#include "tracefs.h"

namespace tb::ftrace
{

class Stream
{
public:
	virtual ~Stream() = default;

	/*
	 * Reads what is there, as far as there is room; nothing while events are left. 1: something came; 0: nothing; or
	 * -errno.
	 */
	virtual int fill(tb_error *err) = 0;
	/* The oldest event left; NULL when there is none, or none yet whose place is sure. */
	virtual const Event *front() = 0;
	/* Takes it. */
	virtual void pop() = 0;

	/* Nothing of the last portion is left. */
	virtual bool empty() const = 0;
	/* Nothing that the kernel had when fill() was called is left unread. */
	bool exhausted() const { return exhausted_; }
	/* Events that could not be read. */
	uint64_t undecoded() const { return undecoded_; }
	/* Events that the kernel gave us, with those not taken yet. */
	virtual uint64_t received() const = 0;
	/* For poll. */
	int fd() const { return fd_.get(); }

protected:
	explicit Stream(Fd fd) : fd_(std::move(fd)) {}

	Fd fd_;
	bool exhausted_ = false;
	uint64_t undecoded_ = 0;
};

/* One CPU's trace_pipe_raw, open without blocking. */
class PageStream final : public Stream
{
public:
	PageStream(Fd fd, const Formats &formats, unsigned cpu, unsigned pages);

	int fill(tb_error *err) override;
	const Event *front() override;
	void pop() override { has_event_ = false; }
	bool empty() const override { return !has_event_ && !walking_ && page_ == lengths_.size(); }
	uint64_t received() const override;

	/*
	 * The kernel has thrown away newer events, which happens between two pages and is not written on either. `first` and
	 * `last` bound the place: so many events of the CPU were committed before. Said before they are reached.
	 */
	void suspect(uint64_t first, uint64_t last);
	/* What was read, or will be next, may lie in such a place. */
	bool suspected() const;
	/* Pages read, whole or in part. */
	uint64_t reads() const { return reads_; }

	/* Pages that the kernel turned before it had given us all of them; see README, "Stranded records". */
	uint64_t short_pages() const { return short_pages_; }

private:
	bool next_page();
	void look_at_page_turn();

	const Formats &formats_;
	const uint16_t cpu_;
	const size_t page_bytes_;
	std::vector<uint8_t> memory_;
	std::vector<size_t> lengths_; /* of the pages read */
	size_t page_ = 0;             /* the next one to be walked */
	SubBuffer walk_;
	bool walking_ = false;
	bool has_event_ = false;
	struct Place {
		uint64_t first, last;
	};
	std::deque<Place> suspects_; /* in order, none left behind */
	uint64_t reads_ = 0;
	bool lost_ = false; /* before the next event */
	uint64_t walked_ = 0;
	uint64_t last_ts_ns_ = 0;
	size_t used_ = 0,
	       used_before_ =
		       0; /* bytes of events seen of this page of the kernel's, and of the one before */
	bool page_turned_ = false;
	uint64_t short_pages_ = 0;
	Event event_;
};

/*
 * An instance's trace_pipe, all CPUs in one. The kernel takes the oldest of what it sees on each CPU, one CPU after the
 * other, so an event that is committed while it looks may come after a younger one; by as many places as there are
 * CPUs at most. So that many are kept back until nothing more is there.
 */
class TextStream final : public Stream
{
public:
	TextStream(Fd fd, unsigned cpus);

	int fill(tb_error *err) override;
	const Event *front() override;
	void pop() override { events_.pop_front(); }
	bool empty() const override { return events_.empty(); }
	uint64_t received() const override { return parsed_ + undecoded_; }

private:
	void take_lines();
	void insert(const Event &event);

	const size_t kept_back_;
	std::vector<bool> lost_; /* by CPU: before its next event */
	std::string text_;       /* not yet made events */
	std::deque<Event> events_;
	uint64_t parsed_ = 0;
};

} // namespace tb::ftrace

#endif

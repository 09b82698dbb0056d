/* SPDX-License-Identifier: Apache-2.0 */
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

#include "stream.h"

namespace tb::ftrace
{

namespace
{

constexpr size_t kTimeExtendBytes = 8;

} // namespace

PageStream::PageStream(Fd fd, const Formats &formats, unsigned cpu, unsigned pages)
	: Stream(std::move(fd)), formats_(formats), cpu_(static_cast<uint16_t>(cpu)),
	  page_bytes_(formats.sub_buffer_bytes), memory_(page_bytes_ * pages)
{
	lengths_.reserve(pages);
}

/*
 * Each read gives one page: a full one that the kernel swaps out, or a copy of what is in the one that is being
 * written. Behind either there may be more, so only EAGAIN tells that nothing is.
 */
int PageStream::fill(tb_error *err)
{
	exhausted_ = false;
	if (!empty()) /* not by front(), which would begin a page that may yet become suspect */
		return 0;
	page_ = 0;
	lengths_.clear();
	while ((lengths_.size() + 1) * page_bytes_ <= memory_.size()) {
		ssize_t n = read(fd_.get(), memory_.data() + lengths_.size() * page_bytes_, page_bytes_);

		if (n > 0) {
			lengths_.push_back(static_cast<size_t>(n));
			reads_++;
			continue;
		}
		if (n == 0 || errno == EAGAIN) {
			exhausted_ = true;
			break;
		}
		if (errno != EINTR)
			return tb_error__set(err, -errno, "reading CPU %u's ring buffer: %s", cpu_,
					     strerror(errno));
	}
	return !lengths_.empty();
}

void PageStream::suspect(uint64_t first, uint64_t last)
{
	if (!suspects_.empty() && first <= suspects_.back().last)
		suspects_.back().last = last;
	else
		suspects_.push_back({first, last});
}

bool PageStream::suspected() const
{
	const uint64_t reached = walked_ + lengths_.size() * formats_.events_per_page();

	return !suspects_.empty() && suspects_.front().first <= reached;
}

bool PageStream::next_page()
{
	if (page_ == lengths_.size())
		return false;
	walk_.load(memory_.data() + page_ * page_bytes_, lengths_[page_]);
	while (!suspects_.empty() && suspects_.front().last < walked_)
		suspects_.pop_front();
	lost_ |= walk_.missed_events() || (!suspects_.empty() && suspects_.front().first <= walked_);
	/* The copy of the rest of a page begins with the time of the event before it. */
	page_turned_ = walk_.ts_ns() != last_ts_ns_;
	used_before_ = used_;
	used_ = (page_turned_ ? 0 : used_) + walk_.committed();
	page_++;
	return true;
}

/*
 * The writer leaves a page when an event does not fit any more, perhaps with a time extend. If this one, the first of the
 * next page, had fitted into what we have seen of the page before, then there was more on that.
 */
void PageStream::look_at_page_turn()
{
	const size_t needed =
		Formats::bytes_in_buffer(static_cast<uint32_t>(walk_.size())) + kTimeExtendBytes;

	if (used_before_ > 0 && used_before_ + needed <= formats_.event_bytes()) {
		lost_ = true;
		short_pages_++;
	}
}

const Event *PageStream::front()
{
	while (!has_event_) {
		if (!walking_ && !(walking_ = next_page()))
			return nullptr;
		if (!walk_.next()) {
			walking_ = false;
			if (walk_.unsound()) {
				undecoded_++;
				lost_ = true;
			}
			continue;
		}
		walked_++;
		if (std::exchange(page_turned_, false))
			look_at_page_turn();
		last_ts_ns_ = walk_.ts_ns();
		if (!formats_.decode(walk_.data(), walk_.size(), &event_)) {
			undecoded_++;
			lost_ = true;
			continue;
		}
		event_.ts_ns = walk_.ts_ns();
		event_.cpu = cpu_;
		event_.lost_before = lost_;
		lost_ = false;
		has_event_ = true;
	}
	return &event_;
}

uint64_t PageStream::received() const
{
	uint64_t ahead = 0;
	SubBuffer walk = walk_;

	while (walking_ && walk.next())
		ahead++;
	for (size_t page = page_; page < lengths_.size(); page++) {
		walk.load(memory_.data() + page * page_bytes_, lengths_[page]);
		while (walk.next())
			ahead++;
	}
	return walked_ + ahead;
}

} // namespace tb::ftrace

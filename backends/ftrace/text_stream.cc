/* SPDX-License-Identifier: Apache-2.0 */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "stream.h"
#include "text_line.h"

namespace tb::ftrace
{

namespace
{

constexpr size_t kChunkBytes = 16384; /* the kernel makes at most a page or two at a time */
constexpr size_t kEventsMax = 2048;   /* a portion: what makes one round of records */
constexpr size_t kLineMax = 8192;     /* longer than the kernel's */

} // namespace

TextStream::TextStream(Fd fd, unsigned cpus) : Stream(std::move(fd)), kept_back_(cpus), lost_(cpus) {}

int TextStream::fill(tb_error *err)
{
	char chunk[kChunkBytes];
	bool any = false;

	exhausted_ = false;
	if (front())
		return 0;
	while (events_.size() < kEventsMax) {
		ssize_t n = read(fd_.get(), chunk, sizeof(chunk));

		if (n > 0) {
			any = true;
			text_.append(chunk, static_cast<size_t>(n));
			take_lines();
			continue;
		}
		if (n == 0 || errno == EAGAIN) {
			exhausted_ = true;
			break;
		}
		if (errno != EINTR)
			return tb_error__set(err, -errno, "reading trace_pipe: %s", strerror(errno));
	}
	return any;
}

void TextStream::take_lines()
{
	size_t from = 0;

	for (size_t end; (end = text_.find('\n', from)) != std::string::npos; from = end + 1) {
		Event event;

		switch (parse_line(std::string_view(text_).substr(from, end - from), &event)) {
		case Line::event:
			if (event.cpu >= lost_.size())
				lost_.resize(event.cpu + 1u);
			event.lost_before = lost_[event.cpu];
			lost_[event.cpu] = false;
			insert(event);
			parsed_++;
			break;
		case Line::lost:
			if (event.cpu >= lost_.size())
				lost_.resize(event.cpu + 1u);
			lost_[event.cpu] = true;
			break;
		case Line::nothing:
			break;
		case Line::unreadable:
			undecoded_++;
			lost_.assign(lost_.size(), true); /* whose it was is not known */
			break;
		}
	}
	text_.erase(0, from);
	if (text_.size() > kLineMax) {
		undecoded_++;
		lost_.assign(lost_.size(), true);
		text_.clear();
	}
}

/* Behind all that are not younger. */
void TextStream::insert(const Event &event)
{
	auto at = events_.end();

	while (at != events_.begin() && std::prev(at)->ts_ns > event.ts_ns)
		--at;
	events_.insert(at, event);
}

const Event *TextStream::front()
{
	if (events_.empty() || (!exhausted_ && events_.size() <= kept_back_))
		return nullptr;
	return &events_.front();
}

} // namespace tb::ftrace

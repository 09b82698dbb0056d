/* SPDX-License-Identifier: Apache-2.0 */
#include "sub_buffer.h"

#include <cstring>

namespace tb::ftrace
{

namespace
{

constexpr size_t kHeader = 16;
/* The commit word: bytes of data, and flags. */
constexpr uint64_t kCommitMask = (1u << 27) - 1;
constexpr uint64_t kMissedEvents = 1u << 31;

constexpr uint32_t kPadding = 29, kTimeExtend = 30, kTimeStamp = 31;
/* An absolute time stamp has 59 bits; the others are those of the page's. */
constexpr uint64_t kTimeStampMask = (1ull << 59) - 1;

uint32_t word_at(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

uint64_t long_at(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

} // namespace

bool SubBuffer::fail()
{
	unsound_ = true;
	at_ = end_;
	return false;
}

void SubBuffer::load(const uint8_t *page, size_t bytes)
{
	missed_ = unsound_ = false;
	at_ = end_ = page;
	if (bytes < kHeader) {
		unsound_ = true;
		return;
	}
	const uint64_t commit = long_at(page + 8);

	ts_ns_ = long_at(page);
	missed_ = commit & kMissedEvents;
	if ((commit & kCommitMask) > bytes - kHeader) {
		unsound_ = true;
		return;
	}
	at_ = page + kHeader;
	end_ = at_ + (commit & kCommitMask);
}

bool SubBuffer::next()
{
	while (at_ != end_) {
		size_t left = static_cast<size_t>(end_ - at_);

		if (left < 4)
			return fail();
		const uint32_t header = word_at(at_);
		const uint32_t type_len = header & 31;
		const uint64_t delta = header >> 5;

		at_ += 4;
		left -= 4;
		if (type_len > 0 && type_len < kPadding) {
			if (type_len * 4 > left)
				return fail();
			ts_ns_ += delta;
			data_ = at_;
			size_ = type_len * 4;
			at_ += size_;
			return true;
		}
		if (type_len == kPadding && delta == 0) { /* the rest of the page is empty */
			at_ = end_;
			return false;
		}
		if (left < 4)
			return fail();
		const uint32_t word = word_at(at_);

		switch (type_len) {
		case kTimeExtend:
			ts_ns_ += delta + (uint64_t{word} << 27);
			at_ += 4;
			break;
		case kTimeStamp:
			ts_ns_ = (ts_ns_ & ~kTimeStampMask) | delta | uint64_t{word} << 27;
			at_ += 4;
			break;
		case kPadding: /* a discarded event; its length counts from the word that holds it */
			if (word < 4 || word % 4 || word > left)
				return fail();
			ts_ns_ += delta;
			at_ += word;
			break;
		default: /* a long one; the same */
			if (word < 4 || (uint64_t{word} + 3) / 4 * 4 > left)
				return fail();
			ts_ns_ += delta;
			data_ = at_ + 4;
			size_ = word - 4;
			at_ += (word + 3) / 4 * 4;
			return true;
		}
	}
	return false;
}

} // namespace tb::ftrace

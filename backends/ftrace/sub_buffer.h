/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sub-buffer (page) of the kernel's ring buffer, as trace_pipe_raw gives it: a time stamp, a commit word, then
 * events of 4 bytes' header each: type_len in the low 5 bits, time delta in the upper 27.
 *
 * Believes nothing: a length that leads out of the page, or nowhere, ends it as unsound.
 */
#ifndef TRACEBENCH_FTRACE_SUB_BUFFER_H
#define TRACEBENCH_FTRACE_SUB_BUFFER_H

#include <cstddef>
#include <cstdint>

namespace tb::ftrace
{

class SubBuffer
{
public:
	/* `bytes` of memory that outlives the walk. A page that is too short, or whose commit lies outside, is unsound. */
	void load(const uint8_t *page, size_t bytes);
	/* The next event; false at the end. */
	bool next();

	/* Of the current event. */
	uint64_t ts_ns() const { return ts_ns_; }
	const uint8_t *data() const { return data_; }
	size_t size() const { return size_; }

	/* Right after load: the page's own time, and the bytes of its events. */
	size_t committed() const { return static_cast<size_t>(end_ - at_); }

	/* The kernel overwrote events between the page before and this one. */
	bool missed_events() const { return missed_; }
	/* What came last could not be read, and so nothing that may lie behind it. */
	bool unsound() const { return unsound_; }

private:
	bool fail();

	const uint8_t *at_ = nullptr, *end_ = nullptr;
	const uint8_t *data_ = nullptr;
	size_t size_ = 0;
	uint64_t ts_ns_ = 0;
	bool missed_ = false, unsound_ = false;
};

} // namespace tb::ftrace

#endif

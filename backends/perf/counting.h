/* SPDX-License-Identifier: Apache-2.0 */
/* Variant `count`: counting events on the target and what grows from it, as perf stat has them; no ring. */
#ifndef TRACEBENCH_PERF_COUNTING_H
#define TRACEBENCH_PERF_COUNTING_H

#include <array>
#include <cstdint>
#include <vector>

#include "event.h"
#include "source.h"
#include "tracefs.h"

namespace tb::perf
{

class Counting
{
public:
	/* Looks up the events that the filter wants. 0 or -errno. */
	int prepare(const Tracefs &tracefs, const tb_filter &filter, tb_error *err);
	/* Opens and starts them. 0 or -errno; then none is left. */
	int open(const Subject &subject, tb_error *err);
	/* Up to now, or up to the stop. `counts` has TB_NR_MAX elements. 0 or -errno. */
	int read(uint64_t *counts, uint64_t *foreign, tb_error *err) const;
	/* Stops them, keeps their counts and closes them. Idempotent. 0 or -errno. */
	int stop(tb_error *err);

private:
	static constexpr int kTotal = -1;

	struct Event {
		int nr; /* kTotal: entries of all calls of all architectures */
		uint32_t tracepoint;
		Descriptor fd;
	};

	int open_all(const Subject &subject, tb_error *err);

	std::vector<Event> events_;
	bool stopped_ = false;
	std::array<uint64_t, TB_NR_MAX> counts_at_stop_ = {};
	uint64_t foreign_at_stop_ = 0;
};

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's `lost` counts records, calls are what a trial wants to know of. What lost records were is known from what did not
 * come (event_join.h): companions of delivered calls are no calls, nor are records of our own pokes; an event that the kernel had
 * begun and whose SYSCALL record it dropped is one call and cost three records or more; each of the rest is a call whose SYSCALL
 * record was refused.
 */
#ifndef TRACEBENCH_AUDITD_BOOKS_H
#define TRACEBENCH_AUDITD_BOOKS_H

#include <algorithm>
#include <cstdint>

#include "event_join.h"

namespace tb::auditd
{

class Books
{
public:
	/* From here on. `lost` as the kernel has it, where it wraps at 2^32. */
	void begin(uint32_t lost, const Absent &absent)
	{
		last_lost_ = lost;
		last_ = absent;
	}

	/* Once nothing is on its way any more. Each look is judged by itself, so all sums only grow. */
	void look(uint32_t lost, const Absent &absent)
	{
		const uint64_t records = static_cast<uint32_t>(lost - last_lost_);
		const uint64_t of_no_call =
			absent.companions + absent.of_pokes - last_.companions - last_.of_pokes;
		const uint64_t events = absent.headless - last_.headless;
		const uint64_t least = absent.headless_records - last_.headless_records;
		/* Of calls: what is left of `lost` without what is of none. */
		const uint64_t left = records - std::min(records, of_no_call);

		lost_records_ += records;
		silent_ += of_no_call + least - std::min(records, of_no_call + least);
		if (left >= least) {
			/* Dropped events may have had more records than every call has: PATH, CWD, EXECVE. */
			const uint64_t more = std::min(left - least, events * kMoreRecords);

			dropped_ += events;
			undecided_ += more;
			refused_ += left - least - more;
		} else {
			/* `lost` admits fewer than are known to be missing: so many calls it stands for at least. */
			const uint64_t admitted = (left + kMostRecords - 1) / kMostRecords;

			dropped_ += admitted;
			undecided_ += std::min(left, events) - admitted;
		}
		begin(lost, absent);
	}

	uint64_t lost_records() const { return lost_records_; }
	/* Calls whose SYSCALL record was refused. */
	uint64_t refused() const { return refused_; }
	/* Calls whose records were taken, and dropped later. */
	uint64_t dropped() const { return dropped_; }
	/* Lost records of which each may or may not be a further call: 0 unless events were dropped. */
	uint64_t undecided() const { return undecided_; }
	/* Records that are missing for certain and that `lost` does not know of. */
	uint64_t silent() const { return silent_; }

	/* SYSCALL, CWD, five PATH (rename), PROCTITLE, EOE. */
	static constexpr uint64_t kMostRecords = 9;

private:
	static constexpr uint64_t kMoreRecords = kMostRecords - EventJoin::kPlainRecords;

	uint32_t last_lost_ = 0;
	Absent last_;
	uint64_t lost_records_ = 0, refused_ = 0, dropped_ = 0, undecided_ = 0, silent_ = 0;
};

} // namespace tb::auditd

#endif

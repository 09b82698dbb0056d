/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's `lost` counts records, calls are what a trial wants to know of. Of the records lost since the last look
 * those are no calls which belong to calls that were delivered: their number is known from what is missing of these calls. The rest
 * is charged as lost calls: one each where the kernel refused the SYSCALL record (nothing more of that call is tried then),
 * up to a whole event each where the retry queue overflowed.
 */
#ifndef TRACEBENCH_AUDITD_BOOKS_H
#define TRACEBENCH_AUDITD_BOOKS_H

#include <cstdint>

namespace tb::auditd
{

class Books
{
public:
	/* From here on. `lost` as the kernel has it, where it wraps at 2^32; `missing` companions of delivered calls. */
	void begin(uint32_t lost, uint64_t missing)
	{
		last_lost_ = lost;
		last_missing_ = missing;
	}

	/* Once nothing is on its way any more. Each look is charged by itself, so both sums only grow. */
	void look(uint32_t lost, uint64_t missing)
	{
		const uint64_t records = static_cast<uint32_t>(lost - last_lost_);
		const uint64_t companions = missing - last_missing_;

		lost_records_ += records;
		charged_ += records > companions ? records - companions : 0;
		silent_ += companions > records ? companions - records : 0;
		begin(lost, missing);
	}

	uint64_t lost_records() const { return lost_records_; }
	/* Lost records that are not explained by companions missing from delivered calls. */
	uint64_t charged() const { return charged_; }
	/* Companions missing that `lost` does not know of: proof that records vanish silently. */
	uint64_t silent() const { return silent_; }

private:
	uint32_t last_lost_ = 0;
	uint64_t last_missing_ = 0;
	uint64_t lost_records_ = 0, charged_ = 0, silent_ = 0;
};

} // namespace tb::auditd

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to one call: its SYSCALL record and the companions that the kernel sends behind it under the same serial
 * number. Only for the books: a call is handed on when its SYSCALL record came, and what never came of the others tells which
 * part of the kernel's `lost` is not calls.
 */
#ifndef TRACEBENCH_AUDITD_EVENT_JOIN_H
#define TRACEBENCH_AUDITD_EVENT_JOIN_H

#include <array>
#include <cstdint>

#include "parser.h"

namespace tb::auditd
{

class EventJoin
{
public:
	explicit EventJoin(uint32_t native_arch) : native_arch_(native_arch) {}

	/* A call of the target. */
	void begin(const SyscallRecord &record);
	/* Another record of type `type`. False when its call is not known: not the target's, or its SYSCALL was lost. */
	bool companion(uint16_t type, uint32_t serial);
	/* Nothing is on its way any more: what has not come of the calls that were begun never will. */
	void settle();

	/* Companions of calls begun that never came; and the calls they belong to. Grows only. */
	uint64_t missing() const { return missing_; }
	uint64_t incomplete_calls() const { return incomplete_calls_; }

private:
	/*
	 * Calls are open from their first to their last record only. Kernel threads and CPUs interleave a few of them; an
	 * entry that is still open when its place is wanted again, 4,096 serials later, has lost its end.
	 */
	static constexpr uint32_t kPlaces = 4096;

	struct Place {
		uint32_t serial = 0;
		bool open = false;
		uint8_t proctitle = 0, eoe = 0, cwd = 0, special = 0; /* still expected */
		uint16_t special_type = 0;
		uint32_t paths = 0;
	};

	void close(Place &place);

	const uint32_t native_arch_;
	std::array<Place, kPlaces> places_{};
	uint64_t missing_ = 0;
	uint64_t incomplete_calls_ = 0;
};

} // namespace tb::auditd

#endif

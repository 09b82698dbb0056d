/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs together: a SYSCALL record and the companions that the kernel sends behind it under the same serial number. Only
 * for the books: a call is handed on when its SYSCALL record has come; what never came of an event tells what the kernel's
 * `lost` is made of.
 *
 * The kernel draws a serial when it has made room for an event's first record. So where it refused a SYSCALL record there is no
 * serial and nothing else of that call, and one record is lost; where it dropped records that it had taken (the retry queue was
 * full) there is a serial, and what never came under it is lost.
 */
#ifndef TRACEBENCH_AUDITD_EVENT_JOIN_H
#define TRACEBENCH_AUDITD_EVENT_JOIN_H

#include <cstdint>
#include <vector>

#include "parser.h"

namespace tb::auditd
{

/* What is known not to have come of events that the kernel had begun. Each grows only. */
struct Absent {
	uint64_t companions = 0;       /* of the target's calls that were delivered */
	uint64_t incomplete_calls = 0; /* … and these calls */
	/* Events without a SYSCALL record: serials under which nothing came, or only companions. */
	uint64_t headless = 0;
	/* … and what is at least missing of them: all that every call has. */
	uint64_t headless_records = 0;
	/* Of the calls by which this backend pokes: in `lost`, and nobody's calls. */
	uint64_t of_pokes = 0;
};

class EventJoin
{
public:
	explicit EventJoin(uint32_t native_arch) : native_arch_(native_arch), places_(kPlaces) {}

	/* A SYSCALL record: of the target's, or of somebody else's. */
	void call(const SyscallRecord &record);
	void foreign_call(uint32_t serial);
	/* Any other record. True when it belongs to a call of the target that is known. */
	bool record(uint16_t type, uint32_t serial);
	/* That record was the one a poke raises. Never refused: it is made while the kernel carries out a command. */
	void poke(uint32_t serial);
	/* Nothing is on its way any more: what has not come never will. */
	void settle();

	const Absent &absent() const { return absent_; }
	/* Records that came after their event had been closed: it was taken for lost. */
	uint64_t late() const { return late_; }

	/* Records of an event that has nothing to it but the call: SYSCALL, PROCTITLE, EOE. */
	static constexpr uint64_t kPlainRecords = 3;

private:
	/*
	 * Serials that are open at once. They come in order but for what the retry queue held back, which is at most two
	 * queues' length: 160 MiB of buffer.
	 */
	static constexpr uint32_t kPlaces = 1u << 18;

	struct Place {
		uint8_t seen = 0; /* Seen */
		uint8_t paths = 0;
		uint16_t special = 0; /* type of the record that came besides those of every call */
		uint8_t items = 0;    /* PATH records expected */
		uint8_t unused = 0;
		uint16_t expected = 0; /* type of the record that is expected besides, or 0 */
	};
	enum Seen : uint8_t {
		kAny = 1,
		kCall = 2,
		kForeign = 4,
		kProctitle = 8,
		kEoe = 16,
		kCwd = 32,
		kCompanion = 64,
		kPoke = 128
	};

	Place *open(uint32_t serial);
	void advance(uint32_t to);
	void close(const Place &place);

	const uint32_t native_arch_;
	std::vector<Place> places_; /* of the serials begin_ … begin_ + kPlaces − 1, at their remainder */
	bool begun_ = false;
	uint32_t begin_ = 0; /* lowest serial that is open */
	uint32_t end_ = 0;   /* one past the highest seen */
	/*
	 * Whether the call that pokes is recorded as well, behind the record that it raises: where its thread has an audit context.
	 * Unless the owner of audit makes it, a full queue refuses it like any other.
	 */
	bool pokes_recorded_ = false;
	uint32_t last_poke_ = 0;
	Absent absent_;
	uint64_t late_ = 0;
};

} // namespace tb::auditd

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From lost events to lost calls. A call makes two events, its entry and its exit. Of what was made, each event was lost, or is
 * in a whole call, or is the entry of a partial one, or is an exit without an entry. So where calls are all there is,
 *
 *     lost = 2 × missing + partial − unpaired
 *
 * and the missing calls are known exactly, not only as lost / 2 … lost. Other things that make one event each (births, exit and
 * exit_group, calls that seccomp refuses) break the equation: then it is lost / 2 … lost again.
 *
 * Looks are taken while the target waits at a gate. It may do so inside a call: then its entry has come, or is the odd one of
 * what was lost.
 */
#ifndef TRACEBENCH_FTRACE_BOOKS_H
#define TRACEBENCH_FTRACE_BOOKS_H

#include <algorithm>
#include <cstdint>

namespace tb::ftrace
{

/* Sums since arm. */
struct PairFacts {
	uint64_t lost = 0;     /* events that were made and did not reach the pairing */
	uint64_t partial = 0;  /* calls delivered without their exit */
	uint64_t unpaired = 0; /* exits thrown away */
	uint64_t others =
		0; /* signs of events that are no half of a call: tasks made and gone, refused calls */
};

class PairBooks
{
public:
	void look(const PairFacts &now)
	{
		const uint64_t lost = now.lost - last_.lost;
		const int64_t missing = missing_of(now) - missing_of(last_);

		const bool sound = missing >= 0 && static_cast<uint64_t>(missing) <= lost;

		if (lost == 0) {
			/* Nothing to explain. */
		} else if (now.others == last_.others && sound) {
			/* The call at the gate before was lost as well, and is not to be counted. */
			const uint64_t most = static_cast<uint64_t>(missing), gate = halves_of(last_) & 1;
			const uint64_t least = most - std::min(most, gate);

			calls_ += least;
			undecided_ += most - least;
		} else {
			const uint64_t partial = now.partial - last_.partial;
			const uint64_t least = (lost - std::min(lost, partial) + 1) / 2;

			calls_ += least;
			undecided_ += lost - least;
		}
		last_ = now;
	}

	/* Lost for certain. */
	uint64_t calls() const { return calls_; }
	/* Lost events each of which may or may not be one more call. */
	uint64_t undecided() const { return undecided_; }

private:
	static uint64_t halves_of(const PairFacts &facts)
	{
		return facts.lost + facts.unpaired - facts.partial;
	}
	static int64_t missing_of(const PairFacts &facts)
	{
		return static_cast<int64_t>(halves_of(facts)) >> 1;
	}

	PairFacts last_;
	uint64_t calls_ = 0, undecided_ = 0;
};

} // namespace tb::ftrace

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lost events as lost calls: streams of calls are thinned out at random, and the books must find what is missing. */
#include <random>

#include "books.h"
#include "check.h"

using namespace tb::ftrace;

namespace
{

constexpr PairFacts kAtGate = {};

} // namespace

TEST(nothing_lost_is_nothing_missing)
{
	PairBooks books;

	books.look(kAtGate);
	books.look({.partial = 0, .unpaired = 0});
	CHECK_EQ(books.calls(), 0u);
	CHECK_EQ(books.undecided(), 0u);
}

TEST(a_call_costs_two_events_or_one_and_an_exit_that_is_thrown_away)
{
	PairBooks books;

	books.look(kAtGate);
	books.look({.lost = 2});
	CHECK_EQ(books.calls(), 1u);
	books.look({.lost = 3, .unpaired = 1});
	CHECK_EQ(books.calls(), 2u);
	books.look({.lost = 4, .partial = 1, .unpaired = 1}); /* a call in part is none missing */
	CHECK_EQ(books.calls(), 2u);
	CHECK_EQ(books.undecided(), 0u);
}

TEST(the_entry_at_the_gate_is_the_odd_one)
{
	PairBooks books;

	books.look(kAtGate);
	books.look({.lost = 201}); /* 100 calls, and the entry of the call at the gate */
	CHECK_EQ(books.calls(), 100u);
	CHECK_EQ(books.undecided(), 0u);
	/* Its exit comes; it belongs to neither section. */
	books.look({.lost = 203, .unpaired = 1});
	CHECK_EQ(books.calls(), 101u);
	CHECK_EQ(books.undecided(), 1u);
}

TEST(what_makes_single_events_leaves_it_open)
{
	PairBooks books;

	books.look(kAtGate);
	books.look({.lost = 100, .partial = 10, .others = 1});
	CHECK_EQ(books.calls(), 45u);
	CHECK_EQ(books.undecided(), 55u);
	books.look({.lost = 120, .partial = 10, .others = 1});
	CHECK_EQ(books.calls(), 55u);
	CHECK_EQ(books.undecided(), 55u);
}

TEST(a_result_that_cannot_be_leaves_it_open)
{
	PairBooks books;

	books.look(kAtGate);
	books.look({.lost = 10, .partial = 40}); /* −15 calls */
	CHECK_EQ(books.calls(), 0u);
	CHECK_EQ(books.undecided(), 10u);
	books.look({.lost = 20, .partial = 40, .unpaired = 100}); /* 55 calls of ten events */
	CHECK_EQ(books.calls(), 5u);
	CHECK_EQ(books.undecided(), 15u);
}

/* A stretch of events is lost here and there; what comes is paired as call_pairing.h does: not across a loss. */
TEST(random_losses_are_told_to_the_call)
{
	std::mt19937 random(1);

	for (int run = 0; run < 500; run++) {
		constexpr int kCalls = 300;
		PairBooks books;
		PairFacts facts = kAtGate;
		uint64_t complete = 0, partial = 0;
		bool open = false, lost_since = false;
		int skip = 0;

		books.look(facts);
		for (int i = 0; i < 2 * kCalls; i++) {
			if (skip == 0 && random() % 20 == 0)
				skip = 1 + static_cast<int>(random() % 30);
			if (skip > 0) {
				skip--;
				facts.lost++;
				lost_since = true;
				continue;
			}
			if (i % 2 == 0) { /* an entry; one that is still open has lost its exit */
				partial += open;
				open = true;
				lost_since = false;
			} else if (open && !lost_since) {
				complete++;
				open = false;
			} else {
				partial += open;
				open = false;
				facts.unpaired++;
				lost_since = false;
			}
		}
		/* The gate: one more entry, and what was kept is in doubt or had lost its exit. */
		partial += open;
		facts.partial = partial;
		books.look(facts);
		CHECK_EQ(books.calls(), kCalls - complete - partial);
		CHECK_EQ(books.undecided(), 0u);
	}
}

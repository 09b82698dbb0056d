// SPDX-License-Identifier: Apache-2.0
#include "../src/ledger.h"

#include <memory>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "check.h"

using namespace tracebench;

namespace
{

constexpr uint64_t kSecond = 1'000'000'000;

/* A workload of one stamped kind (getppid, words 0–2 hashed) and one counted kind (wait4). */
struct Bench {
	std::unique_ptr<tb_control> control = std::make_unique<tb_control>();
	Ledger ledger;
	uint64_t clock_ns = 100 * kSecond;

	explicit Bench(uint32_t lanes = 1, uint64_t expected = 0, bool wants_return = true, tb_pace pace = {},
		       int32_t stamped_nr = SYS_getppid)
		: ledger(LedgerOptions{.wants_return = wants_return, .expected_per_lane = expected})
	{
		*control = {};
		control->lanes = lanes;
		control->pace = pace;
		control->kinds = 2;
		control->kind[0].nr = stamped_nr;
		control->kind[0].call_class = TB_CLASS_STAMPED;
		control->kind[0].stamp_arg = 3;
		control->kind[0].arg_hash = 0x7;
		control->kind[0].ret_rule = TB_RET_EQUALS;
		control->kind[0].ret_value = 42;
		control->kind[1].nr = SYS_wait4;
		control->kind[1].call_class = TB_CLASS_COUNTED;
		ledger.enter_section(*control);
	}

	void issue(uint32_t lane, uint64_t n) { control->lane_issued[lane] += n; }

	tb_record record(uint32_t lane, uint64_t seq, uint64_t sent_ns) const
	{
		tb_record r = {};
		uint64_t stamp = tb_stamp__pack(lane, seq, sent_ns);
		r.kind = TB_KIND_CALL;
		r.flags = TB_F_RET;
		r.nr = SYS_getppid;
		r.arch = TB_ARCH_X86_64;
		r.args_valid = 0x3f;
		for (unsigned i = 0; i < 3; i++)
			r.args[i] = tb_stamp__hash(stamp, i);
		r.args[3] = stamp;
		r.ret = 42;
		return r;
	}

	void deliver(const tb_record &r, uint64_t visible_ns)
	{
		tb_round round = {.visible_ns = visible_ns};
		ledger.take(&r, 1, round);
	}

	void deliver(uint32_t lane, uint64_t seq) { deliver(record(lane, seq, clock_ns), clock_ns + 1600); }

	void finish() { ledger.leave_section(*control); }
};

} // namespace

TEST(ledger_counts_what_came_whole)
{
	Bench b;
	b.issue(0, 1009);
	for (uint64_t s = 0; s < 1009; s++)
		b.deliver(0, s);
	b.finish();
	CHECK_EQ(b.ledger.complete, 1009u);
	CHECK_EQ(b.ledger.partial, 0u);
	CHECK_EQ(b.ledger.window_missing, 0u);
	CHECK_EQ(b.ledger.loss_runs, 0u);
	CHECK_EQ(b.ledger.mismatches, 0u);
	CHECK_EQ(b.ledger.kind_delivered[0], 1009u);
	CHECK_EQ(b.ledger.latency.count(), 1009u);
	CHECK_EQ(b.ledger.latency.min_ns, 1600);
	CHECK_EQ(b.ledger.latency.max_ns, 1600);
}

TEST(pace_tells_when_calls_are_due)
{
	/* 3 M/s: the period is no whole number of ns, and does not drift: call 3 × 10^6 × 3600 is due after an hour. */
	tb_pace even = {.interval_ps = 333'333, .burst_calls = 1, .stagger_ps = 0};
	CHECK_EQ(tb_pace__due_ns(&even, 1000, 0, 0), 1000u);
	CHECK_EQ(tb_pace__due_ns(&even, 1000, 0, 3), 1000u + 999);
	CHECK_EQ(tb_pace__due_ns(&even, 0, 0, 3'000'000ull * 3600),
		 3'599'996'400'000u); /* a millionth early */

	/* 1,000 calls each 10 ms; two lanes that take turns. */
	tb_pace bursts = {.interval_ps = 10'000'000'000, .burst_calls = 1000, .stagger_ps = 5'000'000'000};
	CHECK_EQ(tb_pace__due_ns(&bursts, 7, 0, 999), 7u);
	CHECK_EQ(tb_pace__due_ns(&bursts, 7, 0, 1000), 10'000'007u);
	CHECK_EQ(tb_pace__due_ns(&bursts, 7, 1, 999), 5'000'007u);
	CHECK_EQ(tb_pace__due_ns(&bursts, 7, 1, 2000), 25'000'007u);
}

TEST(ledger_takes_latency_from_the_stamp_and_from_when_the_call_was_due)
{
	Bench b(1, 0, true,
		{.interval_ps = 1'000'000'000, .burst_calls = 2, .stagger_ps = 0}); /* two each ms */
	b.control->section_start_ns = b.clock_ns;
	b.issue(0, 4);
	/* Due, sent, visible, in µs after the start: 0, 0, 16; 0, 160, 320; 1000, 1000, 1032; and one sent late. */
	const uint64_t sent_us[] = {0, 160, 1000, 1600};
	const uint64_t visible_us[] = {16, 320, 1032, 1760};
	for (uint64_t s = 0; s < 4; s++)
		b.deliver(b.record(0, s, b.clock_ns + sent_us[s] * 1000), b.clock_ns + visible_us[s] * 1000);
	b.finish();
	CHECK_EQ(b.ledger.complete, 4u);
	CHECK_EQ(b.ledger.latency.count(), 4u);
	CHECK_EQ(b.ledger.latency.min_ns, 16'000);
	CHECK_EQ(b.ledger.latency.max_ns, 160'000);
	CHECK_EQ(b.ledger.latency_from_due.count(), 4u);
	CHECK_EQ(b.ledger.latency_from_due.min_ns, 16'000);
	CHECK_EQ(b.ledger.latency_from_due.max_ns, 760'000);
}

TEST(ledger_knows_no_due_time_in_a_closed_loop)
{
	Bench b;
	b.issue(0, 1);
	b.deliver(0, 0);
	b.finish();
	CHECK_EQ(b.ledger.latency.count(), 1u);
	CHECK_EQ(b.ledger.latency_from_due.count(), 0u);
}

TEST(ledger_finds_loss_runs_and_their_place)
{
	Bench b(1, 1000);
	b.issue(0, 1000);
	for (uint64_t s = 0; s < 1000; s++)
		if (!(s >= 100 && s < 163) && s != 500 && s < 990)
			b.deliver(0, s);
	b.finish();
	CHECK_EQ(b.ledger.window_missing, 63u + 1 + 10);
	CHECK_EQ(b.ledger.loss_runs, 3u);
	CHECK_EQ(b.ledger.longest_loss_run, 63u);
	CHECK_EQ(b.ledger.loss_deciles[1], 63u);
	CHECK_EQ(b.ledger.loss_deciles[5], 1u);
	CHECK_EQ(b.ledger.loss_deciles[9], 10u);
	CHECK_EQ(b.ledger.loss_deciles[0], 0u);
}

TEST(ledger_counts_a_run_across_words_once)
{
	Bench b;
	b.issue(0, 1000);
	for (uint64_t s = 0; s < 1000; s++)
		if (s < 60 || s >= 900)
			b.deliver(0, s);
	b.finish();
	CHECK_EQ(b.ledger.loss_runs, 1u);
	CHECK_EQ(b.ledger.longest_loss_run, 840u);
}

TEST(ledger_tells_duplicates_from_reorders)
{
	Bench b;
	b.issue(0, 10);
	for (uint64_t s : {0, 1, 2, 2, 5, 4, 3, 5, 6, 7, 8, 9})
		b.deliver(0, s);
	b.finish();
	CHECK_EQ(b.ledger.complete, 10u);
	CHECK_EQ(b.ledger.duplicates, 2u);
	CHECK_EQ(b.ledger.reorders, 2u);
	CHECK_EQ(b.ledger.window_missing, 0u);
}

TEST(ledger_refuses_stamps_nobody_issued)
{
	Bench b(2);
	b.issue(0, 10);
	b.issue(1, 10);
	for (uint64_t s = 0; s < 10; s++) {
		b.deliver(0, s);
		b.deliver(1, s);
	}
	b.deliver(0, 10);         /* one beyond the last */
	b.deliver(0, 20'000'000); /* far beyond: the window must not move for it */
	b.deliver(2, 0);          /* a lane that is not in use */
	b.deliver(63, 5);
	b.finish();
	CHECK_EQ(b.ledger.never_issued, 4u);
	CHECK_EQ(b.ledger.window_missing, 0u);
}

TEST(ledger_unwraps_sequence_numbers)
{
	Bench b;
	const uint64_t start = (1ull << TB_STAMP_SEQ_BITS) - 100;
	/* Bring the window up to the wrap in plausible steps, losing what lies between. */
	const uint64_t step = 1 << 19;
	b.issue(0, start + 200);
	uint64_t delivered = 0;
	for (uint64_t s = 0; s < start; s += step) {
		b.deliver(0, s);
		delivered++;
	}
	for (uint64_t s = start; s < start + 200; s++) {
		b.deliver(0, s);
		delivered++;
	}
	b.finish();
	CHECK_EQ(b.ledger.complete, delivered);
	CHECK_EQ(b.ledger.never_issued, 0u);
	CHECK_EQ(b.ledger.reorders, 0u);
	CHECK_EQ(b.ledger.window_missing, start + 200 - delivered);
}

TEST(ledger_counts_what_left_the_window_as_late)
{
	Bench b;
	b.issue(0, kWindow + 5000);
	b.deliver(0, 1);
	for (uint64_t s = 64; s < kWindow + 5000; s += 64)
		b.deliver(0, s);
	b.deliver(0, 2); /* its place has gone */
	b.finish();
	CHECK_EQ(b.ledger.late, 1u);
	CHECK_EQ(b.ledger.complete, 1 + (kWindow + 5000 - 1) / 64);
	CHECK_EQ(b.ledger.window_missing + b.ledger.complete, kWindow + 5000);
}

TEST(ledger_unwraps_stamp_time_and_admits_ambiguity)
{
	Bench b;
	b.issue(0, 3);
	const uint64_t wrap_ns = 1ull << (TB_STAMP_TIME_BITS + TB_STAMP_TIME_SHIFT);
	b.deliver(b.record(0, 0, wrap_ns - 160), wrap_ns + 1600); /* across the wrap */
	b.deliver(b.record(0, 1, 10 * kSecond), 43 * kSecond);    /* 33 s: still told apart */
	b.deliver(b.record(0, 2, 10 * kSecond), 45 * kSecond);    /* 35 s: over half the wrap */
	b.finish();
	CHECK_EQ(b.ledger.latency.min_ns, 1760);
	CHECK_EQ(b.ledger.latency.max_ns, static_cast<int64_t>(33 * kSecond));
	CHECK_EQ(b.ledger.ambiguous, 1u);
	CHECK_EQ(b.ledger.complete, 3u);
}

TEST(ledger_checks_contents_call_by_call)
{
	Bench b;
	b.issue(0, 3);
	tb_record wrong_argument = b.record(0, 0, b.clock_ns);
	wrong_argument.args[1] ^= 1;
	tb_record wrong_return = b.record(0, 1, b.clock_ns);
	wrong_return.ret = -1;
	b.deliver(wrong_argument, b.clock_ns);
	b.deliver(wrong_return, b.clock_ns);
	b.deliver(0, 2);
	b.finish();
	CHECK_EQ(b.ledger.mismatches, 2u);
	CHECK_EQ(b.ledger.mismatch_samples.size(), 2u);
	CHECK(b.ledger.mismatch_samples[0].what.find("argument 1") != std::string::npos);
	CHECK(b.ledger.mismatch_samples[1].what.find("returned -1") != std::string::npos);
}

TEST(ledger_calls_a_record_without_its_return_partial)
{
	Bench full, enter(1, 0, false);
	for (Bench *b : {&full, &enter}) {
		b->issue(0, 2);
		tb_record r = b->record(0, 0, b->clock_ns);
		r.flags = TB_F_ENTER;
		b->deliver(r, b->clock_ns);
		b->deliver(0, 1);
		b->finish();
	}
	CHECK_EQ(full.ledger.partial, 1u);
	CHECK_EQ(full.ledger.complete, 1u);
	CHECK_EQ(enter.ledger.partial, 0u);
	CHECK_EQ(enter.ledger.complete, 2u);
}

TEST(ledger_keeps_marks_births_refusals_and_foreign_calls_apart)
{
	Bench b;
	b.issue(0, 1);
	tb_record mark = {};
	mark.kind = TB_KIND_CALL;
	mark.nr = SYS_getppid;
	mark.arch = TB_ARCH_X86_64;
	mark.args_valid = 0x3f;
	mark.args[0] = TB_MARK_0;
	mark.args[1] = TB_MARK_1;
	mark.args[2] = TB_MARK_END;
	tb_record birth = {};
	birth.kind = TB_KIND_BIRTH;
	tb_record refused = {};
	refused.kind = TB_KIND_REFUSED;
	tb_record foreign = {};
	foreign.kind = TB_KIND_CALL;
	foreign.arch = TB_ARCH_I386;
	foreign.nr = SYS_getppid;
	tb_record counted = mark;
	counted.nr = SYS_wait4;
	counted.args[0] = 0;
	tb_record undeclared = counted;
	undeclared.nr = SYS_brk;
	undeclared.flags = TB_F_RET;
	undeclared.ret = -512;
	for (const tb_record &r : {birth, refused, foreign, counted, undeclared, mark})
		b.deliver(r, b.clock_ns);
	b.deliver(0, 0);
	CHECK(b.ledger.end_seen());
	CHECK(!b.ledger.start_seen());
	b.finish();
	CHECK_EQ(b.ledger.births, 1u);
	CHECK_EQ(b.ledger.refused, 1u);
	CHECK_EQ(b.ledger.foreign_calls, 1u);
	CHECK_EQ(b.ledger.kind_delivered[1], 1u);
	CHECK_EQ(b.ledger.undeclared, 1u);
	CHECK_EQ(b.ledger.restarts, 1u);
	CHECK_EQ(b.ledger.complete, 1u);
	CHECK_EQ(b.ledger.calls[SYS_getppid], 2u);
}

TEST(ledger_takes_calls_of_a_function_for_nothing_else)
{
	Bench b(1, 0, false, {}, TB_NR_FUNCTION), without(1, 0, false);
	for (Bench *bench : {&b, &without}) {
		bench->issue(0, 3);
		tb_record r = bench->record(0, 0, bench->clock_ns);
		r.kind = TB_KIND_FUNCTION;
		r.nr = TB_NR_FUNCTION;
		r.flags = TB_F_ENTER;
		bench->deliver(r, bench->clock_ns);
		/* An i386 sigreturn has the same number, and is none. */
		r.kind = TB_KIND_CALL;
		r.arch = TB_ARCH_I386;
		bench->deliver(r, bench->clock_ns);
		r = bench->record(0, 1, bench->clock_ns);
		r.kind = TB_KIND_FUNCTION;
		r.nr = TB_NR_FUNCTION;
		r.args[1] ^= 1;
		bench->deliver(r, bench->clock_ns);
		r.args[0] = TB_MARK_0;
		r.args[1] = TB_MARK_1;
		r.args[2] = TB_MARK_END;
		bench->deliver(r, bench->clock_ns);
		bench->finish();
		CHECK(bench->ledger.end_seen());
		CHECK_EQ(bench->ledger.foreign_calls, 1u);
	}
	CHECK_EQ(b.ledger.complete, 2u);
	CHECK_EQ(b.ledger.mismatches, 1u);
	CHECK_EQ(b.ledger.window_missing, 1u);
	CHECK_EQ(b.ledger.undeclared, 0u);
	CHECK_EQ(without.ledger.complete, 0u);
	CHECK_EQ(without.ledger.undeclared, 2u);
	for (uint64_t n : b.ledger.calls)
		CHECK_EQ(n, 0u);
}

/* Property: whatever is lost, shuffled within the window and repeated, the books are those of a plain set. */
TEST(ledger_agrees_with_a_set)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		std::mt19937_64 random(seed);
		Bench b;
		const uint64_t issued = 1000 + random() % 5000;
		b.issue(0, issued);
		std::vector<uint64_t> order;
		for (uint64_t s = 0; s < issued; s++) {
			if (random() % 10 < 7)
				order.push_back(s);
			if (random() % 50 == 0)
				order.push_back(s);
		}
		for (size_t i = 0; i + 8 < order.size(); i++)
			std::swap(order[i], order[i + random() % 8]);
		std::set<uint64_t> seen;
		uint64_t duplicates = 0, reorders = 0, highest = 0;
		bool any = false;
		for (uint64_t s : order) {
			if (!seen.insert(s).second)
				duplicates++;
			else if (any && s < highest)
				reorders++;
			highest = any ? std::max(highest, s) : s;
			any = true;
			b.deliver(0, s);
		}
		b.finish();
		CHECK_EQ(b.ledger.complete, seen.size());
		CHECK_EQ(b.ledger.duplicates, duplicates);
		CHECK_EQ(b.ledger.reorders, reorders);
		CHECK_EQ(b.ledger.window_missing, issued - seen.size());
		CHECK_EQ(b.ledger.never_issued, 0u);
	}
}

TEST(stamp_packs_and_unpacks)
{
	std::mt19937_64 random(7);
	for (int i = 0; i < 10000; i++) {
		uint32_t lane = random() % TB_LANES;
		uint64_t seq = random() & TB_STAMP_SEQ_MASK;
		uint64_t now = random() >> 1;
		uint64_t stamp = tb_stamp__pack(lane, seq, now);
		CHECK_EQ(tb_stamp__lane(stamp), lane);
		CHECK_EQ(tb_stamp__seq(stamp), seq);
		CHECK_EQ(tb_stamp__time(stamp), now >> TB_STAMP_TIME_SHIFT & TB_STAMP_TIME_MASK);
	}
	/* The sequence's overflow must not reach the lane. */
	CHECK_EQ(tb_stamp__lane(tb_stamp__pack(5, 1ull << TB_STAMP_SEQ_BITS, 0)), 5u);
	CHECK_EQ(tb_stamp__seq(tb_stamp__pack(5, 1ull << TB_STAMP_SEQ_BITS, 0)), 0u);
}

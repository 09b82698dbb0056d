// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "check.h"
#include "clock.h"
#include "ring_merge.h"
#include "ring_writer.h"

using namespace tb::ebpf;

namespace
{

constexpr uint64_t kForever =
	600ull * 1000000000; /* patience of tests whose writers may lose their CPU for long */

/* Writers, and the reader over the memory they write. */
struct Rings {
	Rings(uint32_t cpus, uint64_t slots, uint64_t patience_ns = kForever)
	{
		auto rings = std::make_unique<Ring[]>(cpus);

		for (uint32_t i = 0; i < cpus; i++) {
			writers.push_back(std::make_unique<RingWriter>(i, slots));
			rings[i] = {&writers[i]->control, writers[i]->records.data(), 0, 0};
		}
		merge = RingMerge(std::move(rings), cpus, slots, patience_ns);
	}

	RingWriter &operator[](uint32_t cpu) { return *writers[cpu]; }

	bool emit(uint32_t cpu, uint64_t ts_ns)
	{
		return writers[cpu]->emit([ts_ns] { return ts_ns; });
	}

	/* One round as the collector does it; the buffer is exactly `capacity`, so that ASan sees beyond it. */
	std::vector<tb_record> round(uint64_t cut, uint32_t capacity)
	{
		std::vector<tb_record> out(capacity);

		out.resize(merge.look(cut) ? merge.take(out.data(), capacity) : 0);
		return out;
	}

	std::vector<std::unique_ptr<RingWriter>> writers;
	RingMerge merge;
};

bool is_earlier(const tb_record &a, const tb_record &b)
{
	return a.ts_ns < b.ts_ns;
}

void check_same(const std::vector<tb_record> &got, const std::vector<tb_record> &expected)
{
	CHECK_EQ(got.size(), expected.size());
	for (size_t i = 0; i < got.size(); i++) {
		if (memcmp(&got[i], &expected[i], sizeof(got[i])) == 0)
			continue;
		std::ostringstream message;
		message << "record " << i << ": got CPU " << got[i].cpu << " at " << got[i].ts_ns << ", call "
			<< ~got[i].ret << "; expected CPU " << expected[i].cpu << " at " << expected[i].ts_ns
			<< ", call " << ~expected[i].ret;
		throw std::runtime_error(message.str());
	}
}

void append(std::vector<tb_record> &all, const std::vector<tb_record> &more)
{
	all.insert(all.end(), more.begin(), more.end());
}

/* All that the writers accepted, ring by ring, sorted by time. */
std::vector<tb_record> sorted(const Rings &rings)
{
	std::vector<tb_record> all;

	for (const auto &writer : rings.writers)
		append(all, writer->accepted);
	std::stable_sort(all.begin(), all.end(), is_earlier);
	return all;
}

std::vector<tb_record> of_cpu(const std::vector<tb_record> &all, uint32_t cpu)
{
	std::vector<tb_record> some;

	std::copy_if(all.begin(), all.end(), std::back_inserter(some),
		     [cpu](const tb_record &r) { return r.cpu == cpu; });
	return some;
}

/* Nothing missing, doubled, torn or out of its ring's order, and what was not delivered was counted. */
void check_complete(const Rings &rings, const std::vector<tb_record> &delivered)
{
	size_t accepted = 0;

	for (uint32_t cpu = 0; cpu < rings.writers.size(); cpu++) {
		const RingWriter &writer = *rings.writers[cpu];
		const auto mine = of_cpu(delivered, cpu);

		check_same(mine, writer.accepted);
		CHECK_EQ(mine.size() + writer.control.lost, writer.made);
		CHECK_EQ(writer.control.tail, writer.control.head);
		accepted += mine.size();
	}
	CHECK_EQ(delivered.size(), accepted);
}

/* Records that came after a younger one. */
uint64_t late_ones(const std::vector<tb_record> &delivered)
{
	uint64_t newest = 0, late = 0;

	for (const tb_record &r : delivered) {
		late += r.ts_ns < newest;
		newest = std::max<uint64_t>(newest, r.ts_ns);
	}
	return late;
}

} // namespace

TEST(empty_rings_hand_over_nothing)
{
	Rings rings(3, 5);
	tb_record untouched = made_record(9, 9, 9);

	CHECK(!rings.merge.look(UINT64_MAX));
	CHECK_EQ(rings.merge.take(&untouched, 1), 0u);
	check_same({untouched}, {made_record(9, 9, 9)});
	CHECK_EQ(rings.merge.order_unproven(), 0u);
}

TEST(wraps_around_at_slots_that_are_no_power_of_two)
{
	for (uint64_t slots : {2, 3, 5, 7, 12, 100}) {
		Rings rings(1, slots);
		std::vector<tb_record> delivered;
		uint64_t clock = 0;

		/* Fillings of every size, so that the wrap falls into every place of a round. */
		for (uint64_t lap = 0; lap < 5 * slots; lap++) {
			for (uint64_t i = 0; i <= lap % slots; i++)
				CHECK(rings.emit(0, ++clock));
			append(delivered, rings.round(clock + 1, slots));
		}
		check_same(delivered, rings[0].accepted);
		check_complete(rings, delivered);
		CHECK_EQ(rings[0].control.lost, 0u);
		CHECK(rings[0].control.head > 2 * slots);
	}
}

TEST(wraps_around_in_the_middle_of_a_merged_run)
{
	Rings rings(2, 7);
	std::vector<tb_record> delivered;
	uint64_t clock = 0;

	for (int lap = 0; lap < 50; lap++) {
		/* Runs of three on one ring and one on the other: record by record, across the end of the memory. */
		for (uint32_t cpu : {0, 0, 0, 1, 0, 0, 0, 1})
			CHECK(rings.emit(cpu, ++clock));
		append(delivered, rings.round(clock + 1, 14));
	}
	check_same(delivered, sorted(rings));
	check_complete(rings, delivered);
}

TEST(full_ring_drops_the_newest_and_counts)
{
	Rings rings(1, 5);

	for (uint64_t ts = 1; ts <= 12; ts++)
		CHECK_EQ(rings.emit(0, ts), ts <= 5);
	CHECK_EQ(rings[0].control.lost, 7u);
	const auto first = rings.round(100, 64);
	check_same(first, {made_record(0, 0, 1), made_record(0, 1, 2), made_record(0, 2, 3),
			   made_record(0, 3, 4), made_record(0, 4, 5)});

	/* What was taken is room again, no more and no less. */
	for (uint64_t ts = 101; ts <= 107; ts++)
		CHECK_EQ(rings.emit(0, ts), ts <= 105);
	CHECK_EQ(rings[0].control.lost, 9u);
	auto all = first;
	append(all, rings.round(200, 64));
	CHECK_EQ(all.size() + rings[0].control.lost, 19u);
	check_complete(rings, all);
}

TEST(a_full_ring_has_the_room_of_what_was_taken_and_not_of_what_was_seen)
{
	Rings rings(1, 4);

	for (uint64_t ts = 1; ts <= 4; ts++)
		rings.emit(0, ts);
	auto all = rings.round(100, 1);
	CHECK_EQ(rings[0].control.tail, 1u);
	CHECK(rings.emit(0, 101));
	CHECK(!rings.emit(0, 102));
	append(all, rings.round(200, 64));
	check_complete(rings, all);
}

TEST(one_slot)
{
	Rings rings(2, 1);
	std::vector<tb_record> all;

	for (uint64_t i = 0; i < 20; i++) {
		const uint64_t ts = 10 * i + 1;

		CHECK(rings.emit(i % 2, ts));
		CHECK(!rings.emit(i % 2, ts + 1));
		if (i % 3 == 0)
			CHECK(rings.emit(1 - i % 2, ts + 2));
		append(all, rings.round(ts + 3, 2));
	}
	check_same(all, sorted(rings));
	check_complete(rings, all);
	CHECK_EQ(rings[0].control.lost + rings[1].control.lost, 20u);
}

TEST(merge_equals_a_stable_sort_by_time)
{
	std::mt19937_64 random(1);

	for (uint32_t cpus : {1, 2, 4}) {
		Rings rings(cpus, 300);
		std::vector<tb_record> made;

		/* Spells on one CPU of very different length, as a scheduler makes them. */
		for (uint64_t ts = 1; ts <= 280;) {
			const uint32_t cpu = random() % cpus;

			for (uint64_t end = ts + (random() % 4 ? 1 : random() % 40); ts <= end; ts++)
				CHECK(rings.emit(cpu, ts));
		}
		check_same(rings.round(1000, 400), sorted(rings));
	}
}

TEST(records_of_one_nanosecond_keep_their_rings_order)
{
	Rings rings(3, 50);

	for (uint64_t i = 0; i < 50; i++)
		for (uint32_t cpu = 0; cpu < 3; cpu++)
			rings.emit(cpu, 1 + i / (4 + cpu));
	const auto all = rings.round(1000, 200);
	CHECK_EQ(late_ones(all), 0u);
	check_complete(rings, all);
}

TEST(nothing_of_the_cut_or_after_it_is_handed_over)
{
	Rings rings(2, 8);

	for (uint64_t ts : {10, 20, 30})
		rings.emit(0, ts);
	for (uint64_t ts : {15, 25, 35})
		rings.emit(1, ts);
	check_same(rings.round(10, 64), {});
	check_same(rings.round(25, 64),
		   {made_record(0, 0, 10), made_record(1, 0, 15), made_record(0, 1, 20)});
	check_same(rings.round(25, 64), {});
	rings.emit(0, 40);
	check_same(rings.round(31, 64), {made_record(1, 1, 25), made_record(0, 2, 30)});
	check_same(rings.round(1000, 64), {made_record(1, 2, 35), made_record(0, 3, 40)});
	check_same(rings.round(1000, 64), {});
}

TEST(what_does_not_fit_comes_next_time)
{
	for (uint32_t capacity : {1, 2, 3, 7, 39, 40, 41}) {
		Rings rings(4, 17);
		std::vector<tb_record> all;

		for (uint64_t ts = 1; ts <= 40; ts++)
			CHECK(rings.emit((ts * ts + ts / 3) % 4, ts));
		for (size_t left = 40; left > 0;) {
			const auto some = rings.round(100, capacity);

			CHECK_EQ(some.size(), std::min<size_t>(capacity, left));
			left -= some.size();
			append(all, some);
		}
		check_same(rings.round(100, capacity), {});
		check_same(all, sorted(rings));
		check_complete(rings, all);
	}
}

TEST(no_capacity_takes_nothing)
{
	Rings rings(2, 3);

	rings.emit(1, 5);
	check_same(rings.round(100, 0), {});
	CHECK_EQ(rings[1].control.tail, 0u);
	check_same(rings.round(100, 1), rings[1].accepted);
}

/*
 * The whole specification of a round: what it hands over is, in order, the oldest of all that is older than the
 * cut, until that is out or there is no room. 600 random histories, some with records of equal time.
 */
TEST(random_histories)
{
	uint64_t delivered_in_all = 0, lost_in_all = 0;

	for (uint64_t seed = 0; seed < 600; seed++) {
		std::mt19937_64 random(seed);
		const auto up_to = [&random](uint64_t most) {
			return random() % (most + 1);
		};
		const uint32_t cpus = 1 + up_to(4);
		const uint64_t slots = 1 + up_to(seed % 3 ? 6 : 40);
		const uint64_t least_step = seed % 2; /* 0: two records may be of one time */
		Rings rings(cpus, slots);
		std::vector<tb_record> delivered;
		std::vector<size_t> next(cpus); /* of each writer's accepted: the first not delivered */
		uint64_t clock = 1, cut = 0;

		const auto round = [&](uint32_t capacity) {
			const auto got = rings.round(cut, capacity);

			for (const tb_record &r : got) {
				CHECK(r.cpu < cpus && next[r.cpu] < rings[r.cpu].accepted.size());
				check_same({r}, {rings[r.cpu].accepted[next[r.cpu]++]});
				CHECK(r.ts_ns < cut);
				for (uint32_t cpu = 0; cpu < cpus; cpu++)
					if (next[cpu] < rings[cpu].accepted.size())
						CHECK(rings[cpu].accepted[next[cpu]].ts_ns >= r.ts_ns);
			}
			if (got.size() < capacity)
				for (uint32_t cpu = 0; cpu < cpus; cpu++)
					CHECK(next[cpu] == rings[cpu].accepted.size() ||
					      rings[cpu].accepted[next[cpu]].ts_ns >= cut);
			append(delivered, got);
		};
		for (int step = 0; step < 120; step++) {
			if (up_to(3) == 0) {
				/* The clock was read, and then some more was written before we looked. */
				cut = std::max(cut, clock - std::min(clock, up_to(12)));
				round(up_to(2) ? up_to(9) : 64);
				continue;
			}
			const uint32_t cpu = up_to(cpus - 1);
			for (uint64_t i = up_to(up_to(5) ? 3 : slots + 2); i > 0; i--)
				rings.emit(cpu, clock += least_step + up_to(3));
		}
		cut = clock + 1;
		round(cpus * slots);
		check_complete(rings, delivered);
		CHECK_EQ(late_ones(delivered), 0u);
		CHECK_EQ(rings.merge.order_unproven(), 0u);
		if (least_step)
			check_same(delivered, sorted(rings));
		delivered_in_all += delivered.size();
		for (const auto &writer : rings.writers)
			lost_in_all += writer->control.lost;
	}
	/* Both of what can happen to a record did. */
	CHECK(delivered_in_all > 10000);
	CHECK(lost_in_all > 1000);
}

namespace
{

/*
 * A writer per ring in threads of their own, the reader here, until all has been made and is out. Now and then a
 * writer gives its CPU away between its clock and its record: there the order is won or lost.
 */
std::vector<tb_record> run_in_parallel(Rings &rings, uint64_t calls_each, bool waits_for_room,
				       uint32_t capacity)
{
	std::vector<tb_record> delivered;
	std::atomic<uint32_t> running = rings.writers.size();
	std::vector<std::jthread> threads;

	for (const auto &writer : rings.writers)
		threads.emplace_back([&writer = *writer, &running, calls_each, waits_for_room] {
			const auto clock = [&writer] {
				const uint64_t now = tb_monotonic_ns();

				if (writer.made % 16 == 0)
					std::this_thread::yield();
				return now;
			};
			while (writer.made < calls_each) {
				if (!writer.emit(clock) && waits_for_room)
					std::this_thread::yield();
			}
			running.fetch_sub(1, std::memory_order_release);
		});
	for (;;) {
		const bool over = running.load(std::memory_order_acquire) == 0;
		const auto some = rings.round(tb_monotonic_ns(), capacity);

		append(delivered, some);
		if (over && some.empty())
			return delivered;
	}
}

} // namespace

TEST(writers_in_parallel_global_order_and_complete)
{
	for (uint64_t slots : {1, 7, 100, 4096})
		for (uint32_t cpus : {1, 2, 4}) {
			Rings rings(cpus, slots);
			const auto delivered = run_in_parallel(rings, 20000, false, 512);

			CHECK_EQ(late_ones(delivered), 0u);
			check_complete(rings, delivered);
			CHECK_EQ(rings.merge.order_unproven(), 0u);
		}
}

TEST(writers_in_parallel_many_laps)
{
	Rings rings(3, 13);
	const auto delivered = run_in_parallel(rings, 60000, true, 20);

	CHECK_EQ(late_ones(delivered), 0u);
	check_complete(rings, delivered);
	CHECK_EQ(rings.merge.order_unproven(), 0u);
	for (const auto &writer : rings.writers)
		CHECK(writer->control.head > 100 * 13);
}

/* With next to no patience the merge goes on without a writer that lost its CPU. It owns up to each late record. */
TEST(writers_in_parallel_late_records_are_no_more_than_unproven)
{
	Rings rings(4, 100, 0);
	const auto delivered = run_in_parallel(rings, 40000, false, 512);

	check_complete(rings, delivered);
	CHECK(late_ones(delivered) <= rings.merge.order_unproven());
}

TEST(a_writer_that_stays_busy_is_left_behind_and_counted)
{
	Rings rings(2, 8, kBusyPatienceNs);
	uint64_t before_stuck = 0;

	rings[0].claim();
	rings[0].write([&before_stuck] { return before_stuck = tb_monotonic_ns(); });
	rings[1].emit(tb_monotonic_ns);
	/* The merge goes on with the other ring, and each such round is counted. */
	check_same(rings.round(tb_monotonic_ns() + 1, 64), rings[1].accepted);
	CHECK_EQ(rings.merge.order_unproven(), 1u);
	check_same(rings.round(tb_monotonic_ns(), 64), {});
	CHECK_EQ(rings.merge.order_unproven(), 2u);

	/* Its record is late and not lost, and nothing is held against the writer afterwards. */
	rings[0].publish();
	rings[0].release();
	rings[0].emit(tb_monotonic_ns);
	const auto rest = rings.round(tb_monotonic_ns() + 1, 64);
	check_same(rest, rings[0].accepted);
	CHECK_EQ(rest[0].ts_ns, before_stuck);
	CHECK(rest[0].ts_ns <= rings[1].accepted[0].ts_ns);
	CHECK_EQ(rings.merge.order_unproven(), 2u);
}

TEST(what_a_busy_writer_published_before_is_handed_over)
{
	Rings rings(1, 8, kBusyPatienceNs);

	rings[0].emit(tb_monotonic_ns);
	rings[0].claim();
	check_same(rings.round(tb_monotonic_ns() + 1, 64), rings[0].accepted);
	rings[0].release();
}

/* Found busy, and by the time we look again the record we waited for is out and the next begun: no reason to wait. */
TEST(a_writer_that_is_always_busy_is_not_waited_for_once_it_has_published)
{
	Rings rings(1, 20000);
	std::atomic<bool> enough = false;

	rings[0].claim();
	std::jthread thread([&] {
		while (!enough.load(std::memory_order_relaxed)) {
			if (rings[0].write(tb_monotonic_ns))
				rings[0].publish();
			std::this_thread::sleep_for(std::chrono::microseconds(100));
		}
		rings[0].release();
	});
	auto delivered = rings.round(tb_monotonic_ns(), 20000);
	append(delivered, rings.round(tb_monotonic_ns(), 20000));
	enough.store(true, std::memory_order_relaxed);
	thread.join();
	append(delivered, rings.round(tb_monotonic_ns() + 1, 20000));
	CHECK_EQ(rings.merge.order_unproven(), 0u);
	check_complete(rings, delivered);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <atomic>
#include <random>
#include <thread>

#include "check.h"
#include "kernel_ring.h"

using namespace tb::perf;

namespace
{

constexpr unsigned kRegisters = 2;
constexpr uint32_t kSmall = sample_bytes(28, kRegisters), kLarge = sample_bytes(68, kRegisters);
constexpr uint32_t kMax = kLarge + 24;

/* Two sizes, and the serial number in several places, so that a torn record equals none that was made. */
Words numbered(uint64_t serial, uint64_t ts_ns)
{
	Words raw(serial % 3 ? 3 : 8, serial * 0x9e3779b97f4a7c15);

	raw[0] = 442;
	return make_sample(static_cast<uint32_t>(serial), static_cast<uint32_t>(serial + 1), ts_ns, raw,
			   PERF_SAMPLE_REGS_ABI_64, {serial, ~serial});
}

void check_numbered(const Sample &sample, uint64_t serial, uint64_t ts_ns, uint16_t cpu)
{
	uint64_t word;

	CHECK_EQ(sample.tgid, static_cast<uint32_t>(serial));
	CHECK_EQ(sample.tid, static_cast<uint32_t>(serial + 1));
	CHECK_EQ(sample.ts_ns, ts_ns);
	CHECK_EQ(sample.cpu, cpu);
	CHECK_EQ(sample.type, 442);
	CHECK_EQ(sample.raw_bytes, serial % 3 ? 28u : 68u);
	CHECK(raw_field(sample, 16, &word));
	CHECK_EQ(word, serial * 0x9e3779b97f4a7c15);
	CHECK_EQ(load<uint64_t>(sample.registers), serial);
	CHECK_EQ(load<uint64_t>(sample.registers + 8), ~serial);
}

RingMerge over(std::vector<KernelRing *> rings)
{
	std::vector<RingMemory> memory;
	RingMerge merge;

	for (KernelRing *ring : rings)
		memory.push_back(ring->memory());
	merge.open(memory, kRegisters, kMax);
	return merge;
}

std::vector<uint64_t> round_of(RingMerge *merge, uint64_t cut)
{
	std::vector<uint64_t> times;

	merge->look(cut);
	while (const Sample *sample = merge->next())
		times.push_back(sample->ts_ns);
	merge->release();
	return times;
}

} // namespace

/* As Linux 6.18 wrote it for getppid with six words, sys_exit with ten registers. */
TEST(a_sample_of_the_real_kernel_is_taken_apart)
{
	const Words words = {0x0090000100000009, 0x0000728100007281, 0x00000c8347f86ea3, 0x010001ba0000001c,
			     0x0000006e00007281, 0x000071c800000000, 0x0000000000000000, 0x0000000000000002,
			     0x00007ffe25fd09a8, 0x00007fd1030f6829, 0x3333333333333333, 0x2222222222222222,
			     0x1111111111111111, 0x00007ffe25fd0890, 0x00007fd1030f6829, 0x5555555555555555,
			     0x6666666666666666, 0x4444444444444444};
	const char *record = reinterpret_cast<const char *>(words.data());
	int64_t nr, ret, beyond;
	Sample s;

	CHECK(decode_sample(record, 144, 10, &s));
	CHECK_EQ(s.tgid, 0x7281u);
	CHECK_EQ(s.tid, 0x7281u);
	CHECK_EQ(s.ts_ns, 0x00000c8347f86ea3ull);
	CHECK_EQ(s.type, 442);
	CHECK_EQ(s.raw_bytes, 28u);
	CHECK_EQ(s.abi, uint64_t{PERF_SAMPLE_REGS_ABI_64});
	CHECK(raw_field(s, 8, &nr));
	CHECK_EQ(nr, 110);
	CHECK(raw_field(s, 16, &ret));
	CHECK_EQ(ret, 0x71c8);
	CHECK(!raw_field(s, 24, &beyond));
	CHECK_EQ(load<uint64_t>(s.registers + 4 * 8), 0x1111111111111111ull);
	CHECK_EQ(sample_bytes(24, 10), 144u);
	CHECK_EQ(sample_bytes(64, 2), 120u);
	CHECK_EQ(sample_bytes(24, 2), 80u);
	/* Every shorter piece of it, and every other number of registers, is refused. */
	for (uint32_t size = 0; size < 144; size++)
		CHECK(!decode_sample(record, size, 10, &s));
	for (unsigned registers = 0; registers < 20; registers++)
		CHECK_EQ(decode_sample(record, 144, registers, &s), registers == 10);
}

TEST(rings_are_merged_by_time)
{
	KernelRing a(4096, 0), b(4096, 1), c(4096, 5);
	RingMerge merge = over({&a, &b, &c});

	for (const uint64_t t : {10, 40, 50, 90})
		CHECK(a.write(numbered(t, t)));
	for (const uint64_t t : {20, 30, 60})
		CHECK(b.write(numbered(t, t)));
	CHECK(c.write(numbered(55, 55)));
	CHECK(round_of(&merge, 1000) == std::vector<uint64_t>({10, 20, 30, 40, 50, 55, 60, 90}));
	CHECK_EQ(a.tail(), a.head());
	CHECK_EQ(b.tail(), b.head());
	CHECK(round_of(&merge, 1001).empty());
}

TEST(what_is_not_older_than_the_cut_waits_for_the_next_round)
{
	KernelRing a(4096, 0), b(4096, 1);
	RingMerge merge = over({&a, &b});

	CHECK(a.write(numbered(1, 10)));
	CHECK(b.write(numbered(2, 20)));
	CHECK(b.write(numbered(3, 21)));
	CHECK(round_of(&merge, 21) == std::vector<uint64_t>({10, 20}));
	/* The other ring publishes late what is older. */
	CHECK(a.write(numbered(4, 20)));
	CHECK(round_of(&merge, 40) == std::vector<uint64_t>({20, 21}));
}

TEST(a_round_that_is_left_early_goes_on_where_it_stopped)
{
	KernelRing a(4096, 0);
	RingMerge merge = over({&a});

	for (uint64_t i = 1; i <= 5; i++)
		CHECK(a.write(numbered(i, i)));
	for (uint64_t i = 1; i <= 5; i++) {
		merge.look(100);
		check_numbered(*merge.next(), i, i, 0);
		merge.release();
		CHECK_EQ(a.tail() == a.head(), i == 5);
	}
}

/* Every position at which a record can lie over the ring's end. */
TEST(records_that_wrap_come_whole_and_all_of_them)
{
	KernelRing a(1024, 3, 0xffffffffffff0000);
	RingMerge merge = over({&a});
	uint64_t made = 0, seen = 0;

	for (int round = 0; round < 20000; round++) {
		while (a.head() - a.tail() < 700 && made % 5 != static_cast<uint64_t>(round % 5)) {
			CHECK(a.write(numbered(made, made)));
			made++;
		}
		CHECK(a.write(numbered(made, made)));
		made++;
		merge.look(UINT64_MAX - 1);
		while (const Sample *sample = merge.next()) {
			check_numbered(*sample, seen, seen, 3);
			seen++;
		}
		merge.release();
	}
	CHECK_EQ(seen, made);
	CHECK(a.head() < 0x100000000); /* the positions wrapped too */
	CHECK_EQ(merge.notes().undecodable, 0u);
	CHECK_EQ(merge.notes().lost, 0u);
}

/* Nothing that was lost lies between two samples of a ring without a gap told. */
TEST(every_loss_is_told_as_a_gap_at_its_place)
{
	std::mt19937 random(1);
	KernelRing a(1024, 0);
	RingMerge merge = over({&a});
	uint64_t made = 0, next = 0, accepted = 0;

	for (int round = 0; round < 5000; round++) {
		for (unsigned n = random() % 24; n > 0; n--) {
			accepted += a.write(numbered(made, made));
			made++;
		}
		merge.look(UINT64_MAX - 1);
		for (unsigned n = 1 + random() % 16; n > 0; n--) {
			const Sample *sample = merge.next();
			if (!sample)
				break;
			const bool gap = merge.take_gap();
			const uint64_t serial = load<uint64_t>(sample->registers);

			check_numbered(*sample, serial, serial, 0);
			if (serial != next)
				CHECK(gap);
			next = serial + 1;
			accepted--;
		}
		merge.release();
	}
	while (!round_of(&merge, UINT64_MAX - 1).empty())
		;
	CHECK(a.lost > 1000);
	CHECK(merge.notes().lost <= a.lost);
	CHECK_EQ(merge.notes().undecodable, 0u);
}

/* PERF_RECORD_LOST comes with the next record of the same CPU only; another CPU's record must not get before the news. */
TEST(a_full_ring_tells_its_gap_before_what_others_recorded_later)
{
	KernelRing a(1024, 0), b(1024, 1);
	RingMerge merge = over({&a, &b});
	uint64_t t = 1;

	while (a.write(numbered(3, t)))
		t++;
	CHECK(b.write(numbered(1, 2)));
	CHECK(b.write(numbered(1, t + 5)));
	merge.look(UINT64_MAX - 1);
	bool gap = false;
	for (uint64_t seen = 0; seen + 1 < t; seen++) {
		CHECK(merge.next()->ts_ns <= t - 1);
		gap |= merge.take_gap();
	}
	CHECK(!gap);
	CHECK_EQ(merge.next()->ts_ns, t - 1);
	CHECK(!merge.take_gap());
	CHECK_EQ(merge.next()->ts_ns, t + 5);
	CHECK(merge.take_gap());
	CHECK(merge.next() == nullptr);
}

/* The ring filled up between the look and the release: the next look finds it far from full, and has to know. */
TEST(a_ring_that_was_full_when_its_room_was_given_back_tells_a_gap)
{
	KernelRing a(1024, 0);
	RingMerge merge = over({&a});
	uint64_t t = 1;

	CHECK(a.write(numbered(3, t++)));
	merge.look(UINT64_MAX - 1);
	CHECK(merge.next() != nullptr);
	CHECK(!merge.take_gap());
	while (a.write(numbered(3, t)))
		t++;
	merge.release();
	merge.look(UINT64_MAX - 1);
	while (merge.next())
		;
	CHECK(merge.take_gap());
}

/* As Linux 6.18 wrote it. */
TEST(lost_records_are_counted)
{
	KernelRing a(4096, 0);
	RingMerge merge = over({&a});

	CHECK(a.write({0x0018000000000002, 0x0000000000011392, 0x0000000000000056}));
	CHECK(a.write(numbered(1, 1)));
	CHECK(a.write({0x0020000000000005, 1, 2, 3})); /* throttle */
	CHECK(a.write({0x0020000000000006, 1, 2, 3}));
	merge.look(100);
	CHECK_EQ(merge.next()->ts_ns, 1u);
	CHECK(merge.take_gap());
	CHECK(merge.next() == nullptr);
	CHECK_EQ(merge.notes().lost, 0x56u);
	CHECK_EQ(merge.notes().throttled, 1u);
	CHECK_EQ(merge.notes().undecodable, 0u);
}

TEST(a_damaged_stretch_is_left_out_and_counted)
{
	for (const unsigned size : {0u, 4u, 7u, 13u, 4000u, 65535u}) {
		KernelRing a(4096, 0);
		RingMerge merge = over({&a});

		CHECK(a.write(numbered(1, 1)));
		const uint64_t damaged = a.head();
		CHECK(a.write(numbered(2, 2)));
		CHECK(a.write(numbered(3, 3)));
		a.byte(damaged + 6) = static_cast<char>(size);
		a.byte(damaged + 7) = static_cast<char>(size >> 8);
		CHECK(round_of(&merge, 100) == std::vector<uint64_t>({1}));
		CHECK_EQ(merge.notes().undecodable, 1u);
		CHECK_EQ(merge.notes().undecodable_bytes, a.head() - damaged);
		CHECK_EQ(a.tail(), a.head());
		CHECK(a.write(numbered(4, 4)));
		CHECK(round_of(&merge, 100) == std::vector<uint64_t>({4}));
	}
}

/* A record of a kind or shape that is not ours is passed over by its size. */
TEST(a_record_that_is_no_sample_is_counted_and_passed_over)
{
	KernelRing a(4096, 0);
	RingMerge merge = over({&a});
	Words odd = numbered(1, 1);

	odd[3] = 0xffffffffffffffff; /* size of the raw data */
	CHECK(a.write(odd));
	CHECK(a.write({0x0010000000000003, 5}));
	CHECK(a.write(numbered(2, 2)));
	CHECK(round_of(&merge, 100) == std::vector<uint64_t>({2}));
	CHECK_EQ(merge.notes().undecodable, 2u);
}

TEST(random_memory_and_damaged_records_end_every_round)
{
	std::mt19937_64 random(7);

	for (int trial = 0; trial < 3000; trial++) {
		KernelRing a(1024, 0, random() & ~7ull);
		RingMerge merge = over({&a});
		const uint64_t begin = a.head();

		if (trial % 2) {
			for (uint64_t i = 0; i < a.size(); i++)
				a.byte(i) = static_cast<char>(random());
			a.set_head(begin + (random() % (2 * a.size()) & ~(trial % 4 ? 7ull : 0ull)));
		} else {
			for (uint64_t i = 0; i < 7; i++)
				a.write(numbered(i, i));
			for (unsigned n = 1 + random() % 8; n > 0; n--)
				a.byte(begin + random() % (a.head() - begin)) = static_cast<char>(random());
		}
		uint64_t samples = 0;
		merge.look(UINT64_MAX);
		while (const Sample *sample = merge.next()) {
			/* All that it points to may be read. */
			uint64_t sum = 0;
			for (uint32_t i = 0; i < sample->raw_bytes; i++)
				sum += static_cast<unsigned char>(sample->raw[i]);
			if (sample->registers)
				sum += load<uint64_t>(sample->registers + 8);
			CHECK(sum != 1);
			samples++;
		}
		merge.release();
		CHECK(samples <= 2 * a.size() / kSmall + 40);
		CHECK_EQ(a.tail(), a.head());
	}
}

TEST(a_writer_and_the_reader_at_once)
{
	KernelRing a(2048, 0), b(2048, 1);
	RingMerge merge = over({&a, &b});
	constexpr uint64_t kEach = 40000;
	std::atomic<bool> done = false;
	std::atomic<uint64_t> clock = 1;
	std::vector<uint64_t> accepted[2], seen[2];
	std::jthread writer([&] {
		for (uint64_t i = 0; i < kEach; i++) {
			KernelRing &ring = i % 7 < 3 ? a : b;

			if (ring.write(numbered(i, clock.fetch_add(1))))
				accepted[&ring == &b].push_back(i);
		}
		done = true;
	});
	uint64_t last = 0;
	for (bool more = true; more;) {
		more = !done;
		merge.look(clock.load());
		while (const Sample *sample = merge.next()) {
			/* One thread made them all, so they come in its order. */
			CHECK(sample->ts_ns > last);
			last = sample->ts_ns;
			seen[sample->cpu].push_back(load<uint64_t>(sample->registers));
		}
		merge.release();
	}
	writer.join();
	CHECK(seen[0] == accepted[0]);
	CHECK(seen[1] == accepted[1]);
	CHECK_EQ(accepted[0].size() + accepted[1].size() + a.lost + b.lost, kEach);
	CHECK_EQ(merge.notes().undecodable, 0u);
}

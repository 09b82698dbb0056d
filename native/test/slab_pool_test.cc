// SPDX-License-Identifier: Apache-2.0
#include "../src/slab_pool.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "check.h"

using namespace tracebench;

TEST(slab_pool_hands_out_each_slab_once)
{
	std::vector<tb_record> memory(4 * 8);
	SlabPool pool(memory.data(), 4, 8);
	std::set<uint32_t> out;
	for (int i = 0; i < 4; i++)
		out.insert(pool.take().value());
	CHECK_EQ(out.size(), 4u);
	CHECK(!pool.take().has_value());
	pool.give_back(2);
	CHECK_EQ(pool.take().value(), 2u);
	CHECK(pool.at(3) == memory.data() + 24);
}

TEST(slab_pool_refuses_a_slab_that_is_not_out)
{
	std::vector<tb_record> memory(2 * 8);
	SlabPool pool(memory.data(), 2, 8);
	for (uint32_t slab : {0u, 7u}) {
		bool threw = false;
		try {
			pool.give_back(slab);
		} catch (const std::logic_error &) {
			threw = true;
		}
		CHECK(threw);
	}
}

/* A drain thread and a reader: no slab is ever in two hands, no record is torn. Meaningful under TSan. */
TEST(slab_pool_between_two_threads)
{
	constexpr uint32_t kSlabs = 4, kPerSlab = 16;
	constexpr uint64_t kRounds = 20000;
	std::vector<tb_record> memory(kSlabs * kPerSlab);
	SlabPool pool(memory.data(), kSlabs, kPerSlab);
	std::atomic<int32_t> posted{-1};
	std::atomic<uint64_t> taken{0};
	bool whole = true;
	std::thread reader([&] {
		for (uint64_t n = 0; n < kRounds;) {
			int32_t slab = posted.exchange(-1, std::memory_order_acquire);
			if (slab < 0) {
				std::this_thread::yield();
				continue;
			}
			for (uint32_t i = 0; i < kPerSlab; i++)
				whole = whole && pool.at(static_cast<uint32_t>(slab))[i].ts_ns == n;
			pool.give_back(static_cast<uint32_t>(slab));
			n++;
		}
	});
	for (uint64_t n = 0; n < kRounds; n++) {
		auto slab = pool.take();
		while (!slab) {
			std::this_thread::yield();
			slab = pool.take();
		}
		for (uint32_t i = 0; i < kPerSlab; i++)
			pool.at(*slab)[i].ts_ns = n;
		int32_t free = -1;
		while (!posted.compare_exchange_weak(free, static_cast<int32_t>(*slab),
						     std::memory_order_release)) {
			free = -1;
			std::this_thread::yield();
		}
		taken++;
	}
	reader.join();
	CHECK(whole);
	CHECK_EQ(taken.load(), kRounds);
}

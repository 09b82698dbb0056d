// SPDX-License-Identifier: Apache-2.0
/*
 * What the ledger costs per record, and what it holds after very many. Prints one JSON object.
 *
 * usage: tracebench-ledger-bench RECORDS
 *
 * Records are made in batches of 1,024, as a drain round delivers them, outside the timed part; each carries a fresh
 * stamp, hashed registers and a return value, so every check of the ledger runs. The figure is the minimum and the
 * median over blocks of 64 batches.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <vector>

#include "../include/clock.h"
#include "../src/ledger.h"

using namespace tracebench;

namespace
{

constexpr uint32_t kBatch = 1024;
constexpr uint32_t kBatchesPerBlock = 64;

long resident_kib()
{
	rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

} // namespace

int main(int argc, char **argv)
{
	uint64_t records = argc > 1 ? strtoull(argv[1], nullptr, 10) : 0;
	if (records < kBatch * kBatchesPerBlock) {
		fprintf(stderr, "usage: tracebench-ledger-bench RECORDS (at least %u)\n",
			kBatch * kBatchesPerBlock);
		return 2;
	}
	auto control = std::make_unique<tb_control>();
	*control = {};
	control->lanes = 1;
	control->kinds = 1;
	control->kind[0].nr = SYS_getppid;
	control->kind[0].call_class = TB_CLASS_STAMPED;
	control->kind[0].stamp_arg = 3;
	control->kind[0].arg_hash = 0x37;
	control->kind[0].ret_rule = TB_RET_EQUALS;
	control->kind[0].ret_value = 42;

	Ledger ledger(LedgerOptions{.expected_per_lane = records});
	ledger.enter_section(*control);
	std::vector<tb_record> batch(kBatch);
	std::vector<double> blocks;
	uint64_t seq = 0;
	while (seq < records) {
		uint64_t spent = 0;
		for (uint32_t b = 0; b < kBatchesPerBlock; b++) {
			uint64_t now = tb_monotonic_ns();
			for (tb_record &r : batch) {
				uint64_t stamp = tb_stamp__pack(0, seq++, now);
				r = {};
				r.kind = TB_KIND_CALL;
				r.flags = TB_F_RET;
				r.nr = SYS_getppid;
				r.arch = TB_ARCH_X86_64;
				r.args_valid = 0x3f;
				for (unsigned i = 0; i < 6; i++)
					r.args[i] = tb_stamp__hash(stamp, i);
				r.args[3] = stamp;
				r.ret = 42;
			}
			__atomic_store_n(&control->lane_issued[0], seq, __ATOMIC_RELAXED);
			tb_round round = {.visible_ns = tb_monotonic_ns()};
			uint64_t before = tb_monotonic_ns();
			ledger.take(batch.data(), kBatch, round);
			spent += tb_monotonic_ns() - before;
		}
		blocks.push_back(static_cast<double>(spent) / (kBatch * kBatchesPerBlock));
	}
	ledger.leave_section(*control);
	std::sort(blocks.begin(), blocks.end());
	printf("{\"records\":%llu,\"complete\":%llu,\"missing\":%llu,\"mismatches\":%llu,\"nsPerRecordMin\":%"
	       ".2f,"
	       "\"nsPerRecordMedian\":%.2f,\"nsPerRecordP90\":%.2f,\"maxRssKib\":%ld}\n",
	       static_cast<unsigned long long>(seq), static_cast<unsigned long long>(ledger.complete),
	       static_cast<unsigned long long>(ledger.window_missing),
	       static_cast<unsigned long long>(ledger.mismatches), blocks.front(), blocks[blocks.size() / 2],
	       blocks[blocks.size() * 9 / 10], resident_kib());
	return 0;
}

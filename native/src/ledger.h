/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what came, held against what was issued.
 *
 * Works beside the drain, on the drain thread only, in bounded memory: a sliding window of 2^24 sequence numbers a
 * lane (2 MiB, touched as it is used), one histogram, and counters. A stamp is judged once: new, duplicate, late
 * (its place has left the window; it stays counted as missing), or never issued.
 *
 * It computes no verdict. It hands on counts that were made independently of the backend's own loss counters;
 * harness/trial/oracle.ts compares the two.
 */
#ifndef TRACEBENCH_LEDGER_H
#define TRACEBENCH_LEDGER_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../include/control.h"
#include "../include/source.h"

struct hdr_histogram;

namespace tracebench
{

inline constexpr uint64_t kWindowBits = 24;
inline constexpr uint64_t kWindow = 1ull << kWindowBits;
inline constexpr int64_t kLatencyMaxNs = 100'000'000'000; /* 100 s: the stamp's time wraps at 68.7 s */

/* HdrHistogram, 1 ns … 100 s, 3 digits. */
class Histogram
{
public:
	Histogram();
	~Histogram();
	Histogram(const Histogram &) = delete;
	Histogram &operator=(const Histogram &) = delete;

	void record(int64_t value_ns);
	/* V2 compressed, base64. */
	std::string encode() const;
	uint64_t count() const;
	int64_t percentile(double p) const;
	double mean() const;
	/* Exact, beside the bucketed values. */
	int64_t min_ns = INT64_MAX;
	int64_t max_ns = 0;

private:
	hdr_histogram *histogram_ = nullptr;
};

struct LedgerOptions {
	/* Detail `full` wants the return value; `enter` does not. */
	bool wants_return = true;
	/* Which argument registers a complete record must carry. */
	uint8_t wants_args = 0x0f;
	uint32_t native_arch = TB_ARCH_X86_64;
	/* For the place of losses in the run; 0: deciles are not kept. */
	uint64_t expected_per_lane = 0;
};

struct Mismatch {
	tb_record record;
	std::string what;
};

class Ledger
{
public:
	explicit Ledger(const LedgerOptions &options);
	~Ledger();

	/* A workload stands at the START gate; its kinds are final. Stamps count from here on. */
	void enter_section(const tb_control &control);
	/*
	 * The workload stands at the END gate (or is gone) and everything that will come has come: settles the window.
	 */
	void leave_section(const tb_control &control);

	/* One drain round. */
	void take(const tb_record *records, uint32_t count, const tb_round &round);

	bool start_seen() const { return start_seen_; }
	bool end_seen() const { return end_seen_; }
	bool in_section() const { return in_section_; }
	/* Stamped calls delivered so far in the section. */
	uint64_t delivered() const { return complete + partial; }

	/* ---- whole run, by native system call number */
	std::array<uint64_t, TB_NR_MAX> calls{};
	uint64_t foreign_calls = 0; /* other architectures, and numbers ≥ TB_NR_MAX */
	uint64_t records = 0;
	uint64_t births = 0;
	uint64_t refused = 0;
	uint64_t restarts = 0;

	/* ---- section */
	uint64_t complete = 0;
	uint64_t partial = 0;
	uint64_t duplicates = 0;
	uint64_t reorders = 0;
	uint64_t late = 0;
	uint64_t never_issued = 0;
	uint64_t mismatches = 0;
	std::vector<Mismatch> mismatch_samples; /* the first 8 */
	std::array<uint64_t, TB_KINDS_MAX> kind_delivered{};
	uint64_t undeclared = 0; /* native calls of the section that the workload did not declare */
	uint64_t ambiguous = 0;
	uint64_t last_visible_ns = 0;
	uint64_t window_missing = 0; /* by the window's own count, all kinds of the lane */
	uint64_t loss_runs = 0;
	uint64_t longest_loss_run = 0;
	std::array<uint64_t, 10> loss_deciles{};
	Histogram latency;
	/* Open loop only: from when a call was due to its being visible. Every call of a burst is due at its beginning. */
	Histogram latency_from_due;

private:
	struct Lane;

	bool take_mark(const tb_record &record);
	void take_declared(const tb_record &record, int8_t kind, uint64_t visible_ns);
	void take_stamped(const tb_record &record, unsigned kind, uint64_t visible_ns);
	void take_latency(uint64_t stamp, uint32_t lane, uint64_t seq, uint64_t visible_ns);
	void check_contents(const tb_record &record, const tb_call_kind &kind, uint64_t stamp);
	void slide(Lane &lane, uint64_t new_base);
	void settle_word(Lane &lane, uint64_t base, uint64_t seen, unsigned bits);
	void count_missing(Lane &lane, uint64_t first, uint64_t length);

	LedgerOptions options_;
	const tb_control *control_ = nullptr; /* valid between enter_section and leave_section */
	std::array<std::unique_ptr<Lane>, TB_LANES> lanes_;
	tb_pace pace_ = {};
	std::vector<tb_call_kind> kinds_;
	std::array<int8_t, TB_NR_MAX> kind_of_nr_;
	int8_t function_kind_ = -1;
	int32_t mark_nr_;
	bool start_seen_ = false;
	bool end_seen_ = false;
	bool in_section_ = false;
};

} // namespace tracebench

#endif

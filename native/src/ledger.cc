// SPDX-License-Identifier: Apache-2.0
#include "ledger.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <hdr/hdr_histogram.h>
#include <hdr/hdr_histogram_log.h>

namespace tracebench
{

namespace
{

constexpr uint64_t kWords = kWindow / 64;
/* A jump ahead of this many stamps is looked up in the control page before the window moves for it. */
constexpr int64_t kPlausibleJump = 1 << 20;
constexpr size_t kMismatchSamples = 8;
constexpr int64_t kRestartFirst = -516;
constexpr int64_t kRestartLast = -512;

/* Signed distance of two 26-bit sequence numbers, the shorter way round. */
int64_t seq_delta(uint64_t seq, uint64_t reference)
{
	uint64_t d = (seq - reference) & TB_STAMP_SEQ_MASK;
	constexpr uint64_t half = 1ull << (TB_STAMP_SEQ_BITS - 1);
	return d < half ? static_cast<int64_t>(d) : static_cast<int64_t>(d) - (1ll << TB_STAMP_SEQ_BITS);
}

} // namespace

Histogram::Histogram()
{
	if (hdr_init(1, kLatencyMaxNs, 3, &histogram_) != 0)
		throw std::bad_alloc();
}

Histogram::~Histogram()
{
	hdr_close(histogram_);
}

void Histogram::record(int64_t value_ns)
{
	min_ns = std::min(min_ns, value_ns);
	max_ns = std::max(max_ns, value_ns);
	hdr_record_value(histogram_, std::clamp<int64_t>(value_ns, 1, kLatencyMaxNs));
}

std::string Histogram::encode() const
{
	char *text = nullptr;
	if (hdr_log_encode(histogram_, &text) != 0 || !text)
		throw std::bad_alloc();
	std::string encoded(text);
	free(text);
	return encoded;
}

uint64_t Histogram::count() const
{
	return static_cast<uint64_t>(histogram_->total_count);
}

int64_t Histogram::percentile(double p) const
{
	return hdr_value_at_percentile(histogram_, p);
}

double Histogram::mean() const
{
	return count() ? hdr_mean(histogram_) : 0;
}

/* The window of one lane. Sequence numbers below base are settled; [base, base + kWindow) have a bit each. */
struct Ledger::Lane {
	uint64_t *words;
	uint64_t base = 0;
	uint64_t next = 0; /* highest sequence number seen + 1 */
	uint64_t run = 0;  /* length of the loss run that the settled part ends with */
	bool in_run = false;

	Lane()
	{
		/* Lazily backed: a lane costs what it touches. */
		void *memory =
			mmap(nullptr, kWords * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			throw std::bad_alloc();
		words = static_cast<uint64_t *>(memory);
	}
	~Lane() { munmap(words, kWords * 8); }
	Lane(const Lane &) = delete;
	Lane &operator=(const Lane &) = delete;

	uint64_t &word(uint64_t seq) { return words[seq / 64 & (kWords - 1)]; }
};

Ledger::Ledger(const LedgerOptions &options) : options_(options), mark_nr_(SYS_getppid)
{
	kind_of_nr_.fill(-1);
	mismatch_samples.reserve(kMismatchSamples);
}

Ledger::~Ledger() = default;

void Ledger::enter_section(const tb_control &control)
{
	control_ = &control;
	pace_ = control.pace;
	kinds_.assign(control.kind, control.kind + std::min<uint32_t>(control.kinds, TB_KINDS_MAX));
	for (size_t k = 0; k < kinds_.size(); k++) {
		int32_t nr = kinds_[k].nr;
		if (nr == TB_NR_FUNCTION)
			function_kind_ = static_cast<int8_t>(k);
		else if (nr >= 0 && nr < TB_NR_MAX)
			kind_of_nr_[static_cast<size_t>(nr)] = static_cast<int8_t>(k);
	}
	uint32_t lanes = std::min<uint32_t>(control.lanes, TB_LANES);
	for (uint32_t l = 0; l < lanes; l++)
		lanes_[l] = std::make_unique<Lane>();
	in_section_ = true;
}

void Ledger::leave_section(const tb_control &control)
{
	for (uint32_t l = 0; l < TB_LANES; l++) {
		if (!lanes_[l])
			continue;
		Lane &lane = *lanes_[l];
		uint64_t issued = __atomic_load_n(&control.lane_issued[l], __ATOMIC_ACQUIRE);
		uint64_t whole = issued & ~63ull;
		if (whole > lane.base)
			slide(lane, whole);
		if (issued > lane.base)
			settle_word(lane, lane.base, lane.word(lane.base),
				    static_cast<unsigned>(issued - lane.base));
		/* Stamps beyond the last one issued, which the window took in good faith. */
		for (uint64_t seq = issued; seq < lane.next; seq++) {
			uint64_t bit = 1ull << (seq % 64);
			if (lane.word(seq) & bit)
				never_issued++;
		}
		if (lane.in_run) {
			longest_loss_run = std::max(longest_loss_run, lane.run);
			lane.in_run = false;
		}
	}
	control_ = nullptr;
	in_section_ = false;
}

void Ledger::take(const tb_record *batch, uint32_t count, const tb_round &round)
{
	records += count;
	for (uint32_t i = 0; i < count; i++) {
		const tb_record &r = batch[i];

		if (r.kind == TB_KIND_BIRTH) {
			births++;
			continue;
		}
		if (r.kind == TB_KIND_REFUSED) {
			refused++;
			continue;
		}
		uint64_t visible = round.per_record_visible ? r.ts_ns : round.visible_ns;
		if (r.kind == TB_KIND_FUNCTION) {
			if (!take_mark(r))
				take_declared(r, function_kind_, visible);
			continue;
		}
		if ((r.flags & TB_F_RET) && r.ret >= kRestartFirst && r.ret <= kRestartLast)
			restarts++;
		if (r.arch != options_.native_arch || r.nr < 0 || r.nr >= TB_NR_MAX) {
			foreign_calls++;
			continue;
		}
		calls[static_cast<size_t>(r.nr)]++;

		if (r.nr == mark_nr_ && take_mark(r))
			continue;
		take_declared(r, kind_of_nr_[static_cast<size_t>(r.nr)], visible);
	}
}

bool Ledger::take_mark(const tb_record &r)
{
	if (r.args[0] != TB_MARK_0 || r.args[1] != TB_MARK_1)
		return false;
	if (r.args[2] == TB_MARK_START)
		start_seen_ = true;
	else if (r.args[2] == TB_MARK_END)
		end_seen_ = true;
	return true;
}

/* `k`: which kind of the workload's it is; below 0 none. */
void Ledger::take_declared(const tb_record &r, int8_t k, uint64_t visible_ns)
{
	if (!in_section_)
		return;
	if (k < 0)
		undeclared++;
	else if (kinds_[static_cast<size_t>(k)].call_class == TB_CLASS_STAMPED)
		take_stamped(r, static_cast<unsigned>(k), visible_ns);
	else
		kind_delivered[static_cast<size_t>(k)]++;
}

void Ledger::take_stamped(const tb_record &r, unsigned k, uint64_t visible_ns)
{
	const tb_call_kind &kind = kinds_[k];
	if (!(r.args_valid >> kind.stamp_arg & 1)) {
		/* Without its stamp it can only be counted as a call of which the stamp's field is missing. */
		partial++;
		kind_delivered[k]++;
		return;
	}
	uint64_t stamp = r.args[kind.stamp_arg];
	uint32_t l = tb_stamp__lane(stamp);
	if (l >= TB_LANES || !lanes_[l]) {
		never_issued++;
		return;
	}
	Lane &lane = *lanes_[l];
	int64_t delta = seq_delta(tb_stamp__seq(stamp), lane.next);
	if (delta < 0 && static_cast<uint64_t>(-delta) > lane.next) {
		never_issued++; /* before the lane's first */
		return;
	}
	uint64_t seq = lane.next + static_cast<uint64_t>(delta);
	if (delta > kPlausibleJump && seq >= __atomic_load_n(&control_->lane_issued[l], __ATOMIC_ACQUIRE)) {
		never_issued++;
		return;
	}
	if (seq < lane.base) {
		late++;
		return;
	}
	if (seq >= lane.base + kWindow)
		slide(lane, (seq - kWindow + 64) & ~63ull);

	uint64_t bit = 1ull << (seq % 64);
	uint64_t &word = lane.word(seq);
	if (word & bit) {
		duplicates++;
		return;
	}
	word |= bit;
	if (delta < 0)
		reorders++;
	else
		lane.next = seq + 1;

	bool has_return = !options_.wants_return || kind.ret_rule == TB_RET_NONE || (r.flags & TB_F_RET);
	if (has_return && (r.args_valid & options_.wants_args) == options_.wants_args)
		complete++;
	else
		partial++;
	kind_delivered[k]++;
	check_contents(r, kind, stamp);

	last_visible_ns = visible_ns;
	if (!kind.blocks)
		take_latency(stamp, l, seq, visible_ns);
}

void Ledger::take_latency(uint64_t stamp, uint32_t lane, uint64_t seq, uint64_t visible_ns)
{
	uint64_t units = ((visible_ns >> TB_STAMP_TIME_SHIFT) - tb_stamp__time(stamp)) & TB_STAMP_TIME_MASK;
	if (units >> (TB_STAMP_TIME_BITS - 1)) {
		ambiguous++;
		return;
	}
	latency.record(static_cast<int64_t>(units << TB_STAMP_TIME_SHIFT));
	if (!pace_.interval_ps)
		return;
	/* Written before the first call of the section was made, so it is there when a stamp is. */
	uint64_t start = __atomic_load_n(&control_->section_start_ns, __ATOMIC_ACQUIRE);
	uint64_t due = tb_pace__due_ns(&pace_, start, lane, seq);
	latency_from_due.record(static_cast<int64_t>(visible_ns - due));
}

void Ledger::check_contents(const tb_record &r, const tb_call_kind &kind, uint64_t stamp)
{
	char what[160];
	unsigned masked = kind.arg_mask & r.args_valid;
	unsigned hashed = kind.arg_hash & r.args_valid;

	for (unsigned m = masked; m; m &= m - 1) {
		unsigned i = static_cast<unsigned>(std::countr_zero(m));
		if (r.args[i] != kind.arg_value[i]) {
			snprintf(what, sizeof(what), "nr %d argument %u is 0x%" PRIx64 ", issued 0x%" PRIx64,
				 r.nr, i, r.args[i], kind.arg_value[i]);
			goto mismatch;
		}
	}
	for (unsigned m = hashed; m; m &= m - 1) {
		unsigned i = static_cast<unsigned>(std::countr_zero(m));
		uint64_t issued = tb_stamp__hash(stamp, i);
		if (r.args[i] != issued) {
			snprintf(what, sizeof(what), "nr %d argument %u is 0x%" PRIx64 ", issued 0x%" PRIx64,
				 r.nr, i, r.args[i], issued);
			goto mismatch;
		}
	}
	if (!(r.flags & TB_F_RET))
		return;
	if ((kind.ret_rule == TB_RET_EQUALS && r.ret != kind.ret_value) ||
	    (kind.ret_rule == TB_RET_NONNEG && r.ret < 0) || kind.ret_rule == TB_RET_NONE) {
		snprintf(what, sizeof(what), "nr %d returned %" PRId64 ", expected %s %" PRId64, r.nr, r.ret,
			 kind.ret_rule == TB_RET_EQUALS   ? "exactly"
			 : kind.ret_rule == TB_RET_NONNEG ? "at least"
							  : "no return, not",
			 kind.ret_value);
		goto mismatch;
	}
	return;

mismatch:
	mismatches++;
	if (mismatch_samples.size() < kMismatchSamples)
		mismatch_samples.push_back({r, what});
}

void Ledger::slide(Lane &lane, uint64_t new_base)
{
	/* Stamps that never came at all: everything of the window is missing, and so is what lies beyond it. */
	while (lane.base < new_base) {
		uint64_t &word = lane.word(lane.base);
		if (word == ~0ull) {
			if (lane.in_run) {
				longest_loss_run = std::max(longest_loss_run, lane.run);
				lane.in_run = false;
			}
		} else {
			settle_word(lane, lane.base, word, 64);
		}
		word = 0;
		lane.base += 64;
	}
	lane.next = std::max(lane.next, lane.base);
}

void Ledger::settle_word(Lane &lane, uint64_t base, uint64_t seen, unsigned bits)
{
	unsigned at = 0;
	while (at < bits) {
		unsigned left = bits - at;
		unsigned present =
			std::min<unsigned>(left, static_cast<unsigned>(std::countr_one(seen >> at)));
		if (present) {
			if (lane.in_run) {
				longest_loss_run = std::max(longest_loss_run, lane.run);
				lane.in_run = false;
			}
			at += present;
			continue;
		}
		unsigned absent =
			std::min<unsigned>(left, static_cast<unsigned>(std::countr_zero(seen >> at)));
		count_missing(lane, base + at, absent);
		at += absent;
	}
}

void Ledger::count_missing(Lane &lane, uint64_t first, uint64_t length)
{
	window_missing += length;
	if (lane.in_run) {
		lane.run += length;
	} else {
		loss_runs++;
		lane.in_run = true;
		lane.run = length;
	}
	if (options_.expected_per_lane)
		loss_deciles[std::min<uint64_t>(9, first * 10 / options_.expected_per_lane)] += length;
}

} // namespace tracebench

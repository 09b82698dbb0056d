/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "cgroup.h"
#include "clock.h"
#include "functions.h"
#include "tracefs.h"

namespace tb::perf
{

int Trace::choose_wakeup(const tb_source_config *config, tb_error *err)
{
	if (variant_->way == Way::counts) {
		nap_ns_ = 1000000;
		return 0;
	}
	if (config->wakeup_value == 0 ||
	    (config->wakeup != TB_WAKE_TIMER && config->wakeup != TB_WAKE_WATERMARK)) {
		tb_error__set(
			err, -EINVAL,
			"perf rings know the wake-up policies timer and watermark, with a value above 0: "
			"the kernel does not look whether the collector had caught up");
		tb_error__mend(err, "wake-up policies of this variant: timer (µs) and watermark (bytes)");
		return -EINVAL;
	}
	if (config->wakeup == TB_WAKE_TIMER)
		nap_ns_ = config->wakeup_value * 1000ull;
	else
		watermark_bytes_ = config->wakeup_value;
	return 0;
}

int Trace::open_rings(const tb_source_config *config, tb_geometry *geometry, tb_error *err)
{
	int code = rings_.open(config->buffer_bytes, watermark_bytes_, err);
	if (code < 0)
		return code;
	if (!nap_ns_ && watermark_bytes_ >= rings_.ring_bytes()) {
		tb_error__set(err, -EINVAL, "a watermark of %u bytes is never reached in rings of %llu bytes",
			      watermark_bytes_, static_cast<unsigned long long>(rings_.ring_bytes()));
		tb_error__mend(err, "a watermark below the size of a ring, or a larger --buffer");
		return -EINVAL;
	}
	merge_.open(rings_.memory(), static_cast<unsigned>(__builtin_popcountll(plan_.registers)),
		    plan_.record_bytes_max);
	geometry->buffer_bytes = rings_.ring_bytes() * rings_.cpus().size();
	geometry->reachable_bytes_per_cpu = rings_.ring_bytes();
	geometry->bytes_per_call = plan_.call_bytes;
	geometry->calls_in_flight = rings_.ring_bytes() / plan_.call_bytes;
	return 0;
}

int Trace::open(const tb_source_config *config, tb_geometry *geometry, tb_error *err)
{
	Tracefs tracefs;

	*geometry = {};
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u, want %u", config->abi, TB_SOURCE_ABI);
	variant_ = find_variant(config->variant);
	if (!variant_)
		return tb_error__set(err, -EINVAL, "perf has no variant '%s'", config->variant);
	if (config->paths)
		return tb_error__set(err, -EOPNOTSUPP, "perf's samples carry registers and no strings");
	if (variant_->lean && variant_->way != Way::exits) {
		tb_error__set(err, -EOPNOTSUPP,
			      "the exit holds no arguments on this architecture, so there is no register to "
			      "leave out");
		tb_error__mend(err, "--backends perf");
		return -EOPNOTSUPP;
	}
	int code = choose_wakeup(config, err);
	if (code == 0)
		code = has_lost_format(err);
	if (code < 0)
		return code;
	lost_format_ = code > 0;
	if (variant_->way == Way::pairs && !lost_format_) {
		tb_error__set(err, -ENOTSUP,
			      "before Linux 6.0 the kernel does not tell a lost entry from a lost exit, so "
			      "losses could not be accounted for in calls");
		tb_error__mend(err, "--backends perf/enter, or Linux 6.0");
		return -ENOTSUP;
	}
	if (variant_->way == Way::functions) {
		code = make_function_plan(config, &plan_, err);
		return code < 0 ? code : open_rings(config, geometry, err);
	}
	code = tracefs.open(err);
	if (code < 0)
		return code;
	if (variant_->way == Way::counts)
		return counting_.prepare(tracefs, config->filter, err);
	code = make_plan(*variant_, config->filter, tracefs, &plan_, err);
	return code < 0 ? code : open_rings(config, geometry, err);
}

int Trace::arm(pid_t pid, tb_error *err)
{
	Descriptor group;
	Subject subject = {pid, 0};

	if (pid <= 0)
		return tb_error__set(err, -EINVAL, "process %d cannot be traced", pid);
	if (variant_->way == Way::counts)
		return counting_.open(subject, err);
	if (variant_->by_cgroup) {
		const int code = open_private_cgroup(pid, &group, err);
		if (code < 0)
			return code;
		subject = {group.get(), PERF_FLAG_PID_CGROUP};
	}
	plan_.calls.gate_tid = plan_.gated ? static_cast<uint32_t>(pid) : 0;
	calls_ = make_calls(*variant_, plan_.calls);
	return events_.open(plan_.events, subject, rings_, plan_.registers, lost_format_, err);
}

int Trace::arm_self(tb_error *err)
{
	const Subject self = {0, 0};
	std::vector<TargetEvent> events = plan_.events;

	if (variant_->way == Way::counts)
		return counting_.open(self, err);
	for (TargetEvent &event : events)
		event.begins = Begins::armed;
	plan_.calls.gate_tid = 0;
	calls_ = make_calls(*variant_, plan_.calls);
	return events_.open(events, self, rings_, plan_.registers, lost_format_, err);
}

uint32_t Trace::unload(tb_record *out, uint32_t capacity)
{
	const uint32_t count = std::min<uint32_t>(capacity, static_cast<uint32_t>(spill_.size()));

	std::copy_n(spill_.begin(), count, out);
	spill_.erase(spill_.begin(), spill_.begin() + count);
	return count;
}

/* One look, at most `capacity` records. Fewer: all that was recorded before has been handed over. */
uint32_t Trace::collect(tb_record *out, uint32_t capacity, tb_round *round)
{
	const Sample *sample = nullptr;
	tb_record made[2];
	uint32_t count = unload(out, capacity);

	merge_.look(tb_monotonic_ns());
	round->visible_ns = tb_monotonic_ns();
	while (count < capacity && (sample = merge_.next())) {
		if (merge_.take_gap())
			calls_->lost();
		const unsigned n = calls_->take(*sample, made);
		for (unsigned i = 0; i < n; i++) {
			if (count < capacity)
				out[count++] = made[i];
			else
				spill_.push_back(made[i]);
		}
	}
	merge_.release();
	if (count < capacity) {
		if (merge_.take_gap())
			calls_->lost();
		count += calls_->settle(out + count, capacity - count);
	}
	return count;
}

void Trace::wait(uint64_t timeout_ns) const
{
	if (!nap_ns_)
		return rings_.wait(timeout_ns);
	const uint64_t ns = std::min(nap_ns_, timeout_ns);
	const timespec pause = {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

int Trace::drain(tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round, tb_error *)
{
	const uint64_t deadline = tb_monotonic_ns() + timeout_us * 1000ull;

	round->per_record_visible = 0;
	for (;;) {
		uint32_t count = 0;

		if (calls_)
			count = collect(out, capacity, round);
		else
			round->visible_ns = tb_monotonic_ns();
		if (count || timeout_us == 0 || round->visible_ns >= deadline)
			return static_cast<int>(count);
		wait(deadline - round->visible_ns);
	}
}

int Trace::disarm(tb_error *err)
{
	return variant_->way == Way::counts ? counting_.stop(err) : events_.stop(err);
}

int Trace::stats(tb_counter *out, uint32_t capacity, tb_error *err)
{
	uint32_t used = 0;
	Lost lost;

	if (variant_->way == Way::counts)
		return 0; /* nothing can be lost */
	const int code = events_.lost(&lost, err);
	if (code < 0)
		return code;
	const RingNotes &notes = merge_.notes();
	const CallsHealth health = calls_ ? calls_->health() : CallsHealth{};
	const struct {
		const char *name;
		tb_place place;
		tb_unit unit;
		uint64_t value;
	} counters[] = {
		{"ring_full", TB_PLACE_KERNEL, TB_UNIT_RECORD, lost_format_ ? lost.calls : notes.lost},
		{"undecodable", TB_PLACE_DECODE, TB_UNIT_RECORD, notes.undecodable + health.undecodable},
		{"threads_dropped", TB_PLACE_DECODE, TB_UNIT_RECORD, health.table_full},
		{"returns_lost", TB_PLACE_KERNEL, TB_UNIT_MESSAGE, lost.returns},
		{"exec_entries_lost", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, lost.notes},
		{"perf_record_lost", TB_PLACE_HEALTH, TB_UNIT_RECORD, notes.lost},
		{"throttled", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, notes.throttled},
		{"undecodable_bytes", TB_PLACE_HEALTH, TB_UNIT_BYTES, notes.undecodable_bytes},
		{"births", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, health.births},
		{"refused", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, health.refused},
		{"execs_without_entry", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, health.execs_without_entry},
		{"partial_calls", TB_PLACE_HEALTH, TB_UNIT_CALL, health.partial_calls},
		{"unpaired_exits", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, health.unpaired_exits},
		{"int80_unseen", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, plan_.calls.mark ? 0u : 1u},
	};

	for (const auto &counter : counters) {
		if (used == capacity)
			break;
		snprintf(out[used].name, sizeof(out[used].name), "%s", counter.name);
		out[used].place = counter.place;
		out[used].unit = counter.unit;
		out[used].value = counter.value;
		used++;
	}
	return static_cast<int>(used);
}

int Trace::counts(uint64_t *counts, uint64_t *foreign, tb_error *err) const
{
	if (variant_->way != Way::counts)
		return tb_error__set(err, -EOPNOTSUPP, "variant '%s' delivers records, not counts",
				     variant_->name);
	return counting_.read(counts, foreign, err);
}

} // namespace tb::perf

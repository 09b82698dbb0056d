/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory-mapped rings: one per CPU, written by the programs of that CPU alone, read here without a system call.
 * Nobody wakes us; we look. ring_merge.h says in which order.
 */
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <sys/mman.h>

#include "carrier.h"
#include "clock.h"
#include "ring_merge.h"

namespace tb::ebpf
{

namespace
{

/* Highest CPU that is online, plus one; CPUs that come up later have no ring and lose their records, counted. */
uint32_t online_cpus()
{
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	if (!file)
		return 0;
	char text[4096] = "";
	unsigned last = 0;
	if (fgets(text, sizeof(text), file)) {
		const char *number = strrchr(text, '-');
		const char *comma = strrchr(text, ',');
		number = std::max(number, comma);
		if (sscanf(number ? number + 1 : text, "%u", &last) != 1)
			last = 0;
	}
	fclose(file);
	return last + 1;
}

class MmapRing final : public CarrierBase
{
public:
	int plan(const tb_source_config *config, MapSizes *sizes, tb_error *err) override
	{
		if (config->wakeup != TB_WAKE_TIMER || config->wakeup_value == 0)
			return refuse_wakeup(err, "memory-mapped ring", "timer (a number of µs above 0)");
		cpus_ = online_cpus();
		if (cpus_ == 0)
			return tb_error__set(err, -errno, "/sys/devices/system/cpu/online: %s",
					     strerror(errno));
		const uint64_t slots =
			std::max<uint64_t>(1, config->buffer_bytes / cpus_ / sizeof(tb_record));
		if (slots * cpus_ > UINT32_MAX) {
			tb_error__set(err, -E2BIG, "a buffer of %llu bytes is more than a BPF array can hold",
				      static_cast<unsigned long long>(config->buffer_bytes));
			tb_error__mend(err, "ask for a smaller --buffer");
			return -E2BIG;
		}
		slots_ = slots;
		nap_ns_ = config->wakeup_value * 1000ull;
		sizes->ring_cpus = cpus_;
		sizes->ring_slots = slots_;
		return 0;
	}

	int open(const Programs &programs, tb_geometry *geometry, tb_error *err) override
	{
		const size_t bytes = sizeof(tb_record) * slots_ * cpus_;
		int code = memory_.map(programs.map_fd("rings"), bytes, PROT_READ);
		if (code < 0)
			return tb_error__set(err, code, "mapping %zu bytes of rings: %s", bytes,
					     strerror(-code));
		cpus_ = std::min(cpus_, programs.possible_cpus());
		std::unique_ptr<Ring[]> rings(new (std::nothrow) Ring[cpus_]);
		if (!rings)
			return tb_error__set(err, -ENOMEM, "no memory for %u rings", cpus_);
		for (uint32_t i = 0; i < cpus_; i++)
			rings[i] = {programs.cpus() + i, memory_.as<tb_record>() + size_t{i} * slots_, 0, 0};
		merge_ = RingMerge(std::move(rings), cpus_, slots_);
		geometry->buffer_bytes = bytes;
		geometry->reachable_bytes_per_cpu = sizeof(tb_record) * uint64_t{slots_};
		geometry->bytes_per_call = sizeof(tb_record);
		geometry->calls_in_flight = slots_;
		return 0;
	}

	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *) override
	{
		const bool any = merge_.look(tb_monotonic_ns());
		round->visible_ns = tb_monotonic_ns();
		return any ? merge_.take(out, capacity) : 0;
	}

	void wait(uint64_t timeout_ns) override { nap(nap_ns_, timeout_ns); }

	uint32_t stats(tb_counter *out, uint32_t capacity) const override
	{
		uint32_t used = 0;

		add_counter(out, capacity, &used, "order_unproven", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
			    merge_.order_unproven());
		return used;
	}

private:
	uint32_t cpus_ = 0;
	uint64_t slots_ = 0;
	uint64_t nap_ns_ = 0;
	Mapping memory_;
	RingMerge merge_;
};

} // namespace

std::unique_ptr<CarrierBase> make_mmap_ring()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) MmapRing);
}

} // namespace tb::ebpf

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How records reach us: one class per buffer of the kernel. A carrier says what sizes its maps need before the load,
 * opens its buffers after it, and hands records over. All calls on the session's drain thread.
 */
#ifndef TRACEBENCH_EBPF_CARRIER_H
#define TRACEBENCH_EBPF_CARRIER_H

#include <cstdint>
#include <ctime>
#include <memory>

#include "clock.h"
#include "programs.h"
#include "source.h"

namespace tb::ebpf
{

class CarrierBase
{
public:
	virtual ~CarrierBase() = default;

	/* Checks what is asked, rounds it to what the mechanism can, and fills *sizes. 0 or -errno. */
	virtual int plan(const tb_source_config *config, MapSizes *sizes, tb_error *err) = 0;
	/* After the load. Fills *geometry with what was granted. 0 or -errno. */
	virtual int open(const Programs &programs, tb_geometry *geometry, tb_error *err) = 0;
	/* One look without waiting; the rest as the source contract's drain. */
	virtual int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err) = 0;
	/* Sleeps until records may have come, at most timeout_ns. May wake early. */
	virtual void wait(uint64_t timeout_ns) = 0;
	/* Appends the counters that only this carrier has; returns how many. */
	virtual uint32_t stats(tb_counter *out, uint32_t capacity) const;
};

/* NULL when memory is short. */
std::unique_ptr<CarrierBase> make_carrier(Carrier carrier);

std::unique_ptr<CarrierBase> make_mmap_ring();
std::unique_ptr<CarrierBase> make_ring_buffer();
std::unique_ptr<CarrierBase> make_perf_buffer();
std::unique_ptr<CarrierBase> make_printk_pipe();
std::unique_ptr<CarrierBase> make_counts_carrier();

inline timespec duration(uint64_t ns)
{
	return {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}

/* Sleeps the shorter of the two. */
void nap(uint64_t ns, uint64_t at_most_ns);

/* The largest power of two of pages within `bytes`; one page when there is none. */
uint64_t power_of_two_pages(uint64_t bytes);

int refuse_wakeup(tb_error *err, const char *mechanism, const char *choices);

bool add_counter(tb_counter *out, uint32_t capacity, uint32_t *used, const char *name, tb_place place,
		 tb_unit unit, uint64_t value);

} // namespace tb::ebpf

#endif

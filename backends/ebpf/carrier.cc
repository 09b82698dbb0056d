/* SPDX-License-Identifier: Apache-2.0 */
#include "carrier.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <unistd.h>

namespace tb::ebpf
{

std::unique_ptr<CarrierBase> make_carrier(Carrier carrier)
{
	switch (carrier) {
	case Carrier::mmap_ring:
		return make_mmap_ring();
	case Carrier::ring_buffer:
		return make_ring_buffer();
	case Carrier::perf_buffer:
		return make_perf_buffer();
	case Carrier::printk:
		return make_printk_pipe();
	case Carrier::counts:
		return make_counts_carrier();
	}
	return nullptr;
}

uint32_t CarrierBase::stats(tb_counter *, uint32_t) const
{
	return 0;
}

void nap(uint64_t ns, uint64_t at_most_ns)
{
	const timespec pause = duration(std::min(ns, at_most_ns));

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

uint64_t power_of_two_pages(uint64_t bytes)
{
	uint64_t size = sysconf(_SC_PAGESIZE);

	while (size * 2 <= bytes)
		size *= 2;
	return size;
}

int refuse_wakeup(tb_error *err, const char *mechanism, const char *choices)
{
	tb_error__set(err, -EINVAL, "the %s does not know this wake-up policy", mechanism);
	tb_error__mend(err, "wake-up policies of this variant: %s", choices);
	return -EINVAL;
}

bool add_counter(tb_counter *out, uint32_t capacity, uint32_t *used, const char *name, tb_place place,
		 tb_unit unit, uint64_t value)
{
	if (*used >= capacity)
		return false;
	tb_counter &counter = out[(*used)++];

	counter = {};
	snprintf(counter.name, sizeof(counter.name), "%s", name);
	counter.place = place;
	counter.unit = unit;
	counter.value = value;
	return true;
}

} // namespace tb::ebpf

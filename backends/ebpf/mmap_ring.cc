/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory-mapped rings: one per CPU, written by the programs of that CPU alone, read here without a system call.
 * Nobody wakes us; we look. Records of all CPUs are merged by time.
 *
 * The merge is by time over all CPUs and not only nearly so: `cut`, our clock before we look, bounds what is
 * handed over, and a CPU found not busy after it has no unpublished record older than it (the programs set `busy` by
 * a locked exchange before they read the clock). A CPU found busy is waited for; it has some 50 ns to go.
 */
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <sys/mman.h>

#include "carrier.h"

namespace tb::ebpf
{

namespace
{

constexpr uint64_t kBusyPatienceNs = 200000; /* a virtual CPU may be taken away in the middle of a program */

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

inline void relax()
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

struct Ring {
	tb_cpu *cpu;
	const tb_record *records;
	uint64_t tail;  /* next to hand over */
	uint64_t limit; /* up to which it may be, this round */
};

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
		rings_.reset(new (std::nothrow) Ring[cpus_]);
		if (!rings_)
			return tb_error__set(err, -ENOMEM, "no memory for %u rings", cpus_);
		for (uint32_t i = 0; i < cpus_; i++)
			rings_[i] = {programs.cpus() + i, memory_.as<tb_record>() + size_t{i} * slots_, 0, 0};
		geometry->buffer_bytes = bytes;
		geometry->reachable_bytes_per_cpu = sizeof(tb_record) * uint64_t{slots_};
		geometry->bytes_per_call = sizeof(tb_record);
		geometry->calls_in_flight = slots_;
		return 0;
	}

	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *) override
	{
		const uint64_t cut = monotonic_ns();
		std::atomic_thread_fence(std::memory_order_seq_cst);
		const bool any = look(cut);
		round->visible_ns = monotonic_ns();
		return any ? merge(out, capacity) : 0;
	}

	void wait(uint64_t timeout_ns) override { nap(nap_ns_, timeout_ns); }

	uint32_t stats(tb_counter *out, uint32_t capacity) const override
	{
		uint32_t used = 0;

		add_counter(out, capacity, &used, "order_unproven", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
			    order_unproven_);
		return used;
	}

private:
	/* Sets every ring's limit to what was published before `cut`. True when there is something. */
	bool look(uint64_t cut)
	{
		bool any = false;

		for (uint32_t i = 0; i < cpus_; i++) {
			Ring &ring = rings_[i];

			settle(ring.cpu, cut);
			ring.limit = __atomic_load_n(&ring.cpu->head, __ATOMIC_ACQUIRE);
			while (ring.limit != ring.tail && at(ring, ring.limit - 1).ts_ns >= cut)
				ring.limit--;
			any |= ring.limit != ring.tail;
		}
		return any;
	}

	/* Waits for the record that is being written, if there is one. */
	void settle(const tb_cpu *cpu, uint64_t cut)
	{
		const uint64_t before = __atomic_load_n(&cpu->head, __ATOMIC_RELAXED);

		for (unsigned spins = 1; __atomic_load_n(&cpu->busy, __ATOMIC_ACQUIRE); spins++) {
			if (__atomic_load_n(&cpu->head, __ATOMIC_RELAXED) != before)
				return; /* that one is out; the one being written now began after the cut */
			if (spins % 64 == 0 && monotonic_ns() - cut > kBusyPatienceNs) {
				order_unproven_++;
				return;
			}
			relax();
		}
	}

	const tb_record &at(const Ring &ring, uint64_t position) const
	{
		return ring.records[position % slots_];
	}

	/* Runs of the ring whose next record is the oldest, up to the next ring's, until all is out or `out` is full. */
	uint32_t merge(tb_record *out, uint32_t capacity)
	{
		uint32_t count = 0;

		while (count < capacity) {
			Ring *oldest = nullptr;
			uint64_t oldest_ts = UINT64_MAX;
			uint64_t next_ts = UINT64_MAX;

			for (uint32_t i = 0; i < cpus_; i++) {
				Ring &ring = rings_[i];

				if (ring.tail == ring.limit)
					continue;
				const uint64_t ts = at(ring, ring.tail).ts_ns;
				if (!oldest || ts < oldest_ts) {
					next_ts = oldest_ts;
					oldest_ts = ts;
					oldest = &ring;
				} else {
					next_ts = std::min(next_ts, ts);
				}
			}
			if (!oldest)
				break;
			count += copy_run(*oldest, next_ts, out + count, capacity - count);
		}
		for (uint32_t i = 0; i < cpus_; i++)
			__atomic_store_n(&rings_[i].cpu->tail, rings_[i].tail, __ATOMIC_RELEASE);
		return count;
	}

	/* At least one record, then those not younger than `up_to`; a lone ring's in one or two block copies. */
	uint32_t copy_run(Ring &ring, uint64_t up_to, tb_record *out, uint32_t capacity)
	{
		uint32_t count = 0;

		if (up_to == UINT64_MAX) {
			while (ring.tail != ring.limit && count < capacity) {
				const uint64_t from = ring.tail % slots_;
				const uint64_t run = std::min(
					{ring.limit - ring.tail, slots_ - from, uint64_t{capacity - count}});

				memcpy(out + count, ring.records + from, run * sizeof(*out));
				count += run;
				ring.tail += run;
			}
			return count;
		}
		do {
			out[count++] = at(ring, ring.tail++);
		} while (ring.tail != ring.limit && count < capacity && at(ring, ring.tail).ts_ns <= up_to);
		return count;
	}

	uint32_t cpus_ = 0;
	uint64_t slots_ = 0;
	uint64_t nap_ns_ = 0;
	uint64_t order_unproven_ = 0;
	Mapping memory_;
	std::unique_ptr<Ring[]> rings_;
};

} // namespace

std::unique_ptr<CarrierBase> make_mmap_ring()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) MmapRing);
}

} // namespace tb::ebpf

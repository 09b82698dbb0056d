/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side of one mapped ring in ordinary memory: what emit_mmap_ring (bpf/transport.h) does, step by step in
 * its order. What are volatile or plain accesses there, ordered by x86, are atomics here that say the same to a
 * compiler and to TSan.
 */
#ifndef TRACEBENCH_EBPF_TEST_RING_WRITER_H
#define TRACEBENCH_EBPF_TEST_RING_WRITER_H

#include <cstdint>
#include <vector>

#include "shared.h"

/* Every field is of this call alone, so that a torn, stale or doubled record equals none that was made. */
inline tb_record made_record(uint32_t cpu, uint64_t serial, uint64_t ts_ns)
{
	tb_record r = {};

	r.ts_ns = ts_ns;
	r.tid = 1000 + cpu;
	r.tgid = static_cast<uint32_t>(serial * 7);
	r.nr = static_cast<int32_t>(serial % 400);
	r.arch = TB_ARCH_X86_64;
	r.cpu = static_cast<uint16_t>(cpu);
	r.kind = TB_KIND_CALL;
	r.args_valid = 0x3f;
	r.flags = TB_F_RET;
	r.ret = ~static_cast<int64_t>(serial);
	for (unsigned i = 0; i < 6; i++)
		r.args[i] = (serial * 6 + i) ^ (uint64_t{cpu} << 56);
	r.aux = ts_ns ^ serial;
	return r;
}

/* One thread writes; `accepted`, `control` and `records` may be read by others once it has ended. */
class RingWriter
{
public:
	RingWriter(uint32_t cpu, uint64_t slots) : control(), records(slots), cpu_(cpu) {}

	/* One call. False when there was no room: counted in `lost`. */
	template <typename Clock> bool emit(Clock clock)
	{
		claim();
		const bool room = write(clock);
		if (room)
			publish();
		release();
		return room;
	}

	/* The steps of emit. */
	void claim() { __atomic_exchange_n(&control.busy, 1, __ATOMIC_SEQ_CST); }

	template <typename Clock> bool write(Clock clock)
	{
		const uint64_t serial = made++;

		if (control.head - control.tail_seen >= records.size()) {
			control.tail_seen = __atomic_load_n(&control.tail, __ATOMIC_ACQUIRE);
			if (control.head - control.tail_seen >= records.size()) {
				control.lost++;
				return false;
			}
		}
		accepted.push_back(made_record(cpu_, serial, clock()));
		records[control.slot] = accepted.back();
		control.slot = control.slot + 1 == records.size() ? 0 : control.slot + 1;
		return true;
	}

	void publish() { __atomic_store_n(&control.head, control.head + 1, __ATOMIC_RELEASE); }

	void release() { __atomic_store_n(&control.busy, 0, __ATOMIC_RELEASE); }

	tb_cpu control;
	std::vector<tb_record> records;
	std::vector<tb_record> accepted; /* all that were written, in order; ours, not the ring's */
	uint64_t made = 0;

private:
	uint32_t cpu_;
};

#endif

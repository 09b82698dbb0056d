/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slabs: fixed pieces of one shared buffer through which records reach JavaScript without being copied again.
 *
 * The buffer belongs to JavaScript (a SharedArrayBuffer that outlives the session). The drain thread takes a free
 * slab, fills it and posts its index; JavaScript gives the index back when it has read it. Nobody waits: with no
 * free slab the drain thread counts what it could not hand over (bridge loss) and goes on, since blocking it would
 * press back on the workload under trace.
 */
#ifndef TRACEBENCH_SLAB_POOL_H
#define TRACEBENCH_SLAB_POOL_H

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "../include/record.h"

namespace tracebench
{

class SlabPool
{
public:
	/*
	 * `memory` holds slabs × records_per_slab records, `arenas` (null: no strings are wanted) slabs × arena_bytes();
	 * both outlive the pool.
	 */
	SlabPool(tb_record *memory, uint32_t slabs, uint32_t records_per_slab, uint8_t *arenas = nullptr);

	/* Any thread. Empty when every slab is out. */
	std::optional<uint32_t> take();
	/* Any thread. Giving back a slab that is not out is a caller's error and throws std::logic_error. */
	void give_back(uint32_t slab);

	tb_record *at(uint32_t slab) const { return memory_ + static_cast<size_t>(slab) * records_per_slab_; }
	uint32_t records_per_slab() const { return records_per_slab_; }
	/* The strings of a slab's records. */
	uint8_t *arena_at(uint32_t slab) const { return arenas_ + static_cast<size_t>(slab) * arena_bytes(); }
	uint32_t arena_bytes() const { return arenas_ ? records_per_slab_ * kArenaBytesPerRecord : 0; }

	/* Two strings of 60 bytes, or one of 124, for each record; memory that no string reaches is never touched. */
	static constexpr uint32_t kArenaBytesPerRecord = 128;

private:
	tb_record *const memory_;
	uint8_t *const arenas_;
	const uint32_t records_per_slab_;
	std::mutex mutex_; /* protects free_ and out_ */
	std::vector<uint32_t> free_;
	std::vector<bool> out_;
};

} // namespace tracebench

#endif

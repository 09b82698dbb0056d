// SPDX-License-Identifier: Apache-2.0
#include "slab_pool.h"

#include <stdexcept>

namespace tracebench
{

SlabPool::SlabPool(tb_record *memory, uint32_t slabs, uint32_t records_per_slab, uint8_t *arenas)
	: memory_(memory), arenas_(arenas), records_per_slab_(records_per_slab), out_(slabs, false)
{
	free_.reserve(slabs);
	for (uint32_t i = slabs; i > 0; i--)
		free_.push_back(i - 1);
}

std::optional<uint32_t> SlabPool::take()
{
	std::lock_guard<std::mutex> lock(mutex_);
	if (free_.empty())
		return std::nullopt;
	uint32_t slab = free_.back();
	free_.pop_back();
	out_[slab] = true;
	return slab;
}

void SlabPool::give_back(uint32_t slab)
{
	std::lock_guard<std::mutex> lock(mutex_);
	if (slab >= out_.size() || !out_[slab])
		throw std::logic_error("slab " + std::to_string(slab) + " is not out");
	out_[slab] = false;
	free_.push_back(slab);
}

} // namespace tracebench

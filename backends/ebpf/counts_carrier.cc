/* SPDX-License-Identifier: Apache-2.0 */
/* Variant `count` carries no records: the counters stay in the kernel until they are asked for. */
#include <new>

#include "clock.h"

#include "carrier.h"

namespace tb::ebpf
{

namespace
{

class CountsCarrier final : public CarrierBase
{
public:
	int plan(const tb_source_config *, MapSizes *, tb_error *) override { return 0; }

	int open(const Programs &, tb_geometry *geometry, tb_error *) override
	{
		*geometry = {};
		return 0;
	}

	int collect(tb_record *, uint32_t, tb_round *round, tb_error *) override
	{
		round->visible_ns = tb_monotonic_ns();
		return 0;
	}

	void wait(uint64_t timeout_ns) override { nap(timeout_ns, timeout_ns); }
};

} // namespace

std::unique_ptr<CarrierBase> make_counts_carrier()
{
	return std::unique_ptr<CarrierBase>(new (std::nothrow) CountsCarrier);
}

} // namespace tb::ebpf

/* SPDX-License-Identifier: Apache-2.0 */
/* One trace, from its rings to its calls: what stands behind the source contract. */
#ifndef TRACEBENCH_PERF_TRACE_H
#define TRACEBENCH_PERF_TRACE_H

#include <memory>
#include <vector>

#include "counting.h"
#include "ring_merge.h"
#include "rings.h"
#include "source.h"
#include "target_events.h"
#include "variant.h"

namespace tb::perf
{

/* All on one thread. What throws (std::bad_alloc) is caught at the slots. */
class Trace
{
public:
	int open(const tb_source_config *config, tb_geometry *geometry, tb_error *err);
	int arm(pid_t pid, tb_error *err);
	/* Instead of arm, for the probe: traces the calling thread itself, from now on. */
	int arm_self(tb_error *err);
	int drain(tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round, tb_error *err);
	int disarm(tb_error *err);
	int stats(tb_counter *out, uint32_t capacity, tb_error *err);
	int counts(uint64_t *counts, uint64_t *foreign, tb_error *err) const;

	const Variant &variant() const { return *variant_; }

private:
	int choose_wakeup(const tb_source_config *config, tb_error *err);
	int open_rings(const tb_source_config *config, tb_geometry *geometry, tb_error *err);
	uint32_t collect(tb_record *out, uint32_t capacity, tb_round *round);
	uint32_t unload(tb_record *out, uint32_t capacity);
	void wait(uint64_t timeout_ns) const;

	/* Destroyed last to first: events are directed into rings. */
	const Variant *variant_ = nullptr;
	bool lost_format_ = false;
	uint64_t nap_ns_ = 0; /* 0: the kernel wakes us */
	uint32_t watermark_bytes_ = UINT32_MAX;
	Plan plan_;
	Rings rings_;
	RingMerge merge_;
	std::unique_ptr<Calls> calls_;
	Counting counting_;
	TargetEvents events_;
	std::vector<tb_record> spill_; /* of a sample that made two records where one had room */
};

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings out what the kernel has parked.
 *
 * Between a call and the socket lie three queues of kauditd's: main, retry (what the socket had no room for) and hold. Retry and hold
 * are looked at only when a new record is made, and neither `lost` nor `backlog` shows them. So a record is made: a poke, the
 * backlog limit set to what it is. kauditd first sends what is parked, then the main queue in its order; so once the poke's own
 * record has come, all that stood before it has been sent or was parked anew. When two pokes running bring nothing but themselves,
 * nothing is left.
 */
#ifndef TRACEBENCH_AUDITD_SETTLER_H
#define TRACEBENCH_AUDITD_SETTLER_H

#include "collector.h"
#include "control.h"

namespace tb::auditd
{

class Settler
{
public:
	/* The session's own patience ends later, and it could not say what was waited for. */
	static constexpr uint64_t kPatienceNs = 8'000'000'000;

	Settler(Control &control, Collector &collector, uint64_t patience_ns = kPatienceNs)
		: control_(control), collector_(collector), patience_ns_(patience_ns)
	{
	}

	void set_backlog_limit(uint32_t limit) { backlog_limit_ = limit; }
	/*
	 * As tb_source_ops.settle: 1: drain and ask again; 0: settled; -errno. -ETIMEDOUT: patience is at its end, and the
	 * message has what is known of why.
	 */
	int step(tb_error *err);

	uint64_t pokes() const { return pokes_; }

private:
	int poke(tb_error *err);
	int give_up(tb_error *err);
	uint64_t arrivals() const;

	Control &control_;
	Collector &collector_;
	const uint64_t patience_ns_;
	uint32_t backlog_limit_ = 0;
	uint64_t pokes_ = 0;
	uint64_t first_pokes_ = 0, first_markers_ = 0, began_ns_ = 0; /* of this settling */
	bool waiting_ = false;                                        /* for the record of a poke */
	uint32_t fruitless_ = 0; /* pokes running that brought nothing but themselves */
	uint64_t markers_ = 0;   /* when the last poke was made */
	uint64_t arrivals_ = 0;  /* … */
	uint64_t poked_at_ns_ = 0;
};

} // namespace tb::auditd

#endif

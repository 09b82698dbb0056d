/* SPDX-License-Identifier: Apache-2.0 */
#include "settler.h"

#include <cstring>

#include "clock.h"

namespace tb::auditd
{

namespace
{

constexpr uint32_t kFruitlessPokes = 2;
/* A poke's record can itself be parked behind a socket that is full: kauditd sleeps 100 ms a failed attempt. */
constexpr uint64_t kPokeAgainNs = 250'000'000;

} // namespace

/* What is of the target. A poke raises more than its own record: the call by which it is made is audited, too. */
uint64_t Settler::arrivals() const
{
	const Received &r = collector_.received();

	return r.calls + r.companions + r.malformed;
}

int Settler::poke(tb_error *err)
{
	audit_status same = {};

	same.mask = AUDIT_STATUS_BACKLOG_LIMIT;
	same.backlog_limit = backlog_limit_;
	markers_ = collector_.received().markers;
	arrivals_ = arrivals();
	poked_at_ns_ = tb_monotonic_ns();
	waiting_ = true;
	pokes_++;
	int rc = control_.set(same);

	if (rc < 0)
		return tb_error__set(err, rc, "making audit send what it has parked: %s", strerror(-rc));
	return 1;
}

int Settler::step(tb_error *err)
{
	if (!waiting_) {
		fruitless_ = 0;
		return poke(err);
	}
	const bool came = collector_.received().markers != markers_;

	if (!came && tb_monotonic_ns() - poked_at_ns_ < kPokeAgainNs)
		return 1;
	fruitless_ = came && arrivals() == arrivals_ ? fruitless_ + 1 : 0;
	if (fruitless_ < kFruitlessPokes)
		return poke(err);
	waiting_ = false;
	return collector_.settle();
}

} // namespace tb::auditd

/* SPDX-License-Identifier: Apache-2.0 */
#include "settler.h"

#include <cerrno>
#include <cinttypes>
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

int Settler::give_up(tb_error *err)
{
	const uint64_t answers = collector_.received().markers - first_markers_;
	audit_status status;
	int rc = control_.status(&status);

	waiting_ = false;
	if (rc < 0)
		return tb_error__set(err, rc, "asking audit why records are still parked: %s", strerror(-rc));
	tb_error__set(err, -ETIMEDOUT,
		      "records are still parked %" PRIu64 " s after the target stood still: %" PRIu64
		      " pokes were answered by %" PRIu64
		      ", records of the target %s, %u in audit's queue, owner %u, "
		      "enabled %u",
		      patience_ns_ / 1'000'000'000, pokes_ - first_pokes_, answers,
		      arrivals() == arrivals_ ? "have ceased" : "still come", status.backlog, status.pid,
		      status.enabled);
	tb_error__mend(err, "run the trial again; if it stays, something else takes or changes audit");
	return -ETIMEDOUT;
}

int Settler::step(tb_error *err)
{
	if (!waiting_) {
		fruitless_ = 0;
		first_pokes_ = pokes_;
		first_markers_ = collector_.received().markers;
		began_ns_ = tb_monotonic_ns();
		return poke(err);
	}
	const bool came = collector_.received().markers != markers_;
	const uint64_t now_ns = tb_monotonic_ns();

	if (now_ns - began_ns_ >= patience_ns_)
		return give_up(err);
	if (!came && now_ns - poked_at_ns_ < kPokeAgainNs)
		return 1;
	fruitless_ = came && arrivals() == arrivals_ ? fruitless_ + 1 : 0;
	if (fruitless_ < kFruitlessPokes)
		return poke(err);
	waiting_ = false;
	return collector_.settle();
}

} // namespace tb::auditd

/* SPDX-License-Identifier: Apache-2.0 */
/* The source contract (source.h) over audit's netlink socket. */
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <unistd.h>

#include "audit_owner.h"
#include "books.h"
#include "clock.h"
#include "collector.h"
#include "control.h"
#include "machine_check.h"
#include "processes.h"
#include "rule.h"
#include "settler.h"
#include "socket.h"
#include "source.h"
#include "tick.h"
#include "variant.h"

using namespace tb::auditd;

namespace
{

#if defined(__x86_64__)
constexpr uint32_t kNativeArch = TB_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kNativeArch = TB_ARCH_AARCH64;
#else
#error "auditd: x86-64 and arm64 only"
#endif

} // namespace

/* Two sockets: records fill the one until the kernel refuses more, and answers must come through all the same. */
struct tb_source {
	Variant variant = {};
	tb_filter filter = {};
	uint32_t nap_us = 0; /* 0: the kernel wakes */
	KernelSocket events_socket, control_socket;
	Control control{control_socket};
	Collector collector{events_socket, kNativeArch};
	Settler settler{control, collector};
	Books books;
	Rule rule = {};
	bool owner = false;
	bool rule_stands = false;
	/* At arm; counters are since then. */
	uint64_t drops = 0;
	uint32_t waited_ticks = 0;
	pid_t kauditd = 0;
	uint64_t kauditd_cpu_ns = 0;
};

namespace
{

/* What variant `multicast` could not receive is lost, beside what the queue refused. */
int lost_records(tb_source *source, const audit_status &status, uint32_t *lost, tb_error *err)
{
	uint64_t drops = 0;

	*lost = status.lost;
	if (source->variant.owns)
		return 0;
	int rc = source->events_socket.drops(&drops);

	if (rc < 0)
		return tb_error__set(err, rc, "reading what the audit socket dropped: %s", strerror(-rc));
	*lost += static_cast<uint32_t>(drops); /* differences are taken, both wrap alike */
	return 0;
}

int set_status(tb_source *source, uint32_t mask, uint32_t backlog_limit, uint64_t block_ns, tb_error *err)
{
	audit_status status = {};

	status.mask = mask;
	status.backlog_limit = backlog_limit;
	/* The kernel takes ticks, whatever the header says. */
	status.backlog_wait_time = static_cast<uint32_t>(block_ns / tick_ns());
	int rc = source->control.set(status);

	return rc < 0 ? explain(err, rc, "setting audit's queue length and wait") : 0;
}

/* Ownership goes to the socket that asks for it. */
int become_owner(tb_source *source, tb_error *err)
{
	Control asking(source->events_socket);
	audit_status status = {};

	status.mask = AUDIT_STATUS_PID;
	status.pid = static_cast<uint32_t>(getpid());
	int rc = asking.set(status);

	if (rc == -EEXIST)
		return tb_error__set(err, -EBUSY, "audit belongs to another process by now");
	if (rc < 0)
		return explain(err, rc, "becoming audit's owner");
	source->owner = true;
	return 0;
}

int open_source(tb_source *source, const tb_source_config *config, tb_geometry *geometry, tb_error *err)
{
	audit_status status;
	int rc = find_variant(config, &source->variant, err);

	if (rc < 0)
		return rc;
	source->filter = config->filter;
	if (config->paths)
		source->collector.read_paths();
	source->nap_us = config->wakeup == TB_WAKE_TIMER ? config->wakeup_value : 0;
	if (!source->collector.allocated())
		return tb_error__set(err, -ENOMEM, "no memory for received records");
	rc = source->control_socket.open(false);
	if (rc < 0)
		return explain(err, rc, "opening audit's control socket");
	rc = check_status(source->control, source->variant, &status, err);
	if (rc < 0)
		return rc;
	if (!status.enabled) {
		tb_error__set(err, -EINVAL, "audit is not enabled: nobody holds it for this trial");
		tb_error__mend(err, "the guard does (tracebench-guard --audit), before the target is forked");
		return -EINVAL;
	}
	rc = source->events_socket.open(!source->variant.owns);
	if (rc < 0)
		return explain(err, rc, "opening a socket for audit records");

	Sizes sizes = part_budget(config->buffer_bytes);
	uint64_t granted;
	rc = source->events_socket.set_receive_buffer(sizes.socket_bytes, &granted);
	if (rc < 0)
		return explain(err, rc, "sizing the socket for audit records");
	if (!source->variant.owns && tb_audit_owner__lives(status.pid)) {
		sizes.backlog_limit = status.backlog_limit; /* the owner's, and left alone */
	} else {
		rc = set_status(source, AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_BACKLOG_WAIT_TIME,
				sizes.backlog_limit, source->variant.block_ns, err);
		if (rc < 0)
			return rc;
	}
	source->collector.expect_marker(sizes.backlog_limit);
	source->settler.set_backlog_limit(sizes.backlog_limit);
	if (source->variant.owns) {
		rc = become_owner(source, err);
		if (rc < 0)
			return rc;
	}
	source->kauditd = find_kauditd();
	*geometry = geometry_of(granted, sizes.backlog_limit);
	return 0;
}

/* What cannot be given back here has no reader, and the guard looks after it. */
void release(tb_source *source)
{
	audit_status nobody = {};

	if (source->rule_stands)
		source->control.remove(source->rule);
	nobody.mask = AUDIT_STATUS_PID;
	if (source->owner)
		source->control.set(nobody);
	delete source;
}

int open(const tb_source_config *config, tb_source **out, tb_geometry *geometry, tb_error *err)
{
	auto *source = new (std::nothrow) tb_source;

	if (!source)
		return tb_error__set(err, -ENOMEM, "no memory for the source");
	int rc = open_source(source, config, geometry, err);

	if (rc < 0)
		release(source);
	else
		*out = source;
	return rc;
}

/* Short of something that another moment may have: no answer about the machine. */
bool is_momentary(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EINTR || code == -ETIMEDOUT;
}

int probe(const tb_source_config *config, tb_error *err)
{
	KernelSocket control_socket, listener;
	Control control(control_socket);
	Variant variant;
	audit_status status;
	int rc = find_variant(config, &variant, err);

	if (rc < 0)
		return rc;
	rc = control_socket.open(false);
	if (rc < 0)
		explain(err, rc, "opening audit's control socket");
	if (rc == 0)
		rc = check_status(control, variant, &status, err);
	if (rc == 0)
		rc = check_surroundings(control, status, err);
	/* Joining the group of listeners is a permission of its own. */
	if (rc == 0 && !variant.owns) {
		uint64_t drops;

		rc = listener.open(true);
		if (rc < 0)
			explain(err, rc, "listening to audit records");
		if (rc == 0) {
			rc = listener.drops(&drops);
			if (rc < 0) {
				tb_error__set(err, rc, "the kernel does not tell what a socket dropped: %s",
					      strerror(-rc));
				tb_error__mend(err, "Linux 4.12 or later is needed");
			}
		}
	}
	if (rc == 0)
		return 1;
	return is_momentary(rc) ? rc : 0;
}

int arm(tb_source *source, pid_t pid, tb_error *err)
{
	Target target;
	audit_status status;
	uint32_t lost;
	int rc = read_session(pid, &target.session);

	if (rc < 0)
		return tb_error__set(err, rc == -ENOENT ? -ESRCH : rc,
				     "the audit session of the target (pid %d): %s", pid, strerror(-rc));
	if (target.session == AUDIT_SID_UNSET) {
		tb_error__set(err, -EINVAL, "the target (pid %d) has no audit session to tell it by", pid);
		tb_error__mend(err, "start it with tracebench-launch --audit-session");
		return -EINVAL;
	}
	target.gate_call = read_gate_call(pid);
	target.monotonic_offset_ns =
		static_cast<int64_t>(tb_clock_ns(CLOCK_REALTIME)) - static_cast<int64_t>(tb_monotonic_ns());
	source->collector.begin(target);

	rc = source->control.status(&status);
	if (rc < 0)
		return explain(err, rc, "reading audit's status");
	rc = lost_records(source, status, &lost, err);
	if (rc < 0)
		return rc;
	source->books.begin(lost, source->collector.join().absent());
	source->waited_ticks = status.backlog_wait_time_actual;
	if (!source->variant.owns)
		source->events_socket.drops(&source->drops); /* was readable a moment ago */
	if (!source->kauditd || !read_cpu_ns(source->kauditd, &source->kauditd_cpu_ns))
		source->kauditd = 0;

	source->rule = make_rule(target.session, source->filter, kNativeArch);
	rc = source->control.add(source->rule);
	if (rc < 0 && rc != -ETIMEDOUT)
		return explain(err, rc, "adding the audit rule for the target");
	source->rule_stands = true; /* without an answer it may */
	return rc < 0 ? explain(err, rc, "adding the audit rule for the target") : 0;
}

int drain(tb_source *source, tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round,
	  tb_error *err)
{
	return source->collector.drain(out, capacity, timeout_us, source->nap_us, round, err);
}

int settle(tb_source *source, tb_error *err)
{
	return source->settler.step(err);
}

int disarm(tb_source *source, tb_error *err)
{
	if (!source->rule_stands)
		return 0;
	int rc = source->control.remove(source->rule);

	if (rc == -ENOENT) {
		source->rule_stands = false;
		tb_error__set(
			err, rc,
			"the audit rule for the target was removed by somebody else while it was traced: "
			"calls made since were not recorded");
		tb_error__mend(err, "keep auditctl and augenrules from running during a trial");
		return rc;
	}
	if (rc < 0)
		return explain(err, rc, "removing the audit rule for the target");
	source->rule_stands = false;
	return 0;
}

void add_counter(tb_counter *counter, const char *name, tb_place place, tb_unit unit, uint64_t value)
{
	*counter = {};
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	counter->place = place;
	counter->unit = unit;
	counter->value = value;
}

int stats(tb_source *source, tb_counter *out, uint32_t capacity, tb_error *err)
{
	const Received &r = source->collector.received();
	tb_counter all[TB_COUNTERS_MAX];
	uint32_t count = 0, lost;
	uint64_t drops = 0, cpu_ns = 0;
	audit_status status;
	int rc = source->control.status(&status);

	if (rc < 0)
		return explain(err, rc, "reading audit's counters");
	rc = lost_records(source, status, &lost, err);
	if (rc < 0)
		return rc;
	const EventJoin &join = source->collector.join();

	source->books.look(lost, join.absent());
	if (!source->variant.owns)
		source->events_socket.drops(&drops);
	if (source->kauditd && !read_cpu_ns(source->kauditd, &cpu_ns))
		source->kauditd = 0;

	const uint64_t waited = static_cast<uint32_t>(status.backlog_wait_time_actual - source->waited_ticks);
	auto kernel = [&](const char *name, tb_unit unit, uint64_t value) {
		add_counter(&all[count++], name, TB_PLACE_KERNEL, unit, value);
	};
	auto health = [&](const char *name, tb_unit unit, uint64_t value) {
		add_counter(&all[count++], name, TB_PLACE_HEALTH, unit, value);
	};
	kernel("refused_calls", TB_UNIT_CALL, source->books.refused());
	kernel("dropped_calls", TB_UNIT_CALL, source->books.dropped());
	kernel("undecided_records", TB_UNIT_RECORD, source->books.undecided());
	add_counter(&all[count++], "malformed", TB_PLACE_DECODE, TB_UNIT_CALL, r.malformed);
	health("kernel_lost", TB_UNIT_RECORD, source->books.lost_records());
	health("companions_missing", TB_UNIT_RECORD, join.absent().companions);
	health("poke_records_missing", TB_UNIT_RECORD, join.absent().of_pokes);
	health("calls_incomplete", TB_UNIT_CALL, join.absent().incomplete_calls);
	health("events_missing", TB_UNIT_CALL, join.absent().headless);
	health("records_missing_silently", TB_UNIT_RECORD, source->books.silent());
	health("late_records", TB_UNIT_RECORD, join.late());
	health("socket_overruns", TB_UNIT_MESSAGE, r.overruns);
	health("socket_drops", TB_UNIT_RECORD, drops - source->drops);
	health("pokes", TB_UNIT_MESSAGE, source->settler.pokes());
	health("strays", TB_UNIT_RECORD, r.strays);
	health("foreign_calls", TB_UNIT_RECORD, r.foreign);
	health("control_records", TB_UNIT_RECORD, r.control);
	health("backlog_wait_ms", TB_UNIT_MESSAGE, waited * tick_ns() / 1'000'000);
	health(source->kauditd ? "kauditd_cpu_ns" : "kauditd_cpu_not_readable", TB_UNIT_NS,
	       source->kauditd ? cpu_ns - source->kauditd_cpu_ns : 0);

	if (source->collector.path_counters()) {
		tb_path_counters__write(source->collector.path_counters(), &all[count]);
		count += TB_PATH_COUNTERS;
	}
	const uint32_t given = std::min(count, capacity);

	memcpy(out, all, given * sizeof(all[0]));
	return static_cast<int>(given);
}

} // namespace

extern "C" const struct tb_source_ops tb_auditd_source = {
	.abi = TB_SOURCE_ABI,
	.name = "auditd",
	.probe = probe,
	.open = open,
	.arm = arm,
	.drain = drain,
	.settle = settle,
	.disarm = disarm,
	.stats = stats,
	.counts = nullptr,
	.close = release,
};

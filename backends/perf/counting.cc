/* SPDX-License-Identifier: Apache-2.0 */
#include "counting.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/ioctl.h>

#include "syscall_events.h"

namespace tb::perf
{

/* The total comes last, so that what is counted while we read is never missing in it. */
int Counting::prepare(const Tracefs &tracefs, const tb_filter &filter, tb_error *err)
{
	uint32_t id;

	events_.clear();
	for (const SyscallEvent &call : syscall_events())
		if (call.nr < TB_NR_MAX && tb_filter__wants(&filter, call.nr) &&
		    tracefs.event_id(call.name.c_str(), &id) == 0)
			events_.push_back({call.nr, id, Descriptor()});
	if (events_.empty() && !tracefs.has_event("syscalls/sys_enter_execve")) {
		tb_error__set(err, -ENOTSUP, "this kernel has no tracepoints for single system calls");
		tb_error__mend(err, "use a kernel with CONFIG_FTRACE_SYSCALLS=y, or --backends perf/enter");
		return -ENOTSUP;
	}
	if (filter.active) /* it names native numbers: others are not wanted */
		return 0;
	const int code = tracefs.event_id("raw_syscalls/sys_enter", &id);
	if (code < 0)
		return tb_error__set(err, code, "the id of raw_syscalls:sys_enter: %s", strerror(-code));
	events_.push_back({kTotal, id, Descriptor()});
	return 0;
}

int Counting::open_all(const Subject &subject, tb_error *err)
{
	for (Event &event : events_) {
		perf_event_attr attr = make_attr(PERF_TYPE_TRACEPOINT, event.tracepoint);

		attr.inherit = 1;
		const int code = open_event(attr, subject, -1, &event.fd);
		if (code < 0)
			return explain_refusal(err, code, "opening a counting event on the target");
	}
	for (const Event &event : events_) {
		if (ioctl(event.fd.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
			const int code = -errno;

			return tb_error__set(err, code, "starting a counting event: %s", strerror(-code));
		}
	}
	return 0;
}

int Counting::open(const Subject &subject, tb_error *err)
{
	const int code = open_all(subject, err);

	if (code < 0)
		for (Event &event : events_)
			event.fd.reset();
	return code;
}

int Counting::read(uint64_t *counts, uint64_t *foreign, tb_error *err) const
{
	uint64_t total = 0, named = 0;

	if (stopped_) {
		std::copy(counts_at_stop_.begin(), counts_at_stop_.end(), counts);
		*foreign = foreign_at_stop_;
		return 0;
	}
	std::fill(counts, counts + TB_NR_MAX, 0);
	*foreign = 0;
	for (const Event &event : events_) {
		uint64_t count;

		if (!event.fd.is_open())
			continue; /* before arm nothing is counted */
		const ssize_t n = ::read(event.fd.get(), &count, sizeof(count));
		if (n != sizeof(count)) {
			const int code = n < 0 ? -errno : -EPROTO;

			return tb_error__set(err, code, "reading a counting event: %s", strerror(-code));
		}
		if (event.nr == kTotal) {
			total = count;
		} else {
			counts[event.nr] = count;
			named += count;
		}
	}
	*foreign = total > named ? total - named : 0;
	return 0;
}

int Counting::stop(tb_error *err)
{
	int code = 0;

	if (stopped_)
		return 0;
	for (const Event &event : events_)
		if (event.fd.is_open() && ioctl(event.fd.get(), PERF_EVENT_IOC_DISABLE, 0) != 0 && code == 0)
			code = tb_error__set(err, -errno, "stopping a counting event: %s", strerror(errno));
	if (code == 0)
		code = read(counts_at_stop_.data(), &foreign_at_stop_, err);
	stopped_ = true;
	for (Event &event : events_)
		event.fd.reset();
	return code;
}

} // namespace tb::perf

/* SPDX-License-Identifier: Apache-2.0 */
#include "target_events.h"

#include <cerrno>
#include <cstring>
#include <sched.h>
#include <sys/ioctl.h>

#include "sample.h"

namespace tb::perf
{

namespace
{

/*
 * The kernel makes a probe of its own of each uprobe event, and a hit asks all of them, some 0.1 µs each: there is none for
 * CPUs that the target is kept from. Where it is not pinned, or that cannot be told, all CPUs.
 */
class Affinity
{
public:
	explicit Affinity(pid_t pid) : known_(sched_getaffinity(pid, sizeof(cpus_), &cpus_) == 0) {}
	bool admits(int cpu) const { return !known_ || CPU_ISSET(cpu, &cpus_); }

private:
	cpu_set_t cpus_;
	bool known_;
};

} // namespace

int TargetEvents::open_one(const TargetEvent &event, const Subject &subject, int cpu, int ring,
			   uint64_t registers, tb_error *err)
{
	perf_event_attr attr = make_attr(PERF_TYPE_TRACEPOINT, event.tracepoint);
	Opened opened = {Descriptor(), event.carries, event.begins};

	if (!event.uprobe.program.empty()) {
		attr.type = event.uprobe.pmu_type;
		attr.config1 = reinterpret_cast<uintptr_t>(event.uprobe.program.c_str());
		attr.config2 = event.uprobe.offset;
	}
	attr.sample_period = 1;
	attr.sample_type = kSampleType;
	attr.sample_regs_user = registers;
	attr.read_format = lost_format_ ? TB_PERF_FORMAT_LOST : 0;
	/* No wake-up of its own: the ring's watermark is the owner's. */
	attr.watermark = 1;
	if (!(subject.flags & PERF_FLAG_PID_CGROUP)) {
		attr.inherit = 1;
		attr.enable_on_exec = event.begins == Begins::execve;
	}
	int code = open_event(attr, subject, cpu, &opened.fd);
	if (code < 0)
		return explain_refusal(err, code, "opening an event on the target");
	if (!event.filter.empty() &&
	    ioctl(opened.fd.get(), PERF_EVENT_IOC_SET_FILTER, event.filter.c_str()) != 0) {
		code = -errno;
		return tb_error__set(err, code, "setting the tracepoint filter '%.200s': %s",
				     event.filter.c_str(), strerror(-code));
	}
	if (ioctl(opened.fd.get(), PERF_EVENT_IOC_SET_OUTPUT, ring) != 0) {
		code = -errno;
		return tb_error__set(err, code, "directing an event of CPU %d into its ring: %s", cpu,
				     strerror(-code));
	}
	opened_.push_back(std::move(opened));
	return 0;
}

int TargetEvents::open_all(const std::vector<TargetEvent> &events, const Subject &subject, const Rings &rings,
			   uint64_t registers, tb_error *err)
{
	const Affinity affinity(subject.pid);

	for (size_t i = 0; i < rings.cpus().size(); i++) {
		for (const TargetEvent &event : events) {
			if (!event.uprobe.program.empty() && !affinity.admits(rings.cpus()[i]))
				continue;
			const int code =
				open_one(event, subject, rings.cpus()[i], rings.owner(i), registers, err);
			if (code < 0)
				return code;
		}
	}
	for (const Opened &event : opened_) {
		const bool by_exec =
			event.begins == Begins::execve && !(subject.flags & PERF_FLAG_PID_CGROUP);

		if (!by_exec && ioctl(event.fd.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
			const int code = -errno;

			return tb_error__set(err, code, "starting an event: %s", strerror(-code));
		}
	}
	return 0;
}

int TargetEvents::open(const std::vector<TargetEvent> &events, const Subject &subject, const Rings &rings,
		       uint64_t registers, bool lost_format, tb_error *err)
{
	lost_format_ = lost_format;
	const int code = open_all(events, subject, rings, registers, err);
	if (code < 0)
		opened_.clear();
	return code;
}

int TargetEvents::lost(Lost *lost, tb_error *err) const
{
	struct {
		uint64_t value, lost;
	} counts;

	*lost = lost_at_stop_;
	if (!lost_format_)
		return 0;
	for (const Opened &event : opened_) {
		const ssize_t n = read(event.fd.get(), &counts, sizeof(counts));

		if (n != sizeof(counts)) {
			const int code = n < 0 ? -errno : -EPROTO;

			return tb_error__set(err, code, "reading an event's count of lost records: %s",
					     strerror(-code));
		}
		switch (event.carries) {
		case Carries::call:
			lost->calls += counts.lost;
			break;
		case Carries::returns:
			lost->returns += counts.lost;
			break;
		case Carries::note:
			lost->notes += counts.lost;
			break;
		}
	}
	return 0;
}

int TargetEvents::stop(tb_error *err)
{
	Lost lost_so_far;
	tb_error unread = {};
	int code = 0;

	for (const Opened &event : opened_)
		if (ioctl(event.fd.get(), PERF_EVENT_IOC_DISABLE, 0) != 0 && code == 0)
			code = tb_error__set(err, -errno, "stopping an event: %s", strerror(errno));
	const int read_code = lost(&lost_so_far, &unread);
	if (code == 0 && read_code < 0) {
		*err = unread;
		code = read_code;
	}
	lost_at_stop_ = lost_so_far;
	opened_.clear();
	return code;
}

} // namespace tb::perf

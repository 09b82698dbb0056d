// SPDX-License-Identifier: Apache-2.0
#include "cpu_quota.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "../include/cgroup_file.h"
#include "../include/clock.h"

namespace tracebench
{

namespace
{

bool explain(int rc, const char *what, const std::string &group, tb_error *err)
{
	if (rc == 0)
		return true;
	tb_error__set(err, rc, "cannot %s %s: %s", what, group.c_str(), strerror(-rc));
	tb_error__mend(err, rc == -EINVAL ? "a group cannot have more than the one above it"
					  : "run as root, with a writable /sys/fs/cgroup");
	return false;
}

bool set(const std::string &group, const char *file, const std::string &value, tb_error *err)
{
	const std::string what = "write " + value + " to " + file + " of";
	return explain(tb_cgroup_file__write(group.c_str(), file, value.c_str()), what.c_str(), group, err);
}

bool join(const std::string &group, tb_error *err)
{
	return explain(tb_cgroup_file__join(group.c_str()), "put a thread into", group, err);
}

} // namespace

bool CpuQuota::set_limit(tb_error *err) const
{
	const std::string period = std::to_string(limit_.period_us), quota = std::to_string(limit_.quota_us);
	if (tb_cgroup_file__exists(limit_.group.c_str(), "cpu.max"))
		return set(limit_.group, "cpu.max", quota + " " + period, err);
	/* Version 1. The period first: a quota is held against the one that is set. */
	return set(limit_.group, "cpu.cfs_period_us", period, err) &&
	       set(limit_.group, "cpu.cfs_quota_us", quota, err);
}

bool CpuQuota::read(Throttling *throttling, tb_error *err) const
{
	std::string path = limit_.group + "/cpu.stat", name;
	std::ifstream stat(path);
	unsigned found = 0;
	for (uint64_t value; stat >> name >> value;) {
		bool us = name == "throttled_usec"; /* version 2's; 1 says it in ns */
		if (name == "nr_periods")
			throttling->periods = value;
		else if (name == "nr_throttled")
			throttling->throttled_periods = value;
		else if (us || name == "throttled_time")
			throttling->throttled_ns = us ? value * 1000 : value;
		else
			continue;
		found++;
	}
	if (found == 3)
		return true;
	tb_error__set(err, -EPROTO, "%s does not say how long the group was throttled", path.c_str());
	return false;
}

bool CpuQuota::enter(tb_error *err)
{
	entered_ns_ = tb_monotonic_ns();
	return set_limit(err) && read(&at_enter_, err) && join(limit_.group, err);
}

bool CpuQuota::leave(Throttling *since_enter, tb_error *err)
{
	Throttling now;
	if (!read(&now, err) || !join(limit_.group + "/..", err))
		return false;
	since_enter->periods = now.periods - at_enter_.periods;
	since_enter->throttled_periods = now.throttled_periods - at_enter_.throttled_periods;
	since_enter->elapsed_ns = tb_monotonic_ns() - entered_ns_;
	since_enter->throttled_ns = now.throttled_ns - at_enter_.throttled_ns;
	return true;
}

} // namespace tracebench

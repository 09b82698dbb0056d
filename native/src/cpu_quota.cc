// SPDX-License-Identifier: Apache-2.0
#include "cpu_quota.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include "../include/clock.h"

namespace tracebench
{

namespace
{

/* A control file takes one write, which must say all. */
bool write_file(const std::string &path, const std::string &text, tb_error *err)
{
	int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text.data(), text.size()) >= 0;
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (written)
		return true;
	tb_error__set(err, -code, "cannot write %s to %s: %s", text.c_str(), path.c_str(), strerror(code));
	tb_error__mend(err, code == EINVAL ? "a group cannot have more than the one above it"
					   : "run as root, with a writable /sys/fs/cgroup");
	return false;
}

} // namespace

bool CpuQuota::version1() const
{
	return access((limit_.group + "/cpu.max").c_str(), F_OK) != 0;
}

bool CpuQuota::set_limit(tb_error *err) const
{
	std::string period = std::to_string(limit_.period_us), quota = std::to_string(limit_.quota_us);
	if (!version1())
		return write_file(limit_.group + "/cpu.max", quota + " " + period, err);
	/* The period first: a quota is held against the one that is set. */
	return write_file(limit_.group + "/cpu.cfs_period_us", period, err) &&
	       write_file(limit_.group + "/cpu.cfs_quota_us", quota, err);
}

bool CpuQuota::move_to(const std::string &group, tb_error *err) const
{
	return write_file(group + (version1() ? "/tasks" : "/cgroup.threads"), std::to_string(gettid()), err);
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
	return set_limit(err) && read(&at_enter_, err) && move_to(limit_.group, err);
}

bool CpuQuota::leave(Throttling *since_enter, tb_error *err)
{
	Throttling now;
	if (!read(&now, err) || !move_to(limit_.group + "/..", err))
		return false;
	since_enter->periods = now.periods - at_enter_.periods;
	since_enter->throttled_periods = now.throttled_periods - at_enter_.throttled_periods;
	since_enter->elapsed_ns = tb_monotonic_ns() - entered_ns_;
	since_enter->throttled_ns = now.throttled_ns - at_enter_.throttled_ns;
	return true;
}

} // namespace tracebench

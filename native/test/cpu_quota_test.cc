// SPDX-License-Identifier: Apache-2.0
/* Both versions' files as plain ones: what is written where, and what is read out of them. */
#include "../src/cpu_quota.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "check.h"

using namespace tracebench;

namespace
{

/* Files of a control group, without its kernel: "0" in a list of members means the thread that writes it. */
struct Groups {
	std::filesystem::path parent;

	Groups()
	{
		char name[] = "/tmp/tb-quota-XXXXXX";
		parent = mkdtemp(name);
		std::filesystem::create_directory(parent / "group");
	}
	~Groups() { std::filesystem::remove_all(parent); }

	std::string group() const { return parent / "group"; }
	void put(const char *file, const char *text) const { std::ofstream(parent / file) << text; }
	std::string get(const char *file) const
	{
		std::ostringstream text;
		text << std::ifstream(parent / file).rdbuf();
		return text.str();
	}
};

} // namespace

TEST(cpu_quota_of_version_1)
{
	Groups g;
	for (const char *file : {"tasks", "group/tasks", "group/cpu.cfs_period_us", "group/cpu.cfs_quota_us"})
		g.put(file, "");
	g.put("group/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 900\nnr_bursts 0\n");
	CpuQuota quota({g.group(), 20'000, 1000});
	tb_error err = {};
	CHECK(quota.enter(&err));
	CHECK_EQ(g.get("group/cpu.cfs_period_us"), std::string("20000"));
	CHECK_EQ(g.get("group/cpu.cfs_quota_us"), std::string("1000"));
	CHECK_EQ(g.get("group/tasks"), std::string("0"));
	CHECK_EQ(g.get("tasks"), std::string());
	g.put("group/cpu.stat", "nr_periods 105\nnr_throttled 42\nthrottled_time 1900900\nnr_bursts 0\n");
	Throttling t;
	CHECK(quota.leave(&t, &err));
	CHECK_EQ(g.get("tasks"), std::string("0"));
	CHECK_EQ(t.periods, 100u);
	CHECK_EQ(t.throttled_periods, 40u);
	CHECK_EQ(t.throttled_ns, 1'900'000u);
}

TEST(cpu_quota_of_version_2)
{
	Groups g;
	for (const char *file : {"cgroup.threads", "group/cgroup.threads", "group/cpu.max"})
		g.put(file, "");
	g.put("group/cpu.stat", "usage_usec 7\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
	CpuQuota quota({g.group(), 10'000, 2000});
	tb_error err = {};
	CHECK(quota.enter(&err));
	CHECK_EQ(g.get("group/cpu.max"), std::string("2000 10000"));
	CHECK_EQ(g.get("group/cgroup.threads"), std::string("0"));
	g.put("group/cpu.stat", "usage_usec 7\nnr_periods 9\nnr_throttled 8\nthrottled_usec 77\n");
	Throttling t;
	CHECK(quota.leave(&t, &err));
	CHECK_EQ(g.get("cgroup.threads"), std::string("0"));
	CHECK_EQ(t.throttled_ns, 77'000u);
}

TEST(cpu_quota_that_cannot_be_had_says_why)
{
	Groups g;
	CpuQuota none({g.group(), 10'000, 2000});
	tb_error err = {};
	CHECK(!none.enter(&err));
	CHECK_EQ(err.code, -ENOENT);
	CHECK(std::string(err.message).find("cpu.cfs_period_us of " + g.group()) != std::string::npos);
	CHECK(std::string(err.message).find("No such file") != std::string::npos);

	for (const char *file : {"group/cgroup.threads", "group/cpu.max"})
		g.put(file, "");
	g.put("group/cpu.stat", "usage_usec 7\n"); /* a kernel without CONFIG_CFS_BANDWIDTH */
	CHECK(!none.enter(&err));
	CHECK(std::string(err.message).find("does not say how long") != std::string::npos);
	CHECK_EQ(g.get("group/cgroup.threads"), std::string());
}

// SPDX-License-Identifier: Apache-2.0
/* What the machine did between two looks: soaker's pieces CPU by CPU, kernel threads that ran. */
#include <memory>
#include <unistd.h>

#include "../src/machine_use.h"
#include "check.h"

using namespace tracebench;

TEST(soak_reading_has_the_cpus_that_soak)
{
	auto page = std::make_unique<tb_soak>();
	*page = {.magic = TB_SOAK_MAGIC};
	CHECK_EQ(read_soak(*page).cpus.size(), 0u);
	page->cpu[0] = {.pieces = 10, .quick_pieces = 8, .quick_ns = 16000, .cpu = 0};
	page->cpu[1] = {.pieces = 5, .quick_pieces = 5, .quick_ns = 10500, .cpu = 3};
	page->cpus = 2;
	SoakReading before = read_soak(*page);
	page->cpu[1] = {.pieces = 105, .quick_pieces = 95, .quick_ns = 190500, .cpu = 3};
	SoakReading between = difference(read_soak(*page), before);
	CHECK_EQ(between.cpus.size(), 2u);
	CHECK_EQ(between.cpus[0].pieces, 0u);
	CHECK_EQ(between.cpus[1].cpu, 3u);
	CHECK_EQ(between.cpus[1].pieces, 100u);
	CHECK_EQ(between.cpus[1].quick_pieces, 90u);
	CHECK_EQ(between.cpus[1].quick_ns, 180000u);
}

TEST(kernel_threads_are_those_that_ran_the_busiest_first)
{
	std::vector<KernelThread> before = {{2, "kthreadd", 500},
					    {10, "ksoftirqd/0", 1000},
					    {11, "gone", 70}};
	std::vector<KernelThread> after = {{2, "kthreadd", 500}, {10, "ksoftirqd/0", 1200}, {12, "new", 900}};
	std::vector<KernelThread> ran = difference(after, before);
	CHECK_EQ(ran.size(), 2u);
	CHECK_EQ(ran[0].name, std::string("new"));
	CHECK_EQ(ran[0].cpu_ns, 900u);
	CHECK_EQ(ran[1].name, std::string("ksoftirqd/0"));
	CHECK_EQ(ran[1].cpu_ns, 200u);
}

TEST(kernel_threads_are_no_processes)
{
	for (const KernelThread &t : kernel_threads()) {
		CHECK(t.pid != getpid());
		CHECK(!t.name.empty());
	}
}

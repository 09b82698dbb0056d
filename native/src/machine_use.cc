// SPDX-License-Identifier: Apache-2.0
#include "machine_use.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <unordered_map>

#include "../include/clock.h"

namespace tracebench
{

namespace
{

constexpr unsigned kKernelThread = 0x00200000; /* PF_KTHREAD, the same since Linux 2.6.27 */

/* The beginning of /proc/PID/NAME as text; empty when the process is gone. */
std::string read_beginning(const char *pid, const char *name)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return {};
	size_t n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return {text, n};
}

/* From `pid (name) state ppid pgrp session tty tpgid flags …`; a name may hold anything. False for any other process. */
bool is_kernel_thread(const std::string &stat, std::string *name)
{
	size_t open = stat.find('('), close = stat.rfind(')');
	unsigned flags;
	if (open == std::string::npos || close == std::string::npos ||
	    sscanf(stat.c_str() + close + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1 ||
	    !(flags & kKernelThread))
		return false;
	*name = stat.substr(open + 1, close - open - 1);
	return true;
}

} // namespace

SoakReading read_soak(const tb_soak &page)
{
	SoakReading reading;
	uint32_t n = __atomic_load_n(&page.cpus, __ATOMIC_ACQUIRE);
	reading.cpus.reserve(n);
	reading.now_ns = tb_monotonic_ns();
	for (uint32_t i = 0; i < n; i++) {
		const tb_soak_cpu &c = page.cpu[i];
		reading.cpus.push_back({
			.pieces = __atomic_load_n(&c.pieces, __ATOMIC_RELAXED),
			.quick_pieces = __atomic_load_n(&c.quick_pieces, __ATOMIC_RELAXED),
			.quick_ns = __atomic_load_n(&c.quick_ns, __ATOMIC_RELAXED),
			.cpu = c.cpu,
		});
	}
	return reading;
}

SoakReading difference(const SoakReading &later, const SoakReading &earlier)
{
	SoakReading d = later;
	d.now_ns -= earlier.now_ns;
	for (size_t i = 0; i < d.cpus.size() && i < earlier.cpus.size(); i++) {
		d.cpus[i].pieces -= earlier.cpus[i].pieces;
		d.cpus[i].quick_pieces -= earlier.cpus[i].quick_pieces;
		d.cpus[i].quick_ns -= earlier.cpus[i].quick_ns;
	}
	return d;
}

std::vector<KernelThread> kernel_threads()
{
	std::vector<KernelThread> threads;
	DIR *proc = opendir("/proc");
	if (!proc)
		return threads;
	while (const dirent *entry = readdir(proc)) {
		std::string name;
		uint64_t ns;
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !is_kernel_thread(read_beginning(entry->d_name, "stat"), &name))
			continue;
		if (sscanf(read_beginning(entry->d_name, "schedstat").c_str(), "%" SCNu64, &ns) == 1)
			threads.push_back({static_cast<pid_t>(atoi(entry->d_name)), name, ns});
	}
	closedir(proc);
	return threads;
}

std::vector<KernelThread> difference(const std::vector<KernelThread> &later,
				     const std::vector<KernelThread> &earlier)
{
	std::unordered_map<pid_t, uint64_t> before;
	for (const KernelThread &t : earlier)
		before[t.pid] = t.cpu_ns;
	std::vector<KernelThread> ran;
	for (const KernelThread &t : later) {
		auto known = before.find(t.pid);
		uint64_t then = known == before.end() || known->second > t.cpu_ns ? 0 : known->second;
		if (t.cpu_ns > then)
			ran.push_back({t.pid, t.name, t.cpu_ns - then});
	}
	std::sort(ran.begin(), ran.end(),
		  [](const KernelThread &a, const KernelThread &b) { return a.cpu_ns > b.cpu_ns; });
	return ran;
}

} // namespace tracebench

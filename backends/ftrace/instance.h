/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private tracing instance: a ring buffer per CPU, events, filters and options of its own, in nobody's way.
 * Removed with its owner; when the process is killed the guard removes it, by its name.
 */
#ifndef TRACEBENCH_FTRACE_INSTANCE_H
#define TRACEBENCH_FTRACE_INSTANCE_H

#include <string>
#include <vector>

#include "formats.h"
#include "tracefs.h"

namespace tb::ftrace
{

/* What an instance's per_cpu/cpuN/stats admits. In records; all of them only grow. */
struct CpuStats {
	uint64_t overrun = 0;        /* overwritten before they were read (overwrite=1) */
	uint64_t commit_overrun = 0; /* no room because an interrupted writer was not done yet */
	uint64_t dropped = 0;        /* no room (overwrite=0) */
	uint64_t read = 0;           /* handed to a reader; no loss */
	uint64_t unread = 0;         /* committed and not yet read; no loss, and goes up and down */

	uint64_t lost() const { return overrun + commit_overrun + dropped; }
};

/* False when `text` is not what the kernel prints. */
bool parse_stats(const char *text, CpuStats *stats);

/* tracebench-PID-STARTTIME of this process; what comes behind tells the instances of one process apart. */
std::string instance_name(const char *suffix);

class Instance
{
public:
	Instance() = default;
	Instance(const Instance &) = delete;
	Instance &operator=(const Instance &) = delete;
	~Instance() { remove(); }

	/* 0 or -errno. Not recording yet, its clock CLOCK_MONOTONIC, following forks. -EEXIST when the name is taken. */
	int create(const Fd &tracefs, const std::string &name, bool overwrite, tb_error *err);
	/*
	 * Whole sub-buffers for each CPU, within so many bytes; two at least, which is the kernel's minimum. Then the sizes
	 * as granted, of the room for events alone.
	 */
	int resize(uint64_t bytes_per_cpu, const Formats &formats, tb_error *err);
	uint64_t bytes_per_cpu() const { return bytes_per_cpu_; }
	uint64_t bytes() const { return bytes_; }

	/* "group/event"; with an empty filter every one is recorded. */
	int add_event(const char *event, const std::string &filter, tb_error *err);

	/* Records the events added from now on, made by `pid` and whatever grows from it. */
	int start(pid_t pid, tb_error *err);
	/* No event is recorded any more; what is in the buffers stays. */
	int stop(tb_error *err);

	int write(const char *path, const std::string &text, tb_error *err) const;
	int read(const char *path, std::string *text, tb_error *err) const;
	/* A descriptor of one of its files, which must be closed before the instance. */
	int open(const char *path, int flags, Fd *fd, tb_error *err) const;

	/* CPUs that have a buffer. */
	const std::vector<unsigned> &cpus() const { return cpus_; }
	int read_stats(size_t cpu_index, CpuStats *stats, tb_error *err) const;

private:
	int configure(bool overwrite, tb_error *err);
	int find_cpus(tb_error *err);
	void remove();

	Fd parent_; /* tracefs' folder of instances */
	Fd folder_;
	std::string name_; /* empty: not there */
	std::vector<std::string> events_;
	std::vector<unsigned> cpus_;
	std::vector<Fd> stats_;
	uint64_t bytes_per_cpu_ = 0, bytes_ = 0;
	bool started_ = false;
};

} // namespace tb::ftrace

#endif

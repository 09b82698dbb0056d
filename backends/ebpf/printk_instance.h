/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tracing instance of our own that records nothing but what programs print; its buffers and their books. Overwriting is off,
 * so a full buffer loses its newest.
 */
#ifndef TRACEBENCH_EBPF_PRINTK_INSTANCE_H
#define TRACEBENCH_EBPF_PRINTK_INSTANCE_H

#include <cstdint>
#include <string>
#include <vector>

#include "source.h"

namespace tb::ebpf
{

class PrintkInstance
{
public:
	PrintkInstance() = default;
	PrintkInstance(const PrintkInstance &) = delete;
	PrintkInstance &operator=(const PrintkInstance &) = delete;
	~PrintkInstance();

	/* Before the programs are loaded; its name keeps what the load changes. 0 or -errno. */
	int create(uint64_t buffer_bytes, tb_error *err);
	/* After it: puts the top-level event back, and from now on records. 0 or -errno. */
	int start(tb_error *err);

	/* Its trace_pipe, which does not block. A descriptor, the caller's, or -errno. */
	int open_pipe(tb_error *err) const;
	size_t cpus() const { return cpus_.size(); }
	/* Room for events on each CPU, as the kernel granted it. */
	uint64_t pages_per_cpu() const { return pages_; }
	/* Events for which there was no room, on all CPUs. */
	uint64_t dropped() const;

private:
	int write(const char *path, const char *text, tb_error *err) const;
	int configure(uint64_t buffer_bytes, tb_error *err);
	bool top_level_is_on() const;
	int put_back(tb_error *err) const;
	int settle(tb_error *err);

	int tracefs_ = -1;
	int folder_ = -1;
	std::string path_; /* below tracefs_; empty: nothing was made */
	bool was_off_ = false;
	bool settled_ = false;  /* what a load turned on is off, and stays off */
	std::vector<int> cpus_; /* that have a buffer */
	uint64_t pages_ = 0;
};

/* Bytes of a sub-buffer of one page that events can fill. */
uint64_t sub_buffer_event_bytes();

} // namespace tb::ebpf

#endif

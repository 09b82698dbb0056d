/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one target under the ptrace source as a trial does: a launcher starts it (so that it is a grandchild), it waits
 * at a pipe until it is armed, then calls execve; a thread of its own drains.
 */
#ifndef TRACEBENCH_PTRACE_TEST_DRIVER_H
#define TRACEBENCH_PTRACE_TEST_DRIVER_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "source.h"

extern "C" const struct tb_source_ops tb_ptrace_source;

/* Shared with the target (descriptor TRUTH_FD): what it did, and how far it is. */
struct truth {
	uint64_t launcher_exec[3]; /* the arguments of the execve that made the target */
	uint32_t phase;            /* raised by the target */
	uint32_t go;               /* raised by the test */
	uint32_t tid_count;
	pid_t tids[64];
	uint64_t progress[64];
	uint64_t words[8];
};

constexpr int TRUTH_FD = 99;

struct traced_run;

struct run_options {
	std::vector<std::string> argv;
	std::string variant;
	struct tb_filter filter = {};
	uint32_t capacity = 1024;
	uint32_t timeout_us = 2000;
	/* On the main thread, while the drain thread drains. */
	std::function<void(traced_run &)> meanwhile;
	/* On the drain thread. */
	std::function<void()> before_disarm;
};

struct traced_run {
	std::vector<struct tb_record> records;
	std::map<std::string, uint64_t> counters;
	struct truth *truth = nullptr;
	pid_t pid = 0;
	int status = -1; /* of the target, as its parent's wait4 had it */
	int disarm_rc = 1;
	struct tb_error error = {};
	std::string failure; /* of open, arm or drain */
	uint32_t rounds = 0;

	std::atomic<bool> stop{false};
	std::atomic<bool> disarmed{false};
	std::atomic<bool> ended{false}; /* TB_DRAIN_END came */

	traced_run() = default;
	~traced_run();
	/* The next wait status that the target's parent saw (stops and continues included); -1 after 20 s. */
	int next_status();
	void wait_phase(uint32_t phase);

	int launcher_status_fd = -1;
	pid_t launcher = 0;
};

void run_traced(const struct run_options &options, struct traced_run *run);

#endif

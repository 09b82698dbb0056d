/* SPDX-License-Identifier: Apache-2.0 */
/* From samples to calls (docs/method.md, "What one call is"). One class for each way in which a variant samples. */
#ifndef TRACEBENCH_PERF_CALLS_H
#define TRACEBENCH_PERF_CALLS_H

#include <cstdint>
#include <memory>
#include <vector>

#include "sample.h"
#include "source.h"

namespace tb::perf
{

/* A tracepoint of one system call's entry, by its id, where such are used. */
struct EntryPoint {
	uint16_t type;
	int32_t nr;
};

/* What the samples of a trace mean. */
struct CallsConfig {
	tb_filter filter = {};
	RawLayout layout;
	uint16_t type_enter = 0; /* ids of raw_syscalls:sys_enter and sys_exit; 0: not sampled */
	uint16_t type_exit = 0;
	std::vector<EntryPoint> entry_points;
	bool mark = true;  /* see registers.h */
	bool lean = false; /* exits carry kLeanMask and not kCallMask; `mark` is false then */
	/*
	 * Not 0: samples come from before the target's execve, which this thread will make; what is before that entry is
	 * dropped. 0: sampling begins with the execve itself.
	 */
	uint32_t gate_tid = 0;
};

struct CallsHealth {
	uint64_t births = 0;
	uint64_t refused = 0;
	uint64_t execs_without_entry = 0; /* delivered without arguments */
	uint64_t partial_calls = 0;       /* delivered without a return value, because that was lost */
	uint64_t unpaired_exits = 0;      /* thrown away, because the entry was lost or in doubt */
	uint64_t table_full = 0;          /* samples of too many threads, dropped */
	uint64_t undecodable = 0;         /* samples whose raw data lacks a field */
};

class Calls
{
public:
	virtual ~Calls() = default;

	/* Samples in an order that is right within each thread. Returns how many records it wrote, 0 to 2. */
	virtual unsigned take(const Sample &sample, tb_record out[2]) = 0;
	/* Records may be missing between the last sample and the next. */
	virtual void lost() = 0;
	/* All that was recorded has been taken. Writes what has been waited for in vain, up to `capacity`; returns how many. */
	virtual unsigned settle(tb_record *, unsigned) { return 0; }
	virtual CallsHealth health() const = 0;
};

/* One record a call, from the exit; entries of execve, execveat, exit and exit_group besides. x86-64 only, else null. */
std::unique_ptr<Calls> make_exit_calls(const CallsConfig &config);
/* Entries and exits, paired. */
std::unique_ptr<Calls> make_paired_calls(const CallsConfig &config);
/* Entries alone. */
std::unique_ptr<Calls> make_entry_calls(const CallsConfig &config);

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The declared ways to run this backend, and the events that each puts on the target. */
#ifndef TRACEBENCH_PERF_VARIANT_H
#define TRACEBENCH_PERF_VARIANT_H

#include <memory>
#include <vector>

#include "calls.h"
#include "source.h"
#include "target_events.h"
#include "tracefs.h"

namespace tb::perf
{

enum class Way {
	exits,     /* one record a call, from the exit */
	pairs,     /* entry and exit of each call */
	entries,   /* entries alone */
	counts,    /* no records */
	functions, /* calls of a function and no system calls */
};

struct Variant {
	const char *name; /* "" is the default */
	Way way;
	bool by_cgroup; /* follows a private control group, and not what the target inherits */
	bool lean;      /* `exits` without the registers by which int 0x80 is told */
};

/* NULL when there is no such variant. */
const Variant *find_variant(const char *name);

/* What PERF_RECORD_LOST adds to the record that it precedes. */
constexpr uint32_t kLostBytes = 24;

/* What a variant does under a filter on this kernel. */
struct Plan {
	std::vector<TargetEvent> events;
	CallsConfig calls;       /* but for gate_tid */
	bool gated = false;      /* events see what is before the target's execve: gate_tid is wanted */
	uint64_t registers = 0;  /* mask */
	uint64_t call_bytes = 0; /* buffer bytes of one call */
	uint32_t record_bytes_max = 0;
};

/* Looks up the tracepoints. 0 or -errno. */
int make_plan(const Variant &variant, const tb_filter &filter, const Tracefs &tracefs, Plan *plan,
	      tb_error *err);

std::unique_ptr<Calls> make_calls(const Variant &variant, const CallsConfig &config);

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The events on the target, of tracepoints or uprobes: one of each kind per CPU, all of a CPU in its ring. */
#ifndef TRACEBENCH_PERF_TARGET_EVENTS_H
#define TRACEBENCH_PERF_TARGET_EVENTS_H

#include <cstdint>
#include <string>
#include <vector>

#include "event.h"
#include "rings.h"
#include "source.h"

namespace tb::perf
{

/* What is missing when a record of the event is lost. */
enum class Carries {
	call,    /* a call */
	returns, /* a call's return value */
	note,    /* the arguments of an execve that succeeds */
};

/* When an event begins to record. */
enum class Begins {
	armed,  /* at once */
	execve, /* with the target's execve, before that returns */
};

/* A place in a program's code. */
struct Uprobe {
	uint32_t pmu_type = 0;
	std::string program; /* path; "" for none */
	uint64_t offset = 0; /* in the file */
};

struct TargetEvent {
	uint32_t tracepoint; /* id */
	std::string filter;  /* expression; "" for none */
	Carries carries;
	Begins begins;
	Uprobe uprobe = {}; /* instead of the tracepoint */
};

/* Records that found no room, by what they carried. */
struct Lost {
	uint64_t calls = 0, returns = 0, notes = 0;
};

class TargetEvents
{
public:
	/*
	 * Opens `events` on every CPU of `rings` and starts them. `lost_format`: see has_lost_format. 0 or -errno; then none
	 * is left.
	 */
	int open(const std::vector<TargetEvent> &events, const Subject &subject, const Rings &rings,
		 uint64_t registers, bool lost_format, tb_error *err);
	/* Stops them, takes their counts of lost records and closes them. Idempotent. 0 or -errno. */
	int stop(tb_error *err);
	/* Up to now, or up to the stop; exact. Zero without the format. 0 or -errno. */
	int lost(Lost *lost, tb_error *err) const;

private:
	struct Opened {
		Descriptor fd;
		Carries carries;
		Begins begins;
	};

	int open_all(const std::vector<TargetEvent> &events, const Subject &subject, const Rings &rings,
		     uint64_t registers, tb_error *err);
	int open_one(const TargetEvent &event, const Subject &subject, int cpu, int ring, uint64_t registers,
		     tb_error *err);

	bool lost_format_ = false;
	std::vector<Opened> opened_;
	Lost lost_at_stop_;
};

} // namespace tb::perf

#endif

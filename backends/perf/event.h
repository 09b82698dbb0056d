/* SPDX-License-Identifier: Apache-2.0 */
/* perf_event_open, and what its refusals mean. */
#ifndef TRACEBENCH_PERF_EVENT_H
#define TRACEBENCH_PERF_EVENT_H

#include <cstdint>
#include <linux/perf_event.h>
#include <sys/types.h>
#include <vector>

#include "descriptor.h"
#include "source.h"

/* Linux 6.0; headers of that age may lack it. */
#define TB_PERF_FORMAT_LOST (1u << 4)

namespace tb::perf
{

/* What is observed: a task, or with PERF_FLAG_PID_CGROUP a control group by its descriptor. */
struct Subject {
	pid_t pid;
	unsigned long flags; /* of perf_event_open, besides CLOEXEC */
};

/* Sizes and period set, CLOCK_MONOTONIC, disabled; nothing else. */
perf_event_attr make_attr(uint32_t type, uint64_t config);

/* 0 with *event open, or -errno. */
int open_event(const perf_event_attr &attr, const Subject &subject, int cpu, Descriptor *event);

/* Says in *err why opening `what` failed, and the mend. Returns code. */
int explain_refusal(tb_error *err, int code, const char *what);

/* Whether the kernel counts lost records per event (Linux 6.0). 1, 0, or -errno with *err filled. */
int has_lost_format(tb_error *err);

/* The CPUs that are online, as /sys says; 0 or -errno with *err filled. */
int online_cpus(std::vector<int> *cpus, tb_error *err);

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The control group that perf sees a process in. */
#ifndef TRACEBENCH_PERF_CGROUP_H
#define TRACEBENCH_PERF_CGROUP_H

#include <string>
#include <sys/types.h>

#include "descriptor.h"
#include "source.h"

namespace tb::perf
{

/*
 * Its directory in the hierarchy that perf uses: the one of the controller perf_event where that is mounted (version
 * 1), else cgroup2. 0 or -errno with *err filled.
 */
int cgroup_of(pid_t pid, std::string *directory, tb_error *err);

/* Opens the private group that the target was put into; refuses any other, which would trace strangers. 0 or -errno. */
int open_private_cgroup(pid_t pid, Descriptor *group, tb_error *err);

} // namespace tb::perf

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What this backend reads of processes, from /proc. */
#ifndef TRACEBENCH_AUDITD_PROCESSES_H
#define TRACEBENCH_AUDITD_PROCESSES_H

#include <cstdint>
#include <sys/types.h>

#include "collector.h"

namespace tb::auditd
{

/* The audit session of a process; -errno, or -EINVAL for what is no number. */
int read_session(pid_t pid, uint32_t *session);

/* The call in which `pid` sleeps; not known where the kernel does not tell. */
GateCall read_gate_call(pid_t pid);

/* The kernel thread that sends records; 0 when /proc does not show it. */
pid_t find_kauditd();

/* CPU time of a process so far, from its schedstat. False when it cannot be read. */
bool read_cpu_ns(pid_t pid, uint64_t *ns);

} // namespace tb::auditd

#endif

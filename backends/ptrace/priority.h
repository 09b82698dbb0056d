/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PTRACE_PRIORITY_H
#define TRACEBENCH_PTRACE_PRIORITY_H

#include <sys/types.h>

namespace tb_ptrace
{

/*
 * Steps back behind a target that is bound to the same single CPU: the calling (drain) thread's nice value is raised to
 * step_back. The target then runs as soon as it is let go, before the tracer has gone to sleep in wait4, and finds
 * nobody to wake at its next stop: a wake-up and a dequeue less per stop. There is always either a stop to serve or a
 * target to wait for, so the tracer starves behind the target only while that one spins (for a few slices).
 * Elsewhere nothing is changed. Returns the nice value in effect. It lasts as long as the thread; giving it back would
 * take a privilege that taking it does not.
 */
int step_back_beside(pid_t target);

} /* namespace tb_ptrace */

#endif

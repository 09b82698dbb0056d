/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_SECCOMP_TRACE_H
#define TRACEBENCH_LAUNCHER_SECCOMP_TRACE_H

#include <stdint.h>

/*
 * Puts a filter on the calling process that returns SECCOMP_RET_TRACE for the `count` native numbers in nr, or, with
 * nr NULL, for every call of every architecture; all else is allowed. Needs CAP_SYS_ADMIN, because it does without
 * NO_NEW_PRIVS, which would disable set-uid in the target. 0 or -errno.
 *
 * From here on a traced call fails with ENOSYS when there is no tracer.
 */
int tb_seccomp_trace__install(const uint32_t *nr, unsigned count);

/* Whether that would work: 0 or -errno (-EOPNOTSUPP: not in this kernel, -EPERM: no CAP_SYS_ADMIN). */
int tb_seccomp_trace__check(void);

#endif

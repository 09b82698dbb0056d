/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_AUDIT_SESSION_H
#define TRACEBENCH_LAUNCHER_AUDIT_SESSION_H

#include <sys/types.h>

/*
 * Puts the calling process, which has one thread, into an audit session of its own, by setting its login uid. The kernel
 * numbers sessions. 0 or -errno.
 */
int tb_audit_session__begin(uid_t login_uid);

/* Why it failed, and what helps. */
const char *tb_audit_session__explain(int code);

#endif

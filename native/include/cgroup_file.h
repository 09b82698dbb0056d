/* SPDX-License-Identifier: Apache-2.0 */
/* Control files of a control group, and a thread's way into one; version 1 and cgroup2 alike. */
#ifndef TRACEBENCH_CGROUP_FILE_H
#define TRACEBENCH_CGROUP_FILE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One write, which must say all. 0 or -errno. */
int tb_cgroup_file__write(const char *group, const char *file, const char *text);

bool tb_cgroup_file__exists(const char *group, const char *file);

/* Puts the calling thread in: by `tasks` in version 1, by `cgroup.threads` where cgroup2's group is a threaded one. 0 or -errno. */
int tb_cgroup_file__join(const char *group);

#ifdef __cplusplus
}
#endif

#endif

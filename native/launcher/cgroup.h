/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_CGROUP_H
#define TRACEBENCH_LAUNCHER_CGROUP_H

#include <stdio.h>

/* The control groups of guards, dead or alive, as a JSON list; or an object that says why they cannot be listed. */
void tb_cgroup__write_state(FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The tracing instances of ours that exist right now, as one JSON object: {"available":true,"instances":["…"]}. */
#ifndef TRACEBENCH_LAUNCHER_TRACEFS_INSTANCES_H
#define TRACEBENCH_LAUNCHER_TRACEFS_INSTANCES_H

#include <stdio.h>

void tb_tracefs_instances__write_state(FILE *out);

#endif

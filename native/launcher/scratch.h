/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_SCRATCH_H
#define TRACEBENCH_LAUNCHER_SCRATCH_H

#include <stdio.h>

/* The private directories of guards, dead or alive, as a JSON list. */
void tb_scratch__write_state(FILE *out);

#endif

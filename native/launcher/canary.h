/* SPDX-License-Identifier: Apache-2.0 */
/* What a system call costs the calling process, with nothing in it. */
#ifndef TRACEBENCH_LAUNCHER_CANARY_H
#define TRACEBENCH_LAUNCHER_CANARY_H

#include <stdint.h>

/* ns per getppid: the best of five blocks of so many calls. A block that was interrupted is slow, none is fast by chance. */
double tb_canary__ns_per_call(uint64_t calls_per_block);

#endif

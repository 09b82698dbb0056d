/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_START_TIME_H
#define TRACEBENCH_START_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * When a process started, in clock ticks since boot, which tells a pid that was given out again; 0: no such process, or only
 * its zombie.
 */
unsigned long long tb_start_time(int pid);

#ifdef __cplusplus
}
#endif

#endif

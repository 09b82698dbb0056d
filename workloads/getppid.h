/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of `null` and of each thread of `threads`: getppid, the kernel's cheapest call that takes a lock-free path. */
#ifndef TRACEBENCH_WORKLOADS_GETPPID_H
#define TRACEBENCH_WORKLOADS_GETPPID_H

#include "workload.h"

int tb_getppid__prepare(struct tb_run *run);
void tb_getppid__section(struct tb_lane *lane, uint64_t calls);

#endif

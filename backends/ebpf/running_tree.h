/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that run already: which threads a process and what has grown from it have, as /proc tells. */
#ifndef TRACEBENCH_EBPF_RUNNING_TREE_H
#define TRACEBENCH_EBPF_RUNNING_TREE_H

#include <cstdint>
#include <sys/types.h>

#include "programs.h"
#include "source.h"

namespace tb::ebpf
{

/*
 * Makes every living thread of `root` and of its descendants the target. The programs that follow forks and exits are attached
 * already, so whatever a thread that was found begins is followed; what those not yet found begin is found by looking
 * again, until a look finds nobody new. *found: threads. 0 or -errno.
 */
int follow_running_tree(Programs *programs, pid_t root, uint32_t *found, tb_error *err);

} // namespace tb::ebpf

#endif

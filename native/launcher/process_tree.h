/* SPDX-License-Identifier: Apache-2.0 */
/* The descendants of the calling process, which must be a child subreaper so that orphans stay among them. */
#ifndef TRACEBENCH_LAUNCHER_PROCESS_TREE_H
#define TRACEBENCH_LAUNCHER_PROCESS_TREE_H

/*
 * Sends SIGKILL to every descendant found in one pass; a tree that forks meanwhile needs another. Returns how many
 * were signalled (zombies among them), or -errno when /proc cannot be read.
 */
int tb_process_tree__kill(void);

#endif

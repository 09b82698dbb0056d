/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of guards: in the hierarchy of one controller, of version 1 where the controller is mounted so, else in
 * cgroup2. Each is a child of the group that its guard is in, so that limits which hold for the study hold in it too. Its
 * name, tracebench-PID-STARTTIME with a suffix for what it is, says whose it is; one whose guard is gone is stale.
 */
#ifndef TRACEBENCH_LAUNCHER_CGROUP_TREE_H
#define TRACEBENCH_LAUNCHER_CGROUP_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "hold.h"

/* Suffixes: none is a target's. Of threads under a CPU limit; the same, and the parent turned the cpu controller on for it. */
#define TB_CGROUP_CPU    "-cpu"
#define TB_CGROUP_CPU_ON "-cpu-on"

struct tb_cgroup_tree {
	bool version1;
	char mount[PATH_MAX];
	char root[PATH_MAX]; /* which group the mount shows as its top */
};

/* 0, -ENOENT where neither is mounted, or -errno. */
int tb_cgroup_tree__find(const char *controller, struct tb_cgroup_tree *tree);
/* The same, with the directory of this process's own group. 0, or -errno with the reason. */
int tb_cgroup_tree__locate(const char *controller, struct tb_cgroup_tree *tree, char directory[PATH_MAX],
			   char reason[TB_REASON_MAX]);
/* Makes a group of this guard's below `own`. 0, or -errno with the reason. */
int tb_cgroup_tree__make(const char *own, const char *suffix, char group[PATH_MAX],
			 char reason[TB_REASON_MAX]);
/* Removes a group once it is empty, which is waited for; what stays in it is moved to the group above. */
int tb_cgroup_tree__remove(const char *group, char reason[TB_REASON_MAX]);
/* Writes the reason, with the mend where rights are missing, and returns `code`. */
int tb_cgroup_tree__explain(int code, const char *what, const char *where, char reason[TB_REASON_MAX]);

/* in_use: its guard lives. What is not 0 ends the walk. */
typedef int (*tb_cgroup_visit)(const char *group, bool in_use, void *context);
/* Every group of a guard's in the tree, wherever a study was started. */
int tb_cgroup_tree__walk(const struct tb_cgroup_tree *tree, tb_cgroup_visit visit, void *context);
/* A hold's repair, for the tree of that controller. */
int tb_cgroup_tree__repair(const char *controller, struct tb_found *found, char reason[TB_REASON_MAX]);

#endif

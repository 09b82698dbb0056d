/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private control group for threads (cgroup_tree.h): for one of the trial whose CPU time is limited, or for the spinners of
 * tracebench-awake, which give way as a group. Whoever asked sets limit or weight and puts the threads in; launcher and
 * target stay where they are.
 *
 * Version 1 takes single threads anywhere. In cgroup2 the group must be a threaded one, and its parent, where the other threads
 * are, must hand the cpu controller on: where it does not, it is turned on for as long as the group lives.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../include/cgroup_file.h"
#include "cgroup_tree.h"

#define CONTROLLER "cpu"

static char held[PATH_MAX];

/* Whether the group's file lists the controller; false also where there is no such file. */
static bool lists_cpu(const char *group, const char *file)
{
	char path[PATH_MAX + 64], word[64];
	bool found = false;
	FILE *list;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	list = fopen(path, "re");
	while (list && !found && fscanf(list, "%63s", word) == 1)
		found = !strcmp(word, CONTROLLER);
	if (list)
		fclose(list);
	return found;
}

static int make_version2(const char *own, char reason[TB_REASON_MAX])
{
	bool on = lists_cpu(own, "cgroup.subtree_control");
	int rc;

	if (!lists_cpu(own, "cgroup.controllers")) {
		snprintf(reason, TB_REASON_MAX,
			 "the control group %.300s has no cpu controller; run in one that has: systemd-run "
			 "--scope -p Delegate=yes …",
			 own);
		return -EOPNOTSUPP;
	}
	rc = tb_cgroup_tree__make(own, on ? TB_CGROUP_CPU : TB_CGROUP_CPU_ON, held, reason);
	if (rc)
		return rc;
	/* First the type: by it the parent may have processes of its own beside controllers. */
	rc = tb_cgroup_file__write(held, "cgroup.type", "threaded");
	if (rc) {
		tb_cgroup_tree__explain(rc, "making threads the members of", held, reason);
		rmdir(held);
		return rc;
	}
	if (!on)
		rc = tb_cgroup_file__write(own, "cgroup.subtree_control", "+cpu");
	if (rc) {
		tb_cgroup_tree__explain(rc, "handing on the cpu controller of", own, reason);
		rmdir(held);
	}
	return rc;
}

static int take(char reason[TB_REASON_MAX])
{
	struct tb_cgroup_tree tree;
	char own[PATH_MAX];
	int rc = tb_cgroup_tree__locate(CONTROLLER, &tree, own, reason);

	if (rc)
		return rc;
	return tree.version1 ? tb_cgroup_tree__make(own, TB_CGROUP_CPU, held, reason)
			     : make_version2(own, reason);
}

static const char *where(void)
{
	return held;
}

static int give_back(char reason[TB_REASON_MAX])
{
	return tb_cgroup_tree__remove(held, reason);
}

static int repair(struct tb_found *found, char reason[TB_REASON_MAX])
{
	return tb_cgroup_tree__repair(CONTROLLER, found, reason);
}

const struct tb_hold tb_cpu_group_hold = {
	.name = "cpu-group",
	.take = take,
	.where = where,
	.give_back = give_back,
	.repair = repair,
};

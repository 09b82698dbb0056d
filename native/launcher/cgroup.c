/* SPDX-License-Identifier: Apache-2.0 */
/* A private control group for one target, in the hierarchy that perf uses (cgroup_tree.h). */
#include "cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup_tree.h"
#include "hold.h"
#include "json_line.h"

#define CONTROLLER "perf_event"

static char held[PATH_MAX];

static int take(char reason[TB_REASON_MAX])
{
	struct tb_cgroup_tree tree;
	char own[PATH_MAX];
	int rc = tb_cgroup_tree__locate(CONTROLLER, &tree, own, reason);

	return rc ? rc : tb_cgroup_tree__make(own, "", held, reason);
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

static int list(const char *group, bool in_use, void *context)
{
	(void)in_use;
	tb_json__append(context, group);
	return 0;
}

void tb_cgroup__write_state(FILE *out)
{
	static const char *const controllers[] = {CONTROLLER, "cpu"};
	struct tb_cgroup_tree trees[2];
	char *found = NULL;
	size_t size;
	FILE *text = open_memstream(&found, &size);
	int rc = text ? 0 : -ENOMEM, known = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		rc = tb_cgroup_tree__find(controllers[i], &trees[known]);
		if (rc == 0 && (known == 0 || strcmp(trees[0].mount, trees[known].mount) != 0))
			rc = tb_cgroup_tree__walk(&trees[known++], list, text);
		if (rc == -ENOENT)
			rc = 0;
	}
	if (text)
		fclose(text);
	if (rc == 0)
		fprintf(out, "[%s]", found);
	else {
		fputs("{\"unreadable\":", out);
		tb_json__string(out, strerror(-rc));
		putc('}', out);
	}
	free(found);
}

const struct tb_hold tb_cgroup_hold = {
	.name = "cgroup",
	.take = take,
	.where = where,
	.give_back = give_back,
	.repair = repair,
};

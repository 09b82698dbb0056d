/* SPDX-License-Identifier: Apache-2.0 */
/* Something of the machine's that is changed while a trial runs and must be given back. One row of guard.c's table. */
#ifndef TRACEBENCH_LAUNCHER_HOLD_H
#define TRACEBENCH_LAUNCHER_HOLD_H

#include <stdbool.h>
#include <stdio.h>

#define TB_REASON_MAX 512

/* What a repair found, by its unmistakable names: two lists in memory, of guard.c. */
struct tb_found {
	FILE *removed, *in_use;
};

void tb_found__add(struct tb_found *found, bool in_use, const char *name);

struct tb_hold {
	const char *name; /* as in the status lines; --<name> asks for it */
	/* Takes it. 0, or -errno with the reason; then nothing is left behind. */
	int (*take)(char reason[TB_REASON_MAX]);
	/* What was taken, as text for the status line's `where`, after a successful take; NULL where there is nothing to name. */
	const char *(*where)(void);
	/* Gives it back and looks that it is gone. 0, or -errno with the reason. Called once, after a successful take. */
	int (*give_back)(char reason[TB_REASON_MAX]);
	/*
	 * Removes what guards that were killed left, and adds to `found` what it removed and what is of one that lives. 0, or
	 * -errno with the reason. NULL: another row's does it.
	 */
	int (*repair)(struct tb_found *found, char reason[TB_REASON_MAX]);
};

extern const struct tb_hold tb_never_task_hold;
extern const struct tb_hold tb_cgroup_hold;
extern const struct tb_hold tb_cpu_group_hold;
extern const struct tb_hold tb_audit_hold;
extern const struct tb_hold tb_audit_listen_hold;
extern const struct tb_hold tb_tracefs_instances_hold;
extern const struct tb_hold tb_scratch_hold;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `never,task` audit rule: tasks forked while it stands get no audit context, even where audit was once enabled.
 *
 * The rule has one field, a key. The kernel ignores the key when it matches (it is only printed in records), so the rule is
 * always true, and the key says whose it is: this guard's pid and start time. A rule whose process is gone is
 * stale; no other file or lock is needed, and rules of two guards are different rules. Adding and deleting rules neither
 * enables audit nor prints anything while audit is disabled. The mask of system calls is empty: the task list does not look
 * at it, and a full one would count as a rule about signals.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../include/audit_owner.h"
#include "../include/start_time.h"
#include "audit_netlink.h"
#include "guard_key.h"
#include "hold.h"

#define KEY_PREFIX "tracebench-never-task:"
#define KEY_MAX    64

struct own_rule {
	struct audit_rule_data data;
	char key[KEY_MAX]; /* data.buf */
};

static struct own_rule held;

static size_t own_rule__size(const struct own_rule *rule)
{
	return sizeof(rule->data) + rule->data.buflen;
}

static void own_rule__make(struct own_rule *rule)
{
	int pid = getpid();

	*rule = (struct own_rule){0};
	snprintf(rule->key, sizeof(rule->key), KEY_PREFIX "%d:%llu", pid, tb_start_time(pid));
	rule->data.flags = AUDIT_FILTER_TASK;
	rule->data.action = AUDIT_NEVER;
	rule->data.field_count = 1;
	rule->data.fields[0] = AUDIT_FILTERKEY;
	rule->data.fieldflags[0] = AUDIT_EQUAL;
	rule->data.buflen = (uint32_t)strlen(rule->key);
	rule->data.values[0] = rule->data.buflen;
}

enum whose { FOREIGN, STALE, IN_USE };

static enum whose whose_rule(const struct tb_audit_rule *rule, char key[KEY_MAX])
{
	unsigned long long start;
	int pid;

	if ((rule->data->flags & ~AUDIT_FILTER_PREPEND) != AUDIT_FILTER_TASK ||
	    rule->data->action != AUDIT_NEVER || rule->data->field_count != 1 ||
	    !tb_audit_rule__string(rule, 0, key, KEY_MAX) ||
	    sscanf(key, KEY_PREFIX "%d:%llu", &pid, &start) != 2)
		return FOREIGN;
	return tb_guard_key__alive(pid, start) ? IN_USE : STALE;
}

/* The rule must not come between an auditing administrator and his records: who audits tasks is left alone. */
static int refuse_if_audited(struct tb_audit *audit, char reason[TB_REASON_MAX])
{
	struct audit_status status;
	struct tb_audit_rules rules;
	char key[KEY_MAX];
	int rc = tb_audit__status(audit, &status);

	if (rc)
		return tb_guard_key__explain(rc, "audit status", reason);
	if (tb_audit_owner__lives(status.pid)) {
		snprintf(reason, TB_REASON_MAX, "audit belongs to %s", tb_audit__owner_text(status.pid));
		return -EBUSY;
	}
	rc = tb_audit__rules(audit, &rules);
	if (rc)
		return tb_guard_key__explain(rc, "audit rules", reason);
	for (size_t i = 0; rc == 0 && i < rules.count; i++) {
		switch (whose_rule(&rules.rule[i], key)) {
		case FOREIGN:
			snprintf(reason, TB_REASON_MAX, "audit is in use: it has %zu rule%s", rules.count,
				 rules.count == 1 ? "" : "s");
			rc = -EBUSY;
			break;
		case STALE:
			rc = tb_audit__delete(audit, rules.rule[i].data, rules.rule[i].size);
			if (rc && rc != -ENOENT) /* another guard may tidy up too */
				tb_guard_key__explain(rc, "stale rule of a killed guard", reason);
			else
				rc = 0;
			break;
		case IN_USE:
			break;
		}
	}
	tb_audit_rules__free(&rules);
	return rc;
}

static int take(char reason[TB_REASON_MAX])
{
	struct tb_audit audit;
	int rc = tb_audit__open(&audit);

	if (rc)
		return tb_guard_key__explain(rc, "audit socket", reason);
	rc = refuse_if_audited(&audit, reason);
	if (rc == 0) {
		own_rule__make(&held);
		rc = tb_audit__add(&audit, &held.data, own_rule__size(&held));
		if (rc)
			tb_guard_key__explain(rc, "adding the never,task rule", reason);
		/* Without an answer it may stand all the same. */
		if (rc == -ETIMEDOUT)
			tb_audit__delete(&audit, &held.data, own_rule__size(&held));
	}
	tb_audit__close(&audit);
	return rc;
}

static bool stands(const struct tb_audit_rules *rules, const struct own_rule *rule)
{
	char key[KEY_MAX];

	for (size_t i = 0; i < rules->count; i++) {
		if (whose_rule(&rules->rule[i], key) != FOREIGN && !strcmp(key, rule->key))
			return true;
	}
	return false;
}

static int give_back(char reason[TB_REASON_MAX])
{
	struct tb_audit_rules rules;
	struct tb_audit audit;
	int rc = tb_audit__open(&audit);

	if (rc)
		return tb_guard_key__explain(rc, "audit socket", reason);
	/* The list decides, whatever the answer: somebody may have flushed all rules, or an answer was late. */
	for (int attempt = 0; attempt < 3; attempt++) {
		int deleted = tb_audit__delete(&audit, &held.data, own_rule__size(&held));

		rc = tb_audit__rules(&audit, &rules);
		if (rc) {
			tb_guard_key__explain(rc, "audit rules", reason);
			continue;
		}
		rc = stands(&rules, &held) ? (deleted ? deleted : -EEXIST) : 0;
		tb_audit_rules__free(&rules);
		if (rc == 0)
			break;
		tb_guard_key__explain(rc, "removing the never,task rule", reason);
	}
	tb_audit__close(&audit);
	return rc;
}

static int repair(struct tb_found *found, char reason[TB_REASON_MAX])
{
	char key[KEY_MAX];
	struct tb_audit_rules rules;
	struct tb_audit audit;
	int rc = tb_audit__open(&audit);

	if (rc)
		return tb_guard_key__explain(rc, "audit socket", reason);
	rc = tb_audit__rules(&audit, &rules);
	if (rc) {
		tb_audit__close(&audit);
		return tb_guard_key__explain(rc, "audit rules", reason);
	}
	for (size_t i = 0; rc == 0 && i < rules.count; i++) {
		enum whose whose = whose_rule(&rules.rule[i], key);

		if (whose == FOREIGN)
			continue;
		if (whose == STALE) {
			rc = tb_audit__delete(&audit, rules.rule[i].data, rules.rule[i].size);
			if (rc)
				tb_guard_key__explain(rc, "removing a stale never,task rule", reason);
		}
		if (rc == 0)
			tb_found__add(found, whose == IN_USE, key);
	}
	tb_audit_rules__free(&rules);
	tb_audit__close(&audit);
	return rc;
}

const struct tb_hold tb_never_task_hold = {
	.name = "never-task",
	.take = take,
	.give_back = give_back,
	.repair = repair,
};

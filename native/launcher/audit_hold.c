/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit, enabled while a trial collects from it, and given back as it was: status, owner, rules.
 *
 * What the status was is kept where it is lost with the status itself, at the next boot: in the key of a rule on the
 * `user` list. That list is looked at for messages of processes only, never for calls, so the rule costs nothing; and its
 * other field, this guard's own pid, keeps it from matching anybody. Should the guard be killed, `--repair` reads it.
 *
 * The collector's own rule has the key `tracebench-audit:PID:STARTTIME` of the trial process, this guard's parent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../include/audit_owner.h"
#include "../include/bpf_objects.h"
#include "../include/start_time.h"
#include "audit_netlink.h"
#include "guard_key.h"
#include "hold.h"

#define SAVED_PREFIX    "tracebench-audit-saved:"
#define TRACE_PREFIX    "tracebench-audit:"
#define KEY_MAX         160
#define GIVE_BACK_MS    2000
#define GIVE_BACK_LOOKS 40
#define BPF_GONE_MS     1000

#define RESTORED_MASK                                                            \
	(AUDIT_STATUS_ENABLED | AUDIT_STATUS_FAILURE | AUDIT_STATUS_RATE_LIMIT | \
	 AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_BACKLOG_WAIT_TIME)

struct saved_rule {
	struct audit_rule_data data;
	char key[KEY_MAX]; /* data.buf */
};

static struct {
	struct saved_rule rule;
	struct audit_status before;
	bool changed; /* the status is ours to restore */
	int trial;
} held;

enum whose { FOREIGN, SAVED, TRACE };

/* What the key of a rule of ours says. */
struct ours {
	char key[KEY_MAX];
	int pid;
	bool alive;
	struct audit_status before; /* SAVED */
};

static enum whose whose_rule(const struct tb_audit_rule *rule, struct ours *ours)
{
	uint32_t list = rule->data->flags & ~AUDIT_FILTER_PREPEND;
	struct audit_status *b = &ours->before;
	unsigned long long start;
	enum whose whose = FOREIGN;

	memset(ours, 0, sizeof(*ours));
	if (!tb_guard_key__of_rule(rule, ours->key, sizeof(ours->key)))
		return FOREIGN;
	if (list == AUDIT_FILTER_USER &&
	    sscanf(ours->key, SAVED_PREFIX "%d:%llu:%u:%u:%u:%u:%u", &ours->pid, &start, &b->enabled,
		   &b->failure, &b->rate_limit, &b->backlog_limit, &b->backlog_wait_time) == 7)
		whose = SAVED;
	else if (list == AUDIT_FILTER_EXIT &&
		 sscanf(ours->key, TRACE_PREFIX "%d:%llu", &ours->pid, &start) == 2)
		whose = TRACE;
	if (whose != FOREIGN)
		ours->alive = tb_guard_key__alive(ours->pid, start);
	return whose;
}

static size_t saved_rule__size(const struct saved_rule *rule)
{
	return sizeof(rule->data) + rule->data.buflen;
}

static void saved_rule__make(struct saved_rule *rule, const struct audit_status *before)
{
	int pid = getpid();

	*rule = (struct saved_rule){0};
	snprintf(rule->key, sizeof(rule->key), SAVED_PREFIX "%d:%llu:%u:%u:%u:%u:%u", pid, tb_start_time(pid),
		 before->enabled, before->failure, before->rate_limit, before->backlog_limit,
		 before->backlog_wait_time);
	rule->data.flags = AUDIT_FILTER_USER;
	rule->data.action = AUDIT_NEVER;
	rule->data.field_count = 2;
	rule->data.fields[0] = AUDIT_PID;
	rule->data.fieldflags[0] = AUDIT_EQUAL;
	rule->data.values[0] = (uint32_t)pid;
	rule->data.fields[1] = AUDIT_FILTERKEY;
	rule->data.fieldflags[1] = AUDIT_EQUAL;
	rule->data.buflen = (uint32_t)strlen(rule->key);
	rule->data.values[1] = rule->data.buflen;
}

/* The kernel keeps showing an owner that died until it next writes to it; asking for pid 0 makes it write. */
static int forget_owner(struct tb_audit *audit)
{
	const struct audit_status nobody = {.mask = AUDIT_STATUS_PID};

	return tb_audit__set(audit, &nobody);
}

/* All in one message, `enabled` first: once it is 0 the other changes raise no records. */
static int restore_status(struct tb_audit *audit, const struct audit_status *before)
{
	struct audit_status now, back = *before;
	int rc = tb_audit__status(audit, &now);

	if (rc)
		return rc;
	back.mask = RESTORED_MASK;
	if (!(now.feature_bitmap & AUDIT_FEATURE_BITMAP_BACKLOG_WAIT_TIME))
		back.mask &= ~AUDIT_STATUS_BACKLOG_WAIT_TIME;
	return tb_audit__set(audit, &back);
}

static bool same_status(const struct audit_status *a, const struct audit_status *b)
{
	return a->enabled == b->enabled && a->failure == b->failure && a->rate_limit == b->rate_limit &&
	       a->backlog_limit == b->backlog_limit && a->backlog_wait_time == b->backlog_wait_time;
}

static int delete_rule(struct tb_audit *audit, const struct audit_rule_data *rule, size_t size)
{
	int rc = tb_audit__delete(audit, rule, size);

	return rc == -ENOENT ? 0 : rc;
}

/* Deletes the collectors' rules whose process is gone, or is `trial`. */
static int delete_traces(struct tb_audit *audit, const struct tb_audit_rules *rules, int trial)
{
	struct ours ours;
	int rc, failed = 0;

	for (size_t i = 0; i < rules->count; i++) {
		if (whose_rule(&rules->rule[i], &ours) != TRACE || (ours.alive && ours.pid != trial))
			continue;
		rc = delete_rule(audit, rules->rule[i].data, rules->rule[i].size);
		failed = failed ? failed : rc;
	}
	return failed;
}

/* A trial whose guard was killed collects on: what the guard saved is needed when it has ended. */
static bool trial_lives(const struct tb_audit_rules *rules)
{
	struct ours ours;

	for (size_t i = 0; i < rules->count; i++) {
		if (whose_rule(&rules->rule[i], &ours) == TRACE && ours.alive)
			return true;
	}
	return false;
}

/* Finishes what a killed guard could not: its saved status, the owner and rules of its trial. */
static int finish(struct tb_audit *audit, const struct tb_audit_rules *rules, struct tb_found *found)
{
	struct audit_status now;
	struct ours ours;
	int rc = tb_audit__status(audit, &now);

	for (size_t i = 0; rc == 0 && i < rules->count; i++) {
		enum whose whose = whose_rule(&rules->rule[i], &ours);
		bool keep = ours.alive || (whose == SAVED && trial_lives(rules));

		if (whose == FOREIGN)
			continue;
		if (found)
			tb_found__add(found, keep, ours.key);
		if (keep)
			continue;
		/* Whoever owns audit by now has settings of his own. */
		if (whose == SAVED && !tb_audit_owner__lives(now.pid)) {
			if (now.pid)
				forget_owner(audit);
			rc = restore_status(audit, &ours.before);
		}
		if (rc == 0)
			rc = delete_rule(audit, rules->rule[i].data, rules->rule[i].size);
	}
	return rc;
}

static int refuse(char reason[TB_REASON_MAX], const char *text)
{
	snprintf(reason, TB_REASON_MAX, "%s", text);
	return -EBUSY;
}

/* What would make a trial's records incomplete, or is another trial's. */
static int refuse_rules(const struct tb_audit_rules *rules, char reason[TB_REASON_MAX])
{
	struct ours ours;

	for (size_t i = 0; i < rules->count; i++) {
		const struct audit_rule_data *d = rules->rule[i].data;
		uint32_t list = d->flags & ~AUDIT_FILTER_PREPEND;

		if (whose_rule(&rules->rule[i], &ours) != FOREIGN) {
			snprintf(reason, TB_REASON_MAX, "another trial is using audit (rule %s)", ours.key);
			return -EBUSY;
		}
		if (list == AUDIT_FILTER_TASK && d->action == AUDIT_NEVER)
			return refuse(reason,
				      "a never,task rule stands: no task gets an audit context. If it is the "
				      "administrator's: auditctl -d never,task; if a killed guard's: "
				      "./tracebench doctor --repair");
		if (list == AUDIT_FILTER_EXCLUDE)
			return refuse(reason,
				      "a rule on the exclude list hides records that belong to a call "
				      "(auditctl -l shows it)");
	}
	return 0;
}

/*
 * While audit is enabled, the kernel logs the end of every BPF program, and cannot wait for room: a record that finds the
 * queue full is counted in `lost`, where nothing tells it from one of the target's. Programs die up to 0.3 s after their
 * trial, so those of the trial before are waited for. One that stays is somebody's who traces beside us.
 */
static void await_end_of_programs(void)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int waited_ms = 0; waited_ms < BPF_GONE_MS && tb_bpf__program_lives(); waited_ms += 5)
		nanosleep(&pause, NULL);
}

/* With `listen` an owner that lives is no obstacle, and nothing of his is changed. */
static int take_status(struct tb_audit *audit, bool listen, char reason[TB_REASON_MAX])
{
	struct audit_status now,
		ours = {.mask = AUDIT_STATUS_ENABLED | AUDIT_STATUS_FAILURE | AUDIT_STATUS_RATE_LIMIT,
			.enabled = 1};
	int rc = tb_audit__status(audit, &now);

	if (rc)
		return tb_guard_key__explain(rc, "audit status", reason);
	if (now.enabled == 2)
		return refuse(reason,
			      "audit is locked until the next boot (enabled 2): no rule can be added");
	if (tb_audit_owner__lives(now.pid)) {
		if (listen && now.enabled)
			return 0;
		snprintf(reason, TB_REASON_MAX, "audit belongs to %s%s", tb_audit__owner_text(now.pid),
			 listen ? ", which has it disabled" : "; auditd/multicast runs beside it");
		return -EBUSY;
	}
	held.before = now;
	saved_rule__make(&held.rule, &now);
	rc = tb_audit__add(audit, &held.rule.data, saved_rule__size(&held.rule));
	if (rc) {
		if (rc == -ETIMEDOUT)
			tb_audit__delete(audit, &held.rule.data, saved_rule__size(&held.rule));
		return tb_guard_key__explain(rc, "adding the rule that keeps audit's status", reason);
	}
	rc = tb_audit__set(audit, &ours);
	if (rc) {
		tb_guard_key__explain(rc, "enabling audit", reason);
		restore_status(audit, &now);
		tb_audit__delete(audit, &held.rule.data, saved_rule__size(&held.rule));
		return rc;
	}
	held.changed = true;
	return 0;
}

static int take(bool listen, char reason[TB_REASON_MAX])
{
	struct tb_audit_rules rules;
	struct tb_audit audit;
	int rc = tb_audit__open(&audit);

	if (rc)
		return tb_guard_key__explain(rc, "audit socket", reason);
	held.trial = getppid();
	rc = tb_audit__rules(&audit, &rules);
	if (rc == 0) {
		rc = finish(&audit, &rules, NULL);
		tb_audit_rules__free(&rules);
	}
	if (rc == 0)
		rc = tb_audit__rules(&audit, &rules);
	if (rc) {
		tb_guard_key__explain(rc, "audit rules", reason);
	} else {
		rc = refuse_rules(&rules, reason);
		tb_audit_rules__free(&rules);
	}
	if (rc == 0) {
		await_end_of_programs();
		rc = take_status(&audit, listen, reason);
	}
	tb_audit__close(&audit);
	return rc;
}

static int take_owner(char reason[TB_REASON_MAX])
{
	return take(false, reason);
}

static int take_listener(char reason[TB_REASON_MAX])
{
	return take(true, reason);
}

/*
 * An owner that a launcher started is a tool of a trial (the audit daemon as a contestant), and dies with it: its settings are
 * ours to put back. /proc tells; a process that is gone is nobody's.
 */
static bool is_launched(pid_t pid)
{
	char path[64], comm[32] = "";
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f) {
		/* An owner's name holds no brackets: it is auditd's. */
		if (fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
			parent = 0;
		fclose(f);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", parent);
	f = parent > 1 ? fopen(path, "re") : NULL;
	if (f) {
		if (!fgets(comm, sizeof(comm), f))
			comm[0] = 0;
		fclose(f);
	}
	return !strncmp(comm, "tracebench-laun", 15); /* as much of it as the kernel keeps */
}

/* 0 when all is as it was; 1 when another look is worth while: the trial or its tool may be dying, and still be the owner. */
static int put_back(struct tb_audit *audit, char reason[TB_REASON_MAX])
{
	struct tb_audit_rules rules;
	struct audit_status now;
	struct ours ours;
	int rc = tb_audit__status(audit, &now), left = 0;

	if (rc == 0 && held.changed) {
		bool trials = now.pid == (uint32_t)held.trial;

		if (!trials && tb_audit_owner__lives(now.pid) && is_launched((pid_t)now.pid)) {
			snprintf(reason, TB_REASON_MAX,
				 "audit's owner (%s) is the trial's tool and still runs",
				 tb_audit__owner_text(now.pid));
			return 1;
		}
		if (trials || (now.pid && !tb_audit_owner__lives(now.pid)))
			forget_owner(audit);
		/* A new owner that is not our trial has settings of his own by now. */
		if (trials || !tb_audit_owner__lives(now.pid))
			rc = restore_status(audit, &held.before);
		if (rc == 0)
			rc = tb_audit__status(audit, &now);
		/* Seen: an owner whom the kernel did not forget at the first asking, though his process was gone. Asked again. */
		if (rc == 0 &&
		    (now.pid == (uint32_t)held.trial ||
		     (!tb_audit_owner__lives(now.pid) &&
		      (!same_status(&now, &held.before) || (now.pid && now.pid != held.before.pid))))) {
			snprintf(reason, TB_REASON_MAX, "audit's status or owner (%s) is not as before",
				 tb_audit__owner_text(now.pid));
			left = 1;
		}
	}
	if (rc == 0)
		rc = tb_audit__rules(audit, &rules);
	if (rc) {
		tb_guard_key__explain(rc, "audit", reason);
		return 1;
	}
	rc = delete_traces(audit, &rules, held.trial);
	tb_audit_rules__free(&rules);
	/* The memory of the old status goes last. */
	if (rc == 0 && !left && held.changed)
		rc = delete_rule(audit, &held.rule.data, saved_rule__size(&held.rule));
	if (rc == 0)
		rc = tb_audit__rules(audit, &rules);
	if (rc) {
		tb_guard_key__explain(rc, "removing audit rules", reason);
		return 1;
	}
	for (size_t i = 0; i < rules.count; i++) {
		enum whose whose = whose_rule(&rules.rule[i], &ours);

		if ((whose == TRACE && ours.pid == held.trial) || (whose == SAVED && ours.pid == getpid())) {
			snprintf(reason, TB_REASON_MAX, "audit rule %s still stands", ours.key);
			left = 1;
		}
	}
	tb_audit_rules__free(&rules);
	return left;
}

static int give_back(char reason[TB_REASON_MAX])
{
	const struct timespec pause = {0, GIVE_BACK_MS / GIVE_BACK_LOOKS * 1000000l};
	struct tb_audit audit;
	int left = 1, rc = tb_audit__open(&audit);

	if (rc)
		return tb_guard_key__explain(rc, "audit socket", reason);
	for (int look = 0; left && look < GIVE_BACK_LOOKS; look++) {
		if (look)
			nanosleep(&pause, NULL);
		left = put_back(&audit, reason);
	}
	tb_audit__close(&audit);
	return left ? -EBUSY : 0;
}

static int repair(struct tb_found *found, char reason[TB_REASON_MAX])
{
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
	rc = finish(&audit, &rules, found);
	if (rc)
		tb_guard_key__explain(rc, "restoring audit", reason);
	tb_audit_rules__free(&rules);
	tb_audit__close(&audit);
	return rc;
}

const struct tb_hold tb_audit_hold = {
	.name = "audit",
	.take = take_owner,
	.give_back = give_back,
	.repair = repair,
};

const struct tb_hold tb_audit_listen_hold = {
	.name = "audit-listen",
	.take = take_listener,
	.give_back = give_back,
	.repair = NULL,
};

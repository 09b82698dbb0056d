/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../include/audit_owner.h"

#include "audit_netlink.h"
#include "audit_state.h"
#include "json_line.h"

static void write_unavailable(FILE *out, int rc)
{
	fputs("{\"available\":false,\"reason\":", out);
	tb_json__string(out, tb_audit__explain(rc));
	putc('}', out);
}

static void write_syscalls(FILE *out, const struct audit_rule_data *d)
{
	bool first = true;
	unsigned set = 0;

	for (unsigned i = 0; i < AUDIT_BITMASK_SIZE; i++)
		set += (unsigned)__builtin_popcount(d->mask[i]);
	/* auditctl's "all" leaves the class bits of the last word out or in, as its version has it. */
	if (set == 0 || set >= 32 * (AUDIT_BITMASK_SIZE - 1)) {
		fputs(set ? "\"all\"" : "\"none\"", out);
		return;
	}
	putc('[', out);
	for (unsigned nr = 0; nr < 32 * AUDIT_BITMASK_SIZE; nr++) {
		if (!(d->mask[nr / 32] >> (nr % 32) & 1))
			continue;
		fprintf(out, "%s%u", first ? "" : ",", nr);
		first = false;
	}
	putc(']', out);
}

static const char *operator_name(uint32_t flags)
{
	switch (flags & AUDIT_OPERATORS) {
	case AUDIT_EQUAL:
		return "=";
	case AUDIT_NOT_EQUAL:
		return "!=";
	case AUDIT_LESS_THAN:
		return "<";
	case AUDIT_GREATER_THAN:
		return ">";
	case AUDIT_LESS_THAN_OR_EQUAL:
		return "<=";
	case AUDIT_GREATER_THAN_OR_EQUAL:
		return ">=";
	case AUDIT_BIT_MASK:
		return "&";
	case AUDIT_BIT_TEST:
		return "&=";
	default:
		return "?";
	}
}

/* Fields by number, as linux/audit.h numbers them; the names that matter here are spelt out. */
static void write_field(FILE *out, const struct tb_audit_rule *rule, unsigned i)
{
	static const struct {
		uint32_t field;
		const char *name;
	} names[] = {
		{AUDIT_PID, "pid"},         {AUDIT_UID, "uid"},
		{AUDIT_EUID, "euid"},       {AUDIT_LOGINUID, "auid"},
		{AUDIT_ARCH, "arch"},       {AUDIT_MSGTYPE, "msgtype"},
		{AUDIT_PPID, "ppid"},       {AUDIT_SESSIONID, "sessionid"},
		{AUDIT_SUCCESS, "success"}, {AUDIT_EXIT, "exit"},
		{AUDIT_WATCH, "path"},      {AUDIT_DIR, "dir"},
		{AUDIT_PERM, "perm"},       {AUDIT_EXE, "exe"},
		{AUDIT_FILTERKEY, "key"},
	};
	const struct audit_rule_data *d = rule->data;
	char text[AUDIT_MAX_KEY_LEN + 4096];

	fprintf(out, "{\"field\":");
	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if (names[n].field == d->fields[i]) {
			fprintf(out, "\"%s\"", names[n].name);
			goto named;
		}
	}
	fprintf(out, "\"%u\"", d->fields[i]);
named:
	fprintf(out, ",\"op\":\"%s\",\"value\":", operator_name(d->fieldflags[i]));
	if (tb_audit_rule__string(rule, i, text, sizeof(text)))
		tb_json__string(out, text);
	else
		fprintf(out, "%u", d->values[i]);
	putc('}', out);
}

static void write_rule(FILE *out, const struct tb_audit_rule *rule)
{
	static const char *const filters[] = {"user", "task",    "entry", "watch",
					      "exit", "exclude", "fs",    "io_uring"};
	static const char *const actions[] = {"never", "possible", "always"};
	const struct audit_rule_data *d = rule->data;
	uint32_t filter = d->flags & ~AUDIT_FILTER_PREPEND;
	const unsigned char *bytes = (const unsigned char *)d;

	fprintf(out, "{\"filter\":\"%s\",\"action\":\"%s\",\"syscalls\":", filter < 8 ? filters[filter] : "?",
		d->action < 3 ? actions[d->action] : "?");
	write_syscalls(out, d);
	fputs(",\"fields\":[", out);
	for (unsigned i = 0; i < d->field_count; i++) {
		if (i)
			putc(',', out);
		write_field(out, rule, i);
	}
	/* The decoding above is for people; two rules are the same when their bytes are. */
	fputs("],\"bytes\":\"", out);
	for (size_t i = 0; i < rule->size; i++)
		fprintf(out, "%02x", bytes[i]);
	fputs("\"}", out);
}

static void write_feature(FILE *out, const char *name, const struct audit_features *f, uint32_t number)
{
	fprintf(out, "\"%s\":{\"on\":%s,\"locked\":%s}", name,
		f->features & AUDIT_FEATURE_TO_MASK(number) ? "true" : "false",
		f->lock & AUDIT_FEATURE_TO_MASK(number) ? "true" : "false");
}

/* features: NULL where the kernel has none. */
static void write_features(FILE *out, const struct audit_features *features)
{
	fputs("\"features\":", out);
	if (!features) {
		fputs("null", out);
		return;
	}
	putc('{', out);
	write_feature(out, "loginuidImmutable", features, AUDIT_FEATURE_LOGINUID_IMMUTABLE);
	putc(',', out);
	write_feature(out, "onlyUnsetLoginuid", features, AUDIT_FEATURE_ONLY_UNSET_LOGINUID);
	putc('}', out);
}

void tb_audit_state__write(FILE *out)
{
	struct tb_audit_rules rules;
	struct audit_features features;
	struct audit_status s;
	struct tb_audit audit;
	int rc = tb_audit__open(&audit), no_features = 0;

	if (rc) {
		write_unavailable(out, rc);
		return;
	}
	rc = tb_audit__status(&audit, &s);
	if (rc == 0)
		no_features = tb_audit__features(&audit, &features);
	if (rc == 0)
		rc = tb_audit__rules(&audit, &rules);
	tb_audit__close(&audit);
	if (rc) {
		write_unavailable(out, rc);
		return;
	}
	fprintf(out,
		"{\"available\":true,\"enabled\":%u,\"failure\":%u,\"pid\":%u,\"pidAlive\":%s,\"ownerLives\":"
		"%s,"
		"\"rateLimit\":%u,\"backlogLimit\":%u,\"backlogWaitTime\":%u,",
		s.enabled, s.failure, s.pid,
		s.pid && !(kill((pid_t)s.pid, 0) && errno == ESRCH) ? "true" : "false",
		tb_audit_owner__lives(s.pid) ? "true" : "false", s.rate_limit, s.backlog_limit,
		s.backlog_wait_time);
	write_features(out, no_features ? NULL : &features);
	fputs(",\"rules\":[", out);
	for (size_t i = 0; i < rules.count; i++) {
		if (i)
			putc(',', out);
		write_rule(out, &rules.rule[i]);
	}
	fputs("]}", out);
	tb_audit_rules__free(&rules);
}

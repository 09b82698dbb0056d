/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's audit control channel, without libaudit: status and rules. Every wait is bounded (2 s). Needs CAP_AUDIT_CONTROL in the initial user and pid namespace.
 */
#ifndef TRACEBENCH_LAUNCHER_AUDIT_NETLINK_H
#define TRACEBENCH_LAUNCHER_AUDIT_NETLINK_H

#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tb_audit {
	int fd;
	uint32_t seq;
};

/* A rule as the kernel lists it: struct audit_rule_data with its strings behind it. */
struct tb_audit_rule {
	size_t size;
	struct audit_rule_data *data;
};

struct tb_audit_rules {
	size_t count;
	struct tb_audit_rule *rule;
};

/* Why the kernel refused, in words. */
const char *tb_audit__explain(int code);

/* All return 0 or -errno; -ETIMEDOUT when the kernel did not answer in time. */
int tb_audit__open(struct tb_audit *audit);
void tb_audit__close(struct tb_audit *audit);
/* Fields that this kernel does not have are 0. */
int tb_audit__status(struct tb_audit *audit, struct audit_status *status);
/* What may be done about login uids. -EINVAL before Linux 3.13, which has no features. */
int tb_audit__features(struct tb_audit *audit, struct audit_features *features);
/* Sets the members that status->mask names. */
int tb_audit__set(struct tb_audit *audit, const struct audit_status *status);
int tb_audit__rules(struct tb_audit *audit, struct tb_audit_rules *rules);
void tb_audit_rules__free(struct tb_audit_rules *rules);
int tb_audit__add(struct tb_audit *audit, const struct audit_rule_data *rule, size_t size);
int tb_audit__delete(struct tb_audit *audit, const struct audit_rule_data *rule, size_t size);

/* "process PID (command)", for messages; the result is valid until the next call. */
const char *tb_audit__owner_text(uint32_t pid);

/* The string of field i (a key, a path), NUL-terminated into out; false when the field is none or does not fit. */
bool tb_audit_rule__string(const struct tb_audit_rule *rule, unsigned i, char *out, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a rule of ours is: its key ends in the pid and start time of the process that answers for it. A rule whose process
 * is gone is stale; no file and no lock is needed.
 */
#ifndef TRACEBENCH_LAUNCHER_GUARD_KEY_H
#define TRACEBENCH_LAUNCHER_GUARD_KEY_H

#include <stdbool.h>

#include "audit_netlink.h"
#include "hold.h"

/* The process a key names is still the same one. */
bool tb_guard_key__alive(int pid, unsigned long long start);

/* The key of a rule, wherever among its fields it stands; false when it has none, or one longer than size − 1. */
bool tb_guard_key__of_rule(const struct tb_audit_rule *rule, char *key, size_t size);

/* Puts "what: why" into reason, why in words for the errors audit's control channel has. Returns code. */
int tb_guard_key__explain(int code, const char *what, char reason[TB_REASON_MAX]);

#endif

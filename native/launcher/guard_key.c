/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guard_key.h"
#include "start_time.h"

bool tb_guard_key__alive(int pid, unsigned long long start)
{
	return start && tb_start_time(pid) == start;
}

bool tb_guard_key__of_rule(const struct tb_audit_rule *rule, char *key, size_t size)
{
	for (unsigned i = 0; i < rule->data->field_count; i++) {
		if (rule->data->fields[i] == AUDIT_FILTERKEY)
			return tb_audit_rule__string(rule, i, key, size);
	}
	return false;
}

int tb_guard_key__explain(int code, const char *what, char reason[TB_REASON_MAX])
{
	const char *why = strerror(-code);

	if (code == -EPERM)
		why = "needs CAP_AUDIT_CONTROL (run as root)";
	else if (code == -ECONNREFUSED)
		why = "the kernel does not answer here (audit=0 at boot, or inside a user or pid namespace)";
	else if (code == -EPROTONOSUPPORT)
		why = "this kernel has no audit";
	else if (code == -ETIMEDOUT)
		why = "the kernel did not answer within 2 s";
	snprintf(reason, TB_REASON_MAX, "%s: %s", what, why);
	return code;
}

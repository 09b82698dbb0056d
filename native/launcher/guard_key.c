/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "../include/start_time.h"
#include "guard_key.h"

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
	snprintf(reason, TB_REASON_MAX, "%s: %s", what, tb_audit__explain(code));
	return code;
}

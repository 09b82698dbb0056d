/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "start_time.h"

namespace tb::auditd
{

namespace
{

/* The highest bits of the mask do not mean numbers but classes of calls. */
constexpr unsigned kNumbers = AUDIT_BITMASK_SIZE * 32 - AUDIT_SYSCALL_CLASSES;

static_assert(TB_NR_MAX <= kNumbers);

void add_field(audit_rule_data *data, uint32_t field, uint32_t value)
{
	const uint32_t i = data->field_count++;

	data->fields[i] = field;
	data->fieldflags[i] = AUDIT_EQUAL;
	data->values[i] = value;
}

} // namespace

Rule make_rule(uint32_t session, const tb_filter &filter, uint32_t native_arch)
{
	Rule rule;
	char key[AUDIT_MAX_KEY_LEN];
	const int length =
		snprintf(key, sizeof(key), "tracebench-audit:%d:%llu", getpid(), tb_start_time(getpid()));
	audit_rule_data *data = rule.data();

	memset(rule.bytes, 0, sizeof(rule.bytes));
	data->flags = AUDIT_FILTER_EXIT;
	data->action = AUDIT_ALWAYS;
	for (unsigned nr = 0; nr < kNumbers; nr++)
		if (tb_filter__wants(&filter, nr))
			data->mask[nr / 32] |= 1u << (nr % 32);
	/* A filter names native numbers; without one calls of every arch are wanted. */
	if (filter.active)
		add_field(data, AUDIT_ARCH, native_arch);
	add_field(data, AUDIT_SESSIONID, session);
	add_field(data, AUDIT_FILTERKEY, static_cast<uint32_t>(length));
	data->buflen = static_cast<uint32_t>(length);
	memcpy(rule.bytes + sizeof(*data), key, static_cast<size_t>(length));
	rule.size = sizeof(*data) + data->buflen;
	return rule;
}

} // namespace tb::auditd

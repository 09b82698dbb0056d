/* SPDX-License-Identifier: Apache-2.0 */
/* Audit's control channel: status, features and rules by request and answer. Every wait ends after 2 s. */
#ifndef TRACEBENCH_AUDITD_CONTROL_H
#define TRACEBENCH_AUDITD_CONTROL_H

#include <linux/audit.h>
#include <vector>

#include "socket.h"

namespace tb::auditd
{

/* struct audit_rule_data with the one string that rules of ours have behind it. */
struct Rule {
	alignas(audit_rule_data) char bytes[sizeof(audit_rule_data) + AUDIT_MAX_KEY_LEN];
	size_t size;

	audit_rule_data *data() { return reinterpret_cast<audit_rule_data *>(bytes); }
	const audit_rule_data *data() const { return reinterpret_cast<const audit_rule_data *>(bytes); }
};

/* What is asked of the rules of others. */
struct RuleHead {
	uint32_t list, action;
};

/* All return 0 or -errno; -ETIMEDOUT when the kernel did not answer, -EPROTO when its answer is cut short. */
class Control
{
public:
	explicit Control(Socket &socket) : socket_(socket), batch_(kSlots, kSlotBytes) {}

	/* Members that this kernel does not have are 0. */
	int status(audit_status *status);
	int set(const audit_status &status);
	int features(audit_features *features);
	int rules(std::vector<RuleHead> *rules);
	int add(const Rule &rule);
	int remove(const Rule &rule);

private:
	static constexpr uint32_t kSlots = 16;
	static constexpr uint32_t kSlotBytes = 16384;

	template <typename Take>
	int exchange(uint16_t type, const void *data, size_t size, uint16_t wanted, bool until_done,
		     Take take);

	Socket &socket_;
	Batch batch_;
	uint32_t sequence_ = 0;
};

} // namespace tb::auditd

#endif

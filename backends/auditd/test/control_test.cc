/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers, and what each state of the machine is told as. */
#include "control.h"

#include <unistd.h>

#include "audit_owner.h"
#include "check.h"
#include "machine_check.h"
#include "processes.h"
#include "rule.h"
#include "scripted_socket.h"
#include "start_time.h"

using namespace tb::auditd;

namespace
{

template <typename T> std::string bytes_of(const T &value)
{
	return {reinterpret_cast<const char *>(&value), sizeof(value)};
}

std::string listed(uint32_t list, uint32_t action)
{
	audit_rule_data rule = {};

	rule.flags = list;
	rule.action = action;
	return bytes_of(rule);
}

/* A kernel with this status, features and rules; answers come before acknowledgements, as they may. */
struct Kernel {
	ScriptedSocket socket;
	Control control{socket};
	audit_status status = {};
	audit_features features = {};
	std::vector<std::string> rules;
	int refuse = 0;
	tb_error err = {};

	Kernel()
	{
		status.feature_bitmap = AUDIT_FEATURE_BITMAP_ALL;
		socket.on_send = [this](const nlmsghdr &head, std::string_view) {
			const uint32_t seq = head.nlmsg_seq;

			if (refuse) {
				socket.acknowledge(seq, refuse);
				return;
			}
			if (head.nlmsg_type == AUDIT_GET)
				socket.answer(AUDIT_GET, seq, bytes_of(status));
			if (head.nlmsg_type == AUDIT_GET_FEATURE)
				socket.answer(AUDIT_GET_FEATURE, seq, bytes_of(features));
			socket.acknowledge(seq, 0);
			if (head.nlmsg_type != AUDIT_LIST_RULES)
				return;
			for (const std::string &rule : rules)
				socket.answer(AUDIT_LIST_RULES, seq, rule);
			socket.answer(NLMSG_DONE, seq, "");
		};
	}
	int check(bool owns = true)
	{
		audit_status got;
		int rc = check_status(control, {.owns = owns, .block_ns = 0}, &got, &err);

		return rc < 0 ? rc : check_surroundings(control, got, &err);
	}
	bool says(const char *words) const { return strstr(err.message, words) != nullptr; }
};

} // namespace

TEST(a_status_is_the_answer_to_its_own_request)
{
	Kernel kernel;
	audit_status status;

	kernel.status.enabled = 1;
	kernel.status.lost = 42;
	/* Before it: a record, a late answer, a message of somebody else's. */
	kernel.socket.record(AUDIT_SYSCALL, "audit(1.0:1): x");
	kernel.socket.answer(AUDIT_GET, 77, bytes_of(audit_status{.lost = 7}));
	kernel.socket.datagram(ScriptedSocket::message(AUDIT_GET, 1, "", NLMSG_HDRLEN), false);
	CHECK_EQ(kernel.control.status(&status), 0);
	CHECK_EQ(status.enabled, 1u);
	CHECK_EQ(status.lost, 42u);
}

TEST(an_older_kernels_shorter_status_is_zero_behind_its_end)
{
	ScriptedSocket socket;
	Control control(socket);
	audit_status status, sent = {};

	sent.enabled = 1;
	sent.backlog_wait_time_actual = 99;
	socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		socket.acknowledge(head.nlmsg_seq, 0);
		socket.answer(AUDIT_GET, head.nlmsg_seq, bytes_of(sent).substr(0, 32));
	};
	CHECK_EQ(control.status(&status), 0);
	CHECK_EQ(status.enabled, 1u);
	CHECK_EQ(status.backlog_wait_time_actual, 0u);
}

TEST(rules_come_in_several_messages)
{
	Kernel kernel;
	std::vector<RuleHead> rules;

	kernel.rules = {listed(AUDIT_FILTER_EXIT, AUDIT_ALWAYS),
			listed(AUDIT_FILTER_TASK | AUDIT_FILTER_PREPEND, AUDIT_NEVER)};
	CHECK_EQ(kernel.control.rules(&rules), 0);
	CHECK_EQ(rules.size(), 2u);
	CHECK_EQ(rules[1].list, static_cast<uint32_t>(AUDIT_FILTER_TASK));
	CHECK_EQ(rules[1].action, static_cast<uint32_t>(AUDIT_NEVER));
	kernel.rules = {"short"};
	CHECK_EQ(kernel.control.rules(&rules), -EPROTO);
}

TEST(refusals_and_broken_answers)
{
	Kernel kernel;
	audit_status status;

	kernel.refuse = -EPERM;
	CHECK_EQ(kernel.control.status(&status), -EPERM);

	ScriptedSocket socket;
	Control control(socket);
	socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		socket.datagram(ScriptedSocket::message(NLMSG_ERROR, head.nlmsg_seq, "", 5000));
	};
	CHECK_EQ(control.status(&status), -EPROTO);
	socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		socket.answer(NLMSG_ERROR, head.nlmsg_seq, "ab");
	};
	CHECK_EQ(control.status(&status), -EPROTO);
	socket.send_error = -ECONNREFUSED;
	CHECK_EQ(control.status(&status), -ECONNREFUSED);
}

TEST(signals_and_overruns_while_an_answer_is_awaited)
{
	Kernel kernel;
	audit_status status;

	kernel.socket.error(-EINTR);
	kernel.socket.error(-ENOBUFS);
	kernel.socket.error(-EAGAIN);
	CHECK_EQ(kernel.control.status(&status), 0);
	CHECK_EQ(kernel.socket.waits, 1u);
	kernel.socket.error(-EIO);
	CHECK_EQ(kernel.control.status(&status), -EIO);
}

TEST(a_machine_at_rest_is_fine)
{
	Kernel kernel;

	CHECK_EQ(kernel.check(), 0);
	kernel.status.enabled = 1;
	CHECK_EQ(kernel.check(), 0);
	kernel.rules = {listed(AUDIT_FILTER_EXIT, AUDIT_ALWAYS), listed(AUDIT_FILTER_TASK, AUDIT_ALWAYS)};
	CHECK_EQ(kernel.check(), 0);
}

TEST(locked_audit_is_refused)
{
	Kernel kernel;

	kernel.status.enabled = 2;
	CHECK_EQ(kernel.check(), -EBUSY);
	CHECK(kernel.says("enabled 2"));
	CHECK(kernel.err.mend[0]);
	CHECK_EQ(kernel.check(false), -EBUSY);
}

TEST(an_owner_that_died_is_no_owner)
{
	Kernel kernel;

	kernel.status.enabled = 1;
	kernel.status.pid = 0x7ffffffe;
	CHECK(!tb_audit_owner__lives(kernel.status.pid));
	CHECK_EQ(kernel.check(), 0);
	/* Alive, but without an audit socket: its number came round again. */
	kernel.status.pid = static_cast<uint32_t>(getpid());
	CHECK_EQ(kernel.check(), 0);
}

TEST(a_live_owner_is_refused_and_listened_beside)
{
	Kernel kernel;
	KernelSocket held;

	if (held.open(false) < 0)
		return; /* no audit here at all */
	kernel.status.enabled = 1;
	kernel.status.pid = static_cast<uint32_t>(getpid());
	CHECK_EQ(kernel.check(), -EBUSY);
	CHECK(kernel.says("belongs to process"));
	CHECK_EQ(kernel.check(false), 0);
	kernel.status.enabled = 0;
	CHECK_EQ(kernel.check(false), -EBUSY);
	CHECK(kernel.says("keeps it disabled"));
}

TEST(rules_that_hide_records_are_refused)
{
	Kernel kernel;

	kernel.rules = {listed(AUDIT_FILTER_TASK, AUDIT_NEVER)};
	CHECK_EQ(kernel.check(), -EBUSY);
	CHECK(kernel.says("never,task"));
	kernel.rules = {listed(AUDIT_FILTER_EXCLUDE, AUDIT_ALWAYS)};
	CHECK_EQ(kernel.check(), -EBUSY);
	CHECK(kernel.says("exclude"));
}

TEST(a_login_uid_that_cannot_be_changed_is_refused_where_it_is_set)
{
	Kernel kernel;
	uint32_t session = 0;

	kernel.features.features = AUDIT_FEATURE_TO_MASK(AUDIT_FEATURE_LOGINUID_IMMUTABLE);
	if (read_session(getpid(), &session) < 0)
		return; /* no sessions here at all */
	if (session == AUDIT_SID_UNSET) {
		CHECK_EQ(kernel.check(), 0);
	} else {
		CHECK_EQ(kernel.check(), -EPERM);
		CHECK(kernel.says("immutable"));
	}
}

TEST(a_kernel_without_the_session_filter_is_refused)
{
	Kernel kernel;

	kernel.status.feature_bitmap = AUDIT_FEATURE_BITMAP_BACKLOG_LIMIT;
	CHECK_EQ(kernel.check(), -EOPNOTSUPP);
	CHECK(kernel.err.mend[0]);
}

TEST(the_rule_names_session_calls_and_owner)
{
	tb_filter filter = {};
	Rule all = make_rule(99, filter, TB_ARCH_X86_64);

	CHECK_EQ(all.data()->flags, static_cast<uint32_t>(AUDIT_FILTER_EXIT));
	CHECK_EQ(all.data()->action, static_cast<uint32_t>(AUDIT_ALWAYS));
	CHECK_EQ(all.data()->field_count, 2u);
	CHECK_EQ(all.data()->fields[0], static_cast<uint32_t>(AUDIT_SESSIONID));
	CHECK_EQ(all.data()->values[0], 99u);
	CHECK_EQ(all.data()->fields[1], static_cast<uint32_t>(AUDIT_FILTERKEY));
	CHECK_EQ(all.data()->mask[0], ~0u);
	CHECK_EQ(all.data()->mask[AUDIT_BITMASK_SIZE - 1], 0x0000ffffu); /* the rest means classes */
	const std::string key(all.bytes + sizeof(audit_rule_data), all.data()->buflen);
	CHECK_EQ(key, "tracebench-audit:" + std::to_string(getpid()) + ":" +
			      std::to_string(tb_start_time(getpid())));
	CHECK_EQ(all.size, sizeof(audit_rule_data) + key.size());

	filter.active = 1;
	filter.wanted[1] = 1ull << (110 - 64);
	Rule one = make_rule(99, filter, TB_ARCH_X86_64);
	CHECK_EQ(one.data()->field_count, 3u);
	CHECK_EQ(one.data()->fields[0], static_cast<uint32_t>(AUDIT_ARCH));
	CHECK_EQ(one.data()->values[0], TB_ARCH_X86_64);
	CHECK_EQ(one.data()->mask[110 / 32], 1u << (110 % 32));
	unsigned bits = 0;
	for (uint32_t word : one.data()->mask)
		bits += static_cast<unsigned>(__builtin_popcount(word));
	CHECK_EQ(bits, 1u);
}

TEST(budgets_are_parted_and_small_ones_rounded_up)
{
	const Sizes eight = part_budget(8 << 20), least = part_budget(4096);

	CHECK_EQ(eight.socket_bytes, 2u << 20);
	CHECK_EQ(eight.backlog_limit, (6u << 20) / 2304);
	CHECK_EQ(least.socket_bytes, 32u << 10);
	CHECK_EQ(least.backlog_limit, 16u);
	const tb_geometry g = geometry_of(least.socket_bytes, least.backlog_limit);
	CHECK_EQ(g.buffer_bytes, (32u << 10) + 16 * 2304);
	CHECK_EQ(g.calls_in_flight, g.reachable_bytes_per_cpu / g.bytes_per_call);
	CHECK_EQ(g.bytes_per_call, 6912u);
}

TEST(variants_and_wake_ups)
{
	tb_source_config config = {};
	Variant variant;
	tb_error err = {};

	config.abi = TB_SOURCE_ABI;
	config.wakeup = TB_WAKE_ADAPTIVE;
	config.variant = "block";
	CHECK_EQ(find_variant(&config, &variant, &err), 0);
	CHECK(variant.owns && variant.block_ns == 1'000'000'000);
	config.variant = "multicast";
	CHECK_EQ(find_variant(&config, &variant, &err), 0);
	CHECK(!variant.owns && variant.block_ns == 0);
	config.variant = "bogus";
	CHECK_EQ(find_variant(&config, &variant, &err), -EINVAL);
	config.variant = "";
	config.wakeup = TB_WAKE_WATERMARK;
	CHECK_EQ(find_variant(&config, &variant, &err), -EINVAL);
	config.wakeup = TB_WAKE_TIMER;
	CHECK_EQ(find_variant(&config, &variant, &err), -EINVAL);
	config.abi = 1;
	CHECK_EQ(find_variant(&config, &variant, &err), -EPROTO);
}

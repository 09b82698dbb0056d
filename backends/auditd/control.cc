/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <new>

#include "clock.h"

namespace tb::auditd
{

namespace
{

constexpr uint64_t kAnswerNs = 2'000'000'000;
constexpr uint16_t kNoAnswer = 0;

/* A member of an answer of the kernel's that may be shorter than ours, or longer. */
template <typename T> int take_struct(T *out, const char *payload, size_t size)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, payload, std::min(size, sizeof(*out)));
	return 0;
}

} // namespace

/*
 * Sends a request and hands each message of type `wanted` to `take`, until the kernel has acknowledged the request and
 * the answer is whole. The kernel sends answers from a thread of its own: they may come before the acknowledgement.
 * Other datagrams are records, or answers to a request that timed out, and are passed over.
 */
template <typename Take>
int Control::exchange(uint16_t type, const void *data, size_t size, uint16_t wanted, bool until_done,
		      Take take)
{
	alignas(nlmsghdr) char request[NLMSG_SPACE(sizeof(Rule))] = {};
	auto *head = reinterpret_cast<nlmsghdr *>(request);

	if (!batch_.allocated())
		return -ENOMEM;
	if (size > sizeof(request) - NLMSG_HDRLEN)
		return -E2BIG;
	head->nlmsg_len = static_cast<uint32_t>(NLMSG_SPACE(size));
	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	head->nlmsg_seq = ++sequence_;
	if (size)
		memcpy(request + NLMSG_HDRLEN, data, size);
	int rc = socket_.send(request, head->nlmsg_len);

	if (rc < 0)
		return rc;
	bool acknowledged = false, done = wanted == kNoAnswer;
	for (const uint64_t deadline = tb_monotonic_ns() + kAnswerNs; !acknowledged || !done;) {
		const uint64_t now = tb_monotonic_ns();

		if (now >= deadline)
			return -ETIMEDOUT;
		int got = socket_.receive(batch_, 0, kSlots);
		if (got == -EAGAIN) {
			rc = socket_.wait(static_cast<uint32_t>((deadline - now) / 1000 + 1));
			if (rc < 0)
				return rc;
			continue;
		}
		if (got == -EINTR || got == -ENOBUFS)
			continue;
		if (got < 0)
			return got;
		for (uint32_t i = 0; i < static_cast<uint32_t>(got); i++) {
			const Datagram datagram = batch_.get(i);
			const uint32_t room = std::min(datagram.size, kSlotBytes);
			nlmsghdr answer;

			if (room < NLMSG_HDRLEN)
				continue;
			memcpy(&answer, datagram.data, sizeof(answer));
			if (answer.nlmsg_seq != sequence_)
				continue;
			/* A record's length lacks its header; an answer's is right. */
			if (answer.nlmsg_len < NLMSG_HDRLEN || answer.nlmsg_len > room)
				return -EPROTO;
			const char *payload = datagram.data + NLMSG_HDRLEN;
			const size_t payload_size = answer.nlmsg_len - NLMSG_HDRLEN;

			if (answer.nlmsg_type == NLMSG_ERROR) {
				int32_t error;

				if (payload_size < sizeof(error))
					return -EPROTO;
				memcpy(&error, payload, sizeof(error));
				if (error)
					return error;
				acknowledged = true;
			} else if (answer.nlmsg_type == NLMSG_DONE) {
				done = true;
			} else if (wanted != kNoAnswer && answer.nlmsg_type == wanted) {
				rc = take(payload, payload_size);
				if (rc < 0)
					return rc;
				done = done || !until_done;
			}
		}
	}
	return 0;
}

int Control::status(audit_status *status)
{
	return exchange(AUDIT_GET, nullptr, 0, AUDIT_GET, false,
			[status](const char *p, size_t n) { return take_struct(status, p, n); });
}

int Control::set(const audit_status &status)
{
	return exchange(AUDIT_SET, &status, sizeof(status), kNoAnswer, false,
			[](const char *, size_t) { return 0; });
}

int Control::features(audit_features *features)
{
	return exchange(AUDIT_GET_FEATURE, nullptr, 0, AUDIT_GET_FEATURE, false,
			[features](const char *p, size_t n) { return take_struct(features, p, n); });
}

int Control::rules(std::vector<RuleHead> *rules)
{
	rules->clear();
	return exchange(
		AUDIT_LIST_RULES, nullptr, 0, AUDIT_LIST_RULES, true, [rules](const char *p, size_t n) {
			uint32_t head[2]; /* flags and action stand first in struct audit_rule_data */

			if (n < sizeof(audit_rule_data))
				return -EPROTO;
			memcpy(head, p, sizeof(head));
			try {
				rules->push_back(
					{head[0] & ~static_cast<uint32_t>(AUDIT_FILTER_PREPEND), head[1]});
			} catch (const std::bad_alloc &) {
				return -ENOMEM;
			}
			return 0;
		});
}

int Control::add(const Rule &rule)
{
	return exchange(AUDIT_ADD_RULE, rule.bytes, rule.size, kNoAnswer, false,
			[](const char *, size_t) { return 0; });
}

int Control::remove(const Rule &rule)
{
	return exchange(AUDIT_DEL_RULE, rule.bytes, rule.size, kNoAnswer, false,
			[](const char *, size_t) { return 0; });
}

} // namespace tb::auditd

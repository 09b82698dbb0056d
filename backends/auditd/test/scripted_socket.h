/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that says what a test wrote down for it: datagrams and errors, in order. */
#ifndef TRACEBENCH_AUDITD_SCRIPTED_SOCKET_H
#define TRACEBENCH_AUDITD_SCRIPTED_SOCKET_H

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <string>
#include <string_view>
#include <vector>

#include "socket.h"

class ScriptedSocket final : public tb::auditd::Socket
{
public:
	struct Step {
		int error = 0; /* of one receive; else a datagram */
		std::string datagram;
		bool from_kernel = true;
	};

	std::deque<Step> script;
	std::vector<std::string> sent;
	std::function<void(const nlmsghdr &, std::string_view)> on_send;
	int send_error = 0;
	uint64_t dropped = 0;
	uint32_t waits = 0;

	void error(int code) { script.push_back({code, {}, true}); }
	void datagram(std::string bytes, bool from_kernel = true)
	{
		script.push_back({0, std::move(bytes), from_kernel});
	}

	/* As the kernel sends records to audit's owner: the length in the header lacks the header. */
	void record(uint16_t type, std::string_view text)
	{
		datagram(message(type, 0, text, static_cast<uint32_t>(text.size())));
	}
	/* An answer, whose length is right. */
	void answer(uint16_t type, uint32_t sequence, std::string_view payload)
	{
		datagram(message(type, sequence, payload,
				 static_cast<uint32_t>(NLMSG_HDRLEN + payload.size())));
	}
	void acknowledge(uint32_t sequence, int32_t error)
	{
		std::string payload(sizeof(nlmsgerr), '\0');

		memcpy(payload.data(), &error, sizeof(error));
		answer(NLMSG_ERROR, sequence, payload);
	}

	static std::string message(uint16_t type, uint32_t sequence, std::string_view payload,
				   uint32_t length)
	{
		nlmsghdr head = {};

		head.nlmsg_len = length;
		head.nlmsg_type = type;
		head.nlmsg_seq = sequence;
		std::string bytes(reinterpret_cast<const char *>(&head), sizeof(head));
		bytes += payload;
		return bytes;
	}

	int send(const void *bytes, size_t size) override
	{
		sent.emplace_back(static_cast<const char *>(bytes), size);
		nlmsghdr head;

		memcpy(&head, bytes, sizeof(head));
		if (on_send)
			on_send(head, std::string_view(sent.back()).substr(NLMSG_HDRLEN));
		return send_error;
	}
	int receive(tb::auditd::Batch &batch, uint32_t first, uint32_t count) override
	{
		uint32_t got = 0;

		while (got < count && !script.empty() && script.front().error == 0) {
			const Step &step = script.front();
			const size_t kept = std::min<size_t>(step.datagram.size(), batch.slot_bytes());

			memcpy(batch.at(first + got), step.datagram.data(), kept);
			batch.set_size(first + got,
				       step.from_kernel ? static_cast<uint32_t>(step.datagram.size()) : 0);
			script.pop_front();
			got++;
		}
		if (got)
			return static_cast<int>(got);
		if (script.empty())
			return -EAGAIN;
		const int code = script.front().error;
		script.pop_front();
		return code;
	}
	int wait(uint32_t timeout_us) override
	{
		(void)timeout_us;
		waits++;
		return script.empty() ? 0 : 1;
	}
	int drops(uint64_t *count) override
	{
		*count = dropped;
		return 0;
	}
};

#endif

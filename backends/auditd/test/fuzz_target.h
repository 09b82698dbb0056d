/* SPDX-License-Identifier: Apache-2.0 */
/* What both fuzzers do with one input: as the text of a record, and as a datagram for the collector. */
#ifndef TRACEBENCH_AUDITD_FUZZ_TARGET_H
#define TRACEBENCH_AUDITD_FUZZ_TARGET_H

#include <memory>
#include <string>

#include "collector.h"
#include "scripted_socket.h"

inline void fuzz_one(const char *data, size_t size)
{
	/* Exactly as long as the input, so that a sanitizer sees the first byte behind it. */
	std::unique_ptr<char[]> copy(new char[size ? size : 1]);
	tb::auditd::SyscallRecord record;
	tb::auditd::EventId id;
	std::string_view rest;

	if (size)
		memcpy(copy.get(), data, size);
	const std::string_view text(copy.get(), size);
	tb::auditd::parse_syscall(text, &record);
	tb::auditd::parse_event_id(text, &id, &rest);

	static ScriptedSocket socket;
	static tb::auditd::Collector collector(socket, TB_ARCH_X86_64);
	tb_record out[2];
	tb_round round;
	tb_error err;
	tb::auditd::Target target;

	target.session = 12;
	collector.begin(target);
	socket.datagram(std::string(data, size));
	socket.record(AUDIT_SYSCALL, text);
	if (collector.drain(out, 2, 0, 0, &round, &err) < 0)
		__builtin_trap();
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit's text, read without copies: every byte is bounded by the view, every number by its type. What is cut short,
 * misspelt or out of range is refused, never guessed.
 */
#ifndef TRACEBENCH_AUDITD_PARSER_H
#define TRACEBENCH_AUDITD_PARSER_H

#include <cstdint>
#include <string_view>

namespace tb::auditd
{

/* What all records of one event share: `audit(SECONDS.MILLISECONDS:SERIAL): `. */
struct EventId {
	uint64_t time_ms =
		0; /* CLOCK_REALTIME at the entry of the call, cut to the tick and to the millisecond */
	uint32_t serial = 0;
};

/* A SYSCALL record, as far as it is wanted. */
struct SyscallRecord {
	EventId id;
	uint32_t arch = 0; /* AUDIT_ARCH_* */
	int32_t nr = 0;
	bool has_exit = false; /* a call that never returns has none */
	bool success = false;
	int64_t exit = 0;
	uint64_t args[4] = {};
	uint32_t items = 0; /* PATH records of the event */
	int32_t pid = 0;    /* thread group, as the initial pid namespace numbers it */
	uint32_t session = 0;
};

/* Reads the identification at the beginning of `text`; *rest is what follows it. */
bool parse_event_id(std::string_view text, EventId *id, std::string_view *rest);

/* The text of a SYSCALL record, which may be cut behind its field `ses`. */
bool parse_syscall(std::string_view text, SyscallRecord *record);

} // namespace tb::auditd

#endif

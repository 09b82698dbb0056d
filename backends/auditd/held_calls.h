/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detail `paths`: calls whose SYSCALL record has come and whose PATH records, which name what the kernel looked up, come behind it.
 * Such a call is handed on at the end of its event (EOE), so a thread's calls stay in their order.
 *
 * The names are the kernel's own copies, but PATH records say what the kernel came to use and not which argument named it.
 * What that leaves open is a failed string, never a guess.
 */
#ifndef TRACEBENCH_AUDITD_HELD_CALLS_H
#define TRACEBENCH_AUDITD_HELD_CALLS_H

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "parser.h"
#include "paths.h"

namespace tb::auditd
{

/* A PATH record as far as it is wanted. */
struct PathName {
	enum class Type : uint8_t { other, parent, normal, deleted, created };

	Type type = Type::other;
	bool known = false; /* the record tells a name */
	std::string name;
};

/* The text of a PATH record behind its identification. False when it was cut off or is none. */
bool parse_path(std::string_view text, PathName *path);

class HeldCalls
{
public:
	/* Holds `record` until its event ends. When that is one too many *out is the oldest, and it returns true. */
	bool hold(const tb_record &record, const SyscallRecord &call, uint8_t which, tb_arena *arena,
		  tb_record *out);
	/* A PATH record: `text` behind its identification. */
	void name(uint32_t serial, std::string_view text);
	/* EOE. True with *out when it was of a held call. */
	bool end(uint32_t serial, tb_arena *arena, tb_record *out);
	/* Any of them, the oldest first: what has not come of it never will. False when there is none. */
	bool give_up(tb_arena *arena, tb_record *out);

	bool empty() const { return calls_.empty(); }
	/* A native call without any name, because the kernel used none or none was asked for. */
	void without_names(const tb_record &call, uint8_t which, tb_arena *arena, tb_record *out);
	const tb_path_counters &counters() const { return counters_; }

private:
	/* More than this many events are never open, unless the retry queue holds their ends back. */
	static constexpr size_t kMost = 256;

	struct Call {
		uint32_t serial;
		uint8_t which;
		uint32_t items; /* PATH records that are to come: with one missing none names anything */
		tb_record record;
		std::vector<PathName> names;
	};

	Call *find(uint32_t serial);
	void finish(const Call &call, tb_arena *arena, tb_record *out);

	std::deque<Call> calls_; /* in the order they came */
	tb_path_counters counters_ = {};
};

} // namespace tb::auditd

#endif

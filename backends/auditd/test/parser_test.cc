/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <string>

#include "check.h"
#include "goldens.h"

using namespace tb::auditd;

namespace
{

/* The golden record with `from` replaced by `to`. */
std::string changed(std::string_view from, std::string_view to)
{
	std::string text = kSyscallGolden;
	size_t at = text.find(from);

	check::truth(at != std::string::npos, "the golden record has what is replaced", __FILE__, __LINE__);
	return text.replace(at, from.size(), to);
}

bool parses(const std::string &text)
{
	SyscallRecord r;

	return parse_syscall(text, &r);
}

} // namespace

TEST(a_syscall_record_is_read_whole)
{
	SyscallRecord r;

	CHECK(parse_syscall(kSyscallGolden, &r));
	CHECK_EQ(r.id.time_ms, 1795190522123u);
	CHECK_EQ(r.id.serial, 4711u);
	CHECK_EQ(r.arch, 0xc000003eu);
	CHECK_EQ(r.nr, 110);
	CHECK(r.has_exit && r.success);
	CHECK_EQ(r.exit, 7913);
	CHECK_EQ(r.args[0], 0xc0de000100000200u);
	CHECK_EQ(r.args[1], 0xc0de000100000201u);
	CHECK_EQ(r.args[2], 0xc0de000100000202u);
	CHECK_EQ(r.args[3], UINT64_MAX);
	CHECK_EQ(r.items, 0u);
	CHECK_EQ(r.pid, 7914);
	CHECK_EQ(r.session, 12u);
}

TEST(failures_personalities_and_calls_without_a_return)
{
	SyscallRecord r;

	CHECK(parse_syscall(changed("success=yes exit=7913", "success=no exit=-4"), &r));
	CHECK(r.has_exit && !r.success);
	CHECK_EQ(r.exit, -4);
	CHECK(parse_syscall(changed(" success=yes exit=7913", ""), &r));
	CHECK(!r.has_exit);
	CHECK(parse_syscall(changed("syscall=110", "syscall=-1 per=8"), &r));
	CHECK_EQ(r.nr, -1);
	CHECK(parse_syscall(changed("arch=c000003e", "arch=40000003"), &r));
	CHECK_EQ(r.arch, 0x40000003u);
	CHECK(parse_syscall(changed("exit=7913", "exit=-9223372036854775808"), &r));
	CHECK_EQ(r.exit, INT64_MIN);
}

TEST(what_the_target_named_itself_is_not_looked_at)
{
	SyscallRecord r;

	CHECK(parse_syscall(changed("comm=\"calls\"", "comm=\"ses=99 pid=1\""), &r));
	CHECK_EQ(r.session, 12u);
	CHECK_EQ(r.pid, 7914);
}

TEST(a_record_cut_behind_its_session_is_read_and_one_cut_before_is_not)
{
	const std::string whole = kSyscallGolden;
	const size_t needed = whole.find(" comm="); /* the blank itself is needed */

	for (size_t length = 0; length < whole.size(); length++) {
		SyscallRecord r;
		const bool ok = parse_syscall(std::string_view(whole).substr(0, length), &r);

		CHECK_EQ(ok, length > needed);
		if (ok)
			CHECK_EQ(r.session, 12u);
	}
}

TEST(misspelt_records_are_refused)
{
	CHECK(!parses(""));
	CHECK(!parses("audit("));
	CHECK(!parses(changed("audit(", "audit[")));
	CHECK(!parses(changed("):", ") ")));
	CHECK(!parses(changed(".123:", ".1234:")));
	CHECK(!parses(changed(".123:", ".-12:")));
	CHECK(!parses(changed(":4711)", ":4294967296)")));
	CHECK(!parses(changed("1795190522", "99999999999999999999")));
	CHECK(!parses(changed("1795190522", "18446744073709551")));
	CHECK(!parses(changed("a1=", "a9=")));
	CHECK(!parses(changed("a1=c0de000100000201", "a1=1c0de000100000201")));
	CHECK(!parses(changed("a1=c0de000100000201", "a1=xyz")));
	CHECK(!parses(changed("a1=c0de000100000201", "a0=c0de000100000201")));
	CHECK(!parses(changed("syscall=110", "syscall=0x6e")));
	CHECK(!parses(changed("syscall=110", "syscall=")));
	CHECK(!parses(changed("syscall=110", "syscall=2147483648")));
	CHECK(!parses(changed("success=yes", "success=maybe")));
	CHECK(!parses(changed(" exit=7913", "")));
	CHECK(!parses(changed("success=yes ", "")));
	CHECK(!parses(changed("ses=12", "ses=-1")));
	CHECK(!parses(changed(" pid=7914", "")));
	CHECK(!parses(changed("items=0", "items=0 pid=1")));
}

TEST(identifications_of_other_records)
{
	EventId id;
	std::string_view rest;

	CHECK(parse_event_id("audit(1.002:3): op=set", &id, &rest));
	CHECK_EQ(id.time_ms, 1002u);
	CHECK_EQ(id.serial, 3u);
	CHECK_EQ(std::string(rest), " op=set");
	CHECK(parse_event_id("audit(1.002:3):", &id, &rest));
	CHECK(rest.empty());
	CHECK(!parse_event_id("audit(1.002:3)", &id, &rest));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names out of PATH records, and the calls that wait for them. */
#include "held_calls.h"

#include <cstring>
#include <sys/syscall.h>

#include "check.h"
#include "collector.h"
#include "goldens.h"
#include "scripted_socket.h"

using namespace tb::auditd;

namespace
{

struct Rig {
	HeldCalls held;
	uint8_t memory[1024] = {};
	tb_arena arena = {memory, sizeof(memory), 0};
	tb_record out = {};

	static tb_record call(int nr)
	{
		tb_record record = {};

		record.nr = nr;
		for (tb_u64 &arg : record.args)
			arg = 0x1000;
		return record;
	}
	bool hold(uint32_t serial, int nr, uint32_t items = 1)
	{
		SyscallRecord audited;

		audited.id.serial = serial;
		audited.items = items;
		return held.hold(call(nr), audited, tb_path_arguments(nr), &arena, &out);
	}
	void name(uint32_t serial, const std::string &name, const std::string &type)
	{
		held.name(serial, " item=0 name=" + name + " inode=1 nametype=" + type + " cap_fp=0");
	}
	/* "ARG=TEXT " of each string, "ARG? " of a failed one. */
	std::string strings() const
	{
		std::string all;
		uint32_t at = out.aux >> 32;
		const uint32_t end = at + static_cast<uint32_t>(out.aux);

		while (at < end) {
			tb_path head;

			memcpy(&head, memory + at, sizeof(head));
			at += sizeof(head);
			all += std::to_string(head.arg);
			if (head.status == TB_PATH_FAULT)
				all += "? ";
			else
				all += "=" +
				       std::string(reinterpret_cast<const char *>(memory) + at, head.length) +
				       (head.status == TB_PATH_CUT ? "... " : " ");
			at += head.length;
		}
		return all;
	}
	std::string end(uint32_t serial)
	{
		out = {};
		return held.end(serial, &arena, &out) ? strings() : "not held";
	}
};

} // namespace

TEST(a_quoted_and_a_hexadecimal_name_are_read)
{
	PathName path;

	CHECK(parse_path(" item=0 name=\"/etc/a b\" nametype=UNKNOWN cap_fp=0", &path));
	CHECK(path.known);
	CHECK_EQ(path.name, "/etc/a b");
	CHECK(path.type == PathName::Type::other);
	CHECK(parse_path(" item=0 name=2F0A22FF inode=3 nametype=CREATE cap_fp=0", &path));
	CHECK_EQ(path.name, "/\n\"\xff");
	CHECK(path.type == PathName::Type::created);
	CHECK(parse_path(" item=0 name=(null) inode=3 nametype=PARENT", &path));
	CHECK(!path.known);
}

TEST(a_path_record_that_was_cut_names_nothing)
{
	PathName path;

	for (const char *text : {"", " item=0", " item=0 name=", " item=0 name=\"/etc", " item=0 name=2F6",
				 " item=0 name=\"/etc\" inode=3 nametyp", " item=0 name=2F inode=3"})
		CHECK(!parse_path(text, &path));
	CHECK(parse_path(" name=2F6 nametype=NORMAL", &path));
	CHECK(!path.known);
	CHECK(parse_path(" name=2f nametype=NORMAL", &path));
	CHECK(!path.known); /* the kernel writes capitals */
}

TEST(one_path_is_the_first_name_that_is_no_parent)
{
	Rig rig;

	CHECK(!rig.hold(1, SYS_openat));
	rig.name(1, "\"/tmp/\"", "PARENT");
	rig.name(1, "\"/tmp/new\"", "CREATE");
	CHECK_EQ(rig.end(1), "1=/tmp/new ");
	rig.hold(2, SYS_execve);
	rig.name(2, "\"/usr/bin/find\"", "NORMAL");
	rig.name(2, "\"/lib64/ld-linux-x86-64.so.2\"", "NORMAL");
	CHECK_EQ(rig.end(2), "0=/usr/bin/find ");
	rig.hold(3, SYS_openat);
	rig.name(3, "\"/tmp/\"", "PARENT");
	CHECK_EQ(rig.end(3), "1? ");
	rig.hold(4, SYS_openat);
	rig.name(4, "\"" + std::string(300, 'x') + "\"", "UNKNOWN");
	CHECK_EQ(rig.end(4), "1=" + std::string(255, 'x') + "... ");
	CHECK_EQ(rig.held.counters().read, 2u);
	CHECK_EQ(rig.held.counters().failed, 1u);
	CHECK_EQ(rig.held.counters().cut, 1u);
}

TEST(two_paths_are_told_by_what_became_of_them_or_not_at_all)
{
	Rig rig;

	rig.hold(1, SYS_renameat2);
	rig.name(1, "\"/b/\"", "PARENT");
	rig.name(1, "\"/a/\"", "PARENT");
	rig.name(1, "\"/a/old\"", "DELETE");
	rig.name(1, "\"/b/new\"", "DELETE");
	rig.name(1, "\"/b/new\"", "CREATE");
	CHECK_EQ(rig.end(1), "1=/a/old 3=/b/new ");
	rig.hold(2, SYS_linkat);
	rig.name(2, "\"/a/old\"", "NORMAL");
	rig.name(2, "\"/b/new\"", "CREATE");
	CHECK_EQ(rig.end(2), "1=/a/old 3=/b/new ");
	rig.hold(3, SYS_symlinkat);
	rig.name(3, "616E792074657874", "UNKNOWN");
	rig.name(3, "\"/b/new\"", "CREATE");
	CHECK_EQ(rig.end(3), "0=any text 2=/b/new ");
	rig.hold(4, SYS_renameat);
	rig.name(4, "\"/to\"", "UNKNOWN");
	rig.name(4, "\"/from\"", "UNKNOWN");
	CHECK_EQ(rig.end(4), "1? 3? ");
}

TEST(with_a_path_record_missing_or_cut_no_name_is_guessed)
{
	Rig rig;

	rig.hold(1, SYS_execve, 2);
	rig.name(1, "\"/lib64/ld-linux-x86-64.so.2\"", "NORMAL");
	CHECK_EQ(rig.end(1), "0? ");
	rig.hold(2, SYS_execve, 2);
	rig.held.name(2, " item=0 name=\"/usr/bin/fi");
	rig.name(2, "\"/lib64/ld-linux-x86-64.so.2\"", "NORMAL");
	CHECK_EQ(rig.end(2), "0? ");
}

TEST(calls_are_held_until_their_own_end_in_any_order)
{
	Rig rig;

	rig.hold(1, SYS_openat);
	rig.hold(2, SYS_openat);
	rig.name(2, "\"/second\"", "NORMAL");
	rig.name(1, "\"/first\"", "NORMAL");
	rig.name(9, "\"/nobody's\"", "NORMAL");
	CHECK_EQ(rig.end(2), "1=/second ");
	CHECK_EQ(rig.end(2), "not held");
	CHECK_EQ(rig.end(1), "1=/first ");
	CHECK(rig.held.empty());
	CHECK(!rig.held.give_up(&rig.arena, &rig.out));
}

TEST(without_its_end_a_call_is_given_up_not_lost)
{
	Rig rig;
	uint32_t serial = 0, given_up = 0;

	while (!given_up)
		given_up += rig.hold(++serial, SYS_chdir);
	CHECK(serial > 100);
	CHECK_EQ(rig.strings(), "0? ");
	for (given_up = 0; rig.held.give_up(&rig.arena, &rig.out);)
		given_up++;
	CHECK_EQ(given_up, serial - 1);
}

TEST(the_collector_hands_a_call_over_at_its_end_and_settled_ones_without)
{
	ScriptedSocket socket;
	Collector collector(socket, TB_ARCH_X86_64);
	uint8_t memory[1024];
	tb_arena arena = {memory, sizeof(memory), 0};
	tb_round round = {};
	tb_error err = {};
	tb_record out[16];
	Target target;

	target.session = 5;
	collector.read_paths();
	collector.begin(target);
	round.arena = &arena;
	for (const Golden &golden : kGoldens)
		socket.record(golden.type, golden.text);
	/* execve is whole; access lacks its end and waits; exit_group has no path. */
	CHECK_EQ(collector.drain(out, 16, 0, 0, &round, &err), 2);
	CHECK_EQ(out[0].nr, 59);
	CHECK_EQ(out[0].aux, uint64_t{4 + 13});
	CHECK(memcmp(memory + 4, "/usr/bin/find", 13) == 0);
	CHECK_EQ(out[1].nr, 231);
	CHECK(collector.settle());
	CHECK_EQ(collector.drain(out, 16, 0, 0, &round, &err), 1);
	CHECK_EQ(out[0].nr, 21);
	CHECK_EQ(static_cast<uint32_t>(out[0].aux), 4u + 18);
	CHECK(!collector.settle());
	CHECK_EQ(collector.path_counters()->read, 2u);
}

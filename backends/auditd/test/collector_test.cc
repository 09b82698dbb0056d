/* SPDX-License-Identifier: Apache-2.0 */
/* The collector over a scripted socket: what comes, what does not, and what nobody should ever send. */
#include "collector.h"

#include "check.h"
#include "goldens.h"
#include "scripted_socket.h"
#include "settler.h"

using namespace tb::auditd;

namespace
{

constexpr uint32_t kArch = TB_ARCH_X86_64;
constexpr uint32_t kSession = 12;

/* A target's call: three records. */
void call(ScriptedSocket &socket, uint32_t serial, int pid = 7914, uint32_t session = kSession,
	  const char *result = "success=yes exit=7913", uint64_t a0 = 0)
{
	const std::string id = "audit(1795190522.123:" + std::to_string(serial) + "): ";
	char text[400];

	snprintf(text, sizeof(text),
		 "arch=c000003e syscall=110 %s a0=%lx a1=1 a2=2 a3=3 items=0 ppid=1 pid=%d auid=0 uid=0 "
		 "gid=0 euid=0 "
		 "suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=%u comm=\"calls\" exe=\"/calls\" "
		 "key=\"k\"",
		 result, a0, pid, session);
	socket.record(AUDIT_SYSCALL, id + text);
	socket.record(AUDIT_PROCTITLE, id + "proctitle=00");
	socket.record(AUDIT_EOE, id);
}

struct Rig {
	ScriptedSocket socket;
	Collector collector{socket, kArch};
	std::vector<tb_record> out{1024};
	tb_round round = {};
	tb_error err = {};

	Rig()
	{
		Target target;
		target.session = kSession;
		target.monotonic_offset_ns = 1'795'000'000'000'000'000;
		collector.begin(target);
	}
	int drain(uint32_t capacity = 1024, uint32_t timeout_us = 0)
	{
		return collector.drain(out.data(), capacity, timeout_us, 0, &round, &err);
	}
};

} // namespace

TEST(a_call_becomes_a_record)
{
	Rig rig;

	call(rig.socket, 1, 7914, kSession, "success=no exit=-4", 0xdeadbeefcafe);
	CHECK_EQ(rig.drain(), 1);
	const tb_record &r = rig.out[0];
	CHECK_EQ(r.kind, TB_KIND_CALL);
	CHECK_EQ(r.nr, 110);
	CHECK_EQ(r.arch, kArch);
	CHECK_EQ(r.tgid, 7914u);
	CHECK_EQ(r.tid, 7914u);
	CHECK_EQ(r.cpu, TB_CPU_UNKNOWN);
	CHECK_EQ(r.args_valid, 0x0f);
	CHECK_EQ(r.args[0], 0xdeadbeefcafeu);
	CHECK_EQ(r.args[3], 3u);
	CHECK_EQ(r.ret, -4);
	CHECK_EQ(r.flags, static_cast<uint32_t>(TB_F_RET | TB_F_ENTRY_ARGS));
	CHECK_EQ(r.ts_ns, 190'522'123'000'000u);
	CHECK(rig.round.visible_ns > 0);
	CHECK_EQ(rig.collector.received().companions, 2u);
	rig.collector.join().settle();
	CHECK_EQ(rig.collector.join().absent().companions, 0u);
}

TEST(the_golden_records_are_whole_calls)
{
	Rig rig;
	Target target;

	target.session = 5;
	rig.collector.begin(target);
	for (const Golden &golden : kGoldens)
		rig.socket.record(golden.type, golden.text);
	CHECK_EQ(rig.drain(), 3);
	CHECK_EQ(rig.out[0].nr, 59);
	CHECK_EQ(rig.out[0].args[0], 0x7ffcf7866510u);
	CHECK_EQ(rig.out[0].ret, 0);
	CHECK_EQ(rig.out[1].nr, 21);
	CHECK_EQ(rig.out[1].ret, -2);
	CHECK_EQ(rig.out[2].nr, 231);
	CHECK(rig.out[2].flags & TB_F_NO_RETURN);
	const Received &r = rig.collector.received();
	CHECK_EQ(r.calls, 3u);
	CHECK_EQ(r.companions, 8u); /* seven of the execve, one PATH of access */
	CHECK_EQ(r.foreign, 1u);
	CHECK_EQ(r.strays, 2u); /* the foreign call's PROCTITLE and EOE */
	CHECK_EQ(r.control, 2u);
	CHECK_EQ(r.malformed, 0u);
	rig.collector.join().settle();
	/* access: CWD, PROCTITLE, EOE; exit_group: PROCTITLE, EOE. */
	CHECK_EQ(rig.collector.join().absent().companions, 5u);
	CHECK_EQ(rig.collector.join().absent().incomplete_calls, 2u);
}

TEST(a_call_that_never_returns_says_so)
{
	Rig rig;

	call(rig.socket, 1, 7914, kSession, "");
	CHECK_EQ(rig.drain(), 1);
	CHECK_EQ(rig.out[0].flags, static_cast<uint32_t>(TB_F_NO_RETURN | TB_F_ENTER | TB_F_ENTRY_ARGS));
	CHECK_EQ(rig.out[0].ret, 0);
}

TEST(other_sessions_and_control_records_are_told_apart)
{
	Rig rig;

	call(rig.socket, 1, 50, 13);
	rig.socket.record(AUDIT_CONFIG_CHANGE,
			  "audit(1.000:2): op=set audit_enabled=1 old=0 auid=0 ses=1 res=1");
	rig.socket.record(AUDIT_LOGIN, "audit(1.000:3): pid=5 uid=0 old-auid=4294967295 auid=0 res=1");
	call(rig.socket, 4);
	CHECK_EQ(rig.drain(), 1);
	CHECK_EQ(rig.collector.received().foreign, 1u);
	CHECK_EQ(rig.collector.received().control, 2u);
	CHECK_EQ(rig.collector.received().strays, 2u);
}

TEST(the_call_at_the_gate_is_not_the_targets)
{
	Rig rig;
	Target target;

	target.session = kSession;
	target.gate_call = {.known = true, .pid = 7914, .nr = 110, .args = {5, 1, 2, 3}};
	rig.collector.begin(target);
	call(rig.socket, 1, 7914, kSession, "success=yes exit=1", 5);
	call(rig.socket, 2, 7914, kSession, "success=yes exit=1", 5);
	CHECK_EQ(rig.drain(), 1); /* only the first record can be it */
	rig.collector.begin(target);
	call(rig.socket, 3, 7914, kSession, "success=yes exit=1", 6);
	call(rig.socket, 4, 7914, kSession, "success=yes exit=1", 5);
	CHECK_EQ(rig.drain(), 2);
}

TEST(signals_and_overruns_are_no_loss_and_no_end)
{
	Rig rig;

	rig.socket.error(-EINTR);
	call(rig.socket, 1);
	rig.socket.error(-ENOBUFS);
	rig.socket.error(-EINTR);
	call(rig.socket, 2);
	CHECK_EQ(rig.drain(), 2);
	CHECK_EQ(rig.collector.received().overruns, 1u);
}

TEST(an_error_without_end_is_an_error)
{
	Rig rig;

	for (int i = 0; i < 1000; i++)
		rig.socket.error(-ENOBUFS);
	CHECK_EQ(rig.drain(), -ENOBUFS);
	CHECK(strstr(rig.err.message, "64 times") != nullptr);

	Rig broken;
	broken.socket.error(-EBADF);
	CHECK_EQ(broken.drain(), -EBADF);
	CHECK(strstr(broken.err.message, "receiving audit records") != nullptr);
}

TEST(nothing_there_waits_once)
{
	Rig rig;

	CHECK_EQ(rig.drain(1024, 0), 0);
	CHECK_EQ(rig.socket.waits, 0u);
	CHECK_EQ(rig.drain(1024, 1000), 0);
	CHECK_EQ(rig.socket.waits, 1u);
}

TEST(a_round_that_is_full_goes_on_where_it_stopped)
{
	Rig rig;
	uint32_t total = 0;

	for (uint32_t serial = 0; serial < 5000; serial++)
		call(rig.socket, serial, 7914, kSession, "success=yes exit=0", serial);
	for (;;) {
		const int got = rig.drain(100);
		CHECK(got >= 0);
		for (int i = 0; i < got; i++)
			CHECK_EQ(rig.out[static_cast<size_t>(i)].args[0], total++);
		/* Fewer than asked for promises that nothing is left. */
		if (got < 100) {
			CHECK(rig.socket.script.empty());
			break;
		}
	}
	CHECK_EQ(total, 5000u);
	CHECK_EQ(rig.collector.received().companions, 10000u);
}

TEST(hostile_datagrams_are_counted_or_passed_over)
{
	Rig rig;

	rig.socket.datagram("");
	rig.socket.datagram("short");
	rig.socket.datagram(std::string(15, '\xff'));
	rig.socket.datagram(std::string(5000, '\xff'));
	rig.socket.record(AUDIT_SYSCALL, "");
	rig.socket.record(AUDIT_SYSCALL, std::string(9000, 'a'));
	rig.socket.record(AUDIT_SYSCALL, std::string(kSyscallGolden).substr(0, 200));
	rig.socket.record(AUDIT_EOE, "audit(1.2:");
	rig.socket.record(NLMSG_ERROR, std::string(4, '\0'));
	rig.socket.datagram(ScriptedSocket::message(AUDIT_SYSCALL, 0, kSyscallGolden, 0xffffffff), false);
	rig.socket.datagram(ScriptedSocket::message(AUDIT_SYSCALL, 0, kSyscallGolden, 0xffffffff));
	CHECK_EQ(rig.drain(), 1); /* the last one: the length in a header is not believed */
	CHECK_EQ(rig.collector.received().malformed, 3u);
	CHECK_EQ(rig.out[0].args[0], 0xc0de000100000200u);
}

TEST(settling_takes_two_pokes_that_bring_nothing)
{
	Rig rig;
	ScriptedSocket control_socket;
	Control control(control_socket);
	Settler settler(control, rig.collector);
	uint32_t pokes = 0;

	rig.collector.expect_marker(64);
	settler.set_backlog_limit(64);
	/* The first poke brings out a call that was parked; the record of each poke comes after it. */
	control_socket.on_send = [&](const nlmsghdr &head, std::string_view payload) {
		audit_status status;

		memcpy(&status, payload.data(), sizeof(status));
		CHECK_EQ(head.nlmsg_type, AUDIT_SET);
		CHECK_EQ(status.mask, static_cast<uint32_t>(AUDIT_STATUS_BACKLOG_LIMIT));
		CHECK_EQ(status.backlog_limit, 64u);
		control_socket.acknowledge(head.nlmsg_seq, 0);
		if (pokes++ == 0)
			call(rig.socket, 1);
		rig.socket.record(AUDIT_CONFIG_CHANGE, "audit(1.000:9): op=set audit_backlog_limit=64 old=64 "
						       "auid=4294967295 ses=4294967295 res=1");
		call(rig.socket, 9, 4000, UINT32_MAX); /* the sendto of the poke itself */
	};
	int delivered = 0, steps = 0;
	while (settler.step(&rig.err) == 1 && ++steps < 100)
		delivered += rig.drain();
	CHECK_EQ(delivered, 1);
	CHECK_EQ(pokes, 3u);
	CHECK_EQ(settler.pokes(), 3u);
	/* And again, from the beginning. */
	while (settler.step(&rig.err) == 1 && ++steps < 100)
		delivered += rig.drain();
	CHECK_EQ(pokes, 5u);
	CHECK_EQ(delivered, 1);
}

TEST(settling_is_not_over_before_the_poke_has_come)
{
	Rig rig;
	ScriptedSocket control_socket;
	Control control(control_socket);
	Settler settler(control, rig.collector);

	rig.collector.expect_marker(64);
	settler.set_backlog_limit(64);
	control_socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		control_socket.acknowledge(head.nlmsg_seq, 0);
	};
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(settler.step(&rig.err), 1);
		/* Another limit is another's doing. */
		rig.socket.record(AUDIT_CONFIG_CHANGE,
				  "audit(1.000:9): op=set audit_backlog_limit=65 old=64 res=1");
		rig.drain();
	}
	CHECK_EQ(settler.pokes(), 1u);
	CHECK_EQ(rig.collector.received().markers, 0u);
}

TEST(settling_that_does_not_end_says_what_is_known_of_why)
{
	Rig rig;
	ScriptedSocket control_socket;
	Control control(control_socket);
	Settler settler(control, rig.collector, 1'000'000);
	int rc = 1;

	rig.collector.expect_marker(64);
	settler.set_backlog_limit(64);
	control_socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		audit_status status = {};

		status.enabled = 1;
		status.backlog = 17;
		control_socket.acknowledge(head.nlmsg_seq, 0);
		if (head.nlmsg_type == AUDIT_GET)
			control_socket.answer(AUDIT_GET, head.nlmsg_seq,
					      {reinterpret_cast<const char *>(&status), sizeof(status)});
	};
	for (int i = 0; i < 1'000'000 && rc == 1; i++)
		rc = settler.step(&rig.err);
	CHECK_EQ(rc, -ETIMEDOUT);
	const std::string_view said = rig.err.message;
	CHECK(said.find("1 pokes were answered by 0, records of the target have ceased, 17 in audit's queue, "
			"owner 0, "
			"enabled 1") != said.npos);
}

TEST(a_poke_that_is_refused_is_an_error)
{
	Rig rig;
	ScriptedSocket control_socket;
	Control control(control_socket);
	Settler settler(control, rig.collector);

	control_socket.on_send = [&](const nlmsghdr &head, std::string_view) {
		control_socket.acknowledge(head.nlmsg_seq, -EPERM);
	};
	CHECK_EQ(settler.step(&rig.err), -EPERM);
}

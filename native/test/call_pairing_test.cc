// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <map>
#include <random>
#include <sys/syscall.h>
#include <vector>

#include "../include/call_pairing.h"
#include "check.h"

using namespace tracebench;

namespace
{

#if defined(__x86_64__)
constexpr uint32_t kArch = TB_ARCH_X86_64;
#else
constexpr uint32_t kArch = TB_ARCH_AARCH64;
#endif

constexpr tb_filter kAll = {};

tb_filter only(std::initializer_list<int> numbers)
{
	tb_filter filter = {.active = 1};

	for (int nr : numbers)
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	return filter;
}

/* A pairing whose output is collected; time goes on by itself. */
struct Bench {
	explicit Bench(const tb_filter &filter = kAll, CallPairing::Mode mode = CallPairing::Mode::calls)
		: pairing(filter, mode)
	{
	}

	void take(unsigned made)
	{
		CHECK(made <= 2);
		out.insert(out.end(), buffer, buffer + made);
	}

	void enter(uint32_t tid, int64_t nr, uint64_t arg = 0, uint32_t tgid = 100, uint32_t arch = kArch)
	{
		SyscallEntry e = {
			++now, tid, tgid, 1, nr, arch, {arg, arg + 1, arg + 2, arg + 3, arg + 4, arg + 5}};

		take(pairing.entry(e, buffer));
	}

	void leave(uint32_t tid, int64_t nr, int64_t ret, uint32_t tgid = 100, uint32_t arch = kArch,
		   uint16_t cpu = 1)
	{
		take(pairing.exit({++now, tid, tgid, cpu, nr, arch, ret}, buffer));
	}

	void exec(uint32_t now_tid, uint32_t before) { take(pairing.exec(now_tid, before, buffer)); }
	void born(uint32_t tid, uint32_t tgid) { take(pairing.task_new(tid, tgid, buffer)); }
	void gone(uint32_t tid) { take(pairing.task_gone(tid, buffer)); }

	CallPairing pairing;
	uint64_t now = 1000;
	tb_record buffer[2];
	std::vector<tb_record> out;
};

void check_call(const tb_record &r, uint32_t tid, int64_t nr, uint64_t arg, int64_t ret)
{
	CHECK_EQ(int{r.kind}, int{TB_KIND_CALL});
	CHECK_EQ(r.tid, tid);
	CHECK_EQ(int64_t{r.nr}, nr);
	CHECK_EQ(r.flags, uint32_t{TB_F_RET | TB_F_ENTRY_ARGS});
	CHECK_EQ(int{r.args_valid}, 0x3f);
	for (uint64_t i = 0; i < 6; i++)
		CHECK_EQ(uint64_t{r.args[i]}, arg + i);
	CHECK_EQ(int64_t{r.ret}, ret);
}

void check_partial(const tb_record &r, uint32_t tid, int64_t nr, uint64_t arg)
{
	CHECK_EQ(int{r.kind}, int{TB_KIND_CALL});
	CHECK_EQ(r.tid, tid);
	CHECK_EQ(int64_t{r.nr}, nr);
	CHECK_EQ(r.flags, uint32_t{TB_F_ENTER | TB_F_ENTRY_ARGS});
	CHECK_EQ(uint64_t{r.args[0]}, arg);
}

} // namespace

TEST(pairing_call)
{
	Bench b;

	b.enter(7, SYS_read, 0x10);
	CHECK_EQ(b.out.size(), 0u);
	b.leave(7, SYS_read, 42);
	CHECK_EQ(b.out.size(), 1u);
	check_call(b.out[0], 7, SYS_read, 0x10, 42);
	CHECK_EQ(b.out[0].tgid, 100u);
	CHECK_EQ(b.out[0].arch, kArch);
	CHECK_EQ(b.out[0].ts_ns, 1002u);
	CHECK_EQ(int{b.out[0].cpu}, 1);
}

TEST(pairing_threads_interleave)
{
	Bench b;

	b.enter(7, SYS_read, 1);
	b.enter(8, SYS_read, 2);
	b.leave(7, SYS_read, 11);
	b.leave(8, SYS_read, 12);
	CHECK_EQ(b.out.size(), 2u);
	check_call(b.out[0], 7, SYS_read, 1, 11);
	check_call(b.out[1], 8, SYS_read, 2, 12);
}

TEST(pairing_birth_of_each_kind)
{
	std::vector<int> forks = {SYS_clone, SYS_clone3};
#ifdef SYS_fork
	forks.insert(forks.end(), {SYS_fork, SYS_vfork});
#endif
	for (int nr : forks) {
		Bench b;

		b.enter(7, nr, 5);
		b.leave(8, nr, 0, 8);
		b.leave(7, nr, 8);
		CHECK_EQ(b.out.size(), 2u);
		CHECK_EQ(int{b.out[0].kind}, int{TB_KIND_BIRTH});
		CHECK_EQ(b.out[0].tid, 8u);
		CHECK_EQ(b.out[0].tgid, 8u);
		CHECK_EQ(b.out[0].flags, uint32_t{TB_F_RET});
		CHECK_EQ(int{b.out[0].args_valid}, 0);
		check_call(b.out[1], 7, nr, 5, 8);
		CHECK_EQ(b.pairing.counters().births, 1u);
	}
}

TEST(pairing_birth_of_a_tid_that_died_unseen)
{
	Bench b;

	b.enter(8, SYS_clone, 3);
	b.leave(8, SYS_clone, 0, 8);
	CHECK_EQ(b.out.size(), 2u);
	check_partial(b.out[0], 8, SYS_clone, 3);
	CHECK_EQ(int{b.out[1].kind}, int{TB_KIND_BIRTH});
}

TEST(pairing_birth_by_a_foreign_number)
{
	Bench b;

	b.born(8, 8);
	b.leave(8, 120, 0, 0); /* the mechanism took it for a native call */
	CHECK_EQ(b.out.size(), 1u);
	CHECK_EQ(int{b.out[0].kind}, int{TB_KIND_BIRTH});
	CHECK_EQ(b.out[0].tgid, 8u);
}

TEST(pairing_tgid_from_task_new_or_lookup)
{
	Bench b;

	b.pairing.set_tgid_lookup([](uint32_t tid) { return tid == 9 ? 55u : 0u; });
	b.born(8, 77);
	for (uint32_t tid : {8u, 9u, 10u}) {
		b.enter(tid, SYS_close, 1, 0);
		b.leave(tid, SYS_close, 0, 0);
	}
	CHECK_EQ(b.out.size(), 3u);
	CHECK_EQ(b.out[0].tgid, 77u);
	CHECK_EQ(b.out[1].tgid, 55u);
	CHECK_EQ(b.out[2].tgid, 10u);
	CHECK_EQ(b.pairing.counters().unknown_tgids, 1u);
	CHECK_EQ(b.pairing.tgid_of(8), 77u);
	CHECK_EQ(b.pairing.tgid_of(11), 0u);
}

TEST(pairing_calls_that_do_not_return)
{
	Bench b;

	b.enter(7, SYS_exit, 3);
	b.enter(8, SYS_exit_group, 4);
	CHECK_EQ(b.out.size(), 2u);
	for (const tb_record &r : b.out) {
		CHECK_EQ(r.flags, uint32_t{TB_F_NO_RETURN | TB_F_ENTER});
		CHECK_EQ(int{r.args_valid}, 0x3f);
	}
	CHECK_EQ(b.out[0].nr, SYS_exit);
	CHECK_EQ(b.out[0].ts_ns, 1001u);
	CHECK_EQ(b.out[1].nr, SYS_exit_group);
	b.gone(7);
	b.gone(8);
	CHECK_EQ(b.out.size(), 2u);
	CHECK_EQ(b.pairing.counters().died_inside, 0u);
}

TEST(pairing_sigreturn_exits_with_minus_one)
{
	Bench b;

	b.enter(7, SYS_rt_sigreturn, 9);
	b.leave(7, -1, -4);
	CHECK_EQ(b.out.size(), 1u);
	check_call(b.out[0], 7, SYS_rt_sigreturn, 9, -4);
}

TEST(pairing_first_execve_told_by_its_return)
{
	Bench b;

	b.pairing.arm(7);
	b.leave(7, SYS_read, 1); /* of the gate */
	b.enter(7, SYS_close, 1);
	b.leave(7, SYS_close, 0);
	b.enter(7, SYS_execve, 2);
	b.leave(7, SYS_execve, -2);
	b.enter(9, SYS_execve, 3);
	b.leave(9, SYS_execve, 0);
	CHECK_EQ(b.out.size(), 0u);
	b.enter(7, SYS_execve, 4);
	b.leave(7, SYS_execve, 0);
	b.enter(7, SYS_brk, 5);
	b.leave(7, SYS_brk, 6);
	CHECK_EQ(b.out.size(), 2u);
	check_call(b.out[0], 7, SYS_execve, 4, 0);
	check_call(b.out[1], 7, SYS_brk, 5, 6);
}

TEST(pairing_first_execve_told_by_its_event)
{
	Bench b;

	b.pairing.arm(7);
	b.enter(7, SYS_execve, 4);
	b.exec(8, 8);
	b.exec(7, 7);
	CHECK_EQ(b.out.size(), 0u);
	b.leave(7, SYS_execve, 0);
	CHECK_EQ(b.out.size(), 1u);
	check_call(b.out[0], 7, SYS_execve, 4, 0);
}

TEST(pairing_first_execve_not_wanted)
{
	Bench b(only({SYS_close}));

	b.pairing.arm(7);
	b.exec(7, 7);
	b.enter(7, SYS_close, 1);
	b.leave(7, SYS_close, 0);
	CHECK_EQ(b.out.size(), 1u);
	check_call(b.out[0], 7, SYS_close, 1, 0);
}

TEST(pairing_execve_by_a_thread_that_is_not_the_leader)
{
	for (bool told : {true, false}) {
		Bench b;

		b.enter(100, SYS_futex, 1); /* the leader, which dies in it */
		b.enter(101, SYS_execve, 2);
		if (told) {
			b.leave(100, SYS_futex, -512);
			b.gone(100);
			b.exec(100, 101);
		} else {
			b.leave(100, SYS_futex, -512);
		}
		b.leave(100, SYS_execve, 0);
		CHECK_EQ(b.out.size(), 2u);
		check_call(b.out[0], 100, SYS_futex, 1, -512);
		check_call(b.out[1], 100, SYS_execve, 2, 0);
		CHECK_EQ(b.out[1].tgid, 100u);
		b.enter(100, SYS_brk, 3);
		b.leave(100, SYS_brk, 4);
		check_call(b.out.at(2), 100, SYS_brk, 3, 4);
	}
}

TEST(pairing_exec_ends_a_leader_that_was_inside_a_call)
{
	Bench b;

	b.enter(100, SYS_futex, 1);
	b.enter(101, SYS_execve, 2);
	b.exec(100, 101);
	b.leave(100, SYS_execve, 0);
	CHECK_EQ(b.out.size(), 2u);
	CHECK_EQ(b.out[0].nr, SYS_futex);
	CHECK_EQ(b.out[0].flags, uint32_t{TB_F_ENTER | TB_F_ENTRY_ARGS | TB_F_NO_RETURN});
	check_call(b.out[1], 100, SYS_execve, 2, 0);
}

TEST(pairing_thread_that_dies_inside_a_call)
{
	Bench b;

	b.enter(7, SYS_read, 1);
	b.gone(7);
	CHECK_EQ(b.out.size(), 1u);
	CHECK_EQ(b.out[0].flags, uint32_t{TB_F_ENTER | TB_F_ENTRY_ARGS | TB_F_NO_RETURN});
	CHECK_EQ(b.pairing.counters().died_inside, 1u);
	b.gone(7);
	CHECK_EQ(b.out.size(), 1u);
}

TEST(pairing_refused_by_seccomp)
{
	Bench b;

	b.enter(7, SYS_close, 1);
	b.leave(7, SYS_close, 0);
	b.leave(7, SYS_getppid, -1);
	b.leave(7, SYS_getppid, -1);
	CHECK_EQ(b.out.size(), 3u);
	for (size_t i : {1u, 2u}) {
		CHECK_EQ(int{b.out[i].kind}, int{TB_KIND_REFUSED});
		CHECK_EQ(b.out[i].nr, SYS_getppid);
		CHECK_EQ(b.out[i].ret, -1);
		CHECK_EQ(int{b.out[i].args_valid}, 0);
	}
	CHECK_EQ(b.pairing.counters().refused, 2u);
	CHECK_EQ(b.pairing.counters().unpaired_exits, 0u);
}

TEST(pairing_refused_under_a_filter_in_a_new_task)
{
	Bench b(only({SYS_getppid}));

	b.born(8, 8);
	b.leave(8, SYS_getppid, -1); /* its birth was kept back by the filter */
	CHECK_EQ(b.out.size(), 1u);
	CHECK_EQ(int{b.out[0].kind}, int{TB_KIND_REFUSED});
}

TEST(pairing_filter_in_user_space)
{
	Bench b(only({SYS_close}));

	b.enter(7, SYS_read, 1);
	b.leave(7, SYS_read, 1);
	b.enter(7, SYS_close, 2);
	b.leave(7, SYS_close, 0);
	b.leave(8, SYS_clone, 0);
	b.enter(7, SYS_exit_group, 0);
	CHECK_EQ(b.out.size(), 1u);
	check_call(b.out[0], 7, SYS_close, 2, 0);
}

TEST(pairing_filter_names_native_numbers)
{
#ifdef __x86_64__
	Bench b(only({20}));

	b.enter(7, 20, 1, 100, TB_ARCH_I386);
	b.leave(7, 20, 1, 100, TB_ARCH_I386);
	CHECK_EQ(b.out.size(), 0u);
	b.enter(7, 20, 1);
	b.leave(7, 20, 1);
	CHECK_EQ(b.out.size(), 1u);
#endif
}

TEST(pairing_foreign_calls)
{
#ifdef __x86_64__
	Bench b;

	b.enter(7, 20, 1, 100, TB_ARCH_I386);
	b.leave(7, 20, 5, 100, TB_ARCH_I386);
	b.enter(7, 173, 2, 100, TB_ARCH_I386);
	b.leave(7, -1, 0, 100, TB_ARCH_I386);
	b.enter(7, 252, 3, 100, TB_ARCH_I386);
	CHECK_EQ(b.out.size(), 3u);
	check_call(b.out[0], 7, 20, 1, 5);
	CHECK_EQ(b.out[0].arch, TB_ARCH_I386);
	check_call(b.out[1], 7, 173, 2, 0);
	CHECK_EQ(b.out[2].flags, uint32_t{TB_F_NO_RETURN | TB_F_ENTER});
#endif
}

TEST(pairing_exit_lost)
{
	Bench b;

	b.enter(7, SYS_read, 1);
	b.pairing.lost();
	b.enter(7, SYS_close, 2);
	b.leave(7, SYS_close, 0);
	CHECK_EQ(b.out.size(), 2u);
	check_partial(b.out[0], 7, SYS_read, 1);
	CHECK_EQ(b.out[0].ts_ns, 1001u);
	check_call(b.out[1], 7, SYS_close, 2, 0);
	CHECK_EQ(b.pairing.counters().partial_calls, 1u);
}

TEST(pairing_entry_lost)
{
	Bench b;

	b.enter(7, SYS_close, 2);
	b.leave(7, SYS_close, 0);
	b.pairing.lost();
	b.leave(7, SYS_read, 1);
	b.leave(7, SYS_getppid, 1); /* right behind it, so nothing was lost between them */
	CHECK_EQ(b.out.size(), 2u);
	CHECK_EQ(b.pairing.counters().unpaired_exits, 1u);
	CHECK_EQ(int{b.out[1].kind}, int{TB_KIND_REFUSED});
}

TEST(pairing_loss_between_entry_and_exit_of_one_number)
{
	Bench b;

	b.enter(7, SYS_read, 1);
	b.pairing.lost();
	b.leave(7, SYS_read, 99);
	CHECK_EQ(b.out.size(), 1u);
	check_partial(b.out[0], 7, SYS_read, 1);
	CHECK_EQ(b.pairing.counters().partial_calls, 1u);
	CHECK_EQ(b.pairing.counters().unpaired_exits, 1u);
}

TEST(pairing_lossy_trusts_pairs_of_one_cpu)
{
	Bench b;

	b.pairing.set_lossy(true);
	b.enter(7, SYS_read, 1);
	b.leave(7, SYS_read, 2);
	b.enter(7, SYS_read, 3);
	b.leave(7, SYS_read, 4, 100, kArch, 0);
	b.pairing.set_lossy(false);
	b.enter(7, SYS_read, 5);
	b.leave(7, SYS_read, 6, 100, kArch, 0);
	CHECK_EQ(b.out.size(), 3u);
	check_call(b.out[0], 7, SYS_read, 1, 2);
	check_partial(b.out[1], 7, SYS_read, 3);
	check_call(b.out[2], 7, SYS_read, 5, 6);
}

TEST(pairing_birth_lost)
{
	Bench b;

	b.born(8, 8);
	b.pairing.lost();
	b.leave(8, SYS_read, 0, 8); /* of a call whose entry was lost as well */
	CHECK_EQ(b.out.size(), 0u);
	CHECK_EQ(b.pairing.counters().unpaired_exits, 1u);
}

TEST(pairing_unknown_thread_after_a_loss)
{
	Bench b;

	b.pairing.lost();
	b.leave(8, SYS_getppid, -1);
	CHECK_EQ(b.out.size(), 0u);
	CHECK_EQ(b.pairing.counters().unpaired_exits, 1u);
}

TEST(pairing_entries_alone)
{
	Bench b(kAll, CallPairing::Mode::entries);

	b.pairing.arm(7);
	b.enter(7, SYS_close, 1);
	b.enter(7, SYS_execve, 2);
	CHECK_EQ(b.out.size(), 0u);
	b.exec(7, 7);
	CHECK_EQ(b.out.size(), 1u);
	CHECK_EQ(b.out[0].nr, SYS_execve);
	CHECK_EQ(b.out[0].flags, uint32_t{TB_F_ENTER});
	b.enter(7, SYS_read, 3);
	b.enter(7, SYS_read, 4);
	b.enter(7, SYS_exit, 5);
	b.gone(7);
	CHECK_EQ(b.out.size(), 4u);
	CHECK_EQ(b.out[2].args[5], 9u);
	CHECK_EQ(b.out[2].flags, uint32_t{TB_F_ENTER});
	CHECK_EQ(b.out[3].flags, uint32_t{TB_F_NO_RETURN | TB_F_ENTER});
	CHECK_EQ(b.pairing.counters().partial_calls, 0u);
}

TEST(pairing_memory_is_bounded)
{
	Bench b;
	const uint32_t many = CallPairing::kThreadsMax + 100;

	for (uint32_t tid = 1; tid <= many; tid++)
		b.enter(tid, SYS_read, tid);
	CHECK_EQ(b.pairing.counters().table_full, 100u);
	for (uint32_t tid = 1; tid <= many; tid += 2) {
		b.leave(tid, SYS_read, tid);
		b.gone(tid);
	}
	for (uint32_t tid = 2; tid <= many; tid += 2)
		b.leave(tid, SYS_read, tid);
	std::map<uint32_t, tb_record> calls;
	for (const tb_record &r : b.out)
		if (r.flags & TB_F_RET && r.kind == TB_KIND_CALL)
			calls[r.tid] = r;
	CHECK_EQ(calls.size(), size_t{CallPairing::kThreadsMax});
	for (const auto &[tid, r] : calls)
		check_call(r, tid, SYS_read, tid, tid);
}

/*
 * Random threads making random calls of few numbers, their records interleaved, whole runs of them lost and said so.
 * Every call is known, so each record that comes out is held against the call it claims to be.
 */
TEST(pairing_property_random_losses)
{
	struct Issued {
		uint32_t tid;
		int64_t nr;
		int64_t ret;
		unsigned complete = 0, partial = 0;
		bool exits = false;
	};
	enum What { entry, leaving, birth, refusal, death, creation };
	struct Event {
		What what;
		uint32_t tid, tgid;
		int64_t nr;
		uint64_t call; /* index; stamps are index * 16 */
		int64_t ret;
	};
	static const int numbers[] = {SYS_read, SYS_close, SYS_getppid, SYS_rt_sigreturn};

	for (uint32_t seed = 1; seed <= 200; seed++) {
		std::mt19937 random(seed);
		auto below = [&random](uint32_t n) {
			return static_cast<uint32_t>(random() % n);
		};
		std::vector<Issued> calls;
		std::vector<Event> stream;
		const uint32_t threads = 1 + below(6);
		struct Thread {
			bool inside = false;
			uint64_t call = 0;
			bool newborn = false;
		};
		std::map<uint32_t, Thread> alive;

		for (uint32_t i = 0; i < threads; i++)
			alive[10 + i] = {};
		uint64_t refusals = 0, births = 0;
		for (unsigned step = 0; step < 3000; step++) {
			const uint32_t tid = 10 + below(threads);
			if (!alive.count(tid)) { /* comes again under the same tid */
				stream.push_back({creation, tid, 100, 0, 0, 0});
				alive[tid] = {.newborn = true};
				continue;
			}
			Thread &t = alive[tid];
			if (t.newborn) {
				stream.push_back({birth, tid, 100, SYS_clone, 0, 0});
				births++;
				t.newborn = false;
			} else if (t.inside) {
				Issued &c = calls[t.call];
				const bool sigreturn = c.nr == SYS_rt_sigreturn;
				stream.push_back({leaving, tid, 100, sigreturn ? -1 : c.nr, t.call, c.ret});
				t.inside = false;
			} else if (below(40) == 0) {
				t.call = calls.size();
				calls.push_back({.tid = tid, .nr = SYS_exit, .ret = 0, .exits = true});
				stream.push_back({entry, tid, 100, SYS_exit, t.call, 0});
				stream.push_back({death, tid, 100, 0, 0, 0});
				alive.erase(tid);
			} else if (below(20) == 0) {
				stream.push_back(
					{refusal, tid, 100, numbers[below(3)], 0, -1000 - int64_t{step}});
				refusals++;
			} else {
				t.call = calls.size();
				const int nr = numbers[below(4)];
				calls.push_back({.tid = tid, .nr = nr, .ret = 1000000 + int64_t(t.call)});
				stream.push_back({entry, tid, 100, nr, t.call, 0});
				t.inside = true;
			}
		}

		/* Task events come on a way of their own and are not lost; or there are none at all. */
		const bool task_events = seed % 2;
		Bench b;
		uint64_t lost_records = 0;
		uint32_t losing = 0;
		bool was_lost = false;
		for (uint32_t i = 0; i < threads; i++)
			if (task_events) {
				b.born(10 + i, 100);
				b.leave(10 + i, SYS_clone, 0);
			}
		births += task_events ? threads : 0;
		for (const Event &e : stream) {
			if (e.what == death || e.what == creation) {
				if (!task_events)
					continue;
				if (e.what == death)
					b.gone(e.tid);
				else
					b.born(e.tid, 100);
				continue;
			}
			if (seed > 10 && losing == 0 && below(30) == 0)
				losing = 1 + below(1 + below(40));
			if (losing) {
				losing--;
				was_lost = true;
				lost_records += e.what == entry || e.what == leaving;
				continue;
			}
			if (was_lost)
				b.pairing.lost();
			was_lost = false;
			if (e.what == entry)
				b.enter(e.tid, e.nr, e.call * 16);
			else
				b.leave(e.tid, e.nr, e.ret);
		}
		for (uint32_t i = 0; i < threads; i++)
			b.gone(10 + i);

		uint64_t seen_births = 0, seen_refusals = 0;
		for (const tb_record &r : b.out) {
			if (r.kind == TB_KIND_BIRTH) {
				seen_births++;
				continue;
			}
			if (r.kind == TB_KIND_REFUSED) {
				CHECK(r.ret <= -1000);
				seen_refusals++;
				continue;
			}
			CHECK_EQ(int{r.args_valid}, 0x3f);
			CHECK(r.args[0] % 16 == 0 && r.args[0] / 16 < calls.size());
			Issued &c = calls[r.args[0] / 16];
			CHECK_EQ(r.tid, c.tid);
			CHECK_EQ(int64_t{r.nr}, c.nr);
			for (uint64_t i = 0; i < 6; i++)
				CHECK_EQ(uint64_t{r.args[i]}, r.args[0] + i);
			if (r.flags & TB_F_RET) {
				CHECK_EQ(int64_t{r.ret}, c.ret);
				c.complete++;
			} else if (c.exits) {
				CHECK_EQ(r.flags, uint32_t{TB_F_NO_RETURN | TB_F_ENTER});
				c.complete++;
			} else {
				c.partial++;
			}
		}
		uint64_t missing = 0, partial = 0, open = 0;
		for (const auto &[tid, t] : alive)
			open += t.inside;
		for (const Issued &c : calls) {
			CHECK(c.complete + c.partial <= 1);
			missing += !c.complete && !c.partial;
			partial += c.partial;
		}
		CHECK(seen_births <= births && seen_refusals <= refusals);
		CHECK(missing <= lost_records);
		CHECK(lost_records <= 2 * missing + partial);
		if (seed <= 10) {
			CHECK_EQ(lost_records, 0u);
			CHECK_EQ(missing, 0u);
			CHECK_EQ(partial, open);
			CHECK_EQ(seen_births, births);
			CHECK_EQ(seen_refusals, refusals);
		} else {
			CHECK(lost_records > 0);
			CHECK(partial > 0);
		}
	}
}

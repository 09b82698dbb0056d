/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ptrace source against real targets, without session, addon or harness. Run as root all cases run; as a plain
 * user those of the seccomp variant are counted as skipped. Usage: ptrace_source_test [name of a case …]
 * Needs ptrace_test_target (targets.cc) beside it.
 */
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "targets.h"

namespace
{

int case_failures;
std::string target_path;

#define CHECK(what)                                                         \
	do {                                                                \
		if (!(what)) {                                              \
			printf("  %s:%d: %s\n", __FILE__, __LINE__, #what); \
			case_failures++;                                    \
		}                                                           \
	} while (0)

#define CHECK_EQ(a, b)                                                                                  \
	do {                                                                                            \
		const long long left = static_cast<long long>(a), right = static_cast<long long>(b);    \
		if (left != right) {                                                                    \
			printf("  %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, left, right); \
			case_failures++;                                                                \
		}                                                                                       \
	} while (0)

using records = std::vector<struct tb_record>;

constexpr uint32_t returned = TB_F_RET | TB_F_ENTRY_ARGS;
constexpr uint32_t died_inside = TB_F_NO_RETURN | TB_F_ENTRY_ARGS;
constexpr uint32_t leaves = TB_F_NO_RETURN | TB_F_ENTER | TB_F_ENTRY_ARGS;

run_options target(std::vector<std::string> words, const char *variant = "")
{
	run_options options;

	options.argv = {target_path};
	options.argv.insert(options.argv.end(), words.begin(), words.end());
	options.variant = variant;
	return options;
}

struct tb_filter only(std::initializer_list<long> numbers)
{
	struct tb_filter filter = {};

	filter.active = 1;
	for (long nr : numbers)
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	return filter;
}

bool is_mark(const struct tb_record &r, uint64_t n)
{
	return r.nr == SYS_getppid && r.args[0] == MARK && r.args[1] == MARK && r.args[2] == n;
}

/* The records between two marks, without them; all kinds and tasks. */
records between(const records &all, uint64_t from, uint64_t to)
{
	auto first = std::find_if(all.begin(), all.end(), [&](const auto &r) { return is_mark(r, from); });
	auto last = std::find_if(first, all.end(), [&](const auto &r) { return is_mark(r, to); });

	CHECK(first != all.end() && last != all.end());
	return first == all.end() ? records() : records(first + 1, last);
}

records of(const records &all, long nr, tb_u8 kind = TB_KIND_CALL, tb_u32 arch = TB_ARCH_X86_64)
{
	records some;

	std::copy_if(all.begin(), all.end(), std::back_inserter(some),
		     [&](const auto &r) { return r.nr == nr && r.kind == kind && r.arch == arch; });
	return some;
}

void check_clean_end(const traced_run &run, int code)
{
	CHECK(run.failure.empty());
	if (!run.failure.empty())
		printf("  %s\n", run.failure.c_str());
	CHECK(run.ended);
	CHECK_EQ(run.disarm_rc, 0);
	CHECK(WIFEXITED(run.status));
	CHECK_EQ(WEXITSTATUS(run.status), code);
	CHECK_EQ(run.counters.at("unknown_stops"), 0);
	CHECK_EQ(run.counters.at("unpaired_exits"), 0);
	CHECK_EQ(run.counters.at("unknown_tgids"), 0);
	CHECK_EQ(run.counters.at("stale_stops"), 0);
	CHECK_EQ(run.counters.at("open_at_disarm"), 0);
}

/* What holds for every record of every target here. */
void check_form(const traced_run &run)
{
	int bad = 0;

	for (const auto &r : run.records) {
		const bool call = r.kind == TB_KIND_CALL;

		bad += !(call || r.kind == TB_KIND_BIRTH) || r.args_valid != 0x3f ||
		       r.cpu != TB_CPU_UNKNOWN || r.aux != 0 || r.ts_ns == 0 || r.tid == 0 || r.tgid == 0;
		bad += call && r.flags != returned && r.flags != died_inside && r.flags != leaves;
		bad += !call && (r.flags != TB_F_RET || r.ret != 0);
	}
	CHECK_EQ(bad, 0);
}

/* --- contents --------------------------------------------------------------------------------------------------- */

void words_are_exact(const char *variant, long count, uint32_t capacity)
{
	run_options options = target({"words", std::to_string(count)}, variant);
	traced_run run;
	long wrong = 0, n = 0;

	options.capacity = capacity;
	run_traced(options, &run);
	check_clean_end(run, 7);
	check_form(run);
	CHECK(!run.records.empty());
	if (run.records.empty())
		return;

	/* The execve that made the target is its first call; the one that failed before is not the target's. */
	const struct tb_record &first = run.records.front();

	CHECK_EQ(first.nr, SYS_execve);
	CHECK_EQ(first.ret, 0);
	CHECK_EQ(first.flags, returned);
	for (int i = 0; i < 3; i++)
		CHECK(first.args[i] == run.truth->launcher_exec[i]);
	CHECK_EQ(of(run.records, SYS_execve).size(), 1);

	for (const auto &r : between(run.records, 1, 2)) {
		bool ok = r.nr == SYS_getppid && r.kind == TB_KIND_CALL && r.flags == returned &&
			  r.arch == TB_ARCH_X86_64 && r.ret == run.launcher &&
			  r.tid == static_cast<tb_u32>(run.pid) && r.tgid == r.tid;

		for (unsigned i = 0; i < 6; i++)
			ok &= r.args[i] == word(static_cast<uint64_t>(n), i);
		wrong += !ok;
		n++;
	}
	CHECK_EQ(n, count);
	CHECK_EQ(wrong, 0);
	CHECK(std::is_sorted(run.records.begin(), run.records.end(),
			     [](const auto &a, const auto &b) { return a.ts_ns < b.ts_ns; }));

	const struct tb_record &last = run.records.back();

	CHECK_EQ(last.nr, SYS_exit_group);
	CHECK_EQ(last.flags, leaves);
	CHECK_EQ(last.args[0], 7);
}

void contents()
{
	words_are_exact("", 10007, 1024);
}

void contents_one_at_a_time()
{
	words_are_exact("", 101, 1);
}

void contents_seccomp()
{
	words_are_exact("seccomp", 10007, 1024);
}

void filter_in_user_space()
{
	run_options options = target({"words", "1009"});
	traced_run run;

	options.filter = only({SYS_getppid});
	run_traced(options, &run);
	check_clean_end(run, 7);
	CHECK_EQ(run.records.size(), 1011);
	CHECK_EQ(of(run.records, SYS_getppid).size(), 1011);
	CHECK(run.counters["stops"] > 2 * 1011);
}

void filter_in_kernel()
{
	run_options options = target({"words", "1009"}, "seccomp");
	traced_run run;

	options.filter = only({SYS_getppid});
	run_traced(options, &run);
	check_clean_end(run, 7);
	CHECK_EQ(run.records.size(), 1011);
	CHECK_EQ(of(run.records, SYS_getppid).size(), 1011);
	/* Two a call, and the exec; what is not wanted does not stop. */
	CHECK_EQ(run.counters["stops"], 2 * 1011 + 1);
}

void sixteen_threads(const char *variant)
{
	run_options options = target({"threads", "16", "1009"}, variant);
	traced_run run;
	std::vector<uint64_t> next(16, 0);
	long wrong = 0;

	run_traced(options, &run);
	check_clean_end(run, 0);
	check_form(run);
	for (const auto &r : of(run.records, SYS_getppid)) {
		if (r.args[0] != MARK + 1 || r.args[1] >= 16)
			continue;
		wrong += r.args[2] != next[r.args[1]]++ ||
			 r.tid != static_cast<tb_u32>(run.truth->tids[r.args[1]]) ||
			 r.tgid != static_cast<tb_u32>(run.pid);
	}
	CHECK_EQ(wrong, 0);
	for (uint64_t count : next)
		CHECK_EQ(count, 1009);
	CHECK_EQ(run.counters["births"], 16);
	CHECK_EQ(run.counters["deaths"], 17);
}

void threads()
{
	sixteen_threads("");
}

void threads_seccomp()
{
	sixteen_threads("seccomp");
}

/* --- births, execs, deaths -------------------------------------------------------------------------------------- */

void each_way_of_birth(const char *variant)
{
	const long numbers[] = {SYS_fork, SYS_vfork, SYS_clone, SYS_clone3};
	traced_run run;

	run_traced(target({"births"}, variant), &run);
	check_clean_end(run, 0);
	check_form(run);

	const records section = between(run.records, 1, 2);

	for (int i = 0; i < 4; i++) {
		const records birth = of(section, numbers[i], TB_KIND_BIRTH), call = of(section, numbers[i]);
		const auto child = static_cast<tb_u32>(run.truth->tids[i]);

		CHECK_EQ(birth.size(), 1);
		CHECK_EQ(call.size(), 1);
		if (birth.size() != 1 || call.size() != 1)
			continue;
		CHECK_EQ(birth[0].tid, child);
		CHECK_EQ(birth[0].tgid, child);
		CHECK_EQ(call[0].ret, child);
		CHECK_EQ(call[0].tid, run.pid);
		for (int a = 0; a < 6; a++)
			CHECK(birth[0].args[a] == call[0].args[a]);
	}

	const records exits = of(section, SYS_exit_group);

	CHECK_EQ(exits.size(), 4);
	for (size_t i = 0; i < exits.size(); i++) {
		CHECK_EQ(exits[i].args[0], 3 + i);
		CHECK_EQ(exits[i].flags, leaves);
		CHECK_EQ(exits[i].tid, run.truth->tids[i]);
	}
}

void births()
{
	each_way_of_birth("");
}

void births_seccomp()
{
	each_way_of_birth("seccomp");
}

void ten_thousand_forks()
{
	traced_run run;
	std::set<uint64_t> seen;

	run_traced(target({"forks", "10000"}), &run);
	check_clean_end(run, 0);
	for (const auto &r : of(run.records, SYS_getppid)) {
		if (r.args[0] == MARK && r.args[2] >= 100) {
			seen.insert(r.args[2]);
			CHECK_EQ(r.ret, run.pid);
		}
	}
	CHECK_EQ(seen.size(), 10000);
	CHECK_EQ(of(run.records, SYS_fork, TB_KIND_BIRTH).size(), 10000);
	CHECK_EQ(of(run.records, SYS_fork).size(), 10000);
	CHECK_EQ(of(run.records, SYS_exit_group).size(), 10001);
	CHECK_EQ(run.counters["births"], 10000);
	CHECK_EQ(run.counters["deaths"], 10001);
}

const struct tb_record *dying(const records &all, long nr, pid_t tid)
{
	for (const auto &r : all) {
		if (r.nr == nr && r.tid == static_cast<tb_u32>(tid) && r.flags == died_inside)
			return &r;
	}
	return nullptr;
}

void check_blocked_threads(const traced_run &run)
{
	const struct tb_record *read = dying(run.records, SYS_read, run.truth->tids[0]);
	const struct tb_record *futex = dying(run.records, SYS_futex, run.truth->tids[1]);

	CHECK(read && read->args[0] == run.truth->words[0] && read->args[3] == 0x1111 &&
	      read->args[5] == 0x3333);
	CHECK(futex && futex->args[4] == 0x4444 && futex->args[5] == 0x5555);
	CHECK(read && futex && read->tgid == futex->tgid && read->tgid == static_cast<tb_u32>(run.pid));
}

void group_exit_of_blocked_threads()
{
	run_options options = target({"group-exit"});

	for (uint32_t capacity : {1024u, 1u}) {
		traced_run run;

		options.capacity = capacity;
		run_traced(options, &run);
		check_clean_end(run, 6);
		check_form(run);
		check_blocked_threads(run);
		CHECK_EQ(run.counters["deaths"], 3);
	}
}

void check_second_exec(const traced_run &run)
{
	const records execs = of(run.records, SYS_execve);

	CHECK_EQ(execs.size(), 2);
	if (execs.size() != 2)
		return;
	CHECK_EQ(execs[1].ret, 0);
	CHECK_EQ(execs[1].tid, run.pid);
	CHECK_EQ(execs[1].tgid, run.pid);
	for (int i = 0; i < 3; i++)
		CHECK(execs[1].args[i] == run.truth->words[1 + i]);
	CHECK_EQ(between(run.records, 1, 2).size(), 11);
}

void exec_by_leader(const char *variant)
{
	traced_run run;

	run_traced(target({"exec-by-leader"}, variant), &run);
	check_clean_end(run, 7);
	check_form(run);
	check_blocked_threads(run);
	check_second_exec(run);
}

void exec_by_thread(const char *variant)
{
	traced_run run;

	run_traced(target({"exec-by-thread"}, variant), &run);
	check_clean_end(run, 7);
	check_form(run);
	check_blocked_threads(run);
	check_second_exec(run);

	/* The leader died inside pause, and its tid is the other thread's from then on. */
	const struct tb_record *pause = dying(run.records, SYS_pause, run.pid);

	CHECK(pause && pause->args[0] == 0x6666 && pause->args[5] == 0xbbbb);
	CHECK(run.truth->tids[2] != run.pid);
	CHECK_EQ(run.counters["deaths"], 4);
}

void execs()
{
	exec_by_leader("");
	exec_by_thread("");
}

void execs_seccomp()
{
	exec_by_leader("seccomp");
	exec_by_thread("seccomp");
}

void segfault()
{
	traced_run run;

	run_traced(target({"segfault"}), &run);
	CHECK(run.ended);
	CHECK(run.failure.empty());
	CHECK(WIFSIGNALED(run.status));
	CHECK_EQ(WTERMSIG(run.status), SIGSEGV);
	/* Its last call had returned; no call died with it. */
	CHECK(!run.records.empty() && run.records.back().nr == SYS_mmap);
	CHECK(!run.records.empty() && run.records.back().flags == returned);
}

void killed_from_outside()
{
	run_options options = target({"busy", "4"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		usleep(50'000);
		kill(live.pid, SIGKILL);
	};
	run_traced(options, &run);
	CHECK(run.ended);
	CHECK(run.failure.empty());
	CHECK_EQ(run.disarm_rc, 0);
	CHECK(WIFSIGNALED(run.status));
	CHECK_EQ(WTERMSIG(run.status), SIGKILL);
	CHECK(of(run.records, SYS_getppid).size() > 10);
	check_form(run);
}

/* --- signals, restarts, stops ----------------------------------------------------------------------------------- */

void signals(const char *variant)
{
	traced_run run;

	run_traced(target({"signals"}, variant), &run);
	check_clean_end(run, 0);

	const records section = between(run.records, 1, 2), back = of(section, SYS_rt_sigreturn);

	CHECK_EQ(back.size(), 2);
	for (const auto &r : back)
		CHECK_EQ(r.flags, returned);
	CHECK_EQ(of(section, SYS_tgkill).size(), 1);
	CHECK_EQ(of(section, SYS_rt_sigqueueinfo).size(), 1);
	CHECK_EQ(run.counters["signals_delivered"], 2);
}

void signals_default()
{
	signals("");
}

void signals_seccomp()
{
	signals("seccomp");
}

void restarts()
{
	run_options options = target({"restarts"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		usleep(200'000);
		kill(live.pid, SIGSTOP);
		CHECK(WIFSTOPPED(live.next_status()));
		usleep(50'000);
		kill(live.pid, SIGCONT);
		CHECK(WIFCONTINUED(live.next_status()));
	};
	run_traced(options, &run);
	check_clean_end(run, 0);
	CHECK(run.counters["group_stops"] >= 1);

	/* nanosleep is interrupted by the stop and goes on as restart_syscall. */
	const records stopped = between(run.records, 1, 2);
	const records sleeps = of(stopped, SYS_nanosleep), again = of(stopped, SYS_restart_syscall);

	CHECK_EQ(sleeps.size(), 1);
	CHECK(!sleeps.empty() && sleeps[0].ret == -516);
	CHECK(!again.empty() && again.back().ret == 0);
	for (size_t i = 0; i + 1 < again.size(); i++)
		CHECK_EQ(again[i].ret, -516);
	CHECK_EQ(stopped.size(), sleeps.size() + again.size());

	/* A handler with SA_RESTART: the read asks to be restarted, the handler returns, the read is made again. */
	const records restarted = between(run.records, 3, 4);
	const records reads = of(restarted, SYS_read);

	CHECK_EQ(reads.size(), 2);
	CHECK(reads.size() == 2 && reads[0].ret == -512 && reads[1].ret == 1 &&
	      reads[0].args[1] == reads[1].args[1]);
	CHECK_EQ(of(restarted, SYS_rt_sigreturn).size(), 1);

	/* A handler without: the program sees EINTR, the trace the restart. */
	records interrupted = between(run.records, 5, 6);

	std::erase_if(interrupted, [&](const auto &r) { return r.tid != static_cast<tb_u32>(run.pid); });
	CHECK_EQ(of(interrupted, SYS_nanosleep).size(), 1);
	CHECK(!of(interrupted, SYS_nanosleep).empty() && of(interrupted, SYS_nanosleep)[0].ret == -516);
	CHECK_EQ(of(interrupted, SYS_rt_sigreturn).size(), 1);
	CHECK_EQ(of(interrupted, SYS_restart_syscall).size(), 0);
}

void stops_and_continues()
{
	run_options options = target({"busy", "4"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		for (int i = 0; i < 5; i++) {
			uint64_t before, after;

			kill(live.pid, SIGSTOP);
			CHECK(WIFSTOPPED(live.next_status()));
			before = __atomic_load_n(&live.truth->progress[1], __ATOMIC_RELAXED);
			usleep(20'000);
			after = __atomic_load_n(&live.truth->progress[1], __ATOMIC_RELAXED);
			CHECK_EQ(after, before); /* a stopped target stands still */
			kill(live.pid, SIGCONT);
			CHECK(WIFCONTINUED(live.next_status()));
			while (__atomic_load_n(&live.truth->progress[1], __ATOMIC_RELAXED) == after)
				usleep(200);
		}
		__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
	};
	run_traced(options, &run);
	check_clean_end(run, 0);
	for (int lane = 1; lane < 4; lane++)
		CHECK(run.truth->progress[lane] > 0);
	CHECK_EQ(of(run.records, SYS_getppid).size(),
		 run.truth->progress[1] + run.truth->progress[2] + run.truth->progress[3]);
	CHECK(run.counters["group_stops"] >= 5 * 4);
}

/* --- what other filters and architectures do -------------------------------------------------------------------- */

void refusals()
{
	traced_run run;
	long n = 0;

	run_traced(target({"refused", "101"}), &run);
	check_clean_end(run, 0);
	for (const auto &r : of(run.records, SYS_getpgrp)) {
		CHECK_EQ(r.ret, -EPERM);
		CHECK_EQ(r.args[0], 0x1234);
		CHECK_EQ(r.args[1], n++);
		CHECK_EQ(r.kind, TB_KIND_CALL);
	}
	CHECK_EQ(n, 101);
}

/* The stricter answer of two filters wins: a call that the target's refuses never gets to ours. */
void refusals_seccomp()
{
	traced_run run;

	run_traced(target({"refused", "101"}, "seccomp"), &run);
	check_clean_end(run, 0);
	CHECK_EQ(of(run.records, SYS_getpgrp).size(), 0);
}

void each_foreign_call(const char *variant)
{
	traced_run run;
	long n = 0;

	run_traced(target({"foreign", "101"}, variant), &run);
	check_clean_end(run, 0);
	for (const auto &r : of(run.records, 20, TB_KIND_CALL, TB_ARCH_I386)) {
		CHECK_EQ(r.ret, run.pid);
		CHECK_EQ(r.args[0], n++);
		CHECK_EQ(r.args[1], 0x22);
		CHECK_EQ(r.args[2], 0x33);
	}
	CHECK_EQ(n, 101);
	CHECK_EQ(of(run.records, SYS_writev).size(), 0);
}

void foreign_calls()
{
	each_foreign_call("");
}

void foreign_calls_seccomp()
{
	each_foreign_call("seccomp");
}

/* A filter names native numbers: i386's getpid has that of writev. */
void foreign_calls_filtered(const char *variant)
{
	run_options options = target({"foreign", "101"}, variant);
	traced_run run;

	options.filter = only({SYS_writev, SYS_exit_group});
	run_traced(options, &run);
	check_clean_end(run, 0);
	CHECK_EQ(run.records.size(), 1);
	CHECK_EQ(of(run.records, SYS_exit_group).size(), 1);
}

void foreign_filtered()
{
	foreign_calls_filtered("");
}

void foreign_filtered_seccomp()
{
	foreign_calls_filtered("seccomp");
}

/* --- disarming -------------------------------------------------------------------------------------------------- */

std::string status_line(pid_t tid, const char *name)
{
	char text[256], line[256];

	snprintf(text, sizeof(text), "/proc/%d/status", tid);
	FILE *file = fopen(text, "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name))) {
			fclose(file);
			return std::string(line + strlen(name) + 1, strcspn(line + strlen(name) + 1, "\n"));
		}
	}
	if (file)
		fclose(file);
	return "";
}

void wait_disarmed(traced_run &live)
{
	live.stop = true;
	while (!live.disarmed)
		usleep(200);
}

/* Of the first lane, in calls. */
void wait_progress(traced_run &live, uint64_t calls)
{
	while (__atomic_load_n(&live.truth->progress[1], __ATOMIC_RELAXED) < calls && !live.ended)
		usleep(200);
}

void disarm_while_busy()
{
	for (int i = 0; i < 20; i++) {
		run_options options = target({"busy", "4"});
		traced_run run;

		options.meanwhile = [](traced_run &live) {
			uint64_t at_disarm;

			live.wait_phase(1);
			wait_progress(live, 500);
			wait_disarmed(live);
			CHECK_EQ(live.disarm_rc, 0);
			CHECK(status_line(live.pid, "TracerPid:") == "0");
			at_disarm = __atomic_load_n(&live.truth->progress[1], __ATOMIC_RELAXED);
			wait_progress(live, at_disarm + 1000);
			__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
		};
		run_traced(options, &run);
		CHECK(run.failure.empty());
		CHECK(WIFEXITED(run.status));
		CHECK_EQ(WEXITSTATUS(run.status), 0); /* no child of it was lost, no signal came */
		CHECK(of(run.records, SYS_getppid).size() > 0);
		check_form(run);
	}
}

void disarm_in_a_stop()
{
	run_options options = target({"busy", "3"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		kill(live.pid, SIGSTOP);
		CHECK(WIFSTOPPED(live.next_status()));
		wait_disarmed(live);
		CHECK_EQ(live.disarm_rc, 0);
		usleep(50'000);
		CHECK(status_line(live.pid, "State:").find("T (stopped)") != std::string::npos);
		__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
		kill(live.pid, SIGCONT);
	};
	run_traced(options, &run);
	CHECK(WIFEXITED(run.status));
	CHECK_EQ(WEXITSTATUS(run.status), 0);
}

void disarm_asleep()
{
	run_options options = target({"sleeper"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		wait_disarmed(live);
		CHECK_EQ(live.disarm_rc, 0);
		__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
	};
	run_traced(options, &run);
	CHECK(WIFEXITED(run.status));
	CHECK_EQ(WEXITSTATUS(run.status), 0);
}

void disarm_with_a_dead_leader()
{
	run_options options = target({"leader-leaves"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		wait_disarmed(live);
		CHECK_EQ(live.disarm_rc, 0);
		__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
	};
	run_traced(options, &run);
	CHECK(WIFEXITED(run.status));
	CHECK_EQ(of(run.records, SYS_exit).size(), 1);
}

void a_dead_leader_to_the_end()
{
	run_options options = target({"leader-leaves"});
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		__atomic_store_n(&live.truth->go, 1, __ATOMIC_RELEASE);
	};
	run_traced(options, &run);
	check_clean_end(run, 0);
	CHECK_EQ(of(run.records, SYS_exit).size(), 1);
	CHECK_EQ(of(run.records, SYS_exit_group).size(), 1);
}

void disarm_seccomp_kills()
{
	run_options options = target({"busy", "4"}, "seccomp");
	traced_run run;

	options.meanwhile = [](traced_run &live) {
		live.wait_phase(1);
		wait_disarmed(live);
	};
	run_traced(options, &run);
	CHECK_EQ(run.disarm_rc, -EBUSY);
	CHECK(strstr(run.error.message, "ENOSYS") != nullptr);
	CHECK(strstr(run.error.mend, "default variant") != nullptr);
	CHECK(WIFSIGNALED(run.status));
	CHECK_EQ(WTERMSIG(run.status), SIGKILL);
}

void somebody_takes_sigchld()
{
	run_options options = target({"words", "11"});
	struct sigaction before, after;
	traced_run run;

	sigaction(SIGCHLD, nullptr, &before);
	options.before_disarm = [] {
		signal(SIGCHLD, [](int) {});
	};
	run_traced(options, &run);
	CHECK_EQ(run.disarm_rc, -EBUSY);
	CHECK(strstr(run.error.message, "SIGCHLD") != nullptr);
	CHECK(strstr(run.error.mend, "child_process") != nullptr);
	sigaction(SIGCHLD, nullptr, &after);
	CHECK(after.sa_handler != SIG_DFL); /* what somebody else has set is left to him */
	sigaction(SIGCHLD, &before, nullptr);
}

void dispositions_are_restored()
{
	struct sigaction before = {}, after;
	traced_run run;
	int held = 0;

	before.sa_handler = [](int) {
	};
	before.sa_flags = SA_RESTART;
	sigaction(SIGCHLD, &before, nullptr);
	run_traced(target({"words", "11"}), &run);
	check_clean_end(run, 7);
	sigaction(SIGCHLD, nullptr, &after);
	CHECK(after.sa_handler == before.sa_handler && (after.sa_flags & SA_RESTART) &&
	      !(after.sa_flags & SA_NOCLDSTOP));
	signal(SIGCHLD, SIG_DFL);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
		sigaction(sig, nullptr, &after);
		held += after.sa_handler != SIG_DFL;
	}
	CHECK_EQ(held, 0);
}

/* --- what goes wrong before anything runs ------------------------------------------------------------------------ */

void errors()
{
	const struct tb_source_ops &ops = tb_ptrace_source;
	struct tb_source_config config = {};
	struct tb_source *source = nullptr;
	struct tb_geometry geometry;
	struct tb_error err = {};

	config.abi = TB_SOURCE_ABI;
	config.variant = "sideways";
	CHECK_EQ(ops.open(&config, &source, &geometry, &err), -EINVAL);
	CHECK(strstr(err.message, "sideways") != nullptr);
	config.variant = "";
	config.abi = TB_SOURCE_ABI + 1;
	CHECK_EQ(ops.open(&config, &source, &geometry, &err), -EPROTO);
	config.abi = TB_SOURCE_ABI;
	CHECK_EQ(ops.open(&config, &source, &geometry, &err), 0);

	pid_t gone = fork();

	if (gone == 0)
		_exit(0);
	waitpid(gone, nullptr, 0);
	CHECK_EQ(ops.arm(source, gone, &err), -ESRCH);
	CHECK(strstr(err.message, "is gone") != nullptr);
	CHECK_EQ(ops.disarm(source, &err), 0);
	CHECK_EQ(ops.disarm(source, &err), 0);
	ops.close(source);
}

void probes(const char *variant, int wanted)
{
	struct tb_source_config config = {};
	struct tb_error err = {};
	int answer;

	config.abi = TB_SOURCE_ABI;
	config.variant = variant;
	answer = tb_ptrace_source.probe(&config, &err);
	CHECK_EQ(answer, wanted);
	CHECK(answer == 1 || (err.message[0] && err.mend[0]));
	if (answer != 1)
		printf("  (%s; %s)\n", err.message, err.mend);
	CHECK(waitpid(-1, nullptr, WNOHANG | __WALL) == -1 && errno == ECHILD);
}

void probe_default()
{
	probes("", 1);
}

void probe_seccomp()
{
	probes("seccomp", 1);
}

/* Without privileges the answer is no, with the reason and what to do. */
void probe_seccomp_as_user()
{
	fflush(stdout);

	pid_t pid = fork();
	int status;

	if (pid == 0) {
		case_failures = 0;
		/* A change of user makes a process undumpable, and its children untraceable for users. */
		if (setgid(65534) != 0 || setuid(65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0)
			_exit(99);
		probes("", 1);
		probes("seccomp", 0);
		fflush(stdout);
		_exit(case_failures);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

struct test_case {
	const char *name;
	void (*run)();
	bool privileged;
};

constexpr struct test_case cases[] = {
	{"contents", contents, false},
	{"contents_one_at_a_time", contents_one_at_a_time, false},
	{"contents_seccomp", contents_seccomp, true},
	{"filter_in_user_space", filter_in_user_space, false},
	{"filter_in_kernel", filter_in_kernel, true},
	{"threads", threads, false},
	{"threads_seccomp", threads_seccomp, true},
	{"births", births, false},
	{"births_seccomp", births_seccomp, true},
	{"ten_thousand_forks", ten_thousand_forks, false},
	{"group_exit_of_blocked_threads", group_exit_of_blocked_threads, false},
	{"execs", execs, false},
	{"execs_seccomp", execs_seccomp, true},
	{"segfault", segfault, false},
	{"killed_from_outside", killed_from_outside, false},
	{"signals", signals_default, false},
	{"signals_seccomp", signals_seccomp, true},
	{"restarts", restarts, false},
	{"stops_and_continues", stops_and_continues, false},
	{"refusals", refusals, false},
	{"refusals_seccomp", refusals_seccomp, true},
	{"foreign_calls", foreign_calls, false},
	{"foreign_calls_seccomp", foreign_calls_seccomp, true},
	{"foreign_filtered", foreign_filtered, false},
	{"foreign_filtered_seccomp", foreign_filtered_seccomp, true},
	{"disarm_while_busy", disarm_while_busy, false},
	{"disarm_in_a_stop", disarm_in_a_stop, false},
	{"disarm_asleep", disarm_asleep, false},
	{"disarm_with_a_dead_leader", disarm_with_a_dead_leader, false},
	{"a_dead_leader_to_the_end", a_dead_leader_to_the_end, false},
	{"disarm_seccomp_kills", disarm_seccomp_kills, true},
	{"somebody_takes_sigchld", somebody_takes_sigchld, false},
	{"dispositions_are_restored", dispositions_are_restored, false},
	{"errors", errors, false},
	{"probe_default", probe_default, false},
	{"probe_seccomp", probe_seccomp, true},
	{"probe_seccomp_as_user", probe_seccomp_as_user, true},
};

} /* namespace */

int main(int argc, char **argv)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
	int passed = 0, failed = 0, skipped = 0;

	if (length < 0)
		return 70;
	target_path.assign(self, static_cast<size_t>(length));
	target_path.replace(target_path.rfind('/'), std::string::npos, "/ptrace_test_target");
	alarm(300); /* nothing here may hang; what is traced dies with the tracer */
	for (const struct test_case &test : cases) {
		const auto named = [&](const char *name) {
			return !strcmp(name, test.name);
		};

		if (argc > 1 && std::none_of(argv + 1, argv + argc, named))
			continue;
		if (test.privileged && geteuid() != 0) {
			printf("skip %s: needs CAP_SYS_ADMIN\n", test.name);
			skipped++;
			continue;
		}
		case_failures = 0;
		test.run();
		printf("%s %s\n", case_failures ? "FAIL" : "ok  ", test.name);
		fflush(stdout);
		case_failures ? failed++ : passed++;
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What samples mean: the cases of docs/method.md that the conformance suite cannot bring about at will, and losses. */
#include <cerrno>
#include <sys/syscall.h>

#include "calls.h"
#include "check.h"
#include "kernel_ring.h"
#include "registers.h"

using namespace tb::perf;

namespace
{

constexpr uint16_t kEnter = 443, kExit = 442, kExecve = 862, kExitGroup = 900;

CallsConfig make_config()
{
	CallsConfig config;

	config.type_enter = kEnter;
	config.type_exit = kExit;
	config.entry_points = {{kExecve, SYS_execve}, {kExitGroup, SYS_exit_group}};
	return config;
}

/* The words a sample points to live as long as this. */
struct Made {
	Words words;
	Sample sample;

	explicit Made(const Words &record, unsigned registers, uint16_t cpu = 0) : words(record)
	{
		const char *bytes = reinterpret_cast<const char *>(words.data());

		CHECK(decode_sample(bytes, static_cast<uint32_t>(words.size() * 8), registers, &sample));
		sample.cpu = cpu;
	}
	Made(const Made &) = delete;
};

struct Taken {
	unsigned count;
	tb_record records[2];
};

Taken take(Calls *calls, const Made &made)
{
	Taken taken = {};

	taken.count = calls->take(made.sample, taken.records);
	return taken;
}

Made entry(uint32_t tid, uint64_t ts, uint64_t nr, uint64_t arg)
{
	return Made(make_sample(100, tid, ts, {kEnter, nr, arg, arg + 1, arg + 2, arg + 3, arg + 4, arg + 5},
				PERF_SAMPLE_REGS_ABI_64, {0x40, 0x40}),
		    2);
}

Made returned(uint32_t tid, uint64_t ts, int64_t nr, int64_t ret, uint64_t cx = 0x40)
{
	return Made(make_sample(100, tid, ts, {kExit, static_cast<uint64_t>(nr), static_cast<uint64_t>(ret)},
				PERF_SAMPLE_REGS_ABI_64, {cx, 0x40}),
		    2);
}

} // namespace

TEST(a_pair_of_the_real_kernel_is_one_call)
{
	const Made enter({0x0078000100000009, 0x0000728100007281, 0x00000c834a355052, 0x010001bb00000044,
			  0x0000006e00007281, 0x1111111100000000, 0x2222222211111111, 0x3333333322222222,
			  0x4444444433333333, 0x5555555544444444, 0x6666666655555555, 0x0000000066666666,
			  0x0000000000000002, 0x00007fd1030f6829, 0x00007fd1030f6829},
			 2);
	const Made exit({0x0050000100000009, 0x0000728100007281, 0x00000c834a355915, 0x010001ba0000001c,
			 0x0000006e00007281, 0x000071c800000000, 0x0000000000000000, 0x0000000000000002,
			 0x00007fd1030f6829, 0x00007fd1030f6829},
			2, 1);
	const auto pairs = make_paired_calls(make_config());
	const auto entries = make_entry_calls(make_config());

	CHECK_EQ(take(pairs.get(), enter).count, 0u);
	const Taken call = take(pairs.get(), exit);
	CHECK_EQ(call.count, 1u);
	const tb_record &r = call.records[0];
	CHECK_EQ(r.nr, 110);
	CHECK_EQ(r.ret, 0x71c8);
	CHECK_EQ(r.arch, kNativeArch);
	CHECK_EQ(r.tid, 0x7281u);
	CHECK_EQ(r.cpu, 1);
	CHECK_EQ(r.ts_ns, 0x00000c834a355915ull);
	CHECK_EQ(r.args_valid, 0x3f);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(r.args[i], 0x1111111111111111ull * (i + 1));
	const Taken alone = take(entries.get(), enter);
	CHECK_EQ(alone.count, 1u);
	CHECK_EQ(alone.records[0].flags, static_cast<uint32_t>(TB_F_ENTER));
	CHECK_EQ(alone.records[0].args[5], 0x6666666666666666ull);
}

TEST(an_exit_after_a_gap_is_not_given_to_an_entry_before_it)
{
	const auto calls = make_paired_calls(make_config());
	tb_record out[4];

	CHECK_EQ(take(calls.get(), entry(5, 10, SYS_getppid, 0xa0)).count, 0u);
	calls->lost();
	const Taken doubted = take(calls.get(), returned(5, 20, SYS_getppid, 1));
	CHECK_EQ(doubted.count, 1u);
	CHECK_EQ(doubted.records[0].args[0], 0xa0u);
	CHECK(!(doubted.records[0].flags & TB_F_RET));
	CHECK_EQ(calls->health().partial_calls, 1u);
	CHECK_EQ(calls->health().unpaired_exits, 1u);
	/* And what is in doubt when all has been read is not waited for. */
	CHECK_EQ(take(calls.get(), entry(5, 30, SYS_getppid, 0xb0)).count, 0u);
	CHECK_EQ(take(calls.get(), entry(6, 30, SYS_getppid, 0xc0)).count, 0u);
	CHECK_EQ(calls->settle(out, 4), 0u);
	calls->lost();
	CHECK_EQ(calls->settle(out, 1), 1u);
	CHECK_EQ(calls->settle(out + 1, 4), 1u);
	CHECK_EQ(out[0].args[0] + out[1].args[0], 0xb0u + 0xc0u);
	CHECK_EQ(out[0].flags & (TB_F_RET | TB_F_NO_RETURN), 0u);
	CHECK_EQ(calls->settle(out, 4), 0u);
	CHECK_EQ(take(calls.get(), returned(5, 40, SYS_getppid, 1)).count, 0u);
	CHECK_EQ(calls->health().partial_calls, 3u);
	CHECK_EQ(calls->health().refused, 0u);
}

/* x86 gives the exit of an exec the number that execve has for the new program. */
TEST(an_exec_across_architectures_is_paired)
{
	const auto calls = make_paired_calls(make_config());

	CHECK_EQ(take(calls.get(), entry(5, 10, SYS_execve, 0xa0)).count, 0u);
	const Taken exec = take(calls.get(), returned(5, 20, 11, 0, 0));
	CHECK_EQ(exec.count, 1u);
	CHECK_EQ(exec.records[0].nr, SYS_execve);
	CHECK_EQ(exec.records[0].flags, static_cast<uint32_t>(TB_F_RET | TB_F_ENTRY_ARGS));
	CHECK_EQ(calls->health().unpaired_exits, 0u);
}

TEST(a_sample_without_its_fields_is_counted)
{
	const Made cut(make_sample(1, 1, 1, {kExit}, PERF_SAMPLE_REGS_ABI_64, {1, 1}), 2);
	const Made strange(make_sample(1, 1, 1, {999, 1, 1}, PERF_SAMPLE_REGS_ABI_64, {1, 1}), 2);

	const auto pairs = make_paired_calls(make_config());
	CHECK_EQ(take(pairs.get(), cut).count, 0u);
	CHECK_EQ(take(pairs.get(), strange).count, 0u);
	CHECK_EQ(pairs->health().undecodable, 2u);
}

TEST(entries_before_the_targets_execve_are_dropped)
{
	CallsConfig config = make_config();
	config.gate_tid = 5;
	const auto calls = make_entry_calls(config);

	CHECK_EQ(take(calls.get(), entry(5, 1, SYS_read, 0)).count, 0u);
	CHECK_EQ(take(calls.get(), entry(6, 2, SYS_execve, 0)).count, 0u);
	CHECK_EQ(take(calls.get(), entry(5, 3, SYS_execve, 0xe)).records[0].args[0], 0xeu);
	CHECK_EQ(take(calls.get(), entry(6, 4, SYS_read, 0)).count, 1u);
}

#if defined(__x86_64__)

namespace
{

/* In the order of a sample: bx cx dx si di bp ip r8 r9 r10. */
const Words kSyscall = {0xb, 0x40, 0xd, 0x51, 0xd1, 0xbb, 0x40, 0x8, 0x9, 0x10};
const Words kInt80 = {0xffffffff0000000b, 0xc, 0xd, 0x51, 0xd1, 0xbb, 0x40, 0x8, 0x9, 0x10};
const Words kFresh = {0, 0, 0, 0, 0, 0, 0x7f0000001000, 0, 0, 0};

Made exit10(uint32_t tgid, uint32_t tid, int64_t nr, int64_t ret, const Words &registers = kSyscall,
	    uint64_t abi = PERF_SAMPLE_REGS_ABI_64)
{
	return Made(make_sample(tgid, tid, 50, {kExit, static_cast<uint64_t>(nr), static_cast<uint64_t>(ret)},
				abi, registers),
		    10);
}

Made entry10(uint32_t tgid, uint32_t tid, uint16_t type, const Words &registers = kSyscall)
{
	return Made(make_sample(tgid, tid, 40, {type, 1}, PERF_SAMPLE_REGS_ABI_64, registers), 10);
}

/* dx si di r8 r9 r10. */
Made exit6(int64_t nr, int64_t ret, const Words &registers, uint64_t abi = PERF_SAMPLE_REGS_ABI_64)
{
	return Made(make_sample(7, 7, 50, {kExit, static_cast<uint64_t>(nr), static_cast<uint64_t>(ret)}, abi,
				registers),
		    6);
}

void check_args(const tb_record &r, const Words &args)
{
	CHECK_EQ(r.args_valid, 0x3f);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(r.args[i], args[i]);
}

} // namespace

TEST(an_exit_is_a_call_with_everything)
{
	const auto calls = make_exit_calls(make_config());
	const Taken call = take(calls.get(), exit10(7, 8, SYS_read, -EBADF));

	CHECK_EQ(call.count, 1u);
	CHECK_EQ(call.records[0].nr, SYS_read);
	CHECK_EQ(call.records[0].ret, -EBADF);
	CHECK_EQ(call.records[0].tid, 8u);
	CHECK_EQ(call.records[0].tgid, 7u);
	CHECK_EQ(call.records[0].kind, TB_KIND_CALL);
	CHECK_EQ(call.records[0].flags, static_cast<uint32_t>(TB_F_RET));
	check_args(call.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
}

TEST(i386_calls_are_told_by_abi_and_by_what_int80_leaves_alone)
{
	CallsConfig blind = make_config();
	blind.mark = false;
	const auto calls = make_exit_calls(make_config());

	const Taken int80 = take(calls.get(), exit10(7, 7, 20, 7, kInt80));
	CHECK_EQ(int80.records[0].arch, TB_ARCH_I386);
	check_args(int80.records[0], {0xb, 0xc, 0xd, 0x51, 0xd1, 0xbb});
	const Taken abi32 = take(calls.get(), exit10(7, 7, 20, 7, kSyscall, PERF_SAMPLE_REGS_ABI_32));
	CHECK_EQ(abi32.records[0].arch, TB_ARCH_I386);
	check_args(abi32.records[0], {0xb, 0x40, 0xd, 0x51, 0xd1, 0xbb});
	CHECK_EQ(take(make_exit_calls(blind).get(), exit10(7, 7, 20, 7, kInt80)).records[0].arch,
		 TB_ARCH_X86_64);
	/* i386 fork is number 2. */
	CHECK_EQ(take(calls.get(), exit10(7, 9, 2, 0, kInt80)).records[0].kind, TB_KIND_BIRTH);
	CHECK_EQ(take(calls.get(), exit10(7, 9, 2, 0)).records[0].kind, TB_KIND_CALL);
}

TEST(six_registers_hold_a_native_call_and_half_of_an_i386_one)
{
	const Words six = {0xd, 0x51, 0xd1, 0x8, 0x9, 0x10}, fresh(6, 0);
	CallsConfig config = make_config();
	config.lean = true;
	config.mark = false;
	const auto calls = make_exit_calls(config);

	const Taken native = take(calls.get(), exit6(SYS_read, -EBADF, six));
	CHECK_EQ(native.records[0].arch, TB_ARCH_X86_64);
	CHECK_EQ(native.records[0].ret, -EBADF);
	check_args(native.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
	const Taken abi32 = take(calls.get(), exit6(20, 7, six, PERF_SAMPLE_REGS_ABI_32));
	CHECK_EQ(abi32.records[0].arch, TB_ARCH_I386);
	CHECK_EQ(abi32.records[0].args_valid, 0x1c);
	const Words args = {0, 0, 0xd, 0x51, 0xd1, 0};
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(abi32.records[0].args[i], args[i]);
	/* An exec into either architecture; i386's number 59 is oldolduname, whose one argument is in ebx. */
	CHECK_EQ(take(calls.get(), exit6(SYS_execve, 0, fresh)).records[0].arch, TB_ARCH_I386);
	CHECK_EQ(take(calls.get(), exit6(kForeignExecve, 0, fresh, PERF_SAMPLE_REGS_ABI_32)).records[0].nr,
		 kForeignExecve);
	CHECK_EQ(calls->health().execs_without_entry, 2u);
	CHECK_EQ(take(calls.get(), exit6(SYS_execve, 0, fresh, PERF_SAMPLE_REGS_ABI_32)).records[0].nr,
		 SYS_execve);
	CHECK_EQ(calls->health().execs_without_entry, 2u);
}

TEST(a_filter_names_native_numbers)
{
	CallsConfig config = make_config();
	config.filter.active = 1;
	config.filter.wanted[0] = 1ull << 20;
	const auto calls = make_exit_calls(config);

	CHECK_EQ(take(calls.get(), exit10(7, 7, 20, 7)).count, 1u);
	CHECK_EQ(take(calls.get(), exit10(7, 7, 20, 7, kInt80)).count, 0u);
	CHECK_EQ(take(calls.get(), exit10(7, 7, 21, 7)).count, 0u);
	CHECK_EQ(take(calls.get(), exit10(7, 7, -1, 0)).count, 0u);
}

TEST(a_zero_return_of_a_fork_is_a_birth)
{
	const auto calls = make_exit_calls(make_config());

	for (const int nr : {SYS_clone, SYS_fork, SYS_vfork, SYS_clone3}) {
		CHECK_EQ(take(calls.get(), exit10(9, 9, nr, 0)).records[0].kind, TB_KIND_BIRTH);
		CHECK_EQ(take(calls.get(), exit10(9, 9, nr, 77)).records[0].kind, TB_KIND_CALL);
		CHECK_EQ(take(calls.get(), exit10(9, 9, nr, -EAGAIN)).records[0].kind, TB_KIND_CALL);
	}
	CHECK_EQ(calls->health().births, 4u);
}

TEST(rt_sigreturn_is_named_and_a_call_with_number_minus_one_is_not)
{
	const auto calls = make_exit_calls(make_config());
	const Taken named = take(calls.get(), exit10(9, 9, -1, 0x1234));

	CHECK_EQ(named.records[0].nr, SYS_rt_sigreturn);
	CHECK_EQ(named.records[0].args_valid, 0);
	CHECK_EQ(take(calls.get(), exit10(9, 9, -1, -ENOSYS)).records[0].nr, -1);
	const Taken foreign = take(calls.get(), exit10(9, 9, -1, 0, kSyscall, PERF_SAMPLE_REGS_ABI_32));
	CHECK_EQ(foreign.records[0].nr, -1);
	CHECK_EQ(foreign.records[0].arch, TB_ARCH_I386);
}

TEST(execve_has_the_arguments_of_its_entry)
{
	const auto calls = make_exit_calls(make_config());

	CHECK_EQ(take(calls.get(), entry10(9, 9, kExecve)).count, 0u);
	const Taken exec = take(calls.get(), exit10(9, 9, SYS_execve, 0, kFresh));
	CHECK_EQ(exec.records[0].flags, static_cast<uint32_t>(TB_F_RET | TB_F_ENTRY_ARGS));
	CHECK_EQ(exec.records[0].arch, TB_ARCH_X86_64);
	check_args(exec.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
	/* By a thread that takes over the leader's tid. */
	take(calls.get(), entry10(9, 12, kExecve));
	const Taken renamed = take(calls.get(), exit10(9, 9, SYS_execve, 0, kFresh));
	CHECK_EQ(renamed.records[0].tid, 9u);
	check_args(renamed.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
	/* The new program is a 32-bit one: mode and number are its. */
	take(calls.get(), entry10(9, 9, kExecve));
	const Taken to32 = take(calls.get(), exit10(9, 9, 11, 0, kFresh, PERF_SAMPLE_REGS_ABI_32));
	CHECK_EQ(to32.records[0].arch, TB_ARCH_X86_64);
	CHECK_EQ(to32.records[0].nr, SYS_execve);
	CHECK_EQ(to32.records[0].args_valid, 0x3f);
	CHECK_EQ(calls->health().execs_without_entry, 0u);
}

TEST(execve_without_its_entry_has_no_arguments_and_keeps_its_name)
{
	const auto calls = make_exit_calls(make_config());

	/* Nothing was lost, and native ones have an entry: a 32-bit program made it. */
	for (const int nr : {59, 11}) {
		const Taken foreign = take(calls.get(), exit10(9, 9, nr, 0, kFresh));
		CHECK_EQ(foreign.records[0].arch, TB_ARCH_I386);
		CHECK_EQ(foreign.records[0].nr, 11);
		CHECK_EQ(foreign.records[0].args_valid, 0);
	}
	const Taken munmap = take(calls.get(), exit10(9, 9, 11, 0));
	CHECK_EQ(munmap.records[0].arch, TB_ARCH_X86_64);
	CHECK_EQ(munmap.records[0].args_valid, 0x3f);
	CHECK_EQ(calls->health().execs_without_entry, 2u);
	/* A kept entry that a loss lies behind may be another call's. */
	take(calls.get(), entry10(9, 9, kExecve));
	calls->lost();
	const Taken native = take(calls.get(), exit10(9, 9, SYS_execve, 0, kFresh));
	CHECK_EQ(native.records[0].arch, TB_ARCH_X86_64);
	CHECK_EQ(native.records[0].nr, SYS_execve);
	CHECK_EQ(native.records[0].args_valid, 0);
	/* One that failed left its registers. */
	take(calls.get(), entry10(9, 9, kExecve));
	const Taken failed = take(calls.get(), exit10(9, 9, SYS_execve, -ENOENT));
	check_args(failed.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
	CHECK_EQ(take(calls.get(), exit10(9, 9, SYS_execve, 0, kFresh)).records[0].args_valid, 0);
}

TEST(exit_group_is_its_entry_and_the_gate_opens_with_the_targets_execve)
{
	CallsConfig config = make_config();
	config.gate_tid = 9;
	const auto calls = make_exit_calls(config);

	CHECK_EQ(take(calls.get(), exit10(9, 9, SYS_read, 1)).count, 0u);
	CHECK_EQ(take(calls.get(), entry10(9, 9, kExitGroup)).count, 0u);
	CHECK_EQ(take(calls.get(), entry10(8, 8, kExecve)).count, 0u);
	CHECK_EQ(take(calls.get(), exit10(8, 8, SYS_execve, 0, kFresh)).count, 0u);
	take(calls.get(), entry10(9, 9, kExecve));
	CHECK_EQ(take(calls.get(), exit10(9, 9, SYS_execve, 0, kFresh)).records[0].args_valid, 0x3f);
	const Taken end = take(calls.get(), entry10(9, 9, kExitGroup));
	CHECK_EQ(end.count, 1u);
	CHECK_EQ(end.records[0].nr, SYS_exit_group);
	CHECK_EQ(end.records[0].flags, static_cast<uint32_t>(TB_F_NO_RETURN | TB_F_ENTER));
	check_args(end.records[0], {0xd1, 0x51, 0xd, 0x10, 0x8, 0x9});
}

/* Kernels without tracepoints of single calls: the number is in the raw data of sys_enter. */
TEST(entries_of_all_calls_serve_as_well)
{
	CallsConfig config = make_config();
	config.entry_points.clear();
	const auto calls = make_exit_calls(config);
	const Made end(make_sample(9, 9, 40, {kEnter, SYS_exit, 1, 2, 3, 4, 5, 6}, PERF_SAMPLE_REGS_ABI_64,
				   kSyscall),
		       10);
	const Made foreign(make_sample(9, 9, 40, {kEnter, SYS_exit, 1, 2, 3, 4, 5, 6},
				       PERF_SAMPLE_REGS_ABI_64, kInt80),
			   10);

	CHECK_EQ(take(calls.get(), end).records[0].nr, SYS_exit);
	CHECK_EQ(take(calls.get(), foreign).count, 0u);
}

#endif

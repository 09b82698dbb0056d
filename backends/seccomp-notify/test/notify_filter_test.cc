/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp program, run here instruction by instruction. */
#include <cstddef>
#include <linux/seccomp.h>

#include "check.h"

extern "C" {
#include "call_class.h"
#include "notify_filter.h"
}

namespace
{

uint32_t run(const struct sock_filter *code, unsigned length, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (unsigned at = 0; at < length; at++) {
		const struct sock_filter &i = code[at];

		switch (i.code) {
		case BPF_LD | BPF_W | BPF_ABS:
			CHECK(i.k == offsetof(struct seccomp_data, arch) ||
			      i.k == offsetof(struct seccomp_data, nr));
			a = i.k == offsetof(struct seccomp_data, arch) ? arch : nr;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == i.k ? i.jt : i.jf;
			break;
		case BPF_RET | BPF_K:
			return i.k;
		default:
			CHECK(!"an instruction that the program does not use");
		}
	}
	CHECK(!"the program ends with a return");
	return 0;
}

struct program {
	struct tb_filter filter = {};
	struct sock_filter code[NOTIFY_FILTER_MAX];
	unsigned length = 0;

	void want(uint32_t nr)
	{
		filter.active = 1;
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	}
	void build()
	{
		length = notify_filter__build(&filter, code);
		CHECK(length <= NOTIFY_FILTER_MAX);
	}
	bool notifies(uint32_t arch, uint32_t nr) const
	{
		uint32_t action = run(code, length, arch, nr);

		CHECK(action == SECCOMP_RET_USER_NOTIF || action == SECCOMP_RET_ALLOW);
		return action == SECCOMP_RET_USER_NOTIF;
	}
};

constexpr uint32_t foreign = NOTIFY_NATIVE_ARCH == TB_ARCH_X86_64 ? TB_ARCH_I386 : TB_ARCH_ARM;

} /* namespace */

/* A signal that ended it at its notification would crash the program. */
static bool is_sigreturn(uint32_t arch, uint32_t nr)
{
	return notify_call__class(arch, static_cast<int32_t>(nr)) == NOTIFY_CALL_SIGRETURN;
}

TEST(without_a_filter_every_call_but_sigreturn_is_notified)
{
	struct program p;

	p.build();
	for (uint32_t nr = 0; nr < 600; nr++) {
		CHECK_EQ(p.notifies(NOTIFY_NATIVE_ARCH, nr), !is_sigreturn(NOTIFY_NATIVE_ARCH, nr));
		CHECK_EQ(p.notifies(foreign, nr), !is_sigreturn(foreign, nr));
		CHECK(notify_filter__delivers(&p.filter, foreign, static_cast<int32_t>(nr)));
	}
}

TEST(with_a_filter_the_wanted_ones_and_our_own)
{
	struct program p;

	for (uint32_t nr = 0; nr < TB_NR_MAX; nr += 3)
		p.want(nr);
	p.build();
	for (uint32_t nr = 0; nr < 600; nr++) {
		const bool wanted = nr < TB_NR_MAX && nr % 3 == 0;
		const auto native = notify_call__class(NOTIFY_NATIVE_ARCH, static_cast<int32_t>(nr));
		const auto other = notify_call__class(foreign, static_cast<int32_t>(nr));
		const bool ours = native == NOTIFY_CALL_FORK || native == NOTIFY_CALL_EXEC;

		const bool notified = (wanted || ours) && !is_sigreturn(NOTIFY_NATIVE_ARCH, nr);

		CHECK_EQ(p.notifies(NOTIFY_NATIVE_ARCH, nr), notified);
		CHECK_EQ(p.notifies(foreign, nr), other == NOTIFY_CALL_FORK);
		CHECK_EQ(notify_filter__delivers(&p.filter, NOTIFY_NATIVE_ARCH, static_cast<int32_t>(nr)) !=
				 0,
			 wanted);
		CHECK(!notify_filter__delivers(&p.filter, foreign, static_cast<int32_t>(nr)));
	}
}

TEST(the_longest_program_fits_and_reaches_all)
{
	struct program p;

	for (uint32_t nr = 0; nr < TB_NR_MAX; nr++)
		p.want(nr);
	p.build();
	for (uint32_t nr = 0; nr < TB_NR_MAX; nr++)
		CHECK_EQ(p.notifies(NOTIFY_NATIVE_ARCH, nr), !is_sigreturn(NOTIFY_NATIVE_ARCH, nr));
	CHECK(!p.notifies(NOTIFY_NATIVE_ARCH, TB_NR_MAX));
	CHECK(!p.notifies(foreign, 20));
}

TEST(calls_are_classed_by_their_own_table)
{
#if defined(__x86_64__)
	CHECK_EQ(notify_call__class(TB_ARCH_X86_64, 56), NOTIFY_CALL_FORK);
	CHECK_EQ(notify_call__class(TB_ARCH_I386, 56), NOTIFY_CALL_OTHER);
	CHECK_EQ(notify_call__class(TB_ARCH_I386, 120), NOTIFY_CALL_FORK);
	CHECK_EQ(notify_call__class(TB_ARCH_X86_64, 15), NOTIFY_CALL_SIGRETURN);
	CHECK_EQ(notify_call__class(TB_ARCH_I386, 173), NOTIFY_CALL_SIGRETURN);
	CHECK_EQ(notify_call__class(TB_ARCH_X86_64, 173), NOTIFY_CALL_OTHER);
	CHECK_EQ(notify_call__class(TB_ARCH_X86_64, 1), NOTIFY_CALL_OTHER);
	CHECK_EQ(notify_call__class(TB_ARCH_I386, 1), NOTIFY_CALL_EXIT);
	CHECK_EQ(notify_call__class(TB_ARCH_X86_64, 0x40000000 | 520), NOTIFY_CALL_EXEC);
#endif
}

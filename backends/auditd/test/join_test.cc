/* SPDX-License-Identifier: Apache-2.0 */
/* Completeness of calls, and what of the kernel's `lost` is calls. */
#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "books.h"
#include "check.h"
#include "event_join.h"

using namespace tb::auditd;

namespace
{

constexpr uint32_t kArch = 0xc000003e;

SyscallRecord call(uint32_t serial, int nr = SYS_getppid, uint32_t items = 0)
{
	SyscallRecord r;

	r.id.serial = serial;
	r.arch = kArch;
	r.nr = nr;
	r.has_exit = r.success = true;
	r.items = items;
	return r;
}

} // namespace

TEST(a_whole_call_misses_nothing)
{
	EventJoin join(kArch);

	join.begin(call(7));
	CHECK(join.companion(AUDIT_PROCTITLE, 7));
	CHECK(join.companion(AUDIT_EOE, 7));
	CHECK(!join.companion(AUDIT_EOE, 7)); /* over and done with */
	join.settle();
	CHECK_EQ(join.missing(), 0u);
	CHECK_EQ(join.incomplete_calls(), 0u);
}

TEST(every_companion_that_is_missing_counts)
{
	EventJoin join(kArch);

	join.begin(call(1));
	join.companion(AUDIT_EOE, 1); /* no PROCTITLE */
	join.begin(call(2));
	join.companion(AUDIT_PROCTITLE, 2); /* no EOE */
	join.begin(call(3, SYS_openat, 2));
	join.companion(AUDIT_PATH, 3); /* no CWD, one PATH */
	join.companion(AUDIT_PROCTITLE, 3);
	join.companion(AUDIT_EOE, 3);
	CHECK_EQ(join.missing(), 1u + 2); /* the second is still open */
	join.settle();
	CHECK_EQ(join.missing(), 1u + 1 + 2);
	CHECK_EQ(join.incomplete_calls(), 3u);
	join.settle();
	CHECK_EQ(join.missing(), 4u);
}

TEST(calls_with_a_record_of_their_own)
{
	EventJoin join(kArch);
	SyscallRecord mapped = call(2, SYS_mmap), anonymous = call(3, SYS_mmap), failed = call(4, SYS_execve);

	anonymous.args[3] = MAP_PRIVATE | MAP_ANONYMOUS;
	failed.success = false;
	join.begin(call(1, SYS_execve));
	join.begin(mapped);
	join.begin(anonymous);
	join.begin(failed);
	join.begin(call(5, SYS_pipe2));
	for (uint32_t serial = 1; serial <= 5; serial++) {
		join.companion(AUDIT_PROCTITLE, serial);
		join.companion(AUDIT_EOE, serial);
	}
	CHECK_EQ(join.missing(), 3u); /* EXECVE, MMAP, FD_PAIR */
	join.begin(call(6, SYS_execve));
	join.companion(AUDIT_EXECVE, 6);
	join.companion(AUDIT_EXECVE, 6); /* long command lines come in several */
	join.companion(AUDIT_PROCTITLE, 6);
	join.companion(AUDIT_EOE, 6);
	CHECK_EQ(join.missing(), 3u);
	/* i386 numbers are other calls. */
	SyscallRecord foreign = call(7, SYS_execve);
	foreign.arch = 0x40000003;
	join.begin(foreign);
	join.companion(AUDIT_PROCTITLE, 7);
	join.companion(AUDIT_EOE, 7);
	CHECK_EQ(join.missing(), 3u);
}

TEST(a_place_taken_again_closes_the_call_before)
{
	EventJoin join(kArch);

	join.begin(call(5));
	CHECK(!join.companion(AUDIT_PROCTITLE, 5 + 4096));
	join.begin(call(5 + 4096));
	CHECK_EQ(join.missing(), 2u);
	CHECK(!join.companion(AUDIT_EOE, 5));
	CHECK(join.companion(AUDIT_EOE, 5 + 4096));
	CHECK_EQ(join.missing(), 3u);
}

TEST(lost_records_are_calls_but_for_companions_of_delivered_ones)
{
	Books books;

	books.begin(1000, 5);
	books.look(1000, 5);
	CHECK_EQ(books.charged(), 0u);
	/* What was measured with a queue of 64: 42,268 SYSCALL, 2 PROCTITLE and 15 EOE of 50,003 calls. */
	books.look(1000 + 42285, 5 + 17);
	CHECK_EQ(books.lost_records(), 42285u);
	CHECK_EQ(books.charged(), 42268u);
	CHECK_EQ(books.silent(), 0u);
}

TEST(records_that_vanish_silently_never_lower_the_charge)
{
	Books books;

	books.begin(0, 0);
	books.look(10, 0);
	books.look(12, 45); /* 45 companions missing, 2 admitted */
	CHECK_EQ(books.charged(), 10u);
	CHECK_EQ(books.silent(), 43u);
	books.look(20, 45);
	CHECK_EQ(books.charged(), 18u);
}

TEST(the_kernels_counter_wraps)
{
	Books books;

	books.begin(UINT32_MAX - 1, 0);
	books.look(3, 0);
	CHECK_EQ(books.charged(), 5u);
}

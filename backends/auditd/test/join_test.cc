/* SPDX-License-Identifier: Apache-2.0 */
/* Completeness of events, and what of the kernel's `lost` is calls. */
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

void whole(EventJoin &join, uint32_t serial)
{
	join.call(call(serial));
	join.record(AUDIT_PROCTITLE, serial);
	join.record(AUDIT_EOE, serial);
}

} // namespace

TEST(a_whole_call_misses_nothing)
{
	EventJoin join(kArch);

	join.call(call(7));
	CHECK(join.record(AUDIT_PROCTITLE, 7));
	CHECK(join.record(AUDIT_EOE, 7));
	join.settle();
	CHECK_EQ(join.absent().companions, 0u);
	CHECK_EQ(join.absent().incomplete_calls, 0u);
	CHECK_EQ(join.absent().headless, 0u);
	CHECK_EQ(join.late(), 0u);
}

TEST(every_companion_that_is_missing_counts)
{
	EventJoin join(kArch);

	join.call(call(1));
	join.record(AUDIT_EOE, 1); /* no PROCTITLE */
	join.call(call(2));
	join.record(AUDIT_PROCTITLE, 2); /* no EOE */
	join.call(call(3, SYS_openat, 2));
	join.record(AUDIT_PATH, 3); /* no CWD, one PATH */
	join.record(AUDIT_PROCTITLE, 3);
	join.record(AUDIT_EOE, 3);
	CHECK_EQ(join.absent().companions, 0u); /* may still come */
	join.settle();
	CHECK_EQ(join.absent().companions, 1u + 1 + 2);
	CHECK_EQ(join.absent().incomplete_calls, 3u);
	CHECK_EQ(join.absent().headless, 0u);
	join.settle();
	CHECK_EQ(join.absent().companions, 4u);
}

TEST(calls_with_a_record_of_their_own)
{
	EventJoin join(kArch);
	SyscallRecord mapped = call(2, SYS_mmap), anonymous = call(3, SYS_mmap), failed = call(4, SYS_execve);
	/* i386 numbers are other calls. */
	SyscallRecord foreign = call(7, SYS_execve);

	anonymous.args[3] = MAP_PRIVATE | MAP_ANONYMOUS;
	failed.success = false;
	foreign.arch = 0x40000003;
	join.call(call(1, SYS_execve));
	join.call(mapped);
	join.call(anonymous);
	join.call(failed);
	join.call(call(5, SYS_pipe2));
	join.call(call(6, SYS_execve));
	join.record(AUDIT_EXECVE, 6);
	join.record(AUDIT_EXECVE, 6); /* long command lines come in several */
	join.call(foreign);
	for (uint32_t serial = 1; serial <= 7; serial++) {
		join.record(AUDIT_PROCTITLE, serial);
		join.record(AUDIT_EOE, serial);
	}
	join.settle();
	CHECK_EQ(join.absent().companions, 3u); /* EXECVE, MMAP, FD_PAIR */
}

TEST(records_may_come_in_any_order)
{
	EventJoin join(kArch);

	whole(join, 1);
	CHECK(!join.record(AUDIT_EOE, 3));
	CHECK(!join.record(AUDIT_PROCTITLE, 3));
	whole(join, 4);
	join.call(call(3));
	whole(join, 2);
	join.settle();
	CHECK_EQ(join.absent().companions, 0u);
	CHECK_EQ(join.absent().headless, 0u);
}

TEST(serials_without_a_call_are_calls_that_were_dropped)
{
	EventJoin join(kArch);

	whole(join, 10);
	/* 11 and 12: nothing came. */
	CHECK(!join.record(AUDIT_PROCTITLE, 13));
	CHECK(!join.record(AUDIT_EOE, 13));
	CHECK(!join.record(AUDIT_EOE, 14));
	whole(join, 15);
	join.settle();
	CHECK_EQ(join.absent().headless, 4u);
	CHECK_EQ(join.absent().headless_records, 3u + 3 + 1 + 2);
	CHECK_EQ(join.absent().companions, 0u);
}

TEST(what_is_no_call_of_the_target_is_not_missed)
{
	EventJoin join(kArch);

	join.foreign_call(1); /* somebody else's, cut short */
	join.record(AUDIT_PROCTITLE, 1);
	CHECK(!join.record(AUDIT_CONFIG_CHANGE, 2));
	CHECK(!join.record(1334, 3)); /* the load of a BPF program */
	whole(join, 4);
	join.settle();
	CHECK_EQ(join.absent().headless, 0u);
	CHECK_EQ(join.absent().companions, 0u);
}

namespace
{

/* A poke's record, and behind it those of the call that poked. */
void poke(EventJoin &join, uint32_t serial, bool syscall = true, bool proctitle = true, bool eoe = true)
{
	CHECK(!join.record(AUDIT_CONFIG_CHANGE, serial));
	join.poke(serial);
	if (syscall)
		join.foreign_call(serial);
	if (proctitle)
		CHECK(!join.record(AUDIT_PROCTITLE, serial));
	if (eoe)
		CHECK(!join.record(AUDIT_EOE, serial));
}

} // namespace

TEST(what_is_missing_of_pokes_is_told_apart)
{
	EventJoin join(kArch);

	poke(join, 1, false, false,
	     false); /* refused at a full queue, and not known yet to be recorded at all */
	poke(join, 2);
	poke(join, 3, true, true, false);
	whole(join, 4);
	poke(join, 5);
	join.settle();
	CHECK_EQ(join.absent().of_pokes, 1u + 1);
	CHECK_EQ(join.absent().headless, 0u);
	CHECK_EQ(join.absent().companions, 0u);
	/* They are no calls. */
	Books books;
	books.begin(0, {});
	books.look(10, join.absent());
	CHECK_EQ(books.lost_records(), 10u);
	CHECK_EQ(books.refused(), 8u);
	CHECK_EQ(books.silent(), 0u);
}

TEST(what_follows_the_last_poke_may_still_be_on_its_way)
{
	EventJoin join(kArch);

	poke(join, 1);
	poke(join, 2, true, false, false);
	join.settle();
	CHECK_EQ(join.absent().of_pokes, 0u);
	/* Settled a second time: that one is over, this one is the last. */
	poke(join, 3, false, false, false);
	poke(join, 4, false, false, false);
	join.settle();
	CHECK_EQ(join.absent().of_pokes, 1u);
}

TEST(pokes_of_a_thread_without_an_audit_context_have_no_call)
{
	EventJoin join(kArch);

	for (uint32_t serial = 1; serial < 5; serial++)
		poke(join, serial, false, false, false);
	join.settle();
	CHECK_EQ(join.absent().of_pokes, 0u);
}

TEST(an_event_is_closed_when_its_place_is_wanted)
{
	constexpr uint32_t kPlaces = 1u << 18;
	EventJoin join(kArch);

	join.call(call(5));
	whole(join, 6);
	whole(join, 5 + kPlaces);
	CHECK_EQ(join.absent().companions, 2u);
	CHECK_EQ(join.late(), 0u);
	CHECK(!join.record(AUDIT_EOE, 5));
	CHECK_EQ(join.late(), 1u);
	join.settle();
	CHECK_EQ(join.absent().headless, uint64_t{kPlaces} - 2);
}

TEST(a_leap_beyond_all_places_closes_all_between)
{
	EventJoin join(kArch);

	whole(join, 1);
	whole(join, 50'000'001);
	join.settle();
	CHECK_EQ(join.absent().headless, 49'999'999u);
	CHECK_EQ(join.absent().headless_records, 3u * 49'999'999u);
	CHECK_EQ(join.absent().companions, 0u);
}

TEST(serials_wrap)
{
	EventJoin join(kArch);

	whole(join, UINT32_MAX - 1);
	/* UINT32_MAX: nothing came. */
	whole(join, 0);
	whole(join, 1);
	join.settle();
	CHECK_EQ(join.absent().headless, 1u);
	CHECK_EQ(join.late(), 0u);
}

TEST(refused_calls_are_what_is_left_of_lost)
{
	Books books;
	Absent absent{.companions = 5};

	books.begin(1000, absent);
	books.look(1000, absent);
	CHECK_EQ(books.refused(), 0u);
	/* What was measured with a queue of 64: 42,268 SYSCALL, 2 PROCTITLE and 15 EOE of 50,003 calls. */
	absent.companions += 17;
	books.look(1000 + 42285, absent);
	CHECK_EQ(books.lost_records(), 42285u);
	CHECK_EQ(books.refused(), 42268u);
	CHECK_EQ(books.dropped(), 0u);
	CHECK_EQ(books.undecided(), 0u);
	CHECK_EQ(books.silent(), 0u);
}

TEST(dropped_calls_leave_little_undecided)
{
	Books books;

	books.begin(0, {});
	/* 100 refused; two events dropped, of which one had a CWD and a PATH besides. */
	books.look(100 + 3 + 5, {.headless = 2, .headless_records = 6});
	CHECK_EQ(books.dropped(), 2u);
	CHECK_EQ(books.undecided(), 12u); /* up to six more records each */
	CHECK_EQ(books.refused(), 90u);   /* 92 … 104 calls, truly 102 */
	/* Nothing else was lost: then nothing is undecided. */
	books.look(108 + 3, {.headless = 3, .headless_records = 9});
	CHECK_EQ(books.dropped(), 3u);
	CHECK_EQ(books.undecided(), 12u);
	CHECK_EQ(books.refused(), 90u);
}

TEST(what_lost_does_not_know_of_is_not_admitted)
{
	Books books;

	books.begin(0, {});
	books.look(10, {});
	books.look(12, {.companions = 45}); /* two admitted */
	CHECK_EQ(books.refused(), 10u);
	CHECK_EQ(books.silent(), 43u);
	/* 1,623 calls vanished, and `lost` knows of ten records: two to ten of these calls. */
	books.look(22, {.companions = 45, .headless = 1623, .headless_records = 4869});
	CHECK_EQ(books.refused(), 10u);
	CHECK_EQ(books.dropped(), 2u);
	CHECK_EQ(books.undecided(), 8u);
	CHECK_EQ(books.silent(), 43u + 4859);
}

TEST(the_kernels_counter_wraps)
{
	Books books;

	books.begin(UINT32_MAX - 1, {});
	books.look(3, {});
	CHECK_EQ(books.refused(), 5u);
}

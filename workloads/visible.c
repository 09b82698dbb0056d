/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visible: lseek(-1, stamp, SEEK_SET). The stamp is a declared argument, so that tools which print declared arguments
 * only (strace, perf trace) show it too. It fails at once with EBADF, as cheap as getppid.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

static unsigned lseek_kind;

static int prepare(struct tb_run *run)
{
	struct tb_call_kind *k;

	lseek_kind = tb_run__stamped(run, SYS_lseek, "lseek", 3, UINT64_MAX, 0, SEEK_SET);
	k = &run->control->kind[lseek_kind];
	k->stamp_arg = 1;
	k->arg_mask = 1u << 0 | 1u << 2;
	k->arg_hash = 1u << 3 | 1u << 4 | 1u << 5;
	tb_run__returns(run, lseek_kind, -EBADF);
	return 0;
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	while (lane->seq < calls) {
		uint64_t stamp = tb_lane__stamp(lane);
		int64_t ret =
			tb_call6(SYS_lseek, UINT64_MAX, stamp, SEEK_SET, TB_HASH(3), TB_HASH(4), TB_HASH(5));

		tb_lane__made(lane, lseek_kind, ret, ret == -EBADF);
	}
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "visible",
		.summary = "Calls lseek(-1, stamp, SEEK_SET) in a loop: stamps that every tool prints.",
		.max_calls = 1000000000000ull,
		.max_threads = 1,
		.prepare = prepare,
		.section = section,
	};

	return tb_runtime__main(&workload, argc, argv);
}

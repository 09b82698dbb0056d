/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selective: a given share of the calls is lseek(-1, stamp, SEEK_SET), which a tracer is told to want, the others are getuid,
 * which it is not. Both are as cheap as calls are, and neither is the call of the marks. The wanted ones are spread
 * evenly: after n calls their number is the share of n, rounded down.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

#define PERCENT 100

static unsigned wanted_kind, other_kind;
static int64_t uid;
static uint64_t match, due; /* due: hundredths of a wanted call */

static int prepare(struct tb_run *run)
{
	struct tb_call_kind *k;

	match = run->options.match;
	uid = getuid();
	wanted_kind = tb_run__stamped(run, SYS_lseek, "lseek", 3, UINT64_MAX, 0, SEEK_SET);
	k = &run->control->kind[wanted_kind];
	k->stamp_arg = 1;
	k->arg_mask = 1u << 0 | 1u << 2;
	k->arg_hash = 1u << 3 | 1u << 4 | 1u << 5;
	tb_run__returns(run, wanted_kind, -EBADF);
	other_kind = tb_run__stamped(run, SYS_getuid, "getuid", 0, 0, 0, 0);
	tb_run__returns(run, other_kind, uid);
	return 0;
}

static void wanted(struct tb_lane *lane)
{
	uint64_t stamp = tb_lane__stamp(lane);
	int64_t ret = tb_call6(SYS_lseek, UINT64_MAX, stamp, SEEK_SET, TB_HASH(3), TB_HASH(4), TB_HASH(5));

	tb_lane__made(lane, wanted_kind, ret, ret == -EBADF);
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	while (lane->seq < calls) {
		due += match;
		if (due >= PERCENT) {
			due -= PERCENT;
			wanted(lane);
		} else {
			int64_t ret = tb_stamped0(lane, SYS_getuid);

			tb_lane__made(lane, other_kind, ret, ret == uid);
		}
	}
}

static void rewind_due(void)
{
	due = 0;
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "selective",
		.summary = "Calls lseek(-1, stamp, SEEK_SET) as often as --match says, else getuid.",
		.max_calls = 1000000000000ull,
		.max_threads = 1,
		.has_match = true,
		.prepare = prepare,
		.section = section,
		.rewind = rewind_due,
	};

	return tb_runtime__main(&workload, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>
#include <unistd.h>

#include "getppid.h"

static unsigned getppid_kind;
static int64_t parent;

int tb_getppid__prepare(struct tb_run *run)
{
	parent = getppid();
	getppid_kind = tb_run__stamped(run, SYS_getppid, "getppid", 0, 0, 0, 0);
	tb_run__returns(run, getppid_kind, parent);
	return 0;
}

void tb_getppid__section(struct tb_lane *lane, uint64_t calls)
{
	while (lane->seq < calls) {
		int64_t ret = tb_stamped0(lane, SYS_getppid);

		tb_lane__made(lane, getppid_kind, ret, ret == parent);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdwr: one byte in, one byte out, the densest load that does real work. Both files are memfds of this process's own:
 * /dev/zero and /dev/null are inodes that all runs on a machine share and contend for.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

static unsigned read_kind, write_kind;
static int in = -1, out = -1;
static char byte;

static int prepare(struct tb_run *run)
{
	const struct tb_options *o = &run->options;
	uint64_t longest = o->calls > o->warmup ? o->calls : o->warmup;
	int code;

	in = memfd_create("tracebench-rdwr-in", MFD_CLOEXEC);
	out = memfd_create("tracebench-rdwr-out", MFD_CLOEXEC);
	/* One big hole: every read finds a byte, and none takes memory. */
	if (in < 0 || out < 0 || ftruncate(in, (off_t)(longest / 2 + 1))) {
		code = errno;
		return tb_run__fail(run, code, "cannot make the files to read and write");
	}
	read_kind = tb_run__stamped(run, SYS_read, "read", 3, (uint64_t)in, (uintptr_t)&byte, 1);
	tb_run__returns(run, read_kind, 1);
	write_kind = tb_run__stamped(run, SYS_write, "write", 3, (uint64_t)out, (uintptr_t)&byte, 1);
	tb_run__returns(run, write_kind, 1);
	return 0;
}

static void rewind_files(void)
{
	lseek(in, 0, SEEK_SET);
	lseek(out, 0, SEEK_SET);
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	int64_t ret;

	while (lane->seq < calls) {
		ret = tb_stamped3(lane, SYS_read, (uint64_t)in, (uintptr_t)&byte, 1);
		tb_lane__made(lane, read_kind, ret, ret == 1);
		ret = tb_stamped3(lane, SYS_write, (uint64_t)out, (uintptr_t)&byte, 1);
		tb_lane__made(lane, write_kind, ret, ret == 1);
	}
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "rdwr",
		.summary = "Reads and writes one byte in a loop, private files in memory: 2 calls an "
			   "iteration.\n"
			   "Takes half a byte of memory a call.",
		.max_calls = 1ull << 32,
		.max_threads = 1,
		.prepare = prepare,
		.section = section,
		.rewind = rewind_files,
	};

	return tb_runtime__main(&workload, argc, argv);
}

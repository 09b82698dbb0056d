/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: openat, read, fstat, close of one small file, as every program does it. openat without O_CREAT: with it the
 * fourth register would be the mode.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

#define FILE_BYTES 1024

/* The value of an int argument as the register holds it: this runtime always sign-extends. */
#define DIRFD ((uint64_t)(int64_t)AT_FDCWD)
#define FLAGS (O_RDONLY | O_CLOEXEC)

static unsigned openat_kind, read_kind, fstat_kind, close_kind;
static const char *path;
static int64_t fd; /* the lowest free one, the same in every iteration */
static char buffer[FILE_BYTES];
static struct stat status;

static int prepare(struct tb_run *run)
{
	path = tb_private_file__make(FILE_BYTES);
	if (!path) {
		int code = errno;

		return tb_run__fail(run, code,
				    "cannot make a private file (set TMPDIR to a writable directory)");
	}
	fd = open(path, FLAGS);
	if (fd < 0 || close((int)fd)) {
		int code = errno;

		tb_private_file__remove();
		return tb_run__fail(run, code, "cannot open the private file");
	}
	openat_kind = tb_run__stamped(run, SYS_openat, "openat", 3, DIRFD, (uintptr_t)path, FLAGS);
	tb_run__returns(run, openat_kind, fd);
	read_kind =
		tb_run__stamped(run, SYS_read, "read", 3, (uint64_t)fd, (uintptr_t)buffer, sizeof(buffer));
	tb_run__returns(run, read_kind, sizeof(buffer));
	fstat_kind = tb_run__stamped(run, SYS_fstat, "fstat", 2, (uint64_t)fd, (uintptr_t)&status, 0);
	tb_run__returns(run, fstat_kind, 0);
	close_kind = tb_run__stamped(run, SYS_close, "close", 1, (uint64_t)fd, 0, 0);
	tb_run__returns(run, close_kind, 0);
	return 0;
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	int64_t ret;

	while (lane->seq < calls) {
		ret = tb_stamped3(lane, SYS_openat, DIRFD, (uintptr_t)path, FLAGS);
		tb_lane__made(lane, openat_kind, ret, ret == fd);
		ret = tb_stamped3(lane, SYS_read, (uint64_t)fd, (uintptr_t)buffer, sizeof(buffer));
		tb_lane__made(lane, read_kind, ret, ret == sizeof(buffer));
		ret = tb_stamped2(lane, SYS_fstat, (uint64_t)fd, (uintptr_t)&status);
		tb_lane__made(lane, fstat_kind, ret, ret == 0);
		ret = tb_stamped1(lane, SYS_close, (uint64_t)fd);
		tb_lane__made(lane, close_kind, ret, ret == 0);
	}
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "file",
		.summary = "Opens, reads, stats and closes one small private file in a loop: 4 calls an "
			   "iteration.",
		.max_calls = 1000000000000ull,
		.max_threads = 1,
		.prepare = prepare,
		.section = section,
		.cleanup = tb_private_file__remove,
	};

	return tb_runtime__main(&workload, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixed: many kinds of call in an order drawn from a seed, as a server makes them. The weights are the order of magnitude
 * of a web server that serves small static files over kept-alive connections and logs each request. Per
 * request such a server waits for readiness once or twice (epoll_wait), receives once or twice, the second
 * time to find nothing, sends headers and body, opens, stats and closes a file when it does not cache descriptors, writes
 * a log line and sets a socket option now and then; connections come and go an order of magnitude less often.
 *
 * No peer and no call of more than three arguments (the fourth register is the stamp's), so the socket calls have
 * stand-ins of the same shape: a descriptor lookup and little work behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

enum op {
	OP_IOCTL,
	OP_READ,
	OP_WRITE,
	OP_OPEN_CLOSE,
	OP_FSTAT,
	OP_LSEEK,
	OP_FCNTL,
	OP_DUP_CLOSE,
	OP_GETUID,
	OP_COUNT
};

/* Out of 100 draws. */
static const unsigned weight[OP_COUNT] = {
	[OP_IOCTL] = 20,     /* FIONREAD on a socket: epoll_wait, and recv that finds nothing */
	[OP_READ] = 24,      /* 512 bytes: recv, read */
	[OP_WRITE] = 22,     /* 128 bytes: send, writev, the log */
	[OP_OPEN_CLOSE] = 8, /* openat, close: two calls */
	[OP_FSTAT] = 8,      [OP_LSEEK] = 4, /* also keeps the written file small */
	[OP_FCNTL] = 6,                      /* F_GETFL on a socket: fcntl, setsockopt */
	[OP_DUP_CLOSE] = 3,                  /* dup, close, two calls: accept4 and the connection's close */
	[OP_GETUID] = 5,                     /* getpid, gettid and the like */
};

#define READ_BYTES  512
#define WRITE_BYTES 128
#define DIRFD       ((uint64_t)(int64_t)AT_FDCWD)
#define FLAGS       (O_RDONLY | O_CLOEXEC)

/* The drawn order, walked round and round. A power of two, small enough for the first-level cache. */
#define ORDER 8192
static uint8_t order[ORDER];

static unsigned ioctl_kind, read_kind, write_kind, openat_kind, close_kind, fstat_kind, lseek_kind,
	fcntl_kind, dup_kind, getuid_kind;
static const char *path;
static int in = -1, out = -1, sockets[2] = {-1, -1};
static int64_t fd; /* what openat and dup return: the lowest free one */
static int64_t socket_flags, uid;
static char buffer[READ_BYTES];
static struct stat status;
static int waiting;

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void draw_order(uint64_t seed)
{
	for (unsigned i = 0; i < ORDER; i++) {
		unsigned left = (unsigned)(splitmix64(&seed) >> 32) % 100, op = 0;

		while (left >= weight[op])
			left -= weight[op++];
		order[i] = (uint8_t)op;
	}
}

static int make_descriptors(struct tb_run *run)
{
	path = tb_private_file__make(READ_BYTES);
	if (!path)
		return -1;
	in = memfd_create("tracebench-mixed-in", MFD_CLOEXEC);
	out = memfd_create("tracebench-mixed-out", MFD_CLOEXEC);
	/* A hole that no run reads to its end; the bound of 2^40 calls keeps it below the greatest file size. */
	if (in < 0 || out < 0 ||
	    ftruncate(in, (off_t)((run->options.calls + run->options.warmup + ORDER) * READ_BYTES)))
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return -1;
	socket_flags = fcntl(sockets[0], F_GETFL);
	if (socket_flags < 0)
		return -1;
	fd = open(path, FLAGS);
	return fd < 0 ? -1 : close((int)fd);
}

static int prepare(struct tb_run *run)
{
	if (make_descriptors(run)) {
		int code = errno;

		tb_private_file__remove();
		return tb_run__fail(run, code,
				    "cannot make private files and sockets (set TMPDIR to a writable "
				    "directory)");
	}
	uid = getuid();
	draw_order(run->options.seed);

	ioctl_kind = tb_run__stamped(run, SYS_ioctl, "ioctl", 3, (uint64_t)sockets[0], FIONREAD,
				     (uintptr_t)&waiting);
	tb_run__returns(run, ioctl_kind, 0);
	read_kind = tb_run__stamped(run, SYS_read, "read", 3, (uint64_t)in, (uintptr_t)buffer, READ_BYTES);
	tb_run__returns(run, read_kind, READ_BYTES);
	write_kind =
		tb_run__stamped(run, SYS_write, "write", 3, (uint64_t)out, (uintptr_t)buffer, WRITE_BYTES);
	tb_run__returns(run, write_kind, WRITE_BYTES);
	openat_kind = tb_run__stamped(run, SYS_openat, "openat", 3, DIRFD, (uintptr_t)path, FLAGS);
	tb_run__returns(run, openat_kind, fd);
	close_kind = tb_run__stamped(run, SYS_close, "close", 1, (uint64_t)fd, 0, 0);
	tb_run__returns(run, close_kind, 0);
	fstat_kind = tb_run__stamped(run, SYS_fstat, "fstat", 2, (uint64_t)in, (uintptr_t)&status, 0);
	tb_run__returns(run, fstat_kind, 0);
	lseek_kind = tb_run__stamped(run, SYS_lseek, "lseek", 3, (uint64_t)out, 0, SEEK_SET);
	tb_run__returns(run, lseek_kind, 0);
	fcntl_kind = tb_run__stamped(run, SYS_fcntl, "fcntl", 3, (uint64_t)sockets[0], F_GETFL, 0);
	tb_run__returns(run, fcntl_kind, socket_flags);
	dup_kind = tb_run__stamped(run, SYS_dup, "dup", 1, (uint64_t)sockets[0], 0, 0);
	tb_run__returns(run, dup_kind, fd);
	getuid_kind = tb_run__stamped(run, SYS_getuid, "getuid", 0, 0, 0, 0);
	tb_run__returns(run, getuid_kind, uid);
	return 0;
}

static void rewind_files(void)
{
	lseek(in, 0, SEEK_SET);
	lseek(out, 0, SEEK_SET);
}

static void close_again(struct tb_lane *lane)
{
	int64_t ret = tb_stamped1(lane, SYS_close, (uint64_t)fd);

	tb_lane__made(lane, close_kind, ret, ret == 0);
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	int64_t ret;

	for (unsigned i = 0; lane->seq < calls; i = (i + 1) % ORDER) {
		switch ((enum op)order[i]) {
		case OP_IOCTL:
			ret = tb_stamped3(lane, SYS_ioctl, (uint64_t)sockets[0], FIONREAD,
					  (uintptr_t)&waiting);
			tb_lane__made(lane, ioctl_kind, ret, ret == 0);
			break;
		case OP_READ:
			ret = tb_stamped3(lane, SYS_read, (uint64_t)in, (uintptr_t)buffer, READ_BYTES);
			tb_lane__made(lane, read_kind, ret, ret == READ_BYTES);
			break;
		case OP_WRITE:
			ret = tb_stamped3(lane, SYS_write, (uint64_t)out, (uintptr_t)buffer, WRITE_BYTES);
			tb_lane__made(lane, write_kind, ret, ret == WRITE_BYTES);
			break;
		case OP_OPEN_CLOSE:
			ret = tb_stamped3(lane, SYS_openat, DIRFD, (uintptr_t)path, FLAGS);
			tb_lane__made(lane, openat_kind, ret, ret == fd);
			close_again(lane);
			break;
		case OP_FSTAT:
			ret = tb_stamped2(lane, SYS_fstat, (uint64_t)in, (uintptr_t)&status);
			tb_lane__made(lane, fstat_kind, ret, ret == 0);
			break;
		case OP_LSEEK:
			ret = tb_stamped3(lane, SYS_lseek, (uint64_t)out, 0, SEEK_SET);
			tb_lane__made(lane, lseek_kind, ret, ret == 0);
			break;
		case OP_FCNTL:
			ret = tb_stamped3(lane, SYS_fcntl, (uint64_t)sockets[0], F_GETFL, 0);
			tb_lane__made(lane, fcntl_kind, ret, ret == socket_flags);
			break;
		case OP_DUP_CLOSE:
			ret = tb_stamped1(lane, SYS_dup, (uint64_t)sockets[0]);
			tb_lane__made(lane, dup_kind, ret, ret == fd);
			close_again(lane);
			break;
		case OP_GETUID:
		case OP_COUNT:
			ret = tb_stamped0(lane, SYS_getuid);
			tb_lane__made(lane, getuid_kind, ret, ret == uid);
			break;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "mixed",
		.summary = "Calls ioctl, read, write, openat, close, fstat, lseek, fcntl, dup and getuid in "
			   "a seeded\n"
			   "order, weighted as a web server's: 1 or 2 calls an iteration.",
		.max_calls = 1ull << 40,
		.max_threads = 1,
		.prepare = prepare,
		.section = section,
		.rewind = rewind_files,
		.cleanup = tb_private_file__remove,
	};

	return tb_runtime__main(&workload, argc, argv);
}

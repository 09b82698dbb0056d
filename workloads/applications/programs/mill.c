/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tb-mill: the files of a mail or news server, after the pattern of Katcher's PostMark: a pool of small files in one
 * directory, then transactions, each one half "read a whole file" or "append to a file" and one half "make a file" or "remove a file", evenly
 * drawn, then all are removed. What is drawn depends on the seed alone, so every run makes the same calls.
 *
 * Works in the current directory, which must be empty of its names. Prints {"done":N,"durationNs":D,…} of the
 * transactions. Exit codes: 0 fine, 1 a call failed, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK       4096
#define LEAST_BYTES 500
#define MOST_BYTES  10000
#define MOST_FILES  100000

static uint64_t state;
static char block[MOST_BYTES];

/* The files that exist, by their numbers; the next file made gets number `made`. */
static uint32_t *pool;
static uint32_t count, made;
static uint64_t reads, appends, creates, removes;

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

__attribute__((noreturn)) static void fail(const char *what, const char *name)
{
	fprintf(stderr, "tb-mill: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static const char *name_of(uint32_t file)
{
	static char name[16];

	snprintf(name, sizeof(name), "m%" PRIu32, file);
	return name;
}

static void write_block(int fd, const char *name)
{
	size_t size = LEAST_BYTES + draw(MOST_BYTES - LEAST_BYTES + 1);

	for (size_t at = 0; at < size;) {
		size_t rest = size - at;
		ssize_t n = write(fd, block + at, rest < BLOCK ? rest : BLOCK);

		if (n <= 0)
			fail("write", name);
		at += (size_t)n;
	}
}

static void make_file(void)
{
	const char *name = name_of(made);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		fail("open", name);
	write_block(fd, name);
	if (close(fd))
		fail("close", name);
	pool[count++] = made++;
}

static void remove_file(uint32_t at)
{
	const char *name = name_of(pool[at]);

	if (unlink(name))
		fail("unlink", name);
	pool[at] = pool[--count];
}

static void read_file(uint32_t at)
{
	const char *name = name_of(pool[at]);
	int fd = open(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		fail("open", name);
	while ((n = read(fd, block, BLOCK)) > 0) {}
	if (n < 0)
		fail("read", name);
	if (close(fd))
		fail("close", name);
}

static void append_file(uint32_t at)
{
	const char *name = name_of(pool[at]);
	int fd = open(name, O_WRONLY | O_APPEND);

	if (fd < 0)
		fail("open", name);
	write_block(fd, name);
	if (close(fd))
		fail("close", name);
}

static void transact(uint32_t most)
{
	uint32_t at = (uint32_t)draw(count);

	if (draw(2)) {
		read_file(at);
		reads++;
	} else {
		append_file(at);
		appends++;
	}
	/* The pool never runs dry, nor over. */
	if (count == 1 || (count < most && draw(2))) {
		make_file();
		creates++;
	} else {
		remove_file((uint32_t)draw(count));
		removes++;
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= least && value <= most)
		return value;
	fprintf(stderr, "tb-mill: --%s '%s' is not a number from %" PRIu64 " to %" PRIu64 "\n", option, text,
		least, most);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"files", required_argument, NULL, 'f'},
					      {"transactions", required_argument, NULL, 't'},
					      {"seed", required_argument, NULL, 's'},
					      {0}};
	uint64_t transactions = 10000, start, duration;
	uint32_t files = 500;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'f')
			files = (uint32_t)number("files", optarg, 1, MOST_FILES);
		else if (c == 't')
			transactions = number("transactions", optarg, 1, UINT32_MAX / 2);
		else if (c == 's')
			state = number("seed", optarg, 0, UINT64_MAX);
		else
			return 2;
	}
	if (optind < argc) {
		fprintf(stderr, "tb-mill: '%s' is one word too many\n", argv[optind]);
		return 2;
	}
	memset(block, 'm', sizeof(block));
	pool = calloc(2 * (size_t)files, sizeof(*pool));
	if (!pool)
		fail("memory for", "the pool");
	while (count < files)
		make_file();
	start = now_ns();
	for (uint64_t i = 0; i < transactions; i++)
		transact(2 * files);
	duration = now_ns() - start;
	while (count)
		remove_file(count - 1);
	printf("{\"done\":%" PRIu64 ",\"durationNs\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"appends\":%" PRIu64
	       ",\"creates\":%" PRIu64 ",\"removes\":%" PRIu64 "}\n",
	       transactions, duration, reads, appends, creates, removes);
	return 0;
}
